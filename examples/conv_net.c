/*
 * conv_net.c: a convolutional network learns to tell ten kinds of clothes apart (Fashion-MNIST), by
 * cross-entropy. It leaves its weights for distillation.c.
 */
#include <autograd/autograd.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/example.h"
#include "support/fashion.h"
#include "support/progress.h"

enum { EPOCHS = 5, BATCH = 100, QUICK_IMAGES = 3000, MISTAKES = 60 };

typedef struct run {
    ag_arena *permanent, *step;
    ag_random random;
    ag_dataset *training, *test;
    ag_batches *batches;
    ag_module *model;
    ag_optimizer *optimizer;
    ag_cosine_schedule schedule;
    uint64_t steps;
    uint32_t epochs;
    float *losses, *test_accuracies;
} run;

/* Mirrors every other image or so: a shoe to the left is a shoe. */
static ag_tensor *augmented(run *r, const ag_tensor *images)
{
    ag_tensor *result = ag_tensor_create(r->step, images->ndims, images->shape);
    const size_t width = FASHION_WIDTH, pixels = width * width;
    for (size_t first = 0; result != NULL && first < images->size; first += pixels) {
        bool mirror = ag_random_below(&r->random, 2) == 1;
        for (size_t i = first; i < first + pixels; i++) {
            size_t column = i % width;
            result->data[i] = images->data[mirror ? i - column + width - 1 - column : i];
        }
    }
    return result;
}

/* Forward, backward, update. Returns the loss, NaN if the step has failed. */
static float learn(run *r)
{
    ag_mark start = ag_arena_mark(r->step);
    ag_variable *x = ag_create_leaf(r->step, augmented(r, r->batches->features), false);
    ag_variable *target = ag_create_leaf(r->step, r->batches->targets, false);
    ag_optimizer_zero_grad(r->optimizer);
    ag_variable *logits = ag_module_forward(r->model, r->step, x);
    ag_variable *loss = ag_cross_entropy_loss(r->step, logits, target, AG_REDUCTION_MEAN);
    ag_optimizer_set_learning_rate(r->optimizer, ag_schedule_cosine(&r->schedule, r->steps++));
    bool ok = ag_backward(r->step, loss) == AG_OK && ag_optimizer_step(r->optimizer) == AG_OK;
    float value = ok ? loss->data->data[0] : NAN;
    ag_arena_rewind(r->step, start);
    return value;
}

/* The same loss by two ways, on the first test images: nll of log_softmax is cross_entropy of logits. */
static bool compare_losses(run *r)
{
    ag_batches *batches = ag_batches_create(r->step, r->test, BATCH, NULL);
    if (!ag_next_batch(batches)) return false;
    ag_module_set_training(r->model, false);
    ag_variable *x = ag_create_leaf(r->step, batches->features, false);
    ag_variable *target = ag_create_leaf(r->step, batches->targets, false);
    ag_variable *logits = ag_module_forward(r->model, r->step, x);
    ag_variable *direct = ag_cross_entropy_loss(r->step, logits, target, AG_REDUCTION_MEAN);
    ag_variable *log_probs = ag_log_softmax(r->step, logits);
    ag_variable *by_hand = ag_nll_loss(r->step, log_probs, target, AG_REDUCTION_MEAN);
    if (direct == NULL || by_hand == NULL) return false;
    double first = direct->data->data[0], second = by_hand->data->data[0];
    printf("cross_entropy of logits: %.6f; nll of log_softmax: %.6f\n", first, second);
    return fabs(first - second) <= 1e-6 * first;
}

/* The first test images that it takes for something else, side by side. */
static bool draw_mistakes(run *r)
{
    const size_t pixels = FASHION_WIDTH * FASHION_WIDTH;
    const uint32_t shape[] = {MISTAKES, FASHION_WIDTH, FASHION_WIDTH};
    ag_tensor *pictures = ag_tensor_create_zeros(r->step, 3, shape);
    bool *is_wrong = ag_arena_alloc(r->step, r->test->num_rows);
    if (pictures == NULL || is_wrong == NULL) return false;
    fashion_accuracy(r->step, r->model, r->test, is_wrong);
    for (size_t i = 0, found = 0; i < r->test->num_rows && found < MISTAKES; i++)
        if (is_wrong[i])
            memcpy(pictures->data + found++ * pixels, r->test->features->data + i * pixels,
                   pixels * sizeof(float));
    return ag_save_images("conv_net.png", pictures, 12, 2, -0.8f, 2.0f) == AG_OK;
}

