/* pairs.c: losses of a prediction and a target, element by element. */
#include "config.h"

#include "loss_cases/example.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

/* ---- mse ---- */

START_TEST(mse_squares_beyond_float_have_a_mean)
{
    float pred[100] = {3e19f, -3e19f}, target[100] = {0};
    result r = evaluate(pair("mse_loss", 100, pred, target, AG_REDUCTION_MEAN));
    assert_near(r.value[0], 2 * 3e19L * 3e19L / 100);
    assert_near(r.gradients[0][0], 2 * 3e19L / 100);
    assert_near(r.gradients[0][1], -2 * 3e19L / 100);
}
END_TEST

START_TEST(mse_differences_beyond_float_have_a_mean)
{
    const float *pred = NUMBERS(3e38f, 1, 1, 1), *target = NUMBERS(-3e38f, 1, 1, 1);
    assert_near(evaluate(pair("l1_loss", 4, pred, target, AG_REDUCTION_MEAN)).value[0], 1.5e38L);
    result mse = evaluate(pair("mse_loss", 4, pred, target, AG_REDUCTION_MEAN));
    ck_assert(isinf(mse.value[0]));
    assert_near(mse.gradients[0][0], 3e38L);
}
END_TEST

START_TEST(mse_sum_beyond_float_is_infinite)
{
    result r = pair_of_one("mse_loss", 3e19f, 0);
    ck_assert(isinf(r.value[0]) && r.value[0] > 0);
    assert_near(r.gradients[0][0], 6e19L);
}
END_TEST

START_TEST(mse_of_equal_tensors_is_zero)
{
    const float *x = NUMBERS(1, -2, 1e30f, 0);
    result r = evaluate(pair("mse_loss", 4, x, x, AG_REDUCTION_MEAN));
    ck_assert(r.value[0] == 0);
    assert_all(4, r.gradients[0], 0);
}
END_TEST

/* ---- l1, huber: kinks ---- */

START_TEST(l1_kink_has_gradient_zero)
{
    result r = evaluate(pair("l1_loss", 3, NUMBERS(1, 2, 3), NUMBERS(1, 3, 2), AG_REDUCTION_SUM));
    ck_assert(r.value[0] == 2);
    ck_assert(r.gradients[0][0] == 0 && r.gradients[0][1] == -1 && r.gradients[0][2] == 1);
}
END_TEST

START_TEST(huber_is_quadratic_up_to_delta)
{
    result r = evaluate(huber(5, NUMBERS(0.25f, 0.5f, 1, -0.5f, -3), NUMBERS(0, 0, 0, 0, 0), 0.5f));
    ck_assert(r.value[0] == 0.03125f && r.value[1] == 0.125f && r.value[2] == 0.375f);
    ck_assert(r.value[3] == 0.125f && r.value[4] == 1.375f);
    ck_assert(r.gradients[0][0] == 0.25f && r.gradients[0][1] == 0.5f);
    ck_assert(r.gradients[0][2] == 0.5f && r.gradients[0][3] == -0.5f);
    ck_assert(r.gradients[0][4] == -0.5f);
}
END_TEST

START_TEST(huber_with_infinite_delta_is_half_the_square)
{
    result r = evaluate(huber(3, NUMBERS(1e10f, -3, INFINITY), NUMBERS(0, 0, 0), INFINITY));
    assert_near(r.value[0], 0.5e20L);
    ck_assert(r.value[1] == 4.5f && r.value[2] == INFINITY);
    ck_assert(r.gradients[0][0] == 1e10f && r.gradients[0][1] == -3);
    ck_assert(r.gradients[0][2] == INFINITY);
}
END_TEST

START_TEST(huber_refuses_delta_that_is_not_positive)
{
    const float bad[] = {0, -1, NAN, -INFINITY};
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(status_of(huber(1, NUMBERS(1), NUMBERS(0), bad[i])), AG_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(ag_last_error(), "delta"));
}
END_TEST

/* ---- bce ---- */

