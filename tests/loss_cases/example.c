/* example.c: one call of a loss on a few numbers. */
#include "config.h"

#include "loss_cases/example.h"

#include <stdlib.h>
#include <string.h>

#include "reference.h"

static op_case case_of(const example *e)
{
    op_case c = {.entry = op_find(e->loss), .reduction = e->reduction, .parameter = e->parameter};
    ck_assert_msg(c.entry != NULL, "%s is unknown", e->loss);
    for (uint32_t i = 0; i < c.entry->op->num_inputs; i++) {
        c.shapes[i] =
            e->rows > 0 ? (ag__shape){2, {e->rows, e->columns}} : (ag__shape){1, {e->columns}};
        if (c.entry->op->labels_rows && i == c.entry->op->num_inputs - 1)
            c.shapes[i] = (ag__shape){1, {e->rows > 0 ? e->rows : 1}};
    }
    return c;
}

static op_arguments arguments_of(const op_case *c, const example *e, ag_arena *arena)
{
    op_arguments arguments = {
        .parameter = e->parameter, .reduction = e->reduction, .new_shape = &c->new_shape};
    for (uint32_t i = 0; i < c->entry->op->num_inputs; i++)
        arguments.tensors[i] =
            ag_tensor_create_from(arena, c->shapes[i].ndims, c->shapes[i].dims, e->inputs[i]);
    op_create_leaves(&arguments, arena, true);
    return arguments;
}

ag_tensor *ones_like(ag_arena *arena, const ag_tensor *tensor)
{
    ag_tensor *ones = ag_tensor_create(arena, tensor->ndims, tensor->shape);
    ag_tensor_fill(ones, 1);
    return ones;
}

result evaluate(example e)
{
    result r;
    memset(&r, 0, sizeof r);
    op_case c = case_of(&e);
    ag_arena *arena = ag_arena_create(0);
    op_arguments arguments = arguments_of(&c, &e, arena);
    ag_variable *loss = c.entry->graph(arena, &arguments);
    ck_assert_msg(loss != NULL, "%s", ag_last_error());
    ck_assert_int_eq(ag_backward_from(arena, loss, ones_like(arena, loss->data)), AG_OK);
    memcpy(r.value, loss->data->data, loss->data->size * sizeof *r.value);
    for (uint32_t i = 0; i < c.entry->op->num_differentiable; i++)
        memcpy(r.gradients[i], arguments.variables[i]->grad->data,
               arguments.tensors[i]->size * sizeof(float));
    ag_arena_destroy(arena);
    return r;
}

ag_status status_of(example e)
{
    op_case c = case_of(&e);
    ag_arena *arena = ag_arena_create(0);
    op_arguments arguments = arguments_of(&c, &e, arena);
    ag_clear_error();
    ck_assert_ptr_null(c.entry->graph(arena, &arguments));
    ag_arena_destroy(arena);
    return ag_last_status();
}

void assert_near(float actual, long double expected)
{
    ck_assert_msg(reference_ulps(actual, expected) <= 1, "%.9g instead of %.9Lg", (double)actual,
                  expected);
}

void assert_all(size_t n, const float *actual, float expected)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(actual[i] == expected, "%.9g instead of %.9g at %zu", (double)actual[i],
                      (double)expected, i);
}

void assert_agrees(example e, long double most_ulps)
{
    result r = evaluate(e);
    op_case c = case_of(&e);
    ag_arena *arena = ag_arena_create(0);
    op_arguments arguments = arguments_of(&c, &e, arena);
    op_oracle oracle = op_oracle_create(&c, &arguments);
    ag__shape shape = op_result_shape(&oracle);
    ag_tensor *ones = ag_tensor_create(arena, shape.ndims, shape.dims);
    ag_tensor_fill(ones, 1);
    reference_number *value = op_reference_value(&oracle);
    for (size_t i = 0; i < ones->size; i++)
        ck_assert_msg(reference_ulps(r.value[i], value[i].value) <= most_ulps,
                      "%s: value %.9g instead of %.9Lg", e.loss, (double)r.value[i],
                      value[i].value);
    free(value);
    for (uint32_t k = 0; k < c.entry->op->num_differentiable; k++) {
        reference_number *gradient = op_reference_gradient(&oracle, k, ones);
        for (size_t i = 0; i < arguments.tensors[k]->size; i++)
            ck_assert_msg(reference_ulps(r.gradients[k][i], gradient[i].value) <= most_ulps,
                          "%s: gradient to %s at %zu is %.9g instead of %.9Lg", e.loss,
                          c.entry->op->input_names[k], i, (double)r.gradients[k][i],
                          gradient[i].value);
        free(gradient);
    }
    op_oracle_destroy(&oracle);
    ag_arena_destroy(arena);
}

example pair(const char *loss, uint32_t n, const float *pred, const float *target,
             ag_reduction reduction)
{
    return (example){loss, 0, n, {pred, target}, reduction, 0};
}

example matrix_pair(const char *loss, uint32_t rows, uint32_t columns, const float *pred,
                    const float *target, ag_reduction reduction)
{
    return (example){loss, rows, columns, {pred, target}, reduction, 0};
}

result pair_of_one(const char *loss, float pred, float target)
{
    return evaluate(pair(loss, 1, &pred, &target, AG_REDUCTION_SUM));
}

example cosine(uint32_t n, const float *x1, const float *x2, float label, float margin)
{
    static float target; /* lives until the next call, as long as the example is needed */
    target = label;
    return (example){"cosine_embedding_loss", 0, n, {x1, x2, &target}, AG_REDUCTION_SUM, margin};
}

example triplet(uint32_t n, const float *anchor, const float *positive, const float *negative,
                float margin)
{
    return (example){"triplet_loss", 0, n, {anchor, positive, negative}, AG_REDUCTION_SUM, margin};
}

example huber(uint32_t n, const float *pred, const float *target, float delta)
{
    return (example){"huber_loss", 0, n, {pred, target}, AG_REDUCTION_NONE, delta};
}

example single(const char *loss, uint32_t n, const float *weights, ag_reduction reduction)
{
    return (example){loss, 0, n, {weights}, reduction, 0};
}

example cross_entropy(uint32_t n, const float *logits, const float *target)
{
    return pair("cross_entropy_loss", n, logits, target, AG_REDUCTION_SUM);
}

ag_tensor *create_filled(ag_arena *arena, uint32_t n, float value)
{
    ag_tensor *tensor = ag_tensor_create(arena, 1, &n);
    ck_assert_ptr_nonnull(tensor);
    ag_tensor_fill(tensor, value);
    return tensor;
}
