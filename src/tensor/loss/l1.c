/* l1.c: absolute error, |p - t|. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point l1_loss_law(double p, double t, double unused)
{
    (void)unused;
    double d = p - t;
    return (ag__point){.value = fabs(d), .slope = ag__sign(d)};
}

AG__LAW_KERNELS(kernels, l1_loss_law)

const ag__op ag__op_l1_loss = {
    .name = "l1_loss",
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