START_TEST(bce_is_finite_at_certainty)
{
    result r =
        evaluate(pair("bce_loss", 4, NUMBERS(0, 0, 1, 1), NUMBERS(0, 1, 0, 1), AG_REDUCTION_NONE));
    ck_assert(r.value[0] == 0 && r.value[1] == 100 && r.value[2] == 100 && r.value[3] == 0);
    ck_assert(r.gradients[0][0] == 0 && r.gradients[0][3] == 0);
    assert_near(r.gradients[0][1], -1e12L);
    assert_near(r.gradients[0][2], 1e12L);
}
END_TEST

START_TEST(bce_of_minus_zero_is_that_of_zero)
{
    const float *minus = NUMBERS(-0.0f, -0.0f, -0.0f), *zero = NUMBERS(0, 0, 0);
    const float *hard = NUMBERS(1, 0, 1), *soft = NUMBERS(1, 0, 0.5f);
    for (int i = 0; i < 2; i++) {
        const float *target = i == 0 ? hard : soft;
        result of_minus = evaluate(pair("bce_loss", 3, minus, target, AG_REDUCTION_NONE));
        result of_zero = evaluate(pair("bce_loss", 3, zero, target, AG_REDUCTION_NONE));
        ck_assert(of_zero.value[0] == 100 && of_zero.value[1] == 0);
        for (int k = 0; k < 3; k++)
            ck_assert(of_minus.value[k] == of_zero.value[k]);
        of_minus = evaluate(pair("bce_loss", 3, minus, target, AG_REDUCTION_SUM));
        of_zero = evaluate(pair("bce_loss", 3, zero, target, AG_REDUCTION_SUM));
        ck_assert(of_minus.value[0] == of_zero.value[0]);
    }
}
END_TEST

START_TEST(bce_floors_the_logarithm_at_minus_100)
{
    result r = evaluate(
        pair("bce_loss", 3, NUMBERS(1e-45f, 1e-40f, 4e-44f), NUMBERS(1, 1, 1), AG_REDUCTION_NONE));
    ck_assert(r.value[0] == 100);
    assert_near(r.value[1], -logl((long double)1e-40f));
    assert_near(r.value[2], -logl((long double)4e-44f));
}
END_TEST

/* The same floor for value and gradient: away from it the gradient is the value's derivative. */
START_TEST(bce_gradient_floors_the_variance_at_1e_12)
{
    result r = evaluate(pair("bce_loss", 4, NUMBERS(1e-13f, 1e-11f, 1e-6f, 0.99999994f),
                             NUMBERS(1, 1, 1, 0), AG_REDUCTION_NONE));
    assert_near(r.gradients[0][0], -(1 - (long double)1e-13f) / 1e-12L);
    assert_near(r.gradients[0][1], -1 / (long double)1e-11f);
    assert_near(r.gradients[0][2], -1 / (long double)1e-6f);
    assert_near(r.gradients[0][3], 1 / (1 - (long double)0.99999994f));
    assert_near(r.value[3], -logl(1 - (long double)0.99999994f));
}
END_TEST

START_TEST(bce_refuses_what_is_no_probability)
{
    example e = matrix_pair("bce_loss", 2, 2, NUMBERS(0, 1, 0.5f, 1.5f), NUMBERS(0, 1, 1, 1),
                            AG_REDUCTION_MEAN);
    ck_assert_int_eq(status_of(e), AG_ERROR_DOMAIN);
    ck_assert_str_eq(ag_last_error(), "bce_loss: pred[1, 1] is 1.5 but must be in [0, 1]");
}
END_TEST

START_TEST(bce_takes_soft_labels)
{
    result r = pair_of_one("bce_loss", 0.25f, 0.25f);
    assert_near(r.value[0], -0.25L * logl(0.25L) - 0.75L * logl(0.75L));
    ck_assert(r.gradients[0][0] == 0);
}
END_TEST

