/* ops_shapes.c: operations with NULL in each place, and with shapes that do not fit. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "bad_inputs/misuse.h"

/* ---- NULL ---- */

START_TEST(null_is_refused)
{
    op_case c = case_for_misuse(MISUSED, AG_REDUCTION_MEAN);
    misuse m;
    set_up_misuse(&m, &c);
    m.doing = "NULL";
    graph_must_fail(&m, NULL, &m.arguments, AG_ERROR_NULL, "arena");
    value_must_fail(&m, NULL, &m.arguments, AG_ERROR_NULL, "out");
    both_must_fail(&m, NULL, m.outs, &m.arguments, AG_ERROR_NULL, "out");
    gradient_must_fail(&m, m.outs, NULL, &m.arguments, AG_ERROR_NULL, "grad");
    ag_tensor *no_outs[AG__MAX_INPUTS] = {NULL};
    if (MISUSED->op->num_differentiable == 1) {
        gradient_must_fail(&m, no_outs, m.upstream, &m.arguments, AG_ERROR_NULL, "out");
        both_must_fail(&m, m.out, no_outs, &m.arguments, AG_ERROR_NULL, "out_grad");
    }
    for (uint32_t i = 0; i < MISUSED->op->num_inputs; i++) {
        if (is_optional(MISUSED, i)) continue;
        op_arguments arguments = m.arguments;
        arguments.tensors[i] = NULL;
        arguments.variables[i] = NULL;
        all_forms_must_fail(&m, &arguments, AG_ERROR_NULL, input_name(&c, i));
    }
    tear_down_misuse(&m);
}
END_TEST

/* The input of a chain of calls may be the NULL of an earlier failure, whose reason stays. */
START_TEST(null_keeps_the_first_reason)
{
    op_case c = case_for_misuse(MISUSED, AG_REDUCTION_MEAN);
    misuse m;
    set_up_misuse(&m, &c);
    for (uint32_t i = 0; i < MISUSED->op->num_inputs; i++) {
        if (is_optional(MISUSED, i)) continue;
        op_arguments arguments = m.arguments;
        ag_clear_error();
        arguments.variables[i] = ag_reshape(m.graph, arguments.variables[0], 0, c.shapes[0].dims);
        ck_assert_ptr_null(arguments.variables[i]);
        char reason[256];
        snprintf(reason, sizeof reason, "%s", ag_last_error());
        ck_assert_int_eq(ag_last_status(), AG_ERROR_SHAPE);
        ck_assert_ptr_null(MISUSED->graph(m.graph, &arguments));
        ck_assert_int_eq(ag_last_status(), AG_ERROR_SHAPE);
        ck_assert_str_eq(ag_last_error(), reason);
    }
    tear_down_misuse(&m);
}
END_TEST

/* ---- variables that are gone ---- */

/* The statistics of batch_norm_eval are tensors. */
static bool is_variable(const op_entry *entry, uint32_t input)
{
    return entry->signature != SIGNATURE_batch_norm_eval || input < 3;
}

START_TEST(a_variable_that_is_gone_is_refused)
{
    op_case c = case_for_misuse(MISUSED, AG_REDUCTION_MEAN);
    misuse m;
    set_up_misuse(&m, &c);
    ag_arena *steps = ag_arena_create(0);
    m.doing = "a variable that is gone";
    for (uint32_t i = 0; i < MISUSED->op->num_inputs; i++) {
        op_arguments arguments = m.arguments;
        if (!is_variable(MISUSED, i)) continue;
        arguments.variables[i] = ag_create_leaf(steps, arguments.tensors[i], true);
        ck_assert_ptr_nonnull(arguments.variables[i]);
        ag_arena_reset(steps);
        graph_must_fail(&m, m.graph, &arguments, AG_ERROR_STATE, " is gone");
    }
    ag_arena_destroy(steps);
    tear_down_misuse(&m);
}
END_TEST

/* ---- shapes ---- */

#define MOST_WRONG_SHAPES 8

typedef struct shape_list {
    size_t count;
    ag__shape shapes[MOST_WRONG_SHAPES];
} shape_list;

static void add_shape(shape_list *list, uint32_t ndims, uint32_t first, uint32_t second,
                      uint32_t third)
{
    list->shapes[list->count++] = (ag__shape){ndims, {first, second, third}};
}

/* Shapes that a tensor of shape [m, n], m ≠ n, must not be confused with. */
static shape_list unlike(const ag__shape *shape)
{
    uint32_t m = shape->dims[0], n = shape->dims[1];
    shape_list list = {0};
    add_shape(&list, 2, m, n + 1, 0);
    add_shape(&list, 2, m + 1, n, 0);
    add_shape(&list, 2, n, m, 0);
    add_shape(&list, 1, m * n, 0, 0);
    add_shape(&list, 3, m, n, 1);
    add_shape(&list, 3, 1, m, n);
    add_shape(&list, 2, m, 1, 0); /* what broadcasting would accept */
    return list;
}

