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
    bool with_values;
    double partial_sums[AG__MAX_BLOCKS];
    float *values; /* NULL if they are summed */

    bool with_gradients;
    const float *upstream; /* one number for each row; NULL if it is part of scale */
    double scale;
    ag__sink sinks[AG__MAX_INPUTS];
} pass;

static void prepare(pass *p, const ag__call *call)
{
    p->call = call;
    p->law = call->op->law;
    p->columns = ag__tensor_columns(call->inputs[0]);
    p->blocks =
        ag__split(ag__tensor_rows(call->inputs[0]), 1 + (AG__SMALLEST_BLOCK - 1) / p->columns);
    p->with_values = p->with_gradients = false;
    p->values = NULL;
    p->upstream = NULL;
}

static void want_gradients(pass *p, const ag_tensor *grad, const ag__sink *sinks)
{
    bool reduced = p->call->reduction != AG_REDUCTION_NONE;
    p->with_gradients = true;
    p->upstream = grad != NULL && !reduced ? grad->data : NULL;
    p->scale = ag__gradient_scale(p->call, grad, p->blocks.items);
    for (uint32_t i = 0; i < p->call->op->num_differentiable; i++)
        p->sinks[i] = ag__large_sink(sinks[i], p->call->inputs[0]->size);
}

/* How many numbers an input has for each row. */
static size_t stride(const pass *p, uint32_t input)
{
    return p->call->inputs[input]->size / p->blocks.items;
}

/* Computes a few rows. values, if any, has room for them. */
static void compute_rows(const pass *p, size_t first, size_t count, double *values)
{
    const ag__op *op = p->call->op;
    ag__rows rows = {
        .count = count,
        .n = p->columns,
        .parameter = (double)p->call->parameter,
        .values = values,
    };
    for (uint32_t i = 0; i < op->num_inputs; i++)
        rows.inputs[i] = p->call->inputs[i]->data + first * stride(p, i);
    ag__sink sinks[AG__MAX_INPUTS];
    double scales[AG__ROWS];
    if (p->with_gradients) {
        for (uint32_t i = 0; i < op->num_differentiable; i++)
            sinks[i] = ag__sink_at(&p->sinks[i], first * p->columns);
        for (size_t i = 0; i < count; i++)
            scales[i] = p->upstream != NULL ? (double)p->upstream[first + i] : p->scale;
        rows.scales = scales;
        rows.sinks = sinks;
    }
    p->law->compute(&rows);
}

/* Computes the rows of one block, and returns the sum of their values. */
static double compute_block(const pass *p, size_t begin, size_t end)
{
    double values[AG__ROWS], sum = 0;
    for (size_t row = begin, count; row < end; row += count) {
        count = end - row < AG__ROWS ? end - row : AG__ROWS;
        compute_rows(p, row, count, p->with_values ? values : NULL);
        if (p->values != NULL) ag__narrow(count, values, p->values + row);
        if (p->with_values && p->values == NULL) sum += ag__sum(count, values);
    }
    return sum;
}

static void compute_blocks(size_t begin, size_t end, void *context)
{
    pass *p = context;
    for (size_t block = begin; block < end; block++)
        p->partial_sums[block] = compute_block(p, ag__block_begin(&p->blocks, block),
                                               ag__block_begin(&p->blocks, block + 1));
    for (uint32_t i = 0; p->with_gradients && i < p->call->op->num_differentiable; i++)
        ag__end_streaming(&p->sinks[i]);
}

static void run(pass *p)
{
    double nanoseconds = p->call->op->nanoseconds * (double)p->call->inputs[0]->size;
    ag__parallel_for(p->blocks.count, nanoseconds, compute_blocks, p);
}

static ag_status forward(const ag__call *call, ag_tensor *out, const ag__sink *sinks)
{
    ag_status status = ag__call_check_domains(call);
    if (status != AG_OK) return status;
    pass p;
    prepare(&p, call);
    bool reduced = call->reduction != AG_REDUCTION_NONE;
    p.with_values = true;
    if (!reduced) p.values = out->data;
    if (sinks != NULL) want_gradients(&p, NULL, sinks);
    run(&p);
    if (reduced) out->data[0] = ag__reduce(call, &p.blocks, p.partial_sums);
    return AG_OK;
}

ag_status ag__rowwise_forward(const ag__call *call, ag_tensor *out)
{
    return forward(call, out, NULL);
}

ag_status ag__rowwise_both(const ag__call *call, ag_tensor *out, const ag__sink *sinks)
{
    return forward(call, out, sinks);
}

void ag__rowwise_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    pass p;
    prepare(&p, call);
    want_gradients(&p, grad, sinks);
    run(&p);
}
