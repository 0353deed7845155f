/* smooth_l1.c: d²/(2β) for |d| < β, |d| - β/2 beyond, where d = p - t. */
#include "config.h"

#include "tensor/elementwise.h"
#include "tensor/loss/domain.h"

AG__INLINE ag__point smooth_l1_loss_law(double p, double t, double beta)
{
    double d = p - t, size = fabs(d);
    double per_beta = 1 / beta; /* one division for a loop; unused where β is 0 */
    double inside = d * per_beta;
    return (ag__point){
        .value = size < beta ? 0.5 * d * inside : size - 0.5 * beta,
        .slope = size < beta ? inside : ag__sign(d),
    };
}

AG__LAW_KERNELS(kernels, smooth_l1_loss_law)

const ag__op ag__op_smooth_l1_loss = {
    .name = "smooth_l1_loss",
    AG__PAIR_LOSS,
    .input_names = {"pred", "target"},
    .parameter_name = "beta",
    .parameter_range = AG__FINITE_NOT_NEGATIVE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
