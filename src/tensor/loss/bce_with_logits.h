/* bce_with_logits.h: the law of binary cross-entropy of logits, log(1 + e^x) - x t, with a logarithm. */
#ifndef AG_TENSOR_LOSS_BCE_WITH_LOGITS_H
#define AG_TENSOR_LOSS_BCE_WITH_LOGITS_H

#include "tensor/elementwise.h"

/* Beyond it e^-|x| counts for nothing beside any float but 0; 0 itself has no business in a log. */
#define AG__LARGEST_LOGIT 700.0

/*
 * Both are written with e = e^-|x| ≤ 1, which keeps its digits where the logistic function σ rounds
 * to 0 or 1: for x ≥ 0, log(1 + e^x) = x + log(1 + e) and σ = 1 - e / (1 + e). Near x = 0 it is
 * σ - ½ = ½ (1 - e) / (1 + e) that keeps them, for targets near ½.
 */
AG__INLINE ag__point bce_with_logits_loss_law(double x, double t, double unused)
{
    (void)unused;
    double size = fabs(x);
    ag__exp_parts parts = ag__split_exp(size > AG__LARGEST_LOGIT ? -AG__LARGEST_LOGIT : -size);
    double e = parts.scale + parts.scale * parts.minus_one;
    double e_minus_one = parts.scale * parts.minus_one + (parts.scale - 1);
    double reciprocal = ag__inverse1p_of_unit(e);
    double hard = x > 0 ? 1 : 0;
    double finite = ag__clamp(x, -DBL_MAX, DBL_MAX); /* so that an infinity times 0 is 0 */
    /* what σ falls short of `hard` by, or, near x = 0, of ½ */
    double distance = size < 1 ? 0.5 * e_minus_one * reciprocal : e * reciprocal;
    double from = size < 1 ? 0.5 : hard;
    return (ag__point){
        .value = finite * (hard - t),
        .e = e,
        .slope = (from - t) + (x > 0 ? -distance : distance),
    };
}

#endif