/* One soft target among hard ones makes the others go another way, to the same bits. */
START_TEST(bce_of_hard_targets_does_not_depend_on_their_neighbours)
{
    const ag_reduction reduction = _i == 0 ? AG_REDUCTION_NONE : AG_REDUCTION_MEAN;
    const float *edges =
        NUMBERS(0, 1, 1e-45f, 1e-38f, 1e-13f, 0.7071068f, 0.29289323f, 0.99999994f);
    float pred[MOST_NUMBERS], target[MOST_NUMBERS];
    for (int i = 0; i < MOST_NUMBERS; i++) {
        pred[i] = i < 16 ? edges[i / 2] : (float)i / MOST_NUMBERS;
        target[i] = (float)(i % 2);
    }
    result hard = evaluate(pair("bce_loss", MOST_NUMBERS, pred, target, reduction));
    target[MOST_NUMBERS - 1] = 0.5f;
    result soft = evaluate(pair("bce_loss", MOST_NUMBERS, pred, target, reduction));
    size_t others = (MOST_NUMBERS - 1) * sizeof(float);
    ck_assert_mem_eq(hard.gradients[0], soft.gradients[0], others);
    if (reduction == AG_REDUCTION_NONE) ck_assert_mem_eq(hard.value, soft.value, others);
}
END_TEST

/* ---- bce_with_logits ---- */

START_TEST(bce_with_logits_is_exact_in_both_tails)
{
    static const float logits[] = {17, 30, 80, 100, 103};
    for (size_t i = 0; i < sizeof logits / sizeof *logits; i++) {
        long double e = expl(-(long double)logits[i]);
        result positive = pair_of_one("bce_with_logits_loss", logits[i], 1);
        result negative = pair_of_one("bce_with_logits_loss", -logits[i], 0);
        assert_near(positive.value[0], log1pl(e));
        assert_near(positive.gradients[0][0], -e / (1 + e));
        assert_near(negative.value[0], log1pl(e));
        assert_near(negative.gradients[0][0], e / (1 + e));
    }
    result r = pair_of_one("bce_with_logits_loss", 17, 1);
    ck_assert_double_eq_tol((double)r.value[0], 4.14e-8, 1e-10);
    ck_assert_double_eq_tol((double)r.gradients[0][0], -4.14e-8, 1e-10);
}
END_TEST

START_TEST(bce_with_logits_of_a_wrong_certainty_is_the_logit)
{
    result r = pair_of_one("bce_with_logits_loss", 1e30f, 0);
    ck_assert(r.value[0] == 1e30f && r.gradients[0][0] == 1);
    r = pair_of_one("bce_with_logits_loss", -1e30f, 1);
    ck_assert(r.value[0] == 1e30f && r.gradients[0][0] == -1);
}
END_TEST

START_TEST(bce_with_logits_of_infinite_logits_is_the_limit)
{
    result r = evaluate(pair("bce_with_logits_loss", 5,
                             NUMBERS(INFINITY, INFINITY, -INFINITY, -INFINITY, INFINITY),
                             NUMBERS(1, 0, 0, 1, 0.5f), AG_REDUCTION_NONE));
    ck_assert(r.value[0] == 0 && r.value[1] == INFINITY && r.value[2] == 0);
    ck_assert(r.value[3] == INFINITY && r.value[4] == INFINITY);
    ck_assert(r.gradients[0][0] == 0 && r.gradients[0][1] == 1 && r.gradients[0][2] == 0);
    ck_assert(r.gradients[0][3] == -1 && r.gradients[0][4] == 0.5f);
}
END_TEST

/* More than a block of equal terms, of which all but one logarithm is spared: large, small, mixed. */
START_TEST(bce_with_logits_of_many_keeps_the_digits_of_one)
{
    enum { MANY = 5000 };
    static const float sizes[] = {0, 1e-3f, 1, 20, 40, 60, 100};
    ag_arena *arena = ag_arena_create(0);
    ag_tensor *loss = ag_tensor_create(arena, 1, (const uint32_t[]){1});
    ag_tensor *logits = ag_tensor_create(arena, 1, (const uint32_t[]){MANY});
    ag_tensor *target = ag_tensor_create(arena, 1, (const uint32_t[]){MANY});
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t k = 0; k < MANY; k++) {
            logits->data[k] = k % 2 == 0 ? sizes[i] : -sizes[i];
            target->data[k] = k % 2 == 0;
        }
        long double one = log1pl(expl(-(long double)sizes[i]));
        ck_assert_int_eq(ag_tensor_bce_with_logits_loss(loss, logits, target, AG_REDUCTION_MEAN),
                         AG_OK);
        assert_near(loss->data[0], one);
        ck_assert_int_eq(ag_tensor_bce_with_logits_loss(loss, logits, target, AG_REDUCTION_SUM),
                         AG_OK);
        assert_near(loss->data[0], MANY * one);
    }
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(bce_with_logits_at_zero)
{
    result r = pair_of_one("bce_with_logits_loss", 0, 1);
    assert_near(r.value[0], logl(2));
    ck_assert(r.gradients[0][0] == -0.5f);
}
END_TEST

