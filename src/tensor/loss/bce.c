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
    double log_p = p == 0 ? LOWEST_LOG : ag__log(p);
    double log_q = p == 1 ? LOWEST_LOG : ag__log1p(-p);
    double variance = p * (1 - p);
    log_p = log_p < LOWEST_LOG ? LOWEST_LOG : log_p;
    return (ag__point){
        .value = -(t * log_p + (1 - t) * log_q),
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
