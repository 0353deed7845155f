/*
 * contrastive.c: losses of whole batches: what the largest batch costs with each, and InfoNCE beside the
 * same loss made of ag_matmul and ag_logsumexp, which hold the whole matrix: time and memory of a
 * step, forward and backward, and how far their results are apart.
 */
#include "config.h"

#include <autograd/autograd.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "support/options.h"
#include "support/timing.h"

#define MIB 1048576.0
#define TEMPERATURE 0.5f

enum { WIDTH = 128, CLASSES = 100, LARGEST = 16384, MOST_SIZES = 8 };
enum { TILED, WHOLE, WAYS };

typedef struct bench {
    ag_arena *permanent, *step;
    ag_variable *x, *y, *scale, *bias, *weight;
    ag_indices *labels;
} bench;

typedef ag_variable *loss_fn(bench *b);

static ag_variable *create_leaf(bench *b, ag_random *random, uint32_t rows, float deviation)
{
    ag_tensor *tensor = ag_tensor_create(b->permanent, 2, (uint32_t[]){rows, WIDTH});
    ag_tensor_fill_normal(tensor, random, 0, deviation);
    return ag_create_leaf(b->permanent, tensor, true);
}

static ag_variable *create_scalar(bench *b, float value)
{
    ag_tensor *tensor = ag_tensor_create_from(b->permanent, 1, (uint32_t[]){1}, &value);
    return ag_create_leaf(b->permanent, tensor, true);
}

/* Rows of about unit length, in 100 classes. */
static bool create_bench(bench *b, uint32_t rows)
{
    ag_random random = ag_random_create(1);
    float deviation = 1 / sqrtf(WIDTH);
    *b = (bench){.permanent = ag_arena_create(0), .step = ag_arena_create(0)};
    b->x = create_leaf(b, &random, rows, deviation);
    b->y = create_leaf(b, &random, rows, deviation);
    b->weight = create_leaf(b, &random, CLASSES, deviation);
    b->scale = create_scalar(b, 10);
    b->bias = create_scalar(b, -10);
    b->labels = ag_indices_create(b->permanent, 1, &rows);
    for (uint32_t i = 0; b->labels != NULL && i < rows; i++)
        b->labels->data[i] = (int32_t)ag_random_below(&random, CLASSES);
    return b->bias != NULL && b->labels != NULL;
}

static void destroy_bench(bench *b)
{
    ag_arena_destroy(b->step);
    ag_arena_destroy(b->permanent);
}

/* ---- the losses ---- */

#define MEAN AG_REDUCTION_MEAN
#define COSINE AG_SIMILARITY_COSINE

static ag_variable *pairs(bench *b)
{
    return ag_pair_contrastive_loss(b->step, b->x, b->labels, 1, MEAN);
}

static ag_variable *hard(bench *b)
{
    return ag_batch_hard_triplet_loss(b->step, b->x, b->labels, 0.2f, false, MEAN);
}

static ag_variable *all(bench *b)
{
    return ag_batch_all_triplet_loss(b->step, b->x, b->labels, 0.2f, false, AG_DIVISOR_NONZERO,
                                     MEAN);
}

static ag_variable *info_nce(bench *b)
{
    return ag_info_nce_loss(b->step, b->x, b->y, TEMPERATURE, AG_SIMILARITY_DOT, MEAN);
}

static ag_variable *clip(bench *b)
{
    return ag_clip_loss(b->step, b->x, b->y, b->scale, COSINE, MEAN);
}

/* Two views of half as many rows: the matrix is as large. */
static ag_variable *nt_xent(bench *b)
{
    uint32_t half = b->x->data->shape[0] / 2;
    ag_variable *first = ag_slice(b->step, b->x, 0, 0, half);
    ag_variable *second = ag_slice(b->step, b->x, 0, half, 2 * half);
    return ag_nt_xent_loss(b->step, first, second, TEMPERATURE, COSINE, MEAN);
}

static ag_variable *sup_con(bench *b)
{
    return ag_sup_con_loss(b->step, b->x, b->labels, TEMPERATURE, COSINE, MEAN);
}

static ag_variable *siglip(bench *b)
{
    return ag_siglip_loss(b->step, b->x, b->y, b->scale, b->bias, COSINE, MEAN);
}

static ag_variable *arcface(bench *b)
{
    return ag_arcface_loss(b->step, b->x, b->weight, b->labels, 16, 0.5f, MEAN);
}

static const struct {
    const char *name;
    loss_fn *loss;
} losses[] = {
    {"pair_contrastive", pairs},
    {"batch_hard_triplet", hard},
    {"batch_all_triplet", all},
    {"info_nce", info_nce},
    {"clip", clip},
    {"nt_xent", nt_xent},
    {"sup_con", sup_con},
    {"siglip", siglip},
    {"arcface", arcface},
};

/* InfoNCE with its matrix: mean(logsumexp(x yᵀ / τ) - Σ x y / τ). */
static ag_variable *whole_info_nce(bench *b)
{
    ag_variable *products = ag_matmul(b->step, b->x, b->y, false, true);
    ag_variable *logits = ag_scale(b->step, products, 1 / TEMPERATURE);
    ag_variable *all_of_row = ag_logsumexp(b->step, logits, 1, false);
    ag_variable *own = ag_sum_dim(b->step, ag_mul(b->step, b->x, b->y), 1, false);
    ag_variable *scaled = ag_scale(b->step, own, 1 / TEMPERATURE);
    return ag_mean(b->step, ag_sub(b->step, all_of_row, scaled));
}

/* ---- a step ---- */

typedef struct result {
    double seconds, mib; /* mib: the most that was in both arenas at once */
    float loss;
} result;

