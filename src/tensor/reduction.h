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

/*
 * What the sum over `items` elements or rows is divided by; 0 if nothing is left, which makes loss and
 * gradients 0. Of AG_DIVISOR_NONZERO, which follows from the values, it is the number of items.
 */
double ag__divisor(const ag__call *call, size_t items);

/* Whether the divisor is the number of values that are not 0. */
bool ag__divides_by_nonzero(const ag__call *call);

/* The reduced loss, from the partial sums of the blocks. */
float ag__reduce(const ag__blocks *blocks, const double *partial_sums, double divisor);

/*
 * The factor of all gradients: upstream gradient over divisor, or 1 if nothing was reduced. grad is
 * NULL for an upstream gradient of ones.
 */
double ag__gradient_scale(const ag__call *call, const ag_tensor *grad, double divisor);

/* What a row counts for: 0 if it is ignored. */
static inline double ag__row_weight(const ag__call *call, size_t row)
{
    const ag_loss_options *options = call->options;
    if (options == NULL) return 1;
    bool ignored = options->has_ignore_index && call->indices->data[row] == options->ignore_index;
    return ignored ? 0 : options->weights != NULL ? (double)options->weights->data[row] : 1;
}

static inline size_t ag__block_begin(const ag__blocks *blocks, size_t block)
{
    size_t begin = block * blocks->items_per_block;
    return begin < blocks->items ? begin : blocks->items;
}

#endif
