/* rowmap.h: the driver of functions that turn each row into a row: softmax and log_softmax. */
#ifndef AG_TENSOR_ROWMAP_H
#define AG_TENSOR_ROWMAP_H

#include "tensor/chunk.h"

typedef struct ag__rowmap {
    void (*value)(size_t n, const float *x, float *out);
    /* Carries the row's upstream gradient to the sink, which begins at this row. */
    void (*gradient)(size_t n, const float *x, const float *upstream, const ag__sink *sink);
} ag__rowmap;

ag_status ag__rowmap_infer_shape(const ag__call *call, ag__shape *shape);
ag_status ag__rowmap_forward(const ag__call *call, ag_tensor *out);
void ag__rowmap_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks);

/* The driver's part of a descriptor. */
#define AG__ROWMAP                                                                                 \
    .infer_shape = ag__rowmap_infer_shape, .forward = ag__rowmap_forward,                          \
    .backward = ag__rowmap_backward

#endif
