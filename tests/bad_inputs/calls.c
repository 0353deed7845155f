/* calls.c: tries the lines of calls.def, and watches that they touch nothing. */
#include "config.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bad_inputs/world.h"
#include "core/watch.h"

/* ---- what calls.def uses ---- */

static ag_status of(const void *result)
{
    return result == NULL ? ag_last_status() : AG_OK;
}

/* A schedule says NaN where others say NULL. */
static ag_status refused(float rate)
{
    return isnan(rate) ? ag_last_status() : AG_OK;
}

static bool within(float x, float low, float high)
{
    return x >= low && x <= high;
}

static bool create_and_destroy(size_t chunk_bytes)
{
    ag_arena *arena = ag_arena_create(chunk_bytes);
    bool refuses = arena != NULL && ag_arena_alloc(arena, 1) == NULL;
    ag_arena_destroy(arena);
    return refuses && ag_last_status() == AG_ERROR_MEMORY;
}

static bool add_specials(void)
{
    w.numbers[0] = NAN;
    w.numbers[1] = INFINITY;
    w.numbers[2] = -INFINITY;
    const ag_tensor *a = ag_tensor_create_from(w.temp, 2, w.shape, w.numbers);
    const float *sum = w.scratch->data;
    return ag_tensor_add(w.scratch, a, a) == AG_OK && isnan(sum[0]) && isinf(sum[1]) &&
           isinf(sum[2]) && within(sum[5], 4, 4);
}

static ag_status do_nothing(ag_variable *self, ag_arena *temp_arena)
{
    (void)self;
    (void)temp_arena;
    return AG_OK;
}

/* A step of the optimiser while a parameter has these in place of its own. */
static ag_status step_with(ag_tensor *data, ag_tensor *grad)
{
    ag_tensor *own_data = w.moved->data, *own_grad = w.moved->grad;
    w.moved->data = data;
    w.moved->grad = grad;
    ag_status status = ag_optimizer_step(w.optimizer);
    w.moved->data = own_data;
    w.moved->grad = own_grad;
    return status;
}

/* An optimiser that has outlived its parameter. */
static ag_optimizer *careless(void)
{
    ag_mark mark = ag_arena_mark(w.steps);
    ag_variable *parameter = ag_create_leaf(w.steps, w.same, true);
    ag_optimizer *optimizer = ag_sgd_create(w.temp, 1, &parameter, w.sgd);
    ck_assert_ptr_nonnull(optimizer);
    ag_arena_rewind(w.steps, mark);
    return optimizer;
}

/* A cycle in which one setting has this value. */
static const ag_one_cycle_schedule *cycle_with(float *setting, float value)
{
    *setting = value;
    return &w.cycle;
}

/* A parameter with these for its own. */
static ag_variable *spoilt(ag_tensor *data, ag_tensor *grad)
{
    w.spoilt->data = data;
    w.spoilt->grad = grad;
    return w.spoilt;
}

static ag_status add_to_full_arena(void)
{
    ag_arena *arena = ag_arena_create(8192);
    ag_arena_set_limit(arena, 8192);
    ag_optimizer *optimizer = ag_sgd_create(arena, 1, &w.moved, w.sgd);
    while (ag_arena_alloc(arena, 64) != NULL)
        continue;
    size_t used = ag_arena_used(arena), states = ag_optimizer_num_state(optimizer);
    ag_status status = ag_optimizer_add_group(optimizer, 1, &w.fresh, 1, 0);
    bool untouched = ag_arena_used(arena) == used && ag_optimizer_num_state(optimizer) == states;
    ag_arena_destroy(arena);
    return untouched ? status : AG_OK;
}

static ag_status find_loss(void *context, double *loss)
{
    (void)context;
    *loss = 0;
    return AG_OK;
}

/* Moves the parameter, and fails. */
static ag_status find_no_loss(void *context, double *loss)
{
    (void)context;
    *loss = 1;
    w.spoilt->data->data[0] += 1;
    return ag_backward(w.temp, w.product);
}

