/* vectors.h: sums over long vectors of floats, in double. */
#ifndef AG_OPTIM_VECTORS_H
#define AG_OPTIM_VECTORS_H

#include <stddef.h>

/*
 * Σ x_i y_i; the same with doubles for y; sum_i += factor · x_i. In blocks that depend on n alone,
 * whose partial sums are added in order: the same bits for any number of threads.
 */
double ag__vector_dot(size_t n, const float *x, const float *y);
double ag__vector_dot_double(size_t n, const float *x, const double *y);
void ag__vector_add(size_t n, double factor, const float *x, double *sum);

#endif
