/*
 * fused_memory.c: the picture of docs/fused-losses.md: what a step takes from its arena, with all
 * logits and without, as the vocabulary grows.
 *
 *     make docs/fused_memory && docs/fused_memory docs/fused-memory.svg
 */
#include <autograd/autograd.h>

#include <stdio.h>

enum { ROWS = 2048, FEATURES = 64, POINTS = 6 };
enum { UNFUSED, FUSED, WAYS };

/* Forward and backward. Megabytes; 0 on failure. */
static float measure(uint32_t classes, int way)
{
    ag_arena *permanent = ag_arena_create(0), *step = ag_arena_create(0);
    ag_random random = ag_random_create(1);
    ag_tensor *x = ag_tensor_create(permanent, 2, (uint32_t[]){ROWS, FEATURES});
    ag_tensor *weight = ag_tensor_create(permanent, 2, (uint32_t[]){classes, FEATURES});
    ag_indices *labels = ag_indices_create(permanent, 1, (uint32_t[]){ROWS});
    ag_tensor_fill_normal(x, &random, 0, 1);
    ag_tensor_fill_normal(weight, &random, 0, 0.1f);
    for (uint32_t i = 0; labels != NULL && i < ROWS; i++)
        labels->data[i] = (int32_t)ag_random_below(&random, classes);
    ag_variable *leaf = ag_create_leaf(permanent, x, true);
    ag_variable *layer = ag_create_leaf(permanent, weight, true);
    ag_variable *loss = way == FUSED
                            ? ag_linear_cross_entropy_loss(step, leaf, layer, NULL, labels, NULL)
                            : ag_cross_entropy_labels_loss(step, ag_linear(step, leaf, layer, NULL),
                                                           labels, AG_REDUCTION_MEAN);
    bool ok = ag_backward(step, loss) == AG_OK;
    float megabytes = ok ? (float)((double)ag_arena_high_water(step) / 1e6) : 0;
    ag_arena_destroy(step);
    ag_arena_destroy(permanent);
    return megabytes;
}

int main(int argc, char **argv)
{
    static const char *const names[WAYS] = {"linear, cross_entropy_labels_loss",
                                            "linear_cross_entropy_loss"};
    float classes[POINTS], megabytes[WAYS][POINTS];
    ag_plot_series series[WAYS];
    if (argc != 2) return fprintf(stderr, "usage: %s PICTURE\n", argv[0]), 2;
    for (int way = 0; way < WAYS; way++) {
        for (int i = 0; i < POINTS; i++) {
            uint32_t count = i == 0 ? 1000 : (uint32_t)i * 10000;
            classes[i] = (float)count;
            megabytes[way][i] = measure(count, way);
            if (megabytes[way][i] <= 0) return fprintf(stderr, "%s\n", ag_last_error()), 1;
        }
        series[way] = (ag_plot_series){.name = names[way],
                                       .style = AG_PLOT_LINE_WITH_POINTS,
                                       .color = (uint32_t)way,
                                       .count = POINTS,
                                       .x = classes,
                                       .y = megabytes[way]};
    }
    ag_plot_panel panel = {.y_label = "MB", .num_series = WAYS, .series = series};
    ag_plot plot = {"Memory of a step beside inputs and gradients, 2048 rows", "classes", 1,
                    &panel};
    if (ag_save_plot(argv[1], &plot) != AG_OK) return fprintf(stderr, "%s\n", ag_last_error()), 1;
    return 0;
}
