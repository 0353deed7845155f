/* softmax_row.c: the softmax of one row. */
#include "config.h"

#include "tensor/softmax_row.h"

#include "core/wide.h"

#include "tensor/chunk.h"

typedef void maximum_kernel(size_t, const float *, float *);
typedef void depths_kernel(size_t, const float *, double, size_t, double *, double *);
typedef void exponentials_kernel(size_t, double *, double *);
typedef void exp_kernel(size_t, const float *, const double *, double, double, double *);
typedef void gradient_kernel(size_t, const float *, const double *, double, double, const float *,
                             double, const ag__slopes_out *);
typedef void wide_kernel(size_t, const float *, const double *, double, double, const double *,
                         double, const ag__slopes_out *);

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
 * Writes depths, and adds to lanes how often the maximum occurs. Meanwhile the next row comes from memory, which
 * would have nothing to do otherwise.
 */
AG__INLINE void measure_depths(const ag__conversions *conversions, size_t n, const float *x,
                               double m, size_t ahead, double *restrict times,
                               double *restrict depths)
{
    double logits[AG__GROUP];
    size_t i = 0;
    for (; n - i >= AG__GROUP; i += AG__GROUP) {
        AG__PREFETCH(x + i + ahead);
        conversions->widen(x + i, logits);
#pragma omp simd
        for (size_t k = 0; k < AG__GROUP; k++) {
            times[k] += logits[k] == m ? 1 : 0;
            depths[i + k] = ag__depth(logits[k], m);
        }
    }
    for (; i < n; i++) {
        times[0] += (double)x[i] == m ? 1 : 0;
        depths[i] = ag__depth((double)x[i], m);
    }
}

AG__INLINE void add_exponentials(size_t lanes, double *restrict depths, double *restrict sums)
{
#pragma omp simd
    for (size_t k = 0; k < lanes; k++) {
        depths[k] = ag__exp_of_negative(-depths[k]);
        sums[k] += depths[k];
    }
}

AG__INLINE void exponentials_of_depths(size_t n, double *depths, double *sums)
{
    double full[AG__CLASS_LANES];
    size_t i = 0;
    memcpy(full, sums, sizeof full);
    for (; n - i >= AG__CLASS_LANES; i += AG__CLASS_LANES) {
        AG__UNROLL
        for (size_t k = 0; k < AG__CLASS_LANES; k += AG__GROUP)
            add_exponentials(AG__GROUP, depths + i + k, full + k);
    }
    memcpy(sums, full, sizeof full);
    add_exponentials(n - i, depths + i, sums);
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

/*
 * The weights are given in one of two forms, or are 0; what is written, too. A gradient may take the place of
 * the logits x (linear_cross_entropy_loss's does), each after it was read.
 */
AG__INLINE void write_gradient(size_t n, const float *x, const double *restrict kept, double m,
                               double others, const float *restrict weights,
                               const double *restrict wide, double total, double scale,
                               double *restrict slopes, float *gradient)
{
    double per_unit = total / (1 + others);
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double weight = weights != NULL ? (double)weights[i] : wide != NULL ? wide[i] : 0;
        double slope = ag__softmax_slope(x[i] == (float)m, exponential(i, x, kept, m), weight,
                                         others, total, per_unit);
        if (gradient != NULL)
            gradient[i] = (float)(scale * slope);
        else
            slopes[i] = slope;
    }
}

/* ---- a loop for each form ---- */

AG__INLINE void exponentials(size_t n, const float *x, const double *kept, double m, double factor,
                             double *out)
{
    if (kept != NULL)
        scale_exponentials(n, x, kept, m, factor, out);
    else
        scale_exponentials(n, x, NULL, m, factor, out);
}

