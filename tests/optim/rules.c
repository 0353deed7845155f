/* rules.c: the rules of the optimisers, against the same written in double, and single steps. */
#include "config.h"

#include "optim/world.h"

#include <math.h>
#include <string.h>

#include "assertions.h"
#include "suite.h"

/* |w M + c|, which is 0 at the minimum, for M is regular. */
static double distance_to_minimum(const quadratic *q, const ag_variable *w)
{
    double square = 0;
    for (int j = 0; j < SIZE; j++) {
        double rest = (double)q->row->data->data[j];
        for (int i = 0; i < SIZE; i++)
            rest += (double)w->data->data[i] * (double)q->matrix->data->data[i * SIZE + j];
        square += rest * rest;
    }
    return sqrt(square);
}

typedef struct reference {
    double w[SIZE], velocity[SIZE], first_moment[SIZE], second_moment[SIZE];
    int steps;
} reference;

static reference create_reference(const ag_variable *w)
{
    reference r = {.steps = 0};
    for (int i = 0; i < SIZE; i++)
        r.w[i] = (double)w->data->data[i];
    return r;
}

/*
 * The reference is given the gradients of the float parameters: with gradients of its own it would
 * drift away from them near the minimum, where Adam's steps amplify any rounding.
 *
 * As in torch.optim.SGD, where the first velocity is the first gradient itself.
 */
static void reference_sgd(reference *r, const float *gradient, double rate,
                          const ag_sgd_options *options)
{
    double momentum = (double)options->momentum;
    r->steps++;
    for (int i = 0; i < SIZE; i++) {
        double g = (double)gradient[i] + (double)options->weight_decay * r->w[i];
        r->velocity[i] = r->steps == 1 ? g : momentum * r->velocity[i] + g;
        if (momentum > 0) g = options->nesterov ? g + momentum * r->velocity[i] : r->velocity[i];
        r->w[i] -= rate * g;
    }
}

/* As in torch.optim.AdamW. */
static void reference_adamw(reference *r, const float *gradient, double rate,
                            const ag_adamw_options *options)
{
    double beta1 = (double)options->beta1, beta2 = (double)options->beta2;
    r->steps++;
    for (int i = 0; i < SIZE; i++) {
        double g = (double)gradient[i];
        r->w[i] *= 1 - rate * (double)options->weight_decay;
        r->first_moment[i] += (1 - beta1) * (g - r->first_moment[i]);
        r->second_moment[i] = beta2 * r->second_moment[i] + (1 - beta2) * g * g;
        double step_size = rate / (1 - pow(beta1, r->steps));
        double corrected = sqrt(r->second_moment[i]) / sqrt(1 - pow(beta2, r->steps));
        r->w[i] -= step_size * r->first_moment[i] / (corrected + (double)options->epsilon);
    }
}

/* The largest difference, relative to the largest parameter. */
static double distance(const ag_variable *w, const reference *r)
{
    double difference = 0, largest = 0;
    for (int i = 0; i < SIZE; i++) {
        difference = fmax(difference, fabs((double)w->data->data[i] - r->w[i]));
        largest = fmax(largest, fabs(r->w[i]));
    }
    return difference / largest;
}

#define STEPS 100

/* The learning rate of a step, for schedules that change it now and then. */
static float scheduled(float rate, int step)
{
    return step < 40 ? rate : step < 70 ? rate / 2 : rate / 16;
}

static const ag_sgd_options sgd_cases[] = {
    {.learning_rate = 0.02f},
    {.learning_rate = 0.02f, .weight_decay = 0.3f},
    {.learning_rate = 0.01f, .momentum = 0.9f},
    {.learning_rate = 0.01f, .momentum = 0.5f, .weight_decay = 0.1f},
    {.learning_rate = 0.01f, .momentum = 0.9f, .nesterov = true},
    {.learning_rate = 0.01f, .momentum = 0.8f, .nesterov = true, .weight_decay = 0.2f},
};

