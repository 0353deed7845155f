/*
 * elementwise.h: the driver of operations that go element by element: the pairwise losses, the losses
 * of one input, activations, arithmetic, sum and mean.
 *
 * An operation's file gives its law: value and slope (the derivative of the value with respect to an
 * input) side by side, in double or what floats hold exactly, without branches. Everything else stands here.
 */
#ifndef AG_TENSOR_ELEMENTWISE_H
#define AG_TENSOR_ELEMENTWISE_H

#include <string.h>

#include "core/cpu.h"
#include "core/elementary.h"
#include "core/wide.h"
#include "tensor/op.h"

/* A law at one point. */
typedef struct ag__point {
    double value, slope;
    double e; /* of a law with a logarithm alone: the value goes on with + log(1 + e), 0 ≤ e ≤ 1 */
} ag__point;

/* a and b are the inputs' elements; a law of one input ignores b. */
typedef ag__point ag__law(double a, double b, double parameter);

/* Value or slope of a law that needs no double for them, since a float holds them exactly, such as a sign. */
typedef float ag__exact_law(float a, float b);

/* What an operation's file tells the loops, which are compiled for it. */
typedef struct ag__formula {
    ag__law *law;
    bool with_log;     /* the value goes on with + log(1 + e) */
    bool never_summed; /* of an operation without a reduction: no loop is compiled that sums */
    double slope_unit; /* a power of 2 that the law leaves out of its slope; 0 stands for 1 */
    ag__exact_law *exact_value, *exact_slope; /* NULL if there is none */
} ag__formula;

/* The whole value. */
AG__INLINE double ag__value_of(ag__point point, bool with_log)
{
    return with_log ? point.value + ag__log1p_of_unit(point.e) : point.value;
}

AG__INLINE double ag__slope_unit(const ag__formula *f)
{
    return f->slope_unit != 0 ? f->slope_unit : 1;
}

/* The law of what hands its input on. */
AG__INLINE ag__point ag__identity(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){.value = x, .slope = 1};
}

/*
 * Values are summed in so many lanes, lap after lap. Full laps have a constant length and sums of their own,
 * which the compiler then keeps in registers: stored in each lap, they would wait behind the gradient's
 * stores to a slower cache (measured: a third of mse_loss at [256, 1000]).
 */
#define AG__LANES 32

/* What a kernel is asked for: one of these, or gradient beside sums. Only gradient has scale and upstream. */
typedef struct ag__law_out {
    double *values, *slopes; /* of n elements each */
    float *results;          /* of n elements: the values, rounded once */
    double *sums;            /* AG__LANES: of the values, added to what is there */
    float *gradient; /* of n elements: scale times upstream times the slopes, rounded once */
    double scale;
    const float *upstream; /* of n elements; 1 beside sums */
    bool from_memory;      /* the inputs are too many to be in a near cache: ask for them ahead */
} ag__law_out;

/* A law on n elements. */
typedef void ag__law_kernel(size_t n, const float *a, const float *b, double parameter,
                            const ag__law_out *out);

/* The same with a weight for each element; values or slopes are NULL where they are not wanted. */
typedef void ag__pos_weight_kernel(size_t n, const float *a, const float *b, const double *weights,
                                   double *values, double *slopes);

typedef struct ag__elementwise {
    ag__law_kernel *const *kernels; /* by ag__cpu(); slopes with respect to the first input */
    ag__law_kernel *const *second;  /* slopes with respect to the second, if differentiable */
    ag__pos_weight_kernel *const *pos_weight; /* of a loss that takes this option */
} ag__elementwise;

/* Asks for n elements of the inputs; a law of one input has its input twice. */
AG__INLINE void ag__fetch_inputs(size_t n, const float *a, const float *b)
{
    ag__fetch_ahead(n, a);
    if (b != a) ag__fetch_ahead(n, b);
}

