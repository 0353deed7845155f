/* softmax_row.c: the softmax of one row. */
#include "config.h"

#include "tensor/softmax_row.h"

#include "tensor/chunk.h"

typedef void maximum_kernel(size_t, const float *, float *);
typedef void sums_kernel(size_t, const float *, double, size_t, double *, double *, double *);
typedef void exp_kernel(size_t, const float *, const double *, double, double, double *);
typedef void gradient_kernel(size_t, const float *, const double *, double, double, const float *,
                             double, double *);
typedef void wide_kernel(size_t, const float *, const double *, double, double, const double *,
                         double, double *);

/* Of each lane by itself, which is a vector instruction. */
#define LANES 32

AG__INLINE void maximum(size_t n, const float *restrict x, float *restrict out)
{
    float lanes[LANES];
    for (size_t k = 0; k < LANES; k++)
        lanes[k] = -INFINITY;
    for (; n >= LANES; n -= LANES, x += LANES) {
#pragma omp simd
        for (size_t k = 0; k < LANES; k++)
            lanes[k] = x[k] > lanes[k] ? x[k] : lanes[k];
    }
    for (size_t k = 0; k < n; k++)
        lanes[k] = x[k] > lanes[k] ? x[k] : lanes[k];
    for (size_t half = LANES / 2; half > 0; half /= 2) {
#pragma omp simd
        for (size_t k = 0; k < half; k++)
            lanes[k] = lanes[k + half] > lanes[k] ? lanes[k + half] : lanes[k];
    }
    *out = lanes[0];
}

/*
 * Adds e^(x - m) of all but the maximum, and how often that occurs, to lanes. Meanwhile the next row comes
 * from memory, which would have nothing to do otherwise.
 */
AG__INLINE void add_exponentials(size_t n, const float *restrict x, double m, size_t ahead,
                                 double *restrict rests, double *restrict times,
                                 double *restrict keep)
{
    for (size_t i = 0; i < n; i += AG__CLASS_LANES) {
        size_t lanes = n - i < AG__CLASS_LANES ? n - i : AG__CLASS_LANES;
        AG__PREFETCH(x + i + ahead);
#pragma omp simd
        for (size_t k = 0; k < lanes; k++) {
            double e = ag__exp_of_other((double)x[i + k], m);
            rests[k] += e;
            times[k] += (double)x[i + k] == m ? 1 : 0;
            if (keep != NULL) keep[i + k] = e;
        }
    }
}

/* e^(x - m) of all but the maximum. */
AG__INLINE double exponential(size_t i, const float *x, const double *kept, double m)
{
    return kept != NULL ? kept[i] : ag__exp_of_other((double)x[i], m);
}

/* factor · e^(x - m); the maximum itself gives the factor, even if it is infinite. */
AG__INLINE void scale_exponentials(size_t n, const float *restrict x, const double *restrict kept,
                                   double m, double factor, double *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = factor * ((double)x[i] == m ? 1 : exponential(i, x, kept, m));
}

/* The weights are given in one of two forms, or are 0. */
AG__INLINE void write_gradient(size_t n, const float *restrict x, const double *restrict kept,
                               double m, double others, const float *restrict weights,
                               const double *restrict wide, double total, double *restrict out)
{
    double per_unit = total / (1 + others);
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double weight = weights != NULL ? (double)weights[i] : wide != NULL ? wide[i] : 0;
        out[i] = ag__softmax_slope((double)x[i], exponential(i, x, kept, m), weight, m, others,
                                   total, per_unit);
    }
}

/* ---- a loop for each form ---- */

AG__INLINE void sum_exponentials(size_t n, const float *x, double m, size_t ahead, double *rests,
                                 double *times, double *keep)
{
    if (keep != NULL)
        add_exponentials(n, x, m, ahead, rests, times, keep);
    else
        add_exponentials(n, x, m, ahead, rests, times, NULL);
}

