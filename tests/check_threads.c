/*
 * check_threads.c: programs with threads of their own, and programs that fork. Eight threads train eight
 * models, each in arenas of its own, and get the bits that one thread gets; a process that has used
 * OpenMP forks, and its children train, without hanging and with the same bits.
 *
 * THREAD_STEPS: how many steps each thread trains (500); FORK_ROUNDS: how many children there are (10).
 */
#include "config.h"

#include <autograd/autograd.h>
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

enum { THREADS = 8, LAYERS = 2, PARAMETERS = 2 * LAYERS, CLASSES = 5 };

/* How large a model is. The large one is worth several threads in every step. */
typedef struct model_size {
    uint32_t batch, features, hidden;
} model_size;

static const model_size small = {8, 12, 16}, large = {128, 256, 256};

typedef struct model {
    model_size size;
    ag_arena *permanent, *step;
    ag_random random;
    ag_variable *parameters[PARAMETERS];
    ag_optimizer *optimizer;
} model;

static long setting(const char *name, long by_default)
{
    const char *text = getenv(name);
    return text != NULL && atol(text) > 0 ? atol(text) : by_default;
}

/* FNV-1a over the bits of floats. */
static void hash_floats(uint64_t *hash, const ag_tensor *tensor)
{
    const unsigned char *bytes = (const unsigned char *)tensor->data;
    for (size_t i = 0; i < tensor->size * sizeof(float); i++)
        *hash = (*hash ^ bytes[i]) * 0x100000001b3u;
}

/* ---- one model ---- */

static ag_variable *create_parameter(model *m, uint32_t ndims, const uint32_t *shape)
{
    ag_tensor *data = ag_tensor_create(m->permanent, ndims, shape);
    ag_tensor_fill_normal(data, &m->random, 0, 0.1f);
    return ag_create_leaf(m->permanent, data, true);
}

static bool create_model(model *m, model_size size, uint64_t seed)
{
    *m = (model){size, ag_arena_create(0), ag_arena_create(0), .random = ag_random_create(seed)};
    const uint32_t w1[] = {size.hidden, size.features}, w2[] = {CLASSES, size.hidden};
    m->parameters[0] = create_parameter(m, 2, w1);
    m->parameters[1] = create_parameter(m, 1, w1);
    m->parameters[2] = create_parameter(m, 2, w2);
    m->parameters[3] = create_parameter(m, 1, w2);
    m->optimizer = ag_adamw_create(m->permanent, PARAMETERS, m->parameters, ag_adamw_defaults());
    return m->optimizer != NULL;
}

static bool train_step(model *m)
{
    ag_arena *step = m->step;
    ag_tensor *x = ag_tensor_create(step, 2, (uint32_t[]){m->size.batch, m->size.features});
    ag_tensor *y = ag_tensor_create_zeros(step, 2, (uint32_t[]){m->size.batch, CLASSES});
    if (ag_tensor_fill_normal(x, &m->random, 0, 1) != AG_OK || y == NULL) return false;
    for (size_t row = 0; row < m->size.batch; row++)
        y->data[row * CLASSES + ag_random_below(&m->random, CLASSES)] = 1;
    ag_variable *hidden =
        ag_linear(step, ag_create_leaf(step, x, false), m->parameters[0], m->parameters[1]);
    ag_variable *logits =
        ag_linear(step, ag_gelu(step, hidden), m->parameters[2], m->parameters[3]);
    ag_variable *loss =
        ag_cross_entropy_loss(step, logits, ag_create_leaf(step, y, false), AG_REDUCTION_MEAN);
    ag_optimizer_zero_grad(m->optimizer);
    bool ok = ag_backward(step, loss) == AG_OK && ag_optimizer_step(m->optimizer) == AG_OK;
    ag_arena_reset(step);
    return ok;
}

/* Trains a model from its start to its end; 0 if something failed. */
static uint64_t train(model_size size, uint64_t seed, long steps)
{
    model m;
    uint64_t hash = 0xcbf29ce484222325u;
    bool ok = create_model(&m, size, seed);
    for (long i = 0; i < steps && ok; i++)
        ok = train_step(&m);
    for (int i = 0; i < PARAMETERS && ok; i++)
        hash_floats(&hash, m.parameters[i]->data);
    ag_arena_destroy(m.step);
    ag_arena_destroy(m.permanent);
    return ok ? hash : 0;
}

/* ---- threads ---- */

typedef struct job {
    model_size size;
    uint64_t seed;
    long steps;
    uint64_t hash;
} job;

static void *work(void *context)
{
    job *mine = context;
    mine->hash = train(mine->size, mine->seed, mine->steps);
    return NULL;
}

