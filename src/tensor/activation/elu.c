/* elu.c: the exponential linear unit, x where x > 0, else α (e^x - 1). */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point elu_law(double x, double unused_input, double alpha)
{
    (void)unused_input;
    return (ag__point){
        .value = x > 0 ? x : alpha * ag__expm1(x),
        .slope = x > 0 ? 1 : alpha * ag__exp(x),
    };
}

AG__MAP_KERNELS(kernels, elu_law)

const ag__op ag__op_elu = {
    .name = "elu",
    AG__UNARY,
    .parameter_name = "alpha",
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__TRANSCENDENTAL,
};
