/* refusals.c: optimisers that cannot be created. */
#include "config.h"

#include "optim/world.h"

#include <math.h>
#include <string.h>

#include "assertions.h"
#include "suite.h"

static void assert_none_created(const ag_optimizer *optimizer, size_t used, ag_status status,
                                const char *fragment)
{
    ck_assert_ptr_null(optimizer);
    assert_last_failure(status, fragment);
    ck_assert_uint_eq(ag_arena_used(permanent), used);
}

static const struct {
    ag_sgd_options options;
    const char *message;
} bad_sgd[] = {
    {{.learning_rate = -1}, "sgd: learning_rate is -1"},
    {{.learning_rate = NAN}, "sgd: learning_rate is"},
    {{.learning_rate = INFINITY}, "sgd: learning_rate is inf"},
    {{.learning_rate = 1, .momentum = -0.5f}, "sgd: momentum is -0.5"},
    {{.learning_rate = 1, .momentum = 1}, "sgd: momentum is 1"},
    {{.learning_rate = 1, .momentum = 1.5f}, "sgd: momentum is 1.5"},
    {{.learning_rate = 1, .momentum = NAN}, "sgd: momentum is"},
    {{.learning_rate = 1, .momentum = INFINITY}, "sgd: momentum is inf"},
    {{.learning_rate = 1, .weight_decay = -0.5f}, "sgd: weight_decay is -0.5"},
    {{.learning_rate = 1, .weight_decay = NAN}, "sgd: weight_decay is"},
    {{.learning_rate = 1, .weight_decay = INFINITY}, "sgd: weight_decay is inf"},
    {{.learning_rate = 1, .nesterov = true}, "sgd: nesterov"},
};

START_TEST(sgd_refuses_a_bad_setting)
{
    ag_variable *p = parameter_of(1);
    size_t used = ag_arena_used(permanent);
    assert_none_created(ag_sgd_create(permanent, 1, &p, bad_sgd[_i].options), used,
                        AG_ERROR_ARGUMENT, bad_sgd[_i].message);
}
END_TEST

static const struct {
    ag_adamw_options options;
    const char *message;
} bad_adamw[] = {
    {{.learning_rate = -1}, "adamw: learning_rate is -1"},
    {{.learning_rate = NAN}, "adamw: learning_rate is"},
    {{.learning_rate = INFINITY}, "adamw: learning_rate is inf"},
    {{.learning_rate = 1, .beta1 = 1}, "adamw: beta1 is 1"},
    {{.learning_rate = 1, .beta1 = -0.1f}, "adamw: beta1 is -0.1"},
    {{.learning_rate = 1, .beta1 = NAN}, "adamw: beta1 is"},
    {{.learning_rate = 1, .beta2 = 1}, "adamw: beta2 is 1"},
    {{.learning_rate = 1, .beta2 = 2}, "adamw: beta2 is 2"},
    {{.learning_rate = 1, .beta2 = -1}, "adamw: beta2 is -1"},
    {{.learning_rate = 1, .beta2 = NAN}, "adamw: beta2 is"},
    {{.learning_rate = 1, .epsilon = -1e-8f}, "adamw: epsilon is -1e-08"},
    {{.learning_rate = 1, .epsilon = NAN}, "adamw: epsilon is"},
    {{.learning_rate = 1, .epsilon = INFINITY}, "adamw: epsilon is inf"},
    {{.learning_rate = 1, .weight_decay = -1}, "adamw: weight_decay is -1"},
    {{.learning_rate = 1, .weight_decay = NAN}, "adamw: weight_decay is"},
    {{.learning_rate = 1, .weight_decay = INFINITY}, "adamw: weight_decay is inf"},
};

START_TEST(adamw_refuses_a_bad_setting)
{
    ag_variable *p = parameter_of(1);
    size_t used = ag_arena_used(permanent);
    assert_none_created(ag_adamw_create(permanent, 1, &p, bad_adamw[_i].options), used,
                        AG_ERROR_ARGUMENT, bad_adamw[_i].message);
}
END_TEST

static const struct {
    ag_rmsprop_options options;
    const char *message;
} bad_rmsprop[] = {
    {{.learning_rate = -1}, "rmsprop: learning_rate is -1 but must be at least 0 and below inf"},
    {{.alpha = 1}, "rmsprop: alpha is 1 but must be at least 0 and below 1"},
    {{.epsilon = -1}, "rmsprop: epsilon is -1 but must be at least 0 and below inf"},
    {{.momentum = 1}, "rmsprop: momentum is 1 but must be at least 0 and below 1"},
    {{.weight_decay = INFINITY}, "rmsprop: weight_decay is inf but must be"},
};

START_TEST(rmsprop_refuses_a_bad_setting)
{
    ag_variable *p = parameter_of(1);
    size_t used = ag_arena_used(permanent);
    assert_none_created(ag_rmsprop_create(permanent, 1, &p, bad_rmsprop[_i].options), used,
                        AG_ERROR_ARGUMENT, bad_rmsprop[_i].message);
}
END_TEST

static const struct {
    ag_adagrad_options options;
    const char *message;
} bad_adagrad[] = {
    {{.learning_rate = NAN}, "adagrad: learning_rate is"},
    {{.learning_rate_decay = -1}, "adagrad: learning_rate_decay is -1 but must be at least 0"},
    {{.epsilon = -1}, "adagrad: epsilon is -1 but must be at least 0 and below inf"},
    {{.initial_accumulator_value = -2}, "adagrad: initial_accumulator_value is -2 but must be"},
    {{.weight_decay = -1}, "adagrad: weight_decay is -1 but must be at least 0 and below inf"},
};

