/*
 * check_functions.c: what is particular to single functions, beside what check_ops.c tries on all of
 * them: limits and kinks, arguments that are refused, concat of any number of inputs, argmax.
 */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assertions.h"
#include "op_calls.h"
#include "suite.h"

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))
#define INF INFINITY

static ag_arena *arena;

static void set_up(void)
{
    arena = ag_arena_create(0);
    ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
    ag_arena_destroy(arena);
}

static ag_variable *leaf(uint32_t ndims, const uint32_t *shape, const float *values)
{
    ag_tensor *tensor = values != NULL ? ag_tensor_create_from(arena, ndims, shape, values)
                                       : ag_tensor_create_zeros(arena, ndims, shape);
    ag_variable *variable = ag_create_leaf(arena, tensor, true);
    ck_assert_ptr_nonnull(variable);
    return variable;
}

#define SHAPE(...)                                                                                 \
    (uint32_t)(sizeof((uint32_t[]){__VA_ARGS__}) / 4), (uint32_t[])                                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static void go_back(ag_variable *node)
{
    ag_tensor *ones = ag_tensor_create(arena, node->data->ndims, node->data->shape);
    ck_assert_int_eq(ag_tensor_fill(ones, 1), AG_OK);
    ck_assert_msg(ag_backward_from(arena, node, ones) == AG_OK, "%s", ag_last_error());
}

static bool same(float a, float b)
{
    return isnan(b) ? isnan(a) : a == b;
}

