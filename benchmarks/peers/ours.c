/* ours.c: the worker of `make bench-peers` that times libautograd. */
#include "config.h"

#include <math.h>
#include <string.h>

#include "op_calls.h"
#include "peers/protocol.h"
#include "support/cases.h"
#include "support/limits.h"
#include "support/timing.h"

/* ---- losses ---- */

typedef struct loss_run {
    loss_cell cell;
    const op_entry *entry;
    op_case at;
    ag_arena *permanent, *step;
    op_arguments arguments;
    float value;
    double slope; /* Σ |gradient| */
    bool failed;
} loss_run;

static void run_loss(void *context)
{
    loss_run *r = context;
    for (uint32_t i = 0; i < r->entry->op->num_differentiable; i++)
        ag_zero_grad(r->arguments.variables[i]);
    ag_variable *loss = r->entry->graph(r->step, &r->arguments);
    r->failed = r->failed || ag_backward(r->step, loss) != AG_OK;
    if (loss != NULL) r->value = loss->data->data[0];
    ag_arena_reset(r->step);
}

/* Class numbers stand in the shared memory as floats. */
static bool create_labels(loss_run *r, const float *memory)
{
    const ag__shape *shape = &r->at.indices;
    ag_indices *labels = ag_indices_create(r->permanent, shape->ndims, shape->dims);
    for (size_t i = 0; labels != NULL && i < labels->size; i++)
        labels->data[i] = (int32_t)memory[i];
    r->arguments.indices = labels;
    return labels != NULL;
}

static bool create_leaves(loss_run *r, const float *memory)
{
    for (uint32_t i = 0; i < r->entry->op->num_inputs; i++) {
        const ag__shape *shape = &r->at.shapes[i];
        ag_tensor *input = ag_tensor_create_from(r->permanent, shape->ndims, shape->dims, memory);
        bool differentiable = i < r->entry->op->num_differentiable;
        r->arguments.variables[i] = ag_create_leaf(r->permanent, input, differentiable);
        if (r->arguments.variables[i] == NULL) return false;
        memory += input->size;
    }
    return r->at.indices.ndims == 0 || create_labels(r, memory);
}

static double sum_of_magnitudes(const ag_tensor *tensor)
{
    double sum = 0;
    for (size_t i = 0; i < tensor->size; i++)
        sum += fabs((double)tensor->data[i]);
    return sum;
}

/* Replaces the last loss. The shapes are those of the table's operation. */
static bool prepare_loss(loss_run *r, const loss_cell *cell, const float *memory)
{
    ag_arena_destroy(r->permanent);
    ag_arena_destroy(r->step);
    *r = (loss_run){.cell = *cell, .entry = bench_find(cell->name)};
    r->permanent = ag_arena_create(0);
    r->step = ag_arena_create(0);
    r->at = loss_case(r->entry, cell->rows, cell->columns);
    r->arguments.parameter = (float)cell->parameter;
    r->arguments.reduction = AG_REDUCTION_MEAN;
    if (!create_leaves(r, memory)) return false;
    run_loss(r);
    for (uint32_t i = 0; !r->failed && i < r->entry->op->num_differentiable; i++)
        r->slope += sum_of_magnitudes(r->arguments.variables[i]->grad);
    return !r->failed;
}

static bool same_inputs(const loss_cell *a, const loss_cell *b)
{
    return strcmp(a->name, b->name) == 0 && a->rows == b->rows && a->columns == b->columns;
}

static measurement time_loss(const loss_cell *cell, float *memory)
{
    static loss_run r;
    ag_set_num_threads(cell->threads);
    if (!same_inputs(cell, &r.cell) && !prepare_loss(&r, cell, memory)) {
        r.cell.rows = 0;
        return failed_measurement(ag_last_error());
    }
    double seconds = median_time(run_loss, &r, LOSS_SECONDS);
    if (r.failed) return failed_measurement(ag_last_error());
    return (measurement){
        .ok = true, .seconds = seconds, .value = (double)r.value, .slope = r.slope};
}

/* ---- training ---- */

typedef struct training_run {
    training_cell cell;
    training_data data;
    ag_arena *permanent, *step;
    ag_module *network;
    ag_optimizer *optimizer;
    uint32_t position; /* the image at which the next batch starts */
} training_run;

static bool same_network(const training_cell *a, const training_cell *b)
{
    return memcmp(a->channels, b->channels, sizeof a->channels) == 0 &&
           memcmp(a->widths, b->widths, sizeof a->widths) == 0 && a->batch == b->batch;
}

/* A network that is being built of modules. */
typedef struct builder {
    ag_arena *arena;
    ag_random random;
    ag_module *modules[16];
    uint32_t count;
} builder;

static void add(builder *b, ag_module *module)
{
    b->modules[b->count++] = module;
}

static ag_variable *to_image(ag_arena *arena, ag_variable *x)
{
    uint32_t side = (uint32_t)lround(sqrt((double)x->data->shape[1]));
    return ag_reshape(arena, x, 4, (uint32_t[]){x->data->shape[0], 1, side, side});
}

