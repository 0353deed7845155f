/*
 * dimension.h: what operations on one dimension share: a tensor seen as [outer, length, inner], where
 * length is that dimension.
 *
 * In their calls the first integer is the dimension, counted from the last if negative, as an int;
 * the second says whether a dimension that is reduced stays, as 1.
 */
#ifndef AG_TENSOR_DIMENSION_H
#define AG_TENSOR_DIMENSION_H

#include "tensor/op.h"

typedef struct ag__along {
    size_t outer, length, inner;
} ag__along;

/* Checks a call's dimension against its first input. */
ag_status ag__check_dimension(const ag__call *call);

/* The same dimension counted from the first, of a call that was checked. */
uint32_t ag__dimension(const ag__call *call);

/* A tensor along a call's dimension. */
ag__along ag__along_of(const ag__call *call, const ag_tensor *tensor);

/* The shape without the dimension, or with 1 in its place. */
ag_status ag__reduced_infer_shape(const ag__call *call, ag__shape *shape);

/* ---- sum and mean: by the reduction in the operation's descriptor ---- */

ag_status ag__sum_dim_forward(const ag__call *call, ag_tensor *out);
void ag__sum_dim_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks);

/* ---- lanes: results side by side, each of the numbers that lie `inner` apart ---- */

#define AG__LANES_AT_ONCE 64

typedef struct ag__lanes {
    size_t width;  /* how many results; 1 if inner is, and then the lane is contiguous */
    size_t input;  /* offset of their first numbers */
    size_t result; /* offset of the results */
} ag__lanes;

size_t ag__number_of_lanes(const ag__along *along);
ag__lanes ag__lanes_at(const ag__along *along, size_t number);

/* The largest of each lane, and where it first stands. NaN counts as larger than any number. */
void ag__maxima(const ag__along *along, const ag__lanes *lanes, const float *x, float *maxima,
                uint32_t *where);

/* ---- copies of rows that lie apart ---- */

typedef struct ag__slab {
    size_t rows, width;
    size_t from_pitch, to_pitch; /* from one row to the next */
} ag__slab;

void ag__copy_slab(const ag__slab *slab, const float *from, ag__sink to);

#define AG__ONE_INPUT                                                                              \
    .num_inputs = 1, .num_parents = 1, .num_differentiable = 1, .input_names = {"x"}
#define AG__SUM_DIM                                                                                \
    AG__ONE_INPUT, .infer_shape = ag__reduced_infer_shape, .forward = ag__sum_dim_forward,         \
                   .backward = ag__sum_dim_backward

#endif
