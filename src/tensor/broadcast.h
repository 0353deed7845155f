/*
 * broadcast.h: the driver of operations on two tensors, element by element, of which either may be
 * stretched: aligned at their last dimensions, a dimension that is 1 or missing in one of them serves
 * all of the other's. The gradient of what was stretched is summed, in double.
 *
 * Tensors of one shape go to elementwise.h, whose laws these are.
 */
#ifndef AG_TENSOR_BROADCAST_H
#define AG_TENSOR_BROADCAST_H

#include "tensor/elementwise.h"

ag_status ag__broadcast_infer_shape(const ag__call *call, ag__shape *shape);
ag_status ag__broadcast_forward(const ag__call *call, ag_tensor *out);
void ag__broadcast_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks);

/* What descriptors of the family have in common. */
#define AG__BINARY                                                                                 \
    .num_inputs = 2, .num_parents = 2, .num_differentiable = 2, .input_names = {"a", "b"},         \
    .infer_shape = ag__broadcast_infer_shape, .forward = ag__broadcast_forward,                    \
    .backward = ag__broadcast_backward

#endif
