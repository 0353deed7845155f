/* elementwise_three.c: the driver of losses of three inputs that go element by element. */
#include "config.h"

#include "tensor/elementwise_three.h"

#include "core/parallel.h"
#include "tensor/chunk.h"
#include "tensor/reduction.h"
#include "tensor/weighted.h"

/* What all threads of one pass share. */
typedef struct pass {
    const ag__call *call;
    const ag__elementwise_three *law;
    ag__blocks blocks;
    double divisor;
    bool weighted;
    double partial_sums[AG__MAX_BLOCKS];
    size_t nonzero[AG__MAX_BLOCKS]; /* of the weighted values in each block */
    float *values;                  /* NULL if they are summed */

    bool with_gradients;
    const float *upstream; /* NULL if it is one number, which is then part of scale */
    double scale;
    ag__sink sinks[2];
} pass;

static void prepare(pass *p, const ag__call *call)
{
    p->call = call;
    p->law = call->op->law;
    p->blocks = ag__split(call->inputs[0]->size, AG__SMALLEST_BLOCK);
    p->divisor = ag__divisor(call, p->blocks.items);
    p->weighted = ag__is_weighted(call);
    p->values = NULL;
    p->with_gradients = false;
    p->upstream = NULL;
}

static void want_gradients(pass *p, const ag_tensor *grad, const ag__sink *sinks)
{
    bool reduced = p->call->reduction != AG_REDUCTION_NONE;
    p->with_gradients = true;
    p->upstream = grad != NULL && !reduced ? grad->data : NULL;
    p->scale = ag__gradient_scale(p->call, grad, p->divisor);
    for (int i = 0; i < 2; i++)
        p->sinks[i] = ag__large_sink(sinks[i], p->blocks.items);
}

static void weigh_chunk(const pass *p, size_t offset, size_t n, double *values,
                        double *const *slopes)
{
    double weights[AG__CHUNK];
    ag__weights_of(p->call, offset, n, weights);
    ag__weigh(n, weights, values);
    for (int i = 0; p->with_gradients && i < 2; i++)
        ag__weigh(n, weights, slopes[i]);
}

static void store_gradients(const pass *p, size_t offset, size_t n, double *const *slopes)
{
    const float *upstream = p->upstream != NULL ? p->upstream + offset : NULL;
    for (int i = 0; i < 2; i++)
        if (p->sinks[i].data != NULL)
            ag__store_gradient(n, slopes[i], upstream, p->scale, &p->sinks[i], offset);
}

/* Returns the sum of a chunk's values, and counts those that are not 0 if they are weighted. */
static double compute_chunk(const pass *p, size_t offset, size_t n, size_t *nonzero)
{
    double values[AG__CHUNK], first[AG__CHUNK], second[AG__CHUNK];
    double *const slopes[] = {first, second};
    const float *inputs[3];
    for (int i = 0; i < 3; i++)
        inputs[i] = p->call->inputs[i]->data + offset;
    p->law->kernels[ag__cpu()](n, inputs, ag__law_parameter(p->call), values,
                               p->with_gradients ? slopes : NULL);
    if (p->weighted) weigh_chunk(p, offset, n, values, slopes);
    if (p->with_gradients) store_gradients(p, offset, n, slopes);
    if (p->values != NULL) ag__narrow(n, values, p->values + offset);
    for (size_t i = 0; p->weighted && i < n; i++)
        *nonzero += values[i] != 0;
    return ag__sum(n, values);
}

static void compute_block(pass *p, size_t block)
{
    double sum = 0;
    size_t nonzero = 0, stop = ag__block_begin(&p->blocks, block + 1);
    for (size_t i = ag__block_begin(&p->blocks, block), n; i < stop; i += n) {
        n = ag__chunk_length(stop - i);
        sum += compute_chunk(p, i, n, &nonzero);
    }
    p->partial_sums[block] = sum;
    p->nonzero[block] = nonzero;
}

static void compute_blocks(size_t begin, size_t end, void *context)
{
    pass *p = context;
    for (size_t block = begin; block < end; block++)
        compute_block(p, block);
    for (int i = 0; p->with_gradients && i < 2; i++)
        ag__end_streaming(&p->sinks[i]);
}

static void run(pass *p)
{
    double nanoseconds = p->call->op->nanoseconds * (double)p->blocks.items;
    ag__parallel_for(p->blocks.count, nanoseconds, compute_blocks, p);
}

/* A pass for the values alone, after which the divisor is known that depends on them. */
static void count_first(pass *p)
{
    run(p);
    p->divisor = 0;
    for (size_t block = 0; block < p->blocks.count; block++)
        p->divisor += (double)p->nonzero[block];
}

static ag_status forward(const ag__call *call, ag_tensor *out, const ag__sink *sinks)
{
    ag_status status = ag__call_check_domains(call);
    if (status != AG_OK) return status;
    pass p;
    prepare(&p, call);
    bool reduced = call->reduction != AG_REDUCTION_NONE;
    if (!reduced) p.values = out->data;
    if (ag__divides_by_nonzero(call)) count_first(&p);
    if (sinks != NULL) want_gradients(&p, NULL, sinks);
    run(&p);
    if (reduced) out->data[0] = ag__reduce(&p.blocks, p.partial_sums, p.divisor);
    return AG_OK;
}

ag_status ag__three_forward(const ag__call *call, ag_tensor *out)
{
    return forward(call, out, NULL);
}

ag_status ag__three_both(const ag__call *call, ag_tensor *out, const ag__sink *sinks)
{
    return forward(call, out, sinks);
}

void ag__three_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    pass p;
    prepare(&p, call);
    if (ag__divides_by_nonzero(call)) count_first(&p);
    want_gradients(&p, grad, sinks);
    run(&p);
}
