/*
 * check_loss_cases.c: the corners of the losses, one test each: tails, infinities, zero vectors,
 * kinks, NaN, sums that overflow float, and where the library deliberately differs from PyTorch.
 */
#include "config.h"

#include <check.h>
#include <dirent.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "op_calls.h"
#include "reference.h"
#include "suite.h"

/* ---- one call of a loss on a few numbers ---- */

#define MOST_NUMBERS 128

/* rows = 0 means inputs of shape [columns]; otherwise they are [rows, columns]. */
typedef struct example {
    const char *loss;
    uint32_t rows, columns;
    const float *inputs[AG__MAX_INPUTS];
    ag_reduction reduction;
    float parameter;
} example;

typedef struct result {
    float value[MOST_NUMBERS];
    float gradients[AG__MAX_INPUTS][MOST_NUMBERS];
} result;

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

static ag_tensor *ones_like(ag_arena *arena, const ag_tensor *tensor)
{
    ag_tensor *ones = ag_tensor_create(arena, tensor->ndims, tensor->shape);
    ag_tensor_fill(ones, 1);
    return ones;
}

/* Value and gradients, the upstream gradient being 1 everywhere. */
static result evaluate(example e)
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

static ag_status status_of(example e)
{
    op_case c = case_of(&e);
    ag_arena *arena = ag_arena_create(0);
    op_arguments arguments = arguments_of(&c, &e, arena);
    ag_clear_error();
    ck_assert_ptr_null(c.entry->graph(arena, &arguments));
    ag_arena_destroy(arena);
    return ag_last_status();
}

/* Within an ulp, which is finer than what float formulas reach; NaN equals NaN. */
static void assert_near(float actual, long double expected)
{
    ck_assert_msg(reference_ulps(actual, expected) <= 1, "%.9g instead of %.9Lg", (double)actual,
                  expected);
}

static void assert_all(size_t n, const float *actual, float expected)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(actual[i] == expected, "%.9g instead of %.9g at %zu", (double)actual[i],
                      (double)expected, i);
}

/* Compares value and gradients with the reference, without any allowance for cancellation. */
static void assert_agrees(example e, long double most_ulps)
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

#define NUMBERS(...) ((const float[]){__VA_ARGS__})

/* A loss of pred and target elements, or of one row. */
static example pair(const char *loss, uint32_t n, const float *pred, const float *target,
                    ag_reduction reduction)
{
    return (example){loss, 0, n, {pred, target}, reduction, 0};
}

/* The same of a matrix. */
static example matrix_pair(const char *loss, uint32_t rows, uint32_t columns, const float *pred,
                           const float *target, ag_reduction reduction)
{
    return (example){loss, rows, columns, {pred, target}, reduction, 0};
}

static result pair_of_one(const char *loss, float pred, float target)
{
    return evaluate(pair(loss, 1, &pred, &target, AG_REDUCTION_SUM));
}

static example cosine(uint32_t n, const float *x1, const float *x2, float label, float margin)
{
    static float target; /* lives until the next call, as long as the example is needed */
    target = label;
    return (example){"cosine_embedding_loss", 0, n, {x1, x2, &target}, AG_REDUCTION_SUM, margin};
}

static example triplet(uint32_t n, const float *anchor, const float *positive,
                       const float *negative, float margin)
{
    return (example){"triplet_loss", 0, n, {anchor, positive, negative}, AG_REDUCTION_SUM, margin};
}

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

static example huber(uint32_t n, const float *pred, const float *target, float delta)
{
    return (example){"huber_loss", 0, n, {pred, target}, AG_REDUCTION_NONE, delta};
}

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

START_TEST(bce_with_logits_at_zero)
{
    result r = pair_of_one("bce_with_logits_loss", 0, 1);
    assert_near(r.value[0], logl(2));
    ck_assert(r.gradients[0][0] == -0.5f);
}
END_TEST

/* ---- cross_entropy ---- */

static example cross_entropy(uint32_t n, const float *logits, const float *target)
{
    return pair("cross_entropy_loss", n, logits, target, AG_REDUCTION_SUM);
}

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

START_TEST(hinge_of_infinite_predictions_is_the_limit)
{
    result r = evaluate(
        pair("hinge_loss", 2, NUMBERS(INFINITY, INFINITY), NUMBERS(1, -1), AG_REDUCTION_NONE));
    ck_assert(r.value[0] == 0 && r.value[1] == INFINITY);
    ck_assert(r.gradients[0][0] == 0 && r.gradients[0][1] == 1);
}
END_TEST

/* ---- l2, l1_regularization ---- */

static example single(const char *loss, uint32_t n, const float *weights, ag_reduction reduction)
{
    return (example){loss, 0, n, {weights}, reduction, 0};
}

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

/* ---- cosine ---- */

#define SIMILAR 1
#define DIFFERENT (-1)

START_TEST(cosine_of_a_zero_vector_is_zero)
{
    const float *zero = NUMBERS(0, 0, 0), *other = NUMBERS(1, 2, 3);
    const float *first[] = {zero, other, zero}, *second[] = {other, zero, zero};
    for (size_t i = 0; i < 3; i++) {
        result similar = evaluate(cosine(3, first[i], second[i], SIMILAR, 0));
        result different = evaluate(cosine(3, first[i], second[i], DIFFERENT, -0.5f));
        ck_assert(similar.value[0] == 1 && different.value[0] == 0.5f);
        for (size_t k = 0; k < 2; k++) {
            assert_all(3, similar.gradients[k], 0);
            assert_all(3, different.gradients[k], 0);
        }
    }
}
END_TEST

/* Lengths of 1e-20 and 1e20, whose squares float cannot hold. */
START_TEST(cosine_of_tiny_and_huge_vectors_is_exact)
{
    static const float sizes[] = {1e-20f, 1e20f, 1e-38f, 1e38f, 1e-42f};
    const float base_1[] = {3, 1, -2}, base_2[] = {1, 2, 2};
    for (size_t i = 0; i < 5; i++) {
        for (size_t k = 0; k < 5; k++) {
            float x1[3], x2[3];
            for (size_t j = 0; j < 3; j++) {
                x1[j] = base_1[j] * sizes[i];
                x2[j] = base_2[j] * sizes[k];
            }
            assert_agrees(cosine(3, x1, x2, SIMILAR, 0), 1);
            assert_agrees(cosine(3, x1, x2, DIFFERENT, -0.5f), 1);
        }
    }
}
END_TEST

START_TEST(cosine_of_identical_embeddings_has_no_loss)
{
    const float *x = NUMBERS(0.1f, -3.7f, 1e-3f, 42.42f, 7e5f);
    result r = evaluate(cosine(5, x, x, SIMILAR, 0));
    ck_assert(r.value[0] == 0);
    assert_all(5, r.gradients[0], 0);
    assert_all(5, r.gradients[1], 0);
    r = evaluate(cosine(5, x, x, DIFFERENT, 0.25f));
    ck_assert(r.value[0] == 0.75f);
    assert_all(5, r.gradients[0], 0);
    assert_all(5, r.gradients[1], 0);
}
END_TEST

