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
                               options->alpha != 0 || options->divisor == AG_DIVISOR_NONZERO);
}

/* The weights of n elements from an offset on, and the application of them: what weighs 0 becomes 0. */
void ag__weights_of(const ag__call *call, size_t offset, size_t n, double *out);
void ag__weigh(size_t n, const double *weights, double *x);

/* sinks is NULL if no gradient is wanted. */
ag_status ag__weighted_forward(const ag__call *call, ag_tensor *out, const ag__sink *sinks);
void ag__weighted_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks);

#endif