/* Eight at once, then one after the other. */
static void compare_with_serial(model_size size, long steps)
{
    pthread_t threads[THREADS];
    job jobs[THREADS];
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (job){size, (uint64_t)i + 1, steps, 0};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_msg(jobs[i].hash != 0, "thread %d: %s", i, ag_last_error());
        ck_assert_msg(train(size, jobs[i].seed, steps) == jobs[i].hash,
                      "thread %d learnt something else than alone", i);
        ck_assert_msg(i == 0 || jobs[i].hash != jobs[0].hash, "all models are the same");
    }
}

START_TEST(threads_learn_what_each_learns_alone)
{
    compare_with_serial(small, setting("THREAD_STEPS", 500));
}
END_TEST

/* Each step opens parallel regions: teams of OpenMP's within threads of ours. */
START_TEST(so_they_do_with_parallel_work_inside)
{
    ag_set_num_threads(2);
    compare_with_serial(large, 2 + setting("THREAD_STEPS", 500) / 250);
}
END_TEST

/* One thread's failures and settings are not another's. */
static void *fail_again_and_again(void *context)
{
    bool *right = context;
    char expected[64];
    ag_set_grad_enabled(false);
    for (unsigned i = 1; i <= 20000 && *right; i++) {
        ag_arena_alloc(NULL, i);
        *right = ag_last_status() == AG_ERROR_NULL && !ag_grad_enabled();
        ag_clear_error();
        snprintf(expected, sizeof expected, "set_num_threads: -%u is", i);
        ag_set_num_threads(-(int)i);
        *right = *right && strstr(ag_last_error(), expected) != NULL;
        ag_clear_error();
    }
    return NULL;
}

START_TEST(a_failure_belongs_to_its_thread)
{
    pthread_t threads[THREADS];
    bool right[THREADS];
    for (int i = 0; i < THREADS; i++) {
        right[i] = true;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, fail_again_and_again, &right[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert(right[i]);
    ck_assert_str_eq(ag_last_error(), "");
    ck_assert(ag_grad_enabled());
}
END_TEST

/* ---- what threads may share ---- */

/* What all threads see, and what each makes of it. */
typedef struct shared_work {
    ag_tensor *weights;
    ag_variable *parameter;      /* around weights; it requires a gradient */
    ag_variable *input, *target; /* they require none */
    uint64_t hash;
} shared_work;

/* Each has a leaf of its own on the same weights, whose gradient forward and backward write. */
static void *learn_with_a_leaf_of_its_own(void *context)
{
    shared_work *w = context;
    ag_arena *arena = ag_arena_create(0);
    w->hash = 0xcbf29ce484222325u;
    for (int i = 0; i < 50; i++) {
        ag_variable *mine = ag_create_leaf(arena, w->weights, true);
        ag_variable *output = ag_linear(arena, w->input, mine, NULL);
        ag_variable *loss = ag_mse_loss(arena, output, w->target, AG_REDUCTION_MEAN);
        loss = ag_add(arena, loss, ag_l2_loss(arena, mine, AG_REDUCTION_SUM));
        if (ag_backward(arena, loss) == AG_OK) hash_floats(&w->hash, mine->grad);
        ag_arena_reset(arena);
    }
    ag_arena_destroy(arena);
    return NULL;
}

/* Without a graph nothing is written, not even into a leaf that requires a gradient. */
static void *evaluate_without_a_graph(void *context)
{
    shared_work *w = context;
    ag_arena *arena = ag_arena_create(0);
    w->hash = 0xcbf29ce484222325u;
    ag_set_grad_enabled(false);
    for (int i = 0; i < 50; i++) {
        ag_variable *output = ag_linear(arena, w->input, w->parameter, NULL);
        ag_variable *loss = ag_mse_loss(arena, output, w->target, AG_REDUCTION_MEAN);
        ag_variable *decay = ag_l2_loss(arena, w->parameter, AG_REDUCTION_SUM);
        hash_floats(&w->hash, ag_add(arena, loss, decay)->data);
        ag_arena_reset(arena);
    }
    ag_set_grad_enabled(true);
    ag_arena_destroy(arena);
    return NULL;
}

/* The same through a frozen leaf for each thread, while gradients are recorded elsewhere in it. */
static void *evaluate_detached(void *context)
{
    shared_work *w = context;
    ag_arena *arena = ag_arena_create(0);
    w->hash = 0xcbf29ce484222325u;
    for (int i = 0; i < 50; i++) {
        ag_variable *frozen = ag_detach(arena, w->parameter);
        ag_variable *own = ag_create_leaf(arena, w->target->data, true);
        ag_variable *output = ag_linear(arena, w->input, frozen, NULL);
        ag_variable *loss = ag_mse_loss(arena, own, output, AG_REDUCTION_MEAN);
        if (ag_backward(arena, loss) == AG_OK) hash_floats(&w->hash, own->grad);
        ag_arena_reset(arena);
    }
    ag_arena_destroy(arena);
    return NULL;
}

static void *(*const ways_to_share[])(void *) = {
    learn_with_a_leaf_of_its_own,
    evaluate_without_a_graph,
    evaluate_detached,
};

static ag_tensor *random_matrix(ag_arena *arena, ag_random *random, uint32_t rows, uint32_t columns)
{
    ag_tensor *matrix = ag_tensor_create(arena, 2, (uint32_t[]){rows, columns});
    ck_assert_int_eq(ag_tensor_fill_normal(matrix, random, 0, 1), AG_OK);
    return matrix;
}

START_TEST(threads_share_what_nobody_writes)
{
    ag_arena *arena = ag_arena_create(0);
    ag_random random = ag_random_create(3);
    ag_tensor *weights = random_matrix(arena, &random, 16, 8);
    ag_tensor *x = random_matrix(arena, &random, 32, 8);
    ag_tensor *y = random_matrix(arena, &random, 32, 16);
    const shared_work shared = {weights, ag_create_leaf(arena, weights, true),
                                ag_create_leaf(arena, x, false), ag_create_leaf(arena, y, false),
                                0};
    pthread_t threads[THREADS];
    shared_work work_of[THREADS], alone = shared;
    for (int i = 0; i < THREADS; i++) {
        work_of[i] = shared;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ways_to_share[_i], &work_of[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ways_to_share[_i](&alone);
    for (int i = 0; i < THREADS; i++)
        ck_assert_uint_eq(work_of[i].hash, alone.hash);
    ck_assert_ptr_null(shared.parameter->grad);
    ag_arena_destroy(arena);
}
END_TEST

/* ---- no threads to be had ---- */

static void *train_nothing(void *context)
{
    return context;
}

static void limit_threads(rlim_t most)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &limit), 0);
    limit.rlim_cur = most;
    ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &limit), 0);
}

