/* world.c: what the calls of calls.def are made with. */
#include "config.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bad_inputs/world.h"

world w;

/* ---- the folder ---- */

static char folder[PATH_MAX / 2];

const char *in_folder(const char *name)
{
    static char paths[8][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "wb");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) abort();
}

void create_folder(void)
{
    const char *where = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/autograd-bad-inputs-XXXXXX",
             where != NULL ? where : "/tmp");
    if (mkdtemp(folder) == NULL) abort();
    ag_arena *arena = ag_arena_create(0);
    ag_tensor *tensor = ag_tensor_create_zeros(arena, 2, (uint32_t[]){2, 3});
    ag_named_tensor named = {"a", tensor};
    ag_checkpoint checkpoint = {.num_weights = 1, .weights = &named};
    write_file("table.csv", "a,n,gap\nred,1,\nblue,2,\n");
    write_file("log.csv", "a\n1\n");
    if (ag_save_safetensors(in_folder("tensors"), 1, &named, 0, NULL) != AG_OK ||
        ag_save_npy(in_folder("array.npy"), tensor) != AG_OK ||
        ag_save_checkpoint(in_folder("state"), &checkpoint) != AG_OK)
        abort();
    ag_arena_destroy(arena);
}

/* Calls a function for each file; their order stays the same while nothing is created. */
static void for_each_file(void (*function)(const char *path, uint64_t *sum), uint64_t *sum)
{
    DIR *directory = opendir(folder);
    if (directory == NULL) abort();
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            function(in_folder(entry->d_name), sum);
    closedir(directory);
}

static void remove_file(const char *path, uint64_t *unused)
{
    (void)unused;
    unlink(path);
}

void destroy_folder(void)
{
    for_each_file(remove_file, NULL);
    rmdir(folder);
}

/* FNV-1a over name and bytes. */
static void add_to_fingerprint(const char *path, uint64_t *sum)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = path; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    FILE *file = fopen(path, "rb");
    if (file == NULL) abort();
    for (int c; (c = getc(file)) != EOF;)
        hash = (hash ^ (unsigned char)c) * 0x100000001b3u;
    fclose(file);
    *sum += hash;
}

uint64_t folder_fingerprint(void)
{
    uint64_t sum = 0;
    for_each_file(add_to_fingerprint, &sum);
    return sum;
}

/* ---- what is made of it ---- */

static void read_files(void)
{
    w.table = ag_read_csv(w.arena, in_folder("table.csv"), NULL);
    w.categories = ag_table_categories(w.arena, w.table, "a");
    w.file = ag_load_safetensors(w.arena, in_folder("tensors"));
    w.log = ag_csv_log_open(w.arena, in_folder("log.csv"), 1, (const char *[]){"a"}, true);
    w.closed = ag_csv_log_open(w.arena, in_folder("log.csv"), 1, (const char *[]){"a"}, true);
    ck_assert_int_eq(ag_csv_log_close(w.closed), AG_OK);
    ck_assert(w.categories != NULL && w.file != NULL && w.log != NULL);
}

/* What is handed over by pointers to it, so that a test can spoil a copy. */
static void describe_plot_and_checkpoint(void)
{
    w.named = (ag_named_tensor){"a", w.matrix};
    w.checkpoint = (ag_checkpoint){.num_weights = 1, .weights = &w.named};
    w.series = (ag_plot_series){.name = "a", .count = 3, .y = w.numbers};
    w.panel = (ag_plot_panel){.y_label = "y", .num_series = 1, .series = &w.series};
    w.plot = (ag_plot){.title = "title", .x_label = "x", .num_panels = 1, .panels = &w.panel};
}

/* ---- the world ---- */

static void create_tensors(void)
{
    memcpy(w.shape, (uint32_t[]){2, 3}, sizeof w.shape);
    for (uint32_t i = 0; i < 4; i++)
        w.overflow[i] = 1u << 16;
    for (int i = 0; i < 7; i++)
        w.numbers[i] = (float)i - 3;
    float *memory = ag_arena_alloc(w.arena, sizeof w.numbers);
    memcpy(memory, w.numbers, sizeof w.numbers);
    w.matrix = ag_tensor_wrap(w.arena, 2, w.shape, memory);
    w.shifted = ag_tensor_wrap(w.arena, 2, w.shape, memory + 1);
    w.same = ag_tensor_create_from(w.arena, 2, w.shape, w.numbers);
    w.wide = ag_tensor_create_from(w.arena, 2, (uint32_t[]){3, 2}, w.numbers);
    w.scalar = ag_tensor_create_from(w.arena, 1, (uint32_t[]){1}, w.numbers);
    w.scratch = ag_tensor_create_zeros(w.temp, 2, w.shape);
    w.no_data = w.rank_0 = w.rank_9 = w.wrong_size = *w.matrix;
    w.no_data.data = NULL;
    w.rank_0.ndims = 0;
    w.rank_9.ndims = 9;
    w.wrong_size.size = 7;
    float *data = w.matrix->data;
    w.tall_tensor = (ag_tensor){2, {INT_MAX, 1}, INT_MAX, data};
    w.taller_tensor = (ag_tensor){2, {UINT32_MAX, 1}, UINT32_MAX, data};
}