START_TEST(sgd_follows_its_rule)
{
    ag_sgd_options options = sgd_cases[_i];
    quadratic q = create_quadratic();
    ag_variable *w = random_parameter(1, SIZE);
    reference r = create_reference(w);
    ag_optimizer *optimizer = ag_sgd_create(permanent, 1, &w, options);
    ck_assert_ptr_nonnull(optimizer);
    for (int step = 0; step < STEPS; step++) {
        float rate = scheduled(options.learning_rate, step);
        succeed(ag_optimizer_set_learning_rate(optimizer, rate));
        compute_gradient(&q, w);
        reference_sgd(&r, w->grad->data, (double)rate, &options);
        succeed(ag_optimizer_step(optimizer));
        succeed(ag_optimizer_zero_grad(optimizer));
        ck_assert_double_lt(distance(w, &r), 1e-5);
    }
}
END_TEST

static const ag_adamw_options adamw_cases[] = {
    {.learning_rate = 1e-3f,
     .beta1 = 0.9f,
     .beta2 = 0.999f,
     .epsilon = 1e-8f,
     .weight_decay = 0.01f},
    {.learning_rate = 0.1f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f},
    {.learning_rate = 0.05f, .beta1 = 0.5f, .beta2 = 0.9f, .epsilon = 1e-3f, .weight_decay = 0.5f},
    {.learning_rate = 0.05f, .beta2 = 0.99f, .epsilon = 0.1f, .weight_decay = 0.1f},
    {.learning_rate = 0.02f, .beta1 = 0.9f, .epsilon = 1},
};

START_TEST(adamw_follows_its_rule)
{
    ag_adamw_options options = adamw_cases[_i];
    quadratic q = create_quadratic();
    ag_variable *w = random_parameter(1, SIZE);
    reference r = create_reference(w);
    ag_optimizer *optimizer = ag_adamw_create(permanent, 1, &w, options);
    ck_assert_ptr_nonnull(optimizer);
    for (int step = 0; step < STEPS; step++) {
        float rate = scheduled(options.learning_rate, step);
        succeed(ag_optimizer_set_learning_rate(optimizer, rate));
        compute_gradient(&q, w);
        reference_adamw(&r, w->grad->data, (double)rate, &options);
        succeed(ag_optimizer_step(optimizer));
        succeed(ag_optimizer_zero_grad(optimizer));
        ck_assert_double_lt(distance(w, &r), 1e-5);
    }
}
END_TEST

/* Weight decay would move the minimum. */
static ag_optimizer *create_without_decay(int rule, ag_variable *w)
{
    ag_adamw_options adamw = {
        .learning_rate = 0.1f, .beta1 = 0.9f, .beta2 = 0.99f, .epsilon = 1e-8f};
    if (rule == COUNT_OF(sgd_cases)) return ag_adamw_create(permanent, 1, &w, adamw);
    ag_sgd_options sgd = sgd_cases[rule];
    sgd.weight_decay = 0;
    return ag_sgd_create(permanent, 1, &w, sgd);
}

START_TEST(every_rule_finds_the_minimum)
{
    quadratic q = create_quadratic();
    ag_variable *w = random_parameter(1, SIZE);
    ag_optimizer *optimizer = create_without_decay(_i, w);
    double at_first = distance_to_minimum(&q, w);
    for (int step = 0; step < 1500; step++) {
        float rate = 0.995f * ag_optimizer_learning_rate(optimizer);
        succeed(ag_optimizer_set_learning_rate(optimizer, rate));
        compute_gradient(&q, w);
        succeed(ag_optimizer_step(optimizer));
        succeed(ag_optimizer_zero_grad(optimizer));
    }
    ck_assert_double_lt(distance_to_minimum(&q, w), 1e-3 * at_first);
}
END_TEST

/* ---- single steps that can be computed by hand ---- */

static void assert_value(const ag_variable *parameter, double expected)
{
    ck_assert_double_eq_tol((double)value_of(parameter), expected, 1e-6 * fabs(expected));
}

