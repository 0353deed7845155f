/* own_operations.c: operations of one's own. */
#include "config.h"

#include "engine/world.h"

#include <string.h>

#include "assertions.h"
#include "suite.h"

/* Of the operation `identity`: how often it went backward, and what it shall return. */
static int times_called;
static ag_status status_to_give;

static void forget_calls(void)
{
    times_called = 0;
    status_to_give = AG_OK;
}

/* ---- operations of one's own ---- */

static ag_status cube_backward_without_temporary(ag_variable *self, ag_arena *temp_arena)
{
    (void)temp_arena;
    const ag_tensor *x = self->saved_tensors[0];
    bool accumulate = false;
    ag_tensor *grad = ag_grad_sink(self->parents[0].node, &accumulate);
    if (grad == NULL) return AG_OK;
    for (size_t i = 0; i < x->size; i++)
        grad->data[i] =
            (accumulate ? grad->data[i] : 0) + 3 * x->data[i] * x->data[i] * self->grad->data[i];
    return AG_OK;
}

static const ag_backward_fn cube_backwards[] = {cube_backward, cube_backward_without_temporary};

START_TEST(an_operation_of_ones_own_goes_backward)
{
    ag_variable *x = leaf(3, (float[]){1, -2, 4}, true);
    ag_variable *y = cube(graph, x, cube_backwards[_i]);
    ck_assert_str_eq(y->op, "cube");
    ck_assert(y->requires_grad && !y->is_leaf && y->num_parents == 1 && y->num_saved == 1);
    assert_values(y->data, 3, (float[]){1, -8, 64});
    succeed(ag_backward(temp, ag_sum(graph, y)));
    assert_values(x->grad, 3, (float[]){3, 12, 48});
    succeed(ag_backward_from(temp, y, vector(graph, 3, (float[]){1, 0, -1})));
    assert_values(x->grad, 3, (float[]){6, 12, 0});
}
END_TEST

/* d/dx of x^3 (x^3)^3 + x = 12 x^11 + 1, with three contributions to the first cube's parent. */
START_TEST(an_operation_of_ones_own_adds_to_other_contributions)
{
    ag_variable *x = scalar(2), *y = cube(graph, x, cube_backwards[_i]);
    ag_variable *ninth = cube(graph, y, cube_backwards[_i]);
    succeed(ag_backward(temp, ag_add(graph, ag_mul(graph, y, ninth), x)));
    assert_grad(y, 4 * 512);
    assert_grad(x, 12 * 2048 + 1);
}
END_TEST

START_TEST(an_operation_of_ones_own_may_have_a_frozen_parent)
{
    ag_variable *x = scalar(2), *frozen = leaf(1, (float[]){3}, false);
    ag_variable before = *frozen;
    ag_variable *y = cube(graph, frozen, cube_backwards[_i]);
    ck_assert(!y->requires_grad && y->num_parents == 0 && y->backward_fn == NULL);
    succeed(ag_backward(temp, ag_mul(graph, y, x)));
    assert_grad(x, 27);
    ck_assert_mem_eq(frozen, &before, sizeof before);
}
END_TEST

START_TEST(contributions_set_first_and_then_add)
{
    ag_variable *x = leaf(2, (float[]){0, 0}, true), *frozen = leaf(2, (float[]){0, 0}, false);
    ag_tensor *contribution = vector(graph, 2, (float[]){1, -2});
    bool accumulate = true;
    ag_tensor *sink = ag_grad_sink(x, &accumulate);
    ck_assert_ptr_nonnull(sink);
    ck_assert(!accumulate);
    succeed(ag_tensor_fill(sink, 10));
    succeed(ag_accumulate_grad(x, contribution));
    assert_values(x->grad, 2, (float[]){11, 8});
    ck_assert_ptr_eq(ag_grad_sink(x, &accumulate), x->grad);
    ck_assert(accumulate);
    succeed(ag_zero_grad(x));
    succeed(ag_accumulate_grad(x, contribution));
    assert_values(x->grad, 2, (float[]){1, -2});
    succeed(ag_accumulate_grad(x, x->grad));
    assert_values(x->grad, 2, (float[]){2, -4});

    ck_assert_ptr_null(ag_grad_sink(frozen, &accumulate));
    succeed(ag_accumulate_grad(frozen, contribution));
    ck_assert_ptr_null(frozen->grad);
    ck_assert_int_eq(ag_last_status(), AG_OK);
}
END_TEST

START_TEST(a_contribution_of_another_shape_is_refused)
{
    ag_variable *x = leaf(2, (float[]){0, 0}, true);
    ag_tensor *contribution = vector(graph, 3, (float[]){1, 2, 3});
    assert_fails(ag_accumulate_grad(x, contribution), AG_ERROR_SHAPE,
                 "parent (leaf) is [2] but contribution is [3]");
    ck_assert_ptr_null(x->grad);
}
END_TEST

