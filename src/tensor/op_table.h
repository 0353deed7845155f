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
    X(triplet_loss, triple)

/*
 * Signatures of the other functions:
 *   unary            (x)
 *   unary_parameter  (x, parameter)
 *   binary           (a, b)
 *   matmul           (a, b, transpose_a, transpose_b)
 *   linear           (x, weight, bias or NULL)
 *   reshape          (x, ndims, shape)
 *   conv2d           (x, weight, bias or NULL, stride, padding)
 *   pool2d           (x, window, stride, padding)
 *   layer_norm       (x, gamma or NULL, beta or NULL, epsilon)
 *   batch_norm       (x, gamma, beta, running_mean, running_variance, momentum, epsilon)
 *   batch_norm_eval  (x, gamma, beta, mean, variance, epsilon)
 *   dropout          (x, probability, random)
 *   embedding        (table, indices)
 */
#define AG__FUNCTION_TABLE(X)                                                                      \
    X(matmul, matmul)                                                                              \
    X(linear, linear)                                                                              \
    X(add, binary)                                                                                 \
    X(sub, binary)                                                                                 \
    X(mul, binary)                                                                                 \
    X(scale, unary_parameter)                                                                      \
    X(sum, unary)                                                                                  \
    X(mean, unary)                                                                                 \
    X(reshape, reshape)                                                                            \
    X(transpose, unary)                                                                            \
    X(relu, unary)                                                                                 \
    X(sigmoid, unary)                                                                              \
    X(tanh, unary)                                                                                 \
    X(gelu, unary)                                                                                 \
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
