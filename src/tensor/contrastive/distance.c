/*
 * distance.c: Euclidean distances out of products, |x - y|² = |x|² + |y|² - 2 x·y.
 *
 * Where a distance is small beside the rows themselves that formula cancels. Such pairs, and all that a
 * law picks, are direct: their distances and gradients are computed from the rows' differences.
 */
#include "config.h"

#include <math.h>
#include <string.h>

#include "core/cpu.h"
#include "tensor/contrastive/contrast.h"
#include "tensor/chunk.h"

/* Below this part of |x|² + |y|² a square is computed again: two bits short of three decimals remain. */
#define NEAR 0x1p-6

/*
 * Below this |x|² + |y|² too: products of such small floats lose digits, or all of them, to denormal
 * numbers, whose spacing of 1.4e-45 is more than 1e-7 of it where rows are longer than 70 million.
 */
#define SMALL 1e-30

typedef void distances_kernel(size_t n, double own, const double *others, float *s,
                              unsigned char *direct);

AG__INLINE void write_distances(size_t n, double own, const double *restrict others,
                                float *restrict s, unsigned char *restrict direct)
{
#pragma omp simd
    for (size_t j = 0; j < n; j++) {
        double sum = own + others[j], square = sum - 2 * (double)s[j];
        direct[j] = (square < NEAR * sum) | (sum < SMALL);
        s[j] = (float)sqrt(square < 0 ? 0 : square);
    }
}

AG__DEFINE_KERNELS(distances_kernels, distances_kernel, write_distances,
                   (size_t n, double own, const double *others, float *s, unsigned char *direct),
                   (n, own, others, s, direct))

#define LANES 16

typedef void difference_kernel(size_t n, const float *a, const float *b, double *sums);

AG__INLINE void sum_squares(size_t n, const float *restrict a, const float *restrict b,
                            double *restrict sums)
{
    for (size_t i = 0; i < n; i += LANES) {
        size_t lanes = n - i < LANES ? n - i : LANES;
#pragma omp simd
        for (size_t k = 0; k < lanes; k++) {
            double difference = (double)a[i + k] - (double)b[i + k];
            sums[k] += difference * difference;
        }
    }
}

AG__DEFINE_KERNELS(difference_kernels, difference_kernel, sum_squares,
                   (size_t n, const float *a, const float *b, double *sums), (n, a, b, sums))

double ag__distance_between(const ag__contrast *c, size_t row, size_t other)
{
    double sums[LANES] = {0};
    difference_kernels[ag__cpu()](c->width, ag__side_row(c, &c->rows, row),
                                  ag__side_row(c, &c->rows, other), sums);
    return sqrt(ag__sum(LANES, sums));
}

/* The next direct pair of a row from `from` on, or `end`. */
static size_t next_direct(const unsigned char *direct, size_t from, size_t end)
{
    const unsigned char *found = from < end ? memchr(direct + from, 1, end - from) : NULL;
    return found != NULL ? (size_t)(found - direct) : end;
}

void ag__to_distances(const ag__contrast *c, size_t row, float *s, unsigned char *direct)
{
    size_t n = c->columns.rows;
    distances_kernels[ag__cpu()](n, c->rows.sizes[row], c->rows.sizes, s, direct);
    for (size_t j = 0; (j = next_direct(direct, j, n)) < n; j++)
        s[j] = (float)ag__distance_between(c, row, j);
}

static void add_difference(const ag__contrast *c, size_t row, size_t other, double slope, float *to)
{
    const float *x = ag__side_row(c, &c->rows, row), *y = ag__side_row(c, &c->rows, other);
    for (size_t i = 0; i < c->width; i++)
        to[i] = (float)((double)to[i] + slope * ((double)x[i] - (double)y[i]));
}

/* Slopes are stored with the sign that products give them: as the gradient's negative. */
void ag__add_direct_to_row(const ag__contrast *c, size_t row, const float *s,
                           const unsigned char *direct)
{
    size_t n = c->columns.rows;
    for (size_t j = 0; (j = next_direct(direct, j, n)) < n; j++)
        if (s[j] != 0) add_difference(c, row, j, -(double)s[j], c->rows.slopes + row * c->width);
}

void ag__add_direct_to_columns(const ag__contrast *c, size_t row, float *s,
                               const unsigned char *direct, size_t begin, size_t end)
{
    for (size_t j = begin; (j = next_direct(direct, j, end)) < end; j++) {
        if (s[j] != 0) add_difference(c, row, j, (double)s[j], c->columns.slopes + j * c->width);
        s[j] = 0;
    }
}
