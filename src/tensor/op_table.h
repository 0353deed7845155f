/*
 * op_table.h: every operation, one line each.
 *
 * A line gives a name and a signature, the list of arguments that it shares with others of its kind.
 * From these lines come the declarations of the descriptors (op.h), the public functions on tensors
 * (tensor/loss_functions.c) and on variables (autograd/operations.c), the table that the tests loop
 * over, and the benchmarks.
 */
#ifndef AG_TENSOR_OP_TABLE_H
#define AG_TENSOR_OP_TABLE_H

/*
 * Signatures of losses, all of them followed by the reduction:
 *   pair            (pred, target)
 *   pair_parameter  (pred, target, parameter)
 *   single          (weights)
 *   labelled_pair   (x1, x2, target, parameter)
 *   triple          (anchor, positive, negative, parameter)
 *   labels          (logits, labels)
 *   labels_parameter (logits, labels, parameter)
 *   moments         (mean, variance, target)
 *   pair_two        (pred, target, parameter, second_parameter)
 * Each has a form that takes all options in place of the reduction.
 */
#define AG__LOSS_TABLE(X)                                                                          \
    X(mse_loss, pair)                                                                              \
    X(l1_loss, pair)                                                                               \
    X(huber_loss, pair_parameter)                                                                  \
    X(bce_loss, pair)                                                                              \
    X(bce_with_logits_loss, pair)                                                                  \
    X(cross_entropy_loss, pair)                                                                    \
    X(nll_loss, pair)                                                                              \
    X(kl_div_loss, pair)                                                                           \
    X(hinge_loss, pair)                                                                            \
    X(l2_loss, single)                                                                             \
    X(l1_regularization, single)                                                                   \
    X(cosine_embedding_loss, labelled_pair)                                                        \
    X(triplet_loss, triple)                                                                        \
    X(cross_entropy_labels_loss, labels)                                                           \
    X(nll_labels_loss, labels)                                                                     \
    X(smooth_l1_loss, pair_parameter)                                                              \
    X(soft_margin_loss, pair)                                                                      \
    X(hinge_embedding_loss, pair_parameter)                                                        \
    X(margin_ranking_loss, labelled_pair)                                                          \
    X(poisson_nll_loss, pair)                                                                      \
    X(gaussian_nll_loss, moments)                                                                  \
    X(log_cosh_loss, pair)                                                                         \
    X(quantile_loss, pair_parameter)                                                               \
    X(squared_hinge_loss, pair)                                                                    \
    X(focal_with_logits_loss, pair_parameter)                                                      \
    X(focal_loss, pair_parameter)                                                                  \
    X(generalized_cross_entropy_loss, pair_parameter)                                              \
    X(dice_loss, pair)                                                                             \
    X(tversky_loss, pair_two)                                                                      \
    X(jensen_shannon_loss, pair)                                                                   \
    X(distillation_loss, pair_parameter)                                                           \
    X(multilabel_soft_margin_loss, pair)                                                           \
    X(multi_margin_loss, labels_parameter)                                                         \
    X(multilabel_margin_loss, labels_parameter)

/*
 * Signatures of the other functions:
 *   unary            (x)
 *   unary_parameter  (x, parameter)
 *   unary_interval   (x, low, high)
 *   binary           (a, b)
 *   matmul           (a, b, transpose_a, transpose_b)
 *   linear           (x, weight, bias or NULL)
 *   dimension        (x, dim, keep_dim)
 *   reshape          (x, ndims, shape)
 *   conv2d           (x, weight, bias or NULL, stride, padding)
 *   pool2d           (x, window, stride, padding)
 *   layer_norm       (x, gamma or NULL, beta or NULL, epsilon)
 *   batch_norm       (x, gamma, beta, running_mean, running_variance, momentum, epsilon)
 *   batch_norm_eval  (x, gamma, beta, mean, variance, epsilon)
 *   dropout          (x, probability, random)
 *   embedding        (table, indices)
 *   permute          (x, order)
 *   slice            (x, dim, start, stop)
 *   concat           (num_inputs, inputs, dim)
 */
#define AG__FUNCTION_TABLE(X)                                                                      \
    X(matmul, matmul)                                                                              \
    X(linear, linear)                                                                              \
    X(add, binary)                                                                                 \
    X(sub, binary)                                                                                 \
    X(mul, binary)                                                                                 \
    X(div, binary)                                                                                 \
    X(scale, unary_parameter)                                                                      \
    X(neg, unary)                                                                                  \
    X(abs, unary)                                                                                  \
    X(exp, unary)                                                                                  \
    X(log, unary)                                                                                  \
    X(sqrt, unary)                                                                                 \
    X(pow, unary_parameter)                                                                        \
    X(clamp, unary_interval)                                                                       \
    X(sum, unary)                                                                                  \
    X(mean, unary)                                                                                 \
    X(sum_dim, dimension)                                                                          \
    X(mean_dim, dimension)                                                                         \
    X(max_dim, dimension)                                                                          \
    X(logsumexp, dimension)                                                                        \
    X(reshape, reshape)                                                                            \
    X(transpose, unary)                                                                            \
    X(permute, permute)                                                                            \
    X(slice, slice)                                                                                \
    X(concat, concat)                                                                              \
    X(relu, unary)                                                                                 \
    X(sigmoid, unary)                                                                              \
    X(tanh, unary)                                                                                 \
    X(relu6, unary)                                                                                \
    X(leaky_relu, unary_parameter)                                                                 \
    X(elu, unary_parameter)                                                                        \
    X(selu, unary)                                                                                 \
    X(gelu, unary)                                                                                 \
    X(silu, unary)                                                                                 \
    X(softplus, unary)                                                                             \
    X(hard_sigmoid, unary)                                                                         \
    X(hard_swish, unary)                                                                           \
    X(softmax, unary)                                                                              \
    X(log_softmax, unary)                                                                          \
    X(conv2d, conv2d)                                                                              \
    X(max_pool2d, pool2d)                                                                          \
    X(average_pool2d, pool2d)                                                                      \
    X(layer_norm, layer_norm)                                                                      \
    X(batch_norm, batch_norm)                                                                      \
    X(batch_norm_eval, batch_norm_eval)                                                            \
    X(dropout, dropout)                                                                            \
    X(embedding, embedding)                                                                        \
    X(batched_matmul, matmul)

#define AG__OP_TABLE(X) AG__LOSS_TABLE(X) AG__FUNCTION_TABLE(X)

#endif
