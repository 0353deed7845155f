/*
 * softmax_row.h: the softmax of one row, in a form that loses no digits where a class is nearly certain.
 *
 * With m the row's maximum, which occurs k times, and rest = Σ e^(x_c - m) over the other classes,
 *     Σ_j e^(x_j - m) = k + rest,   log Σ_j e^x_j = m + log1p(k - 1 + rest),
 * and the maximum's own probability p falls short of 1 by 1 - p = (k - 1 + rest) / (k + rest).
 */
#ifndef AG_TENSOR_SOFTMAX_ROW_H
#define AG_TENSOR_SOFTMAX_ROW_H

#include <stddef.h>

typedef struct ag__softmax_row {
    const float *x;
    double maximum;
    double others; /* k - 1 + rest; NaN where the softmax has no limit */
} ag__softmax_row;

ag__softmax_row ag__softmax_of(size_t n, const float *x);

/* log Σ_j e^(x_j - maximum). */
double ag__log_sum(const ag__softmax_row *row);

/* The softmax of n ≤ AG__CHUNK classes from `offset` on; out has room for AG__CHUNK. */
void ag__softmax_probabilities(const ag__softmax_row *row, size_t offset, size_t n, double *out);

/*
 * total · softmax_c - weight_c for n classes from `offset` on, where total is Σ_c weight_c: the
 * gradient of Σ_c weight_c (log Σ_j e^x_j - x_c). weights holds the n classes' own, from
 * ag__widen_padded; out has room for AG__CHUNK.
 */
void ag__softmax_gradient(const ag__softmax_row *row, size_t offset, size_t n,
                          const double *weights, double total, double *out);

#endif
