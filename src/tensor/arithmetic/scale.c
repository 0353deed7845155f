/* scale.c: factor · x. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point scale_law(double x, double unused_input, double factor)
{
    (void)unused_input;
    return (ag__point){.value = factor * x, .slope = factor};
}

AG__LAW_KERNELS(kernels, scale_law)

const ag__op ag__op_scale = {
    .name = "scale",
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
