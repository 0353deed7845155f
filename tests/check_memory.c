/*
 * check_memory.c: memory that runs out at every point. Each call is made with its first request for
 * memory failing, then its second, and so on until it succeeds, with one failure and with all requests
 * from there on failing, and with a limit on its arena that grows step by step. Each failure must say so,
 * change nothing and leak nothing, and the same call must succeed afterwards with the same bits.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/watch.h"
#include "memory/failing_allocator.h"
#include "op_calls.h"
#include "suite.h"

/* ---- the world that a call sees ---- */

enum { ROWS = 3, COLUMNS = 4, SMALLEST_CHUNK = 64, INPUT_BYTES = 1 << 20 };

typedef struct world {
    ag_arena *inputs; /* of one chunk, so that its bytes can be compared */
    ag_arena *arena;  /* where calls allocate: each piece of memory is a request of its own */
    unsigned char *first_input;
    uint64_t result; /* a hash of what the call has made */

    /* of an operation */
    op_case at;
    op_arguments arguments;
    ag_variable *root;
    ag_tensor *upstream;

    /* of other functions */
    uint32_t shape[2];
    float values[ROWS * COLUMNS];
    ag_random random;
    ag_tensor *scratch;
    ag_variable *leaf, *node, *loss;
    ag_optimizer *optimizer, *growing, *lbfgs;
    ag_variable *other, *cube;
    ag_one_cycle_schedule cycle;
    ag_module *model;
    ag_table *table;
    ag_categories *categories;
    ag_dataset *dataset;
    ag_normalization *normalization;
    ag_batches *batches;
    ag_named_tensor named;
    ag_checkpoint checkpoint;
    ag_tensor_file *file;
    ag_dl_managed_tensor *managed;
    ag_plot_series series;
    ag_plot_panel panel;
    ag_plot plot;
    ag_csv_log *log;
    ag_trace *trace;
    char text[200];
    double number;
    bool flag;
} world;

typedef struct scenario {
    const char *name;
    void (*prepare)(world *w);
    ag_status (*run)(world *w);
    bool changes_graph; /* backward's links in the nodes may change where it fails */
} scenario;

/* FNV-1a. */
static void hash(uint64_t *sum, const void *bytes, size_t count)
{
    if (*sum == 0) *sum = 0xcbf29ce484222325u;
    for (size_t i = 0; i < count; i++)
        *sum = (*sum ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
}

static void hash_tensor(uint64_t *sum, const ag_tensor *tensor)
{
    hash(sum, tensor->data, tensor->size * sizeof *tensor->data);
}

static void *must(void *made)
{
    ck_assert_msg(made != NULL, "%s", ag_last_error());
    return made;
}

static void create_world(world *w, const scenario *s, const op_case *at)
{
    failing_allocator_plan((failure_plan){0});
    ag_clear_error();
    *w = (world){.inputs = must(ag_arena_create(INPUT_BYTES)),
                 .arena = must(ag_arena_create(SMALLEST_CHUNK)),
                 .random = ag_random_create(1)};
    w->first_input = must(ag_arena_alloc(w->inputs, 1));
    if (at != NULL) w->at = *at;
    s->prepare(w);
    ck_assert_uint_eq(ag_arena_capacity(w->inputs), INPUT_BYTES);
}

static void destroy_world(world *w)
{
    ag_csv_log_close(w->log);
    ag_arena_destroy(w->arena);
    ag_arena_destroy(w->inputs);
    ck_assert_uint_eq(failing_allocator_outstanding(), 0);
    ck_assert_int_eq(failing_allocator_faults(), 0);
}

/* ---- what must not change ---- */

typedef struct snapshot {
    size_t input_bytes, arena_used;
    unsigned char *bytes;
    uint64_t tensors;
} snapshot;

static uint64_t hash_leaves(const world *w)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++) {
        const ag_variable *leaf = w->arguments.variables[i];
        if (leaf == NULL) continue;
        hash_tensor(&sum, leaf->data);
        if (leaf->grad != NULL) hash_tensor(&sum, leaf->grad);
    }
    return sum;
}

static snapshot take_snapshot(const world *w)
{
    snapshot s = {ag_arena_used(w->inputs), ag_arena_used(w->arena), NULL, hash_leaves(w)};
    s.bytes = must(malloc(s.input_bytes));
    ag__allow(w->first_input, s.input_bytes); /* also what lies between the inputs */
    memcpy(s.bytes, w->first_input, s.input_bytes);
    return s;
}