/* y = factor · x without rounding: x has 12 bits, and so has the factor. */
static void check_parallel(uint32_t n, unsigned seed, float factor)
{
    float x[100], y[100];
    for (uint32_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u; /* D. Knuth's linear congruence, modulus 2^32 */
        x[i] = (float)(seed >> 20) - 2048;
        y[i] = factor * x[i];
    }
    result r = evaluate(cosine(n, x, y, SIMILAR, 0));
    ck_assert_msg(r.value[0] == 0, "%.9g for %u features times %g", (double)r.value[0], (unsigned)n,
                  (double)factor);
    assert_all(n, r.gradients[0], 0);
    assert_all(n, r.gradients[1], 0);
}

START_TEST(cosine_of_parallel_embeddings_has_no_loss)
{
    static const float factors[] = {1, 2, 3, 0.5f, 7, 1001, 2047, 0x1.356p20f, 0x1.aaap-30f};
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
        for (uint32_t n = 1; n <= 100; n += 3)
            check_parallel(n, 1000 * n, factors[i]);
}
END_TEST

START_TEST(cosine_of_opposite_embeddings_is_minus_one)
{
    const float *x = NUMBERS(1, -2, 3, 5), *opposite = NUMBERS(-7, 14, -21, -35);
    result r = evaluate(cosine(4, x, opposite, SIMILAR, 0));
    ck_assert(r.value[0] == 2);
    assert_all(4, r.gradients[0], 0);
    assert_all(4, r.gradients[1], 0);
    r = evaluate(cosine(4, x, opposite, DIFFERENT, -1));
    ck_assert(r.value[0] == 0);
}
END_TEST

/* 1 - cos is 1e-15 here, and the difference of 1 and the cosine has not one right digit. */
/* Far more features than are worked on at once, the second half of which counts as much. */
START_TEST(cosine_of_long_embeddings_counts_every_feature)
{
    enum { N = 20006 };
    ag_arena *arena = ag_arena_create(0);
    ag_tensor *x1 = ag_tensor_create(arena, 1, (uint32_t[]){N});
    ag_tensor *x2 = ag_tensor_create_zeros(arena, 1, (uint32_t[]){N});
    ag_tensor *label = ag_tensor_create(arena, 1, (uint32_t[]){1});
    ag_tensor_fill(x1, 1);
    ag_tensor_fill(label, SIMILAR);
    for (size_t i = 0; i < N / 2; i++)
        x2->data[i] = 1;
    ag_variable *leaf = ag_create_leaf(arena, x1, true);
    ag_variable *loss =
        ag_cosine_embedding_loss(arena, leaf, ag_create_leaf(arena, x2, false),
                                 ag_create_leaf(arena, label, false), 0, AG_REDUCTION_SUM);
    ck_assert_ptr_nonnull(loss);
    assert_near(loss->data->data[0], 1 - sqrtl(0.5L));
    ck_assert_int_eq(ag_backward(arena, loss), AG_OK);
    assert_near(leaf->grad->data[0], sqrtl(0.5L) / N - sqrtl(2) / N);
    assert_near(leaf->grad->data[N - 1], sqrtl(0.5L) / N);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(cosine_of_nearly_identical_embeddings_is_exact)
{
    const float x[] = {0.1f, -0.7f, 0.3f, 0.9f};
    for (size_t i = 0; i < 4; i++) {
        float y[4];
        memcpy(y, x, sizeof y);
        y[i] = nextafterf(y[i], 2);
        assert_agrees(cosine(4, x, y, SIMILAR, 0), 2);
        assert_agrees(cosine(4, x, y, DIFFERENT, 0.5f), 2);
    }
}
END_TEST

START_TEST(cosine_sees_the_smallest_angles)
{
    static const float angles[] = {1e-6f, 1e-9f, 1e-12f, 1e-15f, 1e-17f, 1e-18f, 1e-19f, 3e-22f};
    for (size_t i = 0; i < sizeof angles / sizeof *angles; i++)
        assert_agrees(cosine(2, NUMBERS(1, 0), NUMBERS(1, angles[i]), SIMILAR, 0), 2);
}
END_TEST

START_TEST(cosine_stays_between_minus_one_and_one)
{
    for (int i = 0; i < 2000; i++) {
        float x[3], y[3], minus[3];
        for (int j = 0; j < 3; j++) {
            x[j] = (float)((i * 7919 + j * 104729) % 1009 - 504) / 17;
            y[j] = x[j] * (1 + (float)i / 100);
            minus[j] = -y[j];
        }
        float parallel = evaluate(cosine(3, x, y, SIMILAR, 0)).value[0];
        float opposite = evaluate(cosine(3, x, minus, SIMILAR, 0)).value[0];
        ck_assert_msg(parallel >= 0 && parallel < 1e-6f, "1 - cos = %.9g", (double)parallel);
        ck_assert_msg(opposite <= 2 && opposite > 1.999999f, "1 - cos = %.9g", (double)opposite);
    }
}
END_TEST

/* cos = 1/2 exactly: |x1| |x2| = 2 x1·x2, though neither length is a whole number. */
START_TEST(cosine_margin_met_exactly_has_gradient_zero)
{
    static const float sizes[] = {1, 3, 5, 7, 11, 13, 1000003, 1e-20f};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        float s = sizes[i];
        result r = evaluate(cosine(3, NUMBERS(1, 1, 0), NUMBERS(s, 0, s), DIFFERENT, 0.5f));
        ck_assert_msg(r.value[0] == 0, "%.9g at size %g", (double)r.value[0], (double)s);
        assert_all(3, r.gradients[0], 0);
        assert_all(3, r.gradients[1], 0);
    }
}
END_TEST

START_TEST(cosine_margin_of_one_is_met_by_parallel_embeddings)
{
    const float *x = NUMBERS(0.1f, 0.2f, 0.3f), *y = NUMBERS(0.4f, 0.8f, 1.2f);
    result r = evaluate(cosine(3, x, y, DIFFERENT, 1));
    ck_assert(r.value[0] == 0);
    assert_all(3, r.gradients[0], 0);
}
END_TEST

START_TEST(cosine_margin_kept_has_no_loss)
{
    result r = evaluate(cosine(2, NUMBERS(1, 0), NUMBERS(0, 1), DIFFERENT, 0.5f));
    ck_assert(r.value[0] == 0);
    assert_all(2, r.gradients[0], 0);
    assert_all(2, r.gradients[1], 0);
}
END_TEST

START_TEST(cosine_refuses_other_labels)
{
    example e = cosine(2, NUMBERS(1, 0), NUMBERS(0, 1), 0, 0.5f);
    ck_assert_int_eq(status_of(e), AG_ERROR_DOMAIN);
    ck_assert_str_eq(ag_last_error(), "cosine_embedding_loss: target[0] is 0 but must be -1 or 1");
}
END_TEST

START_TEST(cosine_of_a_single_feature_has_gradient_zero)
{
    result r = evaluate(cosine(1, NUMBERS(0.3f), NUMBERS(0.7f), SIMILAR, 0));
    ck_assert(r.value[0] == 0 && r.gradients[0][0] == 0 && r.gradients[1][0] == 0);
    r = evaluate(cosine(1, NUMBERS(0.3f), NUMBERS(-0.7f), SIMILAR, 0));
    ck_assert(r.value[0] == 2 && r.gradients[0][0] == 0 && r.gradients[1][0] == 0);
}
END_TEST

