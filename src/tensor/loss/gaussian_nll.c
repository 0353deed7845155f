/* gaussian_nll.c: negative log-likelihood of a normal distribution, ½ (log v + (t - m)²/v). */
#include "config.h"

#include "tensor/elementwise_three.h"
#include "tensor/loss/domain.h"

#define HALF_LOG_2PI 0.91893853320467274178

AG__INLINE ag__point_of_three gaussian_nll_loss_law(double m, double variance, double t,
                                                    double epsilon)
{
    double v = variance < epsilon ? epsilon : variance;
    double log_v = v <= DBL_MAX ? ag__log_of_normal(v) : v;
    double d = m - t, reciprocal = 1 / v, ratio = d * reciprocal;
    return (ag__point_of_three){
        .value = 0.5 * (log_v + d * ratio),
        .slopes = {ratio, 0.5 * (reciprocal - ratio * ratio)},
    };
}

AG__INLINE ag__point_of_three full_law(double m, double variance, double t, double epsilon)
{
    ag__point_of_three at = gaussian_nll_loss_law(m, variance, t, epsilon);
    at.value += HALF_LOG_2PI;
    return at;
}

AG__LAW_OF_THREE_KERNELS(kernels, gaussian_nll_loss_law)
AG__LAW_OF_THREE_KERNELS(full_kernels, full_law)

/* What both descriptors have in common; epsilon is PyTorch's. */
#define GAUSSIAN                                                                                   \
    .name = "gaussian_nll_loss", AG__THREE_LOSS, .input_names = {"mean", "variance", "target"},    \
    .domains = {{0}, AG__NOT_NEGATIVE}, .options = AG__TAKES(full) | AG__TAKES(epsilon),           \
    .epsilon = 1e-6f, .nanoseconds = 2 * AG__TRANSCENDENTAL

static const ag__op in_full = {
    GAUSSIAN,
    .law = &(const ag__elementwise_three){.kernels = full_kernels},
};

static const ag__op *variant(const ag_loss_options *options)
{
    return options->full ? &in_full : &ag__op_gaussian_nll_loss;
}

const ag__op ag__op_gaussian_nll_loss = {
    GAUSSIAN,
    .variant = variant,
    .law = &(const ag__elementwise_three){.kernels = kernels},
};
