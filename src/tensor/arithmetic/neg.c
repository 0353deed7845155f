/* neg.c: -x, element by element. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point neg_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){.value = -x, .slope = -1};
}

AG__MAP_KERNELS(kernels, neg_law)

const ag__op ag__op_neg = {
    .name = "neg",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
