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
typedef ag_optimizer Optimizer;
typedef ag_reduction Reduction;
typedef ag_tensor Tensor;
typedef ag_variable Variable;

#define FAN_IN AG_FAN_IN
#define FAN_OUT AG_FAN_OUT

#define NONLINEARITY_LEAKY_RELU AG_NONLINEARITY_LEAKY_RELU
#define NONLINEARITY_NONE AG_NONLINEARITY_NONE
#define NONLINEARITY_RELU AG_NONLINEARITY_RELU
#define NONLINEARITY_SELU AG_NONLINEARITY_SELU
#define NONLINEARITY_SIGMOID AG_NONLINEARITY_SIGMOID
#define NONLINEARITY_TANH AG_NONLINEARITY_TANH

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

#define adagrad_create ag_adagrad_create
#define adagrad_defaults ag_adagrad_defaults
#define adam_create ag_adam_create
#define adam_defaults ag_adam_defaults
#define adamw_create ag_adamw_create
#define adamw_defaults ag_adamw_defaults
#define clip_grad_norm ag_clip_grad_norm
#define clip_grad_value ag_clip_grad_value
#define init_gain ag_init_gain
#define init_kaiming_normal ag_init_kaiming_normal
#define init_kaiming_uniform ag_init_kaiming_uniform
#define init_orthogonal ag_init_orthogonal
#define init_truncated_normal ag_init_truncated_normal
#define init_xavier_normal ag_init_xavier_normal
#define init_xavier_uniform ag_init_xavier_uniform
#define lbfgs_create ag_lbfgs_create
#define lbfgs_defaults ag_lbfgs_defaults
#define lbfgs_step ag_lbfgs_step
#define one_cycle_defaults ag_one_cycle_defaults
#define optimizer_add_group ag_optimizer_add_group
#define optimizer_learning_rate ag_optimizer_learning_rate
#define optimizer_momentum ag_optimizer_momentum
#define optimizer_name ag_optimizer_name
#define optimizer_num_state ag_optimizer_num_state
#define optimizer_set_learning_rate ag_optimizer_set_learning_rate
#define optimizer_set_momentum ag_optimizer_set_momentum
#define optimizer_state_at ag_optimizer_state_at
#define optimizer_step ag_optimizer_step
#define optimizer_zero_grad ag_optimizer_zero_grad
#define rmsprop_create ag_rmsprop_create
#define rmsprop_defaults ag_rmsprop_defaults
#define schedule_cosine ag_schedule_cosine
#define schedule_exponential ag_schedule_exponential
#define schedule_multi_step ag_schedule_multi_step
#define schedule_one_cycle ag_schedule_one_cycle
#define schedule_one_cycle_momentum ag_schedule_one_cycle_momentum
#define schedule_step ag_schedule_step
#define sgd_create ag_sgd_create

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
