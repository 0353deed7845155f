/* reduction.c: from the values of elements or rows to a loss. */
#include "config.h"

#include "tensor/reduction.h"

/* What a sum over `items` elements or rows is divided by. */
static double divisor(const ag__call *call, size_t items)
{
    const ag_tensor *input = call->inputs[0];
    switch (call->reduction) {
    case AG_REDUCTION_MEAN: return (double)items;
    case AG_REDUCTION_BATCHMEAN: return input->ndims > 1 ? (double)input->shape[0] : 1;
    case AG_REDUCTION_SUM:
    case AG_REDUCTION_NONE: break;
    }
    return 1;
}

ag__blocks ag__split(size_t items, size_t smallest)
{
    size_t per_block = (items + AG__MAX_BLOCKS - 1) / AG__MAX_BLOCKS;
    if (per_block < smallest) per_block = smallest;
    return (ag__blocks){
        .items = items,
        .items_per_block = per_block,
        .count = (items + per_block - 1) / per_block,
    };
}

float ag__reduce(const ag__call *call, const ag__blocks *blocks, const double *partial_sums)
{
    double sum = 0;
    for (size_t block = 0; block < blocks->count; block++)
        sum += partial_sums[block];
    return (float)(sum / divisor(call, blocks->items));
}

double ag__gradient_scale(const ag__call *call, const ag_tensor *grad, size_t items)
{
    if (call->reduction == AG_REDUCTION_NONE) return 1;
    double upstream = grad != NULL ? (double)grad->data[0] : 1;
    return upstream / divisor(call, items);
}
