/* arithmetic.h: differentiable products, sums and changes of shape. */
#ifndef AUTOGRAD_ARITHMETIC_H
#define AUTOGRAD_ARITHMETIC_H

#include <autograd/variable.h>

AG_BEGIN_DECLS

/*
 * Each function returns a new node in the arena, or NULL on failure: AG_ERROR_NULL, AG_ERROR_SHAPE,
 * AG_ERROR_MEMORY. Inputs are not changed and must live as long as the node. Gradients flow to all
 * inputs that require one.
 */

/**
 * Matrix product op(a) · op(b), where op transposes if asked to.
 * Shapes: op(a) [m, k], op(b) [k, n]; result [m, n]. Computed by sgemm, in float.
 * Gradient: dA = G · op(b)ᵀ, dB = op(a)ᵀ · G, transposed back where the input was.
 */
AG_API ag_variable *ag_matmul(ag_arena *arena, ag_variable *a, ag_variable *b, bool transpose_a,
                              bool transpose_b);

/**
 * Matrix products op(a_i) · op(b_i) of as many pairs as the leading dimensions say.
 * Shapes: op(a) [..., m, k], op(b) [..., k, n], of at least 3 dimensions, the leading ones the same;
 * result [..., m, n]. Computed by sgemm, in float. Gradient: as of ag_matmul, pair by pair.
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

/**
 * a + b. Shapes: b as a, or a row [n] that is added to every row of a [..., n].
 * Gradient: da = G; db = G, summed over the rows (in double) where b is a row.
 */
AG_API ag_variable *ag_add(ag_arena *arena, ag_variable *a, ag_variable *b);

/** a - b, with the shapes of ag_add. Gradient: da = G, db = -G. */
AG_API ag_variable *ag_sub(ag_arena *arena, ag_variable *a, ag_variable *b);

/** a · b element by element, with the shapes of ag_add. Gradient: da = G · b, db = G · a. */
AG_API ag_variable *ag_mul(ag_arena *arena, ag_variable *a, ag_variable *b);

/** factor · x. Gradient: dx = factor · G. */
AG_API ag_variable *ag_scale(ag_arena *arena, ag_variable *x, float factor);

/** The sum of all elements, added in double; shape [1]. Gradient: dx = G. */
AG_API ag_variable *ag_sum(ag_arena *arena, ag_variable *x);

/** The mean of all elements, added in double; shape [1]. Gradient: dx = G / size. */
AG_API ag_variable *ag_mean(ag_arena *arena, ag_variable *x);

/** The same elements under another shape of the same size. The result shares x's memory. */
AG_API ag_variable *ag_reshape(ag_arena *arena, ag_variable *x, uint32_t ndims,
                               const uint32_t *shape);

/** The transpose of a matrix [m, n], as a new tensor [n, m]. Gradient: dx = Gᵀ. */
AG_API ag_variable *ag_transpose(ag_arena *arena, ag_variable *x);

AG_END_DECLS

#endif
