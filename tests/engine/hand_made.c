/* hand_made.c: variables made by hand, or given back. */
#include "config.h"

#include "engine/world.h"

#include <string.h>

#include "assertions.h"
#include "suite.h"

/* ---- a backward inside of a backward_fn ---- */

/* y = w · x, computed again when the gradient is wanted: gradient checkpointing. */
static ag_status recompute_backward(ag_variable *self, ag_arena *temp_arena)
{
    ag_variable *w = self->parents[0].node, *x = self->parents[1].node;
    ag_variable *again = ag_create_leaf(temp_arena, x->data, true);
    ag_variable *product = ag_mul(temp_arena, w, again);
    ag_status status = ag_backward_from(temp_arena, product, self->grad);
    return status == AG_OK ? ag_accumulate_grad(x, again->grad) : status;
}

static ag_variable *recomputed_product(ag_variable *w, ag_variable *x)
{
    ag_tensor *out = vector(graph, 1, (float[]){w->data->data[0] * x->data->data[0]});
    ag_variable *node =
        ag_create_node(graph, "recomputed", out, 2, (ag_variable *[]){w, x}, recompute_backward);
    ck_assert_ptr_nonnull(node);
    return node;
}

START_TEST(a_backward_within_a_backward_may_share_leaves)
{
    ag_variable *w = scalar(3), *x = scalar(5);
    ag_variable *outer = ag_mul(graph, w, recomputed_product(w, ag_mul(graph, w, x))); /* w³ x */
    succeed(ag_backward(temp, outer));
    ck_assert(w->grad->data[0] == 3 * 9 * 5);
    ck_assert(x->grad->data[0] == 27);
}
END_TEST

static ag_status backward_from_parent(ag_variable *self, ag_arena *temp_arena)
{
    return ag_backward(temp_arena, self->parents[0].node);
}

START_TEST(a_backward_within_a_backward_may_not_share_nodes)
{
    ag_variable *x = scalar(2), *square = ag_mul(graph, x, x);
    ag_tensor *out = vector(graph, 1, (float[]){4});
    ag_variable *root = ag_create_node(graph, "reenters", out, 1, &square, backward_from_parent);
    assert_fails(ag_backward(temp, root), AG_ERROR_GRAPH, "a backward is running");
    succeed(ag_backward(temp, square)); /* nothing is left behind */
    ck_assert(x->grad->data[0] == 4);
}
END_TEST

/* The time of a backward must not grow with the square of the number of chunks. */
START_TEST(many_small_chunks_take_no_longer)
{
    ag_arena *small_chunks = ag_arena_create(4096);
    ag_variable *node = scalar(1);
    for (int i = 0; i < 300000; i++)
        node = ag_scale(small_chunks, node, 1);
    succeed(ag_backward(small_chunks, node));
    ag_arena_destroy(small_chunks);
}
END_TEST

START_TEST(a_bias_without_data_is_not_left_out)
{
    ag_variable *x = leaf(1, (float[]){1}, true), *empty = leaf(1, (float[]){1}, true);
    ag_variable *weight = ag_reshape(graph, x, 2, (uint32_t[]){1, 1});
    empty->data = NULL;
    ck_assert_ptr_null(ag_linear(graph, x, weight, empty));
    assert_last_failure(AG_ERROR_NULL, "linear: bias has no data");
}
END_TEST

START_TEST(a_variable_made_by_hand_is_refused)
{
    ag_variable empty = {0}, filled = {
                                 .data = vector(permanent, 1, (float[]){3}),
                                 .grad = vector(permanent, 1, (float[]){42}),
                                 .requires_grad = true,
                                 .is_leaf = true,
                             };
    assert_refused(&empty);
    assert_refused(&filled);
    ck_assert(filled.grad->data[0] == 42);
}
END_TEST

START_TEST(a_copy_of_a_node_is_refused)
{
    ag_variable *x = scalar(3), copy = *ag_mul(graph, x, x);
    assert_refused(&copy);
    ck_assert_ptr_null(x->grad);
}
END_TEST

