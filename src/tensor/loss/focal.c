/* focal.c: cross-entropy of a softmax, times the γ-th power of what the prediction misses. */
#include "config.h"

#include "tensor/loss/class_law.h"
#include "tensor/loss/domain.h"

/*
 * f = -q^γ log p and -p f' = q^γ (1 - γ p log p / q), where -log p / q tends to 1 as q does to 0: written
 * so, no power is below 0, and γ < 1 is as good as any.
 */
AG__INLINE ag__class_point focal_law(ag__class class, double gamma)
{
    double q = class.q;
    double power = ag__exp(gamma * ag__log_of_normal(q == 0 ? 1 : q));
    double at_certainty = gamma == 0 ? 1 : 0;
    power = q == 0 ? at_certainty : power;
    double ratio = q == 0 ? 1 : -class.log_p / q;
    double scaled = class.p == 0 ? 0 : class.p * ratio;
    return (ag__class_point){
        .value = power * -class.log_p,
        .weight = power * (1 + gamma * scaled),
    };
}

AG__CLASS_KERNELS(kernels, focal_law)

static void compute(const ag__rows *rows)
{
    ag__compute_class_law(rows, kernels[ag__cpu()]);
}

const ag__op ag__op_focal_loss = {
    .name = "focal_loss",
    AG__CLASS_LAW_LOSS,
    .parameter_name = "gamma",
    .parameter_range = AG__FINITE_NOT_NEGATIVE,
    .law = &(const ag__rowwise){compute},
};
