/* others.c: focal losses, log-cosh, divergences and overlaps. */
#include "config.h"

#include "loss_cases/example.h"

#include <math.h>

#include "suite.h"

static example with_parameter(example e, float parameter)
{
    e.parameter = parameter;
    return e;
}

START_TEST(focal_gamma_below_one_at_saturated_logits)
{
    static const float gammas[] = {0, 0.1f, 0.5f, 0.99f, 1, 2, 5};
    for (size_t i = 0; i < sizeof gammas / sizeof *gammas; i++) {
        example e =
            pair("focal_with_logits_loss", 6, NUMBERS(200, -200, 3e38f, -3e38f, 1000, -1000),
                 NUMBERS(1, 0, 1, 0, 1, 0), AG_REDUCTION_NONE);
        result r = evaluate(with_parameter(e, gammas[i]));
        for (int k = 0; k < 6; k++)
            ck_assert(r.value[k] == 0 && r.gradients[0][k] == 0);
        e = matrix_pair("focal_loss", 1, 3, NUMBERS(0, 3e38f, -5), NUMBERS(0, 1, 0),
                        AG_REDUCTION_SUM);
        r = evaluate(with_parameter(e, gammas[i]));
        ck_assert(r.value[0] == 0);
        for (int k = 0; k < 3; k++)
            ck_assert(r.gradients[0][k] == 0);
    }
}
END_TEST

/* σ(-17) = 4.1399e-8: value and slope are its powers. */
START_TEST(focal_is_exact_where_it_is_nearly_certain)
{
    long double q = 1 / (1 + expl(17)), p = 1 / (1 + expl(-17)), entropy = -log1pl(-q);
    result r = evaluate(with_parameter(
        pair("focal_with_logits_loss", 1, NUMBERS(17), NUMBERS(1), AG_REDUCTION_SUM), 0.5f));
    assert_near(r.value[0], sqrtl(q) * entropy);
    assert_near(r.gradients[0][0], -sqrtl(q) * (q + 0.5L * p * entropy));
    r = evaluate(with_parameter(
        pair("focal_loss", 2, NUMBERS(17, 0), NUMBERS(1, 0), AG_REDUCTION_SUM), 0.5f));
    assert_near(r.value[0], sqrtl(q) * entropy);
    assert_near(r.gradients[0][0], -sqrtl(q) * (q + 0.5L * p * entropy));
}
END_TEST

START_TEST(log_cosh_keeps_the_smallest_and_the_largest_differences)
{
    assert_near(pair_of_one("log_cosh_loss", 1e-15f, 0).value[0],
                (long double)1e-15f * (long double)1e-15f / 2);
    ck_assert(pair_of_one("log_cosh_loss", 3e38f, 0).value[0] == 3e38f);
    ck_assert(pair_of_one("log_cosh_loss", 3e38f, 0).gradients[0][0] == 1);
    ck_assert(pair_of_one("log_cosh_loss", 1e-40f, 0).gradients[0][0] == 1e-40f);
}
END_TEST

START_TEST(divergences_of_equal_rows_are_0)
{
    const float *row = NUMBERS(0.1f, 0.2f, 0, 0.7f);
    result r = evaluate(pair("jensen_shannon_loss", 4, row, row, AG_REDUCTION_SUM));
    ck_assert(r.value[0] == 0);
    for (int k = 0; k < 4; k++)
        ck_assert(r.gradients[0][k] == 0);
    row = NUMBERS(1e8f, -3, 0, 50);
    r = evaluate(with_parameter(pair("distillation_loss", 4, row, row, AG_REDUCTION_SUM), 3));
    ck_assert(r.value[0] == 0);
    for (int k = 0; k < 4; k++)
        ck_assert(r.gradients[0][k] == 0);
}
END_TEST

/* Far nearer than the rounding of a probability. */
START_TEST(divergences_of_nearly_equal_rows_are_exact)
{
    const float *teacher = NUMBERS(0, 0, 0, 0), *near = NUMBERS(1.5e-5f, -1e-5f, 5e-6f, 0);
    assert_agrees(with_parameter(pair("distillation_loss", 4, near, teacher, AG_REDUCTION_SUM), 1),
                  1);
}
END_TEST

