/* bce_with_logits.c: binary cross-entropy of logits, log(1 + e^x) - x t. */
#include "config.h"

#include "tensor/elementwise.h"

/*
 * Both are written with e = e^-|x| ≤ 1, which keeps its digits where the logistic function σ rounds
 * to 0 or 1: for x ≥ 0, log(1 + e^x) = x + log(1 + e) and σ = 1 - e / (1 + e). Near x = 0 it is
 * σ - ½ = ½ (1 - e) / (1 + e) that keeps them, for targets near ½.
 */
AG__INLINE ag__point bce_with_logits_loss_law(double x, double t, double unused)
{
    (void)unused;
    double e = ag__exp(-fabs(x)), reciprocal = 1 / (1 + e);
    double hard = x > 0 ? 1 : 0;
    double finite = ag__clamp(x, -DBL_MAX, DBL_MAX);        /* so that an infinity times 0 is 0 */
    double tail = e * reciprocal;                           /* σ(-|x|) */
    double middle = 0.5 * ag__expm1(-fabs(x)) * reciprocal; /* σ(-|x|) - ½ */
    double from_tail = (hard - t) + (x > 0 ? -tail : tail);
    double from_middle = (0.5 - t) + (x > 0 ? -middle : middle);
    return (ag__point){
        .value = finite * (hard - t) + ag__log1p(e),
        .slope = fabs(x) < 1 ? from_middle : from_tail,
    };
}

AG__LAW_KERNELS(kernels, bce_with_logits_loss_law)

const ag__op ag__op_bce_with_logits_loss = {
    .name = "bce_with_logits_loss",
    AG__PAIR_LOSS,
    .input_names = {"logits", "target"},
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = 2 * AG__TRANSCENDENTAL,
};
