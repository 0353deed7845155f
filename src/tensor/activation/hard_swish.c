/* hard_swish.c: x · min(max(x + 3, 0), 6) / 6, silu of straight lines and a parabola. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point hard_swish_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){
        .value = x <= -3  ? 0
                 : x >= 3 ? x
                          : x * (x + 3) / 6,
        .slope = x <= -3  ? 0
                 : x >= 3 ? 1
                          : (2 * x + 3) / 6,
    };
}

AG__MAP_KERNELS(kernels, hard_swish_law)

const ag__op ag__op_hard_swish = {
    .name = "hard_swish",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
