/* gradients.c: nodes and their gradients. */
#include "config.h"

#include "engine/world.h"

#include <string.h>

#include "assertions.h"
#include "suite.h"

/* ---- nodes ---- */

START_TEST(a_leaf_shares_its_tensor)
{
    ag_tensor *tensor = vector(permanent, 2, (float[]){1, 2});
    for (int requires_grad = 0; requires_grad <= 1; requires_grad++) {
        ag_variable *x = ag_create_leaf(permanent, tensor, requires_grad != 0);
        ck_assert_ptr_nonnull(x);
        ck_assert_ptr_eq(x->data, tensor);
        ck_assert_ptr_null(x->grad);
        ck_assert_int_eq(x->requires_grad, requires_grad);
        ck_assert(x->is_leaf);
        ck_assert_str_eq(x->op, "leaf");
        ck_assert(x->num_parents == 0 && x->num_saved == 0 && x->backward_fn == NULL);
    }
}
END_TEST

START_TEST(an_operation_records_itself)
{
    ag_variable *x = scalar(2), *y = leaf(1, (float[]){3}, false);
    ag_variable *product = ag_mul(graph, x, y);
    ck_assert_ptr_nonnull(product);
    ck_assert_str_eq(product->op, "mul");
    ck_assert(product->requires_grad && !product->is_leaf);
    ck_assert_ptr_null(product->grad);
    ck_assert_uint_eq(product->num_parents, 2);
    ck_assert_ptr_eq(product->parents[0].node, x);
    ck_assert_ptr_eq(product->parents[1].node, y);
    ck_assert(product->backward_fn != NULL);
}
END_TEST

START_TEST(an_operation_on_frozen_leaves_records_nothing)
{
    ag_variable *x = leaf(1, (float[]){2}, false);
    ag_variable *product = ag_mul(graph, x, x);
    ck_assert_ptr_nonnull(product);
    assert_values(product->data, 1, (float[]){4});
    ck_assert(!product->requires_grad && !product->is_leaf);
    ck_assert(product->num_parents == 0 && product->num_saved == 0 && product->backward_fn == NULL);
}
END_TEST

/* ---- gradients ---- */

START_TEST(a_gradient_is_null_until_a_backward_sets_it)
{
    ag_variable *x = leaf(3, (float[]){1, -2, 3}, true);
    ag_variable *root = ag_sum(graph, ag_mul(graph, x, x));
    ck_assert_ptr_null(x->grad);
    ck_assert_ptr_null(root->grad);
    succeed(ag_backward(temp, root));
    assert_values(x->grad, 3, (float[]){2, -4, 6});
    ck_assert(ag_tensor_same_shape(x->grad, x->data));
    assert_grad(root, 1);
    succeed(ag_zero_grad(x));
    ck_assert_ptr_null(x->grad);
    succeed(ag_zero_grad(x));
    succeed(ag_backward(temp, root));
    assert_values(x->grad, 3, (float[]){2, -4, 6});
}
END_TEST

START_TEST(a_gradient_outlives_the_graph)
{
    ag_variable *x = leaf(2, (float[]){1, 2}, true);
    for (int step = 1; step <= 3; step++) {
        succeed(ag_backward(temp, ag_sum(graph, ag_scale(graph, x, 5))));
        ag_arena_reset(graph);
        memset(ag_arena_alloc(graph, 10000), 0xff, 10000);
        ag_arena_reset(graph);
        assert_values(x->grad, 2, (float[]){5 * (float)step, 5 * (float)step});
    }
}
END_TEST

START_TEST(gradients_between_root_and_leaves_can_be_read)
{
    ag_variable *x = scalar(3);
    ag_variable *square = ag_mul(graph, x, x), *six = ag_scale(graph, square, 6);
    ag_variable *root = ag_mul(graph, six, square); /* 6 x^4 */
    succeed(ag_backward(temp, root));
    assert_grad(root, 1);
    assert_grad(six, 9);
    assert_grad(square, 6 * 9 + 6 * 9);
    assert_grad(x, 24 * 27);
}
END_TEST

START_TEST(a_second_backward_adds_exactly_the_same)
{
    ag_variable *x = random_leaf(7, 5, true), *w = random_leaf(3, 5, true);
    ag_variable *hidden = ag_linear(graph, x, w, NULL);
    ag_variable *root = ag_mean(graph, ag_tanh(graph, hidden));
    succeed(ag_backward(temp, root));
    ag_tensor *first = vector(permanent, (uint32_t)x->data->size, x->grad->data);
    ag_tensor *first_hidden = vector(permanent, (uint32_t)hidden->data->size, hidden->grad->data);
    succeed(ag_backward(temp, root));
    for (size_t i = 0; i < first->size; i++)
        ck_assert(x->grad->data[i] == 2 * first->data[i]); /* doubling is exact */
    assert_values(hidden->grad, (uint32_t)first_hidden->size, first_hidden->data);
    assert_grad(root, 1);
    succeed(ag_zero_grad(x));
    succeed(ag_backward(temp, root));
    assert_values(x->grad, (uint32_t)first->size, first->data);
}
END_TEST

START_TEST(two_roots_share_nodes)
{
    ag_variable *x = scalar(2);
    ag_variable *shared = ag_mul(graph, x, x);
    ag_variable *one = ag_scale(graph, shared, 10), *other = ag_scale(graph, shared, 3);
    succeed(ag_backward(temp, one));
    assert_grad(shared, 10);
    assert_grad(x, 40);
    succeed(ag_backward(temp, other));
    assert_grad(shared, 3);
    assert_grad(x, 52);
    assert_grad(one, 1);
    succeed(ag_backward(temp, shared));
    assert_grad(shared, 1);
    assert_grad(x, 56);
}
END_TEST

START_TEST(backward_takes_no_memory)
{
    ag_variable *x = random_leaf(20, 30, true), *w = random_leaf(10, 30, true);
    ag_variable *b = leaf(10, (float[10]){1}, true);
    ag_variable *out = ag_log_softmax(graph, ag_gelu(graph, ag_linear(graph, x, w, b)));
    ag_variable *root = ag_mean(graph, ag_mul(graph, out, out));
    size_t used = ag_arena_used(graph), held = ag_arena_capacity(graph);
    size_t permanently_used = ag_arena_used(permanent);
    succeed(ag_backward(temp, root));
    ck_assert_uint_eq(ag_arena_used(graph), used);
    ck_assert_uint_eq(ag_arena_capacity(graph), held);
    ck_assert_uint_eq(ag_arena_used(permanent), permanently_used);
    ck_assert_uint_eq(ag_arena_capacity(temp), 0);
}
END_TEST

void add_gradients(Suite *suite)
{
    TCase *tests = add_case(suite, "gradients");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_test(tests, a_leaf_shares_its_tensor);
    tcase_add_test(tests, an_operation_records_itself);
    tcase_add_test(tests, an_operation_on_frozen_leaves_records_nothing);
    tcase_add_test(tests, a_gradient_is_null_until_a_backward_sets_it);
    tcase_add_test(tests, a_gradient_outlives_the_graph);
    tcase_add_test(tests, gradients_between_root_and_leaves_can_be_read);
    tcase_add_test(tests, a_second_backward_adds_exactly_the_same);
    tcase_add_test(tests, two_roots_share_nodes);
    tcase_add_test(tests, backward_takes_no_memory);
}
