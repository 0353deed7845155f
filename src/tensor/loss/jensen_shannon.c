/* jensen_shannon.c: Jensen-Shannon divergence of two rows of probabilities. */
#include "config.h"

#include "core/cpu.h"
#include "core/elementary.h"
#include "tensor/loss/domain.h"
#include "tensor/rowwise.h"

typedef void terms_kernel(size_t, const float *, const float *, double *, double *);

/* log(p/m) with u = p/m - 1, which is the better argument near 0. */
AG__INLINE double log_of_share(double u, double share)
{
    bool near = fabs(u) < 0.5;
    ag__log_parts parts = ag__split_log(near ? 1 + u : share);
    parts.r = (near & (parts.k == 0)) ? u : parts.r;
    return ag__log_of_parts(parts);
}

/*
 * With m = (p + t)/2 and u = (p - t)/(p + t): ½ (p log(p/m) + t log(t/m)), which near u = 0, where the
 * logarithms cancel, is ½ m (u² + u⁴/6 + u⁶/15 + …); and the slope ½ log(p/m).
 */
AG__INLINE void divergence(size_t n, const float *restrict pred, const float *restrict target,
                           double *restrict values, double *restrict slopes)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double p = (double)pred[i], t = (double)target[i], sum = p + t, u = (p - t) / sum;
        double log_p = log_of_share(u, 2 * p / sum), log_t = log_of_share(-u, 2 * t / sum);
        double u2 = u * u;
        double series = 0.25 * sum * u2 * (1 + u2 * (1.0 / 6 + u2 * (1.0 / 15)));
        double value = fabs(u) < 0x1p-8 ? series : 0.5 * (p * log_p + t * log_t);
        double slope = p == 0 ? -HUGE_VAL : 0.5 * log_p;
        double nan = sum - sum; /* NaN of NaN, otherwise 0: the logarithms are of numbers only */
        values[i] = (sum == 0 ? 0 : value) + nan;
        slopes[i] = (sum == 0 ? 0 : slope) + nan;
    }
}

AG__DEFINE_KERNELS(kernels, terms_kernel, divergence,
                   (size_t n, const float *pred, const float *target, double *values,
                    double *slopes),
                   (n, pred, target, values, slopes))

static void compute_row(const ag__rows *rows, size_t index)
{
    double values[AG__CHUNK], slopes[AG__CHUNK], sum = 0;
    size_t offset = index * rows->n;
    for (size_t i = 0, n; i < rows->n; i += n) {
        n = ag__chunk_length(rows->n - i);
        kernels[ag__cpu()](n, rows->inputs[0] + offset + i, rows->inputs[1] + offset + i, values,
                           slopes);
        sum += ag__sum(n, values);
        if (rows->sinks != NULL)
            ag__store_gradient(n, slopes, NULL, rows->scales[index], &rows->sinks[0], offset + i);
    }
    if (rows->values != NULL) rows->values[index] = sum;
}

static void compute(const ag__rows *rows)
{
    for (size_t row = 0; row < rows->count; row++)
        compute_row(rows, row);
}

const ag__op ag__op_jensen_shannon_loss = {
    .name = "jensen_shannon_loss",
    .num_inputs = 2,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"pred", "target"},
    .domains = {AG__PROBABILITY, AG__PROBABILITY},
    .takes_reduction = true,
    AG__ROWWISE,
    .law = &(const ag__rowwise){compute},
    .nanoseconds = 2 * AG__TRANSCENDENTAL,
};
