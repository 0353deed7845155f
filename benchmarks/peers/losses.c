/* losses.c: the table of losses: forward and backward to leaves, ours and libtorch's. */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "peers/inputs.h"
#include "peers/protocol.h"
#include "peers/tables.h"
#include "support/status_line.h"
#include "support/timing.h"

/* ---- who is compared ---- */

enum { OURS, TORCH, TUNED_TORCH, NUM_WORKERS };

static const struct {
    const char *program;
    bool tuned_malloc;
} programs[NUM_WORKERS] = {
    [OURS] = {OUR_WORKER, false},
    [TORCH] = {TORCH_WORKER, false},
    [TUNED_TORCH] = {TORCH_WORKER, true},
};

/* A way to run a loss. Another call of ours is one more line here and a column in print_cell. */
static const struct {
    const char *name;
    int worker;
    bool one_thread;
} contestants[] = {
    {"ours", OURS, false},
    {"as it comes", TORCH, false},
    {"one thread", TORCH, true},
    {"tuned", TUNED_TORCH, false},
    {"tuned, one thread", TUNED_TORCH, true},
};

enum {
    OURS_IN_GRAPH = 0,
    AS_IT_COMES = 1, /* the first of libtorch's */
    NUM_CONTESTANTS = sizeof contestants / sizeof *contestants
};

static void stop_workers(worker *workers[NUM_WORKERS])
{
    for (int i = 0; i < NUM_WORKERS; i++)
        worker_stop(workers[i]);
}

static bool start_workers(worker *workers[NUM_WORKERS], int memory)
{
    for (int i = 0; i < NUM_WORKERS; i++) {
        workers[i] = worker_start((worker_options){
            .program = programs[i].program,
            .tuned_malloc = programs[i].tuned_malloc,
            .memory = memory,
        });
        if (workers[i] == NULL) return false;
    }
    return true;
}

/* ---- one cell ---- */

typedef struct cell_result {
    const char *inputs;
    measurement last[NUM_CONTESTANTS];
    double seconds[NUM_CONTESTANTS];
    int best; /* of libtorch's */
} cell_result;

static bool time_round(const comparison *c, worker *const workers[NUM_WORKERS], loss_cell cell,
                       cell_result *result, double *samples[NUM_CONTESTANTS], int round)
{
    for (int i = 0; i < NUM_CONTESTANTS; i++) {
        cell.threads = contestants[i].one_thread ? 1 : c->threads;
        measurement m = worker_time_loss(workers[contestants[i].worker], &cell);
        if (!m.ok) {
            clear_status();
            fprintf(stderr, "%s, %s: %s\n", cell.name, contestants[i].name, m.message);
            return false;
        }
        result->last[i] = m;
        samples[i][round] = m.seconds;
    }
    return true;
}

static bool time_cell(const comparison *c, worker *const workers[NUM_WORKERS],
                      const loss_cell *cell, cell_result *result)
{
    double *samples[NUM_CONTESTANTS];
    samples[0] = calloc((size_t)c->rounds * NUM_CONTESTANTS, sizeof **samples);
    bool ok = samples[0] != NULL;
    for (int i = 1; ok && i < NUM_CONTESTANTS; i++)
        samples[i] = samples[i - 1] + c->rounds;
    for (int round = 0; ok && round < c->rounds; round++)
        ok = time_round(c, workers, *cell, result, samples, round);
    result->best = AS_IT_COMES;
    for (int i = 0; ok && i < NUM_CONTESTANTS; i++) {
        result->seconds[i] = median_of(samples[i], (size_t)c->rounds);
        if (i > AS_IT_COMES && result->seconds[i] < result->seconds[result->best]) result->best = i;
    }
    free(samples[0]);
    return ok;
}

/* Whoever computes something else is not comparable. */
static bool agree(const measurement *ours, const measurement *theirs)
{
    return fabs(ours->value - theirs->value) <= 1e-3 * fabs(theirs->value) + 1e-6 &&
           fabs(ours->slope - theirs->slope) <= 1e-3 * fabs(theirs->slope) + 1e-6;
}

static bool check_agreement(const loss_cell *cell, const cell_result *r)
{
    const measurement *ours = &r->last[OURS_IN_GRAPH], *theirs = &r->last[AS_IT_COMES];
    if (agree(ours, theirs)) return true;
    fprintf(stderr, "%s: loss %g with gradients of %g, but libtorch has %g with %g\n", cell->name,
            ours->value, ours->slope, theirs->value, theirs->slope);
    return false;
}

/* ---- the table ---- */

/* Ratios of one size, or of all. */
typedef struct ratio_summary {
    int count;
    double log_of_best, log_as_it_comes; /* sums */
    double least_of_best, least_as_it_comes;
} ratio_summary;

static void add_ratios(ratio_summary *s, double of_best, double as_it_comes)
{
    bool first = s->count++ == 0;
    s->log_of_best += log(of_best);
    s->log_as_it_comes += log(as_it_comes);
    s->least_of_best = first ? of_best : fmin(s->least_of_best, of_best);
    s->least_as_it_comes = first ? as_it_comes : fmin(s->least_as_it_comes, as_it_comes);
}

static void print_summary(const char *name, const ratio_summary *s)
{
    if (s->count == 0) return;
    printf("%-8s %2d cells; against its best: geometric mean %6.2f, least %6.2f; "
           "as it comes: %6.2f, %6.2f\n",
           name, s->count, exp(s->log_of_best / s->count), s->least_of_best,
           exp(s->log_as_it_comes / s->count), s->least_as_it_comes);
}