static void assert_values(const char *what, const ag_tensor *tensor, size_t n,
                          const float *expected)
{
    ck_assert_uint_eq(tensor->size, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(same(tensor->data[i], expected[i]), "%s at %zu is %g, not %g", what, i,
                      (double)tensor->data[i], (double)expected[i]);
}

/* ---- limits and kinks of functions of one element ---- */

static const struct {
    const char *name;
    float parameter, second_parameter, x, value, slope;
} points[] = {
    {"abs", 0, 0, 0, 0, 0},
    {"abs", 0, 0, -INF, INF, -1},
    {"exp", 0, 0, INF, INF, INF},
    {"exp", 0, 0, -INF, 0, 0},
    {"exp", 0, 0, 200, INF, INF},
    {"log", 0, 0, 0, -INF, INF},
    {"log", 0, 0, -0.0f, -INF, INF},
    {"log", 0, 0, INF, INF, 0},
    {"log", 0, 0, -1, NAN, NAN},
    {"log", 0, 0, -INF, NAN, NAN},
    {"sqrt", 0, 0, 0, 0, INF},
    {"sqrt", 0, 0, -0.0f, 0, INF},
    {"sqrt", 0, 0, INF, INF, 0},
    {"sqrt", 0, 0, -0x1p-149f, NAN, NAN},
    {"pow", 2, 0, 0, 0, 0},
    {"pow", 1, 0, 0, 0, 1},
    {"pow", 0.5f, 0, 0, 0, INF},
    {"pow", 0, 0, 0, 1, 0},
    {"pow", 0, 0, NAN, 1, 0},
    {"pow", 0, 0, -INF, 1, 0},
    {"pow", -1, 0, 0, INF, -INF},
    {"pow", -1, 0, -0.0f, -INF, -INF},
    {"pow", -2, 0, 0, INF, -INF},
    {"pow", -2, 0, -0.0f, INF, INF},
    {"pow", 3, 0, -2, -8, 12},
    {"pow", 2, 0, -3, 9, -6},
    {"pow", 2.5f, 0, -3, NAN, NAN},
    {"pow", 2, 0, INF, INF, INF},
    {"pow", 3, 0, -INF, -INF, INF},
    {"pow", 1, 0, -INF, -INF, 1},
    {"pow", -2, 0, -INF, 0, 0},
    {"pow", 16777215, 0, -1, -1, 16777215},
    {"pow", 16777216, 0, -1, 1, -16777216},
    {"pow", 1e15f, 0, -1, 1, -1e15f},
    {"clamp", -1, 2, -1, -1, 1},
    {"clamp", -1, 2, 2, 2, 1},
    {"clamp", -1, 2, 2.0000002f, 2, 0},
    {"clamp", -1, 2, -1.0000001f, -1, 0},
    {"clamp", -1, 2, INF, 2, 0},
    {"clamp", -1, 2, -INF, -1, 0},
    {"clamp", 0, INF, INF, INF, 1},
    {"clamp", -INF, 0, 5, 0, 0},
    {"clamp", 1, 1, 1, 1, 1},
    {"relu6", 0, 0, 0, 0, 0},
    {"relu6", 0, 0, 6, 6, 0},
    {"relu6", 0, 0, INF, 6, 0},
    {"relu6", 0, 0, -INF, 0, 0},
    {"leaky_relu", 0.25f, 0, 0, 0, 0.25f},
    {"leaky_relu", 0.25f, 0, -INF, -INF, 0.25f},
    {"leaky_relu", 0, 0, -INF, 0, 0},
    {"leaky_relu", 0.25f, 0, INF, INF, 1},
    {"elu", 0.5f, 0, 0, 0, 0.5f},
    {"elu", 0.5f, 0, -INF, -0.5f, 0},
    {"elu", 0.5f, 0, INF, INF, 1},
    {"selu", 0, 0, -INF, -1.75809934f, 0},
    {"selu", 0, 0, 0, 0, 1.75809934f},
    {"selu", 0, 0, INF, INF, 1.05070099f},
    {"silu", 0, 0, -INF, 0, 0},
    {"silu", 0, 0, INF, INF, 1},
    {"silu", 0, 0, -1e30f, 0, 0},
    {"silu", 0, 0, 1e30f, 1e30f, 1},
    {"silu", 0, 0, 0, 0, 0.5f},
    {"softplus", 0, 0, -INF, 0, 0},
    {"softplus", 0, 0, INF, INF, 1},
    {"softplus", 0, 0, 1e30f, 1e30f, 1},
    {"softplus", 0, 0, -60, 8.75651076e-27f, 8.75651076e-27f},
    {"hard_sigmoid", 0, 0, -3, 0, 0},
    {"hard_sigmoid", 0, 0, 3, 1, 0},
    {"hard_sigmoid", 0, 0, INF, 1, 0},
    {"hard_sigmoid", 0, 0, -INF, 0, 0},
    {"hard_swish", 0, 0, -3, 0, 0},
    {"hard_swish", 0, 0, 3, 3, 1},
    {"hard_swish", 0, 0, -INF, 0, 0},
    {"hard_swish", 0, 0, INF, INF, 1},
};

static ag_variable *call_unary(const char *name, op_arguments arguments, ag_variable *x)
{
    arguments.variables[0] = x;
    ag_variable *node = op_find(name)->graph(arena, &arguments);
    ck_assert_msg(node != NULL, "%s: %s", name, ag_last_error());
    return node;
}

START_TEST(limits_and_kinks_are_as_documented)
{
    float xs[9], values[9], slopes[9]; /* as many as a vector holds, and one more */
    for (int i = 0; i < 9; i++) {
        xs[i] = points[_i].x;
        values[i] = points[_i].value;
        slopes[i] = points[_i].slope;
    }
    op_arguments arguments = {.parameter = points[_i].parameter,
                              .second_parameter = points[_i].second_parameter};
    ag_variable *x = leaf(SHAPE(9), xs), *y = call_unary(points[_i].name, arguments, x);
    go_back(y);
    assert_values(points[_i].name, y->data, 9, values);
    assert_values(points[_i].name, x->grad, 9, slopes);
}
END_TEST

START_TEST(nan_stays_nan)
{
    const op_entry *entry = &op_entries[_i];
    bool of_elements = entry->signature == SIGNATURE_unary ||
                       entry->signature == SIGNATURE_unary_parameter ||
                       entry->signature == SIGNATURE_unary_interval;
    if (!of_elements || strcmp(entry->name, "transpose") == 0) return;
    bool slope_is_constant = strcmp(entry->name, "neg") == 0 || strcmp(entry->name, "scale") == 0 ||
                             strcmp(entry->name, "sum") == 0 || strcmp(entry->name, "mean") == 0;
    op_arguments arguments = {.parameter = 0.5f, .second_parameter = 1};
    ag_variable *x = leaf(SHAPE(1), (float[]){NAN}), *y = call_unary(entry->name, arguments, x);
    go_back(y);
    ck_assert_msg(isnan(y->data->data[0]), "%s of NaN is a number", entry->name);
    ck_assert_msg(slope_is_constant || isnan(x->grad->data[0]), "%s forgets NaN", entry->name);
}
END_TEST

START_TEST(division_by_zero_follows_ieee)
{
    ag_variable *a = leaf(SHAPE(4), (float[]){1, -1, 0, INF});
    ag_variable *b = leaf(SHAPE(4), (float[]){0, 0, 0, INF});
    ag_variable *y = ag_div(arena, a, b);
    go_back(y);
    assert_values("a / b", y->data, 4, (float[]){INF, -INF, NAN, NAN});
    assert_values("da", a->grad, 4, (float[]){INF, INF, INF, 0});
    assert_values("db", b->grad, 4, (float[]){-INF, INF, NAN, NAN});
}
END_TEST

/* ---- one dimension ---- */

/* Along rows and along columns. */
static void check_logsumexp(float first, float second, float value, float slope)
{
    float row[] = {first, second}, columns[] = {first, 0, second, 0};
    ag_variable *x = leaf(SHAPE(2), row), *y = ag_logsumexp(arena, x, 0, false);
    go_back(y);
    assert_values("logsumexp of a row", y->data, 1, &value);
    assert_values("its gradient", x->grad, 2, (float[]){slope, slope});
    x = leaf(SHAPE(2, 2), columns);
    y = ag_logsumexp(arena, x, 0, false);
    go_back(y);
    assert_values("logsumexp of columns", y->data, 2, (float[]){value, 0.693147182f});
    assert_values("its gradient", x->grad, 4, (float[]){slope, 0.5f, slope, 0.5f});
}

START_TEST(logsumexp_of_infinities_is_its_limit)
{
    check_logsumexp(-INF, -INF, -INF, NAN);
    check_logsumexp(INF, INF, INF, NAN);
    check_logsumexp(NAN, INF, NAN, NAN);
    check_logsumexp(1e38f, 1e38f, 1e38f, 0.5f);
}
END_TEST

/* What a sum of 1 + e^-50 would forget. */
START_TEST(logsumexp_next_to_zero_is_exact)
{
    ag_variable *x = leaf(SHAPE(2, 2), (float[]){0, -50, -50, 0});
    float expected = 1.92874985e-22f;
    assert_values("rows", ag_logsumexp(arena, x, 1, false)->data, 2, (float[]){expected, expected});
    assert_values("columns", ag_logsumexp(arena, x, 0, false)->data, 2,
                  (float[]){expected, expected});
}
END_TEST

/* 40 columns and 40 rows: whole vectors and what is left of them. */
START_TEST(the_first_of_equal_maxima_counts)
{
    enum { SIZE = 40 };
    for (uint32_t first = 0; first < SIZE; first++) {
        for (int dim = 0; dim < 2; dim++) {
            ag_variable *x = leaf(SHAPE(SIZE, SIZE), NULL);
            for (uint32_t k = 0; k < SIZE; k++)
                for (uint32_t i = first; i < SIZE; i += 1 + k)
                    x->data->data[dim == 0 ? i * SIZE + k : k * SIZE + i] = k == 7 ? NAN : 2;
            uint32_t where[SIZE];
            ck_assert_int_eq(ag_tensor_argmax(x->data, dim - 2, where), AG_OK);
            go_back(ag_max_dim(arena, x, dim, true));
            for (uint32_t k = 0; k < SIZE; k++) {
                ck_assert_uint_eq(where[k], first);
                for (uint32_t i = 0; i < SIZE; i++)
                    ck_assert(x->grad->data[dim == 0 ? i * SIZE + k : k * SIZE + i] ==
                              (i == first ? 1 : 0));
            }
        }
    }
}
END_TEST

/* ---- what is refused ---- */

START_TEST(bad_bounds_of_clamp_are_refused)
{
    ag_variable *x = leaf(SHAPE(2), NULL);
    must_fail(ag_clamp(arena, x, 2, 1), AG_ERROR_ARGUMENT, "clamp: low is 2 but high is 1");
    must_fail(ag_clamp(arena, x, NAN, 1), AG_ERROR_ARGUMENT, "clamp: low is nan but high is 1");
    must_fail(ag_clamp(arena, x, 0, NAN), AG_ERROR_ARGUMENT, "clamp: low is 0 but high is nan");
}
END_TEST

START_TEST(dimensions_that_are_not_there_are_refused)
{
    ag_variable *x = leaf(SHAPE(2, 3), NULL);
    uint32_t where[3];
    must_fail(ag_sum_dim(arena, x, 2, false), AG_ERROR_ARGUMENT,
              "sum_dim: dim is 2 but x has 2 dimensions");
    must_fail(ag_mean_dim(arena, x, -3, true), AG_ERROR_ARGUMENT,
              "mean_dim: dim is -3 but x has 2 dimensions");
    must_fail(ag_max_dim(arena, x, 7, false), AG_ERROR_ARGUMENT,
              "max_dim: dim is 7 but x has 2 dimensions");
    must_fail(ag_logsumexp(arena, x, 2147483647, false), AG_ERROR_ARGUMENT,
              "logsumexp: dim is 2147483647 but x has 2 dimensions");
    must_fail(ag_slice(arena, x, 2, 0, 1), AG_ERROR_ARGUMENT,
              "slice: dim is 2 but x has 2 dimensions");
    must_fail(ag_concat(arena, 1, &x, -3), AG_ERROR_ARGUMENT,
              "concat: dim is -3 but inputs[0] has 2 dimensions");
    ck_assert_int_eq(ag_tensor_argmax(x->data, 2, where), AG_ERROR_ARGUMENT);
    ck_assert_str_eq(ag_last_error(), "tensor_argmax: dim is 2 but x has 2 dimensions");
    ag_clear_error();
    ck_assert_int_eq(ag_tensor_argmax(NULL, 0, where), AG_ERROR_NULL);
    ag_clear_error();
    ck_assert_int_eq(ag_tensor_argmax(x->data, 0, NULL), AG_ERROR_NULL);
}
END_TEST

START_TEST(bad_slices_are_refused)
{
    ag_variable *x = leaf(SHAPE(2, 3), NULL);
    must_fail(ag_slice(arena, x, 1, 1, 4), AG_ERROR_ARGUMENT,
              "slice: start is 1 and stop is 4, but x is [2, 3], dim 1");
    must_fail(ag_slice(arena, x, 0, 1, 1), AG_ERROR_ARGUMENT,
              "slice: start is 1 and stop is 1, but x is [2, 3], dim 0");
    must_fail(ag_slice(arena, x, -1, 2, 1), AG_ERROR_ARGUMENT,
              "slice: start is 2 and stop is 1, but x is [2, 3], dim 1");
}
END_TEST

START_TEST(bad_orders_of_permute_are_refused)
{
    ag_variable *x = leaf(SHAPE(2, 3), NULL);
    must_fail(ag_permute(arena, x, (uint32_t[]){0, 0}), AG_ERROR_ARGUMENT,
              "permute: order is [0, 0], but x is [2, 3]");
    must_fail(ag_permute(arena, x, (uint32_t[]){0, 2}), AG_ERROR_ARGUMENT,
              "permute: order is [0, 2], but x is [2, 3]");
    must_fail(ag_permute(arena, x, NULL), AG_ERROR_NULL, "permute: order is NULL");
}
END_TEST

/* Their memory is never touched: the shapes alone are too large. */
START_TEST(results_beyond_memory_are_refused)
{
    const uint32_t many = 4000000000u;
    float number = 0;
    ag_tensor row = {.ndims = 1, .shape = {many}, .size = many, .data = &number};
    ag_tensor column = {.ndims = 2, .shape = {many, 1}, .size = many, .data = &number};
    ag_variable *x = ag_create_leaf(arena, &row, false), *y = ag_create_leaf(arena, &column, false);
    ck_assert(x != NULL && y != NULL);
    ck_assert_ptr_null(ag_add(arena, x, y));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_SHAPE);
    ag_clear_error();
    ck_assert_ptr_null(ag_concat(arena, 2, (ag_variable *[]){x, x}, 0));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_SHAPE);
}
END_TEST

