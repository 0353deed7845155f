/* box_sum.h: sums over some of a box's dimensions, with the same bits for any number of threads. */
#ifndef AG_TENSOR_BOX_SUM_H
#define AG_TENSOR_BOX_SUM_H

#include "tensor/box.h"

/*
 * Writes the n ≤ AG__CHUNK terms from number `first` on of the part of the whole box that begins at
 * the index `start`.
 */
typedef void ag__terms(const void *context, const ag__box *part, const size_t *start, size_t first,
                       size_t n, double *terms);

typedef struct ag__box_sum {
    ag__box box;
    size_t strides[AG_MAX_DIMS]; /* of the dense result: 0 along the dimensions that are summed */
    ag__terms *terms;
    const void *context;
    double nanoseconds; /* cost of a term on one core */
} ag__box_sum;

/* Writes scale times the sums, which are added in double, to a sink. */
void ag__sum_box(const ag__box_sum *sum, double scale, const ag__sink *sink);

#endif
