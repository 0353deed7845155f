/* train_classifier.c: trains a small network to recognise images, and shows how well it does. */
#include "config.h"

#include <autograd/autograd.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/confusion.h"
#include "support/dataset.h"
#include "support/fashion.h"
#include "support/history.h"
#include "support/options.h"
#include "support/perceptron.h"
#include "support/progress.h"

#define PROGRAM "train_classifier"
#define DIGITS_DIR EXAMPLE_DATA "/digits"

enum {
    FIRST_HIDDEN = 256, /* sizes of the hidden layers */
    SECOND_HIDDEN = 128,
    FEW_IMAGES = 10000, /* with fewer there are more epochs and smaller batches */
    TEST_BATCH = 1000
};

/* All that lives as long as the training. */
typedef struct training_run {
    training_options options;
    const char *data_name;
    ag_arena *permanent; /* data, parameters, optimiser, history */
    ag_arena *step;      /* the graph of one step */
    dataset training, test;
    perceptron network;
    ag_optimizer *optimizer;
    ag_random random;
    uint32_t *order; /* [training.count]: the order of the images in this epoch */
    confusion test_result;

    size_t batch_size;
    history history;
} training_run;

/* What the steps of one epoch add up to. */
typedef struct epoch_sums {
    size_t images;
    size_t correct;
    double loss;
} epoch_sums;

static bool library_failed(void)
{
    fprintf(stderr, PROGRAM ": %s\n", ag_last_error());
    return false;
}

/* ---- one step ---- */

/* Half a cosine, from the first rate to 0. */
static float scheduled_rate(const training_run *run)
{
    double share = (double)run->history.steps_done / (double)run->history.num_steps;
    return (float)(run->options.learning_rate * 0.5 * (1.0 + cos(3.14159265358979 * share)));
}

/* The class with the largest value. */
static uint32_t predicted_class(const ag_tensor *logits, size_t row)
{
    uint32_t classes = logits->shape[1], best = 0;
    const float *values = logits->data + row * classes;
    for (uint32_t i = 1; i < classes; i++)
        if (values[i] > values[best]) best = i;
    return best;
}

/* Adds what came out of a step. Returns false if the training has got out of hand. */
static bool record_step(training_run *run, float loss, const ag_tensor *logits,
                        const uint32_t *indices, epoch_sums *sums)
{
    size_t count = logits->shape[0];
    for (size_t i = 0; i < count; i++)
        sums->correct += predicted_class(logits, i) == dataset_label(&run->training, indices[i]);
    sums->images += count;
    sums->loss += (double)loss * (double)count;
    run->history.losses[run->history.steps_done++] = loss;
    return isfinite(loss);
}

/* Says why a step has failed. */
static bool step_failed(const training_run *run, const progress *bar)
{
    bool got_loss = run->history.steps_done > 0;
    progress_clear(bar);
    if (!got_loss || isfinite(run->history.losses[run->history.steps_done - 1]))
        return library_failed();
    fprintf(stderr, PROGRAM ": the loss is not finite any more; try a lower --learning-rate\n");
    return false;
}

/* Forward, backward, update. The graph stays in the step arena, for the caller to rewind. */
static bool learn(training_run *run, uint32_t count, const uint32_t *indices, epoch_sums *sums)
{
    ag_arena *arena = run->step;
    image_batch batch = dataset_batch(arena, &run->training, count, indices);
    ag_variable *images = ag_create_leaf(arena, batch.images, false);
    ag_variable *target = ag_create_leaf(arena, batch.targets, false);
    ag_variable *logits = perceptron_apply(arena, &run->network, images);
    ag_variable *loss = ag_cross_entropy_loss(arena, logits, target, AG_REDUCTION_MEAN);

    ag_optimizer_zero_grad(run->optimizer);
    ag_optimizer_set_learning_rate(run->optimizer, scheduled_rate(run));
    if (ag_backward(arena, loss) != AG_OK || ag_optimizer_step(run->optimizer) != AG_OK)
        return false;
    return record_step(run, loss->data->data[0], logits->data, indices, sums);
}

/* ---- one epoch ---- */

static double percent_correct(const epoch_sums *sums)
{
    return 100.0 * (double)sums->correct / (double)sums->images;
}

