/* hard_sigmoid.c: min(max(x + 3, 0), 6) / 6, a sigmoid of straight lines. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point hard_sigmoid_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){
        .value = ag__clamp(x + 3, 0, 6) / 6,
        .slope = fabs(x) >= 3 ? 0
                 : x == x     ? 1.0 / 6
                              : x,
    };
}

AG__MAP_KERNELS(kernels, hard_sigmoid_law)

const ag__op ag__op_hard_sigmoid = {
    .name = "hard_sigmoid",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