/* ---- variables whose memory was given back ---- */

static ag_variable *product_in(ag_arena *arena, ag_variable *x)
{
    ag_variable *y = ag_create_leaf(arena, vector(arena, 1, (float[]){5}), true);
    ag_variable *product = ag_mul(arena, x, y);
    ck_assert_ptr_nonnull(product);
    return product;
}

START_TEST(a_variable_is_gone_with_its_arenas_memory)
{
    ag_arena *step = ag_arena_create(512);
    ag_variable *x = scalar(3), *kept = product_in(step, x);
    ag_mark mark = ag_arena_mark(step);
    ag_variable *gone = product_in(step, kept);
    ck_assert_int_eq(ag_arena_rewind(step, mark), AG_OK);
    assert_refused(gone);
    succeed(ag_backward(temp, kept));
    assert_grad(x, 5);
    succeed(ag_arena_reset(step));
    assert_refused(gone);
    assert_refused(kept);
    assert_grad(x, 5);
    ag_arena_destroy(step);
}
END_TEST

START_TEST(scratch_memory_that_is_given_back_ends_no_variable)
{
    ag_arena *step = ag_arena_create(512);
    ag_variable *x = scalar(3), *kept = product_in(step, x);
    for (size_t bytes = 1; bytes < 3000; bytes += 100) {
        ag_mark mark = ag_arena_mark(step);
        ck_assert_ptr_nonnull(ag_arena_alloc(step, bytes));
        ck_assert_int_eq(ag_arena_rewind(step, mark), AG_OK);
        succeed(ag_zero_grad(x));
        succeed(ag_backward(step, kept));
        assert_grad(x, 5);
        kept = ag_scale(step, kept, 1);
    }
    ag_arena_destroy(step);
}
END_TEST

/* Whatever bytes stand there now; the stamps of other things are among them. */
START_TEST(a_variable_that_was_written_over_is_gone)
{
    ag_arena *step = ag_arena_create(0);
    ag_variable *gone = product_in(step, scalar(3));
    ag_variable image = *gone;
    size_t bytes = ag_arena_used(step);
    for (int byte = 0; byte < 256; byte++) {
        succeed(ag_arena_reset(step));
        memset(ag_arena_alloc(step, bytes), byte, bytes);
        assert_refused(gone);
    }
    for (size_t shift = 1; shift < sizeof image; shift++) {
        memcpy(gone, (char *)&image + shift, sizeof image - shift);
        assert_refused(gone);
    }
    ag_arena_destroy(step);
}
END_TEST

/* Another node may have come to stand where the old one was: the edge knows which it led to. */
START_TEST(an_edge_to_a_node_that_is_gone_is_refused)
{
    ag_arena *step = ag_arena_create(0);
    for (int replaced = 0; replaced < 2; replaced++) {
        succeed(ag_arena_reset(step));
        ag_variable *x = scalar(3), *inner = product_in(step, x), *root = ag_scale(graph, inner, 2);
        ag_variable *other = ag_mul(graph, x, x);
        root = ag_add(graph, other, root);
        succeed(ag_arena_reset(step));
        if (replaced == 1) ck_assert_ptr_eq(product_in(step, x), inner);
        assert_fails(ag_backward(temp, root), AG_ERROR_STATE,
                     "backward: an input of scale under root (add) is gone");
        assert_fails(ag_save_graph(temp, "/dev/null", root, 0, NULL), AG_ERROR_STATE,
                     "save_graph: a node under root is gone");
        ck_assert_ptr_null(x->grad);
        succeed(ag_backward(temp, other));
        assert_grad(x, 6);
    }
    ag_arena_destroy(step);
}
END_TEST

START_TEST(a_frozen_input_that_is_gone_is_refused_too)
{
    ag_arena *step = ag_arena_create(0);
    ag_variable *x = scalar(3);
    ag_variable *frozen = ag_create_leaf(step, vector(permanent, 1, (float[]){2}), false);
    ag_variable *root = ag_mul(graph, x, frozen);
    succeed(ag_arena_reset(step));
    assert_fails(ag_backward(temp, root), AG_ERROR_STATE, "an input of mul under root (mul)");
    ck_assert_ptr_null(x->grad);
    ag_arena_destroy(step);
}
END_TEST