/* ---- nll, kl_div ---- */

START_TEST(nll_ignores_impossible_classes_that_are_not_wanted)
{
    const float *log_probs = NUMBERS(-0.5f, -INFINITY, -1);
    result r = evaluate(pair("nll_loss", 3, log_probs, NUMBERS(1, 0, 0), AG_REDUCTION_SUM));
    ck_assert(r.value[0] == 0.5f);
    ck_assert(r.gradients[0][0] == -1 && r.gradients[0][1] == 0 && r.gradients[0][2] == 0);
    r = evaluate(pair("nll_loss", 3, log_probs, NUMBERS(0, 1, 0), AG_REDUCTION_SUM));
    ck_assert(r.value[0] == INFINITY && r.gradients[0][1] == -1);
}
END_TEST

/* Rows that are summed with vectors, in one chunk and in several. */
START_TEST(nll_ignores_impossible_classes_of_long_rows)
{
    static const uint32_t lengths[] = {40, 100, 1300};
    ag_arena *arena = ag_arena_create(0);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        uint32_t n = lengths[l];
        ag_tensor *log_probs = ag_tensor_create(arena, 1, &n);
        ag_tensor *target = ag_tensor_create_zeros(arena, 1, &n);
        ag_tensor *grad = ag_tensor_create(arena, 1, &n);
        ag_tensor *value = ag_tensor_create(arena, 1, (uint32_t[]){1});
        ck_assert(log_probs != NULL && target != NULL && grad != NULL && value != NULL);
        for (uint32_t i = 0; i < n; i++)
            log_probs->data[i] = i % 3 == 0 ? -INFINITY : -0.25f;
        target->data[1] = target->data[n / 3 * 3 - 1] = 0.5f;
        for (int wanted = 0; wanted < 3; wanted++) {
            if (wanted == 1) target->data[36] = 1;
            if (wanted == 2) target->data[0] = NAN;
            ck_assert_int_eq(
                ag_tensor_nll_loss_value_and_grad(value, grad, log_probs, target, AG_REDUCTION_SUM),
                AG_OK);
            float with_gradient = value->data[0];
            ck_assert_int_eq(ag_tensor_nll_loss(value, log_probs, target, AG_REDUCTION_SUM), AG_OK);
            ck_assert_mem_eq(&with_gradient, value->data, sizeof with_gradient);
            ck_assert(wanted == 0   ? with_gradient == 0.25f
                      : wanted == 1 ? with_gradient == INFINITY
                                    : isnan(with_gradient));
            ck_assert(grad->data[1] == -0.5f && grad->data[36] == (wanted > 0 ? -1 : 0));
        }
    }
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(kl_div_is_zero_where_the_target_is)
{
    result r = evaluate(pair("kl_div_loss", 4, NUMBERS(-1, -INFINITY, 0, -2), NUMBERS(0, 0, 0, 1),
                             AG_REDUCTION_NONE));
    ck_assert(r.value[0] == 0 && r.value[1] == 0 && r.value[2] == 0 && r.value[3] == 2);
    assert_all(3, r.gradients[0], 0);
    ck_assert(r.gradients[0][3] == -1);
}
END_TEST

START_TEST(kl_div_of_an_impossible_event_is_infinite)
{
    result r = pair_of_one("kl_div_loss", -INFINITY, 0.5f);
    ck_assert(r.value[0] == INFINITY && r.gradients[0][0] == -0.5f);
}
END_TEST

START_TEST(kl_div_of_equal_distributions_nearly_cancels)
{
    float t = 0.3f, p = logf(t);
    result r = pair_of_one("kl_div_loss", p, t);
    assert_near(r.value[0], (long double)t * (logl((long double)t) - (long double)p));
}
END_TEST

