/* add.c: a + b. */
#include "config.h"

#include "tensor/broadcast.h"

AG__INLINE ag__point add_law(double a, double b, double unused)
{
    (void)unused;
    return (ag__point){.value = a + b, .slope = 1};
}

AG__MAP_KERNELS(kernels, add_law)

const ag__op ag__op_add = {
    .name = "add",
    AG__BINARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels, .second = kernels},
    .nanoseconds = AG__CHEAP,
};
