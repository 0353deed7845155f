/*
 * dropout.c: numbers set to 0 at random. Which ones is a function of a key and of where they stand,
 * so that threads may take them in any order and the backward pass finds the same ones again.
 */
#include "config.h"

#include "core/cpu.h"
#include "core/parallel.h"
#include "core/status.h"
#include "tensor/op.h"
#include "tensor/reduction.h"

/* Mixes the bits of a number (the multipliers of C. Wellons' lowbias32, 2018). */
AG__INLINE uint32_t mix(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

typedef struct rule {
    uint32_t keys[2];
    uint32_t threshold; /* random bits below it drop a number: p · 2^32 */
    double scale;       /* 1 / (1 - p) */
} rule;

typedef void drop_kernel(size_t n, uint32_t first, rule r, const float *x, bool accumulate,
                         float *out);

/* out = x · (0 or scale), or out += …; 0 · NaN stays NaN. */
AG__INLINE void drop_into(size_t n, uint32_t first, rule r, const float *restrict x,
                          bool accumulate, float *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = mix(mix((first + (uint32_t)i) ^ r.keys[0]) ^ r.keys[1]);
        double value = (double)x[i] * (bits < r.threshold ? 0 : r.scale);
        out[i] = (float)(accumulate ? (double)out[i] + value : value);
    }
}

AG__INLINE void drop(size_t n, uint32_t first, rule r, const float *x, bool accumulate, float *out)
{
    if (accumulate)
        drop_into(n, first, r, x, true, out);
    else
        drop_into(n, first, r, x, false, out);
}

AG__DEFINE_KERNELS(kernels, drop_kernel, drop,
                   (size_t n, uint32_t first, rule r, const float *x, bool accumulate, float *out),
                   (n, first, r, x, accumulate, out))

typedef struct pass {
    const ag__call *call;
    ag__blocks blocks;
    const float *from;
    ag__sink to;
} pass;

/* The rule of a block: its keys depend on the block, so that 32 bits are enough within. */
static rule rule_of(const ag__call *call, size_t block)
{
    double p = (double)call->parameter;
    return (rule){
        .keys = {call->integers[0] + 0x9e3779b9u * (uint32_t)block, call->integers[1]},
        .threshold = (uint32_t)(p * 0x1p32),
        .scale = 1 / (1 - p),
    };
}

static void drop_blocks(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    for (size_t block = begin; block < end; block++) {
        size_t first = ag__block_begin(&p->blocks, block);
        kernels[ag__cpu()](ag__block_begin(&p->blocks, block + 1) - first, 0,
                           rule_of(p->call, block), p->from + first, p->to.accumulate,
                           p->to.data + first);
    }
}

static void run(const ag__call *call, const float *from, ag__sink to)
{
    size_t size = call->inputs[0]->size;
    pass p = {call, ag__split(size, AG__SMALLEST_BLOCK), from, to};
    ag__parallel_for(p.blocks.count, call->op->nanoseconds * (double)size, drop_blocks, &p);
}

static ag_status dropout_infer_shape(const ag__call *call, ag__shape *shape)
{
    *shape = ag__shape_of(call->inputs[0]);
    if (call->parameter >= 0 && call->parameter < 1) return AG_OK;
    return ag__fail(AG_ERROR_ARGUMENT, "dropout: probability is %g but must be in [0, 1)",
                    (double)call->parameter);
}

static ag_status dropout_forward(const ag__call *call, ag_tensor *out)
{
    run(call, call->inputs[0]->data, (ag__sink){.data = out->data});
    return AG_OK;
}

static void dropout_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    if (sinks[0].data != NULL) run(call, grad->data, sinks[0]);
}

const ag__op ag__op_dropout = {
    .name = "dropout",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"x"},
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = dropout_infer_shape,
    .forward = dropout_forward,
    .backward = dropout_backward,
    .nanoseconds = AG__CHEAP,
};
