/* product.h: products of matrices, of which no dimension is 0. */
#ifndef AG_CORE_PRODUCT_H
#define AG_CORE_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

/* Nanoseconds that a multiplication takes within a product, on one core, roughly. */
#define AG__MULTIPLICATION 0.02

/* A matrix in memory, and whether it is meant transposed. */
typedef struct ag__matrix {
    const float *data; /* row-major, stored [rows, columns], no matter if transposed */
    size_t rows, columns;
    bool transposed;
} ag__matrix;

/* A part of a matrix: its rows lie `pitch` numbers apart, as stored. */
typedef struct ag__part {
    const float *data;
    size_t pitch;
    bool transposed;
} ag__part;

/* c = op(a) · op(b), or c += … if accumulate; c is [m, n], row-major. */
void ag__matmul(ag__matrix a, ag__matrix b, bool accumulate, float *c);

/* c = op(a) · op(b) + row, which is [n] and is added to each row of c; NULL for none. */
void ag__matmul_plus_row(ag__matrix a, ag__matrix b, const float *row, float *c);

/*
 * `count` products, of matrices that follow each other in memory: factors of the shapes of a
 * and b, and results [m, n].
 */
void ag__matmul_batch(size_t count, ag__matrix a, ag__matrix b, bool accumulate, float *c);

/*
 * c[m, n] = op(a)[m, k] · op(b)[k, n], or c += … if accumulate, on the calling thread: for tasks that
 * compute their products themselves.
 */
void ag__multiply_part(size_t m, size_t n, size_t k, ag__part a, ag__part b, bool accumulate,
                       float *c, size_t c_pitch);

/* A product that is cut, for tasks which have several things to do. */
typedef struct ag__cut_product {
    size_t m, n, k;
    ag__part a, b;
    const float *start; /* what the product is added to: [m, n], may be c; NULL for zeros */
    size_t start_pitch;
    float *c;
    size_t c_pitch;
    size_t part_m, part_n; /* the shape of a part */
    size_t parts_n, parts; /* side by side, and in all */
} ag__cut_product;

/* How many multiplications a product takes, counting vectors as a whole. */
double ag__multiplications(ag__matrix a, ag__matrix b);

/* How many parts are worth their while, as many as threads at most. */
size_t ag__parts_for(double multiplications);

/* Cuts the product that ag__matmul computes into at most so many parts, at least 1. */
ag__cut_product ag__cut(ag__matrix a, ag__matrix b, bool accumulate, float *c, size_t parts);

/* A part of a higher number than there are is nothing. */
void ag__multiply_cut(const ag__cut_product *product, size_t part);

#endif
