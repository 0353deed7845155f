/* cross_entropy.c: cross-entropy of logits, Σ_c t_c (log Σ_j e^x_j - x_c) for each row. */
#include "config.h"

#include "core/cpu.h"
#include "tensor/rowwise.h"
#include "tensor/softmax_row.h"

#include <math.h>

typedef void terms_kernel(size_t, const double *, const double *, double, double *);

/* t_c (maximum - x_c): the part of the value that differs between classes; none is negative. */
AG__INLINE void class_terms(size_t n, const double *restrict x, const double *restrict target,
                            double maximum, double *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double below = x[i] == maximum ? 0 : maximum - x[i];
        out[i] = ((target[i] == 0) & (below == HUGE_VAL)) ? 0 : target[i] * below;
    }
}

AG__DEFINE_KERNELS(terms_kernels, terms_kernel, class_terms,
                   (size_t n, const double *x, const double *target, double maximum, double *out),
                   (n, x, target, maximum, out))

static double cross_entropy_value(const ag__row *row)
{
    ag__softmax_row softmax = ag__softmax_of(row->n, row->inputs[0]);
    double x[AG__CHUNK], target[AG__CHUNK], terms[AG__CHUNK], sum = 0, total = 0;
    for (size_t i = 0, n; i < row->n; i += n) {
        n = ag__chunk_length(row->n - i);
        ag__widen_padded(n, row->inputs[0] + i, 0, x);
        size_t padded = ag__widen_padded(n, row->inputs[1] + i, 0, target);
        terms_kernels[ag__cpu()](padded, x, target, softmax.maximum, terms);
        sum += ag__sum(n, terms);
        total += ag__sum(n, target);
    }
    return sum + total * ag__log_sum(&softmax);
}

static double total_target(const ag__row *row)
{
    double target[AG__CHUNK], total = 0;
    for (size_t i = 0, n; i < row->n; i += n) {
        n = ag__chunk_length(row->n - i);
        ag__widen(n, row->inputs[1] + i, target);
        total += ag__sum(n, target);
    }
    return total;
}

static void cross_entropy_gradient(const ag__row *row, double scale, const ag__sink *sinks)
{
    ag__softmax_row softmax = ag__softmax_of(row->n, row->inputs[0]);
    double total = total_target(row);
    double target[AG__CHUNK], slopes[AG__CHUNK];
    for (size_t i = 0, n; i < row->n; i += n) {
        n = ag__chunk_length(row->n - i);
        ag__widen_padded(n, row->inputs[1] + i, 0, target);
        ag__softmax_gradient(&softmax, i, n, target, total, slopes);
        ag__store_gradient(n, slopes, NULL, scale, &sinks[0], i);
    }
}

const ag__op ag__op_cross_entropy_loss = {
    .name = "cross_entropy_loss",
    .num_inputs = 2,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"logits", "target"},
    .takes_reduction = true,
    AG__ROWWISE,
    .law = &(const ag__rowwise){cross_entropy_value, cross_entropy_gradient},
    .nanoseconds = AG__TRANSCENDENTAL,
};
