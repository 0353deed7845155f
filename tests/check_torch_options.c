/*
 * check_torch_options.c: losses with options agree with PyTorch's in float64, whose results on the same
 * inputs stand in tests/vectors/options.txt.
 */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op_calls.h"
#include "suite.h"

#define MOST_TENSORS 16

typedef struct named_tensor {
    char name[32];
    ag__shape shape;
    size_t size;
    double *values;
} named_tensor;

typedef struct torch_case {
    char loss[48], label[64], reduction[16];
    float parameter;
    ag_loss_options options;
    named_tensor tensors[MOST_TENSORS];
    size_t num_tensors;
} torch_case;

/* ---- reading ---- */

static void read_number(FILE *file, torch_case *c)
{
    char name[32];
    double value;
    ag_loss_options *o = &c->options;
    ck_assert_int_eq(fscanf(file, "%31s %lf", name, &value), 2);
    if (strcmp(name, "label_smoothing") == 0) o->label_smoothing = (float)value;
    if (strcmp(name, "norm") == 0) o->norm = (float)value;
    if (strcmp(name, "epsilon") == 0) o->epsilon = (float)value;
    if (strcmp(name, "swap") == 0) o->swap = value != 0;
    if (strcmp(name, "log_target") == 0) o->log_target = value != 0;
    if (strcmp(name, "rate_input") == 0) o->rate_input = value != 0;
    if (strcmp(name, "full") == 0) o->full = value != 0;
    if (strcmp(name, "alpha") == 0) o->alpha = (float)value;
    if (strcmp(name, "ignore_index") != 0) return;
    o->has_ignore_index = true;
    o->ignore_index = (int32_t)value;
}

static void read_tensor(FILE *file, ag_arena *arena, torch_case *c)
{
    ck_assert_uint_lt(c->num_tensors, MOST_TENSORS);
    named_tensor *t = &c->tensors[c->num_tensors++];
    ck_assert_int_eq(fscanf(file, "%31s %u", t->name, &t->shape.ndims), 2);
    t->size = 1;
    for (uint32_t i = 0; i < t->shape.ndims; i++) {
        ck_assert_int_eq(fscanf(file, "%u", &t->shape.dims[i]), 1);
        t->size *= t->shape.dims[i];
    }
    t->values = ag_arena_alloc(arena, t->size * sizeof *t->values);
    ck_assert_ptr_nonnull(t->values);
    for (size_t i = 0; i < t->size; i++)
        ck_assert_int_eq(fscanf(file, "%lf", &t->values[i]), 1);
}

static bool read_case(FILE *file, ag_arena *arena, torch_case *c)
{
    char word[32], line[256];
    while (fscanf(file, "%31s", word) == 1) {
        if (strcmp(word, "end") == 0) return true;
        if (word[0] == '#') ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
        if (strcmp(word, "number") == 0) read_number(file, c);
        if (strcmp(word, "tensor") == 0) read_tensor(file, arena, c);
        if (strcmp(word, "case") != 0) continue;
        memset(c, 0, sizeof *c);
        ck_assert_int_eq(
            fscanf(file, "%47s %63s %f %15s", c->loss, c->label, &c->parameter, c->reduction), 4);
    }
    return false;
}

/* ---- calling ---- */

static const named_tensor *find(const torch_case *c, const char *name)
{
    for (size_t i = 0; i < c->num_tensors; i++)
        if (strcmp(c->tensors[i].name, name) == 0) return &c->tensors[i];
    return NULL;
}

static ag_tensor *tensor_of(ag_arena *arena, const torch_case *c, const char *name)
{
    const named_tensor *from = find(c, name);
    if (from == NULL) return NULL;
    ag_tensor *tensor = ag_tensor_create(arena, from->shape.ndims, from->shape.dims);
    ck_assert_ptr_nonnull(tensor);
    for (size_t i = 0; i < tensor->size; i++)
        tensor->data[i] = (float)from->values[i];
    return tensor;
}

static ag_indices *labels_of(ag_arena *arena, const torch_case *c)
{
    const named_tensor *from = find(c, "labels");
    if (from == NULL) return NULL;
    ag_indices *labels = ag_indices_create(arena, from->shape.ndims, from->shape.dims);
    ck_assert_ptr_nonnull(labels);
    for (size_t i = 0; i < labels->size; i++)
        labels->data[i] = (int32_t)from->values[i];
    return labels;
}

