/*
 * bench.c: times every operation of the table, forward alone and forward with backward, and says how
 * far each is from what memory or sgemm allow on this machine.
 */
#include "config.h"

#include <cblas.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "op_calls.h"

/* ---- time ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { SAMPLES = 9 };

/* Each sample repeats the work until it takes this long, in seconds. */
#define SAMPLE_SECONDS 0.01

typedef void work_fn(void *context);

/* The median time of one run of the work, in seconds. */
static double time_of(work_fn *work, void *context)
{
    double samples[SAMPLES];
    work(context); /* warms caches and arenas */
    double start = now();
    work(context);
    double once = now() - start;
    size_t repeats = 1 + (size_t)(SAMPLE_SECONDS / (once + 1e-9));
    for (int i = 0; i < SAMPLES; i++) {
        start = now();
        for (size_t r = 0; r < repeats; r++)
            work(context);
        samples[i] = (now() - start) / (double)repeats;
    }
    qsort(samples, SAMPLES, sizeof *samples, compare_doubles);
    return samples[SAMPLES / 2];
}

/* ---- the limits of the machine ---- */

typedef struct limits {
    double bytes_per_second, flops_per_second;
} limits;

enum { STREAM_ELEMENTS = 1 << 24, SQUARE = 1024 };

typedef struct buffers {
    float *a, *b, *out;
} buffers;

/* Two reads and a plain store for each element. */
static void stream(void *context)
{
    const buffers *s = context;
#pragma omp parallel for simd
    for (size_t i = 0; i < STREAM_ELEMENTS; i++)
        s->out[i] = s->a[i] - s->b[i];
}

static void multiply(void *context)
{
    const buffers *s = context;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SQUARE, SQUARE, SQUARE, 1, s->a, SQUARE,
                s->b, SQUARE, 0, s->out, SQUARE);
}

static limits measure_limits(void)
{
    buffers s = {malloc(STREAM_ELEMENTS * sizeof(float)), malloc(STREAM_ELEMENTS * sizeof(float)),
                 malloc(STREAM_ELEMENTS * sizeof(float))};
    limits found = {0, 0};
    if (s.a != NULL && s.b != NULL && s.out != NULL) {
        for (size_t i = 0; i < STREAM_ELEMENTS; i++)
            s.a[i] = s.b[i] = s.out[i] = (float)(i % 7);
        found.bytes_per_second = 12.0 * STREAM_ELEMENTS / time_of(stream, &s);
        found.flops_per_second = 2.0 * SQUARE * SQUARE * SQUARE / time_of(multiply, &s);
    }
    free(s.a);
    free(s.b);
    free(s.out);
    return found;
}

/* ---- one operation at one size ---- */

typedef struct bench {
    const op_entry *entry;
    op_case at;
    ag_arena *permanent, *step;
    op_arguments arguments;
    ag_tensor *upstream; /* NULL for a scalar result */
    ag_variable *result;
    bool failed;
} bench;

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

