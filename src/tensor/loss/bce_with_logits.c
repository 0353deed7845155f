/* bce_with_logits.c: binary cross-entropy of logits, log(1 + e^x) - x t. */
#include "config.h"

#include "tensor/elementwise.h"

/* Beyond it e^-|x| counts for nothing beside any float but 0; 0 itself has no business in a log. */
#define LARGEST 700.0

/*
 * Both are written with e = e^-|x| ≤ 1, which keeps its digits where the logistic function σ rounds
 * to 0 or 1: for x ≥ 0, log(1 + e^x) = x + log(1 + e) and σ = 1 - e / (1 + e). Near x = 0 it is
 * σ - ½ = ½ (1 - e) / (1 + e) that keeps them, for targets near ½.
 */
AG__INLINE ag__point bce_with_logits_loss_law(double x, double t, double unused)
{
    (void)unused;
    double size = fabs(x);
    ag__exp_parts parts = ag__split_exp(size > LARGEST ? -LARGEST : -size);
    double e = parts.scale + parts.scale * parts.minus_one;
    double e_minus_one = parts.scale * parts.minus_one + (parts.scale - 1);
    double reciprocal = 1 / (1 + e);
    double hard = x > 0 ? 1 : 0;
    double finite = ag__clamp(x, -DBL_MAX, DBL_MAX); /* so that an infinity times 0 is 0 */
    /* what σ falls short of `hard` by, or, near x = 0, of ½ */
    double distance = size < 1 ? 0.5 * e_minus_one * reciprocal : e * reciprocal;
    double from = size < 1 ? 0.5 : hard;
    return (ag__point){
        .value = finite * (hard - t) + ag__log1p_of_finite(e),
        .slope = (from - t) + (x > 0 ? -distance : distance),
    };
}

/* p t log(1 + e^-x) + (1 - t) log(1 + e^x), of positives that weigh p. */
AG__INLINE ag__point weighted_law(double x, double t, double p)
{
    double size = fabs(x), finite = ag__clamp(x, -DBL_MAX, DBL_MAX);
    double e = ag__exp_of_negative(size > LARGEST ? -LARGEST : -size);
    double rest = ag__log1p_of_finite(e), larger = 1 / (1 + e), smaller = e / (1 + e);
    double above = (finite > 0 ? finite : 0) + rest, below = (finite < 0 ? -finite : 0) + rest;
    return (ag__point){
        .value = p * t * below + (1 - t) * above + (finite - finite),
        .slope = (1 - t) * (x > 0 ? larger : smaller) - p * t * (x > 0 ? smaller : larger),
    };
}

AG__LAW_KERNELS(kernels, bce_with_logits_loss_law)
AG__POS_WEIGHT_KERNELS(pos_weight_kernels, weighted_law)

const ag__op ag__op_bce_with_logits_loss = {
    .name = "bce_with_logits_loss",
    AG__PAIR_LOSS,
    .input_names = {"logits", "target"},
    .options = AG__TAKES(pos_weight),
    .law = &(const ag__elementwise){.kernels = kernels, .pos_weight = pos_weight_kernels},
    .nanoseconds = 2 * AG__TRANSCENDENTAL,
};