/* ---- triplet ---- */

START_TEST(triplet_has_no_epsilon)
{
    result r = evaluate(triplet(2, NUMBERS(0, 0), NUMBERS(3, 4), NUMBERS(5, 12), 10));
    ck_assert(r.value[0] == 2);
    assert_near(r.gradients[0][0], -0.6L + 5.0L / 13);
    assert_near(r.gradients[1][0], 0.6L);
    assert_near(r.gradients[1][1], 0.8L);
    assert_near(r.gradients[2][0], -5.0L / 13);
    assert_near(r.gradients[2][1], -12.0L / 13);
}
END_TEST

START_TEST(triplet_margin_met_exactly_has_gradient_zero)
{
    result r = evaluate(triplet(2, NUMBERS(0, 0), NUMBERS(3, 4), NUMBERS(6, 8), 5));
    ck_assert(r.value[0] == 0);
    for (size_t k = 0; k < 3; k++)
        assert_all(2, r.gradients[k], 0);
}
END_TEST

START_TEST(triplet_distance_of_zero_has_gradient_zero)
{
    const float *a = NUMBERS(1, 2), *n = NUMBERS(1, 1);
    result r = evaluate(triplet(2, a, a, n, 3));
    ck_assert(r.value[0] == 2);
    assert_all(2, r.gradients[1], 0);
    ck_assert(r.gradients[0][0] == 0 && r.gradients[0][1] == -1);
    ck_assert(r.gradients[2][0] == 0 && r.gradients[2][1] == 1);
    r = evaluate(triplet(2, a, a, a, 3));
    ck_assert(r.value[0] == 3);
    for (size_t k = 0; k < 3; k++)
        assert_all(2, r.gradients[k], 0);
}
END_TEST

START_TEST(triplet_of_equal_distances_is_the_margin)
{
    const float *p = NUMBERS(1.1f, 2.2f), *n = NUMBERS(2.2f, 1.1f);
    result r = evaluate(triplet(2, NUMBERS(0, 0), p, n, 0.2f));
    ck_assert(r.value[0] == 0.2f);
}
END_TEST

START_TEST(triplet_of_nearly_equal_distances_is_exact)
{
    const float a[] = {0.1f, 0.2f, 0.3f}, p[] = {0.5f, -0.7f, 0.9f};
    float n[3];
    memcpy(n, p, sizeof n);
    n[0] = nextafterf(n[0], 0);
    assert_agrees(triplet(3, a, p, n, 0), 1);
    assert_agrees(triplet(3, a, p, n, 1e-8f), 1);
    assert_agrees(triplet(3, a, n, p, 1), 1);
}
END_TEST

START_TEST(triplet_of_tiny_and_huge_distances_is_exact)
{
    static const float sizes[] = {1e-20f, 1e20f, 1e38f, 1e-44f};
    for (size_t i = 0; i < 4; i++) {
        float s = sizes[i];
        assert_agrees(triplet(2, NUMBERS(0, s), NUMBERS(2 * s, 0), NUMBERS(s, s), 0), 1);
    }
}
END_TEST

START_TEST(triplet_gradient_reaches_all_three)
{
    result r = evaluate(triplet(2, NUMBERS(0, 0), NUMBERS(1, 0), NUMBERS(0, 1), 1));
    ck_assert(r.value[0] == 1);
    ck_assert(r.gradients[0][0] == -1 && r.gradients[0][1] == 1);
    ck_assert(r.gradients[1][0] == 1 && r.gradients[1][1] == 0);
    ck_assert(r.gradients[2][0] == 0 && r.gradients[2][1] == -1);
}
END_TEST

/* ---- infinities ---- */

START_TEST(infinite_differences_give_the_limit)
{
    static const char *const losses[] = {"mse_loss", "l1_loss"};
    for (size_t i = 0; i < 2; i++) {
        float slope = i == 0 ? INFINITY : 1;
        result r = pair_of_one(losses[i], INFINITY, 1);
        ck_assert(r.value[0] == INFINITY && r.gradients[0][0] == slope);
        r = pair_of_one(losses[i], 1, INFINITY);
        ck_assert(r.value[0] == INFINITY && r.gradients[0][0] == -slope);
        r = pair_of_one(losses[i], INFINITY, INFINITY);
        ck_assert(isnan(r.value[0]) && isnan(r.gradients[0][0]));
    }
    result r = evaluate(huber(2, NUMBERS(INFINITY, -INFINITY), NUMBERS(0, 0), 0.5f));
    ck_assert(r.value[0] == INFINITY && r.value[1] == INFINITY);
    ck_assert(r.gradients[0][0] == 0.5f && r.gradients[0][1] == -0.5f);
}
END_TEST

START_TEST(infinite_weights_give_the_limit)
{
    result r = evaluate(single("l2_loss", 1, NUMBERS(-INFINITY), AG_REDUCTION_SUM));
    ck_assert(r.value[0] == INFINITY && r.gradients[0][0] == -INFINITY);
    r = evaluate(single("l1_regularization", 1, NUMBERS(-INFINITY), AG_REDUCTION_SUM));
    ck_assert(r.value[0] == INFINITY && r.gradients[0][0] == -1);
}
END_TEST

/* With one infinite component the direction has a limit, with two it has none. */
START_TEST(cosine_of_infinite_components_gives_the_limit)
{
    const float *y = NUMBERS(3, 4);
    result r = evaluate(cosine(2, NUMBERS(INFINITY, 7), y, SIMILAR, 0));
    assert_near(r.value[0], 0.4L);
    assert_all(2, r.gradients[0], 0);
    r = evaluate(cosine(2, NUMBERS(7, -INFINITY), y, SIMILAR, 0));
    assert_near(r.value[0], 1.8L);
    r = evaluate(cosine(2, y, NUMBERS(INFINITY, 7), SIMILAR, 0));
    assert_near(r.value[0], 0.4L);
    assert_all(2, r.gradients[1], 0);
    r = evaluate(cosine(2, NUMBERS(INFINITY, INFINITY), y, SIMILAR, 0));
    ck_assert(isnan(r.value[0]) && isnan(r.gradients[0][0]));
    r = evaluate(cosine(2, y, NUMBERS(INFINITY, INFINITY), SIMILAR, 0));
    ck_assert(isnan(r.value[0]) && isnan(r.gradients[1][0]));
}
END_TEST

START_TEST(triplet_of_infinite_components_gives_the_limit)
{
    const float *a = NUMBERS(0, 0), *far = NUMBERS(INFINITY, 0), *near = NUMBERS(0, 1);
    result r = evaluate(triplet(2, a, far, near, 1));
    ck_assert(r.value[0] == INFINITY);
    ck_assert(r.gradients[1][0] == 1 && r.gradients[1][1] == 0);
    r = evaluate(triplet(2, a, near, far, 1));
    ck_assert(r.value[0] == 0);
    for (size_t k = 0; k < 3; k++)
        assert_all(2, r.gradients[k], 0);
    r = evaluate(triplet(2, a, far, far, 1));
    ck_assert(isnan(r.value[0]));
    /* a second difference is beyond float, but not infinite */
    r = evaluate(triplet(2, NUMBERS(0, 3e38f), NUMBERS(INFINITY, -3e38f), NUMBERS(0, 0), 1));
    ck_assert(r.gradients[1][0] == 1 && r.gradients[1][1] == 0);
}
END_TEST

