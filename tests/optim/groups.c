/* groups.c: groups of parameters, momentum, clipping. */
#include "config.h"

#include "optim/world.h"

#include <math.h>

#include "assertions.h"
#include "suite.h"

/* ---- groups and momentum ---- */

START_TEST(a_group_has_its_own_settings)
{
    ag_variable *first = parameter_of(1), *second = parameter_of(1), *frozen = parameter_of(1);
    ag_optimizer *optimizer = ag_sgd_create(
        permanent, 1, &first, (ag_sgd_options){.learning_rate = 0.5f, .weight_decay = 0.25f});
    succeed(ag_optimizer_add_group(optimizer, 1, &second, 0.5f, 0));
    succeed(ag_optimizer_add_group(optimizer, 1, &frozen, 0, 1));
    set_gradient(first, 1);
    set_gradient(second, 1);
    set_gradient(frozen, 1);
    succeed(ag_optimizer_step(optimizer));
    ck_assert(value_of(first) == 1 - 0.5f * 1.25f);
    ck_assert(value_of(second) == 1 - 0.25f && value_of(frozen) == 1);
    succeed(ag_optimizer_set_learning_rate(optimizer, 1));
    succeed(ag_optimizer_step(optimizer));
    ck_assert(value_of(second) == 1 - 0.25f - 0.5f);
    succeed(ag_optimizer_zero_grad(optimizer));
    ck_assert(first->grad == NULL && second->grad == NULL && frozen->grad == NULL);
    ck_assert_uint_eq(ag_optimizer_num_state(optimizer), 3);
}
END_TEST

/* What the first group has remembered stays when a second comes. */
START_TEST(a_group_can_come_late)
{
    ag_variable *first = parameter_of(1), *alone = parameter_of(1), *late = parameter_of(1);
    ag_optimizer *optimizer = create_optimizer(_i, 1, &first);
    ag_optimizer *other = create_optimizer(_i, 1, &alone);
    for (int step = 0; step < 4; step++) {
        if (step == 2) succeed(ag_optimizer_add_group(optimizer, 1, &late, 1, 0));
        set_gradient(first, 1 + (float)step);
        set_gradient(alone, 1 + (float)step);
        set_gradient(late, 1);
        succeed(ag_optimizer_step(optimizer));
        succeed(ag_optimizer_step(other));
    }
    ck_assert(value_of(first) == value_of(alone) && value_of(late) != 1);
}
END_TEST

static void assert_no_group(ag_optimizer *optimizer, ag_variable *p, float factor, float decay,
                            ag_status status, const char *message)
{
    size_t used = ag_arena_used(permanent), state = ag_optimizer_num_state(optimizer);
    ck_assert_int_eq(ag_optimizer_add_group(optimizer, 1, &p, factor, decay), status);
    assert_last_failure(status, message);
    ck_assert_uint_eq(ag_arena_used(permanent), used);
    ck_assert_uint_eq(ag_optimizer_num_state(optimizer), state);
}

START_TEST(a_bad_group_is_refused)
{
    ag_variable *p = parameter_of(1), *q = random_parameter(500, 1000);
    ag_optimizer *optimizer = create_optimizer(_i, 1, &p);
    assert_no_group(optimizer, p, 1, 0, AG_ERROR_ARGUMENT,
                    "optimizer_add_group: parameter 0 is in an earlier group");
    assert_no_group(optimizer, NULL, 1, 0, AG_ERROR_NULL,
                    "optimizer_add_group: one of parameters is NULL");
    assert_no_group(
        optimizer, q, -1, 0, AG_ERROR_ARGUMENT,
        "optimizer_add_group: learning_rate_factor is -1 but must be at least 0 and below inf");
    assert_no_group(optimizer, q, 1, NAN, AG_ERROR_ARGUMENT,
                    "optimizer_add_group: weight_decay is");
    succeed(ag_arena_set_limit(permanent, ag_arena_capacity(permanent)));
    assert_no_group(optimizer, q, 1, 0, AG_ERROR_MEMORY, "limit");
    ck_assert_int_eq(ag_optimizer_add_group(NULL, 1, &p, 1, 0), AG_ERROR_NULL);
    assert_last_failure(AG_ERROR_NULL, "optimizer_add_group: optimizer is NULL");
}
END_TEST

START_TEST(the_momentum_can_be_read_and_changed)
{
    ag_variable *p = parameter_of(1);
    ag_optimizer *optimizer =
        ag_sgd_create(permanent, 1, &p, (ag_sgd_options){.learning_rate = 0.5f, .momentum = 0.5f});
    ck_assert(ag_optimizer_momentum(optimizer) == 0.5f);
    set_gradient(p, 1);
    succeed(ag_optimizer_step(optimizer));
    succeed(ag_optimizer_set_momentum(optimizer, 0.25f));
    succeed(ag_optimizer_step(optimizer));
    ck_assert(value_of(p) == 1 - 0.5f - 0.5f * 1.25f);
    ck_assert_int_eq(ag_optimizer_set_momentum(optimizer, 1), AG_ERROR_ARGUMENT);
    assert_last_failure(AG_ERROR_ARGUMENT, "optimizer_set_momentum: momentum is 1 but must be");
    ck_assert(ag_optimizer_momentum(optimizer) == 0.25f);
    ag_optimizer *none = ag_sgd_create(permanent, 1, &p, (ag_sgd_options){.learning_rate = 0.5f});
    ck_assert_int_eq(ag_optimizer_set_momentum(none, 0.5f), AG_ERROR_ARGUMENT);
    assert_last_failure(AG_ERROR_ARGUMENT, "optimizer_set_momentum: this sgd was made without one");
    ck_assert(ag_optimizer_momentum(none) == 0 && isnan(ag_optimizer_momentum(NULL)));
    assert_last_failure(AG_ERROR_NULL, "optimizer_momentum: optimizer is NULL");
    ck_assert_int_eq(ag_optimizer_set_momentum(NULL, 0), AG_ERROR_NULL);
    assert_last_failure(AG_ERROR_NULL, "optimizer_set_momentum: optimizer is NULL");
    ag_optimizer *adam = create_optimizer(2, 1, &p);
    ck_assert(ag_optimizer_momentum(adam) == 0.9f);
    succeed(ag_optimizer_set_momentum(adam, 0.8f));
}
END_TEST