static void print_heading(worker *const workers[NUM_WORKERS], int threads)
{
    printf("== Losses: forward and backward of one loss to its leaves, %d threads ==\n\n", threads);
    printf("ours:   %s\ntheirs: %s; as it comes, and at its best: the fastest of\n"
           "        glibc's allocator as it comes or keeping what is freed (MALLOC_MMAP_MAX_=0\n"
           "        MALLOC_TRIM_THRESHOLD_=8589934592), each on all threads or on one\n\n",
           worker_description(workers[OURS]), worker_description(workers[TORCH]));
    explain_inputs();
    printf("%-27s %-14s %10s %10s %10s %7s %7s  %-18s %s\n", "loss", "size", "ours µs", "best µs",
           "comes µs", "best /", "comes /", "its best is", "inputs");
}

static void print_cell(const comparison *c, const loss_cell *cell, const cell_result *r)
{
    char size[32];
    snprintf(size, sizeof size, "[%u, %u]", cell->rows, cell->columns);
    double ours = r->seconds[OURS_IN_GRAPH], best = r->seconds[r->best];
    double as_it_comes = r->seconds[AS_IT_COMES];
    clear_status();
    printf("%-27s %-14s %10.2f %10.2f %10.2f %7.2f %7.2f  %-18s %s\n", cell->name, size, ours * 1e6,
           best * 1e6, as_it_comes * 1e6, best / ours, as_it_comes / ours,
           contestants[r->best].name, r->inputs);
    fflush(stdout);
    for (int i = 0; i < NUM_CONTESTANTS; i++)
        write_csv(c, cell->name, size, contestants[i].name, r->seconds[i]);
}

/* Rows are all but the last dimension. */
static void cell_shape(const ag__shape *shape, loss_cell *cell)
{
    *cell = (loss_cell){.rows = 1, .columns = shape->dims[shape->ndims - 1]};
    for (uint32_t i = 0; i + 1 < shape->ndims; i++)
        cell->rows *= shape->dims[i];
}

/* A cell's shape is that of the loss's first input; its numbers go to the shared memory. */
static const char *fill_cell(const op_entry *entry, const bench_size *size, float *memory,
                             loss_cell *cell)
{
    op_case at = case_at(entry, size);
    cell_shape(&at.shapes[0], cell);
    snprintf(cell->name, sizeof cell->name, "%s", entry->name);
    return write_inputs(cell, memory);
}

static bool compare_cell(const comparison *c, worker *const workers[NUM_WORKERS],
                         const op_entry *entry, const bench_size *size, float *memory,
                         ratio_summary summaries[2])
{
    loss_cell cell;
    cell_result r = {.inputs = fill_cell(entry, size, memory, &cell)};
    if (r.inputs == NULL) return true; /* libtorch has no such loss */
    if (!time_cell(c, workers, &cell, &r)) return false;
    print_cell(c, &cell, &r);
    for (int i = 0; i < 2; i++)
        add_ratios(&summaries[i], r.seconds[r.best] / r.seconds[OURS_IN_GRAPH],
                   r.seconds[AS_IT_COMES] / r.seconds[OURS_IN_GRAPH]);
    return check_agreement(&cell, &r);
}

/* All losses at one size. */
static bool compare_size(const comparison *c, worker *const workers[NUM_WORKERS], int size,
                         float *memory, ratio_summary summaries[2])
{
    bool ok = true;
    for (int i = 0; i < num_bench_losses(); i++) {
        const op_entry *entry = bench_entry(i);
        if (!is_selected(&c->cells, entry, &bench_sizes[size])) continue;
        show_status(size * num_bench_losses() + i, NUM_SIZES * num_bench_losses(), entry->name,
                    bench_sizes[size].name);
        ok = compare_cell(c, workers, entry, &bench_sizes[size], memory, summaries) && ok;
    }
    return ok;
}

static bool compare_sizes(const comparison *c, worker *const workers[NUM_WORKERS], float *memory)
{
    ratio_summary all = {0}, of_size[NUM_SIZES] = {{0}};
    bool ok = true;
    print_heading(workers, c->threads);
    for (int size = 0; size < NUM_SIZES; size++) {
        ratio_summary summaries[2] = {of_size[size], all};
        ok = compare_size(c, workers, size, memory, summaries) && ok;
        of_size[size] = summaries[0];
        all = summaries[1];
    }
    printf("\nHow many times as fast as libtorch:\n");
    for (int size = 0; size < NUM_SIZES; size++)
        print_summary(bench_sizes[size].name, &of_size[size]);
    print_summary("all", &all);
    return ok;
}

static size_t most_elements(void)
{
    size_t most = 0;
    for (int i = 0; i < num_bench_losses(); i++) {
        for (int size = 0; size < NUM_SIZES; size++) {
            loss_cell cell;
            op_case at = case_at(bench_entry(i), &bench_sizes[size]);
            cell_shape(&at.shapes[0], &cell);
            size_t elements = (size_t)cell.rows * cell.columns;
            if (elements > most) most = elements;
        }
    }
    return most;
}

bool compare_losses(const comparison *c)
{
    worker *workers[NUM_WORKERS] = {NULL};
    shared_memory memory = create_shared_memory(inputs_bytes(most_elements()));
    bool ok = memory.data != NULL && start_workers(workers, memory.descriptor) &&
              compare_sizes(c, workers, memory.data);
    stop_workers(workers);
    destroy_shared_memory(&memory);
    return ok;
}