static bool prepare(bench *b)
{
    b->permanent = ag_arena_create(0);
    b->step = ag_arena_create(0);
    b->arguments = op_create_inputs(&b->at, b->permanent);
    op_create_leaves(&b->arguments, b->permanent, true);
    b->result = b->entry->graph(b->step, &b->arguments);
    if (b->result == NULL) return false;
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

/* Bytes that forward and backward must move: inputs twice, gradients, and an unreduced result. */
static double bytes_of(const bench *b)
{
    double inputs = 0, gradients = 0;
    for (uint32_t i = 0; i < b->entry->op->num_inputs; i++) {
        if (b->arguments.tensors[i] == NULL) continue;
        double bytes = 4.0 * (double)b->arguments.tensors[i]->size;
        inputs += bytes;
        if (i < b->entry->op->num_differentiable) gradients += bytes;
    }
    double result = b->upstream != NULL ? 4.0 * (double)b->upstream->size : 0;
    return 2 * inputs + gradients + 2 * result;
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

/* ---- sizes ---- */

typedef struct size_names {
    const char *name;
    uint32_t elements[2], rows[2], embeddings[2]; /* shapes for the kinds of operations */
    uint32_t product[3];                          /* m, n, k */
    uint32_t images[4];                           /* batch, channels in, edge, channels out */
} size_names;

static const size_names sizes[] = {
    {"small", {32, 10}, {32, 10}, {32, 16}, {32, 10, 128}, {4, 3, 12, 8}},
    {"middle", {256, 1000}, {256, 1000}, {256, 512}, {64, 256, 784}, {64, 16, 14, 32}},
    {"large", {4096, 4096}, {256, 32000}, {16384, 512}, {1024, 1024, 1024}, {64, 64, 56, 64}},
};

static ag__shape shape_of(const uint32_t dims[2])
{
    return (ag__shape){.ndims = 2, .dims = {dims[0], dims[1]}};
}

static bool works_on_rows(const char *name)
{
    return strcmp(name, "cross_entropy_loss") == 0 || strcmp(name, "nll_loss") == 0 ||
           strstr(name, "softmax") != NULL;
}

/* Windows of 3 × 3 for convolutions, of 2 × 2 for poolings. */
static void set_images(op_case *c, const size_names *size)
{
    const uint32_t *n = size->images;
    bool pool = c->entry->signature == SIGNATURE_pool2d;
    c->shapes[0] = (ag__shape){.ndims = 4, .dims = {n[0], n[1], n[2], n[2]}};
    c->integers[0] = pool ? 2 : 1;
    c->integers[1] = pool ? 2 : 1;
    if (pool) return;
    c->shapes[1] = (ag__shape){.ndims = 4, .dims = {n[3], n[1], 3, 3}};
    c->shapes[2] = (ag__shape){.ndims = 1, .dims = {n[3]}};
}

/* A number for each column of x [rows, columns], in all other inputs. */
static void set_weights(op_case *c)
{
    for (uint32_t i = 1; i < c->entry->op->num_inputs; i++)
        c->shapes[i] = (ag__shape){.ndims = 1, .dims = {c->shapes[0].dims[1]}};
}

/* Signatures whose inputs are no tensors of one shape. */
static void set_other_inputs(op_case *c, const size_names *size)
{
    switch (c->entry->signature) {
    case SIGNATURE_conv2d:
    case SIGNATURE_pool2d: set_images(c, size); break;
    case SIGNATURE_layer_norm:
    case SIGNATURE_batch_norm:
    case SIGNATURE_batch_norm_eval: set_weights(c); break;
    case SIGNATURE_embedding:
        c->indices = (ag__shape){.ndims = 1, .dims = {c->shapes[0].dims[0]}};
        break;
    default: break;
    }
}

/* Products of 8 pairs. */
static void set_batch(op_case *c)
{
    for (uint32_t i = 0; i < 2; i++)
        c->shapes[i] = (ag__shape){3, {8, c->shapes[i].dims[0], c->shapes[i].dims[1]}};
}

static op_case case_for(const op_entry *entry, const size_names *size)
{
    op_case c = {
        .entry = entry,
        .flavour = OP_PLAIN,
        .parameter = entry->op->parameter_name != NULL || entry->signature == SIGNATURE_dropout
                         ? 0.5f
                         : 2.0f,
        .reduction = entry->op->takes_reduction ? AG_REDUCTION_MEAN : entry->op->reduction,
    };
    const uint32_t *p = size->product;
    bool embedding = entry->signature == SIGNATURE_triple || entry->op->labels_rows;
    ag__shape shape = shape_of(embedding                    ? size->embeddings
                               : works_on_rows(entry->name) ? size->rows
                                                            : size->elements);
    for (uint32_t i = 0; i < entry->op->num_inputs; i++)
        c.shapes[i] = shape;
    if (entry->op->labels_rows) c.shapes[2] = (ag__shape){.ndims = 1, .dims = {shape.dims[0]}};
    c.new_shape = (ag__shape){.ndims = 2, .dims = {shape.dims[1], shape.dims[0]}};
    if (entry->signature == SIGNATURE_matmul) {
        c.shapes[0] = shape_of((uint32_t[]){p[0], p[2]});
        c.shapes[1] = shape_of((uint32_t[]){p[2], p[1]});
    } else if (entry->signature == SIGNATURE_linear) {
        c.shapes[0] = shape_of((uint32_t[]){p[0], p[2]});
        c.shapes[1] = shape_of((uint32_t[]){p[1], p[2]});
        c.shapes[2] = (ag__shape){.ndims = 1, .dims = {p[1]}};
    }
    if (strcmp(entry->name, "batched_matmul") == 0) set_batch(&c);
    set_other_inputs(&c, size);
    return c;
}

/* ---- the report ---- */

typedef struct report {
    FILE *csv; /* NULL if none is wanted */
    limits limit;
    bool terminal;
    int done, total;
} report;

static void show_progress(const report *r, const char *name, const char *size)
{
    if (!r->terminal) return;
    fprintf(stderr, "\r\033[K[%d/%d] %s, %s", r->done, r->total, name, size);
    fflush(stderr);
}

static void print_row(const report *r, const bench *b, const char *size, double forward,
                      double both)
{
    bool product = is_product(b->entry);
    double work = product ? flops_of(b) : bytes_of(b);
    double limit = product ? r->limit.flops_per_second : r->limit.bytes_per_second;
    if (r->terminal) fprintf(stderr, "\r\033[K");
    printf("%-22s %-7s %-14s %11.2f %11.2f %9.1f %-7s %5.0f %%\n", b->entry->name, size,
           ag__tensor_shape_text(b->arguments.tensors[0]).text, forward * 1e6, both * 1e6,
           work / both * 1e-9, product ? "GFLOP/s" : "GB/s", 100 * work / both / limit);
    fflush(stdout);
    if (r->csv != NULL)
        fprintf(r->csv, "%s,%s,%.3f,%.3f,%.3f,%s\n", b->entry->name, size, forward * 1e6,
                both * 1e6, work / both * 1e-9, product ? "GFLOP/s" : "GB/s");
}

static int run_one(report *r, const op_entry *entry, const size_names *size)
{
    bench b = {.entry = entry, .at = case_for(entry, size)};
    show_progress(r, entry->name, size->name);
    bool ready = prepare(&b);
    if (ready) {
        double forward = time_of(run_forward, &b), both = time_of(run_both, &b);
        if (!b.failed) print_row(r, &b, size->name, forward, both);
    }
    bool failed = !ready || b.failed;
    if (failed) fprintf(stderr, "bench: %s at %s: %s\n", entry->name, size->name, ag_last_error());
    discard(&b);
    r->done++;
    return failed;
}

static void print_help(const char *program)
{
    printf(
        "Usage: %s [--csv FILE] [--threads N] [--size small|middle|large] [NAME]...\n"
        "Times the operations NAME, or all: forward alone, and forward with backward to leaves.\n"
        "The last column compares with the limit measured in the same run: a stream kernel for\n"
        "what moves bytes, sgemm for products. Above 100 %% the data was in the cache.\n",
        program);
}

typedef struct selection {
    const char *size;
    char **names;
    int num_names;
} selection;

static bool selected(const selection *s, const char *name, const char *size)
{
    if (s->size != NULL && strcmp(s->size, size) != 0) return false;
    for (int i = 0; i < s->num_names; i++)
        if (strcmp(s->names[i], name) == 0) return true;
    return s->num_names == 0;
}

static int run_all(report *r, const selection *s)
{
    int failures = 0;
    int num_sizes = (int)(sizeof sizes / sizeof *sizes);
    for (int i = 0; i < num_op_entries * num_sizes; i++)
        r->total += selected(s, op_entries[i / num_sizes].name, sizes[i % num_sizes].name);
    for (int i = 0; i < num_op_entries; i++)
        for (int k = 0; k < num_sizes; k++)
            if (selected(s, op_entries[i].name, sizes[k].name))
                failures += run_one(r, &op_entries[i], &sizes[k]);
    return failures;
}

/* Takes one option and its value; 0 if that was possible, otherwise the exit status. */
static int take_option(const char *program, const char *option, const char *value, report *r,
                       selection *s)
{
    bool known = true;
    if (value == NULL)
        known = false;
    else if (strcmp(option, "--csv") == 0 && r->csv == NULL)
        r->csv = fopen(value, "w");
    else if (strcmp(option, "--size") == 0)
        s->size = value;
    else
        known = strcmp(option, "--threads") == 0 && ag_set_num_threads(atoi(value)) == AG_OK;
    if (!known) {
        fprintf(stderr, "%s: '%s' needs a proper value; see --help\n", program, option);
        return 2;
    }
    if (strcmp(option, "--csv") == 0 && r->csv == NULL) {
        fprintf(stderr, "%s: %s: %s\n", program, value, strerror(errno));
        return 1;
    }
    return 0;
}

static void print_heading(const report *r)
{
    printf("%s, %d threads\nlimits: %.1f GB/s in a stream kernel, %.1f GFLOP/s in sgemm\n\n",
           ag_build_info(), ag_get_num_threads(), r->limit.bytes_per_second * 1e-9,
           r->limit.flops_per_second * 1e-9);
    printf("%-22s %-7s %-14s %11s %11s %17s %7s\n", "operation", "size", "first input",
           "forward µs", "and back µs", "rate", "of limit");
    if (r->csv != NULL)
        fprintf(r->csv, "operation,size,forward_us,forward_backward_us,rate,unit\n");
}

int main(int argc, char **argv)
{
    report r = {.terminal = isatty(STDERR_FILENO) != 0};
    selection s = {0};
    int first_name = 1;
    for (; first_name < argc && argv[first_name][0] == '-'; first_name += 2) {
        if (strcmp(argv[first_name], "--help") == 0) {
            print_help(argv[0]);
            return 0;
        }
        int status = take_option(argv[0], argv[first_name], argv[first_name + 1], &r, &s);
        if (status != 0) return status;
    }
    s.names = argv + first_name;
    s.num_names = argc - first_name;
    r.limit = measure_limits();
    print_heading(&r);
    int failures = run_all(&r, &s);
    if (r.csv != NULL) fclose(r.csv);
    return failures > 0;
}
