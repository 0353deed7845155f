/* classes.c: cross-entropy. */
#include "config.h"

#include "loss_cases/example.h"

#include <math.h>

#include "suite.h"

START_TEST(cross_entropy_of_huge_equal_logits_is_log_2)
{
    static const float sizes[] = {1e8f, -1e8f, 3e38f, -3e38f, 0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        result r = evaluate(cross_entropy(2, NUMBERS(sizes[i], sizes[i]), NUMBERS(1, 0)));
        assert_near(r.value[0], logl(2));
        ck_assert(r.gradients[0][0] == -0.5f && r.gradients[0][1] == 0.5f);
    }
}
END_TEST

START_TEST(cross_entropy_of_a_confident_row_is_exact)
{
    result r = evaluate(cross_entropy(2, NUMBERS(20, 0), NUMBERS(1, 0)));
    long double e = expl(-20);
    assert_near(r.value[0], log1pl(e));
    assert_near(r.gradients[0][0], -e / (1 + e));
    assert_near(r.gradients[0][1], e / (1 + e));
    ck_assert_double_eq_tol((double)r.value[0], 2.06e-9, 1e-11);
}
END_TEST

START_TEST(cross_entropy_of_very_confident_rows_is_exact)
{
    static const float logits[][3] = {{50, -50, 0}, {0, 90, -10}, {-3, -1, 100}};
    for (size_t i = 0; i < 3; i++) {
        float target[3] = {0};
        target[i] = 1;
        assert_agrees(cross_entropy(3, logits[i], target), 1);
    }
}
END_TEST

START_TEST(cross_entropy_of_a_wrong_certainty_is_the_gap)
{
    result r = evaluate(cross_entropy(2, NUMBERS(1e30f, -1e30f), NUMBERS(0, 1)));
    ck_assert(r.value[0] == 2e30f);
    ck_assert(r.gradients[0][0] == 1 && r.gradients[0][1] == -1);
}
END_TEST

START_TEST(cross_entropy_ignores_impossible_classes_that_are_not_wanted)
{
    result r = evaluate(cross_entropy(3, NUMBERS(1, -INFINITY, 1), NUMBERS(1, 0, 0)));
    assert_near(r.value[0], logl(2));
    ck_assert(r.gradients[0][0] == -0.5f && r.gradients[0][1] == 0);
    ck_assert(r.gradients[0][2] == 0.5f);
}
END_TEST

START_TEST(cross_entropy_of_a_wanted_impossible_class_is_infinite)
{
    result r = evaluate(cross_entropy(3, NUMBERS(1, -INFINITY, 1), NUMBERS(0, 1, 0)));
    ck_assert(r.value[0] == INFINITY);
    ck_assert(r.gradients[0][0] == 0.5f && r.gradients[0][1] == -1);
}
END_TEST

START_TEST(cross_entropy_of_one_infinite_logit_is_the_limit)
{
    const float *logits = NUMBERS(3, INFINITY, -INFINITY);
    result r = evaluate(cross_entropy(3, logits, NUMBERS(0, 1, 0)));
    ck_assert(r.value[0] == 0);
    assert_all(3, r.gradients[0], 0);
    r = evaluate(cross_entropy(3, logits, NUMBERS(1, 0, 0)));
    ck_assert(r.value[0] == INFINITY);
    ck_assert(r.gradients[0][0] == -1 && r.gradients[0][1] == 1 && r.gradients[0][2] == 0);
}
END_TEST

START_TEST(cross_entropy_without_a_limit_is_nan)
{
    result r = evaluate(cross_entropy(3, NUMBERS(INFINITY, 0, INFINITY), NUMBERS(1, 0, 0)));
    ck_assert(isnan(r.value[0]));
    for (size_t i = 0; i < 3; i++)
        ck_assert(isnan(r.gradients[0][i]));
    r = evaluate(cross_entropy(2, NUMBERS(-INFINITY, -INFINITY), NUMBERS(1, 0)));
    ck_assert(isnan(r.value[0]) && isnan(r.gradients[0][0]) && isnan(r.gradients[0][1]));
}
END_TEST