/* Returns how many numbers they make of an image. */
static uint32_t add_convolutions(builder *b, const training_cell *cell)
{
    uint32_t side = (uint32_t)lround(sqrt((double)cell->widths[0])), in = 1;
    add(b, ag_module_activation(b->arena, "to_image", to_image));
    for (int i = 0; i < NUM_CONVOLUTIONS; i++) {
        add(b, ag_module_conv2d(b->arena, &b->random, in, cell->channels[i], CONVOLUTION_WINDOW, 1,
                                CONVOLUTION_WINDOW / 2, true));
        add(b, ag_module_activation(b->arena, "relu", ag_relu));
        add(b, ag_module_max_pool2d(b->arena, 2, 2, 0));
        in = cell->channels[i];
        side /= 2;
    }
    add(b, ag_module_flatten(b->arena));
    return in * side * side;
}

static ag_module *create_network(ag_arena *arena, const training_cell *cell)
{
    builder b = {.arena = arena, .random = ag_random_create(1)};
    uint32_t width = cell->channels[0] > 0 ? add_convolutions(&b, cell) : cell->widths[0];
    for (int i = 1; i < NUM_WIDTHS; i++) {
        if (cell->widths[i] == 0) continue;
        add(&b, ag_module_linear(arena, &b.random, width, cell->widths[i], true));
        if (i + 1 < NUM_WIDTHS) add(&b, ag_module_activation(arena, "relu", ag_relu));
        width = cell->widths[i];
    }
    return ag_module_sequential(arena, b.count, b.modules);
}

static bool prepare_training(training_run *r, const training_cell *cell, void *memory)
{
    ag_arena_destroy(r->permanent);
    ag_arena_destroy(r->step);
    *r = (training_run){.cell = *cell, .data = locate_training_data(cell, memory)};
    r->permanent = ag_arena_create(0);
    r->step = ag_arena_create(0);
    r->network = create_network(r->permanent, cell);
    r->optimizer =
        ag_adamw_create(r->permanent, ag_module_num_parameters(r->network),
                        ag_module_parameters(r->network, r->permanent), ag_adamw_defaults());
    return r->optimizer != NULL;
}

/* A leaf on a batch's rows of the training data, in place. */
static ag_variable *rows_at_position(training_run *r, float *data, uint32_t columns)
{
    float *first = data + (size_t)r->position * columns;
    ag_tensor *rows = ag_tensor_wrap(r->step, 2, (uint32_t[]){r->cell.batch, columns}, first);
    return ag_create_leaf(r->step, rows, false);
}

/* Returns the loss, NaN on failure. */
static double train_step(training_run *r)
{
    if (r->position + r->cell.batch > r->cell.images) r->position = 0;
    ag_variable *images = rows_at_position(r, r->data.images, r->cell.widths[0]);
    ag_variable *targets = rows_at_position(r, r->data.targets, r->cell.widths[NUM_WIDTHS - 1]);
    ag_variable *logits = ag_module_forward(r->network, r->step, images);
    ag_variable *loss = ag_cross_entropy_loss(r->step, logits, targets, AG_REDUCTION_MEAN);
    ag_optimizer_zero_grad(r->optimizer);
    bool ok = ag_backward(r->step, loss) == AG_OK && ag_optimizer_step(r->optimizer) == AG_OK;
    double value = ok ? (double)loss->data->data[0] : (double)NAN;
    ag_arena_reset(r->step);
    r->position += r->cell.batch;
    return value;
}

static measurement time_training(const training_cell *cell, void *memory)
{
    static training_run r;
    ag_set_num_threads(cell->threads);
    if (!same_network(cell, &r.cell) && !prepare_training(&r, cell, memory)) {
        r.cell.batch = 0;
        return failed_measurement(ag_last_error());
    }
    for (int i = 0; i < WARM_STEPS; i++)
        train_step(&r);
    double sum = 0, started = now();
    for (uint32_t i = 0; i < cell->steps; i++)
        sum += train_step(&r);
    double seconds = (now() - started) / cell->steps;
    if (!isfinite(sum)) return failed_measurement("the training has failed");
    return (measurement){.ok = true, .seconds = seconds, .value = sum / cell->steps};
}

/* Forward, and backward to the weights and to the input: of the first layer that is not wanted. */
static measurement time_products(const training_cell *cell)
{
    if (cell->channels[0] > 0) return failed_measurement("convolutions are no matrix products");
    ag_set_num_threads(cell->threads);
    double sum = 0;
    for (int i = 0; i + 1 < NUM_WIDTHS; i++) {
        size_t batch = cell->batch, inputs = cell->widths[i], outputs = cell->widths[i + 1];
        sum += product_time(
            (matrix_product){.m = batch, .n = outputs, .k = inputs, .b_transposed = true});
        sum += product_time(
            (matrix_product){.m = outputs, .n = inputs, .k = batch, .a_transposed = true});
        if (i > 0) sum += product_time((matrix_product){.m = batch, .n = inputs, .k = outputs});
    }
    return (measurement){.ok = true, .seconds = sum};
}

int main(int argc, char **argv)
{
    worker_calls calls = {"libautograd " PACKAGE_VERSION, time_loss, time_training, time_products};
    return serve(&calls, argc, argv);
}
