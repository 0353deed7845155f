/*
 * elementwise_three.h: the driver of losses that go element by element through three inputs, two of which
 * get a gradient. What it does is elementwise.h's; a law gives the value and both slopes at once.
 */
#ifndef AG_TENSOR_ELEMENTWISE_THREE_H
#define AG_TENSOR_ELEMENTWISE_THREE_H

#include "tensor/elementwise.h"

/* A law of three numbers at one point: the slopes are those of the first two. */
typedef struct ag__point_of_three {
    double value, slopes[2];
} ag__point_of_three;

typedef ag__point_of_three ag__law_of_three(double a, double b, double c, double parameter);

/* A law on n ≤ AG__CHUNK elements of each input. Slopes are NULL where no gradient is wanted. */
typedef void ag__three_kernel(size_t n, const float *const *inputs, double parameter,
                              double *values, double *const *slopes);

typedef struct ag__elementwise_three {
    ag__three_kernel *const *kernels; /* by ag__cpu() */
} ag__elementwise_three;

AG__INLINE void ag__write_values_of_three(ag__law_of_three *law, size_t n, const float *restrict a,
                                          const float *restrict b, const float *restrict c,
                                          double parameter, double *restrict values)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        values[i] = law((double)a[i], (double)b[i], (double)c[i], parameter).value;
}

AG__INLINE void ag__write_all_of_three(ag__law_of_three *law, size_t n, const float *restrict a,
                                       const float *restrict b, const float *restrict c,
                                       double parameter, double *restrict values,
                                       double *restrict first, double *restrict second)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        ag__point_of_three at = law((double)a[i], (double)b[i], (double)c[i], parameter);
        values[i] = at.value;
        first[i] = at.slopes[0];
        second[i] = at.slopes[1];
    }
}

AG__INLINE void ag__run_law_of_three(ag__law_of_three *law, size_t n, const float *const *inputs,
                                     double parameter, double *values, double *const *slopes)
{
    if (slopes == NULL)
        ag__write_values_of_three(law, n, inputs[0], inputs[1], inputs[2], parameter, values);
    else
        ag__write_all_of_three(law, n, inputs[0], inputs[1], inputs[2], parameter, values,
                               slopes[0], slopes[1]);
}

/* Defines the table of kernels of an always-inlined law. */
#define AG__LAW_OF_THREE_KERNELS(table, law)                                                       \
    AG__DEFINE_KERNELS(table, ag__three_kernel, ag__run_law_of_three,                              \
                       (size_t n, const float *const *inputs, double parameter, double *values,    \
                        double *const *slopes),                                                    \
                       (law, n, inputs, parameter, values, slopes))

ag_status ag__three_forward(const ag__call *call, ag_tensor *out);
ag_status ag__three_both(const ag__call *call, ag_tensor *out, const ag__sink *sinks);
void ag__three_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks);

/* What the descriptors have in common. */
#define AG__THREE_LOSS                                                                             \
    .num_inputs = 3, .num_parents = 3, .num_differentiable = 2, .takes_reduction = true,           \
    .infer_shape = ag__infer_same_shape, .forward = ag__three_forward,                             \
    .forward_with_gradients = ag__three_both, .backward = ag__three_backward

#endif
