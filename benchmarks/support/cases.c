/* cases.c: the three sizes of the tables, and what operations and losses are called with there. */
#include "config.h"

#include "support/cases.h"

#include <stdio.h>
#include <string.h>

const bench_size bench_sizes[NUM_SIZES] = {
    {"small", {32, 10}, {32, 10}, {32, 16}, {32, 10, 128}},
    {"middle", {256, 1000}, {256, 1000}, {256, 512}, {64, 256, 784}},
    {"large", {4096, 4096}, {256, 32000}, {16384, 512}, {1024, 1024, 1024}},
};

static ag__shape shape_of(uint32_t rows, uint32_t columns)
{
    return (ag__shape){.ndims = 2, .dims = {rows, columns}};
}

static bool works_on_rows(const char *name)
{
    return strcmp(name, "cross_entropy_loss") == 0 || strcmp(name, "nll_loss") == 0 ||
           strstr(name, "softmax") != NULL;
}

op_case loss_case(const op_entry *entry, uint32_t rows, uint32_t columns)
{
    op_case c = {
        .entry = entry,
        .flavour = OP_PLAIN,
        .parameter = entry->op->parameter_name != NULL ? 0.5f : 2.0f,
        .reduction = entry->op->takes_reduction ? AG_REDUCTION_MEAN : entry->op->reduction,
    };
    for (uint32_t i = 0; i < entry->op->num_inputs; i++)
        c.shapes[i] = shape_of(rows, columns);
    if (entry->op->labels_rows) c.shapes[2] = (ag__shape){.ndims = 1, .dims = {rows}};
    return c;
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
    const uint32_t *dims = embedding                    ? size->embeddings
                           : works_on_rows(entry->name) ? size->rows
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
    return c;
}

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
        if (op_find(s->names[i]) != NULL) continue;
        fprintf(stderr, "%s: no operation is called '%s'\n", program, s->names[i]);
        return false;
    }
    return size_known;
}