static void set_options(torch_case *c, ag_arena *arena)
{
    c->options.weights = tensor_of(arena, c, "weights");
    c->options.class_weights = tensor_of(arena, c, "class_weights");
    c->options.pos_weight = tensor_of(arena, c, "pos_weight");
    c->options.reduction = strcmp(c->reduction, "none") == 0        ? AG_REDUCTION_NONE
                           : strcmp(c->reduction, "batchmean") == 0 ? AG_REDUCTION_BATCHMEAN
                                                                    : AG_REDUCTION_MEAN;
}

static op_arguments arguments_of(ag_arena *arena, const torch_case *c, const op_entry *entry)
{
    static const char *const names[] = {"input0", "input1", "input2"};
    op_arguments a = {.parameter = c->parameter, .indices = labels_of(arena, c)};
    for (uint32_t i = 0; i < entry->op->num_inputs; i++)
        a.tensors[i] = tensor_of(arena, c, names[i]);
    op_create_leaves(&a, arena, true);
    return a;
}

/* ---- comparing ---- */

/* Computed in double and rounded once: half a unit, and what double has lost where terms cancel. */
static void assert_close(const torch_case *c, const char *what, const ag_tensor *actual)
{
    const named_tensor *expected = find(c, what);
    ck_assert_msg(expected != NULL && expected->size == actual->size, "%s %s: %s has %zu elements",
                  c->loss, c->label, what, actual->size);
    for (size_t i = 0; i < actual->size; i++) {
        double e = expected->values[i], error = fabs((double)actual->data[i] - e);
        ck_assert_msg(error <= 0x1.001p-24 * fabs(e) + 0x1p-48,
                      "%s %s %s: %s[%zu] is %.9g, not %.9g", c->loss, c->label, c->reduction, what,
                      i, (double)actual->data[i], e);
    }
}

static void check_graph(ag_arena *arena, const torch_case *c, const op_entry *entry,
                        const op_arguments *a)
{
    static const char *const gradients[] = {"gradient0", "gradient1", "gradient2"};
    ag_loss_options options = c->options; /* which the node must not need afterwards */
    ag_variable *loss = entry->graph_with(arena, a, &options);
    ck_assert_msg(loss != NULL, "%s", ag_last_error());
    memset(&options, 0xff, sizeof options);
    assert_close(c, "value", loss->data);
    ag_tensor *ones = ag_tensor_create(arena, loss->data->ndims, loss->data->shape);
    ag_tensor_fill(ones, 1);
    ck_assert_int_eq(ag_backward_from(arena, loss, ones), AG_OK);
    for (uint32_t i = 0; i < entry->op->num_differentiable; i++)
        assert_close(c, gradients[i], a->variables[i]->grad);
}

/* Value alone, gradients alone, and both give the same bits. */
static void check_tensors(ag_arena *arena, const torch_case *c, const op_entry *entry,
                          const op_arguments *a)
{
    const named_tensor *value = find(c, "value");
    ag_tensor *out = ag_tensor_create(arena, value->shape.ndims, value->shape.dims);
    ag_tensor *outs[3] = {NULL}, *none[3] = {NULL};
    for (int wanted = 1; wanted < 4; wanted++) {
        for (uint32_t i = 0; i < entry->op->num_differentiable; i++)
            outs[i] = ag_tensor_create_zeros(arena, a->tensors[i]->ndims, a->tensors[i]->shape);
        ck_assert_int_eq(
            entry->wanted(wanted & 1 ? out : NULL, wanted & 2 ? outs : none, a, &c->options),
            AG_OK);
        if (wanted & 1) assert_close(c, "value", out);
        for (uint32_t i = 0; wanted & 2 && i < entry->op->num_differentiable; i++)
            ck_assert_mem_eq(outs[i]->data, a->variables[i]->grad->data,
                             outs[i]->size * sizeof(float));
    }
}

START_TEST(options_agree)
{
    FILE *file = open_vectors("options.txt");
    ag_arena *arena = ag_arena_create(0);
    torch_case c;
    int count = 0;
    for (; read_case(file, arena, &c); count++) {
        const op_entry *entry = op_find(c.loss);
        ck_assert_msg(entry != NULL, "%s is unknown", c.loss);
        set_options(&c, arena);
        op_arguments a = arguments_of(arena, &c, entry);
        check_graph(arena, &c, entry, &a);
        check_tensors(arena, &c, entry, &a);
        ag_arena_reset(arena);
    }
    ck_assert_int_gt(count, 100);
    ag_arena_destroy(arena);
    fclose(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options of PyTorch");
    TCase *tests = add_case(suite, "vectors");
    tcase_add_test(tests, options_agree);
    return run_suite(suite);
}
