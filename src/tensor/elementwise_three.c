/* elementwise_three.c: the driver of losses of three inputs that go element by element. */
#include "config.h"

#include "tensor/elementwise_three.h"

#include "core/parallel.h"
#include "tensor/chunk.h"
#include "tensor/reduction.h"

/* What all threads of one pass share. */
typedef struct pass {
    const ag__call *call;
    const ag__elementwise_three *law;
    ag__blocks blocks;
    double partial_sums[AG__MAX_BLOCKS];
    float *values; /* NULL if they are summed */

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
    p->values = NULL;
    p->with_gradients = false;
    p->upstream = NULL;
}

static void want_gradients(pass *p, const ag_tensor *grad, const ag__sink *sinks)
{
    bool reduced = p->call->reduction != AG_REDUCTION_NONE;
    p->with_gradients = true;
    p->upstream = grad != NULL && !reduced ? grad->data : NULL;
    p->scale = ag__gradient_scale(p->call, grad, p->blocks.items);
    for (int i = 0; i < 2; i++)
        p->sinks[i] = ag__large_sink(sinks[i], p->blocks.items);
}

/* Writes what a chunk leaves behind, and returns the sum of its values. */
static double compute_chunk(const pass *p, size_t offset, size_t n)
{
    double values[AG__CHUNK], first[AG__CHUNK],
        second[AG__CHUNK], *const slopes[] = {first, second};
    const float *inputs[3];
    for (int i = 0; i < 3; i++)
        inputs[i] = p->call->inputs[i]->data + offset;
    p->law->kernels[ag__cpu()](n, inputs, (double)p->call->parameter, values,
                               p->with_gradients ? slopes : NULL);
    if (p->values != NULL) ag__narrow(n, values, p->values + offset);
    for (int i = 0; p->with_gradients && i < 2; i++)
        if (p->sinks[i].data != NULL)
            ag__store_gradient(n, slopes[i], p->upstream != NULL ? p->upstream + offset : NULL,
                               p->scale, &p->sinks[i], offset);
    return ag__sum(n, values);
}

static void compute_blocks(size_t begin, size_t end, void *context)
{
    pass *p = context;
    for (size_t block = begin; block < end; block++) {
        double sum = 0;
        size_t stop = ag__block_begin(&p->blocks, block + 1);
        for (size_t i = ag__block_begin(&p->blocks, block), n; i < stop; i += n) {
            n = ag__chunk_length(stop - i);
            sum += compute_chunk(p, i, n);
        }
        p->partial_sums[block] = sum;
    }
    for (int i = 0; p->with_gradients && i < 2; i++)
        ag__end_streaming(&p->sinks[i]);
}

static void run(pass *p)
{
    double nanoseconds = p->call->op->nanoseconds * (double)p->blocks.items;
    ag__parallel_for(p->blocks.count, nanoseconds, compute_blocks, p);
}

static ag_status forward(const ag__call *call, ag_tensor *out, const ag__sink *sinks)
{
    ag_status status = ag__call_check_domains(call);
    if (status != AG_OK) return status;
    pass p;
    prepare(&p, call);
    bool reduced = call->reduction != AG_REDUCTION_NONE;
    if (!reduced) p.values = out->data;
    if (sinks != NULL) want_gradients(&p, NULL, sinks);
    run(&p);
    if (reduced) out->data[0] = ag__reduce(call, &p.blocks, p.partial_sums);
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
    want_gradients(&p, grad, sinks);
    run(&p);
}
