/*
 * regression.c: fuel consumption of cars from their weight. One in ten of the consumptions to learn
 * from is spoilt: it was left in miles per gallon. mse_loss follows such outliers, l1_loss and
 * huber_loss do not.
 */
#include <autograd/autograd.h>

#include <math.h>
#include <stdio.h>

#include "support/example.h"

#define LITRES 235.215f /* x miles per gallon are 235.215 / x litres per 100 km */

enum { HIDDEN = 16, STEPS = 1000, CURVE = 48, NUM_LOSSES = 3 };

static const char *const loss_names[NUM_LOSSES] = {"mse", "l1", "huber"};

static ag_variable *loss_of(ag_arena *step, int which, ag_variable *pred, ag_variable *target)
{
    switch (which) {
    case 0: return ag_mse_loss(step, pred, target, AG_REDUCTION_MEAN);
    case 1: return ag_l1_loss(step, pred, target, AG_REDUCTION_MEAN);
    default: return ag_huber_loss(step, pred, target, 1.0f, AG_REDUCTION_MEAN);
    }
}

/* Weights [rows, 1] in tonnes, and clean consumptions [rows, 1], of cars for which both are known. */
static ag_dataset *read_cars(ag_arena *arena)
{
    const char *const columns[] = {"pounds", "miles_per_gallon"};
    ag_table *table = ag_read_csv(arena, EXAMPLE_DATA "/cars.csv", NULL);
    ag_table *complete = ag_table_complete_rows(arena, table, 2, columns);
    ag_tensor *weight = ag_table_numbers(arena, complete, 1, &columns[0]);
    ag_tensor *consumption = ag_table_numbers(arena, complete, 1, &columns[1]);
    if (weight == NULL || consumption == NULL) return NULL;
    for (size_t i = 0; i < weight->size; i++) {
        weight->data[i] *= 0.45359237e-3f;
        consumption->data[i] = LITRES / consumption->data[i];
    }
    return ag_dataset_create(arena, weight, consumption);
}

/* Puts every tenth target of the training set back into miles per gallon. */
static void spoil(const ag_dataset *training)
{
    for (uint32_t i = 0; i < training->num_rows; i += 10) {
        float *target = &training->targets->data[training->rows[i]];
        *target = LITRES / *target;
    }
}

/* The same start for each loss. */
static ag_module *create_model(ag_arena *arena)
{
    ag_random random = ag_random_create(1);
    ag_module *layers[] = {ag_module_linear(arena, &random, 1, HIDDEN, true),
                           ag_module_activation(arena, "tanh", ag_tanh),
                           ag_module_linear(arena, &random, HIDDEN, 1, true)};
    return ag_module_sequential(arena, 3, layers);
}

static bool train(ag_arena *arena, ag_module *model, int which, const ag_batches *data)
{
    const ag_cosine_schedule schedule = {.learning_rate = 0.05f, .num_steps = STEPS};
    ag_variable *x = ag_create_leaf(arena, data->features, false);
    ag_variable *target = ag_create_leaf(arena, data->targets, false);
    ag_optimizer *optimizer =
        ag_adam_create(arena, ag_module_num_parameters(model), ag_module_parameters(model, arena),
                       ag_adam_defaults());
    ag_mark start = ag_arena_mark(arena);
    for (uint64_t i = 0; i < STEPS; i++) {
        ag_optimizer_zero_grad(optimizer);
        ag_optimizer_set_learning_rate(optimizer, ag_schedule_cosine(&schedule, i));
        ag_variable *loss = loss_of(arena, which, ag_module_forward(model, arena, x), target);
        if (ag_backward(arena, loss) != AG_OK || ag_optimizer_step(optimizer) != AG_OK)
            return false;
        ag_arena_rewind(arena, start); /* the graph goes, what was before it stays */
    }
    return true;
}

/* The mean absolute error on the test set, and what the model predicts along a grid of weights. */
static double evaluate(ag_arena *arena, ag_module *model, const ag_batches *test, ag_tensor *grid,
                       ag_variable **curve)
{
    ag_variable *x = ag_create_leaf(arena, test->features, false);
    ag_variable *target = ag_create_leaf(arena, test->targets, false);
    ag_variable *pred = ag_module_forward(model, arena, x);
    ag_variable *error = ag_l1_loss(arena, pred, target, AG_REDUCTION_MEAN);
    *curve = ag_module_forward(model, arena, ag_create_leaf(arena, grid, false));
    return error != NULL && *curve != NULL ? (double)error->data->data[0] : (double)NAN;
}

static bool draw(const ag_batches *training, ag_tensor *grid, ag_variable *const *curves)
{
    const uint32_t colors[NUM_LOSSES] = {3, 0, 6};
    const ag_plot_style styles[NUM_LOSSES] = {AG_PLOT_LINE, AG_PLOT_LINE, AG_PLOT_POINTS};
    ag_plot_series series[1 + NUM_LOSSES] = {{"cars, a tenth of them spoilt", AG_PLOT_POINTS, 8,
                                              training->count, training->features->data,
                                              training->targets->data, 1}};
    for (int i = 0; i < NUM_LOSSES; i++) {
        float *y = curves[i]->data->data;
        series[1 + i] =
            (ag_plot_series){loss_names[i], styles[i], colors[i], CURVE, grid->data, y, 1};
    }
    ag_plot_panel panel = {"Litres per 100 km", false, 1 + NUM_LOSSES, series};
    ag_plot plot = {"Fuel consumption, learnt by three losses", "Weight in tonnes", 1, &panel};
    return ag_save_plot("regression.svg", &plot) == AG_OK;
}

int main(void)
{
    ag_arena *arena = ag_arena_create(0);
    ag_random random = ag_random_create(1);
    ag_dataset *training, *test;
    ag_tensor *grid = ag_tensor_create(arena, 2, (uint32_t[]){CURVE, 1});
    ag_variable *curves[NUM_LOSSES];
    double errors[NUM_LOSSES];
    if (grid == NULL ||
        ag_dataset_split(arena, read_cars(arena), 0.25, &random, &training, &test) != AG_OK)
        return example_failed();
    for (uint32_t i = 0; i < CURVE; i++)
        grid->data[i] = 0.75f + 1.55f * (float)i / (CURVE - 1);
    spoil(training);
    const ag_batches *learnt = example_whole(arena, training), *clean = example_whole(arena, test);
    if (learnt == NULL || clean == NULL) return example_failed();
    printf("%u cars to learn from, a tenth of them spoilt; %u clean ones to test\n\n",
           training->num_rows, test->num_rows);
    printf("loss   mean absolute error of the test in litres per 100 km\n");
    for (int i = 0; i < NUM_LOSSES; i++) {
        ag_module *model = create_model(arena);
        if (!train(arena, model, i, learnt)) return example_failed();
        errors[i] = evaluate(arena, model, clean, grid, &curves[i]);
        if (isnan(errors[i])) return example_failed();
        printf("%-5s  %.2f\n", loss_names[i], errors[i]);
    }
    if (!draw(learnt, grid, curves)) return example_failed();
    printf("\nWrote regression.svg.\n");
    int verdict = example_verdict("error of mse / error of l1", errors[0] / errors[1], 1.2) |
                  example_verdict("error of mse / error of huber", errors[0] / errors[2], 1.2);
    ag_arena_destroy(arena);
    return verdict;
}
