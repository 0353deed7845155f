/* rowwise.c: the driver of losses that go row by row. */
#include "config.h"

#include "tensor/rowwise.h"

#include <string.h>

#include "core/parallel.h"
#include "core/status.h"
#include "tensor/loss/labels.h"
#include "tensor/reduction.h"

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

typedef struct pass {
    const ag__call *call;
    const ag__rowwise *law;
    size_t columns;
    ag__blocks blocks; /* of rows */
    double divisor;
    bool weighted; /* rows differ in what they count for, or count for nothing */

    bool with_values, counts_correct, counts_nonzero;
    double partial_sums[AG__MAX_BLOCKS];
    size_t correct[AG__MAX_BLOCKS], nonzero[AG__MAX_BLOCKS]; /* where they are counted */
    float *values;                                           /* NULL if they are summed */
    ag__gradients gradients;
} pass;

static void prepare(pass *p, const ag__call *call)
{
    const ag_loss_options *options = call->options;
    size_t rows = ag__tensor_rows(call->inputs[0]);
    p->call = call;
    p->law = call->op->law;
    p->columns = ag__tensor_columns(call->inputs[0]);
    p->blocks = ag__split(rows, 1 + (AG__SMALLEST_BLOCK - 1) / p->columns);
    p->divisor = ag__divisor(call, rows);
    p->weighted = p->divisor == 0 ||
                  (options != NULL && (options->weights != NULL || options->has_ignore_index));
    p->with_values = p->counts_correct = p->counts_nonzero = p->gradients.wanted = false;
    p->values = NULL;
}

/* How many numbers an input has for each row. */
static size_t stride(const pass *p, uint32_t input)
{
    return p->call->inputs[input]->size / p->blocks.items;
}

static const int32_t *labels_at(const pass *p, size_t row)
{
    return p->call->indices->data + row * (p->call->op->lists_labels ? p->columns : 1);
}

static double weight_of(const pass *p, size_t row)
{
    return p->divisor == 0 ? 0 : ag__row_weight(p->call, row);
}

/* The upstream gradient of a row over the divisor. */
static double scale_of(const pass *p, size_t row)
{
    const ag__gradients *g = &p->gradients;
    return g->upstream != NULL ? (double)g->upstream[row] : g->scale;
}

/* Computes a few rows, none of which weighs 0. values, if any, has room for them. */
static void compute_run(const pass *p, size_t first, size_t count, double *values, size_t *correct)
{
    const ag__op *op = p->call->op;
    ag__rows rows = {
        .count = count,
        .n = p->columns,
        .parameter = (double)p->call->parameter,
        .second_parameter = (double)p->call->second_parameter,
        .options = p->call->options,
        .labels = op->takes_labels ? labels_at(p, first) : NULL,
        .values = values,
        .num_correct = p->counts_correct ? correct : NULL,
    };
    for (uint32_t i = 0; i < op->num_inputs; i++)
        rows.inputs[i] = p->call->inputs[i]->data + first * stride(p, i);
    ag__sink sinks[AG__MAX_INPUTS];
    double scales[AG__ROWS];
    if (p->gradients.wanted) {
        for (uint32_t i = 0; i < op->num_differentiable; i++)
            sinks[i] = ag__sink_at(&p->gradients.sinks[i], first * p->columns);
        for (size_t i = 0; i < count; i++)
            scales[i] = scale_of(p, first + i) * (p->weighted ? weight_of(p, first + i) : 1);
        rows.scales = scales;
        rows.sinks = sinks;
    }
    p->law->compute(&rows);
    for (size_t i = 0; p->weighted && values != NULL && i < count; i++)
        values[i] *= weight_of(p, first + i);
}

/* What rows that weigh 0 leave behind, whatever they hold. */
static void skip_run(const pass *p, size_t first, size_t count, double *values)
{
    for (size_t i = 0; values != NULL && i < count; i++)
        values[i] = 0;
    if (!p->gradients.wanted) return;
    for (uint32_t input = 0; input < p->call->op->num_differentiable; input++)
        for (size_t row = first; row < first + count && p->gradients.sinks[input].data != NULL;
             row++) {
            ag__sink sink = ag__sink_at(&p->gradients.sinks[input], row * p->columns);
            ag__store_zero(p->columns, scale_of(p, row), &sink);
        }
}

/* Rows that count, but have nothing left to be divided by, may be right all the same. */
static void count_correct(const pass *p, size_t first, size_t count, size_t *correct)
{
    for (size_t row = first; p->counts_correct && row < first + count; row++)
        if (ag__row_weight(p->call, row) != 0)
            ag__count_correct(&(ag__rows){
                .count = 1,
                .n = p->columns,
                .inputs = {p->call->inputs[0]->data + row * p->columns},
                .labels = labels_at(p, row),
                .num_correct = correct,
            });
}

/* Computes a few rows, those that weigh something apart from those that do not. */
static void compute_rows(const pass *p, size_t first, size_t count, double *values, size_t *correct)
{
    size_t end = first + count;
    if (!p->weighted) compute_run(p, first, count, values, correct);
    for (size_t row = first, length; p->weighted && row < end; row += length) {
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

static void compute_block(pass *p, size_t block)
{
    double values[AG__ROWS], sum = 0;
    size_t correct = 0, nonzero = 0, end = ag__block_begin(&p->blocks, block + 1);
    for (size_t row = ag__block_begin(&p->blocks, block), count; row < end; row += count) {
        count = end - row < AG__ROWS ? end - row : AG__ROWS;
        compute_rows(p, row, count, p->with_values ? values : NULL, &correct);
        if (p->values != NULL) ag__narrow(count, values, p->values + row);
        if (p->with_values && p->values == NULL) sum += ag__sum(count, values);
        if (p->counts_nonzero) nonzero += ag__count_nonzero(count, values);
    }
    if (p->with_values) p->partial_sums[block] = sum;
    p->correct[block] = correct;
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
    double nanoseconds = p->call->op->nanoseconds * (double)p->call->inputs[0]->size;
    ag__parallel_for(p->blocks.count, nanoseconds, compute_blocks, p);
}

/* A pass for the values alone, after which the divisor is known that depends on them. */
static void count_first(pass *p)
{
    p->with_values = p->counts_nonzero = true;
    run(p);
    p->divisor = (double)ag__sum_counts(&p->blocks, p->nonzero);
    p->weighted = p->weighted || p->divisor == 0;
    p->with_values = p->counts_nonzero = false;
}

static ag_status forward(const ag__call *call, ag_tensor *out, const ag__sink *sinks)
{
    ag_status status = ag__call_check_domains(call);
    if (status != AG_OK) return status;
    pass p;
    prepare(&p, call);
    bool reduced = call->reduction != AG_REDUCTION_NONE;
    bool counts_first = ag__divides_by_nonzero(call);
    if (!reduced) p.values = out->data;
    p.counts_correct = call->options != NULL && call->options->num_correct != NULL;
    p.with_values = !counts_first;
    if (counts_first) count_first(&p);
    if (sinks != NULL) p.gradients = ag__wanted_gradients(call, NULL, p.divisor, sinks);
    if (p.with_values || p.gradients.wanted) run(&p);
    if (reduced) out->data[0] = ag__reduce(&p.blocks, p.partial_sums, p.divisor);
    if (p.counts_correct) *call->options->num_correct = ag__sum_counts(&p.blocks, p.correct);
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
    if (ag__divides_by_nonzero(call)) count_first(&p);
    p.gradients = ag__wanted_gradients(call, grad, p.divisor, sinks);
    run(&p);
}
