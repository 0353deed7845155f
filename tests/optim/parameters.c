/* parameters.c: which parameters move, by which learning rate, and on how many threads. */
#include "config.h"

#include "optim/world.h"

#include <math.h>
#include <string.h>

#include "assertions.h"
#include "suite.h"

/* ---- which parameters move ---- */

/* A parameter that was left out has no velocity, no moments and no steps behind it. */
START_TEST(a_parameter_without_gradient_stays)
{
    ag_variable *parameters[] = {parameter_of(1), parameter_of(2)};
    ag_variable *fresh = parameter_of(2);
    ag_optimizer *optimizer = create_optimizer(_i, 2, parameters);
    ag_optimizer *fresh_optimizer = create_optimizer(_i, 1, &fresh);
    for (int step = 0; step < 10; step++) {
        set_gradient(parameters[0], 1);
        succeed(ag_optimizer_step(optimizer));
        succeed(ag_optimizer_zero_grad(optimizer));
    }
    ck_assert(value_of(parameters[0]) < 1);
    ck_assert(value_of(parameters[1]) == 2);
    set_gradient(parameters[1], 3);
    set_gradient(fresh, 3);
    float before = value_of(parameters[0]);
    succeed(ag_optimizer_step(optimizer));
    succeed(ag_optimizer_step(fresh_optimizer));
    ck_assert(value_of(parameters[0]) == before);
    ck_assert(value_of(parameters[1]) == value_of(fresh) && value_of(fresh) != 2);
}
END_TEST

START_TEST(a_step_keeps_the_gradients_and_zero_grad_empties_them)
{
    ag_variable *parameters[] = {parameter_of(1), parameter_of(2)};
    ag_optimizer *optimizer = create_optimizer(_i, 2, parameters);
    set_gradient(parameters[0], 5);
    set_gradient(parameters[1], 6);
    succeed(ag_optimizer_step(optimizer));
    ck_assert(parameters[0]->grad->data[0] == 5 && parameters[1]->grad->data[0] == 6);
    succeed(ag_optimizer_zero_grad(optimizer));
    ck_assert(parameters[0]->grad == NULL && parameters[1]->grad == NULL);
    succeed(ag_optimizer_zero_grad(optimizer));
}
END_TEST

START_TEST(a_parameter_that_has_changed_its_shape_is_refused)
{
    ag_variable *parameters[] = {parameter_of(1), parameter_of(2)};
    ag_optimizer *optimizer = create_optimizer(_i, 2, parameters);
    ag_tensor *own = parameters[1]->data, *other = random_parameter(1, 2)->data;
    set_gradient(parameters[0], 1);
    set_gradient(parameters[1], 1);
    parameters[1]->grad = other;
    ck_assert_int_eq(ag_optimizer_step(optimizer), AG_ERROR_SHAPE);
    assert_last_failure(AG_ERROR_SHAPE, "parameter 1");
    parameters[1]->data = other;
    ck_assert_int_eq(ag_optimizer_step(optimizer), AG_ERROR_SHAPE);
    assert_last_failure(AG_ERROR_SHAPE, "parameter 1");
    parameters[1]->data = own;
    ck_assert(value_of(parameters[0]) == 1 && value_of(parameters[1]) == 2);
    succeed(ag_optimizer_zero_grad(optimizer));
    set_gradient(parameters[1], 1);
    succeed(ag_optimizer_step(optimizer));
    ck_assert(value_of(parameters[0]) == 1 && value_of(parameters[1]) < 2);
}
END_TEST

START_TEST(the_list_of_parameters_is_copied)
{
    ag_variable *parameters[] = {parameter_of(1), parameter_of(2)};
    ag_variable *first = parameters[0], *other = parameter_of(3);
    ag_optimizer *optimizer = create_optimizer(_i, 2, parameters);
    parameters[0] = other;
    set_gradient(first, 1);
    set_gradient(other, 1);
    succeed(ag_optimizer_step(optimizer));
    ck_assert(value_of(first) != 1 && value_of(other) == 3);
}
END_TEST

START_TEST(a_gradient_of_nan_shows)
{
    ag_variable *p = parameter_of(1);
    ag_optimizer *optimizer = create_optimizer(_i, 1, &p);
    set_gradient(p, NAN);
    succeed(ag_optimizer_step(optimizer));
    ck_assert(isnan(value_of(p)));
}
END_TEST

/* ---- the learning rate ---- */

START_TEST(the_learning_rate_can_be_read_and_changed)
{
    ag_variable *p = parameter_of(1);
    ag_optimizer *optimizer =
        ag_sgd_create(permanent, 1, &p, (ag_sgd_options){.learning_rate = 0.25f});
    ck_assert(ag_optimizer_learning_rate(optimizer) == 0.25f);
    succeed(ag_optimizer_set_learning_rate(optimizer, 0.5f));
    ck_assert(ag_optimizer_learning_rate(optimizer) == 0.5f);
    set_gradient(p, 1);
    succeed(ag_optimizer_step(optimizer));
    ck_assert(value_of(p) == 0.5f);
    succeed(ag_optimizer_set_learning_rate(optimizer, 0));
    succeed(ag_optimizer_step(optimizer));
    ck_assert(value_of(p) == 0.5f);
}
END_TEST

static const float bad_rates[] = {-1, -1e-30f, NAN, -INFINITY};

