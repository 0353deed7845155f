/*
 * check_lbfgs.c: L-BFGS beyond its path: minima, the line search against PyTorch's, failures, memory, resuming,
 * threads.
 */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <autograd/autograd.h>

#include "assertions.h"
#include "suite.h"

static ag_arena *arena;

static void create_arena(void)
{
    arena = ag_arena_create(0);
    ck_assert_ptr_nonnull(arena);
}

static void destroy_arena(void)
{
    ag_arena_destroy(arena);
}

/*
 * Rosenbrock's valley, (1 - x)² + 100 (y - x²)², for each pair of elements. Its minimum is 1 everywhere.
 */
typedef struct valley {
    ag_variable *x, *idle; /* idle never has a gradient */
    ag_optimizer *optimizer;
    int evaluations;
    int fails_at; /* 0: never */
    bool is_nan_far_away;
} valley;

static ag_status evaluate(void *context, double *loss)
{
    valley *v = context;
    bool unused = false;
    if (++v->evaluations == v->fails_at) return AG_ERROR_GRAPH;
    succeed(ag_optimizer_zero_grad(v->optimizer));
    const float *x = v->x->data->data;
    float *gradient = ag_grad_sink(v->x, &unused)->data;
    *loss = 0;
    for (size_t i = 0; i < v->x->data->size; i += 2) {
        double a = 1 - (double)x[i], b = (double)x[i + 1] - (double)x[i] * (double)x[i];
        *loss += a * a + 100 * b * b;
        gradient[i] = (float)(-2 * a - 400 * b * (double)x[i]);
        gradient[i + 1] = (float)(200 * b);
        if (v->is_nan_far_away && fabs((double)x[i]) > 1.3) *loss = (double)NAN;
    }
    return AG_OK;
}

static ag_lbfgs_options small_options(void)
{
    ag_lbfgs_options options = ag_lbfgs_defaults();
    options.history_size = 5;
    options.max_iterations = 3;
    return options;
}

static void create_valley(valley *v, uint32_t size, ag_lbfgs_options options)
{
    ag_random random = ag_random_create(3);
    ag_tensor *x = ag_tensor_create(arena, 1, &size);
    succeed(ag_tensor_fill_uniform(x, &random, -1.2f, 0.5f));
    *v = (valley){.x = ag_create_leaf(arena, x, true)};
    v->idle = ag_create_leaf(arena, ag_tensor_create_zeros(arena, 1, (uint32_t[]){3}), true);
    ag_variable *parameters[] = {v->idle, v->x};
    v->optimizer = ag_lbfgs_create(arena, 2, parameters, options);
    ck_assert_msg(v->optimizer != NULL, "%s", ag_last_error());
}

static double distance_to_minimum(const valley *v)
{
    double distance = 0;
    for (size_t i = 0; i < v->x->data->size; i++)
        distance = fmax(distance, fabs((double)v->x->data->data[i] - 1));
    return distance;
}

static void take_steps(valley *v, int steps)
{
    for (int i = 0; i < steps; i++)
        succeed(ag_lbfgs_step(v->optimizer, evaluate, v, NULL));
}

/* ---- minima ---- */

START_TEST(the_usual_settings)
{
    ag_lbfgs_options usual = ag_lbfgs_defaults();
    ck_assert(usual.learning_rate == 1);
    ck_assert(usual.max_iterations == 20);
    ck_assert(usual.max_evaluations == 25);
    ck_assert(usual.tolerance_grad == 1e-7f);
    ck_assert(usual.tolerance_change == 1e-9f);
    ck_assert(usual.history_size == 100);
    ck_assert(usual.strong_wolfe);
}
END_TEST

START_TEST(it_finds_the_end_of_the_valley)
{
    valley v;
    double loss = -1;
    create_valley(&v, 6, ag_lbfgs_defaults());
    take_steps(&v, 10);
    ck_assert_double_lt(distance_to_minimum(&v), 1e-3);
    ck_assert_int_lt(v.evaluations, 150);
    for (int i = 0; i < 3; i++)
        ck_assert(v.idle->data->data[i] == 0);
    succeed(ag_lbfgs_step(v.optimizer, evaluate, &v, &loss));
    ck_assert(loss >= 0 && loss < 1e-6);
}
END_TEST

