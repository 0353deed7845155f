/* linear_cross_entropy.h: a linear layer and its cross-entropy as one operation. */
#ifndef AG_TENSOR_FUSED_LINEAR_CROSS_ENTROPY_H
#define AG_TENSOR_FUSED_LINEAR_CROSS_ENTROPY_H

#include "tensor/op.h"

extern const ag__op ag__op_linear_cross_entropy_loss;

/* At most so many blocks of rows are a tile; tests change it. */
extern size_t ag__most_blocks;

/* The call without its inputs: x, weight, and bias or NULL. */
static inline ag__call ag__linear_cross_entropy_call(const ag_indices *labels,
                                                     const ag_loss_options *options)
{
    return (ag__call){AG__WITH(ag__op_linear_cross_entropy_loss, options), .indices = labels};
}

#endif
