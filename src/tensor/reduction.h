/* reduction.h: from the values of elements or rows to a loss, for all drivers. */
#ifndef AG_TENSOR_REDUCTION_H
#define AG_TENSOR_REDUCTION_H

#include "tensor/op.h"

/*
 * Items (elements, or rows) in blocks: at most AG__MAX_BLOCKS, whose boundaries depend on the number
 * of items alone. The partial sums of blocks are added in order, so that a sum has the same bits
 * whatever the threads.
 */
#define AG__MAX_BLOCKS 256

/* Fewer elements than this are not worth a block: 16 KiB of an input. */
#define AG__SMALLEST_BLOCK 4096

typedef struct ag__blocks {
    size_t items, items_per_block, count;
} ag__blocks;

/* smallest: the fewest items that are worth a block. */
ag__blocks ag__split(size_t items, size_t smallest);

/* The reduced loss, from the partial sums of the blocks. */
float ag__reduce(const ag__call *call, const ag__blocks *blocks, const double *partial_sums);

/*
 * The factor of all gradients: upstream gradient over divisor, or 1 if nothing was reduced. grad is
 * NULL for an upstream gradient of ones.
 */
double ag__gradient_scale(const ag__call *call, const ag_tensor *grad, size_t items);

static inline size_t ag__block_begin(const ag__blocks *blocks, size_t block)
{
    size_t begin = block * blocks->items_per_block;
    return begin < blocks->items ? begin : blocks->items;
}

#endif
