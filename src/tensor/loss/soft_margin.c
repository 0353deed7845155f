/* soft_margin.c: log(1 + e^(-x t)). */
#include "config.h"

#include "tensor/elementwise.h"
#include "tensor/loss/domain.h"

/* With e = e^-|x t| ≤ 1, log(1 + e^(-x t)) = max(0, -x t) + log(1 + e), which is exact in both tails. */
AG__INLINE ag__point soft_margin_loss_law(double x, double t, double unused)
{
    (void)unused;
    double score = x * t, e = ag__exp_of_negative(-fabs(score));
    return (ag__point){
        .value = score >= 0 ? 0 : -score,
        .e = e,
        .slope = -t * (score < 0 ? 1 : e) * ag__inverse1p_of_unit(e),
    };
}

AG__FORMULA_KERNELS(kernels, .law = soft_margin_loss_law, .with_log = true)

const ag__op ag__op_soft_margin_loss = {
    .name = "soft_margin_loss",
    AG__PAIR_LOSS,
    .input_names = {"logits", "target"},
    .domains = {{0}, AG__PLUS_OR_MINUS_ONE},
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = 2 * AG__TRANSCENDENTAL,
};
