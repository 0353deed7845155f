/* embedding.c: rows of a table, chosen by indices. */
#include "config.h"

#include <string.h>

#include "core/blas.h"
#include "core/parallel.h"
#include "core/status.h"
#include "tensor/op.h"

typedef struct pass {
    size_t rows, columns; /* of the table */
    const ag_indices *indices;
    const float *from;
    float *to;
    bool accumulate;
    const uint32_t *links; /* between the indices that chose one row */
} pass;

static ag_status check_table(const ag__call *call)
{
    const ag_tensor *table = call->inputs[0];
    if (table->ndims != 2)
        return ag__fail(AG_ERROR_SHAPE, "embedding: table is %s but must be [rows, columns]",
                        ag__tensor_shape_text(table).text);
    if (call->indices->size >= UINT32_MAX)
        return ag__fail(AG_ERROR_SHAPE, "embedding: more than 2^32 - 2 indices");
    if (call->indices->ndims < AG_MAX_DIMS) return AG_OK;
    return ag__fail(AG_ERROR_SHAPE, "embedding: indices have %d dimensions, which leaves no room",
                    AG_MAX_DIMS);
}

static ag_status check_values(const ag__call *call)
{
    const ag_indices *indices = call->indices;
    for (size_t i = 0; i < indices->size; i++)
        if (indices->data[i] < 0 || (uint32_t)indices->data[i] >= call->inputs[0]->shape[0])
            return ag__fail(AG_ERROR_DOMAIN, "embedding: indices[%zu] is %ld but table has %u rows",
                            i, (long)indices->data[i], (unsigned)call->inputs[0]->shape[0]);
    return AG_OK;
}

static ag_status embedding_infer_shape(const ag__call *call, ag__shape *shape)
{
    ag_status status = ag__indices_check("embedding", "indices", call->indices);
    if (status == AG_OK) status = check_table(call);
    if (status == AG_OK) status = check_values(call);
    if (status != AG_OK) return status;
    shape->ndims = call->indices->ndims + 1;
    memcpy(shape->dims, call->indices->shape, call->indices->ndims * sizeof *shape->dims);
    shape->dims[shape->ndims - 1] = call->inputs[0]->shape[1];
    return AG_OK;
}

static pass prepare(const ag__call *call, const float *from, float *to)
{
    const uint32_t *shape = call->inputs[0]->shape;
    return (pass){shape[0], shape[1], call->indices, from, to, false, NULL};
}

static void copy_rows(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    for (size_t i = begin; i < end; i++)
        memcpy(p->to + i * p->columns, p->from + (size_t)p->indices->data[i] * p->columns,
               p->columns * sizeof *p->to);
}

static ag_status embedding_forward(const ag__call *call, ag_tensor *out)
{
    pass p = prepare(call, call->inputs[0]->data, out->data);
    ag__parallel_for(p.indices->size, call->op->nanoseconds * (double)out->size, copy_rows, &p);
    return AG_OK;
}

/* ---- backward: each row of the table gets the sum of what was made of it ---- */

#define NONE UINT32_MAX

/* For each row of the table the first index that chose it, and for each index the next one. */
static uint32_t *link_indices(const pass *p, uint32_t *scratch)
{
    uint32_t *first = scratch, *next = scratch + p->rows;
    for (size_t row = 0; row < p->rows; row++)
        first[row] = NONE;
    for (size_t i = p->indices->size; i-- > 0;) {
        next[i] = first[p->indices->data[i]];
        first[p->indices->data[i]] = (uint32_t)i;
    }
    return first;
}

static void sum_chunk(const pass *p, size_t row, size_t column, size_t n)
{
    double sums[AG__CHUNK] = {0};
    float *to = p->to + row * p->columns + column;
    for (uint32_t i = p->links[row]; i != NONE; i = p->links[p->rows + i]) {
        const float *from = p->from + i * p->columns + column;
        for (size_t j = 0; j < n; j++)
            sums[j] += (double)from[j];
    }
    for (size_t j = 0; j < n; j++)
        to[j] = (float)((p->accumulate ? (double)to[j] : 0) + sums[j]);
}

static void sum_rows(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    for (size_t row = begin; row < end; row++) {
        if (p->links[row] == NONE && !p->accumulate)
            memset(p->to + row * p->columns, 0, p->columns * sizeof *p->to);
        for (size_t column = 0, n; column < p->columns && p->links[row] != NONE; column += n) {
            n = p->columns - column < AG__CHUNK ? p->columns - column : AG__CHUNK;
            sum_chunk(p, row, column, n);
        }
    }
}

static size_t embedding_scratch_bytes(const ag__call *call)
{
    return (call->inputs[0]->shape[0] + call->indices->size) * sizeof(uint32_t);
}

static void embedding_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    if (sinks[0].data == NULL) return;
    pass p = prepare(call, grad->data, sinks[0].data);
    p.accumulate = sinks[0].accumulate;
    p.links = link_indices(&p, call->scratch);
    ag__parallel_for(p.rows, call->op->nanoseconds * (double)(grad->size + call->inputs[0]->size),
                     sum_rows, &p);
}

const ag__op ag__op_embedding = {
    .name = "embedding",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"table"},
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = embedding_infer_shape,
    .scratch_bytes = embedding_scratch_bytes,
    .forward = embedding_forward,
    .backward = embedding_backward,
    .nanoseconds = AG__CHEAP,
};
