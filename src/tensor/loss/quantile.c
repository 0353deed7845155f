/* quantile.c: q (t - p) where t > p, (1 - q) (p - t) elsewhere; least where p is the q-quantile of t. */
#include "config.h"

#include "tensor/elementwise.h"
#include "tensor/loss/domain.h"

AG__INLINE ag__point quantile_loss_law(double p, double t, double q)
{
    double d = p - t;
    return (ag__point){
        .value = d < 0 ? -q * d : (1 - q) * d,
        .slope = d < 0 ? -q : (d > 0 ? 1 - q : d),
    };
}

AG__LAW_KERNELS(kernels, quantile_loss_law)

const ag__op ag__op_quantile_loss = {
    .name = "quantile_loss",
    AG__PAIR_LOSS,
    .input_names = {"pred", "target"},
    .parameter_name = "q",
    .parameter_range = AG__BETWEEN_0_AND_1,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
