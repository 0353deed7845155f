/* permute.c: the dimensions of a tensor in another order. */
#include "config.h"

#include "core/parallel.h"
#include "core/status.h"
#include "tensor/box.h"
#include "tensor/chunk.h"
#include "tensor/dimension.h"
#include "tensor/reduction.h"

/* Dimension d of the result is dimension integers[d] of x. */
static ag_status permute_infer_shape(const ag__call *call, ag__shape *shape)
{
    const ag_tensor *x = call->inputs[0];
    bool seen[AG_MAX_DIMS] = {false};
    shape->ndims = x->ndims;
    for (uint32_t d = 0; d < x->ndims; d++) {
        uint32_t from = call->integers[d];
        if (from >= x->ndims || seen[from])
            return ag__fail(AG_ERROR_ARGUMENT, "permute: order is %s, but x is %s",
                            ag__shape_to_text(x->ndims, call->integers).text,
                            ag__tensor_shape_text(x).text);
        seen[from] = true;
        shape->dims[d] = x->shape[from];
    }
    return AG_OK;
}

/* What all threads share: the elements of the target in order, and where they come from. */
typedef struct pass {
    ag__box box;
    ag__view from;
    ag__blocks blocks;
    ag__sink to;
} pass;

static void copy_blocks(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    float buffer[AG__CHUNK];
    size_t stop = ag__block_begin(&p->blocks, end);
    for (size_t i = ag__block_begin(&p->blocks, begin), n; i < stop; i += n) {
        n = ag__chunk_length(stop - i);
        float *to = p->to.data + i;
        ag__gather(&p->box, &p->from, i, n, p->to.accumulate ? buffer : to);
        for (size_t k = 0; p->to.accumulate && k < n; k++)
            to[k] += buffer[k];
    }
}

static void run(pass *p, double nanoseconds)
{
    size_t size = ag__box_size(&p->box);
    p->blocks = ag__split(size, AG__SMALLEST_BLOCK);
    ag__merge_dimensions(&p->box, &p->from, 1);
    ag__parallel_for(p->blocks.count, nanoseconds * (double)size, copy_blocks, p);
}

static ag_status permute_forward(const ag__call *call, ag_tensor *out)
{
    ag__shape shape = ag__shape_of(out), x_shape = ag__shape_of(call->inputs[0]);
    ag__box x_box = ag__box_of(&x_shape);
    ag__view x = ag__dense_view(&x_box, call->inputs[0]->data);
    pass p = {.box = ag__box_of(&shape), .from = {.data = x.data}, .to = {.data = out->data}};
    for (uint32_t d = 0; d < shape.ndims; d++)
        p.from.strides[d] = x.strides[call->integers[d]];
    run(&p, call->op->nanoseconds);
    return AG_OK;
}

static void permute_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    if (sinks[0].data == NULL) return;
    ag__shape shape = ag__shape_of(grad), x_shape = ag__shape_of(call->inputs[0]);
    ag__box result_box = ag__box_of(&shape);
    ag__view result = ag__dense_view(&result_box, grad->data);
    pass p = {.box = ag__box_of(&x_shape), .from = {.data = result.data}, .to = sinks[0]};
    for (uint32_t d = 0; d < shape.ndims; d++)
        p.from.strides[call->integers[d]] = result.strides[d];
    run(&p, call->op->nanoseconds);
}

const ag__op ag__op_permute = {
    .name = "permute",
    AG__ONE_INPUT,
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = permute_infer_shape,
    .forward = permute_forward,
    .backward = permute_backward,
    .nanoseconds = AG__CHEAP,
};
