/* ctc.c: the driver of connectionist temporal classification: checks, sequences, reduction. */
#include "config.h"

#include "tensor/loss/ctc.h"

#include <autograd/ctc.h>

#include <string.h>

#include "core/parallel.h"
#include "core/status.h"
#include "tensor/chunk.h"
#include "tensor/reduction.h"

/* So many sequences are worked on at the same time, each in memory of its own. */
enum { MOST_SLOTS = 8 };

/* Rough cost of a state at a frame, of which each pass makes three exponentials or logarithms. */
#define STATE_NANOSECONDS (6 * AG__TRANSCENDENTAL)

/* ---- checks ---- */

static size_t batch_of(const ag__call *call)
{
    return call->inputs[0]->shape[1];
}

static size_t length_of(const ag__call *call, uint32_t which, size_t sequence, size_t all)
{
    const ag_indices *lengths = call->lengths[which];
    return lengths != NULL ? (size_t)lengths->data[sequence] : all;
}

static ag_status check_lengths(const ag__call *call, uint32_t which, const char *name, size_t most)
{
    const ag_indices *lengths = call->lengths[which];
    if (lengths == NULL) return AG_OK;
    ag_status status = ag__indices_check(call->op->name, name, lengths);
    if (status != AG_OK) return status;
    if (lengths->ndims != 1 || lengths->size != batch_of(call))
        return ag__fail(AG_ERROR_SHAPE, "%s: %s is %s but must be [%zu]", call->op->name, name,
                        ag__shape_to_text(lengths->ndims, lengths->shape).text, batch_of(call));
    for (size_t i = 0; i < lengths->size; i++)
        if (lengths->data[i] < 0 || (size_t)lengths->data[i] > most)
            return ag__fail(AG_ERROR_DOMAIN, "%s: %s[%zu] is %ld but must be in [0, %zu]",
                            call->op->name, name, i, (long)lengths->data[i], most);
    return AG_OK;
}

static ag_status check_labels(const ag__call *call, size_t sequence)
{
    const ag_indices *targets = call->indices;
    size_t longest = targets->shape[1];
    size_t classes = call->inputs[0]->shape[2], blank = call->integers[AG__CTC_BLANK];
    size_t length = length_of(call, AG__CTC_TARGET_LENGTHS, sequence, longest);
    for (size_t i = 0; i < length; i++) {
        int32_t label = targets->data[sequence * longest + i];
        if (label >= 0 && (size_t)label < classes && (size_t)label != blank) continue;
        return ag__fail(AG_ERROR_DOMAIN,
                        "%s: targets[%zu, %zu] is %ld but there are %zu classes, of which %zu is "
                        "the blank",
                        call->op->name, sequence, i, (long)label, classes, blank);
    }
    return AG_OK;
}

static ag_status check_targets(const ag__call *call)
{
    const ag_indices *targets = call->indices;
    ag_status status = ag__indices_check(call->op->name, "targets", targets);
    if (status != AG_OK) return status;
    if (targets->ndims == 2 && targets->shape[0] == batch_of(call)) return AG_OK;
    return ag__fail(AG_ERROR_SHAPE, "%s: targets is %s but must be [%zu, longest]", call->op->name,
                    ag__shape_to_text(targets->ndims, targets->shape).text, batch_of(call));
}

static ag_status infer_shape(const ag__call *call, ag__shape *shape)
{
    const ag_tensor *x = call->inputs[0];
    if (x->ndims != 3)
        return ag__fail(AG_ERROR_SHAPE, "%s: log_probs is %s but must be [time, batch, classes]",
                        call->op->name, ag__tensor_shape_text(x).text);
    if (call->integers[AG__CTC_BLANK] >= x->shape[2])
        return ag__fail(AG_ERROR_ARGUMENT, "%s: blank is %u but there are %u classes",
                        call->op->name, (unsigned)call->integers[AG__CTC_BLANK],
                        (unsigned)x->shape[2]);
    ag_status status = check_targets(call);
    if (status == AG_OK)
        status = check_lengths(call, AG__CTC_INPUT_LENGTHS, "input_lengths", x->shape[0]);
    if (status == AG_OK)
        status =
            check_lengths(call, AG__CTC_TARGET_LENGTHS, "target_lengths", call->indices->shape[1]);
    for (size_t i = 0; i < batch_of(call) && status == AG_OK; i++)
        status = check_labels(call, i);
    bool each = call->reduction == AG_REDUCTION_NONE;
    if (status == AG_OK) *shape = (ag__shape){.ndims = 1, .dims = {each ? x->shape[1] : 1}};
    return status;
}