static void show_progress(progress *bar, const epoch_sums *sums)
{
    char details[96];
    snprintf(details, sizeof details, "loss %.4f  accuracy %.1f %%  %.0f images/s",
             sums->loss / (double)sums->images, percent_correct(sums),
             (double)sums->images / (seconds_now() - bar->started));
    progress_draw(bar, sums->images, details);
}

/* Learns from every training image once, in a new order. */
static bool learn_all(training_run *run, progress *bar, epoch_sums *sums)
{
    size_t count = run->training.count;
    ag_random_shuffle(&run->random, count, run->order);
    for (size_t first = 0; first < count; first += run->batch_size) {
        size_t here = count - first < run->batch_size ? count - first : run->batch_size;
        ag_mark start = ag_arena_mark(run->step);
        if (!learn(run, (uint32_t)here, run->order + first, sums)) return step_failed(run, bar);
        ag_arena_rewind(run->step, start);
        if (progress_is_due(bar)) show_progress(bar, sums);
    }
    return true;
}

/* Predicts count test images from first on. */
static bool predict(training_run *run, uint32_t first, uint32_t count)
{
    const dataset *test = &run->test;
    ag_tensor *images = ag_tensor_wrap(run->step, 2, (uint32_t[]){count, test->features},
                                       test->images->data + (size_t)first * test->features);
    ag_variable *logits =
        perceptron_apply(run->step, &run->network, ag_create_leaf(run->step, images, false));
    if (logits == NULL) return library_failed();
    for (uint32_t i = 0; i < count; i++)
        confusion_add(&run->test_result, dataset_label(test, first + i),
                      predicted_class(logits->data, i));
    return true;
}

/* Predicts all test images, without recording a graph. */
static bool evaluate(training_run *run)
{
    bool was_enabled = ag_set_grad_enabled(false);
    bool ok = true;
    confusion_clear(&run->test_result);
    for (uint32_t first = 0; ok && first < run->test.count; first += TEST_BATCH) {
        uint32_t left = run->test.count - first;
        ag_mark start = ag_arena_mark(run->step);
        ok = predict(run, first, left < TEST_BATCH ? left : TEST_BATCH);
        ag_arena_rewind(run->step, start);
    }
    ag_set_grad_enabled(was_enabled);
    return ok;
}

static bool run_epoch(training_run *run, size_t epoch)
{
    char title[64], details[128];
    snprintf(title, sizeof title, "epoch %zu/%zu", epoch + 1, run->history.num_epochs);
    epoch_sums sums = {0};
    progress bar = progress_start(title, run->training.count);
    if (!learn_all(run, &bar, &sums)) return false;
    double speed = (double)sums.images / (seconds_now() - bar.started);
    if (!evaluate(run)) return false;

    run->history.training_accuracies[epoch] = (float)percent_correct(&sums);
    run->history.test_accuracies[epoch] = (float)(100.0 * confusion_accuracy(&run->test_result));
    snprintf(details, sizeof details, "loss %.4f  training %.2f %%  test %.2f %%  %.0f images/s",
             sums.loss / (double)sums.images, (double)run->history.training_accuracies[epoch],
             (double)run->history.test_accuracies[epoch], speed);
    progress_finish(&bar, details);
    return true;
}

/* ---- before the first ---- */

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static const char *choose_data(const training_options *options)
{
    if (options->digits) return DIGITS_DIR;
    if (options->data != NULL) return options->data;
    if (is_folder(FASHION_DIR)) return FASHION_DIR;
    printf("Fashion-MNIST is not installed (on Debian: apt install " FASHION_PACKAGE "); "
           "training on the small set of digits instead.\n");
    return DIGITS_DIR;
}

static const char *name_of_data(const char *folder)
{
    if (strcmp(folder, DIGITS_DIR) == 0) return "Handwritten digits";
    return strstr(folder, "fashion") != NULL ? "Fashion-MNIST" : folder;
}

static bool load_data(training_run *run)
{
    const training_options *options = &run->options;
    const char *folder = choose_data(options);
    run->data_name = name_of_data(folder);
    if (!dataset_load(run->permanent, folder, &run->training, &run->test)) return false;

    size_t count = run->training.count;
    run->batch_size = options->batch > 0 ? options->batch : count < FEW_IMAGES ? 32 : 128;
    if (run->batch_size > count) run->batch_size = count;
    printf("%s: %u training and %u test images of %u pixels, %u classes\n", run->data_name,
           run->training.count, run->test.count, run->training.features, run->training.classes);
    return true;
}

