/* layer.h: the differentiable operations that layers of networks are made of. */
#ifndef AUTOGRAD_LAYER_H
#define AUTOGRAD_LAYER_H

#include <autograd/variable.h>

AG_BEGIN_DECLS

/*
 * Each function returns a new node in the arena, or NULL on failure: AG_ERROR_NULL, AG_ERROR_STATE
 * (an input is gone), AG_ERROR_SHAPE, AG_ERROR_ARGUMENT, AG_ERROR_MEMORY. Inputs are not changed; they
 * must live, and keep their values, until backward is done. Gradients flow to all inputs that require one.
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

/**
 * Normalises each row and scales it: (x - mean) / √(variance + epsilon) · gamma + beta, with the
 * row's mean and (biased) variance, in double (J. Ba and others 2016).
 * Shapes: gamma and beta as the last dimensions of x, which form a row; result as x. Where gamma is
 * NULL, beta must be, and a row is the last dimension; beta alone may be NULL too. epsilon > 0, often
 * 1e-5.
 * Gradient: dx = rate · (Gγ - mean(Gγ) - x̂ · mean(Gγx̂)) with rate = 1 / √(variance + epsilon) and x̂
 * the normalised x; dgamma = Σ G x̂ and dbeta = Σ G over all rows.
 */
AG_API ag_variable *ag_layer_norm(ag_arena *arena, ag_variable *x, ag_variable *gamma,
                                  ag_variable *beta, float epsilon);

/**
 * Normalises each channel over batch and positions, by its own mean and (biased) variance, and scales
 * it by gamma and beta, in double (S. Ioffe and C. Szegedy 2015): what training uses.
 * Shapes: x [batch, channels, ...] with more than one number per channel, gamma and beta [channels];
 * result as x. Gradient: as of ag_layer_norm, with channels for rows.
 * @param running_mean, running_variance  statistics for ag_batch_norm_eval, [channels], which this
 *        changes: running = (1 - momentum) · running + momentum · the batch's (variance unbiased).
 *        Both may be NULL. They share no memory with each other or an input (AG_ERROR_OVERLAP). On
 *        failure they are as they were.
 * @param momentum  from [0, 1], often 0.1; @param epsilon  > 0, often 1e-5.
 */
AG_API ag_variable *ag_batch_norm(ag_arena *arena, ag_variable *x, ag_variable *gamma,
                                  ag_variable *beta, ag_tensor *running_mean,
                                  ag_tensor *running_variance, float momentum, float epsilon);

/**
 * The same by given statistics [channels], such as those that ag_batch_norm has gathered:
 * (x - mean) / √(variance + epsilon) · gamma + beta. No gradient flows to the statistics.
 * A negative variance is an error (AG_ERROR_DOMAIN).
 */
AG_API ag_variable *ag_batch_norm_eval(ag_arena *arena, ag_variable *x, ag_variable *gamma,
                                       ag_variable *beta, ag_tensor *mean, ag_tensor *variance,
                                       float epsilon);

/**
 * Sets each number to 0 with a probability p from [0, 1) (AG_ERROR_ARGUMENT), and divides the others
 * by 1 - p (N. Srivastava and others 2014). Which ones depends on random's next 64 bits alone, never on
 * the number of threads. Gradient: that of the numbers that were kept, G / (1 - p).
 * @param random  NULL when not training: the result is then x itself, and no node is made.
 */
AG_API ag_variable *ag_dropout(ag_arena *arena, ag_variable *x, float probability,
                               ag_random *random);

/**
 * Rows of a table, chosen by indices: y[i..., :] = table[indices[i...], :].
 * Shapes: table [rows, columns], indices any with at most AG_MAX_DIMS - 1 dimensions; result
 * [indices' dimensions..., columns]. An index below 0 or not below rows is an error
 * (AG_ERROR_DOMAIN) that names it. The indices must live, and keep their values,
 * until backward is done; ag_backward checks them again.
 * Gradient: each row of the table gets the sum of G over the indices that chose it, in double.
 */
AG_API ag_variable *ag_embedding(ag_arena *arena, ag_variable *table, const ag_indices *indices);

AG_END_DECLS

#endif
