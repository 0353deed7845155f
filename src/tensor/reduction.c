/* reduction.c: from the values of elements or rows to a loss. */
#include "config.h"

#include "tensor/reduction.h"

/* ---- divisors ---- */

/* Of the labels' class weights, if there are any; of rows that are ignored nothing is added. */
static double sum_row_weights(const ag__call *call, size_t rows)
{
    const ag_indices *labels = call->indices;
    const ag_tensor *class_weights = call->options->class_weights;
    double sum = 0;
    for (size_t row = 0; row < rows; row++) {
        double weight = ag__row_weight(call, row);
        if (weight == 0) continue;
        sum += class_weights != NULL ? weight * (double)class_weights->data[labels->data[row]]
                                     : weight;
    }
    return sum;
}

/* Where each weight counts for several items, it is counted so often. */
static double sum_weights(const ag__call *call, size_t items)
{
    const ag_tensor *weights = call->options->weights;
    if (call->indices != NULL) return sum_row_weights(call, items);
    if (weights == NULL) return (double)items;
    double sum = 0;
    for (size_t i = 0; i < weights->size; i++)
        sum += (double)weights->data[i];
    return sum * (double)(items / weights->size);
}

static size_t count_ignored(const ag__call *call)
{
    size_t count = 0;
    if (!call->options->has_ignore_index) return 0;
    for (size_t row = 0; row < call->indices->size; row++)
        count += call->indices->data[row] == call->options->ignore_index;
    return count;
}

static double mean_divisor(const ag__call *call, size_t items)
{
    const ag_loss_options *options = call->options;
    if (options == NULL) return (double)items;
    bool weighted_labels =
        options->class_weights != NULL && call->indices != NULL && !call->op->counts_rows;
    if (options->divisor == AG_DIVISOR_WEIGHTS ||
        (options->divisor == AG_DIVISOR_AUTO && weighted_labels))
        return sum_weights(call, items);
    return (double)(items - count_ignored(call));
}

double ag__divisor(const ag__call *call, size_t items)
{
    const ag_tensor *input = call->inputs[0];
    switch (call->reduction) {
    case AG_REDUCTION_MEAN: return mean_divisor(call, items);
    case AG_REDUCTION_BATCHMEAN: return input->ndims > 1 ? (double)input->shape[0] : 1;
    case AG_REDUCTION_SUM:
    case AG_REDUCTION_NONE: break;
    }
    return 1;
}

bool ag__divides_by_nonzero(const ag__call *call)
{
    return call->options != NULL && call->options->divisor == AG_DIVISOR_NONZERO &&
           call->reduction == AG_REDUCTION_MEAN;
}

/* ---- from blocks to a loss ---- */

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

float ag__reduce(const ag__blocks *blocks, const double *partial_sums, double divisor)
{
    double sum = 0;
    for (size_t block = 0; block < blocks->count; block++)
        sum += partial_sums[block];
    return divisor == 0 ? 0 : (float)(sum / divisor);
}

double ag__gradient_scale(const ag__call *call, const ag_tensor *grad, double divisor)
{
    if (call->reduction == AG_REDUCTION_NONE) return 1;
    double upstream = grad != NULL ? (double)grad->data[0] : 1;
    return divisor == 0 ? upstream * 0 : upstream / divisor;
}
