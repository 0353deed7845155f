/*
 * bench.c: times every operation of the table, and ctc_loss, forward alone, forward with backward, and of losses
 * value and gradient without a graph; and says how far each is from what memory or sgemm allow on this
 * machine.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "op_calls.h"
#include "support/cases.h"
#include "support/limits.h"
#include "support/options.h"
#include "support/status_line.h"
#include "support/timing.h"

/* How long each figure is measured. */
#define SECONDS 0.15

/* ---- one operation at one size ---- */

typedef struct bench {
    const op_entry *entry;
    op_case at;
    ag_arena *permanent, *step;
    op_arguments arguments;
    ag_tensor *upstream; /* NULL for a scalar result */
    ag_variable *result;
    ag_tensor *value, *gradients[AG__MAX_INPUTS]; /* of value_and_grad */
    bool failed;
} bench;

/* Seconds. */
typedef struct bench_times {
    double forward, both;
    double one_pass; /* value_and_grad; 0 for what has none */
} bench_times;

static void run_forward(void *context)
{
    bench *b = context;
    bool before = ag_set_grad_enabled(false);
    b->result = b->entry->graph(b->step, &b->arguments);
    ag_set_grad_enabled(before);
    b->failed = b->failed || b->result == NULL;
    ag_arena_reset(b->step);
}

static void run_both(void *context)
{
    bench *b = context;
    for (uint32_t i = 0; i < b->entry->op->num_differentiable; i++)
        if (b->arguments.variables[i] != NULL) ag_zero_grad(b->arguments.variables[i]);
    b->result = b->entry->graph(b->step, &b->arguments);
    ag_status status = b->upstream == NULL ? ag_backward(b->step, b->result)
                                           : ag_backward_from(b->step, b->result, b->upstream);
    b->failed = b->failed || status != AG_OK;
    ag_arena_reset(b->step);
}

static void run_one_pass(void *context)
{
    bench *b = context;
    ag_status status = b->entry->value_and_gradient(b->value, b->gradients, &b->arguments);
    b->failed = b->failed || status != AG_OK;
}

/* Where value_and_grad writes to. */
static bool create_outputs(bench *b)
{
    const uint32_t one = 1;
    b->value = ag_tensor_create(b->permanent, 1, &one);
    bool ok = b->value != NULL;
    for (uint32_t i = 0; ok && i < b->entry->op->num_differentiable; i++) {
        const ag_tensor *x = b->arguments.tensors[i];
        b->gradients[i] = ag_tensor_create(b->permanent, x->ndims, x->shape);
        ok = b->gradients[i] != NULL;
    }
    return ok;
}

static bool prepare(bench *b)
{
    b->permanent = ag_arena_create(0);
    b->step = ag_arena_create(0);
    b->arguments = case_inputs(&b->at, b->permanent);
    op_create_leaves(&b->arguments, b->permanent, true);
    b->result = b->entry->graph(b->step, &b->arguments);
    if (b->result == NULL) return false;
    if (b->entry->value_and_gradient != NULL && !create_outputs(b)) return false;
    const ag_tensor *data = b->result->data;
    if (data->size == 1) return true;
    b->upstream = ag_tensor_create(b->permanent, data->ndims, data->shape);
    return b->upstream != NULL && ag_tensor_fill(b->upstream, 1) == AG_OK;
}

static void discard(bench *b)
{
    ag_arena_destroy(b->permanent);
    ag_arena_destroy(b->step);
}

/* ---- work, for rates ---- */

static bool is_product(const op_entry *entry)
{
    return entry->signature == SIGNATURE_matmul || entry->signature == SIGNATURE_linear ||
           entry->signature == SIGNATURE_conv2d;
}

/*
 * Bytes that must be moved: inputs (by forward and backward twice, in one pass once), gradients, and
 * an unreduced result.
 */
static double bytes_of(const bench *b, int passes)
{
    double inputs = 0, gradients = 0;
    for (uint32_t i = 0; i < b->entry->op->num_inputs; i++) {
        if (b->arguments.tensors[i] == NULL) continue;
        double bytes = 4.0 * (double)b->arguments.tensors[i]->size;
        inputs += bytes;
        if (i < b->entry->op->num_differentiable) gradients += bytes;
    }
    double result = b->upstream != NULL ? 4.0 * (double)b->upstream->size : 0;
    return passes * inputs + gradients + passes * result;
}

/* Forward, and backward to both factors, are a product of the same size each. */
static double flops_of(const bench *b)
{
    const ag_tensor *a = b->arguments.tensors[0];
    size_t k = a->shape[a->ndims - 1];
    if (b->entry->signature == SIGNATURE_conv2d)
        k = b->arguments.tensors[1]->size / b->arguments.tensors[1]->shape[0];
    return 3 * 2.0 * (double)k * (double)b->upstream->size;
}