static void assert_unchanged(const world *w, const snapshot *before, const scenario *s,
                             const char *text)
{
    ck_assert_msg(ag_arena_used(w->inputs) == before->input_bytes, "%s: %s", s->name, text);
    ck_assert_msg(ag_arena_used(w->arena) == before->arena_used, "%s, %s: kept %zu bytes", s->name,
                  text, ag_arena_used(w->arena) - before->arena_used);
    ck_assert_msg(hash_leaves(w) == before->tensors, "%s, %s: leaves changed", s->name, text);
    ck_assert_msg(s->changes_graph ||
                      memcmp(w->first_input, before->bytes, before->input_bytes) == 0,
                  "%s, %s: inputs changed", s->name, text);
}

/* ---- one call, with memory failing at every point ---- */

static long
    failures; /* that were provoked; printed at the end where tests do not fork (CK_FORK=no) */

static void assert_says_so(ag_status status, const char *text)
{
    failures++;
    ck_assert_msg(status == AG_ERROR_MEMORY && ag_last_status() == AG_ERROR_MEMORY,
                  "%s: returned %s, recorded %s", text, ag_status_name(status),
                  ag_status_name(ag_last_status()));
    const char *said = ag_last_error();
    ck_assert_msg(strstr(said, "memory") != NULL || strstr(said, "limit") != NULL,
                  "%s: says \"%s\"", text, said);
}

/* Runs the call again, with memory, and compares with what it made when nothing ever failed. */
static void assert_succeeds_now(world *w, const scenario *s, const char *text, uint64_t expected)
{
    ag_clear_error();
    w->result = 0;
    ag_status status = s->run(w);
    ck_assert_msg(status == AG_OK, "%s, %s, again: %s", s->name, text, ag_last_error());
    ck_assert_msg(w->result == expected, "%s, %s, again: another result", s->name, text);
}

static uint64_t undisturbed_result(const scenario *s, const op_case *at)
{
    world w;
    create_world(&w, s, at);
    ck_assert_msg(s->run(&w) == AG_OK, "%s: %s", s->name, ag_last_error());
    uint64_t result = w.result;
    destroy_world(&w);
    return result;
}

/* One failure. Returns whether the call met it. */
static bool fail_at(const scenario *s, const op_case *at, failure_plan plan, uint64_t expected)
{
    world w;
    char text[64];
    snprintf(text, sizeof text, "request %ld%s fails", plan.first,
             plan.all_after ? " and all" : "");
    create_world(&w, s, at);
    snapshot before = take_snapshot(&w);
    failing_allocator_plan(plan);
    ag_status status = s->run(&w);
    bool met = failing_allocator_requests() >= plan.first;
    failing_allocator_plan((failure_plan){0});
    if (met) {
        assert_says_so(status, text);
        assert_unchanged(&w, &before, s, text);
        assert_succeeds_now(&w, s, text, expected);
    } else {
        ck_assert_msg(status == AG_OK, "%s: %s", s->name, ag_last_error());
    }
    free(before.bytes);
    destroy_world(&w);
    return met;
}

/* One limit. Returns whether it was too low. */
static bool limit_to(const scenario *s, const op_case *at, size_t bytes, uint64_t expected)
{
    world w;
    char text[64];
    snprintf(text, sizeof text, "limit %zu", bytes);
    create_world(&w, s, at);
    snapshot before = take_snapshot(&w);
    ag_arena_set_limit(w.arena, ag_arena_capacity(w.arena) + bytes);
    ag_status status = s->run(&w);
    ag_arena_set_limit(w.arena, 0);
    if (status != AG_OK) {
        assert_says_so(status, text);
        assert_unchanged(&w, &before, s, text);
        assert_succeeds_now(&w, s, text, expected);
    }
    free(before.bytes);
    destroy_world(&w);
    return status != AG_OK;
}

/* Returns how many points of failure there were. */
static long fail_everywhere(const scenario *s, const op_case *at)
{
    uint64_t expected = undisturbed_result(s, at);
    long points = 0;
    while (fail_at(s, at, (failure_plan){points + 1, false}, expected))
        points++;
    for (long k = 1; k <= points + 1; k++)
        ck_assert_int_eq(fail_at(s, at, (failure_plan){k, true}, expected), k <= points);
    return points;
}

