/* check_optim_paths.c: optimisers and schedules go where PyTorch's do: tests/vectors/optim.txt. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <autograd/autograd.h>

#include "assertions.h"
#include "suite.h"

#define FIRST_SIZE 6
#define SIZE 11
#define MAX_SETTINGS 8
#define TOLERANCE 1e-5 /* relative to the largest parameter */

static ag_arena *arena;
static FILE *file;
static double start[SIZE];

typedef struct settings {
    char name[32], label[32];
    int count;
    double values[MAX_SETTINGS];
} settings;

/* Reads the next word, without comments; false at the end. */
static bool read_word(char word[32])
{
    while (fscanf(file, "%31s", word) == 1) {
        if (word[0] != '#') return true;
        for (int c = getc(file); c != '\n' && c != EOF; c = getc(file))
            continue;
    }
    return false;
}

static void read_numbers(int count, double *numbers)
{
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(fscanf(file, "%lf", &numbers[i]), 1);
}

static settings read_settings(void)
{
    settings s;
    ck_assert_int_eq(fscanf(file, "%31s %31s %d", s.name, s.label, &s.count), 3);
    ck_assert_int_le(s.count, MAX_SETTINGS);
    read_numbers(s.count, s.values);
    return s;
}

static void begin(void)
{
    char word[32];
    arena = ag_arena_create(0);
    file = open_vectors("optim.txt");
    ck_assert(read_word(word) && strcmp(word, "start") == 0);
    read_numbers(SIZE, start);
}

static void end(void)
{
    fclose(file);
    ag_arena_destroy(arena);
}

/* ---- what is minimised; the head of optim.txt has the formula ---- */

typedef struct problem {
    ag_variable *parameters[2];
    ag_optimizer *optimizer;
} problem;

static void get_values(const problem *p, double *x)
{
    for (int i = 0; i < SIZE; i++)
        x[i] = (double)(i < FIRST_SIZE ? p->parameters[0]->data->data[i]
                                       : p->parameters[1]->data->data[i - FIRST_SIZE]);
}

/* Computed in double, so that the optimiser's rounding is all that differs. */
static ag_status evaluate(void *context, double *loss)
{
    problem *p = context;
    double x[SIZE], g[SIZE] = {0};
    bool unused = false;
    get_values(p, x);
    *loss = 0;
    for (int i = 0; i < SIZE; i++) {
        *loss += (1 - x[i]) * (1 - x[i]) + cos(3 * x[i]) / 4;
        g[i] += -2 * (1 - x[i]) - 0.75 * sin(3 * x[i]);
        if (i + 1 == SIZE) break;
        double link = x[i + 1] - x[i] * x[i];
        *loss += 2 * link * link;
        g[i] += -8 * link * x[i];
        g[i + 1] += 4 * link;
    }
    succeed(ag_optimizer_zero_grad(p->optimizer));
    for (int i = 0; i < SIZE; i++)
        ag_grad_sink(p->parameters[i >= FIRST_SIZE], &unused)
            ->data[i < FIRST_SIZE ? i : i - FIRST_SIZE] = (float)g[i];
    return AG_OK;
}

static ag_variable *create_parameter(uint32_t ndims, const uint32_t *shape, const double *values)
{
    ag_tensor *tensor = ag_tensor_create(arena, ndims, shape);
    for (size_t i = 0; i < tensor->size; i++)
        tensor->data[i] = (float)values[i];
    return ag_create_leaf(arena, tensor, true);
}

static ag_optimizer *create_optimizer(const settings *s, size_t n, ag_variable *const *parameters)
{
    float f[MAX_SETTINGS];
    for (int i = 0; i < s->count; i++)
        f[i] = (float)s->values[i];
    ag_sgd_options sgd = {f[0], f[1], f[2], f[3] != 0};
    if (strcmp(s->name, "sgd") == 0) return ag_sgd_create(arena, n, parameters, sgd);
    ag_adam_options adam = {f[0], f[1], f[2], f[3], f[4]};
    if (strcmp(s->name, "adam") == 0) return ag_adam_create(arena, n, parameters, adam);
    if (strcmp(s->name, "adamw") == 0) return ag_adamw_create(arena, n, parameters, adam);
    ag_rmsprop_options rmsprop = {f[0], f[1], f[2], f[3], f[4], f[5] != 0};
    if (strcmp(s->name, "rmsprop") == 0) return ag_rmsprop_create(arena, n, parameters, rmsprop);
    ag_adagrad_options adagrad = {f[0], f[1], f[2], f[3], f[4]};
    if (strcmp(s->name, "adagrad") == 0) return ag_adagrad_create(arena, n, parameters, adagrad);
    ck_assert_str_eq(s->name, "lbfgs");
    ag_lbfgs_options lbfgs = {f[0], (uint32_t)f[1], (uint32_t)f[2], f[3],
                              f[4], (uint32_t)f[5], f[6] != 0};
    return ag_lbfgs_create(arena, n, parameters, lbfgs);
}