/* The teacher's probability is e^-800, which rounds to 0 but is none. */
START_TEST(a_student_that_excludes_a_class_is_infinitely_far)
{
    const float *student = NUMBERS(0, -INFINITY), *teacher = NUMBERS(0, -800);
    result r = evaluate(
        with_parameter(pair("distillation_loss", 2, student, teacher, AG_REDUCTION_SUM), 1));
    ck_assert(r.value[0] == INFINITY);
}
END_TEST

START_TEST(jensen_shannon_of_disjoint_rows_is_log_2)
{
    result r =
        evaluate(pair("jensen_shannon_loss", 2, NUMBERS(1, 0), NUMBERS(0, 1), AG_REDUCTION_SUM));
    assert_near(r.value[0], logl(2));
    assert_near(r.gradients[0][0], logl(2) / 2);
    ck_assert(isinf(r.gradients[0][1]) && r.gradients[0][1] < 0);
}
END_TEST

START_TEST(dice_of_a_perfect_prediction_is_0)
{
    const float *mask = NUMBERS(1, 0, 1, 1);
    ck_assert(evaluate(pair("dice_loss", 4, mask, mask, AG_REDUCTION_SUM)).value[0] == 0);
    mask = NUMBERS(0, 0, 0, 0);
    ck_assert(evaluate(pair("dice_loss", 4, mask, mask, AG_REDUCTION_SUM)).value[0] == 0);
}
END_TEST

/* There the logarithms cancel, and a series is used. */
START_TEST(jensen_shannon_of_nearly_equal_rows_keeps_its_digits)
{
    const float near = 0.5f + 0x1p-10f, far = 0.5f - 0x1p-10f;
    result r = evaluate(
        pair("jensen_shannon_loss", 2, NUMBERS(0.5f, 0.5f), NUMBERS(near, far), AG_REDUCTION_SUM));
    long double expected = 0;
    for (int i = 0; i < 2; i++) {
        long double t = i == 0 ? near : far, m = (0.5L + t) / 2;
        expected += (0.5L * logl(0.5L / m) + t * logl(t / m)) / 2;
    }
    assert_near(r.value[0], expected);
}
END_TEST

START_TEST(smoothing_counts_as_it_is_written)
{
    ag_arena *arena = ag_arena_create(0);
    const ag_tensor *pred = ag_tensor_create_from(arena, 1, (uint32_t[]){2}, NUMBERS(0.5f, 0.25f));
    const ag_tensor *target = ag_tensor_create_from(arena, 1, (uint32_t[]){2}, NUMBERS(1, 0));
    ag_tensor *out = create_filled(arena, 1, 0);
    const ag_loss_options options = {.epsilon = 0.25f, .reduction = AG_REDUCTION_SUM};
    ck_assert_int_eq(ag_tensor_dice_loss_with(out, NULL, pred, target, &options), AG_OK);
    assert_near(out->data[0], 1 - (2 * 0.5L + 0.25L) / (0.75L + 1 + 0.25L));
    ck_assert_int_eq(ag_tensor_tversky_loss_with(out, NULL, pred, target, 0.25f, 0.75f, &options),
                     AG_OK);
    assert_near(out->data[0], 1 - (0.5L + 0.25L) / (0.5L + 0.25L * 0.25L + 0.75L * 0.5L + 0.25L));
    ag_arena_destroy(arena);
}
END_TEST

void add_others(Suite *suite)
{
    TCase *tests = add_case(suite, "other losses");
    tcase_add_test(tests, focal_gamma_below_one_at_saturated_logits);
    tcase_add_test(tests, focal_is_exact_where_it_is_nearly_certain);
    tcase_add_test(tests, log_cosh_keeps_the_smallest_and_the_largest_differences);
    tcase_add_test(tests, divergences_of_equal_rows_are_0);
    tcase_add_test(tests, divergences_of_nearly_equal_rows_are_exact);
    tcase_add_test(tests, a_student_that_excludes_a_class_is_infinitely_far);
    tcase_add_test(tests, jensen_shannon_of_disjoint_rows_is_log_2);
    tcase_add_test(tests, dice_of_a_perfect_prediction_is_0);
    tcase_add_test(tests, smoothing_counts_as_it_is_written);
    tcase_add_test(tests, jensen_shannon_of_nearly_equal_rows_keeps_its_digits);
}
