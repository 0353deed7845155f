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
    float losses[EPOCHS], accuracies[EPOCHS]; /* of the test, in percent */
} run;

/* Forward, backward, update. Returns the loss, NaN if the step has failed. */
static float learn(run *r)
{
    ag_mark start = ag_arena_mark(r->step);
    ag_tensor *images = fashion_mirrored(r->step, r->batches->features, &r->random);
    ag_variable *x = ag_create_leaf(r->step, images, false);
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
    double first = (double)direct->data->data[0], second = (double)by_hand->data->data[0];
    printf("cross_entropy of logits: %.6f; nll of log_softmax: %.6f\n", first, second);
    return fabs(first - second) <= 1e-6 * first;
}

/* The first test images that it takes for something else, side by side. */
static bool draw_mistakes(run *r)
{
    const uint32_t shape[] = {MISTAKES, FASHION_WIDTH, FASHION_WIDTH};
    ag_tensor *images = ag_tensor_create_zeros(r->step, 3, shape);
    bool *is_wrong = ag_arena_alloc(r->step, r->test->num_rows);
    if (images == NULL || is_wrong == NULL) return false;
    fashion_accuracy(r->step, r->model, r->test, is_wrong);
    const size_t pixels = FASHION_WIDTH * FASHION_WIDTH;
    for (size_t i = 0, found = 0; i < r->test->num_rows && found < MISTAKES; i++)
        if (is_wrong[i])
            memcpy(images->data + pixels * found++, r->test->features->data + pixels * i,
                   pixels * sizeof(float));
    return ag_save_images("conv_net.png", images, 12, 2, -0.8f, 2.0f) == AG_OK;
}

static bool draw_curves(const run *r)
{
    static const float epochs[EPOCHS] = {1, 2, 3, 4, 5};
    const uint32_t count = r->epochs;
    ag_plot_series loss = {NULL, AG_PLOT_LINE_WITH_POINTS, 0, count, epochs, r->losses, 1};
    ag_plot_series accuracy = {NULL, AG_PLOT_LINE_WITH_POINTS, 2, count, epochs, r->accuracies, 1};
    ag_plot_panel panels[] = {{"Training loss (cross-entropy)", false, 1, &loss},
                              {"Test accuracy in percent", false, 1, &accuracy}};
    ag_plot plot = {"A convolutional network on Fashion-MNIST", "Epochs", 2, panels};
    return ag_save_plot("conv_net.svg", &plot) == AG_OK;
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
    double accuracy = fashion_accuracy(r->step, r->model, r->test, NULL);
    r->losses[epoch] = (float)(sum / seen);
    r->accuracies[epoch] = (float)accuracy;
    snprintf(details, sizeof details, "loss %.4f  test accuracy %.2f %%", sum / seen, accuracy);
    progress_finish(&bar, details);
    return isfinite(accuracy);
}

static bool prepare(run *r, bool quick)
{
    if (!fashion_load(r->permanent, &r->training, &r->test)) exit(EXIT_FAILURE);
    if (quick) r->training->num_rows = r->test->num_rows = QUICK_IMAGES;
    r->epochs = quick ? 2 : EPOCHS;
    r->random = ag_random_create(1);
    r->model = fashion_conv_net(r->permanent, &r->random);
    r->batches = ag_batches_create(r->permanent, r->training, BATCH, &r->random);
    r->optimizer =
        ag_adamw_create(r->permanent, ag_module_num_parameters(r->model),
                        ag_module_parameters(r->model, r->permanent), ag_adamw_defaults());
    r->schedule.learning_rate = 2e-3f;
    r->schedule.num_steps = (uint64_t)r->epochs * r->training->num_rows / BATCH;
    return r->optimizer != NULL && r->batches != NULL;
}

int main(int argc, char **argv)
{
    const bool quick = example_is_quick(argc, argv);
    run r = {.permanent = ag_arena_create(0), .step = ag_arena_create(0)};
    if (!prepare(&r, quick)) return example_failed();
    for (uint32_t epoch = 0; epoch < r.epochs; epoch++)
        if (!run_epoch(&r, epoch)) return example_failed();
    size_t count = 0;
    const ag_named_tensor *weights = fashion_weights(r.permanent, r.model, &count);
    if (!compare_losses(&r) || !draw_mistakes(&r) || !draw_curves(&r) ||
        ag_save_safetensors("conv_net.safetensors", count, weights, 0, NULL) != AG_OK)
        return example_failed();
    printf("Wrote conv_net.svg, conv_net.png (mistakes) and conv_net.safetensors (weights).\n");
    double accuracy = (double)r.accuracies[r.epochs - 1];
    ag_arena_destroy(r.step);
    ag_arena_destroy(r.permanent);
    return example_verdict("test accuracy in percent", accuracy, quick ? 50.0 : 91.0);
}