static size_t limit_everywhere(const scenario *s, const op_case *at)
{
    uint64_t expected = undisturbed_result(s, at);
    size_t bytes = 1; /* 0 would be no limit where the arena holds nothing yet */
    while (limit_to(s, at, bytes, expected))
        bytes = (bytes + 64) / 64 * 64;
    return bytes;
}

/* ---- operations ---- */

static void prepare_operation(world *w)
{
    w->arguments = op_create_inputs(&w->at, w->inputs);
    w->arguments.new_shape = &w->at.new_shape;
    op_create_leaves(&w->arguments, w->inputs, true);
    ag_arena *graph = must(ag_arena_create(0)); /* the leaves get gradients */
    ag_variable *root = must(w->at.entry->graph(graph, &w->arguments));
    ag__shape shape = ag__shape_of(root->data);
    w->upstream = op_create_upstream(w->inputs, &shape);
    ck_assert_int_eq(ag_backward_from(graph, root, w->upstream), AG_OK);
    ag_arena_destroy(graph);
}

static ag_status run_forward(world *w)
{
    ag_variable *node = w->at.entry->graph(w->arena, &w->arguments);
    if (node == NULL) return ag_last_status();
    hash_tensor(&w->result, node->data);
    return AG_OK;
}

static void prepare_backward(world *w)
{
    prepare_operation(w);
    w->root = must(w->at.entry->graph(w->inputs, &w->arguments));
}

static ag_status run_backward(world *w)
{
    ag_status status = ag_backward_from(w->arena, w->root, w->upstream);
    w->result = hash_leaves(w);
    return status;
}

/* Every seventh case: shapes, reductions and flavours in turn. */
static void for_cases(const op_entry *entry, void (*test)(const scenario *, const op_case *))
{
    const scenario forward = {entry->name, prepare_operation, run_forward, false};
    const scenario backward = {entry->name, prepare_backward, run_backward, true};
    op_case at;
    for (size_t i = 0; op_case_at(entry, OP_SMALL, i, &at); i += 7) {
        test(&forward, &at);
        test(&backward, &at);
    }
}

static void fail_requests(const scenario *s, const op_case *at)
{
    long points = fail_everywhere(s, at);
    ck_assert_msg(s->changes_graph || points > 0, "%s: allocates nothing", s->name);
}

static void fail_limits(const scenario *s, const op_case *at)
{
    limit_everywhere(s, at);
}

START_TEST(an_operation_survives_every_failure)
{
    for_cases(&op_entries[_i], fail_requests);
}
END_TEST

START_TEST(an_operation_survives_every_limit)
{
    for_cases(&op_entries[_i], fail_limits);
}
END_TEST

/* ---- losses on tensors: nothing to fail ---- */

START_TEST(a_loss_on_tensors_allocates_nothing)
{
    const op_entry *entry = &op_entries[_i];
    const scenario s = {entry->name, prepare_operation, NULL, false};
    op_case at;
    for (size_t i = 0; op_case_at(entry, OP_SMALL, i, &at); i++) {
        world w;
        create_world(&w, &s, &at);
        ag__shape shape = ag__shape_of(w.upstream);
        ag_tensor *out = must(ag_tensor_create(w.inputs, shape.ndims, shape.dims)), *outs[3] = {0};
        for (uint32_t k = 0; k < entry->op->num_differentiable; k++)
            outs[k] = w.arguments.variables[k]->grad;
        const ag_loss_options options = {.reduction = w.arguments.reduction};
        failing_allocator_plan((failure_plan){1, true});
        ck_assert_int_eq(entry->value(out, &w.arguments), AG_OK);
        ck_assert_int_eq(entry->gradient(outs, w.upstream, &w.arguments), AG_OK);
        ck_assert_int_eq(entry->value_and_gradient(out, outs, &w.arguments), AG_OK);
        ck_assert_int_eq(entry->wanted(out, outs, &w.arguments, &options), AG_OK);
        ck_assert_int_eq(failing_allocator_requests(), 0);
        destroy_world(&w);
    }
}
END_TEST

/* ---- the other functions, of allocations.def ---- */

static ag_status do_nothing(ag_variable *self, ag_arena *temp_arena)
{
    (void)self, (void)temp_arena;
    return AG_OK;
}

/* ---- files ---- */

typedef enum file_kind { CSV, NPY, SAFETENSORS, CHECKPOINT, OUTPUT, LOG, NUM_FILES } file_kind;