/* The list of stamps goes on behind it: those that are older are seen to be gone too. */
START_TEST(a_variable_that_is_written_over_in_place_harms_nobody)
{
    for (int byte = -1; byte < 256; byte += 64) {
        ag_arena *step = ag_arena_create(0);
        ag_variable *x = scalar(3), *older = product_in(step, x), *spoilt = product_in(step, x);
        ag_variable *later = product_in(step, x);
        if (byte < 0)
            *spoilt = *later;
        else
            memset(spoilt, byte, sizeof *spoilt);
        assert_refused(spoilt);
        succeed(ag_backward(temp, later));
        succeed(ag_backward(temp, older));
        succeed(ag_arena_reset(step));
        assert_refused(later);
        assert_refused(older);
        ck_assert_ptr_nonnull(product_in(step, x));
        succeed(ag_arena_reset(step));
        ag_arena_destroy(step);
    }
}
END_TEST

START_TEST(an_optimiser_sees_that_a_parameter_is_gone)
{
    ag_arena *step = ag_arena_create(0);
    for (int replaced = 0; replaced < 2; replaced++) {
        ag_variable *x = scalar(3), *w = ag_create_leaf(step, x->data, true);
        ag_optimizer *optimizer = ag_sgd_create(permanent, 2, (ag_variable *[]){x, w},
                                                (ag_sgd_options){.learning_rate = 1});
        succeed(ag_accumulate_grad(x, vector(graph, 1, (float[]){1})));
        succeed(ag_arena_reset(step));
        if (replaced == 1) ck_assert_ptr_eq(ag_create_leaf(step, x->data, true), w);
        assert_fails(ag_optimizer_step(optimizer), AG_ERROR_STATE, "optimizer_step: parameter 1");
        assert_fails(ag_optimizer_zero_grad(optimizer), AG_ERROR_STATE, "zero_grad: parameter 1");
        ck_assert(x->data->data[0] == 3 && x->grad != NULL);
        succeed(ag_arena_reset(step));
    }
    ag_arena_destroy(step);
}
END_TEST

START_TEST(an_edge_that_leads_nowhere_does_no_harm)
{
    ag_variable *x = scalar(3), *y = scalar(5);
    ag_variable *root = ag_mul(graph, x, y);
    root->parents[1].node = NULL;
    ck_assert_int_eq(ag_backward(temp, root), ag_last_status()); /* fine, or refused */
    if (ag_last_status() == AG_OK)
        assert_grad(x, 5);
    else
        ck_assert_ptr_null(x->grad);
    ck_assert_ptr_null(y->grad);
}
END_TEST

void add_hand_made(Suite *suite)
{
    TCase *tests = add_case(suite, "hand-made");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_test(tests, a_backward_within_a_backward_may_share_leaves);
    tcase_add_test(tests, a_backward_within_a_backward_may_not_share_nodes);
    tcase_add_test(tests, many_small_chunks_take_no_longer);
    tcase_add_test(tests, a_bias_without_data_is_not_left_out);
    tcase_add_test(tests, a_variable_made_by_hand_is_refused);
    tcase_add_test(tests, a_copy_of_a_node_is_refused);
    tcase_add_test(tests, a_variable_is_gone_with_its_arenas_memory);
    tcase_add_test(tests, scratch_memory_that_is_given_back_ends_no_variable);
    tcase_add_test(tests, a_variable_that_was_written_over_is_gone);
    tcase_add_test(tests, an_edge_to_a_node_that_is_gone_is_refused);
    tcase_add_test(tests, a_frozen_input_that_is_gone_is_refused_too);
    tcase_add_test(tests, a_variable_that_is_written_over_in_place_harms_nobody);
    tcase_add_test(tests, an_optimiser_sees_that_a_parameter_is_gone);
    tcase_add_test(tests, an_edge_that_leads_nowhere_does_no_harm);
}
