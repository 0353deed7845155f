/* focal_with_logits.c: binary cross-entropy of logits, times the γ-th power of what the prediction misses. */
#include "config.h"

#include "tensor/elementwise.h"
#include "tensor/loss/domain.h"

/* Beyond it e^-|x| counts for nothing beside any float but 0; 0 itself has no business in a log. */
#define LARGEST 700.0

/*
 * c = log(1 + e^x) - x t, times r^γ with r = t (1 - σ) + (1 - t) σ, which is never 0 here. The slope
 * (c r^γ)' = r^γ (σ - t + γ c r' / r), r' = (1 - 2t) σ (1 - σ), holds no power below 0, so that
 * γ < 1 is as good as any.
 */
AG__INLINE ag__point focal_with_logits_loss_law(double x, double t, double gamma)
{
    double size = fabs(x);
    ag__exp_parts parts = ag__split_exp(size > LARGEST ? -LARGEST : -size);
    double e = parts.scale + parts.scale * parts.minus_one;
    double e_minus_one = parts.scale * parts.minus_one + (parts.scale - 1);
    double large = ag__inverse1p_of_unit(e), small = e * large; /* σ(|x|) and σ(-|x|) */
    double p = x > 0 ? large : small, q = x > 0 ? small : large;
    double missed = t * q + (1 - t) * p;
    double power = ag__exp(gamma * ag__log_of_normal(missed));
    double finite = ag__clamp(x, -(double)FLT_MAX, (double)FLT_MAX);
    double log_sum = ag__log1p_of_unit(e);
    double linear = x > 0 ? 1 - t : -t;
    double entropy = finite * linear + log_sum;
    /* σ - t from what σ falls short of 0 or 1 by, or, near x = 0, of ½ */
    double distance = size < 1 ? 0.5 * e_minus_one * large : small;
    double from = size < 1 ? 0.5 : (x > 0 ? 1 : 0);
    double difference = (from - t) + (x > 0 ? -distance : distance);
    double steepness = (1 - 2 * t) * p * q / missed;
    double infinite = ((size > (double)FLT_MAX) & (linear != 0)) ? size : 0;
    return (ag__point){
        .value = entropy * power + infinite,
        .slope = power * (difference + gamma * entropy * steepness),
    };
}

AG__LAW_KERNELS(kernels, focal_with_logits_loss_law)

const ag__op ag__op_focal_with_logits_loss = {
    .name = "focal_with_logits_loss",
    AG__PAIR_LOSS,
    .input_names = {"logits", "target"},
    .domains = {{0}, AG__PROBABILITY},
    .parameter_name = "gamma",
    .parameter_range = AG__FINITE_NOT_NEGATIVE,
    .options = AG__TAKES(alpha),
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = 3 * AG__TRANSCENDENTAL,
};
