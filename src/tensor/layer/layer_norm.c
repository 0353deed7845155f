/*
 * layer_norm.c: each row to mean 0 and variance 1, then times gamma plus beta. Forward leaves the
 * moments of each row.
 */
#include "config.h"

#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/status.h"
#include "tensor/chunk.h"
#include "tensor/layer/norm.h"

enum { X, GAMMA, BETA };

/* The most blocks of rows, each with sums of its own of the gradients to gamma and beta. */
#define MOST_BLOCKS 32

typedef struct pass {
    const ag__call *call;
    size_t columns;
    ag__blocks blocks; /* of rows */
    const float *x, *gamma, *beta;
    ag__moments *moments; /* NULL if nobody will ask */
    float *out;
    const float *grad;
    const ag__sink *sinks;
    double *sums; /* [blocks, 2, columns]: of the gradients to gamma and to beta */
} pass;

/* The last dimensions, all that gamma has, or one, are a row. */
static size_t row_dimensions(const ag__call *call)
{
    return call->inputs[GAMMA] != NULL ? call->inputs[GAMMA]->ndims : 1;
}

static ag_status check_row(const ag__call *call, uint32_t input)
{
    const ag_tensor *x = call->inputs[X], *row = call->inputs[input];
    if (row == NULL) return AG_OK;
    size_t ndims = row_dimensions(call);
    bool fits = row->ndims == ndims && ndims <= x->ndims &&
                memcmp(row->shape, x->shape + x->ndims - ndims, ndims * sizeof *row->shape) == 0;
    if (fits) return AG_OK;
    return ag__fail(AG_ERROR_SHAPE, "layer_norm: x is %s but %s is %s; it must be its last part",
                    ag__tensor_shape_text(x).text, call->op->input_names[input],
                    ag__tensor_shape_text(row).text);
}

static ag_status layer_norm_infer_shape(const ag__call *call, ag__shape *shape)
{
    ag_status status = check_row(call, GAMMA);
    if (status == AG_OK) status = check_row(call, BETA);
    if (status == AG_OK && call->inputs[GAMMA] == NULL && call->inputs[BETA] != NULL)
        status = ag__fail(AG_ERROR_NULL, "layer_norm: gamma is NULL but beta is not");
    if (status == AG_OK) *shape = ag__shape_of(call->inputs[X]);
    return status;
}

static pass prepare(const ag__call *call)
{
    const ag_tensor *x = call->inputs[X], *gamma = call->inputs[GAMMA], *beta = call->inputs[BETA];
    pass p = {.call = call, .columns = 1, .x = x->data, .moments = call->memory};
    for (size_t i = 0; i < row_dimensions(call); i++)
        p.columns *= x->shape[x->ndims - 1 - i];
    size_t rows = x->size / p.columns;
    p.blocks = ag__split(rows, (rows + MOST_BLOCKS - 1) / MOST_BLOCKS);
    p.gamma = gamma != NULL ? gamma->data : NULL;
    p.beta = beta != NULL ? beta->data : NULL;
    return p;
}

static double cost(const ag__call *call)
{
    return call->op->nanoseconds * (double)call->inputs[X]->size;
}

static ag__moments moments_of(const pass *p, const float *x)
{
    double n = (double)p->columns;
    ag__sums sums = {0}, centred = {0};
    ag__norm_add_moments(p->columns, x, 0, &sums);
    double mean = sums.first / n;
    ag__norm_add_moments(p->columns, x, mean, &centred);
    return (ag__moments){mean, 1 / sqrt(centred.second / n + (double)p->call->parameter)};
}

static void write_rows(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    size_t stop = ag__block_begin(&p->blocks, end);
    for (size_t row = ag__block_begin(&p->blocks, begin); row < stop; row++) {
        const float *x = p->x + row * p->columns;
        ag__moments moments = moments_of(p, x);
        if (p->moments != NULL) p->moments[row] = moments;
        ag__norm_rows(p->columns, x, moments, p->gamma, p->beta, p->out + row * p->columns);
    }
}

static ag_status layer_norm_forward(const ag__call *call, ag_tensor *out)
{
    pass p = prepare(call);
    p.out = out->data;
    ag__parallel_for(p.blocks.count, cost(call), write_rows, &p);
    return AG_OK;
}

/* rate · (G γ - mean(G γ) - x̂ mean(G γ x̂)) */
static void carry_row(const pass *p, size_t row)
{
    size_t at = row * p->columns;
    double n = (double)p->columns;
    ag__sums sums = {0};
    ag__norm_add_slopes(p->columns, p->x + at, p->grad + at, p->gamma, p->moments[row], &sums);
    ag__norm_carry_back(p->columns, p->x + at, p->grad + at, p->gamma, p->moments[row],
                        (ag__sums){sums.first / n, sums.second / n}, p->moments[row].rate,
                        ag__sink_at(&p->sinks[X], at));
}

static void carry_blocks(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    bool parameters = p->sinks[GAMMA].data != NULL || p->sinks[BETA].data != NULL;
    for (size_t block = begin; block < end; block++) {
        double *gammas = p->sums + 2 * block * p->columns, *betas = gammas + p->columns;
        size_t stop = ag__block_begin(&p->blocks, block + 1);
        if (parameters) memset(gammas, 0, 2 * p->columns * sizeof *gammas);
        for (size_t row = ag__block_begin(&p->blocks, block); row < stop; row++) {
            size_t at = row * p->columns;
            if (p->sinks[X].data != NULL) carry_row(p, row);
            if (parameters)
                ag__norm_add_parameters(p->columns, p->x + at, p->grad + at, p->moments[row],
                                        gammas, betas);
        }
    }
}

/* Adds the blocks' sums in order; first: 0 for gamma, the number of columns for beta. */
static void reduce(const pass *p, ag__sink sink, size_t first)
{
    for (size_t i = 0; i < p->columns && sink.data != NULL; i++) {
        double sum = sink.accumulate ? (double)sink.data[i] : 0;
        for (size_t block = 0; block < p->blocks.count; block++)
            sum += p->sums[2 * block * p->columns + first + i];
        sink.data[i] = (float)sum;
    }
}

static void layer_norm_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    pass p = prepare(call);
    p.grad = grad->data;
    p.sinks = sinks;
    p.sums = call->scratch;
    ag__parallel_for(p.blocks.count, cost(call), carry_blocks, &p);
    reduce(&p, sinks[GAMMA], 0);
    reduce(&p, sinks[BETA], p.columns);
}

static size_t layer_norm_memory_bytes(const ag__call *call)
{
    return prepare(call).blocks.items * sizeof(ag__moments);
}

static size_t layer_norm_scratch_bytes(const ag__call *call)
{
    pass p = prepare(call);
    return 2 * p.blocks.count * p.columns * sizeof(double);
}

const ag__op ag__op_layer_norm = {
    .name = "layer_norm",
    .num_inputs = 3,
    .num_parents = 3,
    .num_differentiable = 3,
    .num_optional = 2,
    .input_names = {"x", "gamma", "beta"},
    .parameter_name = "epsilon",
    .parameter_range = AG__POSITIVE,
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = layer_norm_infer_shape,
    .memory_bytes = layer_norm_memory_bytes,
    .scratch_bytes = layer_norm_scratch_bytes,
    .forward = layer_norm_forward,
    .backward = layer_norm_backward,
    .nanoseconds = AG__TRANSCENDENTAL,
};
