/* bce_with_logits.c: binary cross-entropy of logits, of positives that may weigh more. */
#include "config.h"

#include "tensor/loss/bce_with_logits.h"

/* p t log(1 + e^-x) + (1 - t) log(1 + e^x), of positives that weigh p. */
AG__INLINE ag__point weighted_law(double x, double t, double p)
{
    double size = fabs(x), finite = ag__clamp(x, -DBL_MAX, DBL_MAX);
    double e = ag__exp_of_negative(size > AG__LARGEST_LOGIT ? -AG__LARGEST_LOGIT : -size);
    double rest = ag__log1p_of_unit(e), larger = ag__inverse1p_of_unit(e), smaller = e * larger;
    double above = (finite > 0 ? finite : 0) + rest, below = (finite < 0 ? -finite : 0) + rest;
    return (ag__point){
        .value = p * t * below + (1 - t) * above + (finite - finite),
        .slope = (1 - t) * (x > 0 ? larger : smaller) - p * t * (x > 0 ? smaller : larger),
    };
}

AG__FORMULA_KERNELS(kernels, .law = bce_with_logits_loss_law, .with_log = true)
AG__POS_WEIGHT_KERNELS(pos_weight_kernels, weighted_law)

const ag__op ag__op_bce_with_logits_loss = {
    .name = "bce_with_logits_loss",
    AG__PAIR_LOSS,
    .input_names = {"logits", "target"},
    .options = AG__TAKES(pos_weight),
    .law = &(const ag__elementwise){.kernels = kernels, .pos_weight = pos_weight_kernels},
    .nanoseconds = 2 * AG__TRANSCENDENTAL,
};