static bool create_history(training_run *run)
{
    ag_arena *arena = run->permanent;
    size_t usual = run->training.count < FEW_IMAGES ? 10 : 5;
    size_t epochs = run->options.epochs > 0 ? run->options.epochs : usual;
    run->test_result = confusion_create(arena, run->test.classes);
    run->order = ag_arena_alloc(arena, run->training.count * sizeof *run->order);
    size_t batches = (run->training.count + run->batch_size - 1) / run->batch_size;
    if (run->test_result.counts == NULL || run->order == NULL ||
        !history_create(arena, epochs * batches, epochs, &run->history))
        return library_failed();
    for (uint32_t i = 0; i < run->training.count; i++)
        run->order[i] = i;
    return true;
}

static bool create_network(training_run *run)
{
    const uint32_t sizes[] = {run->training.features, FIRST_HIDDEN, SECOND_HIDDEN,
                              run->training.classes};
    ag_adamw_options settings = ag_adamw_defaults();
    settings.learning_rate = (float)run->options.learning_rate;
    run->random = ag_random_create(run->options.seed);
    if (perceptron_create(run->permanent, &run->random, sizes, &run->network) != AG_OK)
        return library_failed();
    run->optimizer =
        ag_adamw_create(run->permanent, PERCEPTRON_PARAMETERS, run->network.parameters, settings);
    if (run->optimizer == NULL) return library_failed();

    printf("Network %u-%u-%u-%u with %zu parameters; threads: %d\n", sizes[0], sizes[1], sizes[2],
           sizes[3], perceptron_size(&run->network), ag_get_num_threads());
    printf("AdamW with learning rate %g falling to 0; %zu epochs in batches of %zu; seed %llu\n",
           run->options.learning_rate, run->history.num_epochs, run->batch_size,
           (unsigned long long)run->options.seed);
    return true;
}

/* ---- after the last ---- */

static bool report(training_run *run)
{
    const confusion *result = &run->test_result;
    bool is_fashion = strcmp(run->data_name, "Fashion-MNIST") == 0 && result->classes == 10;
    double accuracy = 100.0 * confusion_accuracy(result);
    printf("\n");
    confusion_print(result, is_fashion ? fashion_names : NULL);
    printf("\nTest accuracy: %.2f %% (%u of %u images)\n", accuracy, confusion_correct(result),
           confusion_total(result));
    char title[160];
    snprintf(title, sizeof title, "%.100s: test accuracy %.2f %%", run->data_name, accuracy);
    if (!history_draw(run->permanent, &run->history, title, run->options.output))
        return library_failed();
    printf("Learning curves: %s\n", run->options.output);
    if (accuracy >= run->options.required) return true;
    fprintf(stderr, PROGRAM ": the test accuracy of %.2f %% is below the %g %% required\n",
            accuracy, run->options.required);
    return false;
}

/* ---- the whole ---- */

static bool train(training_run *run)
{
    if (run->permanent == NULL || run->step == NULL) return library_failed();
    if (ag_set_num_threads((int)run->options.threads) != AG_OK) return library_failed();
    printf("%s\n", ag_build_info());
    if (!load_data(run) || !create_history(run) || !create_network(run)) return false;
    for (size_t i = 0; i < run->history.num_epochs; i++)
        if (!run_epoch(run, i)) return false;
    return report(run);
}

int main(int argc, char **argv)
{
    training_run run = {0};
    setvbuf(stdout, NULL, _IOLBF, 0); /* a log shows each epoch when it is over */
    if (!options_read(PROGRAM, argc, argv, &run.options)) {
        fprintf(stderr, "Try \"" PROGRAM " --help\".\n");
        return 2;
    }
    if (run.options.help) {
        options_print_help(PROGRAM);
        return EXIT_SUCCESS;
    }
    run.permanent = ag_arena_create(0);
    run.step = ag_arena_create(0);
    bool ok = train(&run);
    ag_arena_destroy(run.step);
    ag_arena_destroy(run.permanent);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
