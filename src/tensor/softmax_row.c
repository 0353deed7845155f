/* softmax_row.c: the softmax of one row. */
#include "config.h"

#include "tensor/softmax_row.h"

#include "core/elementary.h"
#include "tensor/chunk.h"

typedef void exp_kernel(size_t, const double *, double, double, double *);
typedef void others_kernel(size_t, const double *, double, double *);
typedef void gradient_kernel(size_t, const double *, double, double, const double *, double,
                             double *);

/* Of each lane by itself, which is a vector instruction; NaN shows in the sum of exponentials. */
#define LANES 16

static float maximum(size_t n, const float *x)
{
    float lanes[LANES];
    for (size_t k = 0; k < LANES; k++)
        lanes[k] = -INFINITY;
    for (; n >= LANES; n -= LANES, x += LANES)
#pragma omp simd
        for (size_t k = 0; k < LANES; k++)
            lanes[k] = x[k] > lanes[k] ? x[k] : lanes[k];
    for (size_t k = 0; k < n; k++)
        lanes[k] = x[k] > lanes[k] ? x[k] : lanes[k];
    float result = lanes[0];
    for (size_t k = 1; k < LANES; k++)
        result = lanes[k] > result ? lanes[k] : result;
    return result;
}

/* factor · e^(x - m); the maximum itself gives the factor, even if it is infinite. */
AG__INLINE void exponentials(size_t n, const double *restrict x, double m, double factor,
                             double *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = factor * (x[i] == m ? 1 : ag__exp(x[i] - m));
}

/* e^(x - m), and 0 for the maximum, whose share is counted apart. */
AG__INLINE void exponentials_of_others(size_t n, const double *restrict x, double m,
                                       double *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] == m ? 0 : ag__exp(x[i] - m);
}

AG__INLINE void gradient(size_t n, const double *restrict x, double m, double others,
                         const double *restrict weights, double total, double *restrict out)
{
    double per_unit = total / (1 + others);
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double at_maximum = (total - weights[i]) - per_unit * others;
        double elsewhere = per_unit * ag__exp(x[i] - m) - weights[i];
        out[i] = x[i] == m ? at_maximum : elsewhere;
    }
}

AG__DEFINE_KERNELS(exp_kernels, exp_kernel, exponentials,
                   (size_t n, const double *x, double m, double factor, double *out),
                   (n, x, m, factor, out))
AG__DEFINE_KERNELS(others_kernels, others_kernel, exponentials_of_others,
                   (size_t n, const double *x, double m, double *out), (n, x, m, out))
AG__DEFINE_KERNELS(gradient_kernels, gradient_kernel, gradient,
                   (size_t n, const double *x, double m, double others, const double *weights,
                    double total, double *out),
                   (n, x, m, others, weights, total, out))

static size_t count_equal(size_t n, const float *x, double value)
{
    size_t count = 0;
#pragma omp simd reduction(+ : count)
    for (size_t i = 0; i < n; i++)
        count += (double)x[i] == value;
    return count;
}

ag__softmax_row ag__softmax_of(size_t n, const float *x)
{
    double m = (double)maximum(n, x);
    double wide[AG__CHUNK], terms[AG__CHUNK], rest = 0;
    size_t times = 0; /* that the maximum occurs */
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        size_t padded = ag__widen_padded(length, x + i, -HUGE_VAL, wide);
        others_kernels[ag__cpu()](padded, wide, m, terms);
        rest += ag__sum(length, terms);
        times += count_equal(length, x + i, m);
    }
    bool no_limit = isinf(m) && times > 1;
    return (ag__softmax_row){
        .x = x,
        .maximum = m,
        .others = no_limit ? (double)NAN : (double)times - 1 + rest,
    };
}

double ag__log_sum(const ag__softmax_row *row)
{
    return ag__log1p(row->others);
}

void ag__softmax_probabilities(const ag__softmax_row *row, size_t offset, size_t n, double *out)
{
    double wide[AG__CHUNK];
    n = ag__widen_padded(n, row->x + offset, -HUGE_VAL, wide);
    exp_kernels[ag__cpu()](n, wide, row->maximum, 1 / (1 + row->others), out);
}

void ag__softmax_gradient(const ag__softmax_row *row, size_t offset, size_t n,
                          const double *weights, double total, double *out)
{
    double wide[AG__CHUNK];
    n = ag__widen_padded(n, row->x + offset, -HUGE_VAL, wide);
    gradient_kernels[ag__cpu()](n, wide, row->maximum, row->others, weights, total, out);
}