START_TEST(adagrad_refuses_a_bad_setting)
{
    ag_variable *p = parameter_of(1);
    size_t used = ag_arena_used(permanent);
    assert_none_created(ag_adagrad_create(permanent, 1, &p, bad_adagrad[_i].options), used,
                        AG_ERROR_ARGUMENT, bad_adagrad[_i].message);
}
END_TEST

START_TEST(settings_at_the_ends_of_their_ranges_are_allowed)
{
    ag_variable *p = parameter_of(1);
    ck_assert_ptr_nonnull(ag_sgd_create(permanent, 1, &p, (ag_sgd_options){.momentum = 0}));
    ck_assert_ptr_nonnull(ag_adamw_create(permanent, 1, &p, (ag_adamw_options){.beta1 = 0}));
    ag_sgd_options fastest = {.momentum = nextafterf(1, 0)};
    ck_assert_ptr_nonnull(ag_sgd_create(permanent, 1, &p, fastest));
    ag_adamw_options highest = {.beta1 = nextafterf(1, 0), .beta2 = nextafterf(1, 0)};
    ck_assert_ptr_nonnull(ag_adamw_create(permanent, 1, &p, highest));
}
END_TEST

static void assert_refused(int rule, size_t count, ag_variable *const *parameters, ag_status status,
                           const char *fragment)
{
    size_t used = ag_arena_used(permanent);
    ck_assert_ptr_null(create_optimizer(rule, count, parameters));
    ck_assert_ptr_nonnull(strstr(ag_last_error(), rule_names[rule]));
    assert_last_failure(status, fragment);
    ck_assert_uint_eq(ag_arena_used(permanent), used);
}

START_TEST(optimizers_refuse_what_is_no_parameter)
{
    ag_variable *p = parameter_of(1), *q = parameter_of(2), *node = ag_scale(graph, p, 2);
    ag_variable *frozen = ag_detach(permanent, p);
    assert_refused(_i, 0, &p, AG_ERROR_ARGUMENT, "no parameters");
    assert_refused(_i, 1, NULL, AG_ERROR_NULL, "parameters is NULL");
    assert_refused(_i, 2, (ag_variable *[]){p, NULL}, AG_ERROR_NULL, "one of parameters is NULL");
    assert_refused(_i, 2, (ag_variable *[]){p, node}, AG_ERROR_ARGUMENT, "parameter 1 (scale)");
    assert_refused(_i, 2, (ag_variable *[]){frozen, p}, AG_ERROR_ARGUMENT, "parameter 0 (leaf)");
    assert_refused(_i, 3, (ag_variable *[]){p, q, p}, AG_ERROR_ARGUMENT,
                   "parameters 0 and 2 are the same");
}
END_TEST

START_TEST(optimizers_refuse_null)
{
    ag_variable *p = parameter_of(1);
    ck_assert_ptr_null(ag_sgd_create(NULL, 1, &p, (ag_sgd_options){.learning_rate = 1}));
    assert_last_failure(AG_ERROR_NULL, "sgd: arena is NULL");
    ck_assert_ptr_null(ag_adamw_create(NULL, 1, &p, ag_adamw_defaults()));
    assert_last_failure(AG_ERROR_NULL, "adamw: arena is NULL");
    ck_assert_int_eq(ag_optimizer_step(NULL), AG_ERROR_NULL);
    assert_last_failure(AG_ERROR_NULL, "optimizer_step: optimizer is NULL");
    ck_assert_int_eq(ag_optimizer_zero_grad(NULL), AG_ERROR_NULL);
    assert_last_failure(AG_ERROR_NULL, "optimizer_zero_grad: optimizer is NULL");
    ck_assert_int_eq(ag_optimizer_set_learning_rate(NULL, 1), AG_ERROR_NULL);
    assert_last_failure(AG_ERROR_NULL, "optimizer_set_learning_rate: optimizer is NULL");
    ck_assert_ptr_null(ag_optimizer_name(NULL));
    assert_last_failure(AG_ERROR_NULL, "optimizer_name: optimizer is NULL");
    ck_assert_uint_eq(ag_optimizer_num_state(NULL), 0);
    assert_last_failure(AG_ERROR_NULL, "optimizer_num_state: optimizer is NULL");
    ck_assert_int_eq(ag_optimizer_state_at(NULL, 0, &(ag_optimizer_state){0}), AG_ERROR_NULL);
    assert_last_failure(AG_ERROR_NULL, "optimizer_state_at: optimizer is NULL");
    ck_assert(isnan(ag_optimizer_learning_rate(NULL)));
    assert_last_failure(AG_ERROR_NULL, "optimizer_learning_rate: optimizer is NULL");
}
END_TEST

void add_refusals(Suite *suite)
{
    TCase *tests = add_case(suite, "refusals");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_loop_test(tests, sgd_refuses_a_bad_setting, 0, COUNT_OF(bad_sgd));
    tcase_add_loop_test(tests, adamw_refuses_a_bad_setting, 0, COUNT_OF(bad_adamw));
    tcase_add_loop_test(tests, rmsprop_refuses_a_bad_setting, 0, COUNT_OF(bad_rmsprop));
    tcase_add_loop_test(tests, adagrad_refuses_a_bad_setting, 0, COUNT_OF(bad_adagrad));
    tcase_add_test(tests, settings_at_the_ends_of_their_ranges_are_allowed);
    tcase_add_loop_test(tests, optimizers_refuse_what_is_no_parameter, 0, NUM_RULES);
    tcase_add_test(tests, optimizers_refuse_null);
}