/* What labels of m rows of n features must not be. */
static shape_list unlike_labels(const ag__shape *shape)
{
    uint32_t m = shape->dims[0], n = shape->dims[1];
    shape_list list = {0};
    add_shape(&list, 1, m + 1, 0, 0);
    add_shape(&list, 1, 1, 0, 0);
    add_shape(&list, 2, 1, m, 0);
    add_shape(&list, 2, m, 2, 0);
    add_shape(&list, 2, m, n, 0);
    return list;
}

/* Neither of x's shape [m, n] nor such as stretches to it. */
static shape_list unlike_broadcast(const ag__shape *shape)
{
    uint32_t m = shape->dims[0], n = shape->dims[1];
    shape_list list = {0};
    add_shape(&list, 1, n + 1, 0, 0);
    add_shape(&list, 1, m, 0, 0);
    add_shape(&list, 1, m * n, 0, 0);
    add_shape(&list, 2, n, m, 0);
    add_shape(&list, 2, m + 1, n, 0);
    add_shape(&list, 3, m, n, n + 1);
    return list;
}

/* What fits [m, n] along neither dimension. */
static shape_list unlike_either_way(const ag__shape *shape)
{
    uint32_t m = shape->dims[0], n = shape->dims[1];
    shape_list list = {0};
    add_shape(&list, 2, m + 1, n + 1, 0);
    add_shape(&list, 1, m * n, 0, 0);
    add_shape(&list, 3, m, n, 1);
    return list;
}

static shape_list unlike_matrix(const ag__shape *shape)
{
    uint32_t m = shape->dims[0], n = shape->dims[1];
    shape_list list = {0};
    add_shape(&list, 1, m * n, 0, 0);
    add_shape(&list, 3, m, n, 1);
    add_shape(&list, 3, 1, m, n);
    return list;
}

/* No images, or weights for other images. */
static shape_list unlike_images(const op_case *c, uint32_t input)
{
    const uint32_t *own = c->shapes[input].dims;
    shape_list list = {0};
    add_shape(&list, 1, own[0] + 1, 0, 0);
    if (input == 2) add_shape(&list, 2, 1, own[0], 0);
    if (input == 2) return list;
    add_shape(&list, 3, own[0], own[1], own[2]);
    list.shapes[list.count++] = (ag__shape){5, {own[0], own[1], own[2], own[3], 1}};
    if (c->entry->signature == SIGNATURE_conv2d)
        list.shapes[list.count++] = (ag__shape){4, {own[0], own[1] + 1, own[2], own[3]}};
    return list;
}

/* No row of numbers for x [m, n], or for its channels. */
static shape_list unlike_weights(const op_case *c, uint32_t input)
{
    const uint32_t *x = c->shapes[0].dims;
    shape_list list = {0};
    if (input == 0) return list;
    add_shape(&list, 1, x[1] + 1, 0, 0);
    add_shape(&list, 1, x[0], 0, 0);
    add_shape(&list, 2, 1, x[1], 0);
    return list;
}

/* As of matmul, for pairs: other inner dimensions, no leading ones, or others. */
static shape_list unlike_batch(const op_case *c, uint32_t input)
{
    const ag__shape *own = &c->shapes[input];
    const uint32_t *d = own->dims;
    shape_list list = {0};
    bool transposed = c->transposes & (input == 0 ? AG__TRANSPOSE_A : AG__TRANSPOSE_B);
    uint32_t grown = own->ndims - 1 - ((input == 0) == transposed);
    list.shapes[list.count] = *own;
    list.shapes[list.count++].dims[grown]++;
    list.shapes[list.count] = *own;
    list.shapes[list.count++].dims[0]++;
    add_shape(&list, 2, d[own->ndims - 2], d[own->ndims - 1], 0);
    return list;
}

static shape_list wrong_shapes(const op_case *c, uint32_t input)
{
    shape_list none = {0};
    const ag__shape *own = &c->shapes[input], *first = &c->shapes[0];
    if (strcmp(c->entry->name, "batched_matmul") == 0) return unlike_batch(c, input);
    switch (c->entry->signature) {
    case SIGNATURE_pair:
    case SIGNATURE_pair_parameter:
    case SIGNATURE_triple:
    case SIGNATURE_moments:
    case SIGNATURE_pair_two: return input > 0 ? unlike(own) : none;
    case SIGNATURE_labelled_pair:
        if (input == 2 && c->entry->op->labels_rows) return unlike_labels(first);
        return input > 0 ? unlike(own) : none;
    case SIGNATURE_binary: return input == 1 ? unlike_broadcast(first) : none;
    case SIGNATURE_concat: return input > 0 ? unlike_either_way(first) : none;
    case SIGNATURE_matmul: {
        shape_list list = unlike_matrix(own);
        bool transposed = c->transposes & (input == 0 ? AG__TRANSPOSE_A : AG__TRANSPOSE_B);
        bool inner_first = (input == 0) == transposed;
        add_shape(&list, 2, own->dims[0] + inner_first, own->dims[1] + !inner_first, 0);
        return list;
    }
    case SIGNATURE_linear: {
        shape_list list = input == 1 ? unlike_matrix(own) : none;
        if (input == 1) add_shape(&list, 2, own->dims[1] + 1, own->dims[0], 0);
        if (input == 2) add_shape(&list, 1, own->dims[0] + 1, 0, 0);
        if (input == 2) add_shape(&list, 2, 1, own->dims[0], 0);
        return list;
    }
    case SIGNATURE_conv2d:
    case SIGNATURE_pool2d: return unlike_images(c, input);
    case SIGNATURE_layer_norm:
    case SIGNATURE_batch_norm:
    case SIGNATURE_batch_norm_eval: return unlike_weights(c, input);
    case SIGNATURE_embedding: return unlike_matrix(own);
    default: return strcmp(c->entry->name, "transpose") == 0 ? unlike_matrix(own) : none;
    }
}