START_TEST(saving_again_forgets_what_was_saved)
{
    ag_variable *x = scalar(2), *y = cube(graph, x, cube_backward);
    ag_tensor *tensors[] = {y->data, NULL, x->data};
    succeed(ag_save_tensors(graph, y, 3, tensors));
    tensors[0] = NULL;
    ck_assert_uint_eq(y->num_saved, 3);
    ck_assert_ptr_eq(y->saved_tensors[0], y->data);
    ck_assert_ptr_null(y->saved_tensors[1]);
    ck_assert_ptr_eq(y->saved_tensors[2], x->data);
    succeed(ag_save_tensors(graph, y, 0, NULL));
    ck_assert_uint_eq(y->num_saved, 0);
}
END_TEST

START_TEST(a_node_may_have_no_parents)
{
    ag_variable *node =
        ag_create_node(graph, "constant", vector(graph, 1, (float[]){1}), 0, NULL, cube_backward);
    ck_assert_ptr_nonnull(node);
    ck_assert(!node->requires_grad && !node->is_leaf && node->backward_fn == NULL);
}
END_TEST

/* Passes the gradient on, takes scratch memory, and returns what it is told to. */
static ag_status identity_backward(ag_variable *self, ag_arena *temp_arena)
{
    times_called++;
    void *scratch = ag_arena_alloc(temp_arena, 100000);
    if (scratch == NULL) return ag_last_status();
    memset(scratch, 0xff, 100000);
    if (self->metadata_int == 1 && status_to_give != AG_OK) return status_to_give;
    return ag_accumulate_grad(self->parents[0].node, self->grad);
}

static ag_variable *identity(ag_variable *x, bool fails)
{
    ag_variable *node = ag_create_node(graph, "identity", x->data, 1, &x, identity_backward);
    ck_assert_ptr_nonnull(node);
    node->metadata_int = fails ? 1 : 0;
    return node;
}

static const ag_status failures[] = {
    AG_ERROR_NULL,    AG_ERROR_MEMORY, AG_ERROR_SHAPE, AG_ERROR_DOMAIN, AG_ERROR_ARGUMENT,
    AG_ERROR_OVERLAP, AG_ERROR_GRAPH,  AG_ERROR_FILE,  AG_ERROR_FORMAT,
};

START_TEST(an_operation_that_fails_stops_backward)
{
    ag_variable *x = scalar(3), *doubled = ag_scale(graph, x, 2);
    ag_variable *below = identity(doubled, false);
    ag_variable *failing = identity(below, true), *above = identity(failing, false);
    ag_variable *root = ag_scale(graph, above, 5);
    ag_arena_alloc(temp, 64);
    size_t used = ag_arena_used(temp);

    status_to_give = failures[_i];
    ck_assert_int_eq(ag_backward(temp, root), failures[_i]);
    ck_assert_int_eq(times_called, 2);
    ck_assert_uint_eq(ag_arena_used(temp), used);
    assert_grad(above, 5);
    assert_grad(failing, 5);
    ck_assert(below->grad == NULL && doubled->grad == NULL && x->grad == NULL);

    status_to_give = AG_OK;
    succeed(ag_backward(temp, root));
    ck_assert_int_eq(times_called, 5);
    assert_grad(x, 10);
}
END_TEST

START_TEST(contributions_made_before_a_failure_stay)
{
    ag_variable *x = scalar(3), *y = scalar(4);
    ag_variable *failing = identity(ag_scale(graph, y, 2), true);
    ag_variable *root = ag_mul(graph, x, failing);
    succeed(ag_backward(temp, root));
    assert_grad(x, 8);
    assert_grad(y, 6);
    status_to_give = AG_ERROR_DOMAIN;
    ck_assert_int_eq(ag_backward(temp, root), AG_ERROR_DOMAIN);
    assert_grad(x, 16);
    assert_grad(y, 6);
}
END_TEST

START_TEST(scratch_memory_is_rewound_after_each_operation)
{
    ag_variable *x = scalar(1), *node = x;
    for (int i = 0; i < 100; i++)
        node = identity(node, false);
    ag_arena_alloc(temp, 1000);
    size_t used = ag_arena_used(temp);
    succeed(ag_backward(temp, node));
    assert_grad(x, 1);
    ck_assert_int_eq(times_called, 100);
    ck_assert_uint_eq(ag_arena_used(temp), used);
    ck_assert_uint_lt(ag_arena_high_water(temp), used + 2 * 100000);
}
END_TEST

START_TEST(scratch_memory_may_come_from_the_arena_of_the_graph)
{
    ag_variable *x = scalar(2), *node = x;
    for (int i = 0; i < 3; i++)
        node = cube(graph, identity(node, false), cube_backward);
    size_t used = ag_arena_used(graph);
    succeed(ag_backward(graph, node));
    ck_assert_uint_eq(ag_arena_used(graph), used);
    assert_grad(x, 27 * 0x1p26f);
    succeed(ag_backward(graph, node));
    assert_grad(x, 27 * 0x1p27f);
}
END_TEST