START_TEST(a_loss_of_nan_is_avoided)
{
    valley v;
    create_valley(&v, 2, ag_lbfgs_defaults());
    v.is_nan_far_away = true;
    take_steps(&v, 10);
    ck_assert_double_lt(distance_to_minimum(&v), 1e-3);
}
END_TEST

/* What the trials of a search find along one coordinate, one after the other, and where they were made. */
#define MOST_TRIALS 27 /* with the start */

typedef struct script {
    ag_variable *x;
    ag_optimizer *optimizer;
    int count, trials;
    double slopes[MOST_TRIALS], losses[MOST_TRIALS], places[MOST_TRIALS];
} script;

static ag_status follow(void *context, double *loss)
{
    script *s = context;
    bool unused = false;
    ck_assert_int_lt(s->trials, s->count);
    succeed(ag_optimizer_zero_grad(s->optimizer));
    ag_grad_sink(s->x, &unused)->data[0] = (float)s->slopes[s->trials];
    s->places[s->trials] = (double)s->x->data->data[0];
    *loss = s->losses[s->trials++];
    return AG_OK;
}

static double read_number(FILE *file)
{
    double x;
    ck_assert_int_eq(fscanf(file, "%lf", &x), 1);
    return x;
}

static void assert_place(double place, double expected, int search, int trial)
{
    ck_assert_msg(fabs(place - expected) <= 1e-6 * fabs(expected),
                  "search %d: trial %d is at %.9g, in PyTorch at %.9g", search, trial, place,
                  expected);
}

/* All trials, and the end, which is one of them or, where none is better, the start. */
static void search_as_pytorch(FILE *file, int search, double slope)
{
    int trials = (int)read_number(file);
    script s = {
        .x = ag_create_leaf(arena, ag_tensor_create_zeros(arena, 1, (uint32_t[]){1}), true),
        .count = 1 + trials,
        .slopes = {slope},
    };
    double expected[MOST_TRIALS] = {0};
    ck_assert_int_lt(trials, MOST_TRIALS);
    for (int i = 1; i <= trials; i++) {
        expected[i] = read_number(file);
        s.losses[i] = read_number(file);
        s.slopes[i] = read_number(file);
    }
    ag_lbfgs_options options = ag_lbfgs_defaults();
    options.max_iterations = 1;
    s.optimizer = ag_lbfgs_create(arena, 1, &s.x, options);
    succeed(ag_lbfgs_step(s.optimizer, follow, &s, NULL));
    for (int i = 0; i < s.trials; i++)
        assert_place(s.places[i], expected[i], search, i);
    ck_assert_msg(s.trials == s.count, "search %d: %d trials, in PyTorch %d", search, s.trials - 1,
                  trials);
    assert_place((double)s.x->data->data[0], read_number(file), search, s.trials);
}

START_TEST(trials_are_made_where_pytorch_makes_them)
{
    FILE *file = open_vectors("line_search.txt");
    int count = 0;
    double slope;
    while (fscanf(file, "%lf", &slope) == 1)
        search_as_pytorch(file, ++count, slope);
    fclose(file);
    ck_assert_int_ge(count, 60);
}
END_TEST

START_TEST(a_gradient_within_the_tolerance_is_the_end)
{
    script s = {
        .x = ag_create_leaf(arena, ag_tensor_create_zeros(arena, 1, (uint32_t[]){1}), true),
        .count = 1,
        .slopes = {5e-8},
    };
    s.optimizer = ag_lbfgs_create(arena, 1, &s.x, ag_lbfgs_defaults());
    succeed(ag_lbfgs_step(s.optimizer, follow, &s, NULL));
    ck_assert(s.trials == 1 && s.x->data->data[0] == 0);
}
END_TEST

