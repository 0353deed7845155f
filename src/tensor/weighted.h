/*
 * weighted.h: losses that go element by element where elements weigh differently, or are divided by how
 * many of them are not 0. The driver of the others, elementwise.h, hands their calls on to here.
 */
#ifndef AG_TENSOR_WEIGHTED_H
#define AG_TENSOR_WEIGHTED_H

#include "tensor/op.h"

static inline bool ag__is_weighted(const ag__call *call)
{
    const ag_loss_options *options = call->options;
    return options != NULL && (options->weights != NULL || options->pos_weight != NULL ||
                               options->divisor == AG_DIVISOR_NONZERO);
}

/* sinks is NULL if no gradient is wanted. */
ag_status ag__weighted_forward(const ag__call *call, ag_tensor *out, const ag__sink *sinks);
void ag__weighted_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks);

#endif
