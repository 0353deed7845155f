/*
 * check_layers.c: what check_ops cannot see of the operations of layers: their numbers and lists that
 * are no tensors, running statistics, and modules.
 */
#include "config.h"

#include <autograd/autograd.h>
#include <check.h>
#include <math.h>
#include <string.h>

#include "assertions.h"
#include "suite.h"

static ag_arena *arena;
static ag_random generator;

static void set_up(void)
{
    arena = ag_arena_create(0);
    generator = ag_random_create(5);
    ag_clear_error();
}

static void tear_down(void)
{
    ag_arena_destroy(arena);
}

static ag_tensor *create_normal(uint32_t ndims, const uint32_t *shape)
{
    ag_tensor *tensor = ag_tensor_create(arena, ndims, shape);
    ck_assert_int_eq(ag_tensor_fill_normal(tensor, &generator, 0, 1), AG_OK);
    return tensor;
}

static ag_variable *create_input(uint32_t ndims, const uint32_t *shape)
{
    ag_variable *leaf = ag_create_leaf(arena, create_normal(ndims, shape), true);
    ck_assert_ptr_nonnull(leaf);
    return leaf;
}

/* ---- numbers that are wrong ---- */

START_TEST(windows_that_cannot_move_are_refused)
{
    ag_variable *x = create_input(4, (uint32_t[]){2, 3, 5, 4});
    ag_variable *weight = create_input(4, (uint32_t[]){2, 3, 3, 2});
    must_fail(ag_conv2d(arena, x, weight, NULL, 0, 0), AG_ERROR_ARGUMENT,
              "conv2d: stride is 0 but must be at least 1");
    must_fail(ag_conv2d(arena, x, weight, NULL, 1, 2), AG_ERROR_ARGUMENT,
              "conv2d: padding is 2 but must be less than the window, which is [3, 2]");
    must_fail(ag_max_pool2d(arena, x, 0, 1, 0), AG_ERROR_ARGUMENT,
              "max_pool2d: window is 0 but must be at least 1");
    must_fail(ag_average_pool2d(arena, x, 5, 1, 0), AG_ERROR_SHAPE,
              "average_pool2d: x is [2, 3, 5, 4], smaller than the window, which is [5, 5]");
}
END_TEST

START_TEST(pooling_keeps_nan_and_infinity)
{
    const float values[] = {1, NAN, 2, -INFINITY, 0, 1, -INFINITY, -INFINITY};
    ag_tensor *tensor = ag_tensor_create_from(arena, 4, (uint32_t[]){1, 1, 2, 4}, values);
    ag_variable *x = ag_create_leaf(arena, tensor, true);
    ag_variable *y = ag_max_pool2d(arena, x, 2, 2, 0);
    ck_assert(isnan(y->data->data[0]));
    ck_assert(y->data->data[1] == 2);
    tensor->data[2] = -INFINITY;
    y = ag_max_pool2d(arena, x, 2, 2, 0);
    ck_assert(isinf(y->data->data[1]));
    ag_tensor *seed = ag_tensor_create_from(arena, 4, y->data->shape, (float[]){3, 5});
    ck_assert_int_eq(ag_backward_from(arena, y, seed), AG_OK);
    ck_assert(x->grad->data[1] == 3);
    ck_assert(x->grad->data[2] == 5);
}
END_TEST

START_TEST(bad_indices_are_named)
{
    ag_variable *table = create_input(2, (uint32_t[]){10, 3});
    int32_t values[] = {0, 9, 4, 12, -1, 2};
    ag_indices *indices = ag_indices_create_from(arena, 2, (uint32_t[]){2, 3}, values);
    must_fail(ag_embedding(arena, table, indices), AG_ERROR_DOMAIN,
              "embedding: indices[3] is 12 but table has 10 rows");
    indices->data[3] = 0;
    must_fail(ag_embedding(arena, table, indices), AG_ERROR_DOMAIN,
              "embedding: indices[4] is -1 but table has 10 rows");
    must_fail(ag_embedding(arena, table, NULL), AG_ERROR_NULL, "embedding: indices is NULL");
    must_fail(ag_indices_create_from(arena, 1, (uint32_t[]){0}, values), AG_ERROR_SHAPE,
              "indices_create_from: dimension 0 of shape [0] is 0");
    indices->size = 5;
    must_fail(ag_embedding(arena, table, indices), AG_ERROR_SHAPE,
              "embedding: indices say that there are 5 of them, but their shape is [2, 3]");
}
END_TEST

