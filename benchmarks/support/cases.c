/* cases.c: the three sizes of the tables, and what operations and losses are called with there. */
#include "config.h"

#include "support/cases.h"

#include <stdio.h>
#include <string.h>

#include "peers/protocol.h"
#include "tensor/loss/ctc.h"

const bench_size bench_sizes[NUM_SIZES] = {
    {"small", {32, 10}, {32, 10}, {32, 16}, {256, 16}, {32, 10, 128}, {4, 3, 12, 8}},
    {"middle", {256, 1000}, {256, 1000}, {256, 512}, {2048, 64}, {64, 256, 784}, {64, 16, 14, 32}},
    {"large",
     {4096, 4096},
     {256, 32000},
     {16384, 512},
     {4096, 128},
     {1024, 1024, 1024},
     {64, 64, 56, 64}},
};

/* ---- what is timed ---- */

static ag_variable *ctc_of_logits(ag_arena *arena, const op_arguments *arguments)
{
    ag_variable *log_probs = ag_log_softmax(arena, arguments->variables[0]);
    return ag_ctc_loss(arena, log_probs, arguments->indices, NULL, NULL, 0, false,
                       arguments->reduction);
}

static const op_entry ctc_entry = {
    .name = "ctc_loss",
    .op = &ag__op_ctc_loss,
    .signature = SIGNATURE_labels,
    .is_loss = true,
    .graph = ctc_of_logits,
};

const op_entry *bench_entry(int index)
{
    if (index == num_loss_entries) return &ctc_entry;
    return &op_entries[index < num_loss_entries ? index : index - NUM_OTHER_LOSSES];
}

const op_entry *bench_find(const char *name)
{
    return strcmp(name, ctc_entry.name) == 0 ? &ctc_entry : op_find(name);
}

/* ---- at which shapes ---- */

static ag__shape shape_of(uint32_t rows, uint32_t columns)
{
    return (ag__shape){.ndims = 2, .dims = {rows, columns}};
}

static bool works_on_rows(const op_entry *entry)
{
    return entry->op->by_rows || strstr(entry->name, "softmax") != NULL;
}

static void set_sequences(op_case *c, uint32_t rows, uint32_t columns)
{
    uint32_t frames = rows / CTC_SEQUENCES;
    c->shapes[0] = (ag__shape){3, {frames, CTC_SEQUENCES, columns}};
    c->indices = (ag__shape){2, {CTC_SEQUENCES, frames / CTC_FRAMES_PER_LABEL}};
}

op_case loss_case(const op_entry *entry, uint32_t rows, uint32_t columns)
{
    op_case c = {
        .entry = entry,
        .flavour = OP_PLAIN,
        .parameter = entry->op->parameter_name != NULL || entry->signature == SIGNATURE_dropout
                         ? 0.5f
                         : 2.0f,
        .reduction = entry->op->takes_reduction ? AG_REDUCTION_MEAN : entry->op->reduction,
    };
    for (uint32_t i = 0; i < entry->op->num_inputs; i++)
        c.shapes[i] = shape_of(rows, columns);
    if (entry->op->labels_rows) c.shapes[2] = (ag__shape){.ndims = 1, .dims = {rows}};
    if (entry->op->takes_labels) c.indices = (ag__shape){.ndims = 1, .dims = {rows}};
    if (entry->op->lists_labels) c.indices = c.shapes[0];
    if (entry == &ctc_entry) set_sequences(&c, rows, columns);
    return c;
}

/* Windows of 3 × 3 for convolutions, of 2 × 2 for poolings. */
static void set_images(op_case *c, const bench_size *size)
{
    const uint32_t *n = size->images;
    bool pool = c->entry->signature == SIGNATURE_pool2d;
    c->shapes[0] = (ag__shape){.ndims = 4, .dims = {n[0], n[1], n[2], n[2]}};
    c->integers[0] = pool ? 2 : 1;
    c->integers[1] = pool ? 2 : 1;
    if (pool) return;
    c->shapes[1] = (ag__shape){.ndims = 4, .dims = {n[3], n[1], 3, 3}};
    c->shapes[2] = (ag__shape){.ndims = 1, .dims = {n[3]}};
}

/* A number for each column of x [rows, columns], in all other inputs. */
static void set_weights(op_case *c)
{
    for (uint32_t i = 1; i < c->entry->op->num_inputs; i++)
        c->shapes[i] = (ag__shape){.ndims = 1, .dims = {c->shapes[0].dims[1]}};
}

