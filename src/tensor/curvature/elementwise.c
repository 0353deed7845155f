/*
 * elementwise.c: second derivatives of the losses that go element by element. Their Hessians are
 * diagonal: each element of a vector is multiplied by its own.
 */
#include "config.h"

#include "core/cpu.h"
#include "core/elementary.h"
#include "tensor/curvature/hvp.h"

/* The second derivative with respect to a; a law of one input ignores b. */
typedef double curvature_law(double a, double b, double parameter);

typedef void curvature_kernel(size_t n, const float *a, const float *b, double parameter,
                              const float *vector, double scale, float *out);

AG__INLINE void multiply(curvature_law *law, size_t n, const float *restrict a,
                         const float *restrict b, double parameter, const float *restrict vector,
                         double scale, float *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = (float)(scale * law((double)a[i], (double)b[i], parameter) * (double)vector[i]);
}

/* Defines run_<law>, for ag__hvp. */
#define DEFINE_RUN(law)                                                                            \
    AG__DEFINE_KERNELS(law##_kernels, curvature_kernel, multiply,                                  \
                       (size_t n, const float *a, const float *b, double parameter,                \
                        const float *vector, double scale, float *out),                            \
                       (law, n, a, b, parameter, vector, scale, out))                              \
    static void run_##law(const ag__call *call, size_t begin, size_t end, const float *vector,     \
                          double scale, float *out)                                                \
    {                                                                                              \
        const float *a = call->inputs[0]->data + begin;                                            \
        const float *b = call->inputs[1] != NULL ? call->inputs[1]->data + begin : a;              \
        law##_kernels[ag__cpu()](end - begin, a, b, (double)call->parameter, vector + begin,       \
                                 scale, out + begin);                                              \
    }

/* 0, or NaN where the derivative would be of NaN. */
AG__INLINE double nan_of(double a, double b)
{
    double sum = a + b;
    bool any = (a != a) | (b != b);
    return any ? sum : 0;
}

AG__INLINE double mse(double p, double t, double unused)
{
    (void)unused;
    return 2 + nan_of(p, t);
}

AG__INLINE double huber(double p, double t, double delta)
{
    return (fabs(p - t) <= delta ? 1 : 0) + nan_of(p, t);
}

/* Where the gradient is (p - t) / 1e-12, its slope is 1e12. */
AG__INLINE double bce(double p, double t, double unused)
{
    (void)unused;
    double q = 1 - p, floor = 1e-12;
    double inside = t / (p * p) + (1 - t) / (q * q);
    return (p * q < floor ? 1 / floor : inside) + nan_of(p, t);
}

AG__INLINE double bce_with_logits(double x, double t, double unused)
{
    (void)unused;
    double e = ag__exp_of_negative(-fabs(x));
    return e / ((1 + e) * (1 + e)) + nan_of(x, t);
}

AG__INLINE double l2(double w, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return 1 + nan_of(w, w);
}

DEFINE_RUN(mse)
DEFINE_RUN(huber)
DEFINE_RUN(bce)
DEFINE_RUN(bce_with_logits)
DEFINE_RUN(l2)

ag_status ag_tensor_mse_loss_hvp(ag_tensor *out, const ag_tensor *pred, const ag_tensor *target,
                                 const ag_tensor *vector, ag_reduction reduction)
{
    ag__call call = {&ag__op_mse_loss, {pred, target}, .reduction = reduction};
    return ag__hvp(call, vector, out, 1, run_mse);
}

ag_status ag_tensor_huber_loss_hvp(ag_tensor *out, const ag_tensor *pred, const ag_tensor *target,
                                   const ag_tensor *vector, float delta, ag_reduction reduction)
{
    ag__call call = {
        &ag__op_huber_loss, {pred, target}, .reduction = reduction, .parameter = delta};
    return ag__hvp(call, vector, out, 1, run_huber);
}

ag_status ag_tensor_bce_loss_hvp(ag_tensor *out, const ag_tensor *pred, const ag_tensor *target,
                                 const ag_tensor *vector, ag_reduction reduction)
{
    ag__call call = {&ag__op_bce_loss, {pred, target}, .reduction = reduction};
    return ag__hvp(call, vector, out, 1, run_bce);
}

ag_status ag_tensor_bce_with_logits_loss_hvp(ag_tensor *out, const ag_tensor *logits,
                                             const ag_tensor *target, const ag_tensor *vector,
                                             ag_reduction reduction)
{
    ag__call call = {&ag__op_bce_with_logits_loss, {logits, target}, .reduction = reduction};
    return ag__hvp(call, vector, out, 1, run_bce_with_logits);
}

ag_status ag_tensor_l2_loss_hvp(ag_tensor *out, const ag_tensor *weights, const ag_tensor *vector,
                                ag_reduction reduction)
{
    ag__call call = {&ag__op_l2_loss, {weights}, .reduction = reduction};
    return ag__hvp(call, vector, out, 1, run_l2);
}