/* A step of L-BFGS while its parameter has these in place of its own; NULL: its own data. */
static ag_status step_lbfgs(ag_closure closure, ag_tensor *data, ag_tensor *grad)
{
    ag_variable *parameter = spoilt(w.scratch, NULL);
    ag_optimizer *optimizer = ag_lbfgs_create(w.temp, 1, &parameter, ag_lbfgs_defaults());
    if (data != NULL) parameter->data = data;
    parameter->grad = grad;
    w.number = 7;
    float before = w.scratch->data[0];
    ag_status status = ag_lbfgs_step(optimizer, closure, NULL, &w.number);
    bool untouched = w.number > 6 && within(w.scratch->data[0], before, before);
    return untouched ? status : AG_OK;
}

static ag_status clip_with(float value)
{
    w.scratch->data[5] = value;
    w.number = 7;
    ag_variable *both[] = {w.moved, spoilt(w.matrix, w.scratch)};
    ag_status status = ag_clip_grad_norm(2, both, 1e-3f, &w.number);
    return w.number > 6 ? status : AG_OK;
}

/* NaN stays, and what is too large beside it does not. */
static bool clip_nan(void)
{
    w.scratch->data[0] = NAN;
    w.scratch->data[1] = INFINITY;
    ag_variable *parameter = spoilt(w.matrix, w.scratch);
    return ag_clip_grad_value(1, &parameter, 2) == AG_OK && isnan(w.scratch->data[0]) &&
           within(w.scratch->data[1], 2, 2);
}

/* An arena that has nothing left of its 64 bytes. */
static ag_arena *full_arena(void)
{
    while (ag_arena_alloc(w.tight, 64) != NULL)
        continue;
    ag_clear_error();
    return w.tight;
}

static const char *long_path(void)
{
    static char path[10000];
    memset(path, 'x', sizeof path - 1);
    return path;
}

/* Enough memory for a log, but not for its first line: the file must stay as it is. */
static ag_status open_log_in_little_memory(void)
{
    static char name[4096];
    memset(name, 'a', sizeof name - 1);
    ag_arena *arena = ag_arena_create(2048);
    ag_arena_set_limit(arena, 2048);
    const char *names[] = {name};
    ag_csv_log *log = ag_csv_log_open(arena, in_folder("log.csv"), 1, names, false);
    bool untouched = log == NULL && ag_arena_used(arena) == 0;
    ag_arena_destroy(arena);
    return untouched ? ag_last_status() : AG_OK;
}

static const ag_dl_managed_tensor *dlpack_with(ag_dl_tensor tensor)
{
    static ag_dl_managed_tensor managed;
    managed.dl_tensor = tensor;
    return &managed;
}

/* Columns of NaN have mean 0 and deviation 1. */
static bool normalize_nan(void)
{
    ag_tensor_fill(w.scratch, NAN);
    const ag_dataset *dataset = ag_dataset_create(w.temp, w.scratch, NULL);
    const ag_normalization *fitted = ag_normalization_fit(w.temp, dataset, true);
    return within(fitted->mean[2], 0, 0) && within(fitted->deviation[2], 1, 1) &&
           ag_normalize(fitted, w.scratch) == AG_OK && isnan(w.scratch->data[5]);
}

static bool begin_too_deep(void)
{
    for (int i = 0; i < 64; i++)
        if (ag_trace_begin(w.trace, "a") != AG_OK) return false;
    bool refuses = ag_trace_begin(w.trace, "a") == AG_ERROR_ARGUMENT;
    for (int i = 0; i < 64; i++)
        if (ag_trace_end(w.trace) != AG_OK) return false;
    return refuses && ag_save_trace("/dev/null", w.trace) == AG_OK;
}

/* A module that lacks something has no parameters that could be counted. */
static bool counts_nothing(const ag_module *module)
{
    char text[8] = "text";
    return ag_module_num_parameters(module) == 0 && ag_module_size(module) == 0 &&
           ag_module_parameter_name(module, 0, text, sizeof text) == 0 && text[0] == '\0' &&
           ag_module_summary(module, text, sizeof text) == 0;
}

