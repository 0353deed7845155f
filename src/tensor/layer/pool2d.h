/* pool2d.h: what the poolings of images share. */
#ifndef AG_TENSOR_LAYER_POOL2D_H
#define AG_TENSOR_LAYER_POOL2D_H

#include "tensor/layer/windows.h"

/* The windows of a call of a pooling. */
ag_status ag__pool2d_windows(const ag__call *call, ag__windows *windows);

ag_status ag__pool2d_infer_shape(const ag__call *call, ag__shape *shape);

/* Results of a row for which a place of the window lies inside of the image: begin … end - 1. */
typedef struct ag__span {
    size_t begin, end;
} ag__span;

/* place: of the window, in the dimension of this size; count: how many results there are. */
ag__span ag__pool2d_span(const ag__windows *windows, size_t place, size_t size, size_t count);

/* Planes of the batch, one for each channel of an image, in blocks. */
ag__blocks ag__pool2d_blocks(const ag__windows *windows);

/*
 * Where windows overlap, the gradients that a plane gets from them are added in double. This is the
 * memory for it: a plane for each block.
 */
size_t ag__pool2d_scratch_bytes(const ag__call *call);

/* A backward pass over planes: adds a plane's gradients to sums that are 0 at first. */
typedef struct ag__pool2d_backward {
    const ag__windows *windows;
    ag__sink sink;
    double *scratch;
    void (*add)(void *context, size_t plane, double *sums);
    void *context;
} ag__pool2d_backward;

void ag__pool2d_carry_back(ag__pool2d_backward *pass, double nanoseconds);

/* Everything but passes and names. */
#define AG__POOL2D                                                                                 \
    .num_inputs = 1, .num_parents = 1, .num_differentiable = 1, .input_names = {"x"},              \
    .reduction = AG_REDUCTION_NONE, .infer_shape = ag__pool2d_infer_shape,                         \
    .scratch_bytes = ag__pool2d_scratch_bytes, .nanoseconds = AG__CHEAP

#endif
