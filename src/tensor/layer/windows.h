/* windows.h: the windows that convolution and pooling move over the images of a batch. */
#ifndef AG_TENSOR_LAYER_WINDOWS_H
#define AG_TENSOR_LAYER_WINDOWS_H

#include <string.h>

#include "tensor/op.h"
#include "tensor/reduction.h"

/* Images [batch, channels, height, width], and what a window sees of them. */
typedef struct ag__windows {
    size_t batch, channels, height, width;
    size_t window_height, window_width, stride, padding;
    size_t out_height, out_width; /* how often the window fits */
} ag__windows;

/* Checks the numbers that say how a window moves. */
ag_status ag__windows_check(const char *name, const uint32_t window[2], uint32_t stride,
                            uint32_t padding);

/* Checks that x is a batch of images over which such a window can move, and says how. */
ag_status ag__windows_of(const ag__call *call, const uint32_t window[2], uint32_t stride,
                         uint32_t padding, ag__windows *windows);

/* A batch in at most `most` blocks, which depend on its size alone. */
ag__blocks ag__split_batch(size_t batch, size_t most);

/*
 * Copies a row of an image: most are so short that a call of memcpy would take longer. What does not
 * fill a piece is copied in a piece that overlaps the one before.
 */
static inline void ag__copy_row(size_t n, const float *restrict from, float *restrict to)
{
    enum { LONG = 16, SHORT = 4 };
    size_t piece = n >= LONG ? LONG : n >= SHORT ? SHORT : 1;
    for (size_t next = 0; next < n; next += piece) {
        size_t i = next + piece <= n ? next : n - piece;
        if (piece == LONG)
            memcpy(to + i, from + i, LONG * sizeof *to);
        else if (piece == SHORT)
            memcpy(to + i, from + i, SHORT * sizeof *to);
        else
            to[i] = from[i];
    }
}

/*
 * Images in a row of memory, with a frame of zeros around them so that windows may lie anywhere.
 *
 * Where windows move by a stride of s, each channel is cut into s · s planes, one for each remainder
 * of row and column: what a window's corner sees of all positions then lies contiguously, as do its
 * other places. So a row of a result starts wherever its window's place starts, at one pitch, and a
 * whole plane of results is a sum of shifted planes. (The few numbers between the rows that are
 * computed too mean nothing, and are dropped.)
 */
typedef struct ag__frame {
    size_t channels, height, width; /* of an image */
    size_t above, before;           /* rows and columns of zeros */
    size_t stride, rows, pitch;     /* of a plane */
    size_t plane;                   /* floats from one to the next */
    size_t floats; /* of an image, with room for vectors that read beyond its end */
} ag__frame;

/* Where in a frame a row and a column of a channel are, counted with the zeros. */
size_t ag__frame_offset(const ag__frame *frame, size_t channel, size_t row, size_t column);

/* Fills in the sizes. channels: how many there is room for. */
void ag__frame_measure(ag__frame *frame, size_t channels, size_t plane);

/* Copies an image into a frame that was all zeros, or held another image. */
void ag__frame_fill(const ag__frame *frame, const float *image, float *to);

#endif