/* A module of the library's, as a caller may spoil it. */
static ag_module *without_function(void)
{
    ag_module *module = ag_module_activation(w.temp, "relu", ag_relu);
    module->function = NULL;
    return module;
}

static ag_module *sequence_of(ag_module **children)
{
    ag_module *module = ag_module_sequential(w.temp, 1, &w.model);
    module->children = children;
    return module;
}

static ag_module *in_itself(void)
{
    ag_module *module = sequence_of(NULL);
    module->children = ag_arena_alloc(w.temp, sizeof *module->children);
    module->children[0] = module;
    return module;
}

/* 40 modules, each twice in the next: 2^40 ways lead to the first. */
static ag_module *shared_without_end(void)
{
    ag_module *module = sequence_of(NULL);
    module->num_children = 0;
    for (int i = 0; i < 40; i++) {
        ag_module *twice[] = {module, module};
        module = ag_module_sequential(w.temp, 2, twice);
        if (module == NULL) return NULL;
    }
    return module;
}

static ag_module *attention_with(uint32_t heads, uint32_t num_parameters, ag_variable *last)
{
    ag_random random = ag_random_create(1);
    ag_module *module = ag_module_attention(w.temp, &random, 2, 2, true);
    module->settings[1] = heads;
    module->num_parameters = num_parameters;
    if (last != NULL || num_parameters == 4) module->parameters[3] = last;
    return module;
}

/* A module with this for its only parameter. */
static ag_module *module_of(ag_variable *parameter)
{
    ag_random random = ag_random_create(1);
    ag_module *module = ag_module_linear(w.temp, &random, 3, 2, false);
    module->parameters[0] = parameter;
    return module;
}

static ag_module *module_of_too_many(void)
{
    ag_module *module = module_of(w.leaf);
    module->num_parameters = UINT32_MAX;
    return module;
}

static ag_variable *pair_leaf(void)
{
    return ag_create_leaf(w.temp, w.labels, false);
}

static ag_variable *cube_leaf(void)
{
    return ag_create_leaf(w.temp, w.cube, false);
}

/* A graph whose inputs live in another arena, as parameters do, is a graph like any other. */
static bool spans_arenas(void)
{
    ag_variable *root = ag_sum(w.temp, ag_mul(w.temp, w.moved, w.frozen));
    float before = w.moved->grad->data[0];
    bool done = ag_backward(w.temp, root) == AG_OK;
    return done && within(w.moved->grad->data[0] - before, w.same->data[0], w.same->data[0]);
}

static ag_variable *build_sum(ag_arena *arena, ag_variable *const *inputs, void *context)
{
    (void)context;
    return ag_sum(arena, inputs[0]);
}

static ag_variable *build_nothing(ag_arena *arena, ag_variable *const *inputs, void *context)
{
    (void)arena;
    (void)inputs;
    (void)context;
    return NULL;
}

static ag_variable *build_gone(ag_arena *arena, ag_variable *const *inputs, void *context)
{
    (void)arena;
    (void)inputs;
    (void)context;
    return w.gone_root;
}

static ag_variable *build_empty(ag_arena *arena, ag_variable *const *inputs, void *context)
{
    (void)arena;
    (void)inputs;
    (void)context;
    return w.empty;
}

/* One element at first, then as many as the input has. */
static ag_variable *build_fickle(ag_arena *arena, ag_variable *const *inputs, void *context)
{
    bool *was_called = context;
    ag_variable *result = *was_called ? ag_scale(arena, inputs[0], 1) : ag_sum(arena, inputs[0]);
    *was_called = true;
    return result;
}

static bool gradcheck_of_nan(void)
{
    w.scratch->data[0] = NAN;
    ag_status status = ag_gradcheck(w.temp, build_sum, NULL, 1, &w.scratch, NULL, &w.report);
    return status == AG_OK && !w.report.passed;
}

/* ---- the lines of calls.def, known by their numbers ---- */

