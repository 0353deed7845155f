/* vectors.c: sums over long vectors, in blocks that several threads can take. */
#include "config.h"

#include "optim/vectors.h"

#include "core/cpu.h"
#include "core/parallel.h"
#include "tensor/reduction.h"

#define NANOSECONDS_PER_ELEMENT 0.3

/* One of the two kinds of y is given. */
typedef struct product {
    ag__blocks blocks;
    const float *x, *y;
    const double *wide_y;
    double factor;
    double *sum;
    double partial_sums[AG__MAX_BLOCKS];
} product;

typedef double dot_kernel(size_t, const float *, const float *, const double *);

AG__INLINE double dot(size_t n, const float *x, const float *y, const double *wide_y)
{
    double sum = 0;
    if (y != NULL) {
#pragma omp simd reduction(+ : sum)
        for (size_t i = 0; i < n; i++)
            sum += (double)x[i] * (double)y[i];
    } else {
#pragma omp simd reduction(+ : sum)
        for (size_t i = 0; i < n; i++)
            sum += (double)x[i] * wide_y[i];
    }
    return sum;
}

#define AG__DEFINE_DOT(level, unused)                                                              \
    AG__TARGET_##level static double dot_##level(size_t n, const float *x, const float *y,         \
                                                 const double *wide_y)                             \
    {                                                                                              \
        return dot(n, x, y, wide_y);                                                               \
    }
AG__EACH_CPU(AG__DEFINE_DOT, )
static dot_kernel *const dots[AG__CPU_COUNT] = {AG__CPU_LIST(dot)};

static void dot_blocks(size_t begin, size_t end, void *context)
{
    product *p = context;
    for (size_t b = begin; b < end; b++) {
        size_t first = ag__block_begin(&p->blocks, b);
        size_t count = ag__block_begin(&p->blocks, b + 1) - first;
        p->partial_sums[b] =
            dots[ag__cpu()](count, p->x + first, p->y != NULL ? p->y + first : NULL,
                            p->wide_y != NULL ? p->wide_y + first : NULL);
    }
}

static double sum_products(product *p, size_t n)
{
    p->blocks = ag__split(n, AG__SMALLEST_BLOCK);
    ag__parallel_for(p->blocks.count, NANOSECONDS_PER_ELEMENT * (double)n, dot_blocks, p);
    double sum = 0;
    for (size_t b = 0; b < p->blocks.count; b++)
        sum += p->partial_sums[b];
    return sum;
}

double ag__vector_dot(size_t n, const float *x, const float *y)
{
    product p = {.x = x, .y = y};
    return sum_products(&p, n);
}

double ag__vector_dot_double(size_t n, const float *x, const double *y)
{
    product p = {.x = x, .wide_y = y};
    return sum_products(&p, n);
}

static void add_blocks(size_t begin, size_t end, void *context)
{
    const product *p = context;
    size_t first = ag__block_begin(&p->blocks, begin), last = ag__block_begin(&p->blocks, end);
#pragma omp simd
    for (size_t i = first; i < last; i++)
        p->sum[i] += p->factor * (double)p->x[i];
}

void ag__vector_add(size_t n, double factor, const float *x, double *sum)
{
    product p = {.blocks = ag__split(n, AG__SMALLEST_BLOCK), .x = x, .factor = factor, .sum = sum};
    ag__parallel_for(p.blocks.count, NANOSECONDS_PER_ELEMENT * (double)n, add_blocks, &p);
}
