/* curvature.h: what the second derivatives of losses do to vectors, exactly. */
#ifndef AUTOGRAD_CURVATURE_H
#define AUTOGRAD_CURVATURE_H

#include <autograd/loss.h>

AG_BEGIN_DECLS

/*
 * Hessian-vector products: ag_tensor_<loss>_hvp(out, inputs..., vector, reduction) computes out = H v,
 * where H holds the second derivatives of the loss with respect to its first input, a matrix that is
 * never made: out and vector have that input's shape. For AG_REDUCTION_NONE the loss is the sum of the
 * elements or rows. They are in closed form, in double, and rounded once.
 *
 * With a model's outputs z(w) = J w, J^T H J is the Gauss-Newton matrix, which is the Hessian itself
 * where the model is linear: examples/newton.c solves with it.
 *
 * l1, hinge, nll, kl_div and l1_regularization are straight between their kinks: H is 0. Losses that are
 * neither among these nor declared here have no such product yet. N is the divisor of the reduction; NaN
 * is data. Failures leave out untouched: as of ag_tensor_<loss>_grad; out may share memory with no other
 * argument.
 */

/** 2 v / N. */
AG_API ag_status ag_tensor_mse_loss_hvp(ag_tensor *out, const ag_tensor *pred,
                                        const ag_tensor *target, const ag_tensor *vector,
                                        ag_reduction reduction);

/** v / N where |p - t| ≤ δ, else 0. */
AG_API ag_status ag_tensor_huber_loss_hvp(ag_tensor *out, const ag_tensor *pred,
                                          const ag_tensor *target, const ag_tensor *vector,
                                          float delta, ag_reduction reduction);

/** (t / p² + (1-t) / (1-p)²) v / N; 1e12 v / N where the gradient's p (1-p) is floored at 1e-12. */
AG_API ag_status ag_tensor_bce_loss_hvp(ag_tensor *out, const ag_tensor *pred,
                                        const ag_tensor *target, const ag_tensor *vector,
                                        ag_reduction reduction);

/** σ(x) (1 - σ(x)) v / N, exact in both tails. */
AG_API ag_status ag_tensor_bce_with_logits_loss_hvp(ag_tensor *out, const ag_tensor *logits,
                                                    const ag_tensor *target,
                                                    const ag_tensor *vector,
                                                    ag_reduction reduction);

/** v / N. */
AG_API ag_status ag_tensor_l2_loss_hvp(ag_tensor *out, const ag_tensor *weights,
                                       const ag_tensor *vector, ag_reduction reduction);

/**
 * Of each row, (S/N) (diag(p) - p pᵀ) v, where p is the softmax of the logits and S the sum of the
 * targets: S p_c (v_c - p·v) / N, without cancellation where a class is nearly certain.
 */
AG_API ag_status ag_tensor_cross_entropy_loss_hvp(ag_tensor *out, const ag_tensor *logits,
                                                  const ag_tensor *target, const ag_tensor *vector,
                                                  ag_reduction reduction);

AG_END_DECLS

#endif