enum { LONG_ROW = 1100, FAR_IN = 1050 }; /* beyond the pieces in which a row is computed */

/* Two rows: the first of plain numbers, the second with an infinity far in. */
static const float *two_rows(float *rows, float first, float infinity)
{
    for (size_t i = 0; i < 2 * LONG_ROW; i++)
        rows[i] = i < LONG_ROW ? first : 0;
    rows[LONG_ROW + FAR_IN] = infinity;
    return rows;
}

static void assert_limit_far_in(float first_anchor, float anchor, float first_other, float other,
                                float expected)
{
    static float a[2 * LONG_ROW], p[2 * LONG_ROW], grads[2][2 * LONG_ROW];
    ag_arena *arena = ag_arena_create(0);
    const uint32_t shape[] = {2, LONG_ROW};
    ag_tensor *anchors = ag_tensor_wrap(arena, 2, shape, a);
    ag_tensor *others = ag_tensor_wrap(arena, 2, shape, p);
    ag_tensor *out = ag_tensor_wrap(arena, 2, shape, grads[0]);
    ag_tensor *same = ag_tensor_wrap(arena, 2, shape, grads[1]), *one = ones_like(arena, out);
    one->size = one->shape[0] = one->ndims = 1;
    two_rows(a, first_anchor, anchor);
    two_rows(p, first_other, other);
    ag_tensor *near = ag_tensor_create_zeros(arena, 2, shape);
    ck_assert_int_eq(ag_tensor_triplet_loss_grad(NULL, out, NULL, anchors, others, near, one, 1,
                                                 AG_REDUCTION_SUM),
                     AG_OK);
    ck_assert_int_eq(ag_tensor_triplet_loss_grad(NULL, NULL, same, anchors, others, others, one, 1,
                                                 AG_REDUCTION_SUM),
                     AG_OK);
    ck_assert_msg(grads[0][LONG_ROW + FAR_IN] == expected, "%g instead of %g",
                  (double)grads[0][LONG_ROW + FAR_IN], (double)expected);
    ck_assert(grads[1][LONG_ROW + FAR_IN] == -expected); /* the loss is NaN, its slopes are not */
    ag_arena_destroy(arena);
}

START_TEST(triplet_finds_an_infinite_component_wherever_it_is)
{
    assert_limit_far_in(-5, INFINITY, 0, 0, -1);
    assert_limit_far_in(5, -INFINITY, 0, 0, 1);
    assert_limit_far_in(-5, 0, 100, -INFINITY, -1);
    assert_limit_far_in(5, 0, -100, INFINITY, 1);
}
END_TEST

START_TEST(nan_label_of_cosine_is_not_masked_by_a_flat_gradient)
{
    static const float zero[] = {0, 0}, x[] = {1, 2}, twice[] = {2, 4}, label = NAN;
    const float *pairs[][2] = {{zero, x}, {x, twice}};
    for (size_t i = 0; i < 2; i++) {
        example e = {"cosine_embedding_loss", 0, 2, {pairs[i][0], pairs[i][1], &label},
                     AG_REDUCTION_SUM,        0};
        result r = evaluate(e);
        ck_assert(isnan(r.value[0]));
        for (size_t k = 0; k < 4; k++)
            ck_assert(isnan(r.gradients[k / 2][k % 2]));
    }
}
END_TEST

/* What a row gives depends on nothing but the row. */
START_TEST(rows_do_not_depend_on_the_rows_around_them)
{
    static const char *const losses[] = {"cross_entropy_loss", "nll_loss", "triplet_loss"};
    enum { ROWS = 5, COLUMNS = 3 };
    float x[3][ROWS * COLUMNS];
    ag_random random = ag_random_create(3);
    for (size_t i = 0; i < 3 * ROWS * COLUMNS; i++)
        x[i / (ROWS * COLUMNS)][i % (ROWS * COLUMNS)] = ag_random_normal(&random, 0, 2);
    for (size_t k = 0; k < 3; k++) {
        example all = {losses[k], ROWS, COLUMNS, {x[0], x[1], x[2]}, AG_REDUCTION_NONE, 1};
        result together = evaluate(all);
        for (size_t row = 0; row < ROWS; row++) {
            size_t at = row * COLUMNS;
            example one = {losses[k],        0, COLUMNS, {x[0] + at, x[1] + at, x[2] + at},
                           AG_REDUCTION_SUM, 1};
            result alone = evaluate(one);
            ck_assert_mem_eq(&alone.value[0], &together.value[row], sizeof(float));
            ck_assert_mem_eq(alone.gradients[0], together.gradients[0] + at,
                             COLUMNS * sizeof(float));
        }
    }
}
END_TEST

/* ---- focal losses, log-cosh, divergences, overlaps ---- */

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

/* ---- NaN ---- */

typedef enum nan_range {
    REACHES_NOTHING,
    REACHES_ELEMENT,
    REACHES_LABEL, /* the element, and of its row the labels; from a label all that are none */
    REACHES_ROW
} nan_range;

/* How far NaN in one input reaches in the gradient to another: what that gradient is made of. */
typedef struct nan_reach {
    const char *loss;
    nan_range reaches[AG__MAX_INPUTS][AG__MAX_INPUTS]; /* [input with NaN][gradient] */
} nan_reach;