/* ---- concat ---- */

START_TEST(concat_takes_any_number_of_inputs)
{
    enum { MOST = 100 };
    static const uint32_t counts[] = {1, 2, 7, MOST};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        ag_variable *inputs[MOST];
        for (uint32_t i = 0; i < counts[c]; i++)
            inputs[i] = leaf(SHAPE(2, 1), (float[]){(float)i, -(float)i});
        ag_variable *node = ag_concat(arena, counts[c], inputs, 1);
        ck_assert_msg(node != NULL, "%s", ag_last_error());
        ck_assert_uint_eq(node->num_parents, counts[c]);
        ck_assert_int_eq(ag_backward_from(arena, node, node->data), AG_OK);
        for (uint32_t i = 0; i < counts[c]; i++) {
            ck_assert(node->data->data[i] == (float)i);
            ck_assert(node->data->data[counts[c] + i] == -(float)i);
            assert_values("gradient", inputs[i]->grad, 2, (float[]){(float)i, -(float)i});
        }
    }
}
END_TEST

START_TEST(concat_adds_the_gradients_of_an_input_that_stands_in_it_twice)
{
    ag_variable *x = leaf(SHAPE(2), (float[]){1, 2});
    ag_variable *inputs[] = {x, x, x, x, x};
    go_back(ag_concat(arena, 5, inputs, 0));
    assert_values("gradient", x->grad, 2, (float[]){5, 5});
}
END_TEST