START_TEST(indices_that_change_before_backward_are_checked_again)
{
    ag_variable *table = create_input(2, (uint32_t[]){10, 3});
    ag_indices *indices = ag_indices_create_from(arena, 1, (uint32_t[]){2}, (int32_t[]){0, 9});
    ag_variable *loss = ag_sum(arena, ag_embedding(arena, table, indices));
    indices->data[1] = 400000000;
    assert_fails(ag_backward(arena, loss), AG_ERROR_DOMAIN,
                 "indices[1] is 400000000 but table has 10 rows");
    ck_assert_ptr_null(table->grad);
}
END_TEST

/* ---- dropout ---- */

START_TEST(dropout_drops_the_share_that_it_says)
{
    const uint32_t size = 100000;
    ag_tensor *ones = ag_tensor_create(arena, 1, &size);
    ag_tensor_fill(ones, 1);
    ag_variable *x = ag_create_leaf(arena, ones, false);
    const ag_variable *first = ag_dropout(arena, x, 0.3f, &generator);
    const ag_variable *second = ag_dropout(arena, x, 0.3f, &generator);
    size_t dropped = 0, both = 0;
    for (uint32_t i = 0; i < size; i++) {
        ck_assert(first->data->data[i] == 0 || first->data->data[i] == 1 / (1 - 0.3f));
        dropped += first->data->data[i] == 0;
        both += first->data->data[i] == 0 && second->data->data[i] == 0;
    }
    ck_assert(fabs((double)dropped / size - 0.3) < 0.01); /* seven standard deviations */
    ck_assert(fabs((double)both / size - 0.09) < 0.007);
    ck_assert_ptr_eq(ag_dropout(arena, x, 0.3f, NULL), x);
    must_fail(ag_dropout(arena, x, 1, &generator), AG_ERROR_ARGUMENT,
              "dropout: probability is 1 but must be in [0, 1)");
}
END_TEST

/* ---- running statistics ---- */

START_TEST(batch_norm_gathers_statistics)
{
    const float values[] = {1, 10, 3, 30};
    ag_variable *x =
        ag_create_leaf(arena, ag_tensor_create_from(arena, 2, (uint32_t[]){2, 2}, values), false);
    ag_module *norm = ag_module_batch_norm(arena, 2, 0.25f, 1e-5f);
    ck_assert_ptr_nonnull(ag_module_forward(norm, arena, x));
    /* 0.75 · 0 + 0.25 · mean, and 0.75 · 1 + 0.25 · (2, 200) */
    ck_assert(norm->running[0]->data[0] == 0.5f);
    ck_assert(norm->running[0]->data[1] == 5);
    ck_assert(norm->running[1]->data[0] == 1.25f);
    ck_assert(norm->running[1]->data[1] == 50.75f);
    ck_assert_int_eq(ag_module_set_training(norm, false), AG_OK);
    const ag_variable *y = ag_module_forward(norm, arena, x);
    ck_assert(fabsf(y->data->data[0] - 0.5f / sqrtf(1.25f)) < 1e-5f);
    ck_assert(norm->running[0]->data[0] == 0.5f);
}
END_TEST

