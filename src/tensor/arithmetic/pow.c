/* pow.c: x to a constant power, element by element. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point pow_law(double x, double unused_input, double exponent)
{
    (void)unused_input;
    double slope = exponent * ag__pow(x, exponent - 1);
    return (ag__point){
        .value = ag__pow(x, exponent), .slope = exponent == 0 ? 0 : slope, /* 0 · ∞ at x = 0 */
    };
}

AG__MAP_KERNELS(kernels, pow_law)

const ag__op ag__op_pow = {
    .name = "pow",
    AG__UNARY,
    .parameter_name = "exponent",
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = 2 * AG__TRANSCENDENTAL,
};