START_TEST(kl_div_refuses_negative_targets)
{
    example e =
        pair("kl_div_loss", 3, NUMBERS(0, 0, 0), NUMBERS(0, -0.0f, -0.25f), AG_REDUCTION_MEAN);
    ck_assert_int_eq(status_of(e), AG_ERROR_DOMAIN);
    ck_assert_str_eq(ag_last_error(), "kl_div_loss: target[2] is -0.25 but must be at least 0");
}
END_TEST

START_TEST(kl_div_batchmean_divides_by_the_first_dimension)
{
    example e = matrix_pair("kl_div_loss", 2, 3, NUMBERS(-1, -2, -3, -1, -2, -3),
                            NUMBERS(1, 1, 1, 1, 1, 1), AG_REDUCTION_BATCHMEAN);
    result r = evaluate(e);
    ck_assert(r.value[0] == 6);
    assert_all(6, r.gradients[0], -0.5f);
}
END_TEST

/* ---- hinge ---- */

START_TEST(hinge_kink_has_gradient_zero)
{
    result r = evaluate(pair("hinge_loss", 5, NUMBERS(1, -1, 0.5f, 2, -2), NUMBERS(1, -1, 1, 1, 1),
                             AG_REDUCTION_NONE));
    ck_assert(r.value[0] == 0 && r.value[1] == 0 && r.value[2] == 0.5f && r.value[3] == 0);
    ck_assert(r.value[4] == 3);
    ck_assert(r.gradients[0][0] == 0 && r.gradients[0][1] == 0 && r.gradients[0][2] == -1);
    ck_assert(r.gradients[0][3] == 0 && r.gradients[0][4] == -1);
}
END_TEST

START_TEST(hinge_refuses_labels_of_zero_and_one)
{
    example e = pair("hinge_loss", 3, NUMBERS(1, 2, 3), NUMBERS(1, 0, 1), AG_REDUCTION_MEAN);
    ck_assert_int_eq(status_of(e), AG_ERROR_DOMAIN);
    ck_assert_str_eq(ag_last_error(), "hinge_loss: target[1] is 0 but must be -1 or 1");
}
END_TEST

/* So many labels are read from memory, in laps of 128: the first, those at a lap's ends, the last. */
START_TEST(hinge_finds_a_wrong_label_among_many)
{
    enum { MANY = (1 << 20) + 131 };
    static const size_t places[] = {0, 127, 128, 4095, 4096, MANY / 2, MANY - 4, MANY - 1};
    ag_arena *arena = ag_arena_create(0);
    ag_tensor *pred = ag_tensor_create_zeros(arena, 1, (uint32_t[]){MANY});
    ag_tensor *target = ag_tensor_create(arena, 1, (uint32_t[]){MANY});
    ag_tensor *grad = ag_tensor_create(arena, 1, (uint32_t[]){MANY});
    ag_tensor *value = ag_tensor_create(arena, 1, (uint32_t[]){1});
    ck_assert(pred != NULL && target != NULL && grad != NULL && value != NULL);
    ck_assert(ag_tensor_fill(target, -1) == AG_OK && ag_tensor_fill(grad, 7) == AG_OK);
    value->data[0] = 7;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char name[32];
        snprintf(name, sizeof name, "target[%zu] is 0 but", places[i]);
        target->data[places[i]] = 0;
        ck_assert_int_eq(
            ag_tensor_hinge_loss_value_and_grad(value, grad, pred, target, AG_REDUCTION_SUM),
            AG_ERROR_DOMAIN);
        ck_assert_ptr_nonnull(strstr(ag_last_error(), name));
        target->data[places[i]] = -1;
    }
    ck_assert(value->data[0] == 7 && grad->data[0] == 7 && grad->data[MANY - 1] == 7);
    ck_assert_int_eq(
        ag_tensor_hinge_loss_value_and_grad(value, grad, pred, target, AG_REDUCTION_SUM), AG_OK);
    ck_assert(value->data[0] == MANY && grad->data[0] == 1 && grad->data[MANY - 1] == 1);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(hinge_of_infinite_predictions_is_the_limit)
{
    result r = evaluate(
        pair("hinge_loss", 2, NUMBERS(INFINITY, INFINITY), NUMBERS(1, -1), AG_REDUCTION_NONE));
    ck_assert(r.value[0] == 0 && r.value[1] == INFINITY);
    ck_assert(r.gradients[0][0] == 0 && r.gradients[0][1] == 1);
}
END_TEST

