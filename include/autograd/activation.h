/* activation.h: differentiable activation functions. */
#ifndef AUTOGRAD_ACTIVATION_H
#define AUTOGRAD_ACTIVATION_H

#include <autograd/variable.h>

AG_BEGIN_DECLS

/*
 * Each function returns a new node in the arena, of x's shape, or NULL on failure: AG_ERROR_NULL,
 * AG_ERROR_SHAPE, AG_ERROR_MEMORY. Values and slopes are computed in double and rounded once.
 * NaN stays NaN; infinities give the limit where there is one.
 */

/** max(x, 0). Gradient: G where x > 0, else 0. */
AG_API ag_variable *ag_relu(ag_arena *arena, ag_variable *x);

/** Logistic function σ(x) = 1 / (1 + e^-x). Gradient: G · σ(x) · σ(-x), exact in both tails. */
AG_API ag_variable *ag_sigmoid(ag_arena *arena, ag_variable *x);

/** Hyperbolic tangent. Gradient: G · (1 - tanh²x), exact in both tails. */
AG_API ag_variable *ag_tanh(ag_arena *arena, ag_variable *x);

/**
 * Gaussian error linear unit x · Φ(x), with the normal distribution function Φ itself, not its
 * approximation by tanh (Hendrycks and Gimpel 2016). Gradient: G · (Φ(x) + x · φ(x)).
 */
AG_API ag_variable *ag_gelu(ag_arena *arena, ag_variable *x);

/**
 * Softmax of each row: e^x_c / Σ_j e^x_j over the last dimension. Shapes: x [..., classes].
 * Gradient: p_c · (G_c - Σ_j G_j p_j). A row without a limit ([∞, ∞], [-∞, -∞]) gives NaN.
 */
AG_API ag_variable *ag_softmax(ag_arena *arena, ag_variable *x);

/**
 * Logarithm of the softmax of each row: x_c - log Σ_j e^x_j, over the last dimension.
 * Gradient: G_c - softmax(x)_c · Σ_j G_j.
 */
AG_API ag_variable *ag_log_softmax(ag_arena *arena, ag_variable *x);

AG_END_DECLS

#endif