/* ---- clipping ---- */

START_TEST(the_norm_is_clipped)
{
    ag_variable *p[] = {parameter_of(0), parameter_of(0), parameter_of(0)};
    double norm = 0;
    set_gradient(p[0], 3e30f);
    set_gradient(p[2], -4e30f);
    succeed(ag_clip_grad_norm(3, p, 1e31f, &norm));
    ck_assert(p[0]->grad->data[0] == 3e30f && p[1]->grad == NULL);
    ck_assert_double_eq_tol(norm, 5e30, 1e24);
    succeed(ag_clip_grad_norm(3, p, 0.5f, NULL));
    ck_assert_double_eq_tol((double)p[0]->grad->data[0], 0.3, 1e-6);
    ck_assert_double_eq_tol((double)p[2]->grad->data[0], -0.4, 1e-6);
    succeed(ag_clip_grad_norm(3, p, 0, &norm));
    ck_assert(fabs(norm - 0.5) < 1e-6 && p[0]->grad->data[0] == 0);
}
END_TEST

START_TEST(values_are_clipped)
{
    ag_variable *p[] = {parameter_of(0), parameter_of(0), random_parameter(3, 5000)};
    bool unused = false;
    set_gradient(p[0], NAN);
    ag_tensor *grad = ag_grad_sink(p[2], &unused);
    succeed(ag_tensor_fill_uniform(grad, &numbers, -2, 2));
    ag_tensor *before = ag_tensor_create_from(permanent, 2, grad->shape, grad->data);
    succeed(ag_clip_grad_value(3, p, 0.5f));
    ck_assert(isnan(p[0]->grad->data[0]));
    for (size_t i = 0; i < grad->size; i++)
        ck_assert(grad->data[i] == fmaxf(-0.5f, fminf(0.5f, before->data[i])));
}
END_TEST

START_TEST(clipping_has_the_same_bits_on_any_number_of_threads)
{
    ag_variable *p = random_parameter(1, LARGE);
    bool unused = false;
    double norm[3];
    succeed(ag_tensor_fill_uniform(ag_grad_sink(p, &unused), &numbers, -1, 1));
    for (int threads = 1; threads <= 3; threads++) {
        succeed(ag_set_num_threads(threads));
        succeed(ag_clip_grad_norm(1, &p, 1e9f, &norm[threads - 1]));
    }
    ck_assert(norm[0] == norm[1] && norm[0] == norm[2]);
    ck_assert_double_eq_tol(norm[0], sqrt(LARGE / 3.0), 1);
}
END_TEST

START_TEST(bad_gradients_and_limits_are_not_clipped)
{
    ag_variable *p[] = {parameter_of(0), parameter_of(0), NULL};
    double norm = -1;
    set_gradient(p[0], 5);
    set_gradient(p[1], INFINITY);
    ck_assert_int_eq(ag_clip_grad_norm(2, p, 1, &norm), AG_ERROR_DOMAIN);
    assert_last_failure(AG_ERROR_DOMAIN,
                        "clip_grad_norm: the gradient of parameter 1 is not finite");
    ck_assert_int_eq(ag_clip_grad_norm(1, p, NAN, &norm), AG_ERROR_ARGUMENT);
    assert_last_failure(AG_ERROR_ARGUMENT, "clip_grad_norm: max_norm is");
    ck_assert_int_eq(ag_clip_grad_value(1, p, -1), AG_ERROR_ARGUMENT);
    assert_last_failure(AG_ERROR_ARGUMENT, "clip_grad_value: limit is -1 but must be at least 0");
    ck_assert_int_eq(ag_clip_grad_value(3, p, 1), AG_ERROR_NULL);
    assert_last_failure(AG_ERROR_NULL, "clip_grad_value: one of parameters is NULL");
    ck_assert_int_eq(ag_clip_grad_norm(1, NULL, 1, &norm), AG_ERROR_NULL);
    assert_last_failure(AG_ERROR_NULL, "clip_grad_norm: parameters is NULL");
    ag_variable *twice[] = {p[0], p[0]};
    ck_assert_int_eq(ag_clip_grad_norm(2, twice, 1, &norm), AG_ERROR_ARGUMENT);
    assert_last_failure(AG_ERROR_ARGUMENT, "clip_grad_norm: parameters 0 and 1 are the same");
    ck_assert(norm == -1 && p[0]->grad->data[0] == 5 && isinf(p[1]->grad->data[0]));
}
END_TEST

void add_groups(Suite *suite)
{
    TCase *tests = add_case(suite, "groups and clipping");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_test(tests, a_group_has_its_own_settings);
    tcase_add_loop_test(tests, a_group_can_come_late, 0, NUM_RULES);
    tcase_add_loop_test(tests, a_bad_group_is_refused, 0, NUM_RULES);
    tcase_add_test(tests, the_momentum_can_be_read_and_changed);
    tcase_add_test(tests, the_norm_is_clipped);
    tcase_add_test(tests, values_are_clipped);
    tcase_add_test(tests, clipping_has_the_same_bits_on_any_number_of_threads);
    tcase_add_test(tests, bad_gradients_and_limits_are_not_clipped);
}