START_TEST(cross_entropy_of_a_single_class_is_zero)
{
    static const float logits[] = {0, 5, -1e30f, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof logits / sizeof *logits; i++) {
        result r = evaluate(cross_entropy(1, &logits[i], NUMBERS(1)));
        ck_assert(r.value[0] == 0 && r.gradients[0][0] == 0);
    }
}
END_TEST

START_TEST(cross_entropy_gradient_is_the_derivative_for_any_weights)
{
    assert_agrees(cross_entropy(3, NUMBERS(1, 2, 0.5f), NUMBERS(2, 3, 0)), 1);
    assert_agrees(cross_entropy(3, NUMBERS(1, 2, 0.5f), NUMBERS(0.1f, 0.1f, 0.1f)), 1);
    result r = evaluate(cross_entropy(3, NUMBERS(1, 2, 0.5f), NUMBERS(0, 0, 0)));
    ck_assert(r.value[0] == 0);
    assert_all(3, r.gradients[0], 0);
}
END_TEST

START_TEST(cross_entropy_is_smallest_where_softmax_is_the_target)
{
    result r = evaluate(cross_entropy(2, NUMBERS(0, 0), NUMBERS(0.5f, 0.5f)));
    assert_near(r.value[0], logl(2));
    assert_all(2, r.gradients[0], 0);
}
END_TEST

/* PyTorch's class dimension would be the second of three. */
START_TEST(row_losses_take_the_last_dimension_as_classes)
{
    ag_arena *arena = ag_arena_create(0);
    const uint32_t shape[] = {2, 3, 2}, flat[] = {6, 2};
    const float *logits = NUMBERS(0, 1, 2, 0, 1, 1, 5, 3, 2, 2, 0, 4);
    const float *target = NUMBERS(1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0);
    ag_variable *loss[2];
    for (int i = 0; i < 2; i++) {
        uint32_t ndims = i == 0 ? 3 : 2;
        const uint32_t *dims = i == 0 ? shape : flat;
        loss[i] = ag_cross_entropy_loss(
            arena, ag_create_leaf(arena, ag_tensor_create_from(arena, ndims, dims, logits), false),
            ag_create_leaf(arena, ag_tensor_create_from(arena, ndims, dims, target), false),
            AG_REDUCTION_NONE);
        ck_assert_ptr_nonnull(loss[i]);
    }
    ck_assert_uint_eq(loss[0]->data->ndims, 2);
    ck_assert_uint_eq(loss[0]->data->shape[0], 2);
    ck_assert_uint_eq(loss[0]->data->shape[1], 3);
    ck_assert_mem_eq(loss[0]->data->data, loss[1]->data->data, 6 * sizeof(float));
    assert_near(loss[0]->data->data[2], logl(2));
    ag_arena_destroy(arena);
}
END_TEST

void add_classes(Suite *suite)
{
    TCase *tests = add_case(suite, "classes");
    tcase_add_test(tests, cross_entropy_of_huge_equal_logits_is_log_2);
    tcase_add_test(tests, cross_entropy_of_a_confident_row_is_exact);
    tcase_add_test(tests, cross_entropy_of_very_confident_rows_is_exact);
    tcase_add_test(tests, cross_entropy_of_a_wrong_certainty_is_the_gap);
    tcase_add_test(tests, cross_entropy_ignores_impossible_classes_that_are_not_wanted);
    tcase_add_test(tests, cross_entropy_of_a_wanted_impossible_class_is_infinite);
    tcase_add_test(tests, cross_entropy_of_one_infinite_logit_is_the_limit);
    tcase_add_test(tests, cross_entropy_without_a_limit_is_nan);
    tcase_add_test(tests, cross_entropy_of_a_single_class_is_zero);
    tcase_add_test(tests, cross_entropy_gradient_is_the_derivative_for_any_weights);
    tcase_add_test(tests, cross_entropy_is_smallest_where_softmax_is_the_target);
    tcase_add_test(tests, row_losses_take_the_last_dimension_as_classes);
}
