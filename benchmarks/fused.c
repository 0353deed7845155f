/*
 * fused.c: linear_cross_entropy_loss beside ag_linear and ag_cross_entropy_labels_loss, which hold all
 * logits: time and memory of a step, forward and backward, and how far their results are apart.
 */
#include "config.h"

#include <autograd/autograd.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "core/blas.h"
#include "support/options.h"
#include "support/timing.h"

#define MIB 1048576.0

enum { FUSED, UNFUSED, WAYS };
enum { X, WEIGHT, BIAS, INPUTS };
enum { MOST_ROUNDS = 100 };

static const char *const way_names[WAYS] = {"fused", "unfused"};

/* One way to compute the loss, with leaves and memory of its own around the same inputs. */
typedef struct way {
    ag_variable *leaves[INPUTS];
    ag_arena *step;
    float loss;
    double resident, seconds[MOST_ROUNDS];
} way;

typedef struct bench {
    uint32_t rows, features, classes;
    ag_arena *permanent;
    ag_indices *labels;
    way ways[WAYS];
} bench;

static bool create_leaf(bench *b, ag_random *random, int input, uint32_t ndims,
                        const uint32_t *shape, float deviation)
{
    ag_tensor *tensor = ag_tensor_create(b->permanent, ndims, shape);
    bool ok = ag_tensor_fill_normal(tensor, random, 0, deviation) == AG_OK;
    for (int i = 0; ok && i < WAYS; i++) {
        ag_variable *leaf = ag_create_leaf(b->permanent, tensor, true);
        b->ways[i].leaves[input] = leaf;
        /* gradients are there before memory is measured */
        ok = leaf != NULL && ag_tensor_fill(leaf->engine.grad_storage, 0) == AG_OK;
    }
    return ok;
}

/* Activations after a layer_norm, and a layer as it is initialised: logits of about 1. */
static bool create_inputs(bench *b)
{
    ag_random random = ag_random_create(1);
    b->permanent = ag_arena_create(0);
    b->labels = ag_indices_create(b->permanent, 1, &b->rows);
    for (uint32_t i = 0; b->labels != NULL && i < b->rows; i++)
        b->labels->data[i] = (int32_t)ag_random_below(&random, b->classes);
    for (int i = 0; i < WAYS; i++)
        b->ways[i].step = ag_arena_create(0);
    return b->labels != NULL &&
           create_leaf(b, &random, X, 2, (uint32_t[]){b->rows, b->features}, 1) &&
           create_leaf(b, &random, WEIGHT, 2, (uint32_t[]){b->classes, b->features},
                       1 / sqrtf((float)b->features)) &&
           create_leaf(b, &random, BIAS, 1, &b->classes, 0.1f);
}

/* ---- a step ---- */

static ag_variable *loss_of(const bench *b, int which, const way *w)
{
    ag_variable *const *in = w->leaves;
    if (which == FUSED)
        return ag_linear_cross_entropy_loss(w->step, in[X], in[WEIGHT], in[BIAS], b->labels, NULL);
    return ag_cross_entropy_labels_loss(w->step, ag_linear(w->step, in[X], in[WEIGHT], in[BIAS]),
                                        b->labels, AG_REDUCTION_MEAN);
}

/* Seconds; negative on failure. */
static double run_step(bench *b, int which)
{
    way *w = &b->ways[which];
    double start = now();
    for (int i = 0; i < INPUTS; i++)
        ag_zero_grad(w->leaves[i]);
    ag_variable *loss = loss_of(b, which, w);
    if (ag_backward(w->step, loss) != AG_OK) return -1;
    w->loss = loss->data->data[0];
    ag_arena_reset(w->step);
    return now() - start;
}

/* The most memory that the process has had until now, in bytes. */
static double peak_memory(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_maxrss * 1024 : 0;
}

/* The first step of each way, in the order of their memory: only what exceeds earlier peaks shows. */
static bool measure_memory(bench *b)
{
    for (int i = 0; i < WAYS; i++) {
        double before = peak_memory();
        if (run_step(b, i) < 0) return false;
        b->ways[i].resident = peak_memory() - before;
    }
    return true;
}

/* By turns, so that whatever else the machine does meets both. */
static bool measure_time(bench *b, int rounds)
{
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < WAYS; i++)
            if ((b->ways[i].seconds[round] = run_step(b, i)) < 0) return false;
    return true;
}

/* ---- results ---- */

/* The largest difference of two gradients, as a part of their largest element. */
static double difference(const ag_tensor *a, const ag_tensor *b)
{
    double largest = 0, apart = 0;
    for (size_t i = 0; i < a->size; i++) {
        largest = fmax(largest, fabs((double)b->data[i]));
        apart = fmax(apart, fabs((double)a->data[i] - (double)b->data[i]));
    }
    return apart / largest;
}

static void report(bench *b, int rounds)
{
    static const char *const names[INPUTS] = {"x", "weight", "bias"};
    way *ways = b->ways;
    printf("%-9s %10s %14s %17s\n", "", "time, s", "arena, MiB", "peak memory, MiB");
    for (int i = 0; i < WAYS; i++)
        printf("%-9s %10.3f %14.1f %17.1f\n", way_names[i],
               median_of(ways[i].seconds, (size_t)rounds),
               (double)ag_arena_high_water(ways[i].step) / MIB, ways[i].resident / MIB);
    printf("\nloss %.7g, unfused %.7g\n", (double)ways[FUSED].loss, (double)ways[UNFUSED].loss);
    for (int i = 0; i < INPUTS; i++)
        printf("gradient of %s: largest difference %.1e of the largest element\n", names[i],
               difference(ways[FUSED].leaves[i]->grad, ways[UNFUSED].leaves[i]->grad));
}

int main(int argc, char **argv)
{
    const char *rows = NULL, *features = NULL, *classes = NULL, *rounds_text = NULL;
    const option table[] = {{"--rows", &rows},
                            {"--features", &features},
                            {"--classes", &classes},
                            {"--rounds", &rounds_text},
                            {NULL, NULL}};
    int first_name;
    read_options(argc, argv, table,
                 "[--rows 2048] [--features 512] [--classes 50000] [--rounds 5]\n", &first_name);
    static bench b;
    b.rows = (uint32_t)read_count(argv[0], rows, 1 << 20, 2048);
    b.features = (uint32_t)read_count(argv[0], features, 1 << 20, 512);
    b.classes = (uint32_t)read_count(argv[0], classes, 1 << 24, 50000);
    int rounds = read_count(argv[0], rounds_text, MOST_ROUNDS, 5);
    char blas[128];
    printf("%u rows, %u features, %u classes; %d threads; %s\n", b.rows, b.features, b.classes,
           ag_get_num_threads(), ag__blas_info(blas, sizeof blas));
    printf("A step, forward and backward; memory is beside inputs and gradients.\n\n");
    if (!create_inputs(&b) || !measure_memory(&b) || !measure_time(&b, rounds)) {
        fprintf(stderr, "%s\n", ag_last_error());
        return EXIT_FAILURE;
    }
    report(&b, rounds);
    ag_arena_destroy(b.permanent);
    for (int i = 0; i < WAYS; i++)
        ag_arena_destroy(b.ways[i].step);
    return EXIT_SUCCESS;
}
