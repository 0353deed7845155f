/* div.c: a / b, element by element. */
#include "config.h"

#include "tensor/broadcast.h"

AG__INLINE ag__point div_law(double a, double b, double unused)
{
    (void)unused;
    return (ag__point){.value = a / b, .slope = 1 / b};
}

AG__INLINE ag__point div_second_law(double a, double b, double unused)
{
    (void)unused;
    return (ag__point){.value = a / b, .slope = -a / (b * b)};
}

AG__MAP_KERNELS(kernels, div_law)
AG__MAP_KERNELS(second_kernels, div_second_law)

const ag__op ag__op_div = {
    .name = "div",
    AG__BINARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels, .second = second_kernels},
    .nanoseconds = AG__CHEAP,
};
