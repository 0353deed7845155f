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
    ag__gradients gradients;
} pass;

static void prepare(pass *p, const ag__call *call)
{
    p->call = call;
    p->law = call->op->law;
    p->blocks = ag__split(call->inputs[0]->size, AG__SMALLEST_BLOCK);
    p->divisor = ag__divisor(call, p->blocks.items);
    p->weighted = ag__is_weighted(call);
    p->values = NULL;
    p->gradients.wanted = false;
}

static void weigh_chunk(const pass *p, size_t offset, size_t n, double *values,
                        double *const *slopes)
{
    double weights[AG__CHUNK];
    ag__weights_of(p->call, offset, n, weights);
    ag__weigh(n, weights, values);
    for (int i = 0; p->gradients.wanted && i < 2; i++)
        ag__weigh(n, weights, slopes[i]);
}

static void store_gradients(const pass *p, size_t offset, size_t n, double *const *slopes)
{
    const ag__gradients *g = &p->gradients;
    const float *upstream = g->upstream != NULL ? g->upstream + offset : NULL;
    for (int i = 0; i < 2; i++)
        if (g->sinks[i].data != NULL)
            ag__store_gradient(n, slopes[i], upstream, g->scale, &g->sinks[i], offset);
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
                               p->gradients.wanted ? slopes : NULL);
    if (p->weighted) weigh_chunk(p, offset, n, values, slopes);
    if (p->gradients.wanted) store_gradients(p, offset, n, slopes);
    if (p->values != NULL) ag__narrow(n, values, p->values + offset);
    if (p->weighted) *nonzero += ag__count_nonzero(n, values);
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
    ag__end_gradients(&p->gradients);
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
    p->divisor = (double)ag__sum_counts(&p->blocks, p->nonzero);
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
    if (sinks != NULL) p.gradients = ag__wanted_gradients(call, NULL, p.divisor, sinks);
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
    p.gradients = ag__wanted_gradients(call, grad, p.divisor, sinks);
    run(&p);
}
