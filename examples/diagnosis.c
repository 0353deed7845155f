/*
 * diagnosis.c: tells malignant from benign cells by 30 measures of their nuclei, with a linear model.
 * Three losses lead to about the same; l2_loss keeps the weights small, l1_regularization keeps few.
 */
#include <autograd/autograd.h>

#include <math.h>
#include <stdio.h>

#include "support/example.h"

#define PENALTY 0.02f
#define ZERO 0.01f /* l1's steps lead next to 0, past it and back: what ends nearer is set to 0 */

enum { FEATURES = 30, STEPS = 1500, METHODS = 5 };

/* The name of a method and how it computes the loss of logits for targets 0 (benign) and 1. */
typedef struct method {
    const char *name;
    ag_variable *(*loss)(ag_arena *step, ag_variable *logits, ag_variable *target);
    ag_variable *(*penalty)(ag_arena *step, ag_variable *weights, ag_reduction reduction);
} method;

static ag_variable *bce_with_logits(ag_arena *step, ag_variable *logits, ag_variable *target)
{
    return ag_bce_with_logits_loss(step, logits, target, AG_REDUCTION_MEAN);
}

static ag_variable *bce(ag_arena *step, ag_variable *logits, ag_variable *target)
{
    return ag_bce_loss(step, ag_sigmoid(step, logits), target, AG_REDUCTION_MEAN);
}

/* Labels -1 and 1. */
static ag_variable *hinge(ag_arena *step, ag_variable *logits, ag_variable *target)
{
    ag_tensor *one = ag_tensor_create_from(step, 1, (uint32_t[]){1}, (float[]){1.0f});
    ag_variable *labels =
        ag_sub(step, ag_scale(step, target, 2.0f), ag_create_leaf(step, one, false));
    return ag_hinge_loss(step, logits, labels, AG_REDUCTION_MEAN);
}

static const method methods[METHODS] = {
    {"bce_with_logits", bce_with_logits, NULL},
    {"bce of sigmoid", bce, NULL},
    {"hinge", hinge, NULL},
    {"bce_with_logits + l2", bce_with_logits, ag_l2_loss},
    {"bce_with_logits + l1", bce_with_logits, ag_l1_regularization},
};

/* Measures [rows, 30], and 1 for malignant, 0 for benign [rows, 1]; normalised by the training set. */
static bool read_cells(ag_arena *arena, ag_random *random, ag_dataset **training, ag_dataset **test)
{
    ag_table *table = ag_read_csv(arena, EXAMPLE_DATA "/breast_cancer.csv", NULL);
    ag_tensor *features = ag_table_numbers(arena, table, FEATURES, NULL);
    ag_tensor *targets = ag_table_indices(arena, table, "diagnosis", NULL);
    ag_dataset *all = ag_dataset_create(arena, features, targets);
    if (ag_dataset_split(arena, all, 0.3, random, training, test) != AG_OK) return false;
    return ag_normalize(ag_normalization_fit(arena, *training, true), features) == AG_OK;
}

static bool train(ag_arena *arena, const method *how, ag_module *model, const ag_batches *data)
{
    const ag_cosine_schedule schedule = {.learning_rate = 0.02f, .num_steps = STEPS};
    ag_variable *x = ag_create_leaf(arena, data->features, false);
    ag_variable *target = ag_create_leaf(arena, data->targets, false);
    ag_optimizer *optimizer = ag_adam_create(arena, 2, model->parameters, ag_adam_defaults());
    ag_mark start = ag_arena_mark(arena);
    for (uint64_t i = 0; i < STEPS; i++) {
        ag_optimizer_zero_grad(optimizer);
        ag_optimizer_set_learning_rate(optimizer, ag_schedule_cosine(&schedule, i));
        ag_variable *loss = how->loss(arena, ag_module_forward(model, arena, x), target);
        if (how->penalty != NULL) {
            ag_variable *penalty = how->penalty(arena, model->parameters[0], AG_REDUCTION_SUM);
            loss = ag_add(arena, loss, ag_scale(arena, penalty, PENALTY));
        }
        if (ag_backward(arena, loss) != AG_OK || ag_optimizer_step(optimizer) != AG_OK)
            return false;
        ag_arena_rewind(arena, start);
    }
    return true;
}

/* Returns how many weights are then 0. */
static uint32_t cut(ag_tensor *weights)
{
    uint32_t zeros = 0;
    for (size_t i = 0; i < weights->size; i++) {
        if (fabsf(weights->data[i]) < ZERO) weights->data[i] = 0.0f;
        zeros += weights->data[i] == 0.0f;
    }
    return zeros;
}

/* The share of cases on the right side of 0, in percent; NaN on failure. */
static double accuracy_of(ag_arena *arena, ag_module *model, const ag_batches *data)
{
    ag_variable *x = ag_create_leaf(arena, data->features, false);
    ag_variable *logits = ag_module_forward(model, arena, x);
    if (logits == NULL) return (double)NAN;
    uint32_t right = 0;
    for (uint32_t i = 0; i < data->count; i++)
        right += (logits->data->data[i] > 0.0f) == (data->targets->data[i] == 1.0f);
    return 100.0 * right / data->count;
}

static bool draw(ag_variable *const *weights)
{
    const ag_plot_series series[] = {
        {"without penalty", AG_PLOT_POINTS, 6, FEATURES, NULL, weights[0]->data->data, 1},
        {"with l2", AG_PLOT_POINTS, 3, FEATURES, NULL, weights[3]->data->data, 1},
        {"with l1", AG_PLOT_LINE_WITH_POINTS, 0, FEATURES, NULL, weights[4]->data->data, 1},
    };
    ag_plot_panel panel = {"Weight", false, 3, series};
    ag_plot plot = {"What the diagnosis goes by", "Measure, as the file has them", 1, &panel};
    return ag_save_plot("diagnosis.svg", &plot) == AG_OK;
}

int main(void)
{
    ag_arena *arena = ag_arena_create(0);
    ag_random random = ag_random_create(1);
    ag_dataset *training, *test;
    ag_variable *weights[METHODS];
    double lowest = 100.0, zeros = 0.0;
    if (!read_cells(arena, &random, &training, &test)) return example_failed();
    const ag_batches *learnt = example_whole(arena, training),
                     *held_out = example_whole(arena, test);
    if (learnt == NULL || held_out == NULL) return example_failed();
    printf("%u cases to learn from, %u held out\n\n", training->num_rows, test->num_rows);
    printf("loss                   held-out accuracy   weights at 0\n");
    for (int i = 0; i < METHODS; i++) {
        random = ag_random_create(2); /* all start from the same weights */
        ag_module *model = ag_module_linear(arena, &random, FEATURES, 1, true);
        if (model == NULL || !train(arena, &methods[i], model, learnt)) return example_failed();
        weights[i] = model->parameters[0];
        if (methods[i].penalty == ag_l1_regularization) zeros = cut(weights[i]->data);
        const double accuracy = accuracy_of(arena, model, held_out);
        if (isnan(accuracy)) return example_failed();
        printf("%-22s %15.1f %% %14.0f\n", methods[i].name, accuracy, zeros);
        lowest = fmin(lowest, accuracy);
    }
    if (!draw(weights)) return example_failed();
    printf("\nWrote diagnosis.svg.\n");
    int verdict = example_verdict("lowest held-out accuracy in percent", lowest, 95.0) |
                  example_verdict("weights that l1 leaves out, of 30", zeros, 15.0);
    ag_arena_destroy(arena);
    return verdict;
}