static char folder[] = "check_memory.XXXXXX";

static const char *path_of(file_kind kind)
{
    static const char *const names[NUM_FILES] = {"a.csv",        "a.npy",  "a.safetensors",
                                                 "a.checkpoint", "output", "log"};
    static char paths[NUM_FILES][64];
    snprintf(paths[kind], sizeof paths[kind], "%s/%s", folder, names[kind]);
    return paths[kind];
}

static void create_files(void)
{
    ag_arena *arena = must(ag_arena_create(0));
    ag_tensor *ones = must(ag_tensor_create(arena, 2, (uint32_t[]){ROWS, COLUMNS}));
    ag_tensor_fill(ones, 1);
    const ag_named_tensor named = {"w", ones};
    FILE *csv = must(fopen(path_of(CSV), "w"));
    fputs("a,b,c\n1,2,x\n3,,\"y, z\"\n5,6,x\n", csv);
    fclose(csv);
    ck_assert_int_eq(ag_save_npy(path_of(NPY), ones), AG_OK);
    ck_assert_int_eq(ag_save_safetensors(path_of(SAFETENSORS), 1, &named, 0, NULL), AG_OK);
    ag_checkpoint checkpoint = {.num_weights = 1, .weights = &named, .step = 7};
    ck_assert_int_eq(ag_save_checkpoint(path_of(CHECKPOINT), &checkpoint), AG_OK);
    ag_arena_destroy(arena);
}

static void create_folder(void)
{
    must(mkdtemp(folder));
    create_files();
}

static void remove_folder(void)
{
    for (int kind = 0; kind < NUM_FILES; kind++)
        remove(path_of((file_kind)kind));
    remove(folder);
}

/* ---- preparation ---- */

static void prepare_data(world *w)
{
    ag_arena *arena = w->inputs;
    w->table = must(ag_read_csv(arena, path_of(CSV), NULL));
    w->categories = must(ag_table_categories(arena, w->table, "c"));
    w->dataset = must(ag_dataset_create(arena, w->leaf->data, w->leaf->data));
    w->normalization = must(ag_normalization_fit(arena, w->dataset, true));
    w->batches = must(ag_batches_create(arena, w->dataset, 2, NULL));
    w->named = (ag_named_tensor){"w", w->scratch};
    w->checkpoint = (ag_checkpoint){.num_weights = 1, .weights = &w->named, .step = 7};
    w->file = must(ag_load_safetensors(arena, path_of(SAFETENSORS)));
    w->managed = must(ag_tensor_to_dlpack(arena, w->scratch));
    w->trace = must(ag_trace_create(arena, 9));
    w->log = must(ag_csv_log_open(arena, path_of(LOG), 1, (const char *[]){"loss"}, false));
    w->series = (ag_plot_series){.count = 3, .y = w->values};
    w->panel = (ag_plot_panel){.y_label = "loss", .num_series = 1, .series = &w->series};
    w->plot = (ag_plot){"nothing", "steps", 1, &w->panel};
}

static void prepare_others(world *w)
{
    w->shape[0] = ROWS;
    w->shape[1] = COLUMNS;
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        w->values[i] = 0.25f * (float)i - 1;
    ag_tensor *data = must(ag_tensor_create_from(w->inputs, 2, w->shape, w->values));
    w->scratch = must(ag_tensor_create_zeros(w->inputs, 2, w->shape));
    w->leaf = must(ag_create_leaf(w->inputs, data, true));
    w->node = must(ag_create_node(w->inputs, "mine", data, 1, &w->leaf, do_nothing));
    w->loss = must(ag_l2_loss(w->inputs, w->leaf, AG_REDUCTION_MEAN));
    w->optimizer = must(ag_adamw_create(w->inputs, 1, &w->leaf, ag_adamw_defaults()));
    ck_assert_int_eq(ag_backward(w->inputs, w->loss), AG_OK);
    w->other = must(ag_create_leaf(w->inputs, w->scratch, true));
    w->growing = must(ag_adamw_create(w->arena, 1, &w->leaf, ag_adamw_defaults()));
    w->lbfgs = must(ag_lbfgs_create(w->inputs, 1, &w->leaf, ag_lbfgs_defaults()));
    w->cube = must(ag_reshape(w->inputs, w->leaf, 3, (uint32_t[]){1, ROWS, COLUMNS}));
    w->cycle = ag_one_cycle_defaults(1, 9);
    w->model = must(ag_module_linear(w->inputs, &w->random, COLUMNS, 2, true));
    prepare_data(w);
}

