/* abs.c: |x|, element by element; the slope at 0 is 0. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point abs_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){.value = fabs(x), .slope = ag__sign(x)};
}

AG__MAP_KERNELS(kernels, abs_law)

const ag__op ag__op_abs = {
    .name = "abs",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
