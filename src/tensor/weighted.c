/* weighted.c: element by element, where elements weigh differently. */
#include "config.h"

#include "tensor/weighted.h"

#include "tensor/chunk.h"
#include "tensor/elementwise.h"
#include "tensor/pass.h"

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

static void run_kernel(const ag__call *call, ag__law_kernel *const *kernels, size_t offset,
                       size_t n, const ag__law_out *out)
{
    const ag__elementwise *law = call->op->law;
    const ag_tensor *second = call->inputs[1] != NULL ? call->inputs[1] : call->inputs[0];
    if (call->options->pos_weight != NULL) {
        double weights[AG__CHUNK];
        lay_out_pos_weights(call, offset, n, weights);
        law->pos_weight[ag__cpu()](n, call->inputs[0]->data + offset, second->data + offset,
                                   weights, out->values, out->slopes);
        return;
    }
    kernels[ag__cpu()](n, call->inputs[0]->data + offset, second->data + offset,
                       ag__law_parameter(call), out);
}

static void write_gradients(const ag__pass *p, size_t offset, size_t n, const double *weights)
{
    double slopes[AG__CHUNK];
    const ag__elementwise *law = p->call->op->law;
    const ag__gradients *g = &p->gradients;
    const float *upstream = g->upstream != NULL ? g->upstream + offset : NULL;
    for (uint32_t i = 0; i < p->call->op->num_differentiable; i++) {
        if (g->sinks[i].data == NULL) continue;
        run_kernel(p->call, i == 0 ? law->kernels : law->second, offset, n,
                   &(ag__law_out){.slopes = slopes});
        ag__weigh(n, weights, slopes);
        ag__store_gradient(n, slopes, upstream, g->scale, &g->sinks[i], offset);
    }
}

static void compute_chunk(const ag__pass *p, size_t offset, size_t n, double *values,
                          size_t *num_correct)
{
    (void)num_correct;
    const ag__elementwise *law = p->call->op->law;
    double weights[AG__CHUNK];
    ag__weights_of(p->call, offset, n, weights);
    if (p->gradients.wanted) write_gradients(p, offset, n, weights);
    if (values == NULL) return;
    run_kernel(p->call, law->kernels, offset, n, &(ag__law_out){.values = values});
    ag__weigh(n, weights, values);
}

static const ag__walk walk = {.most = AG__CHUNK, .compute = compute_chunk};

ag_status ag__weighted_forward(const ag__call *call, ag_tensor *out, const ag__sink *sinks)
{
    return ag__pass_forward(&walk, call, out, sinks);
}

void ag__weighted_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    ag__pass_backward(&walk, call, grad, sinks);
}