/* These go through n elements from one asking for inputs to the next. */
AG__INLINE void ag__write_values(const ag__formula *f, size_t n, const float *restrict a,
                                 const float *restrict b, double parameter, bool from_memory,
                                 double *restrict values)
{
    for (size_t begin = 0, end; begin < n; begin = end) {
        end = n - begin < AG__FETCHED ? n : begin + AG__FETCHED;
        if (from_memory) ag__fetch_inputs(AG__FETCHED, a + begin, b + begin);
#pragma omp simd
        for (size_t i = begin; i < end; i++)
            values[i] = ag__value_of(f->law((double)a[i], (double)b[i], parameter), f->with_log);
    }
}

AG__INLINE void ag__write_results(const ag__formula *f, size_t n, const float *restrict a,
                                  const float *restrict b, double parameter, bool from_memory,
                                  float *restrict results)
{
    for (size_t begin = 0, end; begin < n; begin = end) {
        end = n - begin < AG__FETCHED ? n : begin + AG__FETCHED;
        if (from_memory) ag__fetch_inputs(AG__FETCHED, a + begin, b + begin);
#pragma omp simd
        for (size_t i = begin; i < end; i++)
            results[i] = f->exact_value != NULL
                             ? f->exact_value(a[i], b[i])
                             : (float)ag__value_of(f->law((double)a[i], (double)b[i], parameter),
                                                   f->with_log);
    }
}

AG__INLINE void ag__write_slopes(const ag__formula *f, size_t n, const float *restrict a,
                                 const float *restrict b, double parameter, bool from_memory,
                                 double *restrict slopes)
{
    for (size_t begin = 0, end; begin < n; begin = end) {
        end = n - begin < AG__FETCHED ? n : begin + AG__FETCHED;
        if (from_memory) ag__fetch_inputs(AG__FETCHED, a + begin, b + begin);
#pragma omp simd
        for (size_t i = begin; i < end; i++)
            slopes[i] = ag__slope_unit(f) * f->law((double)a[i], (double)b[i], parameter).slope;
    }
}

AG__INLINE void ag__write_gradient(const ag__formula *f, size_t n, const float *restrict a,
                                   const float *restrict b, double parameter, bool from_memory,
                                   const float *restrict upstream, double scale,
                                   float *restrict gradient)
{
    for (size_t begin = 0, end; begin < n; begin = end) {
        end = n - begin < AG__FETCHED ? n : begin + AG__FETCHED;
        if (from_memory) ag__fetch_inputs(AG__FETCHED, a + begin, b + begin);
        if (from_memory) ag__fetch_ahead(AG__FETCHED, upstream + begin);
#pragma omp simd
        for (size_t i = begin; i < end; i++) {
            double slope = f->law((double)a[i], (double)b[i], parameter).slope;
            gradient[i] = (float)(scale * (double)upstream[i] * slope);
        }
    }
}

/* The same where each gradient is a product of two floats. */
AG__INLINE void ag__multiply_exact_slopes(const ag__formula *f, size_t n, const float *restrict a,
                                          const float *restrict b, bool from_memory,
                                          const float *restrict upstream, float *restrict gradient)
{
    for (size_t begin = 0, end; begin < n; begin = end) {
        end = n - begin < AG__FETCHED ? n : begin + AG__FETCHED;
        if (from_memory) ag__fetch_inputs(AG__FETCHED, a + begin, b + begin);
        if (from_memory) ag__fetch_ahead(AG__FETCHED, upstream + begin);
#pragma omp simd
        for (size_t i = begin; i < end; i++)
            gradient[i] = upstream[i] * f->exact_slope(a[i], b[i]);
    }
}

AG__INLINE void ag__run_gradient(const ag__formula *f, size_t n, const float *a, const float *b,
                                 double parameter, const ag__law_out *out)
{
    double scale = out->scale * ag__slope_unit(f);
    if (f->exact_slope == NULL || scale != 1)
        ag__write_gradient(f, n, a, b, parameter, out->from_memory, out->upstream, scale,
                           out->gradient);
    else
        ag__multiply_exact_slopes(f, n, a, b, out->from_memory, out->upstream, out->gradient);
}

