/* huber.c: d²/2 for |d| ≤ δ, δ (|d| - δ/2) beyond, where d = p - t. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point huber_loss_law(double p, double t, double delta)
{
    double d = p - t, size = fabs(d);
    return (ag__point){
        .value = size <= delta ? 0.5 * d * d : delta * (size - 0.5 * delta),
        .slope = ag__clamp(d, -delta, delta),
    };
}

AG__LAW_KERNELS(kernels, huber_loss_law)

const ag__op ag__op_huber_loss = {
    .name = "huber_loss",
    AG__PAIR_LOSS,
    .input_names = {"pred", "target"},
    .parameter_name = "delta",
    .parameter_range = AG__POSITIVE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
