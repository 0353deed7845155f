/* softplus.c: log(1 + e^x), a smooth max(x, 0). */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point softplus_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    double above = x <= 0 ? 0 : x;
    return (ag__point){
        .value = above + ag__log1p_of_unit(ag__exp_of_negative(-fabs(x))),
        .slope = ag__sigmoid(x),
    };
}

AG__MAP_KERNELS(kernels, softplus_law)

const ag__op ag__op_softplus = {
    .name = "softplus",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = 2 * AG__TRANSCENDENTAL,
};
