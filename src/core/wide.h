/*
 * wide.h: floats made doubles and doubles rounded to floats, a group at a time, for the loops of kernels.
 *
 * gcc 12 vectorises a loop over both by taking a whole vector of floats apart, which costs as much as the
 * arithmetic of a simple loss (measured: mse_loss 1.15, l1_loss 1.1 times as long). So for levels that have
 * the instruction a group of floats is read as one vector of doubles, or two.
 */
#ifndef AG_CORE_WIDE_H
#define AG_CORE_WIDE_H

#include <stdbool.h>

#include "core/cpu.h"

#if AG__CPU_COUNT == 3
#include <immintrin.h>
#endif

/* The numbers of a group: doubles fill the widest vector. */
#define AG__GROUP 8

/* clang reads floats as doubles by itself, and vectorises fewer laws where a loop has one group. */
#if defined(__clang__)
#define AG__COMPILER_WIDENS true
#else
#define AG__COMPILER_WIDENS false
#endif

/* How a level converts a group; the arrays may lie at any address of their type. */
typedef struct ag__conversions {
    void (*widen)(const float *x, double *wide);
    void (*narrow)(const double *wide, float *x);
} ag__conversions;

AG__INLINE void ag__widen_baseline(const float *restrict x, double *restrict wide)
{
    for (int k = 0; k < AG__GROUP; k++)
        wide[k] = (double)x[k];
}

AG__INLINE void ag__narrow_baseline(const double *restrict wide, float *restrict x)
{
    for (int k = 0; k < AG__GROUP; k++)
        x[k] = (float)wide[k];
}

#if AG__CPU_COUNT == 3

AG__TARGET_v3 AG__INLINE void ag__widen_v3(const float *x, double *wide)
{
    _mm256_storeu_pd(wide, _mm256_cvtps_pd(_mm_loadu_ps(x)));
    _mm256_storeu_pd(wide + 4, _mm256_cvtps_pd(_mm_loadu_ps(x + 4)));
}

AG__TARGET_v3 AG__INLINE void ag__narrow_v3(const double *wide, float *x)
{
    _mm_storeu_ps(x, _mm256_cvtpd_ps(_mm256_loadu_pd(wide)));
    _mm_storeu_ps(x + 4, _mm256_cvtpd_ps(_mm256_loadu_pd(wide + 4)));
}

AG__TARGET_v4 AG__INLINE void ag__widen_v4(const float *x, double *wide)
{
    _mm512_storeu_pd(wide, _mm512_cvtps_pd(_mm256_loadu_ps(x)));
}

AG__TARGET_v4 AG__INLINE void ag__narrow_v4(const double *wide, float *x)
{
    _mm256_storeu_ps(x, _mm512_cvtpd_ps(_mm512_loadu_pd(wide)));
}

#endif

#define AG__DEFINE_CONVERSIONS(level, unused)                                                      \
    static const ag__conversions ag__conversions_##level = {ag__widen_##level, ag__narrow_##level};
AG__EACH_CPU(AG__DEFINE_CONVERSIONS, )

/* AG__DEFINE_KERNELS for a kernel whose first argument, before those given, is the level's conversions. */
#define AG__DEFINE_WIDE_KERNELS(table, type, kernel, parameters, ...)                              \
    AG__EACH_CPU(AG__DEFINE_WIDE_KERNEL, table, kernel, parameters, __VA_ARGS__)                   \
    static type *const table[AG__CPU_COUNT] = {AG__CPU_LIST(table)};
#define AG__DEFINE_WIDE_KERNEL(level, table, kernel, parameters, ...)                              \
    AG__DEFINE_KERNEL(level, table, kernel, parameters, (&ag__conversions_##level, __VA_ARGS__))

#endif
