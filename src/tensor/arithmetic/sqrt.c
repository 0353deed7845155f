/* sqrt.c: the square root, element by element. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point sqrt_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    double root = sqrt(x);
    return (ag__point){.value = root, .slope = 0.5 / fabs(root)}; /* ∞ also at -0 */
}

AG__MAP_KERNELS(kernels, sqrt_law)

const ag__op ag__op_sqrt = {
    .name = "sqrt",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