START_TEST(sgd_takes_its_first_steps)
{
    ag_variable *p = parameter_of(1);
    ag_optimizer *optimizer =
        ag_sgd_create(permanent, 1, &p, (ag_sgd_options){.learning_rate = 0.1f, .momentum = 0.5f});
    set_gradient(p, 2);
    succeed(ag_optimizer_step(optimizer));
    assert_value(p, 0.8); /* velocity 2 */
    succeed(ag_optimizer_step(optimizer));
    assert_value(p, 0.5); /* velocity 3 */
    set_gradient(p, -1);
    succeed(ag_optimizer_step(optimizer));
    assert_value(p, 0.45); /* velocity 0.5 */
}
END_TEST

START_TEST(nesterov_looks_ahead)
{
    ag_variable *p = parameter_of(1);
    ag_optimizer *optimizer =
        ag_sgd_create(permanent, 1, &p,
                      (ag_sgd_options){.learning_rate = 0.1f, .momentum = 0.5f, .nesterov = true});
    set_gradient(p, 2);
    succeed(ag_optimizer_step(optimizer));
    assert_value(p, 1 - 0.1 * (2 + 0.5 * 2));
    succeed(ag_optimizer_step(optimizer));
    assert_value(p, 0.7 - 0.1 * (2 + 0.5 * 3));
}
END_TEST

static const float gradient_sizes[] = {1e-4f, -1, 1e4f};

/* Whatever the gradient's size, its moments cancel in the first step. */
START_TEST(the_first_step_of_adamw_has_the_length_of_the_learning_rate)
{
    float gradient = gradient_sizes[_i];
    ag_variable *p = parameter_of(3);
    ag_adamw_options options = {
        .learning_rate = 0.01f, .beta1 = 0.9f, .beta2 = 0.99f, .weight_decay = 0.5f};
    ag_optimizer *optimizer = ag_adamw_create(permanent, 1, &p, options);
    set_gradient(p, gradient);
    succeed(ag_optimizer_step(optimizer));
    assert_value(p, 3 * (1 - 0.01 * 0.5) - copysign(0.01, (double)gradient));
}
END_TEST

START_TEST(without_gradient_values_adamw_only_decays)
{
    ag_variable *p = parameter_of(4);
    ag_optimizer *optimizer = ag_adamw_create(permanent, 1, &p, ag_adamw_defaults());
    set_gradient(p, 0);
    succeed(ag_optimizer_step(optimizer));
    assert_value(p, 4 * (1 - 1e-3 * 0.01));
}
END_TEST

START_TEST(a_learning_rate_of_zero_moves_nothing)
{
    ag_variable *p = parameter_of(0.3f), *q = parameter_of(0.7f);
    ag_adamw_options adamw = ag_adamw_defaults();
    adamw.learning_rate = 0;
    ag_sgd_options sgd = {.momentum = 0.9f, .weight_decay = 1};
    ag_optimizer *first = ag_adamw_create(permanent, 1, &p, adamw);
    ag_optimizer *second = ag_sgd_create(permanent, 1, &q, sgd);
    set_gradient(p, 5);
    set_gradient(q, 5);
    for (int i = 0; i < 3; i++) {
        succeed(ag_optimizer_step(first));
        succeed(ag_optimizer_step(second));
    }
    ck_assert(value_of(p) == 0.3f && value_of(q) == 0.7f);
}
END_TEST

START_TEST(the_usual_settings_of_adam_and_adamw)
{
    const ag_adam_options each[] = {ag_adam_defaults(), ag_adamw_defaults()};
    for (int i = 0; i < 2; i++) {
        ck_assert(each[i].learning_rate == 1e-3f);
        ck_assert(each[i].beta1 == 0.9f && each[i].beta2 == 0.999f);
        ck_assert(each[i].epsilon == 1e-8f);
        ck_assert(each[i].weight_decay == (i == 0 ? 0 : 0.01f));
    }
}
END_TEST

