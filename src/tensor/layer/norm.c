/* norm.c: the inner loops of normalisations. */
#include "config.h"

#include "tensor/layer/norm.h"

#include "core/cpu.h"

typedef void moments_kernel(size_t, const float *, double, ag__sums *);
typedef void rows_kernel(size_t, const float *, ag__moments, const float *, const float *, float *);
typedef void plane_kernel(size_t, const float *, double, double, double, float *);
typedef void slopes_kernel(size_t, const float *, const float *, const float *, ag__moments,
                           ag__sums *);
typedef void back_kernel(size_t, const float *, const float *, const float *, ag__moments, ag__sums,
                         double, ag__sink);
typedef void parameters_kernel(size_t, const float *, const float *, ag__moments, double *,
                               double *);

AG__INLINE void add_moments(size_t n, const float *restrict x, double shift, ag__sums *sums)
{
    double first = 0, second = 0;
#pragma omp simd reduction(+ : first, second)
    for (size_t i = 0; i < n; i++) {
        double d = (double)x[i] - shift;
        first += d;
        second += d * d;
    }
    sums->first += first;
    sums->second += second;
}

/* An optional row is a row that never moves on from the number that stands for it. */
AG__INLINE void normalise(size_t n, const float *restrict x, ag__moments m,
                          const float *restrict gamma, size_t gamma_step,
                          const float *restrict beta, size_t beta_step, float *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = (float)(((double)x[i] - m.mean) * m.rate * (double)gamma[i * gamma_step] +
                         (double)beta[i * beta_step]);
}

static const float one = 1, zero = 0;

AG__INLINE void normalise_rows(size_t n, const float *x, ag__moments m, const float *gamma,
                               const float *beta, float *out)
{
    if (gamma != NULL && beta != NULL)
        normalise(n, x, m, gamma, 1, beta, 1, out);
    else if (gamma != NULL)
        normalise(n, x, m, gamma, 1, &zero, 0, out);
    else
        normalise(n, x, m, &one, 0, &zero, 0, out);
}

AG__INLINE void normalise_plane(size_t n, const float *restrict x, double mean, double factor,
                                double offset, float *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = (float)(((double)x[i] - mean) * factor + offset);
}

AG__INLINE void add_weighted(size_t n, const float *restrict x, const float *restrict g,
                             const float *restrict gamma, size_t step, ag__moments m,
                             ag__sums *sums)
{
    double first = 0, second = 0;
#pragma omp simd reduction(+ : first, second)
    for (size_t i = 0; i < n; i++) {
        double upstream = (double)g[i] * (double)gamma[i * step];
        first += upstream;
        second += upstream * (((double)x[i] - m.mean) * m.rate);
    }
    sums->first += first;
    sums->second += second;
}

AG__INLINE void add_slopes(size_t n, const float *x, const float *g, const float *gamma,
                           ag__moments m, ag__sums *sums)
{
    if (gamma != NULL)
        add_weighted(n, x, g, gamma, 1, m, sums);
    else
        add_weighted(n, x, g, &one, 0, m, sums);
}

AG__INLINE void carry_weighted(size_t n, const float *restrict x, const float *restrict g,
                               const float *restrict gamma, size_t step, ag__moments m,
                               ag__sums means, double factor, bool accumulate, float *restrict to)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double upstream = (double)g[i] * (double)gamma[i * step];
        double normal = ((double)x[i] - m.mean) * m.rate;
        double slope = factor * (upstream - means.first - normal * means.second);
        to[i] = (float)(accumulate ? (double)to[i] + slope : slope);
    }
}

AG__INLINE void carry_back(size_t n, const float *x, const float *g, const float *gamma,
                           ag__moments m, ag__sums means, double factor, ag__sink sink)
{
    if (sink.accumulate)
        carry_weighted(n, x, g, gamma != NULL ? gamma : &one, gamma != NULL, m, means, factor, true,
                       sink.data);
    else if (gamma != NULL)
        carry_weighted(n, x, g, gamma, 1, m, means, factor, false, sink.data);
    else
        carry_weighted(n, x, g, &one, 0, m, means, factor, false, sink.data);
}

AG__INLINE void add_parameters(size_t n, const float *restrict x, const float *restrict g,
                               ag__moments m, double *restrict gammas, double *restrict betas)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        gammas[i] += (double)g[i] * (((double)x[i] - m.mean) * m.rate);
        betas[i] += (double)g[i];
    }
}

AG__DEFINE_KERNELS(moments_kernels, moments_kernel, add_moments,
                   (size_t n, const float *x, double shift, ag__sums *sums), (n, x, shift, sums))
AG__DEFINE_KERNELS(rows_kernels, rows_kernel, normalise_rows,
                   (size_t n, const float *x, ag__moments m, const float *gamma, const float *beta,
                    float *out),
                   (n, x, m, gamma, beta, out))
AG__DEFINE_KERNELS(plane_kernels, plane_kernel, normalise_plane,
                   (size_t n, const float *x, double mean, double factor, double offset,
                    float *out),
                   (n, x, mean, factor, offset, out))
AG__DEFINE_KERNELS(slopes_kernels, slopes_kernel, add_slopes,
                   (size_t n, const float *x, const float *g, const float *gamma, ag__moments m,
                    ag__sums *sums),
                   (n, x, g, gamma, m, sums))
AG__DEFINE_KERNELS(back_kernels, back_kernel, carry_back,
                   (size_t n, const float *x, const float *g, const float *gamma, ag__moments m,
                    ag__sums means, double factor, ag__sink sink),
                   (n, x, g, gamma, m, means, factor, sink))
AG__DEFINE_KERNELS(parameters_kernels, parameters_kernel, add_parameters,
                   (size_t n, const float *x, const float *g, ag__moments m, double *gammas,
                    double *betas),
                   (n, x, g, m, gammas, betas))

void ag__norm_add_moments(size_t n, const float *x, double shift, ag__sums *sums)
{
    moments_kernels[ag__cpu()](n, x, shift, sums);
}

void ag__norm_rows(size_t n, const float *x, ag__moments moments, const float *gamma,
                   const float *beta, float *out)
{
    rows_kernels[ag__cpu()](n, x, moments, gamma, beta, out);
}

void ag__norm_plane(size_t n, const float *x, double mean, double factor, double offset, float *out)
{
    plane_kernels[ag__cpu()](n, x, mean, factor, offset, out);
}

void ag__norm_add_slopes(size_t n, const float *x, const float *g, const float *gamma,
                         ag__moments moments, ag__sums *sums)
{
    slopes_kernels[ag__cpu()](n, x, g, gamma, moments, sums);
}

void ag__norm_carry_back(size_t n, const float *x, const float *g, const float *gamma,
                         ag__moments moments, ag__sums means, double factor, ag__sink sink)
{
    back_kernels[ag__cpu()](n, x, g, gamma, moments, means, factor, sink);
}

void ag__norm_add_parameters(size_t n, const float *x, const float *g, ag__moments moments,
                             double *gammas, double *betas)
{
    parameters_kernels[ag__cpu()](n, x, g, moments, gammas, betas);
}
