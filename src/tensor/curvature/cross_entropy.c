/*
 * cross_entropy.c: S p_c (v_c - p·v) for each row, with p the softmax of its logits and S the sum of its
 * targets. Shifting v changes nothing; with v measured from its value at the largest logit, p·v is a
 * sum over the other classes, and keeps its digits where they are improbable.
 */
#include "config.h"

#include "tensor/curvature/hvp.h"
#include "tensor/softmax_row.h"

static size_t likeliest(const ag__softmax_row *softmax, size_t n)
{
    for (size_t c = 0; c < n; c++)
        if ((double)softmax->x[c] == softmax->maximum) return c;
    return 0; /* all are NaN, or -∞ */
}

/* p·(v - origin). */
static double mean_of(const ag__softmax_row *softmax, size_t n, const float *v, double origin)
{
    double p[AG__CHUNK], shifted[AG__CHUNK], mean = 0;
    for (size_t c = 0, length; c < n; c += length) {
        length = ag__chunk_length(n - c);
        ag__softmax_probabilities(softmax, c, length, p);
        for (size_t k = 0; k < length; k++)
            shifted[k] = (double)v[c + k] - origin;
        mean += ag__dot(length, p, shifted);
    }
    return mean;
}

static double sum_of(size_t n, const float *x)
{
    double wide[AG__CHUNK], sum = 0;
    for (size_t c = 0, length; c < n; c += length) {
        length = ag__chunk_length(n - c);
        ag__widen(length, x + c, wide);
        sum += ag__sum(length, wide);
    }
    return sum;
}

static void multiply_row(size_t n, const float *logits, const float *target, const float *v,
                         double scale, float *out)
{
    double keep[AG__KEPT_CLASSES], p[AG__CHUNK];
    ag__softmax_row softmax = ag__softmax_of(n, logits, 0, keep);
    double origin = (double)v[likeliest(&softmax, n)];
    double mean = mean_of(&softmax, n, v, origin), factor = scale * sum_of(n, target);
    for (size_t c = 0, length; c < n; c += length) {
        length = ag__chunk_length(n - c);
        ag__softmax_probabilities(&softmax, c, length, p);
        for (size_t k = 0; k < length; k++)
            out[c + k] = (float)(factor * p[k] * (((double)v[c + k] - origin) - mean));
    }
}

static void run(const ag__call *call, size_t begin, size_t end, const float *vector, double scale,
                float *out)
{
    size_t n = ag__tensor_columns(call->inputs[0]);
    for (size_t i = begin; i < end; i += n)
        multiply_row(n, call->inputs[0]->data + i, call->inputs[1]->data + i, vector + i, scale,
                     out + i);
}

ag_status ag_tensor_cross_entropy_loss_hvp(ag_tensor *out, const ag_tensor *logits,
                                           const ag_tensor *target, const ag_tensor *vector,
                                           ag_reduction reduction)
{
    ag__call call = {&ag__op_cross_entropy_loss, {logits, target}, .reduction = reduction};
    return ag__hvp(call, vector, out, 0, run);
}
