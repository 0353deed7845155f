/*
 * check_curvature.c: Hessian-vector products against second differences of the losses' definitions in
 * long double, and against differences of the library's own gradients.
 */
#include "config.h"

#include <autograd/autograd.h>
#include <check.h>
#include <math.h>
#include <string.h>

#include "assertions.h"
#include "suite.h"

typedef long double real;

enum { ROWS = 7, CLASSES = 5, SIZE = ROWS * CLASSES };
typedef enum kind { MSE, HUBER, BCE, LOGITS, L2, CROSS_ENTROPY, KINDS } kind;

static const char *const names[] = {"mse", "huber",        "bce", "bce_with_logits",
                                    "l2",  "cross_entropy"};
#define DELTA 0.75f

static ag_arena *arena;
static ag_tensor *x, *target, *vector, *out;

static void set_up(void)
{
    const uint32_t shape[] = {ROWS, CLASSES};
    ag_random random = ag_random_create(5);
    arena = ag_arena_create(0);
    x = ag_tensor_create(arena, 2, shape);
    target = ag_tensor_create(arena, 2, shape);
    vector = ag_tensor_create(arena, 2, shape);
    out = ag_tensor_create(arena, 2, shape);
    ck_assert_ptr_nonnull(out);
    ag_tensor_fill_normal(x, &random, 0, 1.5f);
    ag_tensor_fill_uniform(target, &random, 0, 1);
    ag_tensor_fill_normal(vector, &random, 0, 1);
}

static void tear_down(void)
{
    ag_arena_destroy(arena);
}

static void prepare(kind which)
{
    for (size_t i = 0; which == BCE && i < SIZE; i++)
        x->data[i] = 1 / (1 + expf(x->data[i]));
}

static ag_status hvp(kind which, const ag_tensor *v, ag_tensor *result, ag_reduction reduction)
{
    switch (which) {
    case MSE: return ag_tensor_mse_loss_hvp(result, x, target, v, reduction);
    case HUBER: return ag_tensor_huber_loss_hvp(result, x, target, v, DELTA, reduction);
    case BCE: return ag_tensor_bce_loss_hvp(result, x, target, v, reduction);
    case LOGITS: return ag_tensor_bce_with_logits_loss_hvp(result, x, target, v, reduction);
    case L2: return ag_tensor_l2_loss_hvp(result, x, v, reduction);
    case CROSS_ENTROPY: return ag_tensor_cross_entropy_loss_hvp(result, x, target, v, reduction);
    case KINDS: break;
    }
    return AG_ERROR_ARGUMENT;
}

static real divisor(kind which, ag_reduction reduction)
{
    if (reduction == AG_REDUCTION_MEAN) return which == CROSS_ENTROPY ? ROWS : SIZE;
    return reduction == AG_REDUCTION_BATCHMEAN ? ROWS : 1;
}

/* ---- the definitions ---- */

static real element(kind which, real p, real t)
{
    real d = p - t;
    switch (which) {
    case MSE: return d * d;
    case HUBER:
        return fabsl(d) <= (real)DELTA ? d * d / 2 : (real)DELTA * (fabsl(d) - (real)DELTA / 2);
    case BCE: return -t * logl(p) - (1 - t) * log1pl(-p);
    case LOGITS: return (p > 0 ? p + log1pl(expl(-p)) : log1pl(expl(p))) - p * t;
    case L2: return p * p / 2;
    default: return 0;
    }
}

static real loss(kind which, const real *at)
{
    real sum = 0;
    for (int i = 0; i < SIZE && which != CROSS_ENTROPY; i++)
        sum += element(which, at[i], (real)target->data[i]);
    for (int row = 0; row < ROWS && which == CROSS_ENTROPY; row++) {
        real exponentials = 0;
        for (int c = 0; c < CLASSES; c++)
            exponentials += expl(at[row * CLASSES + c]);
        for (int c = 0; c < CLASSES; c++)
            sum += (real)target->data[row * CLASSES + c] *
                   (logl(exponentials) - at[row * CLASSES + c]);
    }
    return sum;
}

/* d/da d/db of the loss, at x with element i moved by a and all by b times the vector. */
static real second_difference(kind which, int i)
{
    real h = 2e-5L, at[SIZE], sum = 0;
    for (int a = -1; a <= 1; a += 2)
        for (int b = -1; b <= 1; b += 2) {
            for (int k = 0; k < SIZE; k++)
                at[k] = (real)x->data[k] + b * h * (real)vector->data[k];
            at[i] += a * h;
            sum += a * b * loss(which, at);
        }
    return sum / (4 * h * h);
}