/* What a call has made is compared where it has contents. */
static ag_status made(world *w, size_t bytes, const void *memory, bool compare)
{
    if (memory == NULL) return ag_last_status();
    if (compare) hash(&w->result, memory, bytes);
    return AG_OK;
}

static ag_status tensor(world *w, const ag_tensor *made_tensor, bool compare)
{
    if (made_tensor == NULL) return ag_last_status();
    hash(&w->result, made_tensor->shape, made_tensor->ndims * sizeof *made_tensor->shape);
    return made(w, made_tensor->size * sizeof(float), made_tensor->data, compare);
}

static ag_status variable(world *w, const ag_variable *made_variable)
{
    return made_variable != NULL ? tensor(w, made_variable->data, true) : ag_last_status();
}

static ag_status optimizer(world *w, ag_optimizer *made_optimizer)
{
    (void)w;
    return made_optimizer != NULL ? AG_OK : ag_last_status();
}

/* The scratch tensor, filled with numbers. */
static ag_status filled(world *w, ag_status status)
{
    if (status == AG_OK) hash_tensor(&w->result, w->scratch);
    return status;
}

static ag_status module(world *w, ag_module *made_module)
{
    if (made_module == NULL) return ag_last_status();
    size_t count = ag_module_num_parameters(made_module);
    ag_variable **parameters = count > 0 ? ag_module_parameters(made_module, w->inputs) : NULL;
    for (size_t i = 0; i < count; i++)
        hash_tensor(&w->result, parameters[i]->data);
    return AG_OK;
}

static ag_status table(world *w, const ag_table *made_table)
{
    if (made_table == NULL) return ag_last_status();
    for (uint32_t row = 0; row < made_table->num_rows; row++) {
        const char *cell = ag_table_cell(made_table, row, made_table->num_columns - 1);
        hash(&w->result, cell, strlen(cell));
    }
    return AG_OK;
}

static ag_status split(world *w)
{
    ag_dataset *training = NULL, *test = NULL;
    ag_status status = ag_dataset_split(w->arena, w->dataset, 0.5, &w->random, &training, &test);
    ck_assert((status == AG_OK) == (training != NULL) && (status == AG_OK) == (test != NULL));
    if (status == AG_OK) hash_tensor(&w->result, training->features);
    return status;
}

static ag_status first_batch(world *w, ag_batches *made_batches)
{
    if (made_batches == NULL) return ag_last_status();
    ck_assert(ag_next_batch(made_batches));
    hash_tensor(&w->result, made_batches->features);
    return AG_OK;
}

static ag_status close_log(ag_csv_log *log)
{
    return log != NULL ? ag_csv_log_close(log) : ag_last_status();
}

static ag_status end_span(ag_trace *trace)
{
    ag_status status = ag_trace_begin(trace, "step");
    return status == AG_OK ? ag_trace_end(trace) : status;
}

/* For L-BFGS: the loss and its gradient without a graph, which would need memory. */
static ag_status find_loss(void *context, double *loss)
{
    world *w = context;
    bool accumulate = false;
    float value = 0;
    ag_tensor out = {.ndims = 1, .shape = {1}, .size = 1, .data = &value};
    ag_zero_grad(w->leaf);
    ag_tensor *grad = ag_grad_sink(w->leaf, &accumulate);
    ag_status status =
        ag_tensor_l2_loss_value_and_grad(&out, grad, w->leaf->data, AG_REDUCTION_MEAN);
    *loss = (double)value;
    return status;
}

/* The arena itself, and its first chunk. */
static ag_status use_new_arena(world *w)
{
    (void)w;
    ag_arena *arena = ag_arena_create(1 << 10);
    ag_status status = ag_arena_alloc(arena, 1) != NULL ? AG_OK : ag_last_status();
    ag_arena_destroy(arena);
    return status;
}

static ag_variable *build_for_check(ag_arena *arena, ag_variable *const *inputs, void *context)
{
    (void)context;
    return ag_tanh(arena, ag_mul(arena, inputs[0], ag_sigmoid(arena, inputs[0])));
}

