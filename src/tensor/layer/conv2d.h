/* conv2d.h: the three passes of a convolution: forward, and backward to input and to weight. */
#ifndef AG_TENSOR_LAYER_CONV2D_H
#define AG_TENSOR_LAYER_CONV2D_H

#include "tensor/layer/windows.h"

/* A convolution's shapes: windows over its input, and how many channels come out. */
typedef struct ag__conv2d {
    ag__windows windows;
    size_t out; /* channels of the result */
} ag__conv2d;

/*
 * Each pass lays out what it works with from `scratch` on, and returns how many floats that is; with
 * NULL for scratch it does nothing else.
 */
size_t ag__conv2d_forward(const ag__conv2d *conv, const float *x, const float *weight,
                          const float *bias, float *out, float *scratch);
size_t ag__conv2d_to_input(const ag__conv2d *conv, const float *grad, const float *weight,
                           ag__sink sink, float *scratch);
size_t ag__conv2d_to_weight(const ag__conv2d *conv, const float *x, const float *grad,
                            ag__sink weight, ag__sink bias, float *scratch);

/* Takes n floats, aligned as vectors like to be, from memory that starts at base. */
static inline float *ag__take(float *base, size_t *used, size_t n)
{
    float *taken = base != NULL ? base + *used : NULL;
    *used += (n + 15) / 16 * 16;
    return taken;
}

static inline size_t ag__round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

/* Images with the padding that a convolution's windows see. */
ag__frame ag__conv2d_frame(const ag__conv2d *conv);

#endif
