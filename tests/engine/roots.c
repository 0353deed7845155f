/* roots.c: where a backward begins. */
#include "config.h"

#include "engine/world.h"

#include <string.h>

#include "assertions.h"
#include "suite.h"

START_TEST(a_leaf_may_be_the_root)
{
    ag_variable *x = scalar(7);
    succeed(ag_backward(temp, x));
    assert_grad(x, 1);
    succeed(ag_backward(temp, x));
    assert_grad(x, 2);
    succeed(ag_backward_from(temp, x, vector(graph, 1, (float[]){-5})));
    assert_grad(x, -3);
}
END_TEST

START_TEST(a_scalar_is_any_tensor_of_one_element)
{
    ag_variable *x = random_leaf(1, 1, true);
    succeed(ag_backward(temp, ag_scale(graph, x, 4)));
    assert_grad(x, 4);
}
END_TEST

START_TEST(a_root_of_several_elements_wants_a_seed)
{
    ag_variable *x = leaf(2, (float[]){1, 2}, true);
    ag_variable *root = ag_mul(graph, x, x);
    ck_assert_int_eq(ag_backward(temp, root), AG_ERROR_GRAPH);
    ck_assert_ptr_nonnull(strstr(ag_last_error(), "mul"));
    assert_last_failure(AG_ERROR_GRAPH, "ag_backward_from");
    ck_assert(x->grad == NULL && root->grad == NULL);
    ck_assert_int_eq(ag_backward(temp, x), AG_ERROR_GRAPH);
    ck_assert_ptr_null(x->grad);
}
END_TEST

START_TEST(a_seed_is_the_upstream_gradient_and_is_copied)
{
    ag_variable *x = leaf(3, (float[]){1, 2, 3}, true);
    ag_variable *root = ag_mul(graph, x, x);
    ag_tensor *seed = vector(graph, 3, (float[]){10, -1, 0});
    succeed(ag_backward_from(temp, root, seed));
    assert_values(x->grad, 3, (float[]){20, -4, 0});
    succeed(ag_tensor_fill(seed, 99));
    assert_values(root->grad, 3, (float[]){10, -1, 0});
    succeed(ag_backward_from(temp, root, root->grad));
    assert_values(root->grad, 3, (float[]){10, -1, 0});
    assert_values(x->grad, 3, (float[]){40, -8, 0});
}
END_TEST

START_TEST(a_seed_must_have_the_shape_of_the_root)
{
    ag_variable *x = leaf(3, (float[]){1, 2, 3}, true);
    ag_variable *root = ag_scale(graph, x, 2);
    ag_tensor *seed = vector(graph, 2, (float[]){1, 1});
    assert_fails(ag_backward_from(temp, root, seed), AG_ERROR_SHAPE,
                 "backward_from: root (scale) is [3] but seed is [2]");
    ck_assert(x->grad == NULL && root->grad == NULL);
}
END_TEST

START_TEST(a_gradient_of_another_shape_is_not_added_to)
{
    ag_variable *x = leaf(3, (float[]){1, 2, 3}, true);
    ag_tensor *seed = vector(graph, 3, (float[]){1, 1, 1}), *own = x->grad;
    x->grad = vector(graph, 2, (float[]){5, 6});
    assert_fails(ag_backward_from(temp, x, seed), AG_ERROR_SHAPE,
                 "the gradient of parent (leaf) is [2] but contribution is [3]");
    assert_values(x->grad, 2, (float[]){5, 6});
    ag_variable *one = scalar(7);
    one->grad = x->grad;
    assert_fails(ag_backward(temp, one), AG_ERROR_SHAPE,
                 "backward: the gradient of root (leaf) is [2], not a scalar");
    assert_values(x->grad, 2, (float[]){5, 6});
    x->grad = own;
    succeed(ag_backward_from(temp, x, seed));
    assert_values(x->grad, 3, (float[]){1, 1, 1});
}
END_TEST

START_TEST(a_root_without_gradient_is_refused)
{
    ag_variable *frozen = leaf(1, (float[]){1}, false);
    ag_tensor *seed = vector(graph, 1, (float[]){1});
    assert_fails(ag_backward(temp, frozen), AG_ERROR_GRAPH, "root (leaf) requires no gradient");
    assert_fails(ag_backward(temp, ag_scale(graph, frozen, 2)), AG_ERROR_GRAPH,
                 "root (scale) requires no gradient");
    assert_fails(ag_backward_from(temp, frozen, seed), AG_ERROR_GRAPH, "requires no gradient");
    ck_assert_ptr_null(frozen->grad);
}
END_TEST

void add_roots(Suite *suite)
{
    TCase *tests = add_case(suite, "roots");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_test(tests, a_leaf_may_be_the_root);
    tcase_add_test(tests, a_scalar_is_any_tensor_of_one_element);
    tcase_add_test(tests, a_root_of_several_elements_wants_a_seed);
    tcase_add_test(tests, a_seed_is_the_upstream_gradient_and_is_copied);
    tcase_add_test(tests, a_seed_must_have_the_shape_of_the_root);
    tcase_add_test(tests, a_gradient_of_another_shape_is_not_added_to);
    tcase_add_test(tests, a_root_without_gradient_is_refused);
}
