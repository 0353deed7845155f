/*
 * embeddings.c: networks learn to place images of digits so that alike ones lie close together. A new
 * image is then taken for the digit of its nearest neighbour among all known images, or among few.
 */
#include <autograd/autograd.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/dataset.h"
#include "support/example.h"
#include "support/progress.h"

enum { PIXELS = 64, HIDDEN = 128, BATCH = 64, STEPS = 2000, FEW = 50, DIGITS = 10 };

static ag_arena *permanent, *step;
static ag_random generator;
static dataset training, test;

/* A random training image of the same digit as that in a row, or of another. */
static uint32_t choose(uint32_t row, bool same)
{
    uint32_t other = ag_random_below(&generator, training.count);
    while ((dataset_label(&training, other) == dataset_label(&training, row)) != same)
        other = ag_random_below(&generator, training.count);
    return other;
}

/* Asks that images lie near those of the same digit (distance, or angle) and far from others. */
static ag_variable *loss_of_batch(ag_module *network, bool by_angle)
{
    uint32_t rows[3][BATCH]; /* anchors; of the same digit; of another */
    float alike[2 * BATCH];  /* whether they are: 1 or -1 */
    ag_variable *y[3];
    for (int i = 0; i < BATCH; i++) {
        rows[0][i] = ag_random_below(&generator, training.count);
        rows[1][i] = choose(rows[0][i], true);
        rows[2][i] = choose(rows[0][i], false);
        alike[i] = 1;
        alike[BATCH + i] = -1;
    }
    for (int k = 0; k < 3; k++) {
        ag_tensor *images = dataset_batch(step, &training, BATCH, rows[k]).images;
        y[k] = ag_module_forward(network, step, ag_create_leaf(step, images, false));
    }
    if (!by_angle) return ag_triplet_loss(step, y[0], y[1], y[2], 1, AG_REDUCTION_MEAN);
    ag_tensor *target = ag_tensor_create_from(step, 1, (uint32_t[]){2 * BATCH}, alike);
    return ag_cosine_embedding_loss(step, ag_concat(step, 2, (ag_variable *[]){y[0], y[0]}, 0),
                                    ag_concat(step, 2, y + 1, 0),
                                    ag_create_leaf(step, target, false), 0.3f, AG_REDUCTION_MEAN);
}

/* x with rows of length 1, so that only their directions differ. */
static ag_variable *unit_length(ag_arena *arena, ag_variable *x)
{
    return ag_div(arena, x, ag_sqrt(arena, ag_sum_dim(arena, ag_mul(arena, x, x), -1, true)));
}

/* A network from pixels to `size` numbers, trained; NULL on failure. */
static ag_module *train(const char *title, bool by_angle, uint32_t size)
{
    ag_module *layers[] = {ag_module_dropout(permanent, &generator, 0.1f),
                           ag_module_linear(permanent, &generator, PIXELS, HIDDEN, true),
                           ag_module_activation(permanent, "relu", ag_relu),
                           ag_module_linear(permanent, &generator, HIDDEN, size, true),
                           ag_module_activation(permanent, "unit_length", unit_length)};
    ag_module *network = ag_module_sequential(permanent, by_angle ? 5 : 4, layers);
    ag_optimizer *optimizer =
        ag_adamw_create(permanent, ag_module_num_parameters(network),
                        ag_module_parameters(network, permanent), ag_adamw_defaults());
    progress bar = progress_start(title, STEPS);
    for (size_t i = 0; i < STEPS; i++) {
        ag_optimizer_zero_grad(optimizer);
        ag_variable *loss = loss_of_batch(network, by_angle);
        if (ag_backward(step, loss) != AG_OK || ag_optimizer_step(optimizer) != AG_OK) return NULL;
        char details[32];
        snprintf(details, sizeof details, "loss %.4f", (double)loss->data->data[0]);
        if (progress_is_due(&bar)) progress_draw(&bar, i, details);
        ag_arena_reset(step);
        if (i == STEPS - 1) progress_finish(&bar, details);
    }
    ag_module_set_training(network, false);
    return network;
}