/* ---- memory to work in ---- */

static size_t longest_target(const ag__call *call)
{
    return call->indices->shape[1];
}

static size_t slots_of(const ag__call *call)
{
    return batch_of(call) < MOST_SLOTS ? batch_of(call) : MOST_SLOTS;
}

/*
 * Of a slot: the tables of a sequence, the rows of the forward pass, two of the backward pass, a row of classes.
 * As double, in which what there can be memory for is exact, and nothing overflows.
 */
static double slot_numbers(const ag__call *call)
{
    const uint32_t *dims = call->inputs[0]->shape;
    size_t longest = longest_target(call);
    double rows = ((double)dims[0] + 2) * (double)ag__ctc_row(longest);
    return rows + (double)ag__ctc_tables(longest) + (double)dims[2];
}

/* More than there is where the number would overflow. */
static size_t scratch_bytes(const ag__call *call)
{
    double numbers = (double)batch_of(call) + (double)slots_of(call) * slot_numbers(call);
    bool too_many = numbers > (double)(SIZE_MAX / 2 / sizeof(double));
    return too_many ? SIZE_MAX : (size_t)numbers * sizeof(double);
}

/* ---- a pass over the sequences ---- */

typedef struct pass {
    const ag__call *call;
    double *values;        /* of each sequence, in the call's scratch */
    const ag__sink *sink;  /* NULL: values alone */
    const float *upstream; /* one number for each sequence, or NULL */
    double scale;
} pass;

/* Its tables lie in `memory`. */
static ag__ctc_sequence sequence_at(const ag__call *call, size_t index, double *memory)
{
    const uint32_t *dims = call->inputs[0]->shape;
    size_t longest = longest_target(call);
    ag__ctc_sequence q = {
        .frames = length_of(call, AG__CTC_INPUT_LENGTHS, index, dims[0]),
        .labels = length_of(call, AG__CTC_TARGET_LENGTHS, index, longest),
        .log_probs = call->inputs[0]->data + index * dims[2],
        .stride = (size_t)dims[1] * dims[2],
    };
    ag__ctc_prepare(&q, call->indices->data + index * longest, call->integers[AG__CTC_BLANK],
                    memory);
    return q;
}

/* What a sequence's loss is divided by beside the batch. */
static double labels_divisor(const ag__call *call, const ag__ctc_sequence *q)
{
    return call->reduction == AG_REDUCTION_MEAN && q->labels > 0 ? (double)q->labels : 1;
}

static void write_frame(const pass *p, size_t index, size_t t, const double *row, double scale)
{
    const uint32_t *dims = p->call->inputs[0]->shape;
    ag__sink sink = ag__sink_at(p->sink, (t * dims[1] + index) * dims[2]);
    if (row == NULL) ag__store_zero(dims[2], scale, &sink);
    for (size_t i = 0, n; row != NULL && i < dims[2]; i += n) {
        n = ag__chunk_length(dims[2] - i);
        ag__store_gradient(n, row + i, NULL, scale, &sink, i);
    }
}

static void write_gradient(const pass *p, const ag__ctc_sequence *q, size_t index, double *lattice,
                           double log_sum)
{
    size_t width = ag__ctc_row(q->labels), classes = p->call->inputs[0]->shape[2];
    double *frames[2] = {lattice + q->frames * width, lattice + (q->frames + 1) * width};
    double *row = frames[1] + width;
    double scale = p->upstream != NULL ? (double)p->upstream[index] : p->scale;
    scale /= labels_divisor(p->call, q);
    bool none = p->call->integers[AG__CTC_ZERO_INFINITY] && log_sum == -HUGE_VAL;
    for (size_t t = p->call->inputs[0]->shape[0]; t-- > 0;) {
        if (t >= q->frames || none) {
            write_frame(p, index, t, NULL, scale);
            continue;
        }
        double *now = frames[t % 2], *later = frames[(t + 1) % 2];
        ag__ctc_advance(q, true, t, t + 1 < q->frames ? later : NULL, now);
        for (size_t c = 0; c < classes; c++)
            row[c] = log_sum == -HUGE_VAL ? (double)NAN : 0;
        ag__ctc_add_shares(q, t, lattice + t * width, now, log_sum, row);
        write_frame(p, index, t, row, scale);
    }
}

