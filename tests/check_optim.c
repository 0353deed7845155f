/* check_optim.c: the optimisers, against the same rules written in double. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <autograd/autograd.h>

#include "assertions.h"
#include "suite.h"

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

static ag_arena *permanent, *graph;
static ag_random numbers;

static void create_arenas(void)
{
    permanent = ag_arena_create(0);
    graph = ag_arena_create(0);
    numbers = ag_random_create(1);
    ck_assert(permanent != NULL && graph != NULL);
    memset(ag_arena_alloc(permanent, 100000), 0xff, 100000); /* NaN, where state must start as 0 */
    ag_arena_reset(permanent);
}

static void destroy_arenas(void)
{
    ag_arena_destroy(permanent);
    ag_arena_destroy(graph);
}

static ag_variable *random_parameter(uint32_t rows, uint32_t columns)
{
    ag_tensor *tensor = ag_tensor_create(permanent, 2, (uint32_t[]){rows, columns});
    succeed(ag_tensor_fill_uniform(tensor, &numbers, -1, 1));
    ag_variable *parameter = ag_create_leaf(permanent, tensor, true);
    ck_assert_ptr_nonnull(parameter);
    return parameter;
}

static ag_variable *parameter_of(float value)
{
    uint32_t shape[] = {1};
    ag_variable *parameter =
        ag_create_leaf(permanent, ag_tensor_create_from(permanent, 1, shape, &value), true);
    ck_assert_ptr_nonnull(parameter);
    return parameter;
}

/* Gives a parameter a gradient that is the same everywhere. */
static void set_gradient(ag_variable *parameter, float value)
{
    bool unused = false;
    succeed(ag_tensor_fill(ag_grad_sink(parameter, &unused), value));
}

static float value_of(const ag_variable *parameter)
{
    return parameter->data->data[0];
}

/* ---- a quadratic, and the rules in double ---- */

/* ½ |w M + c|², for a matrix M and a row c. */
#define SIZE 19 /* no multiple of a vector's length */

typedef struct quadratic {
    ag_variable *matrix, *row;
} quadratic;

static quadratic create_quadratic(void)
{
    quadratic q = {random_parameter(SIZE, SIZE), random_parameter(1, SIZE)};
    q.matrix->requires_grad = q.row->requires_grad = false;
    for (uint32_t i = 0; i < SIZE; i++) /* far from singular */
        q.matrix->data->data[i * SIZE + i] = i % 2 == 0 ? 5 : -5;
    return q;
}

static void compute_gradient(const quadratic *q, ag_variable *w)
{
    ag_variable *rest = ag_add(graph, ag_matmul(graph, w, q->matrix, false, false), q->row);
    succeed(ag_backward(graph, ag_l2_loss(graph, rest, AG_REDUCTION_SUM)));
    ag_arena_reset(graph);
}

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

START_TEST(the_usual_settings_of_adamw)
{
    ag_adamw_options usual = ag_adamw_defaults();
    ck_assert(usual.learning_rate == 1e-3f);
    ck_assert(usual.beta1 == 0.9f);
    ck_assert(usual.beta2 == 0.999f);
    ck_assert(usual.epsilon == 1e-8f);
    ck_assert(usual.weight_decay == 0.01f);
}
END_TEST

/* ---- which parameters move ---- */

static const char *const rule_names[] = {"sgd: ", "adamw: ", "adam: ", "rmsprop: ", "adagrad: "};
#define NUM_RULES COUNT_OF(rule_names)

static ag_optimizer *create_optimizer(int rule, size_t count, ag_variable *const *parameters)
{
    ag_sgd_options sgd = {.learning_rate = 0.1f, .momentum = 0.9f};
    ag_rmsprop_options rmsprop = {
        .learning_rate = 0.1f, .alpha = 0.9f, .epsilon = 1e-3f, .momentum = 0.5f, .centered = true};
    switch (rule) {
    case 0: return ag_sgd_create(permanent, count, parameters, sgd);
    case 1: return ag_adamw_create(permanent, count, parameters, ag_adamw_defaults());
    case 2: return ag_adam_create(permanent, count, parameters, ag_adam_defaults());
    case 3: return ag_rmsprop_create(permanent, count, parameters, rmsprop);
    default: return ag_adagrad_create(permanent, count, parameters, ag_adagrad_defaults());
    }
}

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

/* ---- what cannot be created ---- */

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

/* ---- checkpoints ---- */

#define MAX_CHECKPOINT 16

typedef struct checkpoint {
    float weights[SIZE];
    float tensors[MAX_CHECKPOINT][SIZE];
    uint64_t counters[MAX_CHECKPOINT];
} checkpoint;

