/* cross_entropy_short.c: cross-entropy of short rows, side by side, with vectors of rows. */
#include "config.h"

#include <string.h>

#include "tensor/loss/cross_entropy.h"

/* Class by class, with the rows side by side: [AG__SHORT_ROW, AG__ROWS]. */
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

/* e becomes ag__exp_of_other of each class. */
AG__INLINE void sum_rows(size_t n, const double *restrict x, const double *restrict t,
                         row_sums *restrict sums, double *restrict e)
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
            e[i + k] = ag__exp_of_other(x[i + k], m);
            rest[k] += e[i + k];
            times[k] += x[i + k] == m ? 1 : 0;
            sums->terms[k] += ag__class_term(x[i + k], t[i + k], m);
            sums->total[k] += t[i + k];
        }
    }
#pragma omp simd
    for (size_t k = 0; k < AG__ROWS; k++)
        sums->others[k] = ag__others(sums->maximum[k], times[k], rest[k]);
}

AG__INLINE void write_slopes(size_t n, const double *restrict x, const double *restrict t,
                             const double *restrict e, const row_sums *restrict sums,
                             double *restrict slopes)
{
    double per_unit[AG__ROWS];
#pragma omp simd
    for (size_t k = 0; k < AG__ROWS; k++)
        per_unit[k] = sums->total[k] / (1 + sums->others[k]);
    for (size_t i = 0; i < n * AG__ROWS; i += AG__ROWS) {
#pragma omp simd
        for (size_t k = 0; k < AG__ROWS; k++)
            slopes[i + k] = ag__softmax_slope(x[i + k] == sums->maximum[k], e[i + k], t[i + k],
                                              sums->others[k], sums->total[k], per_unit[k]);
    }
}

AG__INLINE void evaluate(const row_sums *restrict sums, double *restrict values)
{
#pragma omp simd
    for (size_t k = 0; k < AG__ROWS; k++)
        values[k] = sums->terms[k] + sums->total[k] * ag__log1p(sums->others[k]);
}

/* z · lse² adds to the gradient what a larger total of the targets would. */
AG__INLINE void add_z_loss(double z, row_sums *restrict sums, double *restrict values)
{
    for (size_t k = 0; k < AG__ROWS; k++) {
        double lse = sums->maximum[k] + ag__log1p(sums->others[k]);
        values[k] += ag__z_term(z, lse);
        sums->total[k] += ag__z_slope(z, lse);
    }
}

/* The targets that labels or options give; rows that are missing have none. */
static void lay_changed_targets(const ag__rows *rows, const ag__target_change *change, double *out)
{
    bool labels_alone = rows->labels != NULL && change->spread == 0;
    memset(out, 0, rows->n * AG__ROWS * sizeof *out);
    for (size_t row = 0; row < rows->count; row++)
        if (labels_alone) {
            size_t label = (size_t)rows->labels[row];
            out[label * AG__ROWS + row] = change->keep * ag__class_weight(change, label);
        } else {
            ag__changed_targets(rows, change, row, 0, rows->n, out + row, AG__ROWS);
        }
}

/*
 * change is NULL for targets as they are given. values has room for AG__ROWS; slopes, if wanted, come
 * out scaled, row by row.
 */
AG__INLINE void short_rows(const ag__rows *rows, const ag__target_change *change,
                           double *restrict values, double *restrict slopes)
{
    side_by_side x, t, e, slopes_by_class;
    row_sums sums;
    size_t count = rows->count, n = rows->n;
    lay_side_by_side(count, n, rows->inputs[0], x);
    if (change != NULL)
        lay_changed_targets(rows, change, t);
    else
        lay_side_by_side(count, n, rows->inputs[1], t);
    sum_rows(n, x, t, &sums, e);
    evaluate(&sums, values);
    if (change != NULL && change->z_loss != 0) add_z_loss(change->z_loss, &sums, values);
    if (slopes == NULL) return;
    write_slopes(n, x, t, e, &sums, slopes_by_class);
    for (size_t row = 0; row < count; row++)
        for (size_t c = 0; c < n; c++)
            slopes[row * n + c] = rows->scales[row] * slopes_by_class[c * AG__ROWS + row];
}

typedef void short_kernel(const ag__rows *, const ag__target_change *, double *, double *);

AG__DEFINE_KERNELS(short_kernels, short_kernel, short_rows,
                   (const ag__rows *rows, const ag__target_change *change, double *values,
                    double *slopes),
                   (rows, change, values, slopes))

void ag__cross_entropy_of_short_rows(const ag__rows *rows)
{
    double values[AG__ROWS], slopes[AG__CHUNK];
    ag__target_change change = ag__target_change_of(rows);
    bool given = rows->labels == NULL && rows->options == NULL;
    short_kernels[ag__cpu()](rows, given ? NULL : &change, values,
                             rows->sinks != NULL ? slopes : NULL);
    if (rows->values != NULL) memcpy(rows->values, values, rows->count * sizeof *values);
    if (rows->sinks != NULL)
        ag__store_gradient(rows->count * rows->n, slopes, NULL, 1, &rows->sinks[0], 0);
}
