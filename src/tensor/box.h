/*
 * box.h: walking through tensors in an order that need not be memory's.
 *
 * A box gives the order: the row-major order of its dimensions. A view gives, for each dimension, how
 * far apart a tensor's elements are along it: 0 where one element serves for all.
 */
#ifndef AG_TENSOR_BOX_H
#define AG_TENSOR_BOX_H

#include "tensor/op.h"

typedef struct ag__box {
    uint32_t ndims;
    size_t dims[AG_MAX_DIMS];
} ag__box;

typedef struct ag__view {
    const float *data; /* of the box's first element */
    size_t strides[AG_MAX_DIMS];
} ag__view;

/* A box of a shape, and the view of a tensor whose memory is in the box's order. */
ag__box ag__box_of(const ag__shape *shape);
ag__view ag__dense_view(const ag__box *box, const float *data);
size_t ag__box_size(const ag__box *box);

/* Makes one dimension of neighbours that all the views walk through as if they were one. */
void ag__merge_dimensions(ag__box *box, ag__view *views, uint32_t num_views);

/* The view of the part of the box that begins at an index. */
ag__view ag__view_from(const ag__view *view, const ag__box *box, const size_t *start);

/* Copies n elements, from number `first` of the box on. */
void ag__gather(const ag__box *box, const ag__view *view, size_t first, size_t n, float *out);

/*
 * Adds terms to sums, each where the strides say, for n ≤ AG__CHUNK elements from number `first` of
 * the box on.
 */
void ag__scatter_add(const ag__box *box, const size_t *strides, size_t first, size_t n,
                     const double *terms, double *sums);

#endif