static void compute_sequence(const pass *p, size_t index, double *memory)
{
    ag__ctc_sequence q = sequence_at(p->call, index, memory);
    double *lattice = memory + ag__ctc_tables(longest_target(p->call));
    size_t width = ag__ctc_row(q.labels);
    for (size_t t = 0; t < q.frames; t++)
        ag__ctc_advance(&q, false, t, t > 0 ? lattice + (t - 1) * width : NULL,
                        lattice + t * width);
    double log_sum = q.labels == 0 ? 0 : -HUGE_VAL; /* of no frames */
    if (q.frames > 0) log_sum = ag__ctc_log_sum(&q, lattice + (q.frames - 1) * width);
    bool none = p->call->integers[AG__CTC_ZERO_INFINITY] && log_sum == -HUGE_VAL;
    p->values[index] = none ? 0 : -log_sum / labels_divisor(p->call, &q);
    if (p->sink != NULL) write_gradient(p, &q, index, lattice, log_sum);
}

static void compute_slots(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    size_t slots = slots_of(p->call), batch = batch_of(p->call);
    for (size_t slot = begin; slot < end; slot++)
        for (size_t i = slot; i < batch; i += slots)
            compute_sequence(p, i, p->values + batch + slot * (size_t)slot_numbers(p->call));
}

static void run(pass *p)
{
    const ag__call *call = p->call;
    double cells = (double)(call->inputs[0]->shape[0] * batch_of(call)) *
                   (double)ag__ctc_states(longest_target(call));
    p->values = call->scratch;
    ag__parallel_for(slots_of(call), STATE_NANOSECONDS * cells, compute_slots, p);
}

static double divisor_of(const ag__call *call)
{
    bool whole = call->reduction == AG_REDUCTION_SUM || call->reduction == AG_REDUCTION_NONE;
    return whole ? 1 : (double)batch_of(call);
}

static ag_status forward_with_gradients(const ag__call *call, ag_tensor *out, const ag__sink *sinks)
{
    pass p = {.call = call, .sink = sinks, .scale = 1 / divisor_of(call)};
    run(&p);
    double sum = 0;
    for (size_t i = 0; i < batch_of(call); i++) {
        sum += p.values[i];
        if (call->reduction == AG_REDUCTION_NONE) out->data[i] = (float)p.values[i];
    }
    if (call->reduction != AG_REDUCTION_NONE) out->data[0] = (float)(sum / divisor_of(call));
    return AG_OK;
}

static ag_status forward(const ag__call *call, ag_tensor *out)
{
    return forward_with_gradients(call, out, NULL);
}

static void backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    bool each = grad != NULL && call->reduction == AG_REDUCTION_NONE;
    pass p = {.call = call, .sink = sinks, .upstream = each ? grad->data : NULL};
    p.scale = ag__gradient_scale(call, grad, divisor_of(call));
    run(&p);
}

const ag__op ag__op_ctc_loss = {
    .name = "ctc_loss",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"log_probs"},
    .takes_reduction = true,
    .infer_shape = infer_shape,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .forward_with_gradients = forward_with_gradients,
    .backward = backward,
    .nanoseconds = STATE_NANOSECONDS,
};

ag_status ag_tensor_ctc_loss_value_and_grad(ag_arena *temp_arena, ag_tensor *out,
                                            ag_tensor *out_grad, const ag_tensor *log_probs,
                                            const ag_indices *targets,
                                            const ag_indices *input_lengths,
                                            const ag_indices *target_lengths, uint32_t blank,
                                            bool zero_infinity, ag_reduction reduction)
{
    ag__call call =
        ag__ctc_call(targets, input_lengths, target_lengths, blank, zero_infinity, reduction);
    call.inputs[0] = log_probs;
    return ag__call_with_scratch(temp_arena, call, out, (ag_tensor *[]){out_grad});
}
