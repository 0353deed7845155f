/*
 * rowwise.h: the driver of losses that treat the last dimension as one row of classes or features.
 *
 * A loss's file gives its law: the value of one row, and the row's gradients, side by side.
 */
#ifndef AG_TENSOR_ROWWISE_H
#define AG_TENSOR_ROWWISE_H

#include "tensor/chunk.h"

/* One row of every input. */
typedef struct ag__row {
    size_t n; /* classes or features */
    const float *inputs[AG__MAX_INPUTS];
    double parameter;
} ag__row;

typedef struct ag__rowwise {
    double (*value)(const ag__row *row);
    /* Writes scale times the gradient to the sinks, which begin at this row. */
    void (*gradient)(const ag__row *row, double scale, const ag__sink *sinks);
} ag__rowwise;

ag_status ag__rowwise_infer_shape(const ag__call *call, ag__shape *shape);
ag_status ag__rowwise_forward(const ag__call *call, ag_tensor *out);
void ag__rowwise_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks);

/* The driver's part of a descriptor. */
#define AG__ROWWISE                                                                                \
    .infer_shape = ag__rowwise_infer_shape, .forward = ag__rowwise_forward,                        \
    .backward = ag__rowwise_backward

#endif
