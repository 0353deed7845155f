/*
 * distillation.c: the network that conv_net.c has trained teaches a small perceptron, which sees few of
 * the images and none of the labels, but how likely its teacher finds each class (kl_div_loss). The
 * same perceptron learns from the labels of the same images, with the same budget.
 */
#include <autograd/autograd.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/example.h"
#include "support/fashion.h"
#include "support/progress.h"

#define WEIGHTS "conv_net.safetensors"
#define TEMPERATURE 4.0f /* flattens what the teacher says, so that its second thoughts show */

enum { IMAGES = 2000, HIDDEN = 128, EPOCHS = 40, BATCH = 50, TEACHER_BATCH = 500 };

typedef struct student {
    const char *name;
    ag_variable *(*loss)(ag_arena *step, ag_variable *logits, ag_variable *target);
    float accuracies[EPOCHS]; /* of the test after each epoch, in percent */
} student;

static ag_variable *loss_of_labels(ag_arena *step, ag_variable *logits, ag_variable *target)
{
    return ag_cross_entropy_loss(step, logits, target, AG_REDUCTION_MEAN);
}

/* Both sides at one temperature T; T² brings the gradient back to its size (G. Hinton and others 2015). */
static ag_variable *loss_of_teaching(ag_arena *step, ag_variable *logits, ag_variable *target)
{
    ag_variable *log_probs = ag_log_softmax(step, ag_scale(step, logits, 1.0f / TEMPERATURE));
    ag_variable *divergence = ag_kl_div_loss(step, log_probs, target, AG_REDUCTION_BATCHMEAN);
    return ag_scale(step, divergence, TEMPERATURE * TEMPERATURE);
}

/* The same images, with what the teacher takes them for as targets: softmax(logits / T). */
static ag_dataset *taught_by(ag_module *teacher, ag_arena *arena, ag_arena *step,
                             const ag_dataset *labelled)
{
    ag_tensor *features = labelled->features;
    const uint32_t shape[] = {features->shape[0], FASHION_CLASSES};
    ag_tensor *targets = ag_tensor_create_zeros(arena, 2, shape);
    ag_batches *batches = ag_batches_create(arena, labelled, TEACHER_BATCH, NULL);
    float *next = targets != NULL ? targets->data : NULL;
    ag_set_grad_enabled(false);
    while (targets != NULL && ag_next_batch(batches)) {
        ag_variable *x = ag_create_leaf(step, batches->features, false);
        ag_variable *logits = ag_module_forward(teacher, step, x);
        ag_variable *soft = ag_softmax(step, ag_scale(step, logits, 1.0f / TEMPERATURE));
        for (size_t i = 0; soft != NULL && i < soft->data->size; i++)
            *next++ = soft->data->data[i];
        if (soft == NULL) targets = NULL;
        ag_arena_reset(step);
    }
    ag_set_grad_enabled(true);
    ag_dataset *set = ag_dataset_create(arena, features, targets);
    if (set != NULL) set->num_rows = labelled->num_rows;
    return set;
}

static ag_module *perceptron(ag_arena *arena, ag_random *random)
{
    ag_module *layers[] = {
        ag_module_flatten(arena),
        ag_module_linear(arena, random, FASHION_WIDTH * FASHION_WIDTH, HIDDEN, true),
        ag_module_activation(arena, "relu", ag_relu),
        ag_module_linear(arena, random, HIDDEN, FASHION_CLASSES, true)};
    return ag_module_sequential(arena, 4, layers);
}

/* Equal but for the loss and the targets: seed, order of the images, schedule, number of steps. */
static bool train(ag_arena *arena, ag_arena *step, student *who, const ag_dataset *training,
                  const ag_dataset *test)
{
    ag_random random = ag_random_create(1);
    ag_module *model = perceptron(arena, &random);
    ag_batches *batches = ag_batches_create(arena, training, BATCH, &random);
    ag_optimizer *optimizer =
        ag_adamw_create(arena, ag_module_num_parameters(model), ag_module_parameters(model, arena),
                        ag_adamw_defaults());
    const ag_cosine_schedule schedule = {2e-3f, .num_steps = EPOCHS * IMAGES / BATCH};
    uint64_t steps = 0;
    char details[64];
    if (optimizer == NULL || batches == NULL) return false;
    progress bar = progress_start(who->name, EPOCHS);
    for (uint32_t epoch = 0; epoch < EPOCHS; epoch++) {
        while (ag_next_batch(batches)) {
            ag_optimizer_zero_grad(optimizer);
            ag_optimizer_set_learning_rate(optimizer, ag_schedule_cosine(&schedule, steps++));
            ag_variable *x = ag_create_leaf(step, batches->features, false);
            ag_variable *target = ag_create_leaf(step, batches->targets, false);
            ag_variable *loss = who->loss(step, ag_module_forward(model, step, x), target);
            if (ag_backward(step, loss) != AG_OK || ag_optimizer_step(optimizer) != AG_OK)
                return false;
            ag_arena_reset(step);
        }
        who->accuracies[epoch] = (float)fashion_accuracy(step, model, test, NULL);
        snprintf(details, sizeof details, "test %.2f %%", (double)who->accuracies[epoch]);
        if (progress_is_due(&bar)) progress_draw(&bar, epoch + 1, details);
    }
    progress_finish(&bar, details);
    return isfinite(who->accuracies[EPOCHS - 1]);
}

static bool draw(const student *students)
{
    const float *alone = students[0].accuracies, *taught = students[1].accuracies;
    const ag_plot_series series[] = {
        {"alone", AG_PLOT_LINE_WITH_POINTS, 8, EPOCHS, NULL, alone, 1},
        {"taught", AG_PLOT_LINE_WITH_POINTS, 0, EPOCHS, NULL, taught, 1},
    };
    ag_plot_panel panel = {"Test accuracy in percent", false, 2, series};
    ag_plot plot = {"A small perceptron, alone and taught", "Epochs, counted from 0", 1, &panel};
    return ag_save_plot("distillation.svg", &plot) == AG_OK;
}

int main(int argc, char **argv)
{
    const bool quick = example_is_quick(argc, argv);
    ag_arena *arena = ag_arena_create(0), *step = ag_arena_create(0);
    ag_random random = ag_random_create(1);
    ag_dataset *labelled, *test;
    if (!fashion_load(arena, &labelled, &test)) return EXIT_FAILURE;
    ag_module *teacher = fashion_conv_net(arena, &random);
    size_t count = 0;
    const ag_named_tensor *weights = fashion_weights(arena, teacher, &count);
    if (ag_load_weights(WEIGHTS, count, weights) != AG_OK) return example_failed();
    ag_module_set_training(teacher, false);
    printf("teacher: %.2f %% of the test\n", fashion_accuracy(step, teacher, test, NULL));
    labelled->num_rows = IMAGES;
    if (quick) test->num_rows = 1000;
    student students[] = {{.name = "alone ", .loss = loss_of_labels},
                          {.name = "taught", .loss = loss_of_teaching}};
    ag_dataset *soft = taught_by(teacher, arena, step, labelled);
    if (soft == NULL || !train(arena, step, &students[0], labelled, test) ||
        !train(arena, step, &students[1], soft, test) || !draw(students))
        return example_failed();
    printf("Wrote distillation.svg.\n");
    double alone = (double)students[0].accuracies[EPOCHS - 1];
    double with_teacher = (double)students[1].accuracies[EPOCHS - 1];
    ag_arena_destroy(step);
    ag_arena_destroy(arena);
    if (quick) return example_verdict("test accuracy", with_teacher, 50.0);
    return example_verdict("points gained by teaching", with_teacher - alone, 1.0);
}
