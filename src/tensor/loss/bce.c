/* bce.c: binary cross-entropy of probabilities. */
#include "config.h"

#include "tensor/elementwise.h"
#include "tensor/loss/domain.h"

/* As in PyTorch: they keep value and slope finite at p = 0 and 1. */
#define LOWEST_LOG (-100.0)
#define LOWEST_VARIANCE 1e-12

AG__INLINE double slope_of(double p, double t)
{
    double variance = p * (1 - p);
    return (p - t) / (variance < LOWEST_VARIANCE ? LOWEST_VARIANCE : variance);
}

AG__INLINE ag__point bce_loss_law(double p, double t, double unused)
{
    (void)unused;
    /* of 0 below the lowest; p may be -0 */
    double log_p = ag__log_of_normal(fabs(p)), log_q = ag__log1p_of_finite(-p);
    log_p = log_p < LOWEST_LOG ? LOWEST_LOG : log_p;
    log_q = log_q < LOWEST_LOG ? LOWEST_LOG : log_q;
    double nan = p - p; /* NaN of NaN, otherwise 0: the logarithms are of numbers only */
    return (ag__point){.value = nan - (t * log_p + (1 - t) * log_q), .slope = slope_of(p, t)};
}

/* Of a target of 0 or 1, for which one of the logarithms counts: the same bits. */
AG__INLINE ag__point hard_law(double p, double t, double unused)
{
    (void)unused;
    ag__log_parts parts = ag__split_log(t == 0 ? 1 - p : fabs(p));
    bool small = (t == 0) & (parts.k == 0); /* as in ag__log1p_of_finite */
    parts.r = small ? -p : parts.r;
    double logarithm = ag__log_of_parts(parts);
    logarithm = logarithm < LOWEST_LOG ? LOWEST_LOG : logarithm;
    double nan = p - p;
    return (ag__point){.value = nan - logarithm, .slope = slope_of(p, t)};
}

AG__INLINE bool all_hard(size_t n, const float *restrict targets)
{
    int soft = 0;
#pragma omp simd reduction(| : soft)
    for (size_t i = 0; i < n; i++)
        soft |= (targets[i] != 0) & (targets[i] != 1);
    return soft == 0;
}

static const ag__formula soft_formula = {.law = bce_loss_law}, hard_formula = {.law = hard_law};

AG__INLINE void run(const ag__conversions *conversions, size_t n, const float *p, const float *t,
                    double unused, const ag__law_out *out)
{
    if (all_hard(n, t))
        ag__run_formula(conversions, &hard_formula, n, p, t, unused, out);
    else
        ag__run_formula(conversions, &soft_formula, n, p, t, unused, out);
}

AG__DEFINE_WIDE_KERNELS(kernels, ag__law_kernel, run,
                        (size_t n, const float *p, const float *t, double unused,
                         const ag__law_out *out),
                        n, p, t, unused, out)

const ag__op ag__op_bce_loss = {
    .name = "bce_loss",
    AG__PAIR_LOSS,
    .input_names = {"pred", "target"},
    .domains = {AG__PROBABILITY},
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = 2 * AG__TRANSCENDENTAL,
};
