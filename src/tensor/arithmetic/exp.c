/* exp.c: e^x, element by element. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point exp_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    double e = ag__exp(x);
    return (ag__point){.value = e, .slope = e};
}

AG__MAP_KERNELS(kernels, exp_law)

const ag__op ag__op_exp = {
    .name = "exp",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__TRANSCENDENTAL,
};