static ag_variable *embed(ag_module *network, const dataset *set)
{
    return ag_module_forward(network, permanent, ag_create_leaf(permanent, set->images, false));
}

/* How many percent of the test images have a nearest neighbour, of so many, that is the same digit. */
static double accuracy(ag_module *network, uint32_t num_known)
{
    ag_variable *known = ag_slice(permanent, embed(network, &training), 0, 0, num_known);
    ag_variable *squares = ag_sum_dim(permanent, ag_mul(permanent, known, known), 1, false);
    ag_variable *products = ag_matmul(permanent, embed(network, &test), known, false, true);
    /* the distance |p - k| is least where 2 p·k - |k|² is largest */
    ag_variable *nearness = ag_sub(permanent, ag_scale(permanent, products, 2), squares);
    uint32_t *nearest = ag_arena_alloc(permanent, test.count * sizeof *nearest), right = 0;
    if (nearness == NULL || ag_tensor_argmax(nearness->data, 1, nearest) != AG_OK) return 0;
    for (uint32_t i = 0; i < test.count; i++)
        right += dataset_label(&training, nearest[i]) == dataset_label(&test, i);
    return 100.0 * right / test.count;
}

/* The test images where a network of two numbers puts them. */
static ag_status draw(const ag_variable *points)
{
    static const char *const names[DIGITS] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    ag_plot_series series[DIGITS];
    for (uint32_t d = 0; d < DIGITS; d++) {
        size_t count = 0;
        float *xy = ag_arena_alloc(permanent, 2 * test.count * sizeof *xy);
        for (uint32_t i = 0; xy != NULL && points != NULL && i < test.count; i++)
            if (dataset_label(&test, i) == d)
                memcpy(xy + 2 * count++, points->data->data + 2 * i, 2 * sizeof *xy);
        series[d] = (ag_plot_series){names[d], AG_PLOT_POINTS, d, count, xy, xy + 1, 2};
    }
    ag_plot_panel panel = {"Second number", false, DIGITS, series};
    return ag_save_plot("embeddings.svg", &(ag_plot){"Unseen digits", "First number", 1, &panel});
}

int main(void)
{
    permanent = ag_arena_create(0), step = ag_arena_create(0);
    generator = ag_random_create(1);
    if (!dataset_load(permanent, EXAMPLE_DATA "/digits", &training, &test)) return 1;
    ag_module *networks[] = {ag_module_flatten(permanent), /* leaves pixels as they are */
                             train("16 numbers, triplet loss", false, 16),
                             train("16 numbers, cosine embedding loss", true, 16),
                             train("2 numbers, triplet loss", false, 2)};
    const char *const names[] = {"64 pixels", "16 numbers, triplet", "16 numbers, cosine",
                                 "2 numbers, triplet"};
    double all[4], few[4];
    ag_set_grad_enabled(false);
    printf("\nSame digit as that of the    nearest of %u  nearest of %d\n", training.count, FEW);
    for (int i = 0; i < 4; i++) {
        if (networks[i] == NULL) return example_failed();
        all[i] = accuracy(networks[i], training.count);
        few[i] = accuracy(networks[i], FEW);
        printf("%-20s %21.2f %% %12.2f %%\n", names[i], all[i], few[i]);
    }
    if (draw(embed(networks[3], &test)) != AG_OK) return example_failed();
    printf("Picture: embeddings.svg\n\n");
    double least = 100 - (100 - few[0]) / 3; /* a third of the pixels' errors */
    int failed = example_verdict("Worse of 16, nearest of all", fmin(all[1], all[2]), all[0] - 1);
    return example_verdict("Worse of 16, nearest of few", fmin(few[1], few[2]), least) | failed;
}
