/* history.c: what a training leaves, as curves. */
#include "config.h"

#include "support/history.h"

bool history_create(ag_arena *arena, size_t num_steps, size_t num_epochs, history *created)
{
    float *losses = ag_arena_alloc(arena, num_steps * sizeof *losses);
    float *accuracies = ag_arena_alloc(arena, 2 * num_epochs * sizeof *accuracies);
    *created = (history){.num_steps = num_steps, .num_epochs = num_epochs, .losses = losses};
    if (losses == NULL || accuracies == NULL) return false;
    created->training_accuracies = accuracies;
    created->test_accuracies = accuracies + num_epochs;
    return true;
}

/* The mean of the values around each, of about a fiftieth of them all. */
static void smooth(size_t count, const float *values, float *smoothed)
{
    size_t reach = 1 + count / 100, first = 0, end = 0;
    double sum = 0.0; /* of values[first] to values[end - 1] */
    for (size_t i = 0; i < count; i++) {
        for (; end < count && end <= i + reach; end++)
            sum += (double)values[end];
        for (; first + reach < i; first++)
            sum -= (double)values[first];
        smoothed[i] = (float)(sum / (double)(end - first));
    }
}

/* 0, 1, 2 … and so on, times a factor, from an offset. */
static void count_up(size_t count, double offset, double factor, float *x)
{
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(offset + factor * (double)i);
}

bool history_draw(ag_arena *arena, const history *drawn, const char *title, const char *path)
{
    size_t steps = drawn->num_steps, epochs = drawn->num_epochs;
    float *step_x = ag_arena_alloc(arena, (2 * steps + epochs) * sizeof *step_x);
    if (step_x == NULL) return false;
    float *smoothed = step_x + steps, *epoch_x = smoothed + steps;
    count_up(steps, 0.0, (double)epochs / (double)steps, step_x); /* a batch is seen, then learnt */
    count_up(epochs, 1.0, 1.0, epoch_x);
    smooth(steps, drawn->losses, smoothed);

    ag_plot_series losses[] = {
        {"each batch", AG_PLOT_FAINT_LINE, 0, steps, step_x, drawn->losses, 1},
        {"smoothed", AG_PLOT_LINE, 0, steps, step_x, smoothed, 1},
    };
    ag_plot_series accuracies[] = {
        {"training (during the epoch)", AG_PLOT_LINE_WITH_POINTS, 0, epochs, epoch_x,
         drawn->training_accuracies, 1},
        {"test (after it)", AG_PLOT_LINE_WITH_POINTS, 3, epochs, epoch_x, drawn->test_accuracies,
         1},
    };
    ag_plot_panel panels[] = {{"Cross-entropy loss", true, 2, losses},
                              {"Accuracy in percent", false, 2, accuracies}};
    return ag_save_plot(path, &(ag_plot){title, "Epochs", 2, panels}) == AG_OK;
}
