/* gaussian_nll.c: negative log-likelihood of a normal distribution, ½ (log v + (t - m)²/v). */
#include "config.h"

#include "tensor/elementwise_three.h"
#include "tensor/loss/domain.h"

/* As in PyTorch: the least variance that a smaller one is taken for. */
#define EPSILON 1e-6

AG__INLINE ag__point_of_three gaussian_nll_loss_law(double m, double variance, double t,
                                                    double unused)
{
    (void)unused;
    double v = variance < EPSILON ? EPSILON : variance;
    double log_v = v <= DBL_MAX ? ag__log_of_normal(v) : v;
    double d = m - t, reciprocal = 1 / v, ratio = d * reciprocal;
    return (ag__point_of_three){
        .value = 0.5 * (log_v + d * ratio),
        .slopes = {ratio, 0.5 * (reciprocal - ratio * ratio)},
    };
}

AG__LAW_OF_THREE_KERNELS(kernels, gaussian_nll_loss_law)

const ag__op ag__op_gaussian_nll_loss = {
    .name = "gaussian_nll_loss",
    AG__THREE_LOSS,
    .input_names = {"mean", "variance", "target"},
    .domains = {{0}, AG__NOT_NEGATIVE},
    .law = &(const ag__elementwise_three){.kernels = kernels},
    .nanoseconds = 2 * AG__TRANSCENDENTAL,
};