static void check_wrong_shape(misuse *m, uint32_t input, const ag__shape *shape)
{
    op_arguments arguments = m->arguments;
    arguments.tensors[input] = create_ones(m, shape);
    arguments.variables[input] = ag_create_leaf(m->arena, arguments.tensors[input], true);
    ag__shape_text text = ag__shape_to_text(shape->ndims, shape->dims);
    m->doing = text.text;
    all_forms_must_fail(m, &arguments, AG_ERROR_SHAPE, text.text);
    all_forms_must_fail(m, &arguments, AG_ERROR_SHAPE, input_name(m->spec, input));
}

static void check_wrong_shapes(const op_entry *entry, ag_reduction reduction)
{
    op_case c = case_for_misuse(entry, reduction);
    misuse m;
    set_up_misuse(&m, &c);
    size_t tried = 0;
    for (uint32_t i = 0; i < entry->op->num_inputs; i++) {
        shape_list list = wrong_shapes(&c, i);
        for (size_t k = 0; k < list.count; k++)
            check_wrong_shape(&m, i, &list.shapes[k]);
        tried += list.count;
    }
    ck_assert_msg(tried > 0 || entry->op->num_inputs == 1, "%s: no wrong shapes known",
                  entry->name);
    tear_down_misuse(&m);
}

START_TEST(wrong_shapes_of_inputs_are_refused)
{
    for (int reduction = 0; reduction < 4; reduction++)
        check_wrong_shapes(MISUSED, (ag_reduction)reduction);
}
END_TEST

START_TEST(wrong_shapes_of_outputs_are_refused)
{
    op_case c = case_for_misuse(MISUSED, AG_REDUCTION_MEAN);
    misuse m;
    set_up_misuse(&m, &c);
    m.doing = "wrong output";
    ag__shape shape = m.result_shape;
    ag__shape wrong[] = {shape, shape};
    wrong[0].dims[0]++;
    wrong[1].dims[wrong[1].ndims++] = 1;
    for (size_t k = 0; k < 2; k++) {
        ag_tensor *tensor = create_ones(&m, &wrong[k]);
        value_must_fail(&m, tensor, &m.arguments, AG_ERROR_SHAPE, "out");
        gradient_must_fail(&m, m.outs, tensor, &m.arguments, AG_ERROR_SHAPE, "grad");
        both_must_fail(&m, tensor, m.outs, &m.arguments, AG_ERROR_SHAPE, "out");
    }
    for (uint32_t i = 0; i < MISUSED->op->num_differentiable; i++) {
        ag__shape input = c.shapes[i];
        input.dims[input.ndims++] = 1;
        ag_tensor *outs[AG__MAX_INPUTS];
        memcpy(outs, m.outs, sizeof outs);
        outs[i] = create_ones(&m, &input);
        gradient_must_fail(&m, outs, m.upstream, &m.arguments, AG_ERROR_SHAPE, "out");
        both_must_fail(&m, m.out, outs, &m.arguments, AG_ERROR_SHAPE, "out_");
    }
    tear_down_misuse(&m);
}
END_TEST

START_TEST(reshape_refuses_shapes_of_another_size)
{
    static const ag__shape wrong[] = {
        {1, {14}}, {2, {5, 4}}, {0, {15}}, {9, {15, 1, 1, 1, 1, 1, 1, 1}}, {2, {15, 0}}};
    if (MISUSED->signature != SIGNATURE_reshape) return;
    op_case c = case_for_misuse(MISUSED, AG_REDUCTION_NONE);
    misuse m;
    set_up_misuse(&m, &c);
    m.doing = "new shape";
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        op_arguments arguments = m.arguments;
        arguments.new_shape = &wrong[i];
        graph_must_fail(&m, m.graph, &arguments, AG_ERROR_SHAPE, " ");
    }
    tear_down_misuse(&m);
}
END_TEST

void add_op_shapes(Suite *suite)
{
    TCase *tests = tcase_create("shapes of operations");
    tcase_set_timeout(tests, 120);
    ADD_FOR_OPS(tests, null_is_refused);
    ADD_FOR_OPS(tests, null_keeps_the_first_reason);
    ADD_FOR_OPS(tests, a_variable_that_is_gone_is_refused);
    ADD_FOR_OPS(tests, wrong_shapes_of_inputs_are_refused);
    ADD_FOR_OPS(tests, wrong_shapes_of_outputs_are_refused);
    ADD_FOR_OPS(tests, reshape_refuses_shapes_of_another_size);
    suite_add_tcase(suite, tests);
}