static result run_step(bench *b, loss_fn *loss)
{
    result r = {.seconds = now()};
    ag_zero_grad(b->x);
    ag_zero_grad(b->y);
    ag_variable *root = loss(b);
    if (root == NULL || ag_backward(b->step, root) != AG_OK) {
        fprintf(stderr, "contrastive: %s\n", ag_last_error());
        exit(1);
    }
    r.seconds = now() - r.seconds;
    r.loss = root->data->data[0];
    r.mib = (double)(ag_arena_high_water(b->step) + ag_arena_high_water(b->permanent)) / MIB;
    ag_arena_reset(b->step);
    return r;
}

/* The median time of three steps, after one that finds its memory; of one where they take long. */
static result measure(bench *b, loss_fn *loss)
{
    double seconds[3];
    result r = run_step(b, loss);
    int count = r.seconds < 1 ? 3 : 1;
    for (int i = 0; i < count; i++) {
        r = run_step(b, loss);
        seconds[i] = r.seconds;
    }
    r.seconds = median_of(seconds, (size_t)count);
    return r;
}

static double resident_mib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024; /* Linux has it in KiB */
}

static bool is_named(const char *name, char *const *wanted)
{
    bool found = *wanted == NULL;
    for (; *wanted != NULL; wanted++)
        found = found || strcmp(*wanted, name) == 0;
    return found;
}

static void show_losses(uint32_t rows, char *const *wanted)
{
    printf("%u x %d, one step: forward and backward\n\n", (unsigned)rows, WIDTH);
    printf("%-20s %9s %12s\n", "loss", "seconds", "arenas, MiB");
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        bench b;
        if (!is_named(losses[i].name, wanted)) continue;
        if (!create_bench(&b, rows)) exit(1);
        result r = measure(&b, losses[i].loss);
        printf("%-20s %9.2f %12.1f\n", losses[i].name, r.seconds, r.mib);
        destroy_bench(&b);
    }
    double matrix = (double)rows * (double)rows * sizeof(float) / MIB;
    printf("\nthe process had %.0f MiB at most; the matrix alone would be %.0f MiB\n\n",
           resident_mib(), matrix);
}

/* ---- both ways ---- */

static double largest_difference(const ag_tensor *a, const ag_tensor *b)
{
    double largest = 0, size = 0;
    for (size_t i = 0; i < a->size; i++) {
        largest = fmax(largest, fabs((double)a->data[i] - (double)b->data[i]));
        size = fmax(size, fabs((double)b->data[i]));
    }
    return largest / size;
}

typedef struct curve {
    size_t count;
    float rows[MOST_SIZES], mib[WAYS][MOST_SIZES];
} curve;

static void compare(uint32_t rows, curve *c)
{
    bench both[WAYS];
    result r[WAYS];
    for (int way = 0; way < WAYS; way++) {
        if (!create_bench(&both[way], rows)) exit(1);
        r[way] = measure(&both[way], way == TILED ? info_nce : whole_info_nce);
        c->mib[way][c->count] = (float)r[way].mib;
    }
    c->rows[c->count++] = (float)rows;
    printf("%6u %10.3f %10.3f %10.1f %10.1f %10.1e %10.1e\n", (unsigned)rows, r[TILED].seconds,
           r[WHOLE].seconds, r[TILED].mib, r[WHOLE].mib,
           fabs((double)r[TILED].loss - (double)r[WHOLE].loss) / (double)r[WHOLE].loss,
           largest_difference(both[TILED].x->grad, both[WHOLE].x->grad));
    for (int way = 0; way < WAYS; way++)
        destroy_bench(&both[way]);
}

static ag_status save_curve(const char *path, const curve *c)
{
    const ag_plot_series series[] = {
        {.name = "ag_info_nce_loss",
         .style = AG_PLOT_LINE_WITH_POINTS,
         .count = c->count,
         .x = c->rows,
         .y = c->mib[TILED]},
        {.name = "ag_matmul, ag_logsumexp",
         .style = AG_PLOT_LINE_WITH_POINTS,
         .color = 1,
         .count = c->count,
         .x = c->rows,
         .y = c->mib[WHOLE]},
    };
    const ag_plot_panel panel = {"MiB", true, WAYS, series};
    const ag_plot plot = {"InfoNCE of embeddings of 128 numbers: memory of a step",
                          "rows of the batch", 1, &panel};
    return ag_save_plot(path, &plot);
}

int main(int argc, char **argv)
{
    const char *most = NULL, *path = NULL;
    const option table[] = {{"--rows", &most}, {"--plot", &path}, {NULL, NULL}};
    int first_name;
    read_options(argc, argv, table,
                 "[--rows ROWS] [--plot FILE.svg] [LOSS...]\n"
                 "ROWS: the largest batch; 16384, of which both ways get half\n"
                 "LOSS: info_nce, clip, ...: these alone\n",
                 &first_name);
    uint32_t rows = (uint32_t)read_count("contrastive", most, 1 << 20, LARGEST);
    show_losses(rows, argv + first_name);
    if (argv[first_name] != NULL) return 0;
    printf("info_nce    seconds               arenas, MiB           relative difference\n");
    printf("%6s %10s %10s %10s %10s %10s %10s\n", "rows", "tiled", "whole", "tiled", "whole",
           "loss", "gradient");
    curve c = {0};
    for (uint32_t size = rows / 64; size > 0 && size <= rows / 2; size *= 2)
        compare(size, &c);
    if (path == NULL || save_curve(path, &c) == AG_OK) return 0;
    fprintf(stderr, "contrastive: %s\n", ag_last_error());
    return 1;
}
