/*
 * using.h: the names of the specification without their prefix, for a program that wants them: what
 * `using namespace autograd;` is in C++. Include it after every other header: the names are macros
 * and typedefs, and change whatever else is called so.
 */
#ifndef AUTOGRAD_USING_H
#define AUTOGRAD_USING_H

#include <autograd/autograd.h>

typedef ag_arena Arena;
typedef ag_edge Edge;
typedef ag_reduction Reduction;
typedef ag_tensor Tensor;
typedef ag_variable Variable;

#define REDUCTION_BATCHMEAN AG_REDUCTION_BATCHMEAN
#define REDUCTION_MEAN AG_REDUCTION_MEAN
#define REDUCTION_NONE AG_REDUCTION_NONE
#define REDUCTION_SUM AG_REDUCTION_SUM

#define tensor_add ag_tensor_add
#define tensor_create ag_tensor_create
#define tensor_create_zeros ag_tensor_create_zeros

#define backward ag_backward
#define backward_from ag_backward_from
#define create_leaf ag_create_leaf
#define detach ag_detach
#define zero_grad ag_zero_grad

#define bce_loss ag_bce_loss
#define bce_with_logits_loss ag_bce_with_logits_loss
#define cosine_embedding_loss ag_cosine_embedding_loss
#define cross_entropy_loss ag_cross_entropy_loss
#define hinge_loss ag_hinge_loss
#define huber_loss ag_huber_loss
#define kl_div_loss ag_kl_div_loss
#define l1_loss ag_l1_loss
#define l1_regularization ag_l1_regularization
#define l2_loss ag_l2_loss
#define mse_loss ag_mse_loss
#define nll_loss ag_nll_loss
#define triplet_loss ag_triplet_loss

#define tensor_bce_loss ag_tensor_bce_loss
#define tensor_bce_loss_grad ag_tensor_bce_loss_grad
#define tensor_bce_with_logits_loss ag_tensor_bce_with_logits_loss
#define tensor_bce_with_logits_loss_grad ag_tensor_bce_with_logits_loss_grad
#define tensor_cosine_embedding_loss ag_tensor_cosine_embedding_loss
#define tensor_cosine_embedding_loss_grad ag_tensor_cosine_embedding_loss_grad
#define tensor_cross_entropy_loss ag_tensor_cross_entropy_loss
#define tensor_cross_entropy_loss_grad ag_tensor_cross_entropy_loss_grad
#define tensor_hinge_loss ag_tensor_hinge_loss
#define tensor_hinge_loss_grad ag_tensor_hinge_loss_grad
#define tensor_huber_loss ag_tensor_huber_loss
#define tensor_huber_loss_grad ag_tensor_huber_loss_grad
#define tensor_kl_div_loss ag_tensor_kl_div_loss
#define tensor_kl_div_loss_grad ag_tensor_kl_div_loss_grad
#define tensor_l1_loss ag_tensor_l1_loss
#define tensor_l1_loss_grad ag_tensor_l1_loss_grad
#define tensor_l1_regularization ag_tensor_l1_regularization
#define tensor_l1_regularization_grad ag_tensor_l1_regularization_grad
#define tensor_l2_loss ag_tensor_l2_loss
#define tensor_l2_loss_grad ag_tensor_l2_loss_grad
#define tensor_mse_loss ag_tensor_mse_loss
#define tensor_mse_loss_grad ag_tensor_mse_loss_grad
#define tensor_nll_loss ag_tensor_nll_loss
#define tensor_nll_loss_grad ag_tensor_nll_loss_grad
#define tensor_triplet_loss ag_tensor_triplet_loss
#define tensor_triplet_loss_grad ag_tensor_triplet_loss_grad

#endif