/* The transcendental functions of a law stand in its value and its slope, and are computed once. */
AG__INLINE void ag__add_group(const ag__formula *f, const ag__conversions *conversions,
                              const float *a, const float *b, double parameter,
                              double *restrict sums, double scale, float *gradient)
{
    double wide_a[AG__GROUP], wide_b[AG__GROUP], slopes[AG__GROUP];
    conversions->widen(a, wide_a);
    conversions->widen(b, wide_b);
#pragma omp simd
    for (size_t k = 0; k < AG__GROUP; k++) {
        ag__point point = f->law(wide_a[k], wide_b[k], parameter);
        sums[k] += point.value;
        slopes[k] = scale * point.slope;
    }
    if (gradient != NULL) conversions->narrow(slopes, gradient);
}

/*
 * The same of any number, with the logarithm if there is one: a single one for each lane, Σ log(1 + e) =
 * log Π (1 + e), where the product less 1 is kept, which has all digits also where it is small.
 */
AG__INLINE void ag__add_some(const ag__formula *f, size_t n, const float *restrict a,
                             const float *restrict b, double parameter, double *restrict sums,
                             double *restrict products, double scale, float *restrict gradient)
{
#pragma omp simd
    for (size_t k = 0; k < n; k++) {
        ag__point point = f->law((double)a[k], (double)b[k], parameter);
        sums[k] += point.value;
        if (f->with_log) products[k] = products[k] * point.e + (products[k] + point.e);
        if (gradient != NULL) gradient[k] = (float)(scale * point.slope);
    }
}

AG__INLINE void ag__write_exact_slopes(const ag__formula *f, const float *restrict a,
                                       const float *restrict b, float scale,
                                       float *restrict gradient)
{
#pragma omp simd
    for (size_t k = 0; k < AG__LANES; k++)
        gradient[k] = scale * f->exact_slope(a[k], b[k]);
}

/*
 * A lap. The laws with a logarithm are chains of operations so long that a processor which meets one group after
 * the other waits for their ends: they take two at once (measured: bce_with_logits_loss 0.93 of the time).
 */
AG__INLINE void ag__add_lap(const ag__formula *f, const ag__conversions *conversions,
                            const float *a, const float *b, double parameter, double *sums,
                            double *products, double scale, float *gradient)
{
    float *slopes = f->exact_slope == NULL ? gradient : NULL;
    if (f->with_log || AG__COMPILER_WIDENS) {
        AG__UNROLL
        for (size_t k = 0; k < AG__LANES; k += 2 * AG__GROUP)
            ag__add_some(f, 2 * AG__GROUP, a + k, b + k, parameter, sums + k, products + k, scale,
                         slopes != NULL ? slopes + k : NULL);
    } else {
        AG__UNROLL
        for (size_t k = 0; k < AG__LANES; k += AG__GROUP)
            ag__add_group(f, conversions, a + k, b + k, parameter, sums + k, scale,
                          slopes != NULL ? slopes + k : NULL);
    }
    if (gradient != NULL && slopes == NULL) ag__write_exact_slopes(f, a, b, (float)scale, gradient);
}

/* n is at most AG__SMALLEST_BLOCK, so that a lane's product is at most 2^128. */
AG__INLINE void ag__add_values(const ag__formula *f, const ag__conversions *conversions, size_t n,
                               const float *a, const float *b, double parameter, bool from_memory,
                               double *sums, double scale, float *gradient)
{
    double full[AG__LANES], products[AG__LANES] = {0};
    size_t i = 0;
    memcpy(full, sums, sizeof full);
    for (; n - i >= AG__LANES; i += AG__LANES) {
        if (from_memory) ag__fetch_inputs(AG__LANES, a + i, b + i);
        ag__add_lap(f, conversions, a + i, b + i, parameter, full, products, scale,
                    gradient != NULL ? gradient + i : NULL);
    }
    memcpy(sums, full, sizeof full);
    ag__add_some(f, n - i, a + i, b + i, parameter, sums, products, scale,
                 gradient != NULL ? gradient + i : NULL);
    if (!f->with_log) return;
#pragma omp simd
    for (size_t k = 0; k < AG__LANES; k++)
        sums[k] += ag__log1p_of_finite(products[k]);
}

