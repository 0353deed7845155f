/* rowwise.c: the driver of losses that go row by row. */
#include "config.h"

#include "tensor/rowwise.h"

#include "core/status.h"
#include "tensor/loss/labels.h"
#include "tensor/pass.h"

/* ---- shapes ---- */

static ag_status check_shapes(const ag__call *call)
{
    const ag__op *op = call->op;
    const ag_tensor *x = call->inputs[0];
    for (uint32_t i = 1; i < op->num_inputs; i++) {
        const ag_tensor *other = call->inputs[i];
        bool one_per_row = op->labels_rows && i == op->num_inputs - 1;
        if (one_per_row && !ag__one_per_row(other->ndims, other->shape, other->size, x))
            return ag__fail(AG_ERROR_SHAPE,
                            "%s: %s is %s but must hold one value for each row of %s, %s", op->name,
                            op->input_names[i], ag__tensor_shape_text(other).text,
                            op->input_names[0], ag__tensor_shape_text(x).text);
        if (!one_per_row && !ag_tensor_same_shape(x, other))
            return ag__fail(AG_ERROR_SHAPE, "%s: %s is %s but %s is %s", op->name,
                            op->input_names[0], ag__tensor_shape_text(x).text, op->input_names[i],
                            ag__tensor_shape_text(other).text);
    }
    return op->takes_labels ? ag__labels_check(call, ag__tensor_columns(x)) : AG_OK;
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

/* Whether rows differ in what they count for, or count for nothing. */
static bool rows_differ(const ag__pass *p)
{
    const ag_loss_options *options = p->call->options;
    return p->divisor == 0 ||
           (options != NULL && (options->weights != NULL || options->has_ignore_index));
}

/* How many numbers an input has for each row. */
static size_t stride(const ag__pass *p, uint32_t input)
{
    return p->call->inputs[input]->size / p->blocks.items;
}

static const int32_t *labels_at(const ag__pass *p, size_t row)
{
    const ag__call *call = p->call;
    size_t each = call->op->lists_labels ? ag__tensor_columns(call->inputs[0]) : 1;
    return call->indices->data + row * each;
}

static double weight_of(const ag__pass *p, size_t row)
{
    return p->divisor == 0 ? 0 : ag__row_weight(p->call, row);
}

/* The upstream gradient of a row over the divisor. */
static double scale_of(const ag__pass *p, size_t row)
{
    const ag__gradients *g = &p->gradients;
    return g->upstream != NULL ? (double)g->upstream[row] : g->scale;
}

/* Computes a few rows, none of which weighs 0. values, if any, has room for them. */
static void compute_run(const ag__pass *p, size_t first, size_t count, double *values,
                        size_t *correct)
{
    const ag__op *op = p->call->op;
    const ag__rowwise *law = op->law;
    size_t columns = ag__tensor_columns(p->call->inputs[0]);
    bool weighted = rows_differ(p);
    ag__rows rows = {
        .count = count,
        .behind = ag__tensor_rows(p->call->inputs[0]) - first - count,
        .n = columns,
        .parameter = (double)p->call->parameter,
        .second_parameter = (double)p->call->second_parameter,
        .options = p->call->options,
        .labels = op->takes_labels ? labels_at(p, first) : NULL,
        .values = values,
        .num_correct = correct,
    };
    for (uint32_t i = 0; i < op->num_inputs; i++)
        rows.inputs[i] = p->call->inputs[i]->data + first * stride(p, i);
    ag__sink sinks[AG__MAX_INPUTS];
    double scales[AG__ROWS];
    if (p->gradients.wanted) {
        for (uint32_t i = 0; i < op->num_differentiable; i++)
            sinks[i] = ag__sink_at(&p->gradients.sinks[i], first * columns);
        for (size_t i = 0; i < count; i++)
            scales[i] = scale_of(p, first + i) * (weighted ? weight_of(p, first + i) : 1);
        rows.scales = scales;
        rows.sinks = sinks;
    }
    law->compute(&rows);
    for (size_t i = 0; weighted && values != NULL && i < count; i++)
        values[i] *= weight_of(p, first + i);
}

/* What rows that weigh 0 leave behind, whatever they hold. */
static void skip_run(const ag__pass *p, size_t first, size_t count, double *values)
{
    for (size_t i = 0; values != NULL && i < count; i++)
        values[i] = 0;
    if (!p->gradients.wanted) return;
    size_t columns = ag__tensor_columns(p->call->inputs[0]);
    for (uint32_t input = 0; input < p->call->op->num_differentiable; input++)
        for (size_t row = first; row < first + count && p->gradients.sinks[input].data != NULL;
             row++) {
            ag__sink sink = ag__sink_at(&p->gradients.sinks[input], row * columns);
            ag__store_zero(columns, scale_of(p, row), &sink);
        }
}

/* Rows that count, but have nothing left to be divided by, may be right all the same. */
static void count_correct(const ag__pass *p, size_t first, size_t count, size_t *correct)
{
    size_t columns = ag__tensor_columns(p->call->inputs[0]);
    for (size_t row = first; correct != NULL && row < first + count; row++)
        if (ag__row_weight(p->call, row) != 0)
            ag__count_correct(&(ag__rows){
                .count = 1,
                .n = columns,
                .inputs = {p->call->inputs[0]->data + row * columns},
                .labels = labels_at(p, row),
                .num_correct = correct,
            });
}

/* Computes a few rows, those that weigh something apart from those that do not. */
static void compute_rows(const ag__pass *p, size_t first, size_t count, double *values,
                         size_t *correct)
{
    size_t end = first + count;
    bool weighted = rows_differ(p);
    if (!weighted) compute_run(p, first, count, values, correct);
    for (size_t row = first, length; weighted && row < end; row += length) {
        bool counts = weight_of(p, row) != 0;
        length = 1;
        while (row + length < end && (weight_of(p, row + length) != 0) == counts)
            length++;
        double *to = values != NULL ? values + (row - first) : NULL;
        if (counts) {
            compute_run(p, row, length, to, correct);
        } else {
            count_correct(p, row, length, correct);
            skip_run(p, row, length, to);
        }
    }
}

static const ag__walk walk = {.most = AG__ROWS, .compute = compute_rows};

ag_status ag__rowwise_forward(const ag__call *call, ag_tensor *out)
{
    return ag__pass_forward(&walk, call, out, NULL);
}

ag_status ag__rowwise_both(const ag__call *call, ag_tensor *out, const ag__sink *sinks)
{
    return ag__pass_forward(&walk, call, out, sinks);
}

void ag__rowwise_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    ag__pass_backward(&walk, call, grad, sinks);
}
