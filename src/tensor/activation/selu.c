/* selu.c: the exponential linear unit whose α and scale keep mean 0 and variance 1. */
#include "config.h"

#include "tensor/elementwise.h"

/* Klambauer, Unterthiner, Mayr and Hochreiter 2017, equation 14. */
#define ALPHA 1.67326324235437728481
#define SCALE 1.05070098735548049342

AG__INLINE ag__point selu_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){
        .value = SCALE * (x > 0 ? x : ALPHA * ag__expm1(x)),
        .slope = SCALE * (x > 0 ? 1 : ALPHA * ag__exp(x)),
    };
}

AG__MAP_KERNELS(kernels, selu_law)

const ag__op ag__op_selu = {
    .name = "selu",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__TRANSCENDENTAL,
};
