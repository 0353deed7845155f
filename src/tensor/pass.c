/* pass.c: a pass over the items of a loss, elements or rows, for values, gradients or both. */
#include "config.h"

#include "tensor/pass.h"

#include "core/parallel.h"
#include "tensor/chunk.h"

static void prepare(ag__pass *p, const ag__walk *walk, const ag__call *call)
{
    const ag_tensor *input = call->inputs[0];
    size_t columns = call->op->by_rows ? ag__tensor_columns(input) : 1;
    p->call = call;
    p->walk = walk;
    p->blocks = ag__split(input->size / columns, 1 + (AG__SMALLEST_BLOCK - 1) / columns);
    p->divisor = ag__divisor(call, p->blocks.items);
    p->gradients.wanted = false;
    p->with_values = p->counts_nonzero = p->counts_correct = false;
    p->values = NULL;
}

/* grad is NULL for an upstream gradient of ones. */
static void want_gradients(ag__pass *p, const ag_tensor *grad, const ag__sink *sinks)
{
    const ag__call *call = p->call;
    bool each = grad != NULL && call->reduction == AG_REDUCTION_NONE;
    p->gradients.wanted = true;
    p->gradients.upstream = each ? grad->data : NULL;
    p->gradients.scale = ag__gradient_scale(call, grad, p->divisor);
    for (uint32_t i = 0; i < call->op->num_differentiable; i++)
        p->gradients.sinks[i] = ag__large_sink(sinks[i], call->inputs[0]->size);
}

/* ---- blocks ---- */

static size_t count_nonzero(size_t n, const double *values)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += values[i] != 0;
    return count;
}

static void compute_block(ag__pass *p, size_t block)
{
    double buffer[AG__CHUNK], sum = 0, *values = p->with_values ? buffer : NULL;
    size_t nonzero = 0, correct = 0, stop = ag__block_begin(&p->blocks, block + 1);
    for (size_t i = ag__block_begin(&p->blocks, block), n; i < stop; i += n) {
        n = stop - i < p->walk->most ? stop - i : p->walk->most;
        p->walk->compute(p, i, n, values, p->counts_correct ? &correct : NULL);
        if (values != NULL && p->values == NULL) sum += ag__sum(n, values);
        if (values != NULL && p->values != NULL) ag__narrow(n, values, p->values + i);
        if (p->counts_nonzero) nonzero += count_nonzero(n, values);
    }
    if (p->with_values) p->partial_sums[block] = sum;
    p->nonzero[block] = nonzero;
    p->correct[block] = correct;
}

static void compute_blocks(size_t begin, size_t end, void *context)
{
    ag__pass *p = context;
    for (size_t block = begin; block < end; block++)
        compute_block(p, block);
    for (uint32_t i = 0; p->gradients.wanted && i < p->call->op->num_differentiable; i++)
        ag__end_streaming(&p->gradients.sinks[i]);
}

static void run(ag__pass *p)
{
    double nanoseconds = p->call->op->nanoseconds * (double)p->call->inputs[0]->size;
    ag__parallel_for(p->blocks.count, nanoseconds, compute_blocks, p);
}

static size_t sum_counts(const ag__pass *p, const size_t *counts)
{
    size_t sum = 0;
    for (size_t block = 0; block < p->blocks.count; block++)
        sum += counts[block];
    return sum;
}

/* A pass for the values alone, after which the divisor is known that depends on them. */
static void count_first(ag__pass *p)
{
    p->with_values = p->counts_nonzero = true;
    run(p);
    p->with_values = p->counts_nonzero = false;
    p->divisor = (double)sum_counts(p, p->nonzero);
}

/* ---- the two directions ---- */

ag_status ag__pass_forward(const ag__walk *walk, const ag__call *call, ag_tensor *out,
                           const ag__sink *sinks)
{
    ag_status status = ag__call_check_domains(call);
    if (status != AG_OK) return status;
    ag__pass p;
    prepare(&p, walk, call);
    bool reduced = call->reduction != AG_REDUCTION_NONE;
    if (!reduced) p.values = out->data;
    p.counts_correct = call->options != NULL && call->options->num_correct != NULL;
    p.with_values = !ag__divides_by_nonzero(call);
    if (!p.with_values) count_first(&p);
    if (sinks != NULL) want_gradients(&p, NULL, sinks);
    if (p.with_values || p.gradients.wanted) run(&p);
    if (reduced) out->data[0] = ag__reduce(&p.blocks, p.partial_sums, p.divisor);
    if (p.counts_correct) *call->options->num_correct = sum_counts(&p, p.correct);
    return AG_OK;
}

void ag__pass_backward(const ag__walk *walk, const ag__call *call, const ag_tensor *grad,
                       const ag__sink *sinks)
{
    ag__pass p;
    prepare(&p, walk, call);
    if (ag__divides_by_nonzero(call)) count_first(&p);
    want_gradients(&p, grad, sinks);
    run(&p);
}
