/* rowwise.c: the driver of losses that go row by row. */
#include "config.h"

#include "tensor/rowwise.h"

#include <string.h>

#include "core/parallel.h"
#include "core/status.h"
#include "tensor/reduction.h"

/* ---- shapes ---- */

/* Whether a tensor has one value per row of x: [rows], [rows, 1], or x's shape up to its last. */
static bool labels_rows(const ag_tensor *labels, const ag_tensor *x)
{
    if (labels->size != ag__tensor_rows(x)) return false;
    if (labels->ndims == 1 || (labels->ndims == 2 && labels->shape[1] == 1)) return true;
    uint32_t leading = x->ndims - 1; /* the size leaves only a 1 to follow them */
    return (labels->ndims == leading || labels->ndims == leading + 1) &&
           memcmp(labels->shape, x->shape, leading * sizeof *x->shape) == 0;
}

static ag_status check_shapes(const ag__call *call)
{
    const ag__op *op = call->op;
    const ag_tensor *x = call->inputs[0];
    for (uint32_t i = 1; i < op->num_inputs; i++) {
        const ag_tensor *other = call->inputs[i];
        bool one_per_row = op->labels_rows && i == op->num_inputs - 1;
        if (one_per_row && !labels_rows(other, x))
            return ag__fail(AG_ERROR_SHAPE,
                            "%s: %s is %s but must hold one value for each row of %s, %s", op->name,
                            op->input_names[i], ag__tensor_shape_text(other).text,
                            op->input_names[0], ag__tensor_shape_text(x).text);
        if (!one_per_row && !ag_tensor_same_shape(x, other))
            return ag__fail(AG_ERROR_SHAPE, "%s: %s is %s but %s is %s", op->name,
                            op->input_names[0], ag__tensor_shape_text(x).text, op->input_names[i],
                            ag__tensor_shape_text(other).text);
    }
    return AG_OK;
}

ag_status ag__rowwise_infer_shape(const ag__call *call, ag__shape *shape)
{
    ag_status status = check_shapes(call);
    if (status != AG_OK) return status;
    *shape = ag__shape_of(call->inputs[0]);
    bool reduced = call->reduction != AG_REDUCTION_NONE;
    if (reduced || shape->ndims == 1)
        *shape = (ag__shape){.ndims = 1, .dims = {1}};
    else
        shape->ndims--;
    return AG_OK;
}

/* ---- a pass over the rows ---- */

typedef struct pass {
    const ag__call *call;
    const ag__rowwise *law;
    size_t columns;
    ag__blocks blocks; /* of rows */
    double partial_sums[AG__MAX_BLOCKS];
    float *values;

    const float *upstream; /* one number for each row; NULL if it is part of scale */
    double scale;
    const ag__sink *sinks;
} pass;

static void prepare(pass *p, const ag__call *call)
{
    p->call = call;
    p->law = call->op->law;
    p->columns = ag__tensor_columns(call->inputs[0]);
    p->blocks =
        ag__split(ag__tensor_rows(call->inputs[0]), 1 + (AG__SMALLEST_BLOCK - 1) / p->columns);
}

static double cost(const pass *p)
{
    return p->call->op->nanoseconds * (double)p->call->inputs[0]->size;
}

/* How many numbers an input has for each row. */
static size_t stride(const pass *p, uint32_t input)
{
    return p->call->inputs[input]->size / p->blocks.items;
}

static ag__row row_at(const pass *p, size_t index)
{
    ag__row row = {.n = p->columns, .parameter = (double)p->call->parameter};
    for (uint32_t i = 0; i < p->call->op->num_inputs; i++)
        row.inputs[i] = p->call->inputs[i]->data + index * stride(p, i);
    return row;
}

static void sum_blocks(size_t begin, size_t end, void *context)
{
    pass *p = context;
    for (size_t block = begin; block < end; block++) {
        double sum = 0;
        size_t stop = ag__block_begin(&p->blocks, block + 1);
        for (size_t i = ag__block_begin(&p->blocks, block); i < stop; i++) {
            ag__row row = row_at(p, i);
            sum += p->law->value(&row);
        }
        p->partial_sums[block] = sum;
    }
}

static void write_blocks(size_t begin, size_t end, void *context)
{
    pass *p = context;
    size_t stop = ag__block_begin(&p->blocks, end);
    for (size_t i = ag__block_begin(&p->blocks, begin); i < stop; i++) {
        ag__row row = row_at(p, i);
        p->values[i] = (float)p->law->value(&row);
    }
}

ag_status ag__rowwise_forward(const ag__call *call, ag_tensor *out)
{
    ag_status status = ag__call_check_domains(call);
    if (status != AG_OK) return status;
    pass p;
    prepare(&p, call);
    p.values = out->data;
    bool reduced = call->reduction != AG_REDUCTION_NONE;
    ag__parallel_for(p.blocks.count, cost(&p), reduced ? sum_blocks : write_blocks, &p);
    if (!reduced) return AG_OK;
    out->data[0] = ag__reduce(call, &p.blocks, p.partial_sums);
    return AG_OK;
}

static void write_gradients(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    size_t stop = ag__block_begin(&p->blocks, end);
    for (size_t i = ag__block_begin(&p->blocks, begin); i < stop; i++) {
        ag__row row = row_at(p, i);
        ag__sink sinks[AG__MAX_INPUTS] = {{0}};
        for (uint32_t k = 0; k < p->call->op->num_differentiable; k++)
            if (p->sinks[k].data != NULL) sinks[k] = ag__sink_at(&p->sinks[k], i * p->columns);
        p->law->gradient(&row, p->upstream != NULL ? (double)p->upstream[i] : p->scale, sinks);
    }
}

void ag__rowwise_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    pass p;
    prepare(&p, call);
    p.upstream = call->reduction == AG_REDUCTION_NONE ? grad->data : NULL;
    p.scale = ag__gradient_scale(call, grad, p.blocks.items);
    p.sinks = sinks;
    ag__parallel_for(p.blocks.count, cost(&p), write_gradients, &p);
}