START_TEST(batch_norm_refuses_bad_statistics)
{
    ag_variable *x = create_input(2, (uint32_t[]){4, 3}), *row = create_input(1, (uint32_t[]){3});
    ag_tensor *good = create_normal(1, (uint32_t[]){3}), *bad = create_normal(1, (uint32_t[]){4});
    must_fail(ag_batch_norm(arena, x, row, row, good, bad, 0.1f, 1e-5f), AG_ERROR_SHAPE,
              "batch_norm: x is [4, 3] but running_variance is [4]; it must have one number per "
              "channel");
    must_fail(ag_batch_norm(arena, x, row, row, good, NULL, 0.1f, 1e-5f), AG_ERROR_NULL,
              "batch_norm: running_variance is NULL");
    must_fail(ag_batch_norm(arena, x, row, row, NULL, NULL, 2, 1e-5f), AG_ERROR_ARGUMENT,
              "batch_norm: momentum is 2 but must be in [0, 1]");
    must_fail(ag_batch_norm(arena, x, row, row, good, good, 0.1f, 1e-5f), AG_ERROR_OVERLAP,
              "batch_norm: running_variance shares memory with running_mean");
    must_fail(ag_batch_norm(arena, x, row, row, row->data, good, 0.1f, 1e-5f), AG_ERROR_OVERLAP,
              "batch_norm: running_mean shares memory with gamma");
    ag_variable *single = create_input(2, (uint32_t[]){1, 3});
    must_fail(ag_batch_norm(arena, single, row, row, NULL, NULL, 0, 1e-5f), AG_ERROR_SHAPE,
              "batch_norm: x is [1, 3], with a single number per channel");
}
END_TEST

/* ---- modules ---- */

static ag_module *create_network(void)
{
    ag_module *layers[] = {
        ag_module_conv2d(arena, &generator, 1, 4, 3, 1, 1, true),
        ag_module_activation(arena, "relu", ag_relu),
        ag_module_max_pool2d(arena, 2, 2, 0),
        ag_module_flatten(arena),
        ag_module_dropout(arena, &generator, 0.5f),
        ag_module_linear(arena, &generator, 36, 5, false),
    };
    return ag_module_sequential(arena, 6, layers);
}

START_TEST(parameters_are_counted_named_and_collected)
{
    char name[32], summary[512];
    ag_module *model = create_network();
    ck_assert_uint_eq(ag_module_num_parameters(model), 3);
    ck_assert_uint_eq(ag_module_size(model), 4 * 9 + 4 + 5 * 36);
    ag_variable **parameters = ag_module_parameters(model, arena);
    ck_assert_ptr_eq(parameters[1], model->children[0]->parameters[1]);
    ck_assert_ptr_eq(parameters[2], model->children[5]->parameters[0]);
    ck_assert_uint_eq(ag_module_parameter_name(model, 2, name, sizeof name), 8);
    ck_assert_str_eq(name, "5.weight");
    ck_assert_uint_eq(ag_module_parameter_name(model, 2, name, 4), 8);
    ck_assert_str_eq(name, "5.w");
    ck_assert_uint_eq(ag_module_parameter_name(model, 3, name, sizeof name), 0);
    ck_assert_str_eq(name, "");
    size_t length = ag_module_summary(model, summary, sizeof summary);
    ck_assert_uint_eq(length, strlen(summary));
    ck_assert_uint_eq(length, ag_module_summary(model, NULL, 0));
    ck_assert_str_eq(summary, "sequential\n"
                              "  conv2d: weight [4, 1, 3, 3], bias [4]: 40\n"
                              "  relu\n"
                              "  max_pool2d\n"
                              "  flatten\n"
                              "  dropout\n"
                              "  linear: weight [5, 36]: 180\n"
                              "220 parameters\n");
}
END_TEST

START_TEST(a_model_computes_what_its_operations_do)
{
    ag_module *model = create_network();
    ag_variable *x = create_input(4, (uint32_t[]){3, 1, 6, 6});
    ck_assert_int_eq(ag_module_set_training(model, false), AG_OK);
    const ag_variable *y = ag_module_forward(model, arena, x);
    ag_variable **p = ag_module_parameters(model, arena);
    ag_variable *expected = ag_relu(arena, ag_conv2d(arena, x, p[0], p[1], 1, 1));
    expected = ag_max_pool2d(arena, expected, 2, 2, 0);
    expected = ag_reshape(arena, expected, 2, (uint32_t[]){3, 36});
    expected = ag_linear(arena, expected, p[2], NULL);
    ck_assert_mem_eq(y->data->data, expected->data->data, y->data->size * sizeof(float));
    model->training = true;
    ck_assert_int_eq(ag_module_set_training(model, true), AG_OK);
    y = ag_module_forward(model, arena, x);
    ck_assert_mem_ne(y->data->data, expected->data->data, y->data->size * sizeof(float));
}
END_TEST