START_TEST(products_are_second_derivatives)
{
    static const ag_reduction reductions[] = {AG_REDUCTION_MEAN, AG_REDUCTION_SUM,
                                              AG_REDUCTION_NONE, AG_REDUCTION_BATCHMEAN};
    prepare((kind)_i);
    for (int r = 0; r < 4; r++) {
        ck_assert_msg(hvp((kind)_i, vector, out, reductions[r]) == AG_OK, "%s", ag_last_error());
        for (int i = 0; i < SIZE; i++) {
            real d = fabsl((real)x->data[i] - (real)target->data[i]) - (real)DELTA;
            if (_i == HUBER && fabsl(d) < 0.01L) continue; /* the slope has a kink */
            real expected = second_difference((kind)_i, i) / divisor((kind)_i, reductions[r]);
            real difference = fabsl((real)out->data[i] - expected);
            ck_assert_msg(difference <= 1e-5L * fabsl(expected) + 1e-6L, "%s[%d]: %g, not %Lg",
                          names[_i], i, (double)out->data[i], expected);
        }
    }
}
END_TEST

static ag_status gradient(kind which, const ag_tensor *at, ag_tensor *result)
{
    ag_tensor value = {1, {1}, 1, (float[]){0}};
    const ag_reduction mean = AG_REDUCTION_MEAN;
    switch (which) {
    case MSE: return ag_tensor_mse_loss_value_and_grad(&value, result, at, target, mean);
    case HUBER: return ag_tensor_huber_loss_value_and_grad(&value, result, at, target, DELTA, mean);
    case BCE: return ag_tensor_bce_loss_value_and_grad(&value, result, at, target, mean);
    case LOGITS:
        return ag_tensor_bce_with_logits_loss_value_and_grad(&value, result, at, target, mean);
    case L2: return ag_tensor_l2_loss_value_and_grad(&value, result, at, mean);
    case CROSS_ENTROPY:
        return ag_tensor_cross_entropy_loss_value_and_grad(&value, result, at, target, mean);
    case KINDS: break;
    }
    return AG_ERROR_ARGUMENT;
}

START_TEST(products_are_differences_of_gradients)
{
    const float h = 0x1p-10f;
    ag_tensor *moved = ag_tensor_create(arena, 2, x->shape), *sides[2];
    prepare((kind)_i);
    for (int side = 0; side < 2; side++) {
        sides[side] = ag_tensor_create(arena, 2, x->shape);
        for (int i = 0; i < SIZE; i++)
            moved->data[i] = x->data[i] + (side == 0 ? -h : h) * vector->data[i];
        ck_assert_int_eq(gradient((kind)_i, moved, sides[side]), AG_OK);
    }
    ck_assert_int_eq(hvp((kind)_i, vector, out, AG_REDUCTION_MEAN), AG_OK);
    double largest = 0;
    for (int i = 0; i < SIZE; i++)
        largest = fmax(largest, fabs((double)out->data[i]));
    for (int i = 0; i < SIZE; i++) {
        double found = (double)out->data[i], at = (double)x->data[i];
        if (_i == HUBER && fabs(fabs(at - (double)target->data[i]) - 0.75) < 0.01) continue;
        double difference =
            ((double)sides[1]->data[i] - (double)sides[0]->data[i]) / (2 * (double)h);
        ck_assert_msg(fabs(found - difference) <= 2e-3 * largest, "%s[%d]: %g, not %g", names[_i],
                      i, found, difference);
    }
}
END_TEST

/* ---- where care is needed ---- */

/* p (1 - p) of a class that is certain to 40 digits, and of logits far out. */
/* Rows of several chunks: Σ t · p (v - Σ p v). */
START_TEST(long_rows_of_cross_entropy_add_up)
{
    enum { LONG_ROW = 1100 };
    const uint32_t shape[] = {2, LONG_ROW};
    ag_random random = ag_random_create(7);
    ag_tensor **const tensors[] = {&x, &target, &vector, &out};
    for (int i = 0; i < 4; i++) {
        *tensors[i] = ag_tensor_create(arena, 2, shape);
        ag_tensor_fill_uniform(*tensors[i], &random, 0, 1);
    }
    ck_assert_int_eq(hvp(CROSS_ENTROPY, vector, out, AG_REDUCTION_SUM), AG_OK);
    for (size_t row = 0; row < out->size; row += LONG_ROW) {
        real exponentials = 0, along = 0, total = 0;
        for (size_t i = row; i < row + LONG_ROW; i++) {
            exponentials += expl((real)x->data[i]);
            along += expl((real)x->data[i]) * (real)vector->data[i];
            total += (real)target->data[i];
        }
        for (size_t i = row; i < row + LONG_ROW; i++) {
            real p = expl((real)x->data[i]) / exponentials;
            real expected = total * p * ((real)vector->data[i] - along / exponentials);
            ck_assert_double_eq_tol((double)out->data[i], (double)expected,
                                    (double)(1e-6L * fabsl(expected) + 1e-9L));
        }
    }
}
END_TEST

