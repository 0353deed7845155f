/* mse.c: mean squared error, (p - t)². */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point mse_loss_law(double p, double t, double unused)
{
    (void)unused;
    double d = p - t;
    return (ag__point){.value = d * d, .slope = 2 * d};
}

AG__LAW_KERNELS(kernels, mse_loss_law)

const ag__op ag__op_mse_loss = {
    .name = "mse_loss",
    .num_inputs = 2,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"pred", "target"},
    .takes_reduction = true,
    .infer_shape = ag__infer_same_shape,
    AG__ELEMENTWISE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
