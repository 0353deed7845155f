/* poisson_nll.c: negative log-likelihood of a Poisson distribution, from its rate or its logarithm. */
#include "config.h"

#include "tensor/elementwise.h"
#include "tensor/loss/domain.h"

#define HALF_LOG_2PI 0.91893853320467274178

/* e^x - t x, of the rate's logarithm x. */
AG__INLINE ag__point poisson_nll_loss_law(double x, double t, double unused)
{
    (void)unused;
    double rate = ag__exp(x);
    double finite = ag__clamp(x, -DBL_MAX, DBL_MAX); /* so that an infinity times 0 is 0 */
    double linear = t * finite; /* beyond double where x is +∞, unlike the rate */
    return (ag__point){.value = rate > DBL_MAX ? rate : rate - linear, .slope = rate - t};
}

/* r - t log(r + ε), of the rate r. */
AG__INLINE ag__point rate_law(double r, double t, double epsilon)
{
    double shifted = r + epsilon, logarithm = ag__clamp(ag__log(shifted), -DBL_MAX, DBL_MAX);
    return (ag__point){.value = r - t * logarithm, .slope = 1 - t / shifted};
}

/* Stirling's approximation of log t!, as PyTorch has it: 0 for t ≤ 1. */
AG__INLINE double log_factorial(double t)
{
    double inside = t > 1 ? t : 1, log_t = ag__log(inside);
    double approximation = t * (log_t - 1) + (0.5 * log_t + HALF_LOG_2PI);
    return t > 1 ? approximation : 0 * t;
}

/* log t! grows faster than all else that depends on t. */
AG__INLINE double with_factorial(double value, double t)
{
    double sum = value + log_factorial(t);
    return ((t > DBL_MAX) & (value < DBL_MAX)) ? t : sum;
}

AG__INLINE ag__point full_law(double x, double t, double unused)
{
    ag__point at = poisson_nll_loss_law(x, t, unused);
    at.value = with_factorial(at.value, t);
    return at;
}

AG__INLINE ag__point full_rate_law(double r, double t, double epsilon)
{
    ag__point at = rate_law(r, t, epsilon);
    at.value = with_factorial(at.value, t);
    return at;
}

AG__LAW_KERNELS(kernels, poisson_nll_loss_law)
AG__LAW_KERNELS(full_kernels, full_law)
AG__LAW_KERNELS(rate_kernels, rate_law)
AG__LAW_KERNELS(full_rate_kernels, full_rate_law)

/* What all descriptors have in common; epsilon is PyTorch's. */
#define POISSON                                                                                    \
    .name = "poisson_nll_loss", AG__PAIR_LOSS, .input_names = {"log_rate", "target"},              \
    .options = AG__TAKES(rate_input) | AG__TAKES(full) | AG__TAKES(epsilon), .epsilon = 1e-8f,     \
    .nanoseconds = 2 * AG__TRANSCENDENTAL
#define OF_LOGARITHM .domains = {{0}, AG__NOT_NEGATIVE}
#define OF_RATE .domains = {AG__NOT_NEGATIVE, AG__NOT_NEGATIVE}
#define LAW(table)                                                                                 \
    .law = &(const ag__elementwise)                                                                \
    {                                                                                              \
        .kernels = table                                                                           \
    }

static const ag__op in_full = {POISSON, OF_LOGARITHM, LAW(full_kernels)};
static const ag__op of_rate = {POISSON, OF_RATE, LAW(rate_kernels)};
static const ag__op of_rate_in_full = {POISSON, OF_RATE, LAW(full_rate_kernels)};

static const ag__op *variant(const ag_loss_options *options)
{
    if (options->rate_input) return options->full ? &of_rate_in_full : &of_rate;
    return options->full ? &in_full : &ag__op_poisson_nll_loss;
}

const ag__op ag__op_poisson_nll_loss = {POISSON, OF_LOGARITHM, .variant = variant, LAW(kernels)};
