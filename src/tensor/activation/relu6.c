/* relu6.c: min(max(x, 0), 6). */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point relu6_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){
        .value = ag__clamp(x, 0, 6),
        .slope = ((x <= 0) | (x >= 6)) ? 0
                 : x == x            ? 1
                                     : x,
    };
}

AG__MAP_KERNELS(kernels, relu6_law)

const ag__op ag__op_relu6 = {
    .name = "relu6",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