START_TEST(a_module_of_average_pooling_is_its_operation)
{
    ag_variable *x = create_input(4, (uint32_t[]){2, 3, 5, 5});
    ag_module *pooling = ag_module_average_pool2d(arena, 3, 2, 1);
    const ag_variable *y = ag_module_forward(pooling, arena, x);
    const ag_variable *expected = ag_average_pool2d(arena, x, 3, 2, 1);
    ck_assert_ptr_nonnull(y);
    ck_assert_mem_eq(y->data->data, expected->data->data, y->data->size * sizeof(float));
    const ag_variable *other = ag_average_pool2d(arena, x, 3, 2, 0);
    ck_assert_uint_ne(y->data->size, other->data->size);
}
END_TEST

/* The values of such tensors are never looked at: it is their shapes that are refused. */
START_TEST(modules_refuse_what_has_too_many_elements)
{
    float value = 0;
    ag_tensor *large = ag_tensor_wrap(arena, 3, (uint32_t[]){1, 65536, 65536}, &value);
    ag_variable *x = ag_create_leaf(arena, large, false);
    ck_assert_ptr_nonnull(x);
    must_fail(ag_module_forward(ag_module_flatten(arena), arena, x), AG_ERROR_SHAPE,
              "flatten: x is [1, 65536, 65536]");
    must_fail(ag_module_attention(arena, &generator, UINT32_MAX / 3 + 1, 1, false),
              AG_ERROR_ARGUMENT, "attention: width is 1431655766, which is too large");
}
END_TEST

START_TEST(modules_refuse_bad_sizes)
{
    size_t used = ag_arena_used(arena);
    must_fail(ag_module_linear(arena, &generator, 0, 3, true), AG_ERROR_ARGUMENT,
              "linear: in is 0 but must be at least 1");
    must_fail(ag_module_conv2d(arena, &generator, 1, 3, 3, 0, 1, true), AG_ERROR_ARGUMENT,
              "conv2d: stride is 0 but must be at least 1");
    must_fail(ag_module_attention(arena, &generator, 6, 4, false), AG_ERROR_ARGUMENT,
              "attention: width is 6, which 4 heads do not divide");
    must_fail(ag_module_dropout(arena, NULL, 0.5f), AG_ERROR_NULL, "dropout: random is NULL");
    must_fail(ag_module_sequential(arena, 1, (ag_module *[]){NULL}), AG_ERROR_NULL,
              "sequential: one of modules is NULL");
    must_fail(ag_module_forward(NULL, arena, NULL), AG_ERROR_NULL,
              "module_forward: module is NULL");
    ck_assert_uint_eq(ag_arena_used(arena), used);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layers");
    TCase *tests = add_case(suite, "layers");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, windows_that_cannot_move_are_refused);
    tcase_add_test(tests, pooling_keeps_nan_and_infinity);
    tcase_add_test(tests, bad_indices_are_named);
    tcase_add_test(tests, indices_that_change_before_backward_are_checked_again);
    tcase_add_test(tests, dropout_drops_the_share_that_it_says);
    tcase_add_test(tests, batch_norm_gathers_statistics);
    tcase_add_test(tests, batch_norm_refuses_bad_statistics);
    tcase_add_test(tests, parameters_are_counted_named_and_collected);
    tcase_add_test(tests, a_model_computes_what_its_operations_do);
    tcase_add_test(tests, a_module_of_average_pooling_is_its_operation);
    tcase_add_test(tests, modules_refuse_what_has_too_many_elements);
    tcase_add_test(tests, modules_refuse_bad_sizes);
    return run_suite(suite);
}
