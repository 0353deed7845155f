/*
 * elementwise.h: the driver of operations that go element by element: the pairwise losses, the losses
 * of one input, activations, arithmetic, sum and mean.
 *
 * An operation's file gives its law: value and slope (the derivative of the value with respect to an
 * input) side by side, in double, without branches. Everything else stands here.
 */
#ifndef AG_TENSOR_ELEMENTWISE_H
#define AG_TENSOR_ELEMENTWISE_H

#include "core/cpu.h"
#include "core/elementary.h"
#include "tensor/op.h"

/* A law at one point. */
typedef struct ag__point {
    double value, slope;
} ag__point;

/* a and b are the inputs' elements; a law of one input ignores b. */
typedef ag__point ag__law(double a, double b, double parameter);

/* The law of what hands its input on. */
AG__INLINE ag__point ag__identity(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){.value = x, .slope = 1};
}

/* A law on a chunk. values or slopes is NULL if not wanted. */
typedef void ag__law_kernel(size_t n, const float *a, const float *b, double parameter,
                            double *values, double *slopes);

typedef struct ag__elementwise {
    ag__law_kernel *const *kernels; /* by ag__cpu(); slopes with respect to the first input */
    ag__law_kernel *const *second;  /* slopes with respect to the second, if differentiable */
} ag__elementwise;

AG__INLINE void ag__run_law(ag__law *law, size_t n, const float *restrict a,
                            const float *restrict b, double parameter, double *restrict values,
                            double *restrict slopes)
{
    if (slopes == NULL) {
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            values[i] = law((double)a[i], (double)b[i], parameter).value;
    } else {
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            slopes[i] = law((double)a[i], (double)b[i], parameter).slope;
    }
}

/* Defines the table of kernels of an always-inlined law. */
#define AG__LAW_KERNELS(table, law)                                                                \
    AG__DEFINE_KERNELS(table, ag__law_kernel, ag__run_law,                                         \
                       (size_t n, const float *a, const float *b, double parameter,                \
                        double *values, double *slopes),                                           \
                       (law, n, a, b, parameter, values, slopes))

/* All inputs have one shape; or the second is a row [columns] for every row of the first. */
ag_status ag__infer_same_shape(const ag__call *call, ag__shape *shape);
ag_status ag__infer_row_broadcast(const ag__call *call, ag__shape *shape);

ag_status ag__elementwise_forward(const ag__call *call, ag_tensor *out);
void ag__elementwise_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks);

/* What descriptors of a family have in common. */
#define AG__ELEMENTWISE .forward = ag__elementwise_forward, .backward = ag__elementwise_backward
#define AG__UNARY                                                                                  \
    .num_inputs = 1, .num_parents = 1, .num_differentiable = 1, .input_names = {"x"},              \
    .infer_shape = ag__infer_same_shape, AG__ELEMENTWISE
#define AG__BINARY                                                                                 \
    .num_inputs = 2, .num_parents = 2, .num_differentiable = 2, .input_names = {"a", "b"},         \
    .infer_shape = ag__infer_row_broadcast, AG__ELEMENTWISE
#define AG__PAIR_LOSS                                                                              \
    .num_inputs = 2, .num_parents = 1, .num_differentiable = 1, .takes_reduction = true,           \
    .infer_shape = ag__infer_same_shape, AG__ELEMENTWISE
#define AG__SINGLE_LOSS                                                                            \
    .num_inputs = 1, .num_parents = 1, .num_differentiable = 1, .takes_reduction = true,           \
    .infer_shape = ag__infer_same_shape, AG__ELEMENTWISE

#endif
