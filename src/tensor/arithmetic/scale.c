/* scale.c: factor · x. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point scale_law(double x, double unused_input, double factor)
{
    (void)unused_input;
    return (ag__point){.value = factor * x, .slope = factor};
}

AG__MAP_KERNELS(kernels, scale_law)

const ag__op ag__op_scale = {
    .name = "scale",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
