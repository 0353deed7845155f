/* activation.h: differentiable activation functions. */
#ifndef AUTOGRAD_ACTIVATION_H
#define AUTOGRAD_ACTIVATION_H

#include <autograd/variable.h>

AG_BEGIN_DECLS

/*
 * Each function returns a new node in the arena, of x's shape, or NULL on failure: AG_ERROR_NULL,
 * AG_ERROR_STATE (x is gone), AG_ERROR_SHAPE, AG_ERROR_MEMORY. Values and slopes are computed in double
 * and rounded once. NaN stays NaN; infinities give the limit where there is one.
 */

/** max(x, 0). Gradient: G where x > 0, else 0. */
AG_API ag_variable *ag_relu(ag_arena *arena, ag_variable *x);

/** min(max(x, 0), 6). Gradient: G where 0 < x < 6, else 0. */
AG_API ag_variable *ag_relu6(ag_arena *arena, ag_variable *x);

/**
 * x where x > 0, else negative_slope · x. negative_slope: finite (AG_ERROR_ARGUMENT); often 0.01.
 * Gradient: G where x > 0, else G · negative_slope, also at x = 0.
 */
AG_API ag_variable *ag_leaky_relu(ag_arena *arena, ag_variable *x, float negative_slope);

/**
 * Exponential linear unit: x where x > 0, else alpha · (e^x - 1) (Clevert, Unterthiner and Hochreiter
 * 2016). alpha: finite (AG_ERROR_ARGUMENT); often 1. Gradient: G where x > 0, else G · alpha · e^x.
 */
AG_API ag_variable *ag_elu(ag_arena *arena, ag_variable *x, float alpha);

/**
 * Scaled exponential linear unit: 1.0507… · elu(x, 1.6732…), whose constants keep mean 0 and
 * variance 1 (Klambauer et al. 2017). Gradient: as that of elu, times the scale.
 */
AG_API ag_variable *ag_selu(ag_arena *arena, ag_variable *x);

/** Logistic function σ(x) = 1 / (1 + e^-x). Gradient: G · σ(x) · σ(-x), exact in both tails. */
AG_API ag_variable *ag_sigmoid(ag_arena *arena, ag_variable *x);

/** Hyperbolic tangent. Gradient: G · (1 - tanh²x), exact in both tails. */
AG_API ag_variable *ag_tanh(ag_arena *arena, ag_variable *x);

/**
 * Gaussian error linear unit x · Φ(x), with the normal distribution function Φ itself, not its
 * approximation by tanh (Hendrycks and Gimpel 2016). Gradient: G · (Φ(x) + x · φ(x)).
 */
AG_API ag_variable *ag_gelu(ag_arena *arena, ag_variable *x);

/** Sigmoid linear unit x · σ(x), also called swish. Gradient: G · σ(x) · (1 + x · σ(-x)). */
AG_API ag_variable *ag_silu(ag_arena *arena, ag_variable *x);

/** log(1 + e^x), a smooth max(x, 0), exact in both tails. Gradient: G · σ(x). */
AG_API ag_variable *ag_softplus(ag_arena *arena, ag_variable *x);

/** min(max(x + 3, 0), 6) / 6. Gradient: G / 6 where -3 < x < 3, else 0. */
AG_API ag_variable *ag_hard_sigmoid(ag_arena *arena, ag_variable *x);

/**
 * x · min(max(x + 3, 0), 6) / 6 (Howard et al. 2019).
 * Gradient: 0 where x ≤ -3, G where x ≥ 3, else G · (2x + 3) / 6.
 */
AG_API ag_variable *ag_hard_swish(ag_arena *arena, ag_variable *x);

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
