/*
 * correlation.h: sums of weighted, shifted planes: the forward pass of a convolution, and the
 * gradient to its input.
 */
#ifndef AG_TENSOR_LAYER_CORRELATION_H
#define AG_TENSOR_LAYER_CORRELATION_H

#include "core/tile.h"
#include "tensor/layer/windows.h"

/*
 * A part of the target: rows and columns in steps from a first one. Every number of it is a sum over
 * `depth` places of a frame.
 */
typedef struct ag__part {
    size_t first_row, first_column, height, width;
    size_t depth;
    size_t *offsets; /* of the places */
    float *weights;  /* [targets in tiles, depth, targets of a tile] */
} ag__part;

typedef struct ag__correlation {
    const float *source; /* images [frame.channels, frame.height, frame.width] */
    ag__frame frame;
    ag__sink target; /* images [targets, height, width] */
    size_t batch, targets, height, width;
    float *start; /* of each target's sums */
    size_t num_parts, step;
    ag__part *parts;
    float *slots; /* of memory, one for each block */
    size_t slot_floats;
} ag__correlation;

/* The most blocks, each with a slot; no more slots than threads are ever touched. */
#define AG__CORRELATION_BLOCKS 32

/* How many floats a slot needs, for frames of this kind. */
size_t ag__correlation_slot(const ag__frame *frame);

void ag__correlate(ag__correlation *correlation);

#endif