typedef struct bad_call {
    int line;
    const char *function, *doing;
    ag_status expected;
    const char *mentioned;
} bad_call;

static const bad_call bad_calls[] = {
#define BAD(function, doing, status, mentioned, ...)                                               \
    {PART + __LINE__, #function, doing, status, mentioned},
#define TAKEN(function, doing, ...)
#include "bad_inputs/calls.def"
#undef BAD
#undef TAKEN
};

static ag_status make_bad_call(int line)
{
    switch (line) {
#define BAD(function, doing, status, mentioned, ...)                                               \
    case PART + __LINE__:                                                                          \
        return __VA_ARGS__;
#define TAKEN(function, doing, ...)
#include "bad_inputs/calls.def"
#undef BAD
#undef TAKEN
    }
    return AG_OK;
}

static const struct {
    int line;
    const char *function, *doing, *condition;
} unusual_calls[] = {
#define BAD(function, doing, status, mentioned, ...)
#define TAKEN(function, doing, ...) {PART + __LINE__, #function, doing, #__VA_ARGS__},
#include "bad_inputs/calls.def"
#undef BAD
#undef TAKEN
};

static bool make_unusual_call(int line)
{
    switch (line) {
#define BAD(function, doing, status, mentioned, ...)
#define TAKEN(function, doing, ...)                                                                \
    case PART + __LINE__:                                                                          \
        return __VA_ARGS__;
#include "bad_inputs/calls.def"
#undef BAD
#undef TAKEN
    }
    return false;
}

/* ---- the tests ---- */

/* All tensors, variables, gradients and optimisers of the world lie in the arena's only chunk. */
static void *copy_of_arena(const void **start, size_t *bytes)
{
    *bytes = ag_arena_used(w.arena);
    *start = (const char *)w.matrix->data - 64;
    ag__allow(*start, *bytes); /* also what lies between them */
    void *copy = malloc(*bytes);
    ck_assert_ptr_nonnull(copy);
    return memcpy(copy, *start, *bytes);
}

START_TEST(a_bad_call_is_refused_and_touches_nothing)
{
    const bad_call *c = &bad_calls[_i];
    const void *start;
    size_t bytes;
    void *before = copy_of_arena(&start, &bytes);
    ag_random random = w.random;
    uint64_t fingerprint = folder_fingerprint();
    bad_input_counted(c->function);
    ag_status status = make_bad_call(c->line);
    ck_assert_int_eq(ag_last_status(), status);
    bad_input_assert(c->function + 3, c->doing, status, c->expected, c->mentioned);
    ck_assert_msg(ag_arena_used(w.arena) == bytes, "%s, %s: the arena is fuller than before",
                  c->function, c->doing);
    ck_assert_msg(memcmp(before, start, bytes) == 0, "%s, %s: something was touched", c->function,
                  c->doing);
    ck_assert_msg(memcmp(&random, &w.random, sizeof random) == 0, "%s, %s: numbers were drawn",
                  c->function, c->doing);
    ck_assert_msg(folder_fingerprint() == fingerprint, "%s, %s: files have changed", c->function,
                  c->doing);
    free(before);
}
END_TEST

START_TEST(an_unusual_call_does_what_is_documented)
{
    bad_input_counted(unusual_calls[_i].function);
    ck_assert_msg(make_unusual_call(unusual_calls[_i].line), "%s, %s: not %s (%s)",
                  unusual_calls[_i].function, unusual_calls[_i].doing, unusual_calls[_i].condition,
                  ag_last_error());
}
END_TEST

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

void add_calls(Suite *suite)
{
    TCase *tests = tcase_create("calls");
    tcase_add_unchecked_fixture(tests, create_folder, destroy_folder);
    tcase_add_checked_fixture(tests, create_world, destroy_world);
    tcase_add_loop_test(tests, a_bad_call_is_refused_and_touches_nothing, 0, LENGTH(bad_calls));
    tcase_add_loop_test(tests, an_unusual_call_does_what_is_documented, 0, LENGTH(unusual_calls));
    suite_add_tcase(suite, tests);
}
