/* mean.c: the mean of all elements, by the reduction of the losses. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point mean_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){.value = x, .slope = 1};
}

AG__LAW_KERNELS(kernels, mean_law)

const ag__op ag__op_mean = {
    .name = "mean",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"x"},
    .reduction = AG_REDUCTION_MEAN,
    .infer_shape = ag__infer_same_shape,
    AG__ELEMENTWISE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
