/*
 * cross_entropy.c: cross-entropy of logits, Σ_c t_c (log Σ_j e^x_j - x_c) for each row.
 *
 * Long rows are computed one by one, with vectors of classes; short ones side by side, with vectors
 * of rows. What a class contributes stands once, for both.
 */
#include "config.h"

#include <string.h>

#include "tensor/rowwise.h"
#include "tensor/softmax_row.h"

/*
 * t_c (maximum - x_c): the part of the value that differs between classes. An impossible class that
 * is not wanted counts for nothing; NaN shows in the sum of exponentials.
 */
AG__INLINE double class_term(double x, double target, double maximum)
{
    double below = x == maximum ? 0 : maximum - x;
    return target * (target == 0 ? 0 : below);
}

/* ---- long rows ---- */

/* What is summed over the classes of a row, each in lanes of its own. */
typedef struct class_sums {
    double rest[AG__CLASS_LANES], times[AG__CLASS_LANES];  /* see ag__others */
    double terms[AG__CLASS_LANES], total[AG__CLASS_LANES]; /* of the targets */
} class_sums;

typedef void sums_kernel(size_t, const float *, const float *, double, class_sums *);

AG__INLINE void sum_classes(size_t n, const float *restrict x, const float *restrict t, double m,
                            class_sums *restrict sums)
{
    for (size_t i = 0; i < n; i += AG__CLASS_LANES) {
        size_t lanes = n - i < AG__CLASS_LANES ? n - i : AG__CLASS_LANES;
#pragma omp simd
        for (size_t k = 0; k < lanes; k++) {
            double logit = (double)x[i + k], target = (double)t[i + k];
            sums->rest[k] += ag__exp_of_other(logit, m);
            sums->times[k] += logit == m ? 1 : 0;
            sums->terms[k] += class_term(logit, target, m);
            sums->total[k] += target;
        }
    }
}

AG__DEFINE_KERNELS(sums_kernels, sums_kernel, sum_classes,
                   (size_t n, const float *x, const float *t, double m, class_sums *sums),
                   (n, x, t, m, sums))

static void write_gradient(size_t n, const ag__softmax_row *softmax, const float *target,
                           double total, double scale, const ag__sink *sink)
{
    double slopes[AG__CHUNK];
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        ag__softmax_gradient(softmax, i, length, target + i, total, slopes);
        ag__store_gradient(length, slopes, NULL, scale, sink, i);
    }
}

static void compute_long_row(const ag__rows *rows, size_t index)
{
    size_t n = rows->n, offset = index * n;
    const float *x = rows->inputs[0] + offset, *target = rows->inputs[1] + offset;
    class_sums sums;
    memset(&sums, 0, sizeof sums);
    double maximum = (double)ag__row_maximum(n, x);
    sums_kernels[ag__cpu()](n, x, target, maximum, &sums);
    double rest = ag__sum(AG__CLASS_LANES, sums.rest), times = ag__sum(AG__CLASS_LANES, sums.times);
    double total = ag__sum(AG__CLASS_LANES, sums.total);
    ag__softmax_row softmax = {x, maximum, ag__others(maximum, times, rest)};
    if (rows->values != NULL)
        rows->values[index] = ag__sum(AG__CLASS_LANES, sums.terms) + total * ag__log_sum(&softmax);
    if (rows->sinks == NULL) return;
    ag__sink sink = ag__sink_at(&rows->sinks[0], offset);
    write_gradient(n, &softmax, target, total, rows->scales[index], &sink);
}

/* ---- short rows ---- */

/* So that AG__ROWS rows fill a chunk. */
#define SHORT (AG__CHUNK / AG__ROWS)

/* Class by class, with the rows side by side: [SHORT, AG__ROWS]. */
typedef double side_by_side[AG__CHUNK];

/* Rows that are missing are copies of the first. */
AG__INLINE void lay_side_by_side(size_t count, size_t n, const float *restrict rows,
                                 double *restrict out)
{
    for (size_t row = 0; row < AG__ROWS; row++) {
        const float *from = rows + (row < count ? row * n : 0);
        for (size_t c = 0; c < n; c++)
            out[c * AG__ROWS + row] = (double)from[c];
    }
}

/* What is known of each row once all classes were seen. */
typedef struct row_sums {
    double maximum[AG__ROWS], others[AG__ROWS], total[AG__ROWS], terms[AG__ROWS];
} row_sums;