static bool draw_curves(const run *r)
{
    float epochs[EPOCHS];
    for (uint32_t i = 0; i < r->epochs; i++)
        epochs[i] = (float)(i + 1);
    ag_plot_series loss = {NULL, AG_PLOT_LINE_WITH_POINTS, 0, r->epochs, epochs, r->losses, 1};
    ag_plot_series accuracy = {NULL,   AG_PLOT_LINE_WITH_POINTS, 2, r->epochs,
                               epochs, r->test_accuracies,       1};
    ag_plot_panel panels[] = {{"Training loss (cross-entropy)", false, 1, &loss},
                              {"Test accuracy in percent", false, 1, &accuracy}};
    ag_plot plot = {"A convolutional network on Fashion-MNIST", "Epoch", 2, panels};
    return ag_save_plot("conv_net.svg", &plot) == AG_OK;
}

static bool save_weights(run *r)
{
    size_t count;
    const ag_named_tensor *weights = fashion_weights(r->step, r->model, &count);
    return ag_save_safetensors("conv_net.safetensors", count, weights, 0, NULL) == AG_OK;
}

static bool run_epoch(run *r, uint32_t epoch)
{
    char title[32], details[96];
    uint32_t seen = 0;
    double sum = 0.0;
    snprintf(title, sizeof title, "epoch %u/%u", epoch + 1, r->epochs);
    progress bar = progress_start(title, r->training->num_rows);
    while (ag_next_batch(r->batches)) {
        sum += (double)learn(r) * r->batches->count;
        seen += r->batches->count;
        snprintf(details, sizeof details, "loss %.4f", sum / seen);
        if (!isfinite(sum)) return false;
        if (progress_is_due(&bar)) progress_draw(&bar, seen, details);
    }
    r->losses[epoch] = (float)(sum / seen);
    r->test_accuracies[epoch] = (float)fashion_accuracy(r->step, r->model, r->test, NULL);
    snprintf(details, sizeof details, "loss %.4f  test accuracy %.2f %%", sum / seen,
             (double)r->test_accuracies[epoch]);
    progress_finish(&bar, details);
    return isfinite(r->test_accuracies[epoch]);
}

/* Everything that lives as long as the training. */
static bool prepare(run *r, bool quick)
{
    if (!fashion_load(r->permanent, &r->training, &r->test)) exit(EXIT_FAILURE);
    if (quick) r->training->num_rows = r->test->num_rows = QUICK_IMAGES;
    r->epochs = quick ? 2 : EPOCHS;
    r->random = ag_random_create(1);
    r->model = fashion_conv_net(r->permanent, &r->random);
    r->batches = ag_batches_create(r->permanent, r->training, BATCH, &r->random);
    ag_adamw_options options = ag_adamw_defaults();
    r->optimizer = ag_adamw_create(r->permanent, ag_module_num_parameters(r->model),
                                   ag_module_parameters(r->model, r->permanent), options);
    uint64_t num_steps = (uint64_t)r->epochs * r->training->num_rows / BATCH;
    r->schedule = (ag_cosine_schedule){.learning_rate = 2e-3f, .num_steps = num_steps};
    r->losses = ag_arena_alloc(r->permanent, EPOCHS * sizeof(float));
    r->test_accuracies = ag_arena_alloc(r->permanent, EPOCHS * sizeof(float));
    return r->optimizer != NULL && r->test_accuracies != NULL;
}

int main(int argc, char **argv)
{
    bool quick = example_is_quick(argc, argv);
    run r = {.permanent = ag_arena_create(0), .step = ag_arena_create(0)};
    if (!prepare(&r, quick)) return example_failed();
    for (uint32_t epoch = 0; epoch < r.epochs; epoch++)
        if (!run_epoch(&r, epoch)) return example_failed();
    if (!compare_losses(&r) || !draw_mistakes(&r) || !draw_curves(&r) || !save_weights(&r))
        return example_failed();
    printf("Wrote conv_net.svg, conv_net.png (mistakes) and conv_net.safetensors (weights).\n");
    double accuracy = (double)r.test_accuracies[r.epochs - 1];
    ag_arena_destroy(r.step);
    ag_arena_destroy(r.permanent);
    return example_verdict("test accuracy in percent", accuracy, quick ? 50.0 : 91.0);
}