static ag_status check_gradient(world *w)
{
    ag_gradcheck_report report = {.text = "as before"};
    ag_status status =
        ag_gradcheck(w->arena, build_for_check, NULL, 1, &w->leaf->data, NULL, &report);
    if (status != AG_OK) ck_assert_str_eq(report.text, "as before");
    if (status == AG_OK) hash(&w->result, report.text, strlen(report.text));
    return status;
}

static void keep_allocator(void)
{
    failing_allocator_install();
}

#define ALLOCATES(function, call)                                                                  \
    static ag_status run_##function(world *w)                                                      \
    {                                                                                              \
        return call;                                                                               \
    }
#define NOTHING(function, call)
#include "memory/allocations.def"
#undef ALLOCATES
#undef NOTHING

#define ALLOCATES(function, call)
#define NOTHING(function, call)                                                                    \
    static ag_status run_##function(world *w)                                                      \
    {                                                                                              \
        (void)w;                                                                                   \
        (void)call;                                                                                \
        return AG_OK;                                                                              \
    }
#include "memory/allocations.def"
#undef ALLOCATES
#undef NOTHING

static const scenario allocating[] = {
#define ALLOCATES(function, call) {#function, prepare_others, run_##function, false},
#define NOTHING(function, call)
#include "memory/allocations.def"
#undef ALLOCATES
#undef NOTHING
};