static problem create_problem(const settings *s, int second_group)
{
    ag_arena_reset(arena);
    problem p = {
        .parameters = {create_parameter(2, (uint32_t[]){2, 3}, start),
                       create_parameter(1, (uint32_t[]){SIZE - FIRST_SIZE}, start + FIRST_SIZE)}};
    p.optimizer = create_optimizer(s, second_group ? 1 : 2, p.parameters);
    ck_assert_msg(p.optimizer != NULL, "%s", ag_last_error());
    if (second_group)
        succeed(ag_optimizer_add_group(p.optimizer, 1, &p.parameters[1], 0.25f, 0.125f));
    return p;
}

static void take_step(problem *p)
{
    double loss;
    if (strcmp(ag_optimizer_name(p->optimizer), "lbfgs") == 0) {
        succeed(ag_lbfgs_step(p->optimizer, evaluate, p, NULL));
        return;
    }
    succeed(evaluate(p, &loss));
    succeed(ag_optimizer_step(p->optimizer));
}

/* ---- paths ---- */

static double worst;

static void assert_position(const settings *s, const problem *p, int step, const double *expected)
{
    double x[SIZE], largest = 0;
    get_values(p, x);
    for (int i = 0; i < SIZE; i++)
        largest = fmax(largest, fabs(expected[i]));
    for (int i = 0; i < SIZE; i++) {
        double error = fabs(x[i] - expected[i]) / largest;
        worst = fmax(worst, error);
        ck_assert_msg(error <= TOLERANCE,
                      "%s %s: after %d steps x_%d is %.9g, not %.9g: %.2g too far", s->name,
                      s->label, step, i, x[i], expected[i], error);
    }
}

/* Reads a path and goes along; gives its number of rows. */
static int follow_path(const settings *s)
{
    int second_group, step, taken = 0, rows = 0;
    double expected[SIZE];
    ck_assert_int_eq(fscanf(file, "%d", &second_group), 1);
    problem p = create_problem(s, second_group);
    size_t used = ag_arena_used(arena);
    for (; fscanf(file, " x %d", &step) == 1; rows++) {
        read_numbers(SIZE, expected);
        for (; taken < step; taken++)
            take_step(&p);
        assert_position(s, &p, step, expected);
    }
    ck_assert_int_eq(taken, 100);
    ck_assert_uint_eq(ag_arena_used(arena), used); /* steps take no memory */
    return rows;
}

static const char *const optimizers[] = {"sgd", "adam", "adamw", "rmsprop", "adagrad", "lbfgs"};
#define NUM_OPTIMIZERS ((int)(sizeof optimizers / sizeof *optimizers))

START_TEST(optimizers_go_where_pytorch_goes)
{
    char word[32];
    int paths = 0;
    while (read_word(word)) {
        if (strcmp(word, "path") != 0) continue;
        settings s = read_settings();
        if (strcmp(s.name, optimizers[_i]) != 0) continue;
        ck_assert_int_ge(follow_path(&s), 10);
        paths++;
    }
    ck_assert_int_ge(paths, 4);
    if (getenv("VERBOSE") != NULL) printf("%s: worst %.2g\n", optimizers[_i], worst);
}
END_TEST

/* ---- schedules ---- */

static float scheduled(const settings *s, uint64_t step)
{
    const double *v = s->values;
    float f[MAX_SETTINGS];
    uint64_t n[MAX_SETTINGS];
    for (int i = 0; i < s->count; i++) {
        f[i] = (float)v[i];
        n[i] = (uint64_t)v[i];
    }
    if (strcmp(s->name, "step") == 0) return ag_schedule_step(f[0], n[1], f[2], step);
    if (strcmp(s->name, "multi_step") == 0)
        return ag_schedule_multi_step(f[0], 3, &n[2], f[1], step);
    if (strcmp(s->name, "exponential") == 0) return ag_schedule_exponential(f[0], f[1], step);
    ag_cosine_schedule cosine = {f[0], f[1], f[2], n[3], n[4]};
    if (strcmp(s->name, "cosine") == 0) return ag_schedule_cosine(&cosine, step);
    ag_one_cycle_schedule cycle = {f[0], n[1], f[2], f[3], f[4], f[5], f[6], f[7] != 0};
    if (strcmp(s->name, "one_cycle") == 0) return ag_schedule_one_cycle(&cycle, step);
    ck_assert_str_eq(s->name, "one_cycle_momentum");
    return ag_schedule_one_cycle_momentum(&cycle, step);
}