/* A frozen leaf whose data were replaced. */
static ag_variable *leaf_with(ag_tensor *data)
{
    ag_variable *leaf = ag_create_leaf(w.arena, w.matrix, false);
    ck_assert_ptr_nonnull(leaf);
    leaf->data = data;
    return leaf;
}

static void create_variables(void)
{
    w.leaf = ag_create_leaf(w.arena, w.matrix, true);
    w.turned = ag_create_leaf(w.arena, w.wide, false);
    w.product = ag_mul(w.arena, w.leaf, w.leaf);
    w.root = ag_sum(w.arena, w.product);
    w.frozen = ag_create_leaf(w.arena, w.same, false);
    w.frozen_root = ag_sum(w.arena, w.frozen);
    ag_tensor *parameter = ag_tensor_create_from(w.arena, 2, w.shape, w.numbers);
    w.moved = ag_create_leaf(w.arena, parameter, true);
    w.tall = leaf_with(&w.tall_tensor);
    w.taller = leaf_with(&w.taller_tensor);
    w.empty = leaf_with(NULL);
    w.empty->op = NULL;
    w.empty->is_leaf = false;
    w.sgd = (ag_sgd_options){.learning_rate = 1};
    w.optimizer = ag_sgd_create(w.arena, 2, (ag_variable *[]){w.leaf, w.moved}, w.sgd);
    ck_assert(w.root != NULL && w.frozen_root != NULL && w.optimizer != NULL);
    ck_assert_int_eq(ag_accumulate_grad(w.moved, w.same), AG_OK);
    ck_assert_int_eq(ag_accumulate_grad(w.leaf, w.same), AG_OK);
}

static void create_other_objects(void)
{
    w.one = ag_tensor_create_zeros(w.temp, 1, (uint32_t[]){1});
    w.labels = ag_tensor_create_from(w.arena, 1, (uint32_t[]){2}, (float[]){1, -1});
    w.cube = ag_tensor_create_zeros(w.arena, 3, (uint32_t[]){1, 2, 2});
    w.lbfgs = ag_lbfgs_create(w.arena, 1, &w.moved, ag_lbfgs_defaults());
    w.adam = ag_adam_create(w.arena, 1, &w.moved, ag_adam_defaults());
    w.fresh = ag_create_leaf(w.arena, w.same, true);
    w.spoilt = ag_create_leaf(w.temp, w.same, true);
    w.cycle = ag_one_cycle_defaults(1, 9);
    w.dataset = ag_dataset_create(w.arena, w.matrix, w.same);
    w.normalization = ag_normalization_fit(w.arena, w.dataset, true);
    w.batches = ag_batches_create(w.arena, w.dataset, 1, NULL);
    w.model = ag_module_linear(w.arena, &w.random, 3, 2, true);
    w.trace = ag_trace_create(w.arena, 9);
    w.managed = ag_tensor_to_dlpack(w.arena, w.matrix);
    ck_assert(w.lbfgs != NULL && w.adam != NULL && w.fresh != NULL && w.normalization != NULL &&
              w.batches != NULL);
    ck_assert(w.model != NULL && w.trace != NULL && w.managed != NULL);
    describe_plot_and_checkpoint();
    read_files();
}

void create_world(void)
{
    w = (world){.arena = ag_arena_create(0), .temp = ag_arena_create(0)};
    w.tight = ag_arena_create(64);
    w.steps = ag_arena_create(0);
    ck_assert(w.arena != NULL && w.temp != NULL && w.tight != NULL && w.steps != NULL);
    ag_arena_set_limit(w.tight, 64);
    w.mark = ag_arena_mark(w.arena);
    w.random = ag_random_create(1);
    if (ag_arena_alloc(w.arena, 64) != NULL) create_tensors();
    create_variables();
    create_other_objects();
    ag_mark end = ag_arena_mark(w.temp);
    ag_arena_alloc(w.temp, 64);
    w.stale = ag_arena_mark(w.temp);
    w.gone = ag_create_leaf(w.steps, w.same, true);
    w.gone_root = ag_sum(w.steps, w.gone);
    ag_arena_reset(w.steps);
    ag_arena_rewind(w.temp, end);
    ag_clear_error();
}

void destroy_world(void)
{
    ag_csv_log_close(w.log);
    ag_arena_destroy(w.arena);
    ag_arena_destroy(w.temp);
    ag_arena_destroy(w.tight);
    ag_arena_destroy(w.steps);
}