AG__INLINE void write_form(size_t n, const float *x, const double *kept, double m, double others,
                           const float *weights, const double *wide, double total,
                           const ag__slopes_out *out)
{
    if (out->gradient != NULL)
        write_gradient(n, x, kept, m, others, weights, wide, total, out->scale, NULL,
                       out->gradient);
    else
        write_gradient(n, x, kept, m, others, weights, wide, total, 1, out->slopes, NULL);
}

AG__INLINE void gradient(size_t n, const float *x, const double *kept, double m, double others,
                         const float *weights, const double *wide, double total,
                         const ag__slopes_out *out)
{
    if (kept != NULL)
        write_form(n, x, kept, m, others, weights, wide, total, out);
    else
        write_form(n, x, NULL, m, others, weights, wide, total, out);
}

AG__INLINE void gradient_of_floats(size_t n, const float *x, const double *kept, double m,
                                   double others, const float *weights, double total,
                                   const ag__slopes_out *out)
{
    if (weights != NULL)
        gradient(n, x, kept, m, others, weights, NULL, total, out);
    else
        gradient(n, x, kept, m, others, NULL, NULL, total, out);
}

AG__DEFINE_KERNELS(maximum_kernels, maximum_kernel, maximum, (size_t n, const float *x, float *out),
                   (n, x, out))
AG__DEFINE_WIDE_KERNELS(depths_kernels, depths_kernel, measure_depths,
                        (size_t n, const float *x, double m, size_t ahead, double *times,
                         double *depths),
                        n, x, m, ahead, times, depths)
AG__DEFINE_KERNELS(exponentials_kernels, exponentials_kernel, exponentials_of_depths,
                   (size_t n, double *depths, double *sums), (n, depths, sums))
AG__DEFINE_KERNELS(exp_kernels, exp_kernel, exponentials,
                   (size_t n, const float *x, const double *kept, double m, double factor,
                    double *out),
                   (n, x, kept, m, factor, out))
AG__DEFINE_KERNELS(gradient_kernels, gradient_kernel, gradient_of_floats,
                   (size_t n, const float *x, const double *kept, double m, double others,
                    const float *weights, double total, const ag__slopes_out *out),
                   (n, x, kept, m, others, weights, total, out))
AG__DEFINE_KERNELS(wide_kernels, wide_kernel, gradient,
                   (size_t n, const float *x, const double *kept, double m, double others,
                    const double *wide, double total, const ag__slopes_out *out),
                   (n, x, kept, m, others, NULL, wide, total, out))

float ag__row_maximum(size_t n, const float *x)
{
    float result;
    maximum_kernels[ag__cpu()](n, x, &result);
    return result;
}

void ag__exponentials_of_depths(size_t n, double *depths, double sums[AG__CLASS_LANES])
{
    exponentials_kernels[ag__cpu()](n, depths, sums);
}

ag__softmax_row ag__softmax_of(size_t n, const float *x, size_t ahead,
                               double keep[AG__KEPT_CLASSES])
{
    double rests[AG__CLASS_LANES] = {0}, times[AG__GROUP] = {0}, chunk[AG__CHUNK];
    double m = (double)ag__row_maximum(n, x);
    keep = ag__room_for(n, keep);
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        double *depths = keep != NULL ? keep + i : chunk;
        depths_kernels[ag__cpu()](length, x + i, m, ahead, times, depths);
        ag__exponentials_of_depths(length, depths, rests);
    }
    double others = ag__others(m, ag__sum(AG__GROUP, times), ag__sum(AG__CLASS_LANES, rests));
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
                          double total, const ag__slopes_out *out)
{
    gradient_kernels[ag__cpu()](n, row->x + offset, kept_from(row, offset), row->maximum,
                                row->others, weights, total, out);
}

void ag__softmax_gradient_wide(const ag__softmax_row *row, size_t offset, size_t n,
                               const double *weights, double total, const ag__slopes_out *out)
{
    wide_kernels[ag__cpu()](n, row->x + offset, kept_from(row, offset), row->maximum, row->others,
                            weights, total, out);
}
