/* layer.h: the differentiable operations that layers of networks are made of. */
#ifndef AUTOGRAD_LAYER_H
#define AUTOGRAD_LAYER_H

#include <autograd/variable.h>

AG_BEGIN_DECLS

/*
 * Each function returns a new node in the arena, or NULL on failure: AG_ERROR_NULL, AG_ERROR_SHAPE,
 * AG_ERROR_ARGUMENT, AG_ERROR_MEMORY. Inputs are not changed and must live as long as the node.
 * Gradients flow to all inputs that require one.
 */

/**
 * Two-dimensional convolution (as all of machine learning calls it; strictly a cross-correlation):
 * y[b, o, i, j] = bias[o] + Σ_c,u,v weight[o, c, u, v] · x[b, c, i·stride + u - padding,
 * j·stride + v - padding], where x is 0 outside of the image.
 * Shapes: x [batch, in, height, width], weight [out, in, kh, kw], bias [out] or NULL for none; result
 * [batch, out, (height + 2·padding - kh) / stride + 1, (width + 2·padding - kw) / stride + 1], rounded
 * down. stride is at least 1, padding less than kh and kw (AG_ERROR_ARGUMENT).
 * Sums are in float, in an order that depends on the shapes and the processor's instructions alone.
 * Since padding is multiplied too, an infinite weight gives NaN where it meets padding.
 * Gradient: dx and dweight likewise; dbias is the sum of G over batch, rows and columns (in double).
 * The backward pass takes scratch memory from ag_backward's temp_arena (AG_ERROR_MEMORY).
 */
AG_API ag_variable *ag_conv2d(ag_arena *arena, ag_variable *x, ag_variable *weight,
                              ag_variable *bias, uint32_t stride, uint32_t padding);

/**
 * The largest value in each window × window square of each channel, at steps of stride.
 * Shapes: x [batch, channels, height, width]; result [batch, channels,
 * (height + 2·padding - window) / stride + 1, likewise width], rounded down. Padding, less than the
 * window, is never the largest. window and stride are at least 1 (AG_ERROR_ARGUMENT).
 * Gradient: G goes to the first of the largest values, row by row. NaN counts as largest.
 */
AG_API ag_variable *ag_max_pool2d(ag_arena *arena, ag_variable *x, uint32_t window, uint32_t stride,
                                  uint32_t padding);

/**
 * The mean of each window × window square, in double; shapes as of ag_max_pool2d. Padding counts as
 * zeros: the divisor is always window². Gradient: G / window² to each place that a window saw.
 */
AG_API ag_variable *ag_average_pool2d(ag_arena *arena, ag_variable *x, uint32_t window,
                                      uint32_t stride, uint32_t padding);

AG_END_DECLS

#endif