static const nan_reach nan_reaches[] = {
    {"mse_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"l1_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"huber_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"bce_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"bce_with_logits_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"cross_entropy_loss", {{REACHES_ROW}, {REACHES_ROW}}},
    {"cross_entropy_labels_loss", {{REACHES_ROW}}},
    {"nll_loss", {{REACHES_NOTHING}, {REACHES_ELEMENT}}},
    {"nll_labels_loss", {{REACHES_NOTHING}}},
    {"kl_div_loss", {{REACHES_NOTHING}, {REACHES_ELEMENT}}},
    {"hinge_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"l2_loss", {{REACHES_ELEMENT}}},
    {"l1_regularization", {{REACHES_ELEMENT}}},
    {"cosine_embedding_loss",
     {{REACHES_ROW, REACHES_ROW}, {REACHES_ROW, REACHES_ROW}, {REACHES_ROW, REACHES_ROW}}},
    {"smooth_l1_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"soft_margin_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"hinge_embedding_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"margin_ranking_loss",
     {{REACHES_ELEMENT, REACHES_ELEMENT},
      {REACHES_ELEMENT, REACHES_ELEMENT},
      {REACHES_ELEMENT, REACHES_ELEMENT}}},
    {"poisson_nll_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"gaussian_nll_loss",
     {{REACHES_ELEMENT, REACHES_ELEMENT},
      {REACHES_ELEMENT, REACHES_ELEMENT},
      {REACHES_ELEMENT, REACHES_ELEMENT}}},
    {"log_cosh_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"quantile_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"squared_hinge_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"focal_with_logits_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"focal_loss", {{REACHES_ROW}, {REACHES_ROW}}},
    {"generalized_cross_entropy_loss", {{REACHES_ROW}, {REACHES_ROW}}},
    {"dice_loss", {{REACHES_ROW}, {REACHES_ROW}}},
    {"tversky_loss", {{REACHES_ROW}, {REACHES_ROW}}},
    {"jensen_shannon_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"distillation_loss", {{REACHES_ROW}, {REACHES_ROW}}},
    {"multilabel_soft_margin_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"multi_margin_loss", {{REACHES_LABEL}}},
    {"multilabel_margin_loss", {{REACHES_LABEL}}},
    {"triplet_loss",
     {{REACHES_ROW, REACHES_ROW, REACHES_ROW},
      {REACHES_ROW, REACHES_ROW, REACHES_NOTHING},
      {REACHES_ROW, REACHES_NOTHING, REACHES_ROW}}},
};

static const nan_reach *nan_reach_of(const char *loss)
{
    for (size_t i = 0; i < sizeof nan_reaches / sizeof *nan_reaches; i++)
        if (strcmp(nan_reaches[i].loss, loss) == 0) return &nan_reaches[i];
    ck_abort_msg("%s: where does NaN go in its gradients? Add it to nan_reaches", loss);
    return NULL;
}

static bool is_row_loss(const op_case *c)
{
    op_case none = *c;
    none.reduction = AG_REDUCTION_NONE;
    ag_arena *arena = ag_arena_create(0);
    op_arguments arguments = op_create_inputs(&none, arena);
    op_oracle oracle = op_oracle_create(&none, &arguments);
    bool by_rows = op_result_shape(&oracle).ndims < c->shapes[0].ndims;
    op_oracle_destroy(&oracle);
    ag_arena_destroy(arena);
    return by_rows;
}

typedef struct nan_place {
    const op_case *spec;
    uint32_t input;
    size_t index, row; /* of the NaN */
    const op_arguments *arguments;
    bool by_rows;
} nan_place;

static void assert_nan_in_value(const nan_place *place, const ag_tensor *value)
{
    size_t expected = place->by_rows ? place->row : place->index;
    for (size_t i = 0; i < value->size; i++) {
        bool wanted = value->size == 1 || i == expected;
        ck_assert_msg(isnan(value->data[i]) == wanted, "%s: NaN in %s at %zu: value %zu is %g",
                      op_describe(place->spec).text,
                      place->spec->entry->op->input_names[place->input], place->index, i,
                      (double)value->data[i]);
    }
}

/* Whether an element is of a class that is a label of its row. */
static bool is_labelled(const op_arguments *arguments, size_t index)
{
    const ag_tensor *x = arguments->tensors[0];
    const ag_indices *labels = arguments->indices;
    size_t columns = x->shape[1], each = labels->size / x->shape[0];
    for (size_t k = 0; k < each; k++) {
        int32_t label = labels->data[index / columns * each + k];
        if (label < 0) break;
        if ((size_t)label == index % columns) return true;
    }
    return false;
}

/* Whether one of two elements of a row is a label of it and the other is not. */
static bool are_compared(const op_arguments *arguments, size_t i, size_t j)
{
    return is_labelled(arguments, i) != is_labelled(arguments, j);
}

static void assert_nan_in_gradient(const nan_place *place, uint32_t output, const ag_tensor *grad)
{
    const char *loss = place->spec->entry->name;
    nan_range reach = nan_reach_of(loss)->reaches[place->input][output];
    size_t columns = grad->shape[grad->ndims - 1];
    for (size_t i = 0; i < grad->size; i++) {
        bool in_row = i / columns == place->row;
        bool wanted =
            (reach == REACHES_ELEMENT && i == place->index) || (reach == REACHES_ROW && in_row) ||
            (reach == REACHES_LABEL &&
             (i == place->index || (in_row && are_compared(place->arguments, i, place->index))));
        bool may = reach == REACHES_NOTHING && i / columns == place->row;
        ck_assert_msg(may || isnan(grad->data[i]) == wanted,
                      "%s: NaN in %s at %zu: gradient to %s at %zu is %g",
                      op_describe(place->spec).text,
                      place->spec->entry->op->input_names[place->input], place->index,
                      place->spec->entry->op->input_names[output], i, (double)grad->data[i]);
    }
}

/* The element of the same row that the label chooses. */
static size_t at_label(const op_arguments *arguments, size_t index)
{
    size_t columns = arguments->tensors[0]->shape[1], row = index / columns;
    return row * columns + (size_t)arguments->indices->data[row];
}

static void check_nan_at(const op_case *c, uint32_t input, size_t index)
{
    ag_arena *arena = ag_arena_create(0);
    op_arguments arguments = op_create_inputs(c, arena);
    ag_tensor *tensor = arguments.tensors[input];
    if (strcmp(c->entry->name, "nll_labels_loss") == 0) /* reads no other */
        index = at_label(&arguments, index);
    tensor->data[index] = NAN;
    size_t columns = c->entry->op->labels_rows && input == 2 ? 1 : c->shapes[0].dims[1];
    nan_place place = {c, input, index, index / columns, &arguments, is_row_loss(c)};
    op_create_leaves(&arguments, arena, true);
    ag_variable *loss = c->entry->graph(arena, &arguments);
    ck_assert_msg(loss != NULL, "%s", ag_last_error());
    assert_nan_in_value(&place, loss->data);
    ck_assert_int_eq(ag_backward_from(arena, loss, ones_like(arena, loss->data)), AG_OK);
    for (uint32_t k = 0; k < c->entry->op->num_differentiable; k++)
        assert_nan_in_gradient(&place, k, arguments.variables[k]->grad);
    ag_arena_destroy(arena);
}

START_TEST(nan_in_any_position_goes_into_loss_and_gradient)
{
    op_case c;
    for (size_t k = 0; op_case_at(&op_entries[_i], OP_SMALL, k, &c); k++) {
        if (c.shapes[0].ndims != 2 || c.shapes[0].dims[0] != 3) continue;
        for (uint32_t i = 0; i < c.entry->op->num_inputs; i++) {
            size_t size =
                (size_t)c.shapes[i].dims[0] * (c.shapes[i].ndims > 1 ? c.shapes[i].dims[1] : 1);
            for (size_t index = 0; index < size; index++)
                check_nan_at(&c, i, index);
        }
    }
}
END_TEST

START_TEST(nan_is_not_masked_by_a_margin)
{
    result hinge = pair_of_one("hinge_loss", NAN, 1);
    ck_assert(isnan(hinge.value[0]) && isnan(hinge.gradients[0][0]));
    const float *x = NUMBERS(1, NAN), *y = NUMBERS(-1, 0), *zero = NUMBERS(0, 0);
    result pair = evaluate(cosine(2, x, y, DIFFERENT, 0.9f));
    ck_assert(isnan(pair.value[0]) && isnan(pair.gradients[0][0]) && isnan(pair.gradients[1][1]));
    result with_zero = evaluate(cosine(2, x, zero, SIMILAR, 0));
    ck_assert(isnan(with_zero.value[0]) && isnan(with_zero.gradients[0][0]));
    result three = evaluate(triplet(2, y, y, x, -100));
    ck_assert(isnan(three.value[0]) && isnan(three.gradients[0][0]));
    ck_assert(isnan(three.gradients[2][0]));
}
END_TEST

/* A target of 0 hides an infinite logarithm, but not NaN. */
START_TEST(nan_is_not_masked_by_a_target_of_zero)
{
    ck_assert(isnan(pair_of_one("kl_div_loss", NAN, 0).value[0]));
    const float *logits = NUMBERS(1, NAN, 2), *target = NUMBERS(1, 0, 0);
    ck_assert(isnan(evaluate(cross_entropy(3, logits, target)).value[0]));
    ck_assert(isnan(evaluate(pair("nll_loss", 3, logits, target, AG_REDUCTION_SUM)).value[0]));
    ck_assert(isnan(pair_of_one("bce_with_logits_loss", NAN, 0).value[0]));
    ck_assert(isnan(pair_of_one("bce_loss", NAN, 0).value[0]));
}
END_TEST

/* ---- denormals ---- */

START_TEST(denormal_numbers_keep_their_value)
{
    const float d = 1e-45f, big = 1e-39f;
    ck_assert(pair_of_one("l1_loss", 3 * d, d).value[0] == 2 * d);
    ck_assert(pair_of_one("l1_loss", 3 * d, d).gradients[0][0] == 1);
    ck_assert(pair_of_one("mse_loss", big, 0).gradients[0][0] == 2 * big);
    ck_assert(evaluate(single("l2_loss", 1, &d, AG_REDUCTION_SUM)).gradients[0][0] == d);
    ck_assert(evaluate(single("l1_regularization", 1, &big, AG_REDUCTION_SUM)).value[0] == big);
    ck_assert(pair_of_one("nll_loss", -big, 1).value[0] == big);
    ck_assert(evaluate(huber(1, &big, NUMBERS(0), 1)).gradients[0][0] == big);
    ck_assert(pair_of_one("hinge_loss", 1, 1).value[0] == 0);
    assert_near(pair_of_one("kl_div_loss", 0, big).value[0],
                (long double)big * logl((long double)big));
    ck_assert(pair_of_one("kl_div_loss", 0, big).gradients[0][0] == -big);
    assert_near(pair_of_one("bce_loss", big, 1).value[0], -logl((long double)big));
}
END_TEST

/* 2 · 1.2e-38 / 8 is denormal: it is neither flushed to 0 nor rounded twice. */
START_TEST(gradients_become_denormal)
{
    float pred[8] = {1.2e-38f}, target[8] = {0};
    result r = evaluate(pair("mse_loss", 8, pred, target, AG_REDUCTION_MEAN));
    ck_assert(r.gradients[0][0] == 0.25f * 1.2e-38f);
}
END_TEST

/* ---- many elements ---- */

#define MANY ((uint32_t)1 << 25)

static ag_tensor *create_filled(ag_arena *arena, uint32_t n, float value)
{
    ag_tensor *tensor = ag_tensor_create(arena, 1, &n);
    ck_assert_ptr_nonnull(tensor);
    ag_tensor_fill(tensor, value);
    return tensor;
}

/* One float accumulator would give 0.0625. */
START_TEST(mean_of_many_equal_values_is_that_value)
{
    ag_arena *arena = ag_arena_create(0);
    const ag_tensor *weights = create_filled(arena, MANY, 0.1f);
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1});
    for (int threads = 1; threads <= 3; threads++) {
        ag_set_num_threads(threads);
        ck_assert_int_eq(ag_tensor_l1_regularization(out, weights, AG_REDUCTION_MEAN), AG_OK);
        ck_assert(out->data[0] == 0.1f);
        ck_assert_int_eq(ag_tensor_l2_loss(out, weights, AG_REDUCTION_MEAN), AG_OK);
        ck_assert(out->data[0] == (float)(0.5 * (double)0.1f * (double)0.1f));
    }
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(mean_of_many_equal_squares_is_that_square)
{
    ag_arena *arena = ag_arena_create(0);
    const ag_tensor *pred = create_filled(arena, MANY, 0.1f);
    const ag_tensor *target = create_filled(arena, MANY, 0);
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1});
    for (int threads = 1; threads <= 3; threads++) {
        ag_set_num_threads(threads);
        ck_assert_int_eq(ag_tensor_mse_loss(out, pred, target, AG_REDUCTION_MEAN), AG_OK);
        ck_assert(out->data[0] == (float)((double)0.1f * (double)0.1f));
        ck_assert_int_eq(ag_tensor_l1_loss(out, pred, target, AG_REDUCTION_MEAN), AG_OK);
        ck_assert(out->data[0] == 0.1f);
        ck_assert_int_eq(ag_tensor_l1_loss(out, pred, target, AG_REDUCTION_SUM), AG_OK);
        assert_near(out->data[0], (long double)0.1f * MANY);
    }
    ag_arena_destroy(arena);
}
END_TEST

/* ---- reductions ---- */

START_TEST(reductions_divide_by_what_they_say)
{
    example e = matrix_pair("mse_loss", 2, 3, NUMBERS(1, 2, 3, 4, 5, 6), NUMBERS(0, 0, 0, 0, 0, 0),
                            AG_REDUCTION_MEAN);
    static const float divisors[] = {
        [AG_REDUCTION_MEAN] = 6, [AG_REDUCTION_SUM] = 1, [AG_REDUCTION_BATCHMEAN] = 2};
    static const ag_reduction reductions[] = {AG_REDUCTION_MEAN, AG_REDUCTION_SUM,
                                              AG_REDUCTION_BATCHMEAN};
    for (size_t i = 0; i < 3; i++) {
        e.reduction = reductions[i];
        result r = evaluate(e);
        assert_near(r.value[0], 91 / (long double)divisors[reductions[i]]);
        assert_near(r.gradients[0][5], 12 / (long double)divisors[reductions[i]]);
    }
}
END_TEST

START_TEST(none_gives_each_element)
{
    example e = pair("mse_loss", 3, NUMBERS(1, 2, 3), NUMBERS(0, 0, 0), AG_REDUCTION_NONE);
    result r = evaluate(e);
    ck_assert(r.value[0] == 1 && r.value[1] == 4 && r.value[2] == 9);
    ck_assert(r.gradients[0][0] == 2 && r.gradients[0][1] == 4 && r.gradients[0][2] == 6);
}
END_TEST

START_TEST(row_losses_divide_by_rows)
{
    example e = matrix_pair("nll_loss", 2, 3, NUMBERS(-1, -2, -3, -4, -5, -6),
                            NUMBERS(1, 0, 0, 0, 0, 1), AG_REDUCTION_MEAN);
    ck_assert(evaluate(e).value[0] == 3.5f);
    e.reduction = AG_REDUCTION_BATCHMEAN;
    ck_assert(evaluate(e).value[0] == 3.5f);
    e.reduction = AG_REDUCTION_NONE;
    ck_assert(evaluate(e).value[0] == 1 && evaluate(e).value[1] == 6);
}
END_TEST

START_TEST(batchmean_of_one_dimension_is_the_sum)
{
    example e = pair("mse_loss", 3, NUMBERS(1, 2, 3), NUMBERS(0, 0, 0), AG_REDUCTION_BATCHMEAN);
    ck_assert(evaluate(e).value[0] == 14);
}
END_TEST

START_TEST(backward_from_an_unreduced_loss_says_what_to_do)
{
    ag_arena *arena = ag_arena_create(0);
    ag_variable *pred = ag_create_leaf(arena, create_filled(arena, 3, 1), true);
    ag_variable *target = ag_create_leaf(arena, create_filled(arena, 3, 0), false);
    ag_variable *loss = ag_mse_loss(arena, pred, target, AG_REDUCTION_NONE);
    ck_assert_int_eq(ag_backward(arena, loss), AG_ERROR_GRAPH);
    ck_assert_ptr_nonnull(strstr(ag_last_error(), "ag_backward_from"));
    ck_assert_ptr_null(pred->grad);
    ag_arena_destroy(arena);
}
END_TEST

/* ---- what differs from PyTorch, and what went wrong in the original ---- */

START_TEST(nothing_is_broadcast)
{
    ag_arena *arena = ag_arena_create(0);
    ag_variable *column =
        ag_create_leaf(arena, ag_tensor_create_zeros(arena, 2, (uint32_t[]){4, 1}), true);
    ag_variable *row =
        ag_create_leaf(arena, ag_tensor_create_zeros(arena, 1, (uint32_t[]){4}), false);
    ck_assert_ptr_null(ag_mse_loss(arena, column, row, AG_REDUCTION_MEAN));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_SHAPE);
    ck_assert_str_eq(ag_last_error(), "mse_loss: pred is [4, 1] but target is [4]");
    ck_assert_ptr_null(column->grad);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(targets_that_want_a_gradient_get_none)
{
    ag_arena *arena = ag_arena_create(0);
    ag_variable *pred = ag_create_leaf(arena, create_filled(arena, 3, 1), true);
    ag_variable *target = ag_create_leaf(arena, create_filled(arena, 3, 0), true);
    ag_variable *loss = ag_mse_loss(arena, pred, target, AG_REDUCTION_SUM);
    ck_assert_int_eq(ag_backward(arena, loss), AG_OK);
    assert_all(3, pred->grad->data, 2);
    ck_assert_ptr_null(target->grad);
    ag_arena_destroy(arena);
}
END_TEST

/* The original's value and gradient had different epsilons; here neither has one. */
START_TEST(values_and_gradients_agree_for_small_numbers)
{
    static const float sizes[] = {1e-3f, 1e-6f, 1e-8f, 1e-12f};
    for (size_t i = 0; i < 4; i++) {
        float s = sizes[i];
        const float *a = NUMBERS(s, 2 * s), *b = NUMBERS(3 * s, -s), *c = NUMBERS(0, s / 2);
        assert_agrees(cosine(2, a, b, SIMILAR, 0), 1);
        assert_agrees(triplet(2, a, b, c, s), 1);
        assert_agrees(pair("bce_loss", 2, a, NUMBERS(1, 0.5f), AG_REDUCTION_MEAN), 1);
    }
}
END_TEST

START_TEST(cosine_gradient_reaches_both)
{
    result r = evaluate(cosine(2, NUMBERS(1, 0), NUMBERS(0, 2), SIMILAR, 0));
    ck_assert(r.value[0] == 1);
    ck_assert(r.gradients[0][0] == 0 && r.gradients[0][1] == -1);
    ck_assert(r.gradients[1][0] == -0.5f && r.gradients[1][1] == 0);
    r = evaluate(cosine(2, NUMBERS(1, 0), NUMBERS(0, 2), DIFFERENT, -0.5f));
    ck_assert(r.value[0] == 0.5f);
    ck_assert(r.gradients[0][1] == 1 && r.gradients[1][0] == 0.5f);
}
END_TEST

START_TEST(second_backward_does_not_count_interior_gradients_twice)
{
    ag_arena *arena = ag_arena_create(0);
    ag_variable *x = ag_create_leaf(arena, create_filled(arena, 4, 1), true);
    ag_variable *target = ag_create_leaf(arena, create_filled(arena, 4, 0), false);
    ag_variable *hidden = ag_scale(arena, ag_scale(arena, x, 3), 2);
    ag_variable *loss = ag_mse_loss(arena, hidden, target, AG_REDUCTION_SUM);
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(ag_backward(arena, loss), AG_OK);
        assert_all(4, x->grad->data, (float)i * 72); /* 2 · 6² */
        assert_all(4, hidden->grad->data, 12);
        ck_assert(loss->grad->data[0] == 1);
    }
    ag_arena_destroy(arena);
}
END_TEST

