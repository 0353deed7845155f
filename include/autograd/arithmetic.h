/* arithmetic.h: differentiable arithmetic, reductions and changes of shape. */
#ifndef AUTOGRAD_ARITHMETIC_H
#define AUTOGRAD_ARITHMETIC_H

#include <autograd/variable.h>

AG_BEGIN_DECLS

/*
 * Each function returns a new node in the arena, or NULL on failure: AG_ERROR_NULL, AG_ERROR_STATE (an
 * input is gone), AG_ERROR_SHAPE, AG_ERROR_MEMORY. Inputs are not changed; they must live, and keep
 * their values, until backward is done. Gradients flow to all inputs that require one.
 */

/**
 * Matrix product op(a) · op(b), where op transposes if asked to.
 * Shapes: op(a) [m, k], op(b) [k, n]; result [m, n]. Computed in float.
 * Gradient: dA = G · op(b)ᵀ, dB = op(a)ᵀ · G, transposed back where the input was.
 */
AG_API ag_variable *ag_matmul(ag_arena *arena, ag_variable *a, ag_variable *b, bool transpose_a,
                              bool transpose_b);

/**
 * Matrix products op(a_i) · op(b_i) of as many pairs as the leading dimensions say.
 * Shapes: op(a) [..., m, k], op(b) [..., k, n], of at least 3 dimensions, the leading ones the same;
 * result [..., m, n]. Computed in float. Gradient: as of ag_matmul, pair by pair.
 */
AG_API ag_variable *ag_batched_matmul(ag_arena *arena, ag_variable *a, ag_variable *b,
                                      bool transpose_a, bool transpose_b);

/**
 * Fully connected layer x · weightᵀ + bias, in one node.
 * Shapes: x [..., in], weight [out, in], bias [out] or NULL for none; result [..., out].
 * Gradient: dx = G · weight, dweight = Gᵀ · x, dbias = the sum of G's rows (in double).
 */
AG_API ag_variable *ag_linear(ag_arena *arena, ag_variable *x, ag_variable *weight,
                              ag_variable *bias);

/*
 * The next four stretch their inputs to one shape, as NumPy does: aligned at the last dimensions, a
 * dimension that is 1 or missing in one of them serves all of the other's: [8, 1, 5] and [3, 1] give
 * [8, 3, 5]. The gradient of an input that was stretched is the sum over what its elements served,
 * in double and with the same bits for any number of threads. Other shapes: AG_ERROR_SHAPE.
 */

/** a + b. Gradient: da = G, db = G. */
AG_API ag_variable *ag_add(ag_arena *arena, ag_variable *a, ag_variable *b);

/** a - b. Gradient: da = G, db = -G. */
AG_API ag_variable *ag_sub(ag_arena *arena, ag_variable *a, ag_variable *b);

/** a · b, element by element. Gradient: da = G · b, db = G · a. */
AG_API ag_variable *ag_mul(ag_arena *arena, ag_variable *a, ag_variable *b);

/**
 * a / b, element by element. Gradient: da = G / b, db = -G · a / b². By 0 it is ±∞, or NaN for 0 / 0,
 * and so are the gradients.
 */
AG_API ag_variable *ag_div(ag_arena *arena, ag_variable *a, ag_variable *b);

/*
 * Functions of each element: values and slopes are computed in double and rounded once; NaN stays NaN,
 * infinities give the limit.
 */

/** factor · x. Gradient: dx = factor · G. */
AG_API ag_variable *ag_scale(ag_arena *arena, ag_variable *x, float factor);

/** -x. Gradient: -G. */
AG_API ag_variable *ag_neg(ag_arena *arena, ag_variable *x);

/** |x|. Gradient: G · sign(x), 0 at x = 0. */
AG_API ag_variable *ag_abs(ag_arena *arena, ag_variable *x);

/** e^x. Gradient: G · e^x. */
AG_API ag_variable *ag_exp(ag_arena *arena, ag_variable *x);

/** Natural logarithm: -∞ at 0, NaN below. Gradient: G / x, infinite at 0, NaN below. */
AG_API ag_variable *ag_log(ag_arena *arena, ag_variable *x);