START_TEST(the_usual_settings_of_rmsprop)
{
    ag_rmsprop_options usual = ag_rmsprop_defaults();
    ck_assert(usual.learning_rate == 1e-2f);
    ck_assert(usual.alpha == 0.99f);
    ck_assert(usual.epsilon == 1e-8f);
    ck_assert(usual.weight_decay == 0 && usual.momentum == 0);
    ck_assert(!usual.centered);
}
END_TEST

START_TEST(the_usual_settings_of_adagrad)
{
    ag_adagrad_options usual = ag_adagrad_defaults();
    ck_assert(usual.learning_rate == 1e-2f);
    ck_assert(usual.learning_rate_decay == 0 && usual.weight_decay == 0);
    ck_assert(usual.initial_accumulator_value == 0);
    ck_assert(usual.epsilon == 1e-10f);
}
END_TEST

/* 0.9^1000 is far below what a float can hold, but 0.9 times the least float is the least float again. */
START_TEST(a_momentum_that_fades_ends_at_zero)
{
    ag_variable *w[] = {parameter_of(1), parameter_of(1), parameter_of(1)};
    ag_sgd_options sgd = {.learning_rate = 0.1f, .momentum = 0.9f};
    ag_rmsprop_options rmsprop = ag_rmsprop_defaults();
    rmsprop.momentum = 0.9f;
    ag_optimizer *each[] = {
        ag_adam_create(permanent, 1, &w[0], ag_adam_defaults()),
        ag_sgd_create(permanent, 1, &w[1], sgd),
        ag_rmsprop_create(permanent, 1, &w[2], rmsprop),
    };
    static const char *const names[] = {"0.exp_avg", "0.momentum_buffer", "0.momentum_buffer"};
    ag_optimizer_state state = {"", NULL, NULL};
    for (int step = 0; step < 1000; step++) {
        set_gradient(w[_i], step == 0 ? 1 : 0);
        ck_assert_int_eq(ag_optimizer_step(each[_i]), AG_OK);
    }
    for (size_t i = 0; strcmp(state.name, names[_i]) != 0; i++)
        ck_assert_int_eq(ag_optimizer_state_at(each[_i], i, &state), AG_OK);
    ck_assert(state.tensor->data[0] == 0);
}
END_TEST

/* Where nothing keeps the division away from 0 but the mean square, it may be as small as a float can be. */
START_TEST(adam_without_epsilon_moves_by_its_rate_for_tiny_gradients)
{
    ag_adam_options options = ag_adam_defaults();
    ag_variable *w = parameter_of(0);
    options.epsilon = 0;
    ag_optimizer *adam = ag_adam_create(permanent, 1, &w, options);
    set_gradient(w, 1e-19f);
    ck_assert_int_eq(ag_optimizer_step(adam), AG_OK);
    ck_assert_double_eq_tol((double)value_of(w), -1e-3, 1e-6);
}
END_TEST

void add_rules(Suite *suite)
{
    TCase *tests = add_case(suite, "rules");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_loop_test(tests, sgd_follows_its_rule, 0, COUNT_OF(sgd_cases));
    tcase_add_loop_test(tests, adamw_follows_its_rule, 0, COUNT_OF(adamw_cases));
    tcase_add_loop_test(tests, every_rule_finds_the_minimum, 0, COUNT_OF(sgd_cases) + 1);
    tcase_add_test(tests, sgd_takes_its_first_steps);
    tcase_add_test(tests, nesterov_looks_ahead);
    tcase_add_loop_test(tests, the_first_step_of_adamw_has_the_length_of_the_learning_rate, 0,
                        COUNT_OF(gradient_sizes));
    tcase_add_test(tests, without_gradient_values_adamw_only_decays);
    tcase_add_test(tests, a_learning_rate_of_zero_moves_nothing);
    tcase_add_loop_test(tests, a_momentum_that_fades_ends_at_zero, 0, 3);
    tcase_add_test(tests, adam_without_epsilon_moves_by_its_rate_for_tiny_gradients);
    tcase_add_test(tests, the_usual_settings_of_adam_and_adamw);
    tcase_add_test(tests, the_usual_settings_of_rmsprop);
    tcase_add_test(tests, the_usual_settings_of_adagrad);
}