/* ---- the report ---- */

typedef struct report {
    FILE *csv; /* NULL if none is wanted */
    machine_limits limits;
    int done, total;
} report;

static void print_row(const report *r, const bench *b, const char *size, bench_times t)
{
    bool product = is_product(b->entry);
    double rate = (product ? flops_of(b) : bytes_of(b, 2)) / t.both;
    double limit = product ? r->limits.flops_per_second : r->limits.bytes_per_second;
    const char *unit = product ? "GFLOP/s" : "GB/s";
    clear_status();
    printf("%-22s %-7s %-14s %11.2f %11.2f %9.1f %-7s %5.0f %%", b->entry->name, size,
           ag__tensor_shape_text(b->arguments.tensors[0]).text, t.forward * 1e6, t.both * 1e6,
           rate * 1e-9, unit, 100 * rate / limit);
    if (t.one_pass > 0)
        printf(" %11.2f %5.0f %%", t.one_pass * 1e6,
               100 * bytes_of(b, 1) / t.one_pass / r->limits.bytes_per_second);
    printf("\n");
    fflush(stdout);
    if (r->csv != NULL)
        fprintf(r->csv, "%s,%s,%.3f,%.3f,%.3f,%s,%.3f\n", b->entry->name, size, t.forward * 1e6,
                t.both * 1e6, rate * 1e-9, unit, t.one_pass * 1e6);
}

static int run_one(report *r, const op_entry *entry, const bench_size *size)
{
    bench b = {.entry = entry, .at = case_at(entry, size)};
    show_status(r->done++, r->total, entry->name, size->name);
    bool ready = prepare(&b);
    if (ready) {
        bench_times t = {.forward = median_time(run_forward, &b, SECONDS),
                         .both = median_time(run_both, &b, SECONDS)};
        if (b.value != NULL) t.one_pass = median_time(run_one_pass, &b, SECONDS);
        if (!b.failed) print_row(r, &b, size->name, t);
    }
    bool failed = !ready || b.failed;
    if (failed) fprintf(stderr, "bench: %s at %s: %s\n", entry->name, size->name, ag_last_error());
    discard(&b);
    return failed;
}

static int run_all(report *r, const selection *s)
{
    int failures = 0;
    for (int i = 0; i < num_bench_entries() * NUM_SIZES; i++)
        r->total += is_selected(s, bench_entry(i / NUM_SIZES), &bench_sizes[i % NUM_SIZES]);
    for (int i = 0; i < num_bench_entries(); i++)
        for (int k = 0; k < NUM_SIZES; k++)
            if (is_selected(s, bench_entry(i), &bench_sizes[k]))
                failures += run_one(r, bench_entry(i), &bench_sizes[k]);
    return failures;
}

static void print_heading(const report *r)
{
    printf("%s, %d threads\nlimits: %.1f GB/s in a stream kernel, %.1f GFLOP/s in sgemm\n\n",
           ag_build_info(), ag_get_num_threads(), r->limits.bytes_per_second * 1e-9,
           r->limits.flops_per_second * 1e-9);
    printf("%-22s %-7s %-14s %11s %11s %17s %7s %11s %7s\n", "operation", "size", "first input",
           "forward µs", "and back µs", "rate", "of limit", "one pass µs", "of limit");
    if (r->csv != NULL)
        fprintf(r->csv, "operation,size,forward_us,forward_backward_us,rate,unit,one_pass_us\n");
}

static const char help[] =
    "[--csv FILE] [--threads N] [--size small|middle|large] [NAME]...\n"
    "Times the operations NAME, or all: forward alone, and forward with backward to leaves.\n"
    "The limit is measured in the same run: a stream kernel for what moves bytes (inputs twice,\n"
    "gradients), sgemm for products. Above 100 % the data was in the cache. The last columns are\n"
    "a loss's value_and_grad, without a graph, which needs its inputs once.\n";

int main(int argc, char **argv)
{
    const char *csv = NULL, *threads = NULL;
    selection s = {0};
    const option options[] = {
        {"--csv", &csv}, {"--threads", &threads}, {"--size", &s.size}, {NULL, NULL}};
    int first_name;
    read_options(argc, argv, options, help, &first_name);
    s.names = argv + first_name;
    s.num_names = argc - first_name;
    if (!selection_is_known(&s, argv[0])) return 2;
    report r = {.csv = open_csv(argv[0], csv)};
    ag_set_num_threads(read_count(argv[0], threads, 1024, 0));
    r.limits = measure_limits();
    print_heading(&r);
    int failures = run_all(&r, &s);
    if (r.csv != NULL) fclose(r.csv);
    return failures > 0;
}
