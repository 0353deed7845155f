/* world.c: tensors to write down, and weighted losses. */
#include "config.h"

#include "options/world.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

ag_arena *arena;

void set_up(void)
{
    arena = ag_arena_create(0);
}

void tear_down(void)
{
    ag_arena_destroy(arena);
    ag_set_num_threads(0);
}

ag_tensor *vector(uint32_t n, const float *values)
{
    return ag_tensor_create_from(arena, 1, SHAPE(n), values);
}

ag_tensor *matrix(uint32_t rows, uint32_t columns, const float *values)
{
    return ag_tensor_create_from(arena, 2, SHAPE(rows, columns), values);
}

ag_indices *labels(uint32_t n, const int32_t *values)
{
    return ag_indices_create_from(arena, 1, SHAPE(n), values);
}

ag_tensor *like(const ag_tensor *tensor)
{
    return ag_tensor_create_zeros(arena, tensor->ndims, tensor->shape);
}

void assert_near(double actual, double expected, double tolerance)
{
    ck_assert_msg(fabs(actual - expected) <= tolerance * fabs(expected) + 1e-12,
                  "%.12g is not %.12g", actual, expected);
}

void assert_zeros(const ag_tensor *tensor)
{
    for (size_t i = 0; i < tensor->size; i++)
        ck_assert_msg(tensor->data[i] == 0, "[%zu] is %g", i, (double)tensor->data[i]);
}

/* ---- weighted losses ---- */

op_case matrix_case(const op_entry *entry, op_scale scale)
{
    op_case c;
    for (size_t i = 0; op_case_at(entry, scale, i, &c); i++)
        if (c.reduction == AG_REDUCTION_NONE && c.shapes[0].ndims == 2 && c.shapes[0].dims[0] > 1 &&
            c.shapes[0].dims[1] > 1)
            return c;
    ck_abort_msg("%s has no such case", entry->name);
    return c;
}

void draw_weights(ag_tensor *weights)
{
    ag_random random = ag_random_create(11);
    for (size_t i = 0; i < weights->size; i++)
        weights->data[i] = i % 5 == 3 ? 0 : ag_random_uniform(&random, 0.25f, 2);
}

weighted create_weighted(const op_entry *entry, op_scale scale)
{
    op_case c = matrix_case(entry, scale);
    weighted w = {.arguments = op_create_inputs(&c, arena)};
    const ag_tensor *x = w.arguments.tensors[0];
    w.values = entry->op->by_rows ? ag_tensor_create(arena, 1, x->shape) : like(x);
    w.num_values = w.values->size;
    w.weights = like(w.values);
    draw_weights(w.weights);
    for (uint32_t i = 0; i < entry->op->num_differentiable; i++)
        w.outs[i] = like(w.arguments.tensors[i]);
    ck_assert_int_eq(entry->value(w.values, &w.arguments), AG_OK);
    return w;
}

void must_refuse(const op_entry *entry, const op_arguments *arguments,
                 const ag_loss_options *options, ag_status status, const char *message)
{
    char expected[200];
    snprintf(expected, sizeof expected, "%s: %s", entry->name, message);
    ck_assert_ptr_null(entry->graph_with(arena, arguments, options));
    ck_assert_msg(ag_last_status() == status, "%s: %s", entry->name, ag_last_error());
    ck_assert_msg(strncmp(ag_last_error(), expected, strlen(expected)) == 0, "%s, not %s",
                  ag_last_error(), expected);
}
