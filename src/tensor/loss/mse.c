/* mse.c: mean squared error, (p - t)². */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point mse_loss_law(double p, double t, double unused)
{
    (void)unused;
    double d = p - t;
    return (ag__point){.value = d * d, .slope = d};
}

AG__FORMULA_KERNELS(kernels, .law = mse_loss_law, .slope_unit = 2)

const ag__op ag__op_mse_loss = {
    .name = "mse_loss",
    AG__PAIR_LOSS,
    .input_names = {"pred", "target"},
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
