/* elementwise.c: the driver of operations that go element by element. */
#include "config.h"

#include "tensor/elementwise.h"

#include <stdatomic.h>

#include "core/parallel.h"
#include "core/status.h"
#include "tensor/chunk.h"
#include "tensor/reduction.h"
#include "tensor/weighted.h"

/* ---- shapes ---- */

static void reduced_shape(const ag__call *call, ag__shape *shape)
{
    if (call->reduction == AG_REDUCTION_NONE)
        *shape = ag__shape_of(call->inputs[0]);
    else
        *shape = (ag__shape){.ndims = 1, .dims = {1}};
}

static ag_status fail_shapes(const ag__call *call, uint32_t input)
{
    const ag__op *op = call->op;
    return ag__fail(AG_ERROR_SHAPE, "%s: %s is %s but %s is %s", op->name, op->input_names[0],
                    ag__tensor_shape_text(call->inputs[0]).text, op->input_names[input],
                    ag__tensor_shape_text(call->inputs[input]).text);
}

ag_status ag__infer_same_shape(const ag__call *call, ag__shape *shape)
{
    for (uint32_t i = 1; i < call->op->num_inputs; i++)
        if (!ag_tensor_same_shape(call->inputs[0], call->inputs[i])) return fail_shapes(call, i);
    reduced_shape(call, shape);
    return AG_OK;
}

/* ---- a pass over the elements ---- */

/* What all threads of one pass share. */
typedef struct pass {
    const ag__call *call;
    const ag__elementwise *law;
    ag__blocks blocks;
    bool from_memory;
    double partial_sums[AG__MAX_BLOCKS]; /* of the values in each block */
    atomic_bool outside_domain;
    float *values;

    ag__law_kernel *slopes;
    const float *upstream; /* NULL if it is one number, which is then part of scale */
    double scale;
    ag__sink sink; /* no data if no gradient is wanted */
} pass;

static void prepare(pass *p, const ag__call *call)
{
    p->call = call;
    p->law = call->op->law;
    p->sink = (ag__sink){0};
    p->blocks = ag__split(call->inputs[0]->size, AG__SMALLEST_BLOCK);
    p->from_memory = call->inputs[0]->size >= AG__FROM_MEMORY;
    atomic_init(&p->outside_domain, false);
}

static double cost(const pass *p)
{
    return p->call->op->nanoseconds * (double)p->blocks.items;
}

/* An input's elements from an offset on; where there is no second input, the first one's. */
static const float *operand(const pass *p, uint32_t input, size_t offset)
{
    const ag_tensor *tensor = p->call->inputs[input];
    return (tensor != NULL ? tensor : p->call->inputs[0])->data + offset;
}

/* ---- values ---- */

/* While the chunk is in the cache: a pass of its own would read all memory twice. */
static bool chunk_in_domain(const pass *p, size_t offset, size_t n)
{
    const ag__op *op = p->call->op;
    if (p->call->domains_hold) return true;
    for (uint32_t i = 0; i < op->num_inputs; i++)
        if (op->domains[i].text != NULL &&
            !ag__in_domain(&op->domains[i], n, p->call->inputs[i]->data + offset))
            return false;
    return true;
}

static void run_kernel(const pass *p, size_t offset, size_t n, const ag__law_out *out)
{
    p->law->kernels[ag__cpu()](n, operand(p, 0, offset), operand(p, 1, offset),
                               ag__law_parameter(p->call), out);
}

/*
 * A whole block at once, as the first-level cache holds it beside its gradient, except where that is
 * streamed: through a larger buffer large losses take half as long again (measured).
 */
static size_t sum_length(const pass *p, size_t left)
{
    size_t most = p->sink.stream ? AG__CHUNK : AG__SMALLEST_BLOCK;
    return left < most ? left : most;
}

/* Adds some values to the sums, and writes their gradient if there is a sink for it. */
static void sum_chunk(const pass *p, size_t offset, size_t n, double *sums)
{
    float buffer[AG__CHUNK];
    ag__law_out out = {.sums = sums, .scale = p->scale, .from_memory = p->from_memory};
    if (p->sink.data != NULL) out.gradient = p->sink.stream ? buffer : p->sink.data + offset;
    run_kernel(p, offset, n, &out);
    if (p->sink.stream) ag__stream(n, buffer, p->sink.data + offset);
}

