/* weighted.c: element by element, where elements weigh differently. */
#include "config.h"

#include "tensor/weighted.h"

#include "core/parallel.h"
#include "tensor/chunk.h"
#include "tensor/elementwise.h"
#include "tensor/reduction.h"

/* ---- weights ---- */

typedef void weigh_kernel(size_t, const double *, double *);

/* What weighs 0 becomes 0, were it NaN. */
AG__INLINE void weigh(size_t n, const double *restrict weights, double *restrict x)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double weighted = weights[i] * x[i];
        x[i] = weights[i] == 0 ? 0 : weighted;
    }
}

AG__DEFINE_KERNELS(weigh_kernels, weigh_kernel, weigh, (size_t n, const double *weights, double *x),
                   (n, weights, x))

/* The weights of n elements from an offset on, where one may stand for a row of them, or there are none. */
static void lay_out_weights(const ag__call *call, size_t offset, size_t n, double *out)
{
    const ag_tensor *weights = call->options->weights;
    size_t each = weights != NULL ? call->inputs[0]->size / weights->size : 0;
    if (each == 1) ag__widen(n, weights->data + offset, out);
    for (size_t i = 0; each == 0 && i < n; i++)
        out[i] = 1;
    for (size_t i = 0, length; each > 1 && i < n; i += length) {
        length = each - (offset + i) % each;
        if (length > n - i) length = n - i;
        for (size_t k = 0; k < length; k++)
            out[i + k] = (double)weights->data[(offset + i) / each];
    }
}

/* The pos_weights of n elements: one for all, one for each class, or one for each element. */
static void lay_out_pos_weights(const ag__call *call, size_t offset, size_t n, double *out)
{
    const ag_tensor *weights = call->options->pos_weight;
    for (size_t i = 0; i < n; i++)
        out[i] = (double)weights->data[(offset + i) % weights->size];
}

/* Positives weigh alpha, negatives 1 - alpha. */
static void balance(const ag__call *call, size_t offset, size_t n, double *weights)
{
    double alpha = (double)call->options->alpha;
    if (alpha == 0) return; /* not given; a loss of one input has no target either */
    const float *target = call->inputs[1]->data + offset;
    for (size_t i = 0; i < n; i++) {
        double t = (double)target[i], share = alpha * t + (1 - alpha) * (1 - t);
        if (weights[i] != 0) weights[i] *= share; /* what is masked may have no number as target */
    }
}

void ag__weights_of(const ag__call *call, size_t offset, size_t n, double *out)
{
    lay_out_weights(call, offset, n, out);
    balance(call, offset, n, out);
}

void ag__weigh(size_t n, const double *weights, double *x)
{
    weigh_kernels[ag__cpu()](n, weights, x);
}

/* ---- a pass over the elements ---- */

typedef struct pass {
    const ag__call *call;
    const ag__elementwise *law;
    ag__blocks blocks;
    double divisor;

    bool with_values, counts_nonzero;
    double partial_sums[AG__MAX_BLOCKS];
    size_t nonzero[AG__MAX_BLOCKS];
    float *values; /* NULL if they are summed */
    ag__gradients gradients;
} pass;

static void prepare(pass *p, const ag__call *call)
{
    p->call = call;
    p->law = call->op->law;
    p->blocks = ag__split(call->inputs[0]->size, AG__SMALLEST_BLOCK);
    p->divisor = ag__divisor(call, p->blocks.items);
    p->with_values = p->counts_nonzero = p->gradients.wanted = false;
    p->values = NULL;
}

static void run_kernel(const pass *p, ag__law_kernel *const *kernels, size_t offset, size_t n,
                       const ag__law_out *out)
{
    const ag__call *call = p->call;
    const ag_tensor *second = call->inputs[1] != NULL ? call->inputs[1] : call->inputs[0];
    if (call->options->pos_weight != NULL) {
        double weights[AG__CHUNK];
        lay_out_pos_weights(call, offset, n, weights);
        p->law->pos_weight[ag__cpu()](n, call->inputs[0]->data + offset, second->data + offset,
                                      weights, out->values, out->slopes);
        return;
    }
    kernels[ag__cpu()](n, call->inputs[0]->data + offset, second->data + offset,
                       ag__law_parameter(call), out);
}

static void write_gradients(const pass *p, size_t offset, size_t n, const double *weights)
{
    double slopes[AG__CHUNK];
    const ag__gradients *g = &p->gradients;
    const float *upstream = g->upstream != NULL ? g->upstream + offset : NULL;
    for (uint32_t i = 0; i < p->call->op->num_differentiable; i++) {
        if (g->sinks[i].data == NULL) continue;
        run_kernel(p, i == 0 ? p->law->kernels : p->law->second, offset, n,
                   &(ag__law_out){.slopes = slopes});
        ag__weigh(n, weights, slopes);
        ag__store_gradient(n, slopes, upstream, g->scale, &g->sinks[i], offset);
    }
}

/* Computes a chunk. Returns the sum of its values, and counts those that are not 0 if that is wanted. */
static double compute_chunk(const pass *p, size_t offset, size_t n, size_t *nonzero)
{
    double weights[AG__CHUNK], values[AG__CHUNK];
    ag__weights_of(p->call, offset, n, weights);
    if (p->gradients.wanted) write_gradients(p, offset, n, weights);
    if (!p->with_values) return 0;
    run_kernel(p, p->law->kernels, offset, n, &(ag__law_out){.values = values});
    ag__weigh(n, weights, values);
    if (p->values != NULL) ag__narrow(n, values, p->values + offset);
    if (p->counts_nonzero) *nonzero += ag__count_nonzero(n, values);
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
    if (!p->with_values) return;
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
    ag__parallel_for(p->blocks.count, p->call->op->nanoseconds * (double)p->blocks.items,
                     compute_blocks, p);
}

/* A pass for the values alone, after which the divisor is known that depends on them. */
static void count_first(pass *p)
{
    p->with_values = p->counts_nonzero = true;
    run(p);
    p->with_values = p->counts_nonzero = false;
    p->divisor = (double)ag__sum_counts(&p->blocks, p->nonzero);
}

ag_status ag__weighted_forward(const ag__call *call, ag_tensor *out, const ag__sink *sinks)
{
    ag_status status = ag__call_check_domains(call);
    if (status != AG_OK) return status;
    pass p;
    prepare(&p, call);
    bool reduced = call->reduction != AG_REDUCTION_NONE;
    if (!reduced) p.values = out->data;
    p.with_values = !ag__divides_by_nonzero(call);
    if (!p.with_values) count_first(&p);
    if (sinks != NULL) p.gradients = ag__wanted_gradients(call, NULL, p.divisor, sinks);
    if (p.with_values || p.gradients.wanted) run(&p);
    if (reduced) out->data[0] = ag__reduce(&p.blocks, p.partial_sums, p.divisor);
    return AG_OK;
}

void ag__weighted_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    pass p;
    prepare(&p, call);
    if (ag__divides_by_nonzero(call)) count_first(&p);
    p.gradients = ag__wanted_gradients(call, grad, p.divisor, sinks);
    run(&p);
}
