/* l1.c: absolute error, |p - t|. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE float exact_slope(float p, float t)
{
    return ag__signf(p - t);
}

AG__INLINE ag__point l1_loss_law(double p, double t, double unused)
{
    (void)unused;
    return (ag__point){.value = fabs(p - t), .slope = (double)exact_slope((float)p, (float)t)};
}

AG__FORMULA_KERNELS(kernels, .law = l1_loss_law, .exact_slope = exact_slope)

const ag__op ag__op_l1_loss = {
    .name = "l1_loss",
    AG__PAIR_LOSS,
    .input_names = {"pred", "target"},
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