START_TEST(schedules_go_where_pytorch_goes)
{
    char word[32];
    int schedules = 0, count;
    while (read_word(word)) {
        if (strcmp(word, "schedule") != 0) continue;
        settings s = read_settings();
        ck_assert_int_eq(fscanf(file, "%d", &count), 1);
        for (int step = 0; step < count; step++) {
            double expected, actual = (double)scheduled(&s, (uint64_t)step);
            read_numbers(1, &expected);
            ck_assert_msg(fabs(actual - expected) <= 1e-6 * fabs(expected),
                          "%s %s: %.9g at step %d, not %.9g", s.name, s.label, actual, step,
                          expected);
        }
        schedules++;
    }
    ck_assert_int_eq(schedules, 15);
}
END_TEST

START_TEST(after_its_end_a_schedule_stays_where_it_is)
{
    ag_cosine_schedule cosine = {1, 0.25f, 0, 2, 10};
    ck_assert(ag_schedule_cosine(&cosine, 10) == 0.25f);
    ck_assert(ag_schedule_cosine(&cosine, UINT64_MAX) == 0.25f);
    ag_one_cycle_schedule cycle = ag_one_cycle_defaults(0.5f, 20);
    ck_assert(ag_schedule_one_cycle(&cycle, 19) == 0.5f / 25 / 1e4f);
    ck_assert(ag_schedule_one_cycle(&cycle, UINT64_MAX) == ag_schedule_one_cycle(&cycle, 19));
    ck_assert(ag_schedule_one_cycle_momentum(&cycle, 1000) == 0.95f);
    ck_assert(ag_schedule_exponential(1, 0.5f, UINT64_MAX) == 0);
    ck_assert(ag_schedule_multi_step(0.5f, 0, NULL, 0.1f, 7) == 0.5f);
}
END_TEST

static void assert_refused(float value, ag_status status, const char *message)
{
    ck_assert(isnan(value));
    assert_last_message(status, message);
}

START_TEST(schedules_refuse_bad_settings)
{
    ag_cosine_schedule cosine = {1, 0, 2, 0, 5}, short_cosine = {1, 0, 0, 5, 5};
    ag_one_cycle_schedule cycle = ag_one_cycle_defaults(1, 1), rising = cycle;
    rising.num_steps = 10;
    rising.warmup_fraction = 1;
    assert_refused(ag_schedule_step(1, 0, 1, 0), AG_ERROR_ARGUMENT,
                   "schedule_step: every is 0 but must be at least 1");
    assert_refused(ag_schedule_exponential(1, -1, 0), AG_ERROR_ARGUMENT,
                   "schedule_exponential: gamma is -1 but must be at least 0 and below inf");
    assert_refused(ag_schedule_multi_step(1, 1, NULL, 1, 0), AG_ERROR_NULL,
                   "schedule_multi_step: milestones is NULL");
    assert_refused(ag_schedule_cosine(&cosine, 0), AG_ERROR_ARGUMENT,
                   "schedule_cosine: warmup_start is 2 but must be from 0 to 1");
    assert_refused(ag_schedule_cosine(&short_cosine, 0), AG_ERROR_ARGUMENT,
                   "schedule_cosine: num_steps is 5 but must be above warmup_steps, 5");
    assert_refused(ag_schedule_cosine(NULL, 0), AG_ERROR_NULL, "schedule_cosine: schedule is NULL");
    assert_refused(ag_schedule_one_cycle(&cycle, 0), AG_ERROR_ARGUMENT,
                   "schedule_one_cycle: num_steps is 1 but must be at least 2");
    assert_refused(ag_schedule_one_cycle_momentum(&rising, 0), AG_ERROR_ARGUMENT,
                   "schedule_one_cycle: warmup_fraction is 1 but must be above 0 and below 1");
    assert_refused(ag_schedule_one_cycle(NULL, 0), AG_ERROR_NULL,
                   "schedule_one_cycle: schedule is NULL");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("optim_paths");
    TCase *tests = add_case(suite, "paths");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, optimizers_go_where_pytorch_goes, 0, NUM_OPTIMIZERS);
    tcase_add_test(tests, schedules_go_where_pytorch_goes);
    tcase_add_test(tests, after_its_end_a_schedule_stays_where_it_is);
    tcase_add_test(tests, schedules_refuse_bad_settings);
    return run_suite(suite);
}