AG__INLINE void sum_rows(size_t n, const double *restrict x, const double *restrict t,
                         row_sums *restrict sums)
{
    double rest[AG__ROWS] = {0}, times[AG__ROWS] = {0};
    *sums = (row_sums){{0}, {0}, {0}, {0}};
    for (size_t k = 0; k < AG__ROWS; k++)
        sums->maximum[k] = -HUGE_VAL;
    for (size_t i = 0; i < n * AG__ROWS; i += AG__ROWS) {
#pragma omp simd
        for (size_t k = 0; k < AG__ROWS; k++)
            sums->maximum[k] = x[i + k] > sums->maximum[k] ? x[i + k] : sums->maximum[k];
    }
    for (size_t i = 0; i < n * AG__ROWS; i += AG__ROWS) {
#pragma omp simd
        for (size_t k = 0; k < AG__ROWS; k++) {
            double m = sums->maximum[k];
            rest[k] += ag__exp_of_other(x[i + k], m);
            times[k] += x[i + k] == m ? 1 : 0;
            sums->terms[k] += class_term(x[i + k], t[i + k], m);
            sums->total[k] += t[i + k];
        }
    }
#pragma omp simd
    for (size_t k = 0; k < AG__ROWS; k++)
        sums->others[k] = ag__others(sums->maximum[k], times[k], rest[k]);
}

AG__INLINE void write_slopes(size_t n, const double *restrict x, const double *restrict t,
                             const row_sums *restrict sums, double *restrict slopes)
{
    double per_unit[AG__ROWS];
#pragma omp simd
    for (size_t k = 0; k < AG__ROWS; k++)
        per_unit[k] = sums->total[k] / (1 + sums->others[k]);
    for (size_t i = 0; i < n * AG__ROWS; i += AG__ROWS) {
#pragma omp simd
        for (size_t k = 0; k < AG__ROWS; k++)
            slopes[i + k] = ag__softmax_slope(x[i + k], t[i + k], sums->maximum[k], sums->others[k],
                                              sums->total[k], per_unit[k]);
    }
}

/* values has room for AG__ROWS; slopes, if wanted, come out scaled, row by row. */
AG__INLINE void short_rows(const ag__rows *rows, double *restrict values, double *restrict slopes)
{
    side_by_side x, t, slopes_by_class;
    row_sums sums;
    size_t count = rows->count, n = rows->n;
    lay_side_by_side(count, n, rows->inputs[0], x);
    lay_side_by_side(count, n, rows->inputs[1], t);
    sum_rows(n, x, t, &sums);
#pragma omp simd
    for (size_t k = 0; k < AG__ROWS; k++)
        values[k] = sums.terms[k] + sums.total[k] * ag__log1p(sums.others[k]);
    if (slopes == NULL) return;
    write_slopes(n, x, t, &sums, slopes_by_class);
    for (size_t row = 0; row < count; row++)
        for (size_t c = 0; c < n; c++)
            slopes[row * n + c] = rows->scales[row] * slopes_by_class[c * AG__ROWS + row];
}

typedef void short_kernel(const ag__rows *, double *, double *);

AG__DEFINE_KERNELS(short_kernels, short_kernel, short_rows,
                   (const ag__rows *rows, double *values, double *slopes), (rows, values, slopes))

static void compute_short_rows(const ag__rows *rows)
{
    double values[AG__ROWS], slopes[AG__CHUNK];
    short_kernels[ag__cpu()](rows, values, rows->sinks != NULL ? slopes : NULL);
    if (rows->values != NULL) memcpy(rows->values, values, rows->count * sizeof *values);
    if (rows->sinks != NULL)
        ag__store_gradient(rows->count * rows->n, slopes, NULL, 1, &rows->sinks[0], 0);
}

static void compute(const ag__rows *rows)
{
    if (rows->n <= SHORT)
        compute_short_rows(rows);
    else
        for (size_t row = 0; row < rows->count; row++)
            compute_long_row(rows, row);
}

const ag__op ag__op_cross_entropy_loss = {
    .name = "cross_entropy_loss",
    .num_inputs = 2,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"logits", "target"},
    .takes_reduction = true,
    AG__ROWWISE,
    .law = &(const ag__rowwise){compute},
    .nanoseconds = AG__TRANSCENDENTAL,
};
