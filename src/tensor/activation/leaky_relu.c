/* leaky_relu.c: x where x > 0, else a fraction of it. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point leaky_relu_law(double x, double unused_input, double negative_slope)
{
    (void)unused_input;
    double below = negative_slope == 0 ? 0 : negative_slope * x; /* 0 also at -∞ */
    return (ag__point){
        .value = x > 0    ? x
                 : x <= 0 ? below
                          : x,
        .slope = x > 0    ? 1
                 : x <= 0 ? negative_slope
                          : x,
    };
}

AG__MAP_KERNELS(kernels, leaky_relu_law)

const ag__op ag__op_leaky_relu = {
    .name = "leaky_relu",
    AG__UNARY,
    .parameter_name = "negative_slope",
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
