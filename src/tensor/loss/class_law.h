/*
 * class_law.h: row losses Σ_c t_c f(p_c) of the softmax p of a row of logits.
 *
 * Their gradient is W p_c - w_c with w_c = -t_c p_c f'(p_c) and W = Σ_c w_c: cross-entropy's, with
 * weights w in place of the target.
 */
#ifndef AG_TENSOR_LOSS_CLASS_LAW_H
#define AG_TENSOR_LOSS_CLASS_LAW_H

#include "tensor/rowwise.h"
#include "tensor/softmax_row.h"

/* A class of probability p, which falls short of 1 by q; both are exact near 0. */
typedef struct ag__class {
    double p, q, log_p;
} ag__class;

/* f(p) and -p f'(p). */
typedef struct ag__class_point {
    double value, weight;
} ag__class_point;

typedef ag__class_point ag__class_law(ag__class class, double parameter);

/* Of n ≤ AG__CHUNK classes: t f(p) and w. */
typedef void ag__class_kernel(size_t n, const float *x, const double *t, double maximum,
                              double others, double parameter, double *values, double *weights);

AG__INLINE void ag__run_class_law(ag__class_law *law, size_t n, const float *restrict x,
                                  const double *restrict t, double maximum, double others,
                                  double parameter, double *restrict values,
                                  double *restrict weights)
{
    double sum = 1 + others, log_sum = ag__log1p(others);
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double logit = (double)x[i], below = logit == maximum ? 0 : logit - maximum;
        double p = (logit == maximum ? 1 : ag__exp_of_negative(below)) / sum;
        double q = logit == maximum ? others / sum : 1 - p;
        ag__class_point at = law((ag__class){p, q, below - log_sum}, parameter);
        values[i] = t[i] == 0 ? 0 : t[i] * at.value;
        weights[i] = t[i] == 0 ? 0 : t[i] * at.weight;
    }
}

#define AG__CLASS_KERNELS(table, law)                                                              \
    AG__DEFINE_KERNELS(table, ag__class_kernel, ag__run_class_law,                                 \
                       (size_t n, const float *x, const double *t, double maximum, double others,  \
                        double parameter, double *values, double *weights),                        \
                       (law, n, x, t, maximum, others, parameter, values, weights))

void ag__compute_class_law(const ag__rows *rows, ag__class_kernel *kernel);

#define AG__CLASS_LAW_LOSS                                                                         \
    .num_inputs = 2, .num_parents = 1, .num_differentiable = 1,                                    \
    .input_names = {"logits", "target"}, .takes_reduction = true,                                  \
    .options = AG__TAKES(class_weights), AG__ROWWISE, .nanoseconds = 3 * AG__TRANSCENDENTAL

#endif
