/* transpose.c: the transpose of a matrix. */
#include "config.h"

#include "core/parallel.h"
#include "core/status.h"
#include "tensor/op.h"

/* Rows and columns are walked in squares whose reads and writes both stay in the cache. */
#define EDGE 32

typedef struct pass {
    const float *from; /* [rows, columns] */
    size_t rows, columns;
    ag__sink to; /* [columns, rows] */
} pass;

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void transpose_square(const pass *p, size_t row, size_t column)
{
    size_t last_row = least(row + EDGE, p->rows), last_column = least(column + EDGE, p->columns);
    for (size_t c = column; c < last_column; c++)
        for (size_t r = row; r < last_row; r++) {
            float *target = p->to.data + c * p->rows + r;
            float value = p->from[r * p->columns + c];
            *target = p->to.accumulate ? *target + value : value;
        }
}

static void transpose_bands(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    for (size_t band = begin; band < end; band++)
        for (size_t column = 0; column < p->columns; column += EDGE)
            transpose_square(p, band * EDGE, column);
}

static void transpose(const ag_tensor *from, ag__sink to, double nanoseconds)
{
    pass p = {from->data, from->shape[0], from->shape[1], to};
    ag__parallel_for((p.rows + EDGE - 1) / EDGE, nanoseconds * (double)from->size, transpose_bands,
                     &p);
}

static ag_status transpose_infer_shape(const ag__call *call, ag__shape *shape)
{
    const ag_tensor *x = call->inputs[0];
    if (x->ndims != 2)
        return ag__fail(AG_ERROR_SHAPE, "transpose: x is %s but must be a matrix",
                        ag__tensor_shape_text(x).text);
    *shape = (ag__shape){.ndims = 2, .dims = {x->shape[1], x->shape[0]}};
    return AG_OK;
}

static ag_status transpose_forward(const ag__call *call, ag_tensor *out)
{
    transpose(call->inputs[0], (ag__sink){.data = out->data}, call->op->nanoseconds);
    return AG_OK;
}

static void transpose_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    if (sinks[0].data != NULL) transpose(grad, sinks[0], call->op->nanoseconds);
}

const ag__op ag__op_transpose = {
    .name = "transpose",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"x"},
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = transpose_infer_shape,
    .forward = transpose_forward,
    .backward = transpose_backward,
    .nanoseconds = AG__CHEAP,
};