/* Products of 8 pairs. */
static void set_batch(op_case *c)
{
    for (uint32_t i = 0; i < 2; i++)
        c->shapes[i] = (ag__shape){3, {8, c->shapes[i].dims[0], c->shapes[i].dims[1]}};
}

/* Operations whose inputs are no matrices of one shape. */
static void set_other_inputs(op_case *c, const bench_size *size)
{
    if (strcmp(c->entry->name, "batched_matmul") == 0) set_batch(c);
    switch (c->entry->signature) {
    case SIGNATURE_conv2d:
    case SIGNATURE_pool2d: set_images(c, size); break;
    case SIGNATURE_layer_norm:
    case SIGNATURE_batch_norm:
    case SIGNATURE_batch_norm_eval: set_weights(c); break;
    case SIGNATURE_embedding:
        c->indices = (ag__shape){.ndims = 1, .dims = {c->shapes[0].dims[0]}};
        break;
    default: break;
    }
}

/* The numbers that a call has beside its tensors: the last dimension, half of it, the transpose. */
static void set_integers(op_case *c)
{
    uint32_t columns = c->shapes[0].dims[1];
    switch (c->entry->signature) {
    case SIGNATURE_dimension: c->integers[0] = 1; break;
    case SIGNATURE_concat: c->integers[0] = 1; break;
    case SIGNATURE_slice:
        c->integers[0] = 1;
        c->integers[2] = columns / 2;
        break;
    case SIGNATURE_permute: c->integers[0] = 1; break;
    default: break;
    }
}

op_case case_at(const op_entry *entry, const bench_size *size)
{
    const uint32_t *p = size->product;
    bool embedding = entry->signature == SIGNATURE_triple || entry->op->labels_rows;
    const uint32_t *dims = entry == &ctc_entry    ? size->sequences
                           : embedding            ? size->embeddings
                           : works_on_rows(entry) ? size->rows
                                                  : size->elements;
    op_case c = loss_case(entry, dims[0], dims[1]);
    c.new_shape = shape_of(dims[1], dims[0]);
    c.second_parameter = c.parameter + 1;
    set_integers(&c);
    if (entry->signature == SIGNATURE_matmul) {
        c.shapes[0] = shape_of(p[0], p[2]);
        c.shapes[1] = shape_of(p[2], p[1]);
    } else if (entry->signature == SIGNATURE_linear) {
        c.shapes[0] = shape_of(p[0], p[2]);
        c.shapes[1] = shape_of(p[1], p[2]);
        c.shapes[2] = (ag__shape){.ndims = 1, .dims = {p[1]}};
    }
    set_other_inputs(&c, size);
    return c;
}

op_arguments case_inputs(const op_case *c, ag_arena *arena)
{
    op_arguments arguments = op_create_inputs(c, arena);
    if (c->entry != &ctc_entry) return arguments;
    ag_indices *labels =
        ag_indices_create_from(arena, c->indices.ndims, c->indices.dims, arguments.indices->data);
    int32_t classes = (int32_t)c->shapes[0].dims[2];
    for (size_t i = 0; labels != NULL && i < labels->size; i++)
        labels->data[i] = 1 + labels->data[i] % (classes - 1);
    arguments.indices = labels;
    return arguments;
}

/* ---- which of them ---- */

bool is_selected(const selection *s, const op_entry *entry, const bench_size *size)
{
    if (s->size != NULL && strcmp(s->size, size->name) != 0) return false;
    for (int i = 0; i < s->num_names; i++)
        if (strcmp(s->names[i], entry->name) == 0) return true;
    return s->num_names == 0;
}

bool selection_is_known(const selection *s, const char *program)
{
    bool size_known = s->size == NULL;
    for (int i = 0; i < NUM_SIZES; i++)
        size_known = size_known || strcmp(s->size, bench_sizes[i].name) == 0;
    if (!size_known) fprintf(stderr, "%s: no size is called '%s'; see --help\n", program, s->size);
    for (int i = 0; i < s->num_names; i++) {
        if (bench_find(s->names[i]) != NULL) continue;
        fprintf(stderr, "%s: no operation is called '%s'\n", program, s->names[i]);
        return false;
    }
    return size_known;
}
