/*
 * rowwise.h: the driver of losses that treat the last dimension as one row of classes or features.
 *
 * A loss's file gives its law, a function that computes the values of a few rows, their gradients, or
 * both: what they share, such as the sum of a row's exponentials, is computed once.
 */
#ifndef AG_TENSOR_ROWWISE_H
#define AG_TENSOR_ROWWISE_H

#include "core/cpu.h"
#include "tensor/chunk.h"

/* The most rows that a law is handed at once, so that it can compute short rows side by side. */
#define AG__ROWS 16

typedef struct ag__rows {
    size_t count;                        /* at most AG__ROWS */
    size_t behind;                       /* rows of the inputs that follow them */
    size_t n;                            /* classes or features of a row */
    const float *inputs[AG__MAX_INPUTS]; /* where the first of the rows begins */
    double parameter, second_parameter;
    const int32_t *labels; /* of the rows, one each or n each; NULL if the loss takes none */
    const ag_loss_options *options; /* NULL where all of them are 0 */

    double *values;        /* to be written, one for each row; NULL if not wanted */
    const double *scales;  /* factors of the gradients, one for each row */
    const ag__sink *sinks; /* which begin at the first row; NULL if no gradient is wanted */
    size_t *num_correct;   /* to be added to; NULL if not wanted */
} ag__rows;

/* How far ahead of a row the next one lies, which ag__softmax_of is told; 0 if there is none. */
static inline size_t ag__ahead(const ag__rows *rows, size_t index)
{
    return index + 1 < rows->count + rows->behind ? rows->n : 0;
}

/* Whether what lies AG__AHEAD behind a row's beginning is still part of the inputs. */
static inline bool ag__much_follows(const ag__rows *rows, size_t index)
{
    return (rows->count + rows->behind - index) * rows->n > AG__AHEAD;
}

typedef struct ag__rowwise {
    void (*compute)(const ag__rows *rows);
} ag__rowwise;

ag_status ag__rowwise_infer_shape(const ag__call *call, ag__shape *shape);
ag_status ag__rowwise_forward(const ag__call *call, ag_tensor *out);
ag_status ag__rowwise_both(const ag__call *call, ag_tensor *out, const ag__sink *sinks);
void ag__rowwise_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks);

/* The driver's part of a descriptor. */
#define AG__ROWWISE                                                                                \
    .infer_shape = ag__rowwise_infer_shape, .forward = ag__rowwise_forward,                        \
    .forward_with_gradients = ag__rowwise_both, .backward = ag__rowwise_backward, .by_rows = true

#endif
