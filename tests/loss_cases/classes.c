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

/* ---- long rows ---- */

/* Rows that keep their exponentials, and rows that are too long for it. */
enum { KEPT = 2048, TOO_LONG = KEPT + 1, LABEL = 1500 };

typedef ag_variable *row_function(ag_arena *arena, ag_variable *logits);

static ag_variable *of_targets(ag_arena *arena, ag_variable *logits)
{
    ag_tensor *target = ag_tensor_create_zeros(arena, 2, logits->data->shape);
    for (size_t c = 0; c < KEPT; c++)
        target->data[c] = (float)(c % 7) / 7;
    return ag_cross_entropy_loss(arena, logits, ag_create_leaf(arena, target, false),
                                 AG_REDUCTION_SUM);
}

static ag_variable *of_label(ag_arena *arena, ag_variable *logits)
{
    const ag_indices *labels =
        ag_indices_create_from(arena, 1, (uint32_t[]){1}, (int32_t[]){LABEL});
    return ag_cross_entropy_labels_loss(arena, logits, labels, AG_REDUCTION_SUM);
}

static ag_variable *of_weighted_label(ag_arena *arena, ag_variable *logits)
{
    const ag_indices *labels =
        ag_indices_create_from(arena, 1, (uint32_t[]){1}, (int32_t[]){LABEL});
    ag_tensor *class_weights = create_filled(arena, logits->data->shape[1], 0.75f);
    return ag_cross_entropy_labels_loss_with(
        arena, logits, labels,
        &(ag_loss_options){.class_weights = class_weights, .reduction = AG_REDUCTION_SUM});
}

static ag_variable *of_focal(ag_arena *arena, ag_variable *logits)
{
    ag_tensor *target = ag_tensor_create_zeros(arena, 2, logits->data->shape);
    target->data[LABEL] = 1;
    return ag_focal_loss(arena, logits, ag_create_leaf(arena, target, false), 2, AG_REDUCTION_SUM);
}

static row_function *const row_functions[] = {of_targets, of_label,   of_weighted_label,
                                              of_focal,   ag_softmax, ag_log_softmax};

/* Gradients of a row of normal numbers, and of an impossible class if there is one more. */
static ag_tensor *row_gradients(ag_arena *arena, row_function *function, uint32_t n)
{
    ag_random random = ag_random_create(4);
    ag_tensor *logits = ag_tensor_create(arena, 2, (uint32_t[]){1, TOO_LONG});
    ag_tensor_fill_normal(logits, &random, 0, 2);
    logits->data[KEPT] = -INFINITY;
    ag_tensor *row = ag_tensor_create_from(arena, 2, (uint32_t[]){1, n}, logits->data);
    ag_variable *x = ag_create_leaf(arena, row, true), *value = function(arena, x);
    ck_assert_msg(value != NULL, "%s", ag_last_error());
    ag_tensor *upstream = ones_like(arena, value->data);
    for (size_t i = 0; i < upstream->size; i += 3)
        upstream->data[i] = 0.5f;
    if (upstream->size > KEPT) upstream->data[KEPT] = 0;
    ck_assert_int_eq(ag_backward_from(arena, value, upstream), AG_OK);
    return x->grad;
}

START_TEST(an_impossible_class_more_changes_no_bit_of_a_long_row)
{
    ag_arena *arena = ag_arena_create(0);
    const ag_tensor *kept = row_gradients(arena, row_functions[_i], KEPT);
    const ag_tensor *computed_again = row_gradients(arena, row_functions[_i], TOO_LONG);
    ck_assert_mem_eq(kept->data, computed_again->data, KEPT * sizeof(float));
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
    tcase_add_loop_test(tests, an_impossible_class_more_changes_no_bit_of_a_long_row, 0,
                        sizeof row_functions / sizeof *row_functions);
}
