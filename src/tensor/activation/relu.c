/* relu.c: max(x, 0). */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE float exact_value(float x, float unused_input)
{
    (void)unused_input;
    return x <= 0 ? 0 : x;
}

AG__INLINE float exact_slope(float x, float unused_input)
{
    (void)unused_input;
    return x <= 0 ? 0 : x > 0 ? 1 : x;
}

AG__INLINE ag__point relu_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){.value = (double)exact_value((float)x, 0),
                       .slope = (double)exact_slope((float)x, 0)};
}

AG__FORMULA_KERNELS(kernels, .law = relu_law, .never_summed = true, .exact_value = exact_value,
                    .exact_slope = exact_slope)

const ag__op ag__op_relu = {
    .name = "relu",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