START_TEST(a_bad_learning_rate_changes_nothing)
{
    ag_variable *p = parameter_of(1);
    ag_optimizer *optimizer = create_optimizer(1, 1, &p);
    ck_assert_int_eq(ag_optimizer_set_learning_rate(optimizer, bad_rates[_i]), AG_ERROR_ARGUMENT);
    assert_last_failure(AG_ERROR_ARGUMENT, "learning_rate is");
    ck_assert(ag_optimizer_learning_rate(optimizer) == 1e-3f);
}
END_TEST

START_TEST(a_gradient_of_another_shape_moves_nothing)
{
    ag_variable *parameters[] = {parameter_of(1), random_parameter(2, 3)};
    ag_optimizer *optimizer = create_optimizer(1, 2, parameters);
    set_gradient(parameters[0], 1);
    set_gradient(parameters[1], 1);
    parameters[1]->grad = parameters[0]->grad;
    ck_assert_int_eq(ag_optimizer_step(optimizer), AG_ERROR_SHAPE);
    assert_last_failure(AG_ERROR_SHAPE, "parameter 1 or its gradient");
    ck_assert(value_of(parameters[0]) == 1);
}
END_TEST

START_TEST(a_parameter_without_data_is_refused)
{
    ag_variable *parameter = parameter_of(1);
    parameter->data = NULL;
    ck_assert_ptr_null(ag_adamw_create(permanent, 1, &parameter, ag_adamw_defaults()));
    assert_last_failure(AG_ERROR_NULL, "adamw: a parameter's data is NULL");
}
END_TEST

/* ---- threads ---- */

/* The parameter after a few steps, copied to `out`. */
static void train_large(int rule, int threads, float *out)
{
    numbers = ag_random_create(9);
    ag_variable *p = random_parameter(1, LARGE);
    ag_optimizer *optimizer = create_optimizer(rule, 1, &p);
    bool unused = false;
    ck_assert_ptr_nonnull(optimizer);
    succeed(ag_set_num_threads(threads));
    for (int step = 0; step < 3; step++) {
        succeed(ag_tensor_fill_uniform(ag_grad_sink(p, &unused), &numbers, -1, 1));
        succeed(ag_optimizer_step(optimizer));
    }
    memcpy(out, p->data->data, LARGE * sizeof *out);
}

START_TEST(the_number_of_threads_changes_no_bit)
{
    static float alone[LARGE], together[LARGE];
    train_large(_i, 1, alone);
    for (int threads = 2; threads <= 3; threads++) {
        train_large(_i, threads, together);
        ck_assert_int_eq(memcmp(alone, together, sizeof alone), 0);
    }
}
END_TEST

/* A model of many sizes, some left out, moves as each parameter does with an optimiser of its own. */
START_TEST(parameters_move_independently_of_each_other)
{
    static const uint32_t sizes[] = {1, 15, 16, 17, 4095, 4096, 4097, 3, 30000, 1, 1, 8192, 2};
    enum { COUNT = COUNT_OF(sizes) };
    ag_variable *together[COUNT], *alone[COUNT];
    ag_optimizer *single[COUNT];
    bool unused = false;
    for (int i = 0; i < COUNT; i++) {
        together[i] = random_parameter(1, sizes[i]);
        alone[i] = random_parameter(1, sizes[i]);
        succeed(ag_tensor_copy(alone[i]->data, together[i]->data));
        single[i] = create_optimizer(_i, 1, &alone[i]);
    }
    ag_optimizer *optimizer = create_optimizer(_i, COUNT, together);
    succeed(ag_set_num_threads(3));
    for (int step = 0; step < 6; step++) {
        succeed(ag_optimizer_zero_grad(optimizer));
        for (int i = 0; i < COUNT; i++) {
            if ((i + step) % 3 == 0) continue;
            ag_tensor *grad = ag_grad_sink(together[i], &unused);
            succeed(ag_tensor_fill_uniform(grad, &numbers, -1, 1));
            succeed(ag_tensor_copy(ag_grad_sink(alone[i], &unused), grad));
            succeed(ag_optimizer_step(single[i]));
        }
        succeed(ag_optimizer_step(optimizer));
    }
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(
            memcmp(together[i]->data->data, alone[i]->data->data, sizes[i] * sizeof(float)), 0);
}
END_TEST

void add_parameters(Suite *suite)
{
    TCase *tests = add_case(suite, "parameters");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_loop_test(tests, a_parameter_without_gradient_stays, 0, NUM_RULES);
    tcase_add_loop_test(tests, a_step_keeps_the_gradients_and_zero_grad_empties_them, 0, NUM_RULES);
    tcase_add_loop_test(tests, a_parameter_that_has_changed_its_shape_is_refused, 0, NUM_RULES);
    tcase_add_loop_test(tests, the_list_of_parameters_is_copied, 0, NUM_RULES);
    tcase_add_loop_test(tests, a_gradient_of_nan_shows, 0, NUM_RULES);
    tcase_add_test(tests, the_learning_rate_can_be_read_and_changed);
    tcase_add_test(tests, a_gradient_of_another_shape_moves_nothing);
    tcase_add_test(tests, a_parameter_without_data_is_refused);
    tcase_add_loop_test(tests, a_bad_learning_rate_changes_nothing, 0, COUNT_OF(bad_rates));
    tcase_add_loop_test(tests, the_number_of_threads_changes_no_bit, 0, NUM_RULES);
    tcase_add_loop_test(tests, parameters_move_independently_of_each_other, 0, NUM_RULES);
}
