/*
 * reshape.c: the same elements under another shape. The result shares the input's memory, so there is
 * nothing to compute forward; backward the gradient is copied.
 */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point reshape_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){.value = x, .slope = 1};
}

AG__LAW_KERNELS(kernels, reshape_law)

const ag__op ag__op_reshape = {
    .name = "reshape",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"x"},
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = ag__infer_same_shape,
    AG__ELEMENTWISE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