AG__INLINE void exponentials(size_t n, const float *x, const double *kept, double m, double factor,
                             double *out)
{
    if (kept != NULL)
        scale_exponentials(n, x, kept, m, factor, out);
    else
        scale_exponentials(n, x, NULL, m, factor, out);
}

AG__INLINE void gradient(size_t n, const float *x, const double *kept, double m, double others,
                         const float *weights, const double *wide, double total, double *out)
{
    if (kept != NULL)
        write_gradient(n, x, kept, m, others, weights, wide, total, out);
    else
        write_gradient(n, x, NULL, m, others, weights, wide, total, out);
}

AG__INLINE void gradient_of_floats(size_t n, const float *x, const double *kept, double m,
                                   double others, const float *weights, double total, double *out)
{
    if (weights != NULL)
        gradient(n, x, kept, m, others, weights, NULL, total, out);
    else
        gradient(n, x, kept, m, others, NULL, NULL, total, out);
}

AG__DEFINE_KERNELS(maximum_kernels, maximum_kernel, maximum, (size_t n, const float *x, float *out),
                   (n, x, out))
AG__DEFINE_KERNELS(sums_kernels, sums_kernel, sum_exponentials,
                   (size_t n, const float *x, double m, size_t ahead, double *rests, double *times,
                    double *keep),
                   (n, x, m, ahead, rests, times, keep))
AG__DEFINE_KERNELS(exp_kernels, exp_kernel, exponentials,
                   (size_t n, const float *x, const double *kept, double m, double factor,
                    double *out),
                   (n, x, kept, m, factor, out))
AG__DEFINE_KERNELS(gradient_kernels, gradient_kernel, gradient_of_floats,
                   (size_t n, const float *x, const double *kept, double m, double others,
                    const float *weights, double total, double *out),
                   (n, x, kept, m, others, weights, total, out))
AG__DEFINE_KERNELS(wide_kernels, wide_kernel, gradient,
                   (size_t n, const float *x, const double *kept, double m, double others,
                    const double *wide, double total, double *out),
                   (n, x, kept, m, others, NULL, wide, total, out))

float ag__row_maximum(size_t n, const float *x)
{
    float result;
    maximum_kernels[ag__cpu()](n, x, &result);
    return result;
}

ag__softmax_row ag__softmax_of(size_t n, const float *x, size_t ahead,
                               double keep[AG__KEPT_CLASSES])
{
    double rests[AG__CLASS_LANES] = {0}, times[AG__CLASS_LANES] = {0};
    double m = (double)ag__row_maximum(n, x);
    keep = ag__room_for(n, keep);
    sums_kernels[ag__cpu()](n, x, m, ahead, rests, times, keep);
    double others = ag__others(m, ag__sum(AG__CLASS_LANES, times), ag__sum(AG__CLASS_LANES, rests));
    return (ag__softmax_row){.x = x, .maximum = m, .others = others, .kept = keep};
}

static const double *kept_from(const ag__softmax_row *row, size_t offset)
{
    return row->kept != NULL ? row->kept + offset : NULL;
}

double ag__log_sum(const ag__softmax_row *row)
{
    return ag__log1p(row->others);
}

void ag__softmax_probabilities(const ag__softmax_row *row, size_t offset, size_t n, double *out)
{
    exp_kernels[ag__cpu()](n, row->x + offset, kept_from(row, offset), row->maximum,
                           1 / (1 + row->others), out);
}

void ag__softmax_gradient(const ag__softmax_row *row, size_t offset, size_t n, const float *weights,
                          double total, double *out)
{
    gradient_kernels[ag__cpu()](n, row->x + offset, kept_from(row, offset), row->maximum,
                                row->others, weights, total, out);
}

void ag__softmax_gradient_wide(const ag__softmax_row *row, size_t offset, size_t n,
                               const double *weights, double total, double *out)
{
    wide_kernels[ag__cpu()](n, row->x + offset, kept_from(row, offset), row->maximum, row->others,
                            weights, total, out);
}