/* The second step finds a slope that promises too little: the third must not learn from the first's move. */
START_TEST(a_step_without_a_move_teaches_nothing)
{
    script s = {
        .x = ag_create_leaf(arena, ag_tensor_create_zeros(arena, 1, (uint32_t[]){1}), true),
        .count = 5,
        .losses = {0, -0.6, -0.6, -0.6, -0.9},
        .slopes = {-1, 0.1, 2e-7, 0.5, 0},
    };
    ag_lbfgs_options options = ag_lbfgs_defaults();
    options.max_iterations = 1;
    s.optimizer = ag_lbfgs_create(arena, 1, &s.x, options);
    ag_optimizer_state pairs;
    succeed(ag_optimizer_state_at(s.optimizer, 1, &pairs));
    ck_assert_str_eq(pairs.name, "num_pairs");
    for (int step = 0; step < 3; step++) {
        ck_assert_uint_eq(*pairs.counter, step == 2 ? 1 : 0);
        succeed(ag_lbfgs_step(s.optimizer, follow, &s, NULL));
    }
    ck_assert_uint_eq(*pairs.counter, 1);
    ck_assert_int_eq(s.trials, 5);
}
END_TEST

START_TEST(the_loss_is_that_before_the_step)
{
    valley v;
    double before, reported;
    create_valley(&v, 4, small_options());
    succeed(evaluate(&v, &before));
    succeed(ag_lbfgs_step(v.optimizer, evaluate, &v, &reported));
    ck_assert(reported == before);
}
END_TEST

START_TEST(at_a_minimum_nothing_moves)
{
    valley v;
    create_valley(&v, 4, small_options());
    succeed(ag_tensor_fill(v.x->data, 1));
    take_steps(&v, 2);
    ck_assert(v.evaluations == 2 && distance_to_minimum(&v) == 0);
}
END_TEST

/* ---- failures ---- */

/* Whichever evaluation fails: the first, one of the line search, one after several directions. */
START_TEST(after_a_failure_the_parameters_are_where_they_were)
{
    valley v, fresh;
    float before[6];
    double loss = -1;
    create_valley(&v, 6, ag_lbfgs_defaults());
    succeed(ag_lbfgs_step(v.optimizer, evaluate, &v, NULL));
    memcpy(before, v.x->data->data, sizeof before);
    v.fails_at = v.evaluations + _i;
    ck_assert_int_eq(ag_lbfgs_step(v.optimizer, evaluate, &v, &loss), AG_ERROR_GRAPH);
    ck_assert_int_eq(memcmp(before, v.x->data->data, sizeof before), 0);
    ck_assert(loss == -1);
    create_valley(&fresh, 6, ag_lbfgs_defaults()); /* it goes on as one that remembers nothing */
    memcpy(fresh.x->data->data, before, sizeof before);
    take_steps(&v, 2);
    take_steps(&fresh, 2);
    ck_assert_int_eq(memcmp(fresh.x->data->data, v.x->data->data, sizeof before), 0);
}
END_TEST

/* A parameter in an arena of its own, which the closure takes for something else. */
typedef struct loan {
    ag_arena *arena;
    ag_variable *x;
    float slope; /* of the first evaluation */
    int evaluations;
} loan;

static ag_status take_back(void *context, double *loss)
{
    loan *l = context;
    bool unused = false;
    ag_grad_sink(l->x, &unused)->data[0] = 1;
    *loss = 1;
    ag_arena_reset(l->arena);
    memset(ag_arena_alloc(l->arena, 4096), 0x5a, 4096);
    return AG_OK;
}

static ag_optimizer *optimizer_of_loan(loan *l)
{
    ag_tensor *two = ag_tensor_create(l->arena, 1, (uint32_t[]){1});
    two->data[0] = 2;
    l->x = ag_create_leaf(l->arena, two, true);
    return ag_lbfgs_create(arena, 1, &l->x, ag_lbfgs_defaults());
}

START_TEST(a_parameter_that_the_closure_has_freed_is_named)
{
    loan l = {.arena = ag_arena_create(0)};
    ag_optimizer *optimizer = optimizer_of_loan(&l);
    ck_assert_int_eq(ag_lbfgs_step(optimizer, take_back, &l, NULL), AG_ERROR_STATE);
    assert_last_message(AG_ERROR_STATE, "lbfgs_step: parameter 0 is gone: its arena was reset, or "
                                        "rewound to before it");
    ag_arena_destroy(l.arena);
}
END_TEST

static ag_status square(void *context, double *loss)
{
    loan *l = context;
    bool unused = false;
    double x = (double)l->x->data->data[0];
    l->x->grad = NULL;
    ag_grad_sink(l->x, &unused)->data[0] = l->evaluations++ == 0 ? l->slope : (float)(2 * x);
    *loss = x * x;
    return AG_OK;
}