static void sum_blocks(size_t begin, size_t end, void *context)
{
    pass *p = context;
    bool in_domain = true;
    for (size_t block = begin; block < end; block++) {
        double sums[AG__LANES] = {0};
        size_t stop = ag__block_begin(&p->blocks, block + 1);
        for (size_t i = ag__block_begin(&p->blocks, block), n; i < stop; i += n) {
            n = sum_length(p, stop - i);
            sum_chunk(p, i, n, sums);
            in_domain = in_domain && chunk_in_domain(p, i, n);
        }
        p->partial_sums[block] = ag__sum(AG__LANES, sums);
    }
    ag__end_streaming(&p->sink);
    if (!in_domain) atomic_store_explicit(&p->outside_domain, true, memory_order_relaxed);
}

/* Of a loss that is not reduced, value and gradient are not worth a loop of their own. */
static void write_blocks(size_t begin, size_t end, void *context)
{
    pass *p = context;
    double slopes[AG__CHUNK];
    size_t stop = ag__block_begin(&p->blocks, end);
    for (size_t i = ag__block_begin(&p->blocks, begin), n; i < stop; i += n) {
        n = ag__chunk_length(stop - i);
        run_kernel(p, i, n,
                   &(ag__law_out){.results = p->values + i, .from_memory = p->from_memory});
        if (p->sink.data == NULL) continue;
        run_kernel(p, i, n, &(ag__law_out){.slopes = slopes});
        ag__store_gradient(n, slopes, NULL, p->scale, &p->sink, i);
    }
    ag__end_streaming(&p->sink);
}

static ag_status compute(pass *p, ag_tensor *out)
{
    bool reduced = p->call->reduction != AG_REDUCTION_NONE;
    ag_status status = reduced ? AG_OK : ag__call_check_domains(p->call);
    if (status != AG_OK) return status;
    p->values = out->data;
    ag__parallel_for(p->blocks.count, cost(p), reduced ? sum_blocks : write_blocks, p);
    if (!reduced) return AG_OK;
    if (atomic_load(&p->outside_domain)) return ag__call_check_domains(p->call);
    out->data[0] = ag__reduce(&p->blocks, p->partial_sums, ag__divisor(p->call, p->blocks.items));
    return AG_OK;
}

ag_status ag__elementwise_forward(const ag__call *call, ag_tensor *out)
{
    if (ag__is_weighted(call)) return ag__weighted_forward(call, out, NULL);
    pass p;
    prepare(&p, call);
    return compute(&p, out);
}

ag_status ag__elementwise_both(const ag__call *call, ag_tensor *out, const ag__sink *sinks)
{
    if (ag__is_weighted(call)) return ag__weighted_forward(call, out, sinks);
    pass p;
    prepare(&p, call);
    p.sink = ag__large_sink(sinks[0], p.blocks.items);
    p.scale = ag__gradient_scale(call, NULL, ag__divisor(call, p.blocks.items));
    return compute(&p, out);
}

/* ---- gradients ---- */

static void write_gradient(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    double slopes[AG__CHUNK];
    float buffer[AG__CHUNK];
    size_t stop = ag__block_begin(&p->blocks, end);
    for (size_t i = ag__block_begin(&p->blocks, begin), n; i < stop; i += n) {
        n = ag__chunk_length(stop - i);
        const float *upstream = p->upstream != NULL ? p->upstream + i : NULL;
        ag__law_out out = {.scale = p->scale, .upstream = upstream, .from_memory = p->from_memory};
        if (upstream != NULL) out.gradient = ag__place_for(&p->sink, i, buffer);
        if (out.gradient == NULL) out.slopes = slopes;
        p->slopes(n, operand(p, 0, i), operand(p, 1, i), ag__law_parameter(p->call), &out);
        if (out.gradient != NULL)
            ag__hand_on(n, out.gradient, &p->sink, i);
        else
            ag__store_gradient(n, slopes, upstream, p->scale, &p->sink, i);
    }
    ag__end_streaming(&p->sink);
}

static void backward_to(pass *p, uint32_t input, ag__sink sink)
{
    if (sink.data == NULL) return;
    p->sink = ag__large_sink(sink, p->blocks.items);
    p->slopes = (input == 0 ? p->law->kernels : p->law->second)[ag__cpu()];
    ag__parallel_for(p->blocks.count, cost(p), write_gradient, p);
}

void ag__elementwise_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    if (ag__is_weighted(call)) {
        ag__weighted_backward(call, grad, sinks);
        return;
    }
    pass p;
    prepare(&p, call);
    p.upstream = call->reduction == AG_REDUCTION_NONE && grad != NULL ? grad->data : NULL;
    p.scale = ag__gradient_scale(call, grad, ag__divisor(call, p.blocks.items));
    for (uint32_t i = 0; i < call->op->num_differentiable; i++)
        backward_to(&p, i, sinks[i]);
}