AG__INLINE void ag__run_formula(const ag__conversions *conversions, const ag__formula *f, size_t n,
                                const float *a, const float *b, double parameter,
                                const ag__law_out *out)
{
    bool from_memory = out->from_memory, sums = out->sums != NULL && !f->never_summed;
    if (sums && out->gradient != NULL)
        ag__add_values(f, conversions, n, a, b, parameter, from_memory, out->sums,
                       out->scale * ag__slope_unit(f), out->gradient);
    else if (sums)
        ag__add_values(f, conversions, n, a, b, parameter, from_memory, out->sums, 0, NULL);
    else if (out->gradient != NULL)
        ag__run_gradient(f, n, a, b, parameter, out);
    else if (out->results != NULL)
        ag__write_results(f, n, a, b, parameter, from_memory, out->results);
    else if (out->values != NULL)
        ag__write_values(f, n, a, b, parameter, from_memory, out->values);
    else
        ag__write_slopes(f, n, a, b, parameter, from_memory, out->slopes);
}

/* Defines the table of kernels of a formula, which is given as an initialiser; of a law alone; of one without sums. */
#define AG__FORMULA_KERNELS(table, ...)                                                            \
    static const ag__formula table##_formula = {__VA_ARGS__};                                      \
    AG__DEFINE_WIDE_KERNELS(                                                                       \
        table, ag__law_kernel, ag__run_formula,                                                    \
        (size_t n, const float *a, const float *b, double parameter, const ag__law_out *out),      \
        &table##_formula, n, a, b, parameter, out)
#define AG__LAW_KERNELS(table, law_of_table) AG__FORMULA_KERNELS(table, .law = law_of_table)
#define AG__MAP_KERNELS(table, law_of_table)                                                       \
    AG__FORMULA_KERNELS(table, .law = law_of_table, .never_summed = true)

AG__INLINE void ag__run_pos_weight(ag__law *law, size_t n, const float *restrict a,
                                   const float *restrict b, const double *restrict weights,
                                   double *restrict values, double *restrict slopes)
{
    for (size_t i = 0; i < n && values != NULL; i++)
        values[i] = law((double)a[i], (double)b[i], weights[i]).value;
    for (size_t i = 0; i < n && slopes != NULL; i++)
        slopes[i] = law((double)a[i], (double)b[i], weights[i]).slope;
}

/* The same of a law whose parameter is the element's pos_weight. */
#define AG__POS_WEIGHT_KERNELS(table, law)                                                         \
    AG__DEFINE_KERNELS(table, ag__pos_weight_kernel, ag__run_pos_weight,                           \
                       (size_t n, const float *a, const float *b, const double *weights,           \
                        double *values, double *slopes),                                           \
                       (law, n, a, b, weights, values, slopes))

/* What a law gets beside its inputs: the parameter, or the epsilon of a loss that has one instead. */
static inline double ag__law_parameter(const ag__call *call)
{
    return (double)(call->op->epsilon > 0 ? ag__epsilon(call) : call->parameter);
}

/* All inputs have one shape. */
ag_status ag__infer_same_shape(const ag__call *call, ag__shape *shape);

ag_status ag__elementwise_forward(const ag__call *call, ag_tensor *out);
ag_status ag__elementwise_both(const ag__call *call, ag_tensor *out, const ag__sink *sinks);
void ag__elementwise_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks);

/* What descriptors of a family have in common. */
#define AG__ELEMENTWISE .forward = ag__elementwise_forward, .backward = ag__elementwise_backward
#define AG__ELEMENTWISE_LOSS                                                                       \
    .takes_reduction = true, .infer_shape = ag__infer_same_shape, AG__ELEMENTWISE,                 \
    .forward_with_gradients = ag__elementwise_both
#define AG__UNARY                                                                                  \
    .num_inputs = 1, .num_parents = 1, .num_differentiable = 1, .input_names = {"x"},              \
    .infer_shape = ag__infer_same_shape, AG__ELEMENTWISE
#define AG__PAIR_LOSS                                                                              \
    .num_inputs = 2, .num_parents = 1, .num_differentiable = 1, AG__ELEMENTWISE_LOSS
#define AG__SINGLE_LOSS                                                                            \
    .num_inputs = 1, .num_parents = 1, .num_differentiable = 1, AG__ELEMENTWISE_LOSS

#endif
