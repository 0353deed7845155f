/* blas.h: what the library asks of BLAS. */
#ifndef AG_CORE_BLAS_H
#define AG_CORE_BLAS_H

#include <stdbool.h>
#include <stddef.h>

/* The most numbers that one call of ag__sum or ag__dot takes: what sits in the first-level cache. */
#define AG__CHUNK 512

/* Σ x_i and Σ x_i y_i of n ≤ AG__CHUNK numbers. */
double ag__sum(size_t n, const double *x);
double ag__dot(size_t n, const double *x, const double *y);

/* A matrix in memory, and whether it is meant transposed. */
typedef struct ag__matrix {
    const float *data; /* row-major, stored [rows, columns], no matter if transposed */
    size_t rows, columns;
    bool transposed;
} ag__matrix;

/*
 * c = op(a) · op(b), or c += … if accumulate; c is [m, n], row-major. Dimensions fit in an int.
 * The same bits for any number of threads, unless ag_set_deterministic(false) was called.
 */
void ag__matmul(ag__matrix a, ag__matrix b, bool accumulate, float *c);

/*
 * `count` such products, of matrices that follow each other in memory: factors of the shapes of a
 * and b, and results [m, n].
 */
void ag__matmul_batch(size_t count, ag__matrix a, ag__matrix b, bool accumulate, float *c);

/* A part of a matrix: its rows lie `pitch` numbers apart, as stored. */
typedef struct ag__part {
    const float *data;
    size_t pitch;
    bool transposed;
} ag__part;

/*
 * c[m, n] = op(a)[m, k] · op(b)[k, n], or c += … if accumulate: one call of single-threaded sgemm, for
 * tasks that compute their products themselves.
 */
void ag__multiply_part(size_t m, size_t n, size_t k, ag__part a, ag__part b, bool accumulate,
                       float *c, size_t c_pitch);

/* The BLAS library with its kernels and threading, such as "OpenBLAS 0.3.21 SkylakeX, pthreads". */
const char *ag__blas_info(char *buffer, size_t bytes);

#endif