#define DEEP 300000

START_TEST(deep_graphs_do_not_overflow_the_stack)
{
    ag_arena *arena = ag_arena_create(1 << 20);
    ag_variable *x = ag_create_leaf(arena, create_filled(arena, 1, 2), true), *node = x;
    for (int i = 0; i < DEEP; i++)
        node = ag_scale(arena, node, i % 2 == 0 ? 2 : 0.5f);
    ag_variable *loss = ag_l2_loss(arena, node, AG_REDUCTION_SUM);
    ck_assert_ptr_nonnull(loss);
    ck_assert_int_eq(ag_backward(arena, loss), AG_OK);
    ck_assert(x->grad->data[0] == 2);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(running_out_of_memory_is_an_error)
{
    ag_arena *arena = ag_arena_create(0);
    ag_variable *x = ag_create_leaf(arena, create_filled(arena, 1 << 20, 1), true);
    size_t used = ag_arena_used(arena);
    ag_arena_set_limit(arena, ag_arena_capacity(arena));
    ck_assert_ptr_null(ag_relu(arena, x));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_MEMORY);
    ck_assert_uint_eq(ag_arena_used(arena), used);
    ag_arena_destroy(arena);
}
END_TEST

/* The threads of this process as Linux lists them; 0 where it does not. */
static int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    while (tasks != NULL && readdir(tasks) != NULL)
        count++;
    if (tasks != NULL) closedir(tasks);
    return count;
}

