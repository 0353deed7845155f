/* huber.c: d²/2 for |d| ≤ δ, δ (|d| - δ/2) beyond, where d = p - t. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point huber_loss_law(double p, double t, double delta)
{
    double bound = delta < 1e300 ? delta : 1e300; /* an infinite d and δ shall not give ∞ - ∞ */
    double d = p - t, slope = ag__clamp(d, -bound, bound);
    return (ag__point){.value = slope * (d - 0.5 * slope), .slope = slope};
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
