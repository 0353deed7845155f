/* mul.c: a · b, element by element. */
#include "config.h"

#include "tensor/broadcast.h"

AG__INLINE ag__point mul_law(double a, double b, double unused)
{
    (void)unused;
    return (ag__point){.value = a * b, .slope = b};
}

AG__INLINE ag__point mul_second_law(double a, double b, double unused)
{
    (void)unused;
    return (ag__point){.value = a * b, .slope = a};
}

AG__MAP_KERNELS(kernels, mul_law)
AG__MAP_KERNELS(second_kernels, mul_second_law)

const ag__op ag__op_mul = {
    .name = "mul",
    AG__BINARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels, .second = second_kernels},
    .nanoseconds = AG__CHEAP,
};