/* 8200 elements are several blocks, but less work than waking a thread. */
static void call_mse_of_several_blocks(void)
{
    ag_arena *arena = ag_arena_create(0);
    ag_variable *pred = ag_create_leaf(arena, create_filled(arena, 8200, 1), true);
    ag_variable *target = ag_create_leaf(arena, create_filled(arena, 8200, 0), false);
    ag_variable *loss = ag_mse_loss(arena, pred, target, AG_REDUCTION_MEAN);
    ck_assert_int_eq(ag_backward(arena, loss), AG_OK);
    ag_arena_destroy(arena);
}

START_TEST(small_losses_use_one_thread)
{
    ag_set_num_threads(4);
    int before = count_threads();
    call_mse_of_several_blocks();
    ck_assert_msg(count_threads() == before, "mse_loss started threads");
    for (int i = 0; i < num_loss_entries; i++) {
        op_case c;
        for (size_t k = 0; op_case_at(&op_entries[i], OP_SMALL, k, &c); k++) {
            ag_arena *arena = ag_arena_create(0);
            op_arguments arguments = op_create_inputs(&c, arena);
            op_create_leaves(&arguments, arena, true);
            ag_variable *loss = c.entry->graph(arena, &arguments);
            ck_assert_int_eq(ag_backward_from(arena, loss, ones_like(arena, loss->data)), AG_OK);
            ag_arena_destroy(arena);
        }
        ck_assert_msg(count_threads() == before, "%s started threads", op_entries[i].name);
    }
    ag_set_num_threads(0);
}
END_TEST

