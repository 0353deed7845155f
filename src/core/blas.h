/* blas.h: what the library asks of BLAS. */
#ifndef AG_CORE_BLAS_H
#define AG_CORE_BLAS_H

#include <stddef.h>

/* The most numbers that one call of ag__sum or ag__dot takes: what sits in the first-level cache. */
#define AG__CHUNK 512

/* Σ x_i and Σ x_i y_i of n ≤ AG__CHUNK numbers. */
double ag__sum(size_t n, const double *x);
double ag__dot(size_t n, const double *x, const double *y);

/* The BLAS library with its kernels and threading, such as "OpenBLAS 0.3.21 SkylakeX, pthreads". */
const char *ag__blas_info(char *buffer, size_t bytes);

#endif