/** Square root: NaN below 0. Gradient: G / (2 · √x), infinite at 0, NaN below. */
AG_API ag_variable *ag_sqrt(ag_arena *arena, ag_variable *x);

/**
 * x^exponent, with the limits of C's pow: NaN for a negative x and an exponent that is no integer; 1
 * for the exponent 0, whatever x. exponent: finite (AG_ERROR_ARGUMENT).
 * Gradient: G · exponent · x^(exponent - 1); infinite at x = 0 if the exponent is below 1, but not 0.
 */
AG_API ag_variable *ag_pow(ag_arena *arena, ag_variable *x, float exponent);

/**
 * min(max(x, low), high). low ≤ high (AG_ERROR_ARGUMENT); either may be infinite.
 * Gradient: G where low ≤ x ≤ high, else 0. It flows at the bounds too, so that a number that was
 * put on a bound can leave it.
 */
AG_API ag_variable *ag_clamp(ag_arena *arena, ag_variable *x, float low, float high);

/** The sum of all elements, added in double; shape [1]. Gradient: dx = G. */
AG_API ag_variable *ag_sum(ag_arena *arena, ag_variable *x);

/** The mean of all elements, added in double; shape [1]. Gradient: dx = G / size. */
AG_API ag_variable *ag_mean(ag_arena *arena, ag_variable *x);

/*
 * The next take one dimension of x, from 0, or from -1 for the last one, backwards (AG_ERROR_ARGUMENT
 * for one that x has not). With keep_dim it stays in the result, as 1, and the result can be combined
 * with x; without, it goes, but for that of a tensor of one dimension: a single number is [1].
 */

/** The sum over one dimension, added in double. Gradient: dx = G for all that was added. */
AG_API ag_variable *ag_sum_dim(ag_arena *arena, ag_variable *x, int dim, bool keep_dim);

/** The mean over one dimension, added in double. Gradient: dx = G / size of the dimension. */
AG_API ag_variable *ag_mean_dim(ag_arena *arena, ag_variable *x, int dim, bool keep_dim);

/**
 * The largest over one dimension; NaN if there is one. Gradient: dx = G for the first that is the
 * largest (the first NaN if there is one), 0 for the others. See ag_tensor_argmax.
 */
AG_API ag_variable *ag_max_dim(ag_arena *arena, ag_variable *x, int dim, bool keep_dim);

/**
 * log Σ e^x over one dimension, computed as m + log Σ e^(x - m) with m the largest.
 * Gradient: dx = G · softmax(x), which has no limit, and is NaN, where the largest is -∞ or where
 * several are ∞.
 */
AG_API ag_variable *ag_logsumexp(ag_arena *arena, ag_variable *x, int dim, bool keep_dim);

/** The same elements under another shape of the same size. The result shares x's memory. */
AG_API ag_variable *ag_reshape(ag_arena *arena, ag_variable *x, uint32_t ndims,
                               const uint32_t *shape);

/** The transpose of a matrix [m, n], as a new tensor [n, m]. Gradient: dx = Gᵀ. */
AG_API ag_variable *ag_transpose(ag_arena *arena, ag_variable *x);

/**
 * The dimensions in another order, as a new tensor: dimension d of the result is dimension order[d] of
 * x. order: as many as x has dimensions, each once (AG_ERROR_ARGUMENT).
 * Gradient: G with its dimensions put back.
 */
AG_API ag_variable *ag_permute(ag_arena *arena, ag_variable *x, const uint32_t *order);

/**
 * What lies from `start` up to but not including `stop` in one dimension, counted from 0, or backwards
 * from -1; as a new tensor. start < stop ≤ size of the dimension (AG_ERROR_ARGUMENT).
 * Gradient: G there, 0 elsewhere.
 */
AG_API ag_variable *ag_slice(ag_arena *arena, ag_variable *x, int dim, uint32_t start,
                             uint32_t stop);

/**
 * Any number of tensors, from 1, one after the other along a dimension, counted from 0, or backwards
 * from -1. They agree in all other dimensions (AG_ERROR_SHAPE). The array is copied.
 * Gradient: to each input its part of G.
 */
AG_API ag_variable *ag_concat(ag_arena *arena, uint32_t num_inputs, ag_variable *const *inputs,
                              int dim);

AG_END_DECLS

#endif