/* ---- the suite ---- */

static void add_pairs(Suite *suite)
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
    tcase_add_test(tests, bce_floors_the_logarithm_at_minus_100);
    tcase_add_test(tests, bce_gradient_floors_the_variance_at_1e_12);
    tcase_add_test(tests, bce_refuses_what_is_no_probability);
    tcase_add_test(tests, bce_takes_soft_labels);
    tcase_add_test(tests, bce_with_logits_is_exact_in_both_tails);
    tcase_add_test(tests, bce_with_logits_of_a_wrong_certainty_is_the_logit);
    tcase_add_test(tests, bce_with_logits_of_infinite_logits_is_the_limit);
    tcase_add_test(tests, bce_with_logits_at_zero);
    tcase_add_test(tests, kl_div_is_zero_where_the_target_is);
    tcase_add_test(tests, kl_div_of_an_impossible_event_is_infinite);
    tcase_add_test(tests, kl_div_of_equal_distributions_nearly_cancels);
    tcase_add_test(tests, kl_div_refuses_negative_targets);
    tcase_add_test(tests, kl_div_batchmean_divides_by_the_first_dimension);
    tcase_add_test(tests, hinge_kink_has_gradient_zero);
    tcase_add_test(tests, hinge_refuses_labels_of_zero_and_one);
    tcase_add_test(tests, hinge_of_infinite_predictions_is_the_limit);
    tcase_add_test(tests, l2_gradient_is_the_weight);
    tcase_add_test(tests, l2_squares_beyond_float_have_a_mean);
    tcase_add_test(tests, l1_regularization_kink_has_gradient_zero);
}

static void add_classes(Suite *suite)
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
    tcase_add_test(tests, nll_ignores_impossible_classes_that_are_not_wanted);
}

static void add_embeddings(Suite *suite)
{
    TCase *tests = add_case(suite, "embeddings");
    tcase_add_test(tests, cosine_of_a_zero_vector_is_zero);
    tcase_add_test(tests, cosine_of_tiny_and_huge_vectors_is_exact);
    tcase_add_test(tests, cosine_of_identical_embeddings_has_no_loss);
    tcase_add_test(tests, cosine_of_parallel_embeddings_has_no_loss);
    tcase_add_test(tests, cosine_of_opposite_embeddings_is_minus_one);
    tcase_add_test(tests, cosine_of_long_embeddings_counts_every_feature);
    tcase_add_test(tests, cosine_of_nearly_identical_embeddings_is_exact);
    tcase_add_test(tests, cosine_sees_the_smallest_angles);
    tcase_add_test(tests, cosine_stays_between_minus_one_and_one);
    tcase_add_test(tests, cosine_margin_met_exactly_has_gradient_zero);
    tcase_add_test(tests, cosine_margin_of_one_is_met_by_parallel_embeddings);
    tcase_add_test(tests, cosine_margin_kept_has_no_loss);
    tcase_add_test(tests, cosine_refuses_other_labels);
    tcase_add_test(tests, cosine_of_a_single_feature_has_gradient_zero);
    tcase_add_test(tests, cosine_gradient_reaches_both);
    tcase_add_test(tests, triplet_has_no_epsilon);
    tcase_add_test(tests, triplet_margin_met_exactly_has_gradient_zero);
    tcase_add_test(tests, triplet_distance_of_zero_has_gradient_zero);
    tcase_add_test(tests, triplet_of_equal_distances_is_the_margin);
    tcase_add_test(tests, triplet_of_nearly_equal_distances_is_exact);
    tcase_add_test(tests, triplet_of_tiny_and_huge_distances_is_exact);
    tcase_add_test(tests, triplet_gradient_reaches_all_three);
}

static void add_special_numbers(Suite *suite)
{
    TCase *tests = add_case(suite, "special numbers");
    tcase_add_test(tests, infinite_differences_give_the_limit);
    tcase_add_test(tests, infinite_weights_give_the_limit);
    tcase_add_test(tests, cosine_of_infinite_components_gives_the_limit);
    tcase_add_test(tests, triplet_of_infinite_components_gives_the_limit);
    tcase_add_test(tests, triplet_finds_an_infinite_component_wherever_it_is);
    tcase_add_test(tests, nan_label_of_cosine_is_not_masked_by_a_flat_gradient);
    tcase_add_test(tests, rows_do_not_depend_on_the_rows_around_them);
    tcase_add_test(tests, focal_gamma_below_one_at_saturated_logits);
    tcase_add_test(tests, focal_is_exact_where_it_is_nearly_certain);
    tcase_add_test(tests, log_cosh_keeps_the_smallest_and_the_largest_differences);
    tcase_add_test(tests, divergences_of_equal_rows_are_0);
    tcase_add_test(tests, jensen_shannon_of_disjoint_rows_is_log_2);
    tcase_add_test(tests, dice_of_a_perfect_prediction_is_0);
    tcase_add_loop_test(tests, nan_in_any_position_goes_into_loss_and_gradient, 0,
                        num_loss_entries);
    tcase_add_test(tests, nan_is_not_masked_by_a_margin);
    tcase_add_test(tests, nan_is_not_masked_by_a_target_of_zero);
    tcase_add_test(tests, denormal_numbers_keep_their_value);
    tcase_add_test(tests, gradients_become_denormal);
}

static void add_behaviour(Suite *suite)
{
    TCase *tests = add_case(suite, "behaviour");
    tcase_add_test(tests, mean_of_many_equal_values_is_that_value);
    tcase_add_test(tests, mean_of_many_equal_squares_is_that_square);
    tcase_add_test(tests, reductions_divide_by_what_they_say);
    tcase_add_test(tests, none_gives_each_element);
    tcase_add_test(tests, row_losses_divide_by_rows);
    tcase_add_test(tests, batchmean_of_one_dimension_is_the_sum);
    tcase_add_test(tests, backward_from_an_unreduced_loss_says_what_to_do);
    tcase_add_test(tests, nothing_is_broadcast);
    tcase_add_test(tests, targets_that_want_a_gradient_get_none);
    tcase_add_test(tests, values_and_gradients_agree_for_small_numbers);
    tcase_add_test(tests, second_backward_does_not_count_interior_gradients_twice);
    tcase_add_test(tests, deep_graphs_do_not_overflow_the_stack);
    tcase_add_test(tests, running_out_of_memory_is_an_error);
    tcase_add_test(tests, small_losses_use_one_thread);
}

int main(void)
{
    Suite *suite = suite_create("special cases of losses");
    add_pairs(suite);
    add_classes(suite);
    add_embeddings(suite);
    add_special_numbers(suite);
    add_behaviour(suite);
    return run_suite(suite);
}
