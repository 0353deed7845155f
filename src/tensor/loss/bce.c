/* bce.c: binary cross-entropy of probabilities. */
#include "config.h"

#include "tensor/elementwise.h"
#include "tensor/loss/domain.h"

/* As in PyTorch: they keep value and slope finite at p = 0 and 1. */
#define LOWEST_LOG (-100.0)
#define LOWEST_VARIANCE 1e-12

AG__INLINE ag__point bce_loss_law(double p, double t, double unused)
{
    (void)unused;
    double variance = p * (1 - p);
    double log_p = ag__log_of_normal(p < DBL_MIN ? DBL_MIN : p);
    double log_q = ag__log1p_of_finite(p > 1 - DBL_EPSILON ? DBL_EPSILON - 1 : -p);
    log_p = log_p < LOWEST_LOG ? LOWEST_LOG : log_p;
    log_q = p == 1 ? LOWEST_LOG : log_q;
    double nan = p - p; /* NaN of NaN, otherwise 0: the logarithms are of numbers only */
    return (ag__point){
        .value = nan - (t * log_p + (1 - t) * log_q),
        .slope = (p - t) / (variance < LOWEST_VARIANCE ? LOWEST_VARIANCE : variance),
    };
}

AG__LAW_KERNELS(kernels, bce_loss_law)

const ag__op ag__op_bce_loss = {
    .name = "bce_loss",
    AG__PAIR_LOSS,
    .input_names = {"pred", "target"},
    .domains = {AG__PROBABILITY},
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = 2 * AG__TRANSCENDENTAL,
};
