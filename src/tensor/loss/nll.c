/* nll.c: negative log-likelihood, -Σ_c t_c l_c for each row of log-probabilities l. */
#include "config.h"

#include "core/cpu.h"
#include "tensor/rowwise.h"

#include <math.h>

typedef void terms_kernel(size_t, const float *, const float *, double *);

/* -t_c l_c; 0 for an impossible class (l_c = -∞) that is not wanted. */
AG__INLINE void class_terms(size_t n, const float *restrict log_probs, const float *restrict target,
                            double *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double l = (double)log_probs[i], t = (double)target[i];
        out[i] = t == 0 && l == -HUGE_VAL ? 0 : -t * l;
    }
}

AG__DEFINE_KERNELS(terms_kernels, terms_kernel, class_terms,
                   (size_t n, const float *log_probs, const float *target, double *out),
                   (n, log_probs, target, out))

static double nll_value(const ag__row *row)
{
    double terms[AG__CHUNK], sum = 0;
    for (size_t i = 0, n; i < row->n; i += n) {
        n = ag__chunk_length(row->n - i);
        terms_kernels[ag__cpu()](n, row->inputs[0] + i, row->inputs[1] + i, terms);
        sum += ag__sum(n, terms);
    }
    return sum;
}

static void nll_gradient(const ag__row *row, double scale, const ag__sink *sinks)
{
    double target[AG__CHUNK];
    for (size_t i = 0, n; i < row->n; i += n) {
        n = ag__chunk_length(row->n - i);
        ag__widen(n, row->inputs[1] + i, target);
        ag__store_gradient(n, target, NULL, -scale, &sinks[0], i);
    }
}

const ag__op ag__op_nll_loss = {
    .name = "nll_loss",
    .num_inputs = 2,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"log_probs", "target"},
    .takes_reduction = true,
    AG__ROWWISE,
    .law = &(const ag__rowwise){nll_value, nll_gradient},
    .nanoseconds = AG__CHEAP,
};
