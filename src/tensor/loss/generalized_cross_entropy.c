/* generalized_cross_entropy.c: (1 - p^q) / q, between cross-entropy (q → 0) and 1 - p (q = 1). */
#include "config.h"

#include "tensor/loss/class_law.h"
#include "tensor/loss/domain.h"

AG__INLINE ag__class_point generalized_cross_entropy_law(ag__class class, double q)
{
    double exponent = q * class.log_p;
    return (ag__class_point){
        .value = -ag__expm1(exponent) / q,
        .weight = ag__exp_of_negative(exponent),
    };
}

AG__CLASS_KERNELS(kernels, generalized_cross_entropy_law)

static void compute(const ag__rows *rows)
{
    ag__compute_class_law(rows, kernels[ag__cpu()]);
}

const ag__op ag__op_generalized_cross_entropy_loss = {
    .name = "generalized_cross_entropy_loss",
    AG__CLASS_LAW_LOSS,
    .parameter_name = "q",
    .parameter_range = AG__ABOVE_0_TO_1,
    .law = &(const ag__rowwise){compute},
};
