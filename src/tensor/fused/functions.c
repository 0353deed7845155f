/* functions.c: the public fused losses, on tensors. */
#include "config.h"

#include <autograd/fused.h>

#include "core/status.h"
#include "tensor/fused/linear_cross_entropy.h"

ag_status ag_tensor_linear_cross_entropy_loss(ag_arena *temp_arena, ag_tensor *out,
                                              ag_tensor *out_x, ag_tensor *out_weight,
                                              ag_tensor *out_bias, const ag_tensor *x,
                                              const ag_tensor *weight, const ag_tensor *bias,
                                              const ag_indices *labels,
                                              const ag_loss_options *options)
{
    ag__call call = ag__linear_cross_entropy_call(labels, options);
    call.inputs[0] = x;
    call.inputs[1] = weight;
    call.inputs[2] = bias;
    if (bias == NULL && out_bias != NULL)
        return ag__fail(AG_ERROR_ARGUMENT, "%s: out_bias is given but bias is NULL", call.op->name);
    return ag__call_with_scratch(temp_arena, call, out,
                                 (ag_tensor *[]){out_x, out_weight, out_bias});
}