START_TEST(a_gradient_that_is_no_number_moves_nothing)
{
    static const float slopes[] = {INFINITY, -INFINITY, NAN};
    loan l = {.arena = arena, .slope = slopes[_i]};
    ag_optimizer *optimizer = optimizer_of_loan(&l);
    succeed(ag_lbfgs_step(optimizer, square, &l, NULL));
    ck_assert(l.x->data->data[0] == 2);
    for (int i = 0; i < 3; i++)
        succeed(ag_lbfgs_step(optimizer, square, &l, NULL));
    ck_assert(fabsf(l.x->data->data[0]) < 1e-6f);
}
END_TEST

START_TEST(what_is_no_step_is_refused)
{
    valley v;
    create_valley(&v, 2, small_options());
    ag_optimizer *sgd = ag_sgd_create(arena, 1, &v.x, (ag_sgd_options){.learning_rate = 1});
    ag_optimizer_step(v.optimizer);
    assert_last_message(AG_ERROR_ARGUMENT,
                        "optimizer_step: lbfgs needs a closure: call lbfgs_step");
    ag_lbfgs_step(sgd, evaluate, &v, NULL);
    assert_last_message(AG_ERROR_ARGUMENT, "lbfgs_step: the optimizer is sgd, not lbfgs");
    ag_lbfgs_step(v.optimizer, NULL, NULL, NULL);
    assert_last_message(AG_ERROR_NULL, "lbfgs_step: closure is NULL");
    ag_lbfgs_step(NULL, evaluate, &v, NULL);
    assert_last_message(AG_ERROR_NULL, "lbfgs_step: optimizer is NULL");
    ag_optimizer_add_group(v.optimizer, 1, &v.x, 1, 0);
    assert_last_message(AG_ERROR_ARGUMENT, "optimizer_add_group: lbfgs has one group only");
    ag_optimizer_set_momentum(v.optimizer, 0.5f);
    assert_last_message(AG_ERROR_ARGUMENT,
                        "optimizer_set_momentum: this lbfgs was made without one");
}
END_TEST

static const struct {
    ag_lbfgs_options options;
    const char *message;
} bad_options[] = {
    {{-1, 1, 1, 0, 0, 1, true}, "lbfgs: learning_rate is -1 but must be at least 0 and below inf"},
    {{1, 0, 1, 0, 0, 1, true}, "lbfgs: max_iterations is 0 but must be at least 1"},
    {{1, 1, 0, 0, 0, 1, true}, "lbfgs: max_evaluations is 0 but must be at least 1"},
    {{1, 1, 1, -1, 0, 1, true}, "lbfgs: tolerance_grad is -1 but must be at least 0 and below inf"},
    {{1, 1, 1, 0, -2, 1, true},
     "lbfgs: tolerance_change is -2 but must be at least 0 and below inf"},
    {{1, 1, 1, 0, 0, 0, true}, "lbfgs: history_size is 0 but must be at least 1"},
};

START_TEST(bad_options_are_refused)
{
    ag_variable *x = ag_create_leaf(arena, ag_tensor_create_zeros(arena, 1, (uint32_t[]){1}), true);
    size_t used = ag_arena_used(arena);
    ck_assert_ptr_null(ag_lbfgs_create(arena, 1, &x, bad_options[_i].options));
    assert_last_message(AG_ERROR_ARGUMENT, bad_options[_i].message);
    ck_assert_uint_eq(ag_arena_used(arena), used);
}
END_TEST

START_TEST(without_memory_there_is_none)
{
    uint32_t size = 1000;
    ag_variable *x = ag_create_leaf(arena, ag_tensor_create_zeros(arena, 1, &size), true);
    size_t used = ag_arena_used(arena);
    for (size_t limit = 1 << 20; limit < (size_t)5 << 20; limit += 300000) {
        ag_lbfgs_options options = ag_lbfgs_defaults();
        options.history_size = 2000;
        succeed(ag_arena_set_limit(arena, limit));
        ck_assert_ptr_null(ag_lbfgs_create(arena, 1, &x, options));
        ck_assert_int_eq(ag_last_status(), AG_ERROR_MEMORY);
        ck_assert_uint_eq(ag_arena_used(arena), used);
    }
}
END_TEST

