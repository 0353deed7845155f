/* sub.c: a - b. */
#include "config.h"

#include "tensor/broadcast.h"

AG__INLINE ag__point sub_law(double a, double b, double unused)
{
    (void)unused;
    return (ag__point){.value = a - b, .slope = 1};
}

AG__INLINE ag__point sub_second_law(double a, double b, double unused)
{
    (void)unused;
    return (ag__point){.value = a - b, .slope = -1};
}

AG__MAP_KERNELS(kernels, sub_law)
AG__MAP_KERNELS(second_kernels, sub_second_law)

const ag__op ag__op_sub = {
    .name = "sub",
    AG__BINARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels, .second = second_kernels},
    .nanoseconds = AG__CHEAP,
};