START_TEST(tails_are_exact)
{
    ag_tensor_fill(x, 0);
    ag_tensor_fill(target, 0);
    ag_tensor_fill(vector, 0);
    x->data[0] = 40;
    target->data[0] = 1;
    vector->data[0] = 1;
    double p = 4 / exp(40.0), rest = exp(-40.0);
    ck_assert_int_eq(hvp(CROSS_ENTROPY, vector, out, AG_REDUCTION_SUM), AG_OK);
    ck_assert_double_eq_tol((double)out->data[0] / p, 1, 1e-6);
    ck_assert_double_eq_tol((double)out->data[1] / -rest, 1, 1e-6);
    ck_assert_int_eq(hvp(LOGITS, vector, out, AG_REDUCTION_SUM), AG_OK);
    ck_assert_double_eq_tol((double)out->data[0] / rest, 1, 1e-6);
    x->data[0] = -40;
    ck_assert_int_eq(hvp(LOGITS, vector, out, AG_REDUCTION_SUM), AG_OK);
    ck_assert_double_eq_tol((double)out->data[0] / rest, 1, 1e-6);
}
END_TEST

START_TEST(logits_far_away_have_no_curvature)
{
    ag_tensor_fill(target, 1);
    ag_tensor_fill(vector, 1);
    ag_tensor_fill(x, 0);
    x->data[0] = 1000;
    x->data[1] = -1000;
    x->data[2] = INFINITY;
    x->data[3] = -INFINITY;
    ck_assert_int_eq(hvp(LOGITS, vector, out, AG_REDUCTION_SUM), AG_OK);
    for (int i = 0; i < 4; i++)
        ck_assert(out->data[i] == 0);
    ck_assert(out->data[4] == 0.25f);
}
END_TEST

START_TEST(nan_is_data)
{
    prepare((kind)_i);
    x->data[3] = NAN;
    ck_assert_int_eq(hvp((kind)_i, vector, out, AG_REDUCTION_MEAN), AG_OK);
    ck_assert(isnan(out->data[3]));
    ck_assert(!isnan(out->data[SIZE - 1]));
}
END_TEST

START_TEST(threads_change_no_bit)
{
    const uint32_t shape[] = {3000, 40};
    ag_random random = ag_random_create(2);
    x = ag_tensor_create(arena, 2, shape);
    target = ag_tensor_create(arena, 2, shape);
    vector = ag_tensor_create(arena, 2, shape);
    ag_tensor *one = ag_tensor_create(arena, 2, shape), *many = ag_tensor_create(arena, 2, shape);
    ag_tensor_fill_uniform(x, &random, 0, 1);
    ag_tensor_fill_uniform(target, &random, 0, 1);
    ag_tensor_fill_normal(vector, &random, 0, 1);
    ag_set_num_threads(1);
    ck_assert_int_eq(hvp((kind)_i, vector, one, AG_REDUCTION_MEAN), AG_OK);
    ag_set_num_threads(3);
    ck_assert_int_eq(hvp((kind)_i, vector, many, AG_REDUCTION_MEAN), AG_OK);
    ag_set_num_threads(0);
    ck_assert_mem_eq(one->data, many->data, one->size * sizeof(float));
}
END_TEST

/* ---- errors ---- */

START_TEST(errors_name_what_is_wrong)
{
    const uint32_t turned[] = {CLASSES, ROWS};
    const ag_reduction mean = AG_REDUCTION_MEAN;
    kind which = (kind)_i;
    ag_tensor *other = ag_tensor_create_zeros(arena, 2, turned);
    prepare(which);
    ag_tensor_fill(out, 77);
    assert_fails(hvp(which, NULL, out, mean), AG_ERROR_NULL, "vector is NULL");
    ag_clear_error(); /* a NULL may be the result of a failure, whose reason is kept */
    assert_fails(hvp(which, vector, NULL, mean), AG_ERROR_NULL, "out is NULL");
    assert_fails(hvp(which, other, out, mean), AG_ERROR_SHAPE, "vector is [5, 7] but must be");
    assert_fails(hvp(which, vector, other, mean), AG_ERROR_SHAPE, "out is [5, 7] but must be");
    assert_fails(hvp(which, vector, vector, mean), AG_ERROR_OVERLAP, "shares memory with vector");
    assert_fails(hvp(which, vector, x, mean), AG_ERROR_OVERLAP, "out shares memory with");
    assert_fails(hvp(which, vector, out, (ag_reduction)9), AG_ERROR_ARGUMENT, "reduction is 9");
    x->data[3] = 2;
    if (which == BCE) assert_fails(hvp(which, vector, out, mean), AG_ERROR_DOMAIN, "[0, 3]");
    for (int i = 0; i < SIZE; i++)
        ck_assert_double_eq((double)out->data[i], 77);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("curvature");
    TCase *tests = add_case(suite, "Hessian-vector products");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, products_are_second_derivatives, 0, KINDS);
    tcase_add_loop_test(tests, products_are_differences_of_gradients, 0, KINDS);
    tcase_add_test(tests, long_rows_of_cross_entropy_add_up);
    tcase_add_test(tests, tails_are_exact);
    tcase_add_test(tests, logits_far_away_have_no_curvature);
    tcase_add_loop_test(tests, nan_is_data, 0, KINDS);
    tcase_add_loop_test(tests, threads_change_no_bit, 0, KINDS);
    tcase_add_loop_test(tests, errors_name_what_is_wrong, 0, KINDS);
    return run_suite(suite);
}