/* ---- resuming, threads ---- */

static void copy_state(ag_optimizer *to, ag_optimizer *from)
{
    ck_assert_uint_eq(ag_optimizer_num_state(from), 6);
    for (size_t i = 0; i < 6; i++) {
        ag_optimizer_state a, b;
        succeed(ag_optimizer_state_at(to, i, &a));
        succeed(ag_optimizer_state_at(from, i, &b));
        ck_assert_str_eq(a.name, b.name);
        if (a.tensor != NULL)
            succeed(ag_tensor_copy(a.tensor, b.tensor));
        else
            *a.counter = *b.counter;
    }
}

START_TEST(it_resumes_with_the_same_bits)
{
    valley first, second;
    ag_lbfgs_options options = small_options();
    options.strong_wolfe = _i == 0;
    if (!options.strong_wolfe) options.learning_rate = 0.1f;
    create_valley(&first, 6, options);
    create_valley(&second, 6, options);
    take_steps(&first, 4);
    succeed(ag_tensor_copy(second.x->data, first.x->data));
    copy_state(second.optimizer, first.optimizer);
    take_steps(&first, 4);
    take_steps(&second, 4);
    ck_assert_int_eq(memcmp(first.x->data->data, second.x->data->data, 6 * sizeof(float)), 0);
    ck_assert(distance_to_minimum(&first) > 0);
}
END_TEST

START_TEST(any_state_is_safe)
{
    valley v;
    create_valley(&v, 6, small_options());
    for (size_t i = 0; i < ag_optimizer_num_state(v.optimizer); i++) {
        ag_optimizer_state state;
        succeed(ag_optimizer_state_at(v.optimizer, i, &state));
        if (state.tensor != NULL)
            succeed(ag_tensor_fill(state.tensor, i % 2 == 0 ? NAN : 1e30f));
        else
            *state.counter = UINT64_MAX - 1;
    }
    take_steps(&v, 3);
}
END_TEST

#define LARGE ((1u << 18) + 38)

START_TEST(the_number_of_threads_changes_no_bit)
{
    valley alone, together;
    create_valley(&alone, LARGE, small_options());
    create_valley(&together, LARGE, small_options());
    succeed(ag_set_num_threads(1));
    take_steps(&alone, 3);
    succeed(ag_set_num_threads(3));
    take_steps(&together, 3);
    succeed(ag_set_num_threads(0));
    const float *a = alone.x->data->data, *b = together.x->data->data;
    ck_assert_int_eq(memcmp(a, b, LARGE * sizeof *a), 0);
}
END_TEST

/* ---- */

int main(void)
{
    Suite *suite = suite_create("lbfgs");
    TCase *tests = add_case(suite, "lbfgs");
    tcase_add_checked_fixture(tests, create_arena, destroy_arena);
    tcase_add_test(tests, the_usual_settings);
    tcase_add_test(tests, it_finds_the_end_of_the_valley);
    tcase_add_test(tests, a_loss_of_nan_is_avoided);
    tcase_add_test(tests, trials_are_made_where_pytorch_makes_them);
    tcase_add_test(tests, a_gradient_within_the_tolerance_is_the_end);
    tcase_add_test(tests, a_step_without_a_move_teaches_nothing);
    tcase_add_test(tests, the_loss_is_that_before_the_step);
    tcase_add_test(tests, at_a_minimum_nothing_moves);
    tcase_add_loop_test(tests, after_a_failure_the_parameters_are_where_they_were, 1, 12);
    tcase_add_test(tests, a_parameter_that_the_closure_has_freed_is_named);
    tcase_add_loop_test(tests, a_gradient_that_is_no_number_moves_nothing, 0, 3);
    tcase_add_test(tests, what_is_no_step_is_refused);
    tcase_add_loop_test(tests, bad_options_are_refused, 0,
                        (int)(sizeof bad_options / sizeof *bad_options));
    tcase_add_test(tests, without_memory_there_is_none);
    tcase_add_loop_test(tests, it_resumes_with_the_same_bits, 0, 2);
    tcase_add_test(tests, any_state_is_safe);
    tcase_add_test(tests, the_number_of_threads_changes_no_bit);
    return run_suite(suite);
}