/* Of the sum of x · xᵀ: twice the sum of a column, which is exact for these numbers. */
START_TEST(linear_adds_both_gradients_of_an_x_that_is_its_weight)
{
    enum { N = 300 };
    ag_variable *x = leaf(SHAPE(N, N), NULL);
    ag_tensor *ones = ag_tensor_create(arena, 2, (uint32_t[]){N, N});
    double sums[N] = {0};
    for (int i = 0; i < N * N; i++) {
        ones->data[i] = 1;
        x->data->data[i] = (float)(i * 37 % 11 - 5) / 8;
        sums[i % N] += (double)x->data->data[i];
    }
    for (int threads = 1; threads <= 3; threads++) {
        ag_set_num_threads(threads);
        ag_zero_grad(x);
        ag_variable *node = ag_linear(arena, x, x, NULL);
        ck_assert_int_eq(ag_backward_from(arena, node, ones), AG_OK);
        for (int i = 0; i < N * N; i++)
            ck_assert(x->grad->data[i] == (float)(2 * sums[i % N]));
    }
    ag_set_num_threads(0);
}
END_TEST

/* One row: the sum of y = x · weightᵀ + x has the gradient 1 + the sum of a column, exact for these numbers. */
START_TEST(linear_adds_the_gradient_of_an_x_that_is_its_bias)
{
    enum { N = 1156 }; /* where products and sums are cut for 3 threads in other places */
    ag_variable *x = leaf(SHAPE(N), NULL), *weight = leaf(SHAPE(N, N), NULL);
    ag_tensor *ones = ag_tensor_create(arena, 1, (uint32_t[]){N});
    double sums[N] = {0};
    for (int i = 0; i < N * N; i++) {
        weight->data->data[i] = (float)(i * 37L % 11 - 5) / 8;
        sums[i % N] += (double)weight->data->data[i];
    }
    for (int i = 0; i < N; i++)
        ones->data[i] = 1;
    for (int round = 0; round < 60; round++) {
        ag_set_num_threads(1 + round % 4);
        ag_zero_grad(x);
        ag_variable *node = ag_linear(arena, x, weight, x);
        ck_assert_msg(node != NULL, "%s", ag_last_error());
        ck_assert_int_eq(ag_backward_from(arena, node, ones), AG_OK);
        for (int i = 0; i < N; i++)
            ck_assert_msg(x->grad->data[i] == (float)(1 + sums[i]), "%d threads: at %d",
                          1 + round % 4, i);
    }
    ag_set_num_threads(0);
}
END_TEST

