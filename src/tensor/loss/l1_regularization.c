/* l1_regularization.c: L1 regularisation, |w|. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE float exact_slope(float w, float unused_input)
{
    (void)unused_input;
    return ag__signf(w);
}

AG__INLINE ag__point l1_regularization_law(double w, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){.value = fabs(w), .slope = (double)exact_slope((float)w, 0)};
}

AG__FORMULA_KERNELS(kernels, .law = l1_regularization_law, .exact_slope = exact_slope)

const ag__op ag__op_l1_regularization = {
    .name = "l1_regularization",
    AG__SINGLE_LOSS,
    .input_names = {"weights"},
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