static const scenario not_allocating[] = {
#define ALLOCATES(function, call)
#define NOTHING(function, call) {#function, prepare_others, run_##function, false},
#include "memory/allocations.def"
#undef ALLOCATES
#undef NOTHING
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* The others have scratch memory of their own. */
static bool takes_an_arena(const char *function)
{
    return strcmp(function, "ag_arena_create") != 0 && strcmp(function, "ag_load_weights") != 0 &&
           strcmp(function, "ag_save_checkpoint") != 0;
}

START_TEST(a_function_survives_every_failure)
{
    long points = fail_everywhere(&allocating[_i], NULL);
    ck_assert_msg(points > 0, "%s allocates nothing", allocating[_i].name);
    if (takes_an_arena(allocating[_i].name))
        ck_assert_uint_gt(limit_everywhere(&allocating[_i], NULL), 1);
}
END_TEST

START_TEST(a_function_allocates_nothing)
{
    const scenario *s = &not_allocating[_i];
    world w;
    create_world(&w, s, NULL);
    failing_allocator_plan((failure_plan){1, true});
    s->run(&w);
    ck_assert_msg(failing_allocator_requests() == 0, "%s asks for memory", s->name);
    ck_assert_msg(ag_last_status() == AG_OK, "%s: %s", s->name, ag_last_error());
    destroy_world(&w);
}
END_TEST

/* ---- no function is forgotten ---- */

static bool is_listed(const char *symbol)
{
    char name[64];
    for (size_t i = 0; i < LENGTH(allocating); i++)
        if (strcmp(symbol, allocating[i].name) == 0) return true;
    for (size_t i = 0; i < LENGTH(not_allocating); i++)
        if (strcmp(symbol, not_allocating[i].name) == 0) return true;
    static const char *const forms[] = {
        "ag_%s",      "ag_tensor_%s",     "ag_tensor_%s_grad", "ag_tensor_%s_value_and_grad",
        "ag_%s_with", "ag_tensor_%s_with"};
    for (int i = 0; i < num_op_entries; i++)
        for (size_t form = 0; form < (op_entries[i].is_loss ? LENGTH(forms) : 1); form++) {
            snprintf(name, sizeof name, forms[form], op_entries[i].name);
            if (strcmp(symbol, name) == 0) return true;
        }
    return false;
}

START_TEST(every_exported_function_is_listed)
{
    char symbol[128];
    int count = 0;
    FILE *file = must(fopen(TESTS_FOLDER "/exported_symbols.txt", "r"));
    for (; fscanf(file, "%127s", symbol) == 1; count++)
        ck_assert_msg(is_listed(symbol), "%s stands in no line of allocations.def", symbol);
    ck_assert_int_ge(count, 100);
    fclose(file);
}
END_TEST

/* ---- end to end ---- */

enum { STEPS = 4, CLASSES = 3, FEATURES = 5, BATCH = 6 };

typedef struct training {
    ag_arena *permanent, *step;
    ag_variable *parameters[4];
    ag_optimizer *optimizer;
    ag_random random;
} training;

static ag_variable *create_parameter(training *t, uint32_t ndims, const uint32_t *shape)
{
    ag_tensor *data = ag_tensor_create(t->permanent, ndims, shape);
    ag_tensor_fill_normal(data, &t->random, 0, 0.5f);
    return ag_create_leaf(t->permanent, data, true);
}

static ag_status create_training(training *t)
{
    static const uint32_t w1[] = {7, FEATURES}, w2[] = {CLASSES, 7};
    *t = (training){ag_arena_create(256), ag_arena_create(256), .random = ag_random_create(5)};
    if (t->permanent == NULL || t->step == NULL) return ag_last_status();
    t->parameters[0] = create_parameter(t, 2, w1);
    t->parameters[1] = create_parameter(t, 1, &w1[0]);
    t->parameters[2] = create_parameter(t, 2, w2);
    t->parameters[3] = create_parameter(t, 1, &w2[0]);
    t->optimizer = ag_adamw_create(t->permanent, 4, t->parameters, ag_adamw_defaults());
    return t->optimizer != NULL ? AG_OK : ag_last_status();
}

/* One step, on data that depend on its number alone. */
static ag_status train_step(training *t, int number)
{
    ag_random random = ag_random_create((uint64_t)number);
    ag_tensor *x = ag_tensor_create(t->step, 2, (uint32_t[]){BATCH, FEATURES});
    ag_tensor *y = ag_tensor_create_zeros(t->step, 2, (uint32_t[]){BATCH, CLASSES});
    ag_tensor_fill_normal(x, &random, 0, 1);
    for (size_t i = 0; y != NULL && i < BATCH; i++)
        y->data[i * CLASSES + i % CLASSES] = 1;
    ag_variable *hidden =
        ag_linear(t->step, ag_create_leaf(t->step, x, false), t->parameters[0], t->parameters[1]);
    ag_variable *logits =
        ag_linear(t->step, ag_gelu(t->step, hidden), t->parameters[2], t->parameters[3]);
    ag_variable *loss = ag_cross_entropy_loss(t->step, logits, ag_create_leaf(t->step, y, false),
                                              AG_REDUCTION_MEAN);
    ag_optimizer_zero_grad(t->optimizer);
    ag_status status = ag_backward(t->step, loss);
    if (status == AG_OK) status = ag_optimizer_step(t->optimizer);
    ag_arena_reset(t->step);
    return status;
}

static void destroy_training(training *t, uint64_t *result)
{
    for (int i = 0; result != NULL && i < 4; i++)
        hash_tensor(result, t->parameters[i]->data);
    ag_arena_destroy(t->step);
    ag_arena_destroy(t->permanent);
}

/* Gives up at the first failure. */
static ag_status run_training(world *w)
{
    training t;
    ag_status status = create_training(&t);
    for (int i = 0; i < STEPS && status == AG_OK; i++)
        status = train_step(&t, i);
    destroy_training(&t, status == AG_OK ? &w->result : NULL);
    return status;
}

/* Makes a step that has failed once more, as a host would that has freed something meanwhile. */
static uint64_t run_stubborn_training(long failing)
{
    training t;
    uint64_t result = 0;
    failing_allocator_plan((failure_plan){0});
    ck_assert_int_eq(create_training(&t), AG_OK);
    failing_allocator_plan((failure_plan){failing, false});
    for (int i = 0; i < STEPS; i++) {
        ag_status status = train_step(&t, i);
        if (status == AG_OK) continue;
        assert_says_so(status, "a step");
        ag_clear_error();
        ck_assert_int_eq(train_step(&t, i), AG_OK);
    }
    destroy_training(&t, &result);
    return result;
}

static void prepare_nothing(world *w)
{
    (void)w;
}

START_TEST(a_training_survives_every_failure)
{
    const scenario s = {"training", prepare_nothing, run_training, false};
    ck_assert_int_ge(fail_everywhere(&s, NULL), 20);
}
END_TEST

START_TEST(a_training_goes_on_after_every_failure)
{
    uint64_t expected = run_stubborn_training(0);
    long requests = failing_allocator_requests();
    ck_assert_int_ge(requests, 5);
    for (long k = 1; k <= requests; k++)
        ck_assert_uint_eq(run_stubborn_training(k), expected);
    ck_assert_uint_eq(failing_allocator_outstanding(), 0);
}
END_TEST

/* After the first step nothing is allocated any more. */
START_TEST(a_steady_training_needs_no_memory)
{
    training t;
    failing_allocator_plan((failure_plan){0});
    ck_assert_int_eq(create_training(&t), AG_OK);
    ck_assert_int_eq(train_step(&t, 0), AG_OK);
    failing_allocator_plan((failure_plan){1, true});
    for (int i = 1; i < 100; i++)
        ck_assert_int_eq(train_step(&t, i), AG_OK);
    ck_assert_int_eq(failing_allocator_requests(), 0);
    destroy_training(&t, NULL);
}
END_TEST

/* ---- the allocator itself ---- */

START_TEST(an_arena_keeps_the_allocator_that_it_was_created_with)
{
    ag_arena *ours = must(ag_arena_create(64));
    must(ag_arena_alloc(ours, 64));
    ck_assert_int_eq(ag_set_allocator(NULL), AG_OK);
    size_t before = failing_allocator_outstanding();
    ag_arena *theirs = must(ag_arena_create(64));
    must(ag_arena_alloc(theirs, 64));
    ck_assert_uint_eq(failing_allocator_outstanding(), before);
    must(ag_arena_alloc(ours, 640));
    ck_assert_uint_ge(failing_allocator_outstanding(), before + 640);
    ag_arena_destroy(ours);
    ag_arena_destroy(theirs);
    ck_assert_uint_eq(failing_allocator_outstanding(), 0);
    ck_assert_int_eq(failing_allocator_faults(), 0);
}
END_TEST

START_TEST(an_allocator_without_a_function_is_refused)
{
    ag_allocator half = {.allocate = NULL};
    ck_assert_int_eq(ag_set_allocator(&half), AG_ERROR_NULL);
    ck_assert_ptr_nonnull(strstr(ag_last_error(), "set_allocator: allocate is NULL"));
    failing_allocator_plan((failure_plan){0});
    ag_arena *arena = must(ag_arena_create(0));
    ck_assert_uint_gt(failing_allocator_outstanding(), 0); /* the old one is still there */
    ag_arena_destroy(arena);
}
END_TEST

static char crooked_memory[4096];
static int crooked_out;

static void *allocate_crooked(size_t bytes, size_t alignment, void *context)
{
    (void)bytes, (void)context;
    crooked_out++;
    return crooked_memory + alignment - (uintptr_t)crooked_memory % alignment + 16;
}

static void release_crooked(void *memory, size_t bytes, size_t alignment, void *context)
{
    (void)memory, (void)bytes, (void)alignment, (void)context;
    crooked_out--;
}

START_TEST(memory_that_lies_crooked_is_given_back)
{
    ag_allocator crooked = {allocate_crooked, release_crooked, NULL};
    ck_assert_int_eq(ag_set_allocator(&crooked), AG_OK);
    ck_assert_ptr_null(ag_arena_create(0));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_MEMORY);
    ck_assert_int_eq(crooked_out, 0);
}
END_TEST