/* Root may have as many threads as it likes, so the child of Check becomes nobody. */
static bool forbid_threads(void)
{
    pthread_t refused;
    if (geteuid() == 0 && setuid(65534) != 0) return false;
    limit_threads(1);
    if (pthread_create(&refused, NULL, train_nothing, NULL) != 0) return true;
    pthread_join(refused, NULL);
    return false;
}

START_TEST(a_refused_thread_is_done_without)
{
    struct rlimit before;
    ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &before), 0);
    ag_set_num_threads(1);
    uint64_t expected = train(large, 99, 3);
    ag_set_num_threads(2);
    if (!forbid_threads()) return;
    ck_assert_uint_eq(train(large, 99, 3), expected);
    ck_assert_int_eq(ag_get_num_threads(), 1);
    limit_threads(before.rlim_cur); /* LeakSanitizer looks at the end, in a thread of its own */
}
END_TEST

/* ---- forks ---- */

enum { SECONDS_TO_HANG = 60 };

/* A child that trains; it is killed by SIGALRM if it hangs. Returns how it ended. */
static int fork_and_train(uint64_t expected)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        alarm(SECONDS_TO_HANG);
        _exit(train(large, 99, 3) == expected ? 0 : 1);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

static void assert_ended_well(int status)
{
    ck_assert_msg(!WIFSIGNALED(status), "the child was ended by signal %d", WTERMSIG(status));
    ck_assert_msg(WEXITSTATUS(status) == 0, "the child learnt something else");
}

START_TEST(children_of_a_parallel_process_can_train)
{
    ag_set_num_threads(2);
    uint64_t expected = train(large, 99, 3);
    for (long i = 0; i < setting("FORK_ROUNDS", 10); i++) {
        ck_assert_uint_eq(train(large, 99, 3), expected);
        assert_ended_well(fork_and_train(expected));
    }
}
END_TEST

/* The other threads' graphs and locks stand still in the child, whatever they were doing. */
static void *train_until_told(void *context)
{
    const char *stop = context;
    while (__atomic_load_n(stop, __ATOMIC_RELAXED) == 0)
        train(large, 7, 1);
    return NULL;
}

START_TEST(a_fork_may_happen_while_other_threads_train)
{
    char stop = 0;
    pthread_t other;
    ag_set_num_threads(2);
    uint64_t expected = train(large, 99, 3);
    ck_assert_int_eq(pthread_create(&other, NULL, train_until_told, &stop), 0);
    for (long i = 0; i < setting("FORK_ROUNDS", 10); i++)
        assert_ended_well(fork_and_train(expected));
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(other, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *tests = add_case(suite, "threads");
    tcase_set_timeout(tests, 3600);
    tcase_add_test(tests, threads_learn_what_each_learns_alone);
    tcase_add_test(tests, so_they_do_with_parallel_work_inside);
    tcase_add_test(tests, a_failure_belongs_to_its_thread);
    tcase_add_loop_test(tests, threads_share_what_nobody_writes, 0, 3);
    if (getenv("WITHOUT_FORKS") == NULL) {
        tcase_add_test(tests, a_refused_thread_is_done_without);
        tcase_add_test(tests, children_of_a_parallel_process_can_train);
        tcase_add_test(tests, a_fork_may_happen_while_other_threads_train);
    }
    return run_suite(suite);
}