START_TEST(bad_lists_are_refused)
{
    ag_variable *x = leaf(SHAPE(2), NULL), *inputs[] = {x, x, x, NULL};
    size_t used = ag_arena_used(arena);
    must_fail(ag_concat(arena, 0, inputs, 0), AG_ERROR_ARGUMENT, "concat: there are 0 inputs");
    must_fail(ag_concat(arena, 2, NULL, 0), AG_ERROR_NULL, "concat: inputs is NULL");
    must_fail(ag_concat(NULL, 2, inputs, 0), AG_ERROR_NULL, "concat: arena is NULL");
    must_fail(ag_concat(arena, 4, inputs, 0), AG_ERROR_NULL, "concat: inputs[3] is NULL");
    ck_assert_uint_eq(ag_arena_used(arena), used);
}
END_TEST

/* The sinks of many inputs need memory in backward. */
START_TEST(concat_reports_that_memory_ran_out_in_backward)
{
    ag_variable *inputs[64];
    for (uint32_t i = 0; i < 64; i++)
        inputs[i] = leaf(SHAPE(1), NULL);
    ag_variable *node = ag_concat(arena, 64, inputs, 0);
    ag_tensor *ones = ag_tensor_create_zeros(arena, 1, (uint32_t[]){64});
    ag_arena *tight = ag_arena_create(64);
    ck_assert_int_eq(ag_arena_set_limit(tight, 64), AG_OK);
    ck_assert_int_eq(ag_backward_from(tight, node, ones), AG_ERROR_MEMORY);
    ag_arena_destroy(tight);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("functions");
    TCase *tests = add_case(suite, "functions");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, limits_and_kinks_are_as_documented, 0, COUNT_OF(points));
    tcase_add_loop_test(tests, nan_stays_nan, 0, num_op_entries);
    tcase_add_test(tests, division_by_zero_follows_ieee);
    tcase_add_test(tests, logsumexp_of_infinities_is_its_limit);
    tcase_add_test(tests, logsumexp_next_to_zero_is_exact);
    tcase_add_test(tests, the_first_of_equal_maxima_counts);
    tcase_add_test(tests, bad_bounds_of_clamp_are_refused);
    tcase_add_test(tests, dimensions_that_are_not_there_are_refused);
    tcase_add_test(tests, bad_slices_are_refused);
    tcase_add_test(tests, bad_orders_of_permute_are_refused);
    tcase_add_test(tests, results_beyond_memory_are_refused);
    tcase_add_test(tests, concat_takes_any_number_of_inputs);
    tcase_add_test(tests, concat_adds_the_gradients_of_an_input_that_stands_in_it_twice);
    tcase_add_test(tests, linear_adds_both_gradients_of_an_x_that_is_its_weight);
    tcase_add_test(tests, linear_adds_the_gradient_of_an_x_that_is_its_bias);
    tcase_add_test(tests, bad_lists_are_refused);
    tcase_add_test(tests, concat_reports_that_memory_ran_out_in_backward);
    return run_suite(suite);
}