/* ---- l2, l1_regularization ---- */

START_TEST(l2_gradient_is_the_weight)
{
    result r = evaluate(single("l2_loss", 3, NUMBERS(3, -0.5f, 0), AG_REDUCTION_SUM));
    ck_assert(r.value[0] == 4.625f);
    ck_assert(r.gradients[0][0] == 3 && r.gradients[0][1] == -0.5f && r.gradients[0][2] == 0);
}
END_TEST

START_TEST(l2_squares_beyond_float_have_a_mean)
{
    float weights[100] = {3e19f};
    result r = evaluate(single("l2_loss", 100, weights, AG_REDUCTION_MEAN));
    assert_near(r.value[0], 3e19L * 3e19L / 200);
}
END_TEST

START_TEST(l1_regularization_kink_has_gradient_zero)
{
    result r =
        evaluate(single("l1_regularization", 4, NUMBERS(0, -0.0f, -2, 1e-45f), AG_REDUCTION_NONE));
    ck_assert(r.value[0] == 0 && r.value[1] == 0 && r.value[2] == 2 && r.value[3] == 1e-45f);
    ck_assert(r.gradients[0][0] == 0 && r.gradients[0][1] == 0 && r.gradients[0][2] == -1);
    ck_assert(r.gradients[0][3] == 1);
}
END_TEST

void add_pairs(Suite *suite)
{
    TCase *tests = add_case(suite, "pairs");
    tcase_add_test(tests, mse_squares_beyond_float_have_a_mean);
    tcase_add_test(tests, mse_differences_beyond_float_have_a_mean);
    tcase_add_test(tests, mse_sum_beyond_float_is_infinite);
    tcase_add_test(tests, mse_of_equal_tensors_is_zero);
    tcase_add_test(tests, l1_kink_has_gradient_zero);
    tcase_add_test(tests, huber_is_quadratic_up_to_delta);
    tcase_add_test(tests, huber_with_infinite_delta_is_half_the_square);
    tcase_add_test(tests, huber_refuses_delta_that_is_not_positive);
    tcase_add_test(tests, bce_is_finite_at_certainty);
    tcase_add_test(tests, bce_of_minus_zero_is_that_of_zero);
    tcase_add_test(tests, bce_floors_the_logarithm_at_minus_100);
    tcase_add_test(tests, bce_gradient_floors_the_variance_at_1e_12);
    tcase_add_test(tests, bce_refuses_what_is_no_probability);
    tcase_add_test(tests, bce_takes_soft_labels);
    tcase_add_loop_test(tests, bce_of_hard_targets_does_not_depend_on_their_neighbours, 0, 2);
    tcase_add_test(tests, bce_with_logits_is_exact_in_both_tails);
    tcase_add_test(tests, bce_with_logits_of_a_wrong_certainty_is_the_logit);
    tcase_add_test(tests, bce_with_logits_of_infinite_logits_is_the_limit);
    tcase_add_test(tests, bce_with_logits_of_many_keeps_the_digits_of_one);
    tcase_add_test(tests, bce_with_logits_at_zero);
    tcase_add_test(tests, kl_div_is_zero_where_the_target_is);
    tcase_add_test(tests, kl_div_of_an_impossible_event_is_infinite);
    tcase_add_test(tests, kl_div_of_equal_distributions_nearly_cancels);
    tcase_add_test(tests, kl_div_refuses_negative_targets);
    tcase_add_test(tests, kl_div_batchmean_divides_by_the_first_dimension);
    tcase_add_test(tests, hinge_kink_has_gradient_zero);
    tcase_add_test(tests, hinge_refuses_labels_of_zero_and_one);
    tcase_add_test(tests, hinge_finds_a_wrong_label_among_many);
    tcase_add_test(tests, hinge_of_infinite_predictions_is_the_limit);
    tcase_add_test(tests, l2_gradient_is_the_weight);
    tcase_add_test(tests, l2_squares_beyond_float_have_a_mean);
    tcase_add_test(tests, l1_regularization_kink_has_gradient_zero);
    tcase_add_test(tests, nll_ignores_impossible_classes_that_are_not_wanted);
    tcase_add_test(tests, nll_ignores_impossible_classes_of_long_rows);
}