/* Copies what the optimiser remembers to the checkpoint, or back. */
static void exchange(ag_optimizer *optimizer, checkpoint *c, bool restore)
{
    size_t count = ag_optimizer_num_state(optimizer);
    ck_assert(0 < count && count <= MAX_CHECKPOINT);
    for (size_t i = 0; i < count; i++) {
        ag_optimizer_state state;
        succeed(ag_optimizer_state_at(optimizer, i, &state));
        ck_assert((state.tensor == NULL) != (state.counter == NULL));
        void *own = state.tensor != NULL ? (void *)state.tensor->data : (void *)state.counter;
        void *copy = state.tensor != NULL ? (void *)c->tensors[i] : (void *)&c->counters[i];
        size_t bytes = state.tensor != NULL ? state.tensor->size * sizeof(float) : sizeof(uint64_t);
        memcpy(restore ? own : copy, restore ? copy : own, bytes);
    }
}

static void train(const quadratic *q, ag_optimizer *optimizer, ag_variable *w, int steps)
{
    for (int step = 0; step < steps; step++) {
        compute_gradient(q, w);
        succeed(ag_optimizer_step(optimizer));
        succeed(ag_optimizer_zero_grad(optimizer));
    }
}

START_TEST(what_an_optimizer_remembers_is_enough_to_resume)
{
    quadratic q = create_quadratic();
    ag_variable *w = random_parameter(1, SIZE), *resumed = random_parameter(1, SIZE);
    ag_optimizer *first = create_optimizer(_i, 1, &w);
    ag_optimizer *second = create_optimizer(_i, 1, &resumed);
    checkpoint c;
    train(&q, first, w, 7);
    exchange(first, &c, false);
    succeed(ag_tensor_copy(resumed->data, w->data));
    train(&q, first, w, 7);
    exchange(second, &c, true);
    train(&q, second, resumed, 7);
    ck_assert_int_eq(memcmp(w->data->data, resumed->data->data, SIZE * sizeof(float)), 0);
}
END_TEST

START_TEST(what_an_optimizer_remembers_has_names_and_shapes)
{
    ag_variable *parameters[] = {parameter_of(1), random_parameter(2, 3)};
    ag_optimizer *optimizer = create_optimizer(1, 2, parameters);
    static const char *const names[] = {"0.step", "0.exp_avg", "0.exp_avg_sq",
                                        "1.step", "1.exp_avg", "1.exp_avg_sq"};
    ck_assert_str_eq(ag_optimizer_name(optimizer), "adamw");
    ck_assert_uint_eq(ag_optimizer_num_state(optimizer), 6);
    ag_optimizer_state state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        succeed(ag_optimizer_state_at(optimizer, i, &state));
        ck_assert_str_eq(state.name, names[i]);
        if (state.tensor != NULL)
            ck_assert(ag_tensor_same_shape(state.tensor, parameters[i / 3]->data));
    }
    ck_assert_int_eq(ag_optimizer_state_at(optimizer, 6, &state), AG_ERROR_ARGUMENT);
    assert_last_failure(AG_ERROR_ARGUMENT, "optimizer_state_at: index is 6 but must be below 6");
}
END_TEST

/* ---- threads ---- */

#define LARGE ((1u << 20) + 37)

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
    ck_assert(norm == -1 && p[0]->grad->data[0] == 5 && isinf(p[1]->grad->data[0]));
}
END_TEST

/* ---- */

static void add_rules(Suite *suite)
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
    tcase_add_test(tests, the_usual_settings_of_adamw);
}

static void add_parameters(Suite *suite)
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
    tcase_add_loop_test(tests, what_an_optimizer_remembers_is_enough_to_resume, 0, NUM_RULES);
    tcase_add_test(tests, what_an_optimizer_remembers_has_names_and_shapes);
    tcase_add_loop_test(tests, the_number_of_threads_changes_no_bit, 0, NUM_RULES);
}

static void add_groups(Suite *suite)
{
    TCase *tests = add_case(suite, "groups and clipping");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_loop_test(tests, parameters_move_independently_of_each_other, 0, NUM_RULES);
    tcase_add_test(tests, a_group_has_its_own_settings);
    tcase_add_loop_test(tests, a_group_can_come_late, 0, NUM_RULES);
    tcase_add_loop_test(tests, a_bad_group_is_refused, 0, NUM_RULES);
    tcase_add_test(tests, the_momentum_can_be_read_and_changed);
    tcase_add_test(tests, the_norm_is_clipped);
    tcase_add_test(tests, values_are_clipped);
    tcase_add_test(tests, clipping_has_the_same_bits_on_any_number_of_threads);
    tcase_add_test(tests, bad_gradients_and_limits_are_not_clipped);
}

static void add_refusals(Suite *suite)
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

int main(void)
{
    Suite *suite = suite_create("optim");
    add_rules(suite);
    add_parameters(suite);
    add_groups(suite);
    add_refusals(suite);
    return run_suite(suite);
}
