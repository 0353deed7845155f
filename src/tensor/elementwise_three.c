/* elementwise_three.c: the driver of losses of three inputs that go element by element. */
#include "config.h"

#include "tensor/elementwise_three.h"

#include "tensor/chunk.h"
#include "tensor/pass.h"
#include "tensor/weighted.h"

static void weigh_chunk(const ag__pass *p, size_t offset, size_t n, double *values,
                        double *const *slopes)
{
    double weights[AG__CHUNK];
    ag__weights_of(p->call, offset, n, weights);
    ag__weigh(n, weights, values);
    for (int i = 0; p->gradients.wanted && i < 2; i++)
        ag__weigh(n, weights, slopes[i]);
}

static void store_gradients(const ag__pass *p, size_t offset, size_t n, double *const *slopes)
{
    const ag__gradients *g = &p->gradients;
    const float *upstream = g->upstream != NULL ? g->upstream + offset : NULL;
    for (int i = 0; i < 2; i++)
        if (g->sinks[i].data != NULL)
            ag__store_gradient(n, slopes[i], upstream, g->scale, &g->sinks[i], offset);
}

static void compute_chunk(const ag__pass *p, size_t offset, size_t n, double *values,
                          size_t *num_correct)
{
    (void)num_correct;
    double unused[AG__CHUNK], first[AG__CHUNK], second[AG__CHUNK];
    double *const slopes[] = {first, second};
    const ag__elementwise_three *law = p->call->op->law;
    const float *inputs[3];
    for (int i = 0; i < 3; i++)
        inputs[i] = p->call->inputs[i]->data + offset;
    if (values == NULL) values = unused; /* the law gives them in any case */
    law->kernels[ag__cpu()](n, inputs, ag__law_parameter(p->call), values,
                            p->gradients.wanted ? slopes : NULL);
    if (ag__is_weighted(p->call)) weigh_chunk(p, offset, n, values, slopes);
    if (p->gradients.wanted) store_gradients(p, offset, n, slopes);
}

static const ag__walk walk = {.most = AG__CHUNK, .compute = compute_chunk};

ag_status ag__three_forward(const ag__call *call, ag_tensor *out)
{
    return ag__pass_forward(&walk, call, out, NULL);
}

ag_status ag__three_both(const ag__call *call, ag_tensor *out, const ag__sink *sinks)
{
    return ag__pass_forward(&walk, call, out, sinks);
}

void ag__three_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    ag__pass_backward(&walk, call, grad, sinks);
}