static void start_anew(void)
{
    failing_allocator_install();
    failing_allocator_plan((failure_plan){0});
    ag_clear_error();
}

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tests = add_case(suite, "memory");
    tcase_add_unchecked_fixture(tests, create_folder, remove_folder);
    tcase_add_checked_fixture(tests, start_anew, NULL);
    tcase_add_loop_test(tests, an_operation_survives_every_failure, 0, num_op_entries);
    tcase_add_loop_test(tests, an_operation_survives_every_limit, 0, num_op_entries);
    tcase_add_loop_test(tests, a_loss_on_tensors_allocates_nothing, 0, num_loss_entries);
    tcase_add_loop_test(tests, a_function_survives_every_failure, 0, (int)LENGTH(allocating));
    tcase_add_loop_test(tests, a_function_allocates_nothing, 0, (int)LENGTH(not_allocating));
    tcase_add_test(tests, every_exported_function_is_listed);
    tcase_add_test(tests, a_training_survives_every_failure);
    tcase_add_test(tests, a_training_goes_on_after_every_failure);
    tcase_add_test(tests, a_steady_training_needs_no_memory);
    tcase_add_test(tests, an_arena_keeps_the_allocator_that_it_was_created_with);
    tcase_add_test(tests, an_allocator_without_a_function_is_refused);
    tcase_add_test(tests, memory_that_lies_crooked_is_given_back);
    int result = run_suite(suite);
    if (failures > 0) printf("%ld failures of memory were provoked\n", failures);
    return result;
}
