/* fused.c: the public fused losses, on variables. */
#include "config.h"

#include <autograd/fused.h>

#include "autograd/apply.h"
#include "tensor/fused/linear_cross_entropy.h"

ag_variable *ag_linear_cross_entropy_loss(ag_arena *arena, ag_variable *x, ag_variable *weight,
                                          ag_variable *bias, const ag_indices *labels,
                                          const ag_loss_options *options)
{
    return ag__apply(arena, ag__linear_cross_entropy_call(labels, options),
                     (ag_variable *[]){x, weight, bias});
}