START_TEST(scratch_memory_that_runs_out_is_an_error_of_backward)
{
    ag_variable *x = scalar(2), *node = identity(x, false);
    ag_arena_set_limit(temp, 50000);
    assert_fails(ag_backward(temp, node), AG_ERROR_MEMORY, "limit of 50000");
    ck_assert_ptr_null(x->grad);
    ag_arena_set_limit(temp, 0);
    succeed(ag_backward(temp, node));
    assert_grad(x, 1);
}
END_TEST

/* ---- a backward inside of a backward ---- */

static ag_variable *inner_parameter, *running_node;

/* Of x -> w x²: computes it again on a graph of its own, which shares only the leaf w. */
static ag_status recomputing_backward(ag_variable *self, ag_arena *temp_arena)
{
    ag_variable *x = ag_create_leaf(temp_arena, self->saved_tensors[0], true);
    ag_variable *again = ag_mul(temp_arena, inner_parameter, ag_mul(temp_arena, x, x));
    ag_status status = ag_backward_from(temp_arena, again, self->grad);
    return status == AG_OK ? ag_accumulate_grad(self->parents[0].node, x->grad) : status;
}

START_TEST(an_operation_may_go_backward_through_a_graph_of_its_own)
{
    ag_variable *x = scalar(3), *w = scalar(5), *doubled = ag_scale(graph, x, 2);
    inner_parameter = w;
    ag_tensor *result = vector(graph, 1, (float[]){5 * 36});
    ag_variable *node = ag_create_node(graph, "own", result, 1, &doubled, recomputing_backward);
    succeed(ag_save_tensors(graph, node, 1, &doubled->data));
    ag_variable *root = ag_add(graph, ag_mul(graph, node, w), w); /* 4 w² x² + w */
    for (int times = 1; times <= 2; times++) {
        succeed(ag_backward(temp, root));
        assert_grad(doubled, 5 * 5 * 2 * 6);
        assert_grad(x, (float)times * (8 * 25 * 3));
        assert_grad(w, (float)times * (8 * 5 * 9 + 1));
    }
}
END_TEST

static ag_status interfering_backward(ag_variable *self, ag_arena *temp_arena)
{
    assert_fails(ag_backward(temp_arena, running_node), AG_ERROR_GRAPH, "running");
    assert_fails(ag_backward(temp_arena, ag_scale(temp_arena, running_node, 2)), AG_ERROR_GRAPH,
                 "running");
    return ag_accumulate_grad(self->parents[0].node, self->grad);
}

START_TEST(a_graph_that_is_being_gone_through_is_refused)
{
    ag_variable *x = scalar(3), *square = ag_mul(graph, x, x);
    ag_variable *node =
        ag_create_node(graph, "own", square->data, 1, &square, interfering_backward);
    ag_variable *root = ag_scale(graph, node, 7), *candidates[] = {square, node, root};
    for (int i = 0; i < COUNT_OF(candidates); i++) {
        running_node = candidates[i];
        succeed(ag_zero_grad(x));
        succeed(ag_backward(temp, root));
        assert_grad(square, 7);
        assert_grad(x, 42);
    }
    succeed(ag_backward(temp, square));
    assert_grad(x, 48);
}
END_TEST

void add_own_operations(Suite *suite)
{
    TCase *tests = add_case(suite, "operations of one's own");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_checked_fixture(tests, forget_calls, NULL);
    int ways = COUNT_OF(cube_backwards);
    tcase_add_loop_test(tests, an_operation_of_ones_own_goes_backward, 0, ways);
    tcase_add_loop_test(tests, an_operation_of_ones_own_adds_to_other_contributions, 0, ways);
    tcase_add_loop_test(tests, an_operation_of_ones_own_may_have_a_frozen_parent, 0, ways);
    tcase_add_test(tests, contributions_set_first_and_then_add);
    tcase_add_test(tests, a_contribution_of_another_shape_is_refused);
    tcase_add_test(tests, saving_again_forgets_what_was_saved);
    tcase_add_test(tests, a_node_may_have_no_parents);
    tcase_add_loop_test(tests, an_operation_that_fails_stops_backward, 0, COUNT_OF(failures));
    tcase_add_test(tests, contributions_made_before_a_failure_stay);
    tcase_add_test(tests, scratch_memory_is_rewound_after_each_operation);
    tcase_add_test(tests, scratch_memory_may_come_from_the_arena_of_the_graph);
    tcase_add_test(tests, scratch_memory_that_runs_out_is_an_error_of_backward);
    tcase_add_test(tests, an_operation_may_go_backward_through_a_graph_of_its_own);
    tcase_add_test(tests, a_graph_that_is_being_gone_through_is_refused);
}
