/* silu.c: the sigmoid linear unit x · σ(x), also called swish. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point silu_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    double size = fabs(x) < 1e3 ? fabs(x) : x != x ? x : 1e3; /* beyond, the tail is 0 */
    double bounded = x < 0 ? -size : size;
    double sigmoid = ag__sigmoid(bounded);
    return (ag__point){
        .value = sigmoid == 0 ? 0 : x * sigmoid, /* 0 also at -∞ */
        .slope = sigmoid * (1 + bounded * ag__sigmoid(-bounded)),
    };
}

AG__MAP_KERNELS(kernels, silu_law)

const ag__op ag__op_silu = {
    .name = "silu",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__TRANSCENDENTAL,
};
