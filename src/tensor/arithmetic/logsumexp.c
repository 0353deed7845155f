/*
 * logsumexp.c: log Σ e^x over one dimension. With m the largest, which occurs k times, and rest the
 * sum of e^(x - m) over the others, it is m + log1p(k - 1 + rest): see softmax_row.h.
 */
#include "config.h"

#include "core/parallel.h"
#include "tensor/chunk.h"
#include "tensor/dimension.h"
#include "tensor/softmax_row.h"

typedef struct pass {
    ag__along along;
    const float *x, *upstream;
    float *out;
    ag__sink sink;
} pass;

/* ---- lanes ---- */

/* What ag__softmax_row has of a row, of each lane. */
typedef struct softmax_lanes {
    double maximum[AG__LANES_AT_ONCE], times[AG__LANES_AT_ONCE], rest[AG__LANES_AT_ONCE];
} softmax_lanes;

typedef void add_kernel(size_t, size_t, size_t, const float *, softmax_lanes *);
typedef void probability_kernel(size_t, const float *, const softmax_lanes *, double *);

AG__INLINE void add_exponentials(size_t rows, size_t step, size_t width, const float *x,
                                 softmax_lanes *s)
{
    for (size_t i = 0; i < rows; i++) {
        const float *row = x + i * step;
#pragma omp simd
        for (size_t k = 0; k < width; k++) {
            s->times[k] += (double)row[k] == s->maximum[k] ? 1 : 0;
            s->rest[k] += ag__exp_of_other((double)row[k], s->maximum[k]);
        }
    }
}

AG__INLINE void probabilities(size_t width, const float *row, const softmax_lanes *s, double *out)
{
#pragma omp simd
    for (size_t k = 0; k < width; k++) {
        double x = (double)row[k], others = ag__others(s->maximum[k], s->times[k], s->rest[k]);
        double e = ag__exp_of_other(x, s->maximum[k]);
        out[k] = (x == s->maximum[k] ? 1 : e) / (1 + others);
    }
}

AG__DEFINE_KERNELS(add_kernels, add_kernel, add_exponentials,
                   (size_t rows, size_t step, size_t width, const float *x, softmax_lanes *s),
                   (rows, step, width, x, s))
AG__DEFINE_KERNELS(probability_kernels, probability_kernel, probabilities,
                   (size_t width, const float *row, const softmax_lanes *s, double *out),
                   (width, row, s, out))

static void softmax_of_lanes(const pass *p, const ag__lanes *lanes, softmax_lanes *s)
{
    float maxima[AG__LANES_AT_ONCE];
    uint32_t unused[AG__LANES_AT_ONCE];
    ag__maxima(&p->along, lanes, p->x, maxima, unused);
    for (size_t k = 0; k < lanes->width; k++) {
        s->maximum[k] = (double)maxima[k];
        s->times[k] = s->rest[k] = 0;
    }
    add_kernels[ag__cpu()](p->along.length, p->along.inner, lanes->width, p->x + lanes->input, s);
}

static void lanes_value(const pass *p, const ag__lanes *lanes)
{
    softmax_lanes s;
    softmax_of_lanes(p, lanes, &s);
    for (size_t k = 0; k < lanes->width; k++)
        p->out[lanes->result + k] = (float)(s.maximum[k] + ag__log1p(s.times[k] - 1 + s.rest[k]));
}

static void lanes_gradient(const pass *p, const ag__lanes *lanes)
{
    softmax_lanes s;
    double slopes[AG__LANES_AT_ONCE];
    softmax_of_lanes(p, lanes, &s);
    for (size_t i = 0; i < p->along.length; i++) {
        size_t offset = lanes->input + i * p->along.inner;
        probability_kernels[ag__cpu()](lanes->width, p->x + offset, &s, slopes);
        ag__store_gradient(lanes->width, slopes, p->upstream + lanes->result, 1, &p->sink, offset);
    }
}

/* ---- rows ---- */

/* Where the largest is infinite it is the result, and only NaN can change that. */
static double value_at_infinity(size_t n, const float *x, double maximum)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(x[i])) return (double)x[i];
    return maximum;
}

static void row_value(const pass *p, const ag__lanes *lanes)
{
    const float *x = p->x + lanes->input;
    ag__softmax_row row = ag__softmax_of(p->along.length, x, 0, NULL);
    double value = isfinite(row.maximum) ? row.maximum + ag__log_sum(&row)
                                         : value_at_infinity(p->along.length, x, row.maximum);
    p->out[lanes->result] = (float)value;
}

static void row_gradient(const pass *p, const ag__lanes *lanes)
{
    double keep[AG__KEPT_CLASSES];
    ag__softmax_row row = ag__softmax_of(p->along.length, p->x + lanes->input, 0, keep);
    double slopes[AG__CHUNK], upstream = (double)p->upstream[lanes->result];
    for (size_t i = 0, n; i < p->along.length; i += n) {
        n = ag__chunk_length(p->along.length - i);
        ag__softmax_probabilities(&row, i, n, slopes);
        ag__store_gradient(n, slopes, NULL, upstream, &p->sink, lanes->input + i);
    }
}

/* ---- both ---- */

static void write_values(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    for (size_t number = begin; number < end; number++) {
        ag__lanes lanes = ag__lanes_at(&p->along, number);
        if (p->along.inner == 1)
            row_value(p, &lanes);
        else
            lanes_value(p, &lanes);
    }
}

static void write_gradients(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    for (size_t number = begin; number < end; number++) {
        ag__lanes lanes = ag__lanes_at(&p->along, number);
        if (p->along.inner == 1)
            row_gradient(p, &lanes);
        else
            lanes_gradient(p, &lanes);
    }
}

static void run(pass *p, const ag__call *call, ag__task *task)
{
    const ag_tensor *x = call->inputs[0];
    p->along = ag__along_of(call, x);
    p->x = x->data;
    ag__parallel_for(ag__number_of_lanes(&p->along), call->op->nanoseconds * (double)x->size, task,
                     p);
}

static ag_status logsumexp_forward(const ag__call *call, ag_tensor *out)
{
    pass p = {.out = out->data};
    run(&p, call, write_values);
    return AG_OK;
}

static void logsumexp_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    if (sinks[0].data == NULL) return;
    pass p = {.upstream = grad->data, .sink = sinks[0]};
    run(&p, call, write_gradients);
}

const ag__op ag__op_logsumexp = {
    .name = "logsumexp",
    AG__ONE_INPUT,
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = ag__reduced_infer_shape,
    .forward = logsumexp_forward,
    .backward = logsumexp_backward,
    .nanoseconds = AG__TRANSCENDENTAL,
};
