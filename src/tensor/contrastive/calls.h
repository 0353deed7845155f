/* calls.h: what arguments of each loss make a call, for its forms on tensors and on variables. */
#ifndef AG_TENSOR_CONTRASTIVE_CALLS_H
#define AG_TENSOR_CONTRASTIVE_CALLS_H

#include "tensor/contrastive/contrast.h"

static inline ag__call ag__batch_call(const ag__op *op, ag_reduction reduction,
                                      const ag_indices *labels, float parameter)
{
    return (ag__call){.op = op, .reduction = reduction, .indices = labels, .parameter = parameter};
}

static inline ag__call ag__similarity_call(const ag__op *op, ag_reduction reduction,
                                           const ag_indices *labels, float parameter,
                                           ag_similarity similarity)
{
    ag__call call = ag__batch_call(op, reduction, labels, parameter);
    call.integers[AG__SIMILARITY] = (uint32_t)similarity;
    return call;
}

static inline ag__call ag__triplet_call(const ag__op *op, ag_reduction reduction,
                                        const ag_indices *labels, float margin, bool soft_margin,
                                        ag_divisor divisor)
{
    ag__call call = ag__batch_call(op, reduction, labels, margin);
    call.integers[AG__SOFT_MARGIN] = soft_margin;
    call.integers[AG__DIVISOR] = (uint32_t)divisor;
    return call;
}

static inline ag__call ag__arcface_call(ag_reduction reduction, const ag_indices *labels,
                                        float scale, float margin)
{
    ag__call call = ag__batch_call(&ag__op_arcface_loss, reduction, labels, scale);
    call.second_parameter = margin;
    return call;
}

#endif
