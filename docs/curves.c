/*
 * curves.c: the pictures and worked examples of the documentation, made by the library itself.
 *
 * For each loss and each function of one element NAME.svg shows value and slope; for each loss
 * NAME.txt is a call with its numbers. Both loop over the table of operations, so that a new one has them.
 * What a loss's driver cannot be drawn for (rows of three inputs) has no picture.
 */
#include "config.h"

#include <autograd/autograd.h>

#include <math.h>
#include <stdio.h>

#include "tensor/elementwise.h"
#include "tensor/op.h"

#define PARAMETER 0.5f /* the delta, margin or slope of those that have one */
#define POINTS 401
#define LEFT_END -4.0f
#define RIGHT_END 4.0f
#define MAX_CURVES 3

#define REFERENCE(name, ...) &ag__op_##name,
static const ag__op *const losses[] = {AG__LOSS_TABLE(REFERENCE)};
static const ag__op *const functions[] = {AG__FUNCTION_TABLE(REFERENCE)};

/* ---- numbers that an operation takes ---- */

/* The number next to x that the operation's input may have. */
static float fit(const ag__op *op, uint32_t input, float x)
{
    const ag__domain *domain = &op->domains[input];
    if (domain->text == NULL) return x;
    if (!domain->magnitude) return fminf(fmaxf(x, domain->lowest), domain->highest);
    return copysignf(fminf(fmaxf(fabsf(x), domain->lowest), domain->highest), x > 0 ? 1 : -1);
}

static bool is_elementwise(const ag__op *op)
{
    return op->forward == ag__elementwise_forward && op->infer_shape == ag__infer_same_shape;
}

static ag__call call_of(const ag__op *op)
{
    return (ag__call){
        .op = op, .reduction = AG_REDUCTION_NONE, .parameter = PARAMETER, .second_parameter = 1};
}

/* ---- pictures ---- */

/* x and what becomes of it, for one target. */
typedef struct curve {
    char name[32];
    float x[POINTS];
    const float *value;
    const float *slope;
    size_t slope_stride;
} curve;

/* A tensor of points: x alone, or rows of x and 0. */
static ag_tensor *points(ag_arena *arena, const ag__op *op, uint32_t input, uint32_t columns)
{
    ag_tensor *tensor =
        ag_tensor_create_zeros(arena, columns == 1 ? 1 : 2, (uint32_t[]){POINTS, columns});
    for (uint32_t i = 0; tensor != NULL && i < POINTS; i++) {
        float x = LEFT_END + (RIGHT_END - LEFT_END) * (float)i / (POINTS - 1);
        tensor->data[i * columns] = fit(op, input, x);
    }
    return tensor;
}

/* The same target everywhere: t, or rows of t and 1 - t. */
static ag_tensor *constant(ag_arena *arena, float t, uint32_t columns)
{
    ag_tensor *tensor =
        ag_tensor_create_zeros(arena, columns == 1 ? 1 : 2, (uint32_t[]){POINTS, columns});
    for (uint32_t i = 0; tensor != NULL && i < POINTS * columns; i++)
        tensor->data[i] = i % columns == 0 ? t : 1 - t;
    return tensor;
}

static ag_status draw_curve(ag_arena *arena, const ag__op *op, float t, curve *drawn)
{
    uint32_t columns = is_elementwise(op) ? 1 : 2, length = POINTS;
    ag__call call = call_of(op);
    call.inputs[0] = points(arena, op, 0, columns);
    if (op->num_inputs == 2) call.inputs[1] = constant(arena, t, columns);
    ag_tensor *value = ag_tensor_create(arena, 1, &length), *upstream = constant(arena, 1, 1);
    ag_tensor *slope = ag_tensor_create(arena, columns, (uint32_t[]){POINTS, columns});
    ag_status status = ag__call_value(&call, value);
    if (status == AG_OK) status = ag__call_gradient(&call, upstream, &slope);
    if (status != AG_OK) return status;
    for (size_t i = 0; i < POINTS; i++)
        drawn->x[i] = call.inputs[0]->data[i * columns];
    drawn->value = value->data;
    drawn->slope = slope->data;
    drawn->slope_stride = columns;
    snprintf(drawn->name, sizeof drawn->name, op->num_inputs == 2 ? "target %g" : "", (double)t);
    return AG_OK;
}

static ag_status save_curves(const char *folder, const ag__op *op, size_t count,
                             const curve *curves)
{
    char path[512], x_label[64], title[64];
    float slopes[MAX_CURVES][POINTS];
    ag_plot_series value[MAX_CURVES], slope[MAX_CURVES];
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < POINTS; k++)
            slopes[i][k] = curves[i].slope[k * curves[i].slope_stride];
        value[i] = (ag_plot_series){.name = count > 1 ? curves[i].name : NULL,
                                    .style = AG_PLOT_LINE,
                                    .color = (uint32_t)i,
                                    .count = POINTS,
                                    .x = curves[i].x,
                                    .y = curves[i].value};
        slope[i] = value[i];
        slope[i].y = slopes[i];
    }
    ag_plot_panel panels[] = {{.y_label = "value", .num_series = count, .series = value},
                              {.y_label = "slope", .num_series = count, .series = slope}};
    snprintf(x_label, sizeof x_label,
             is_elementwise(op) ? "%s" : "%s of one class, 0 for the other", op->input_names[0]);
    snprintf(path, sizeof path, "%s/%s.svg", folder, op->name);
    snprintf(title, sizeof title, op->parameter_name != NULL ? "%s, %s %g" : "%s", op->name,
             op->parameter_name, (double)PARAMETER);
    return ag_save_plot(path, &(ag_plot){title, x_label, 2, panels});
}

static ag_status draw(ag_arena *arena, const char *folder, const ag__op *op)
{
    static const float targets[] = {1, 0, -1};
    static curve curves[MAX_CURVES];
    size_t count = 0;
    if (op->num_inputs > 2 || (op->num_inputs == 1 && !is_elementwise(op))) return AG_OK;
    for (size_t i = 0; i < (op->num_inputs == 1 ? 1 : 3); i++) {
        bool allowed = op->num_inputs == 1 || fit(op, 1, targets[i]) == targets[i];
        if (!allowed || (count == 2 && targets[i] < 0)) continue;
        ag_status status = draw_curve(arena, op, targets[i], &curves[count++]);
        if (status != AG_OK) return status;
    }
    return count == 0 ? AG_OK : save_curves(folder, op, count, curves);
}

/* ---- examples ---- */

static void print_numbers(FILE *file, const char *what, const ag_tensor *tensor)
{
    fprintf(file, "%-14s", what);
    for (size_t i = 0; i < tensor->size; i++) {
        bool new_row = tensor->ndims > 1 && i > 0 && i % tensor->shape[tensor->ndims - 1] == 0;
        fprintf(file, "%s %9.4g", new_row ? "\n              " : "", (double)tensor->data[i]);
    }
    fprintf(file, "\n");
}

/* Of one dimension for an elementwise loss, otherwise two rows; one label for each if there are labels. */
static ag_tensor *example_input(ag_arena *arena, const ag__op *op, uint32_t input)
{
    static const float predictions[] = {0.5f, -1, 2, 0.25f, 1.5f, -0.5f},
                       targets[] = {1, 0, 0, 0, 1, 0};
    bool last = op->num_inputs > 1 && input == op->num_inputs - 1;
    bool is_label = last && op->labels_rows;
    uint32_t ndims = is_elementwise(op) || is_label ? 1 : 2;
    const uint32_t line[] = {is_label ? 2 : 4}, rows[] = {2, 3};
    ag_tensor *tensor = ag_tensor_create(arena, ndims, ndims == 1 ? line : rows);
    for (size_t i = 0; tensor != NULL && i < tensor->size; i++)
        tensor->data[i] = fit(op, input, last ? targets[i] : predictions[(i + 2 * input) % 6]);
    return tensor;
}

static void print_call(FILE *file, const ag__op *op)
{
    fprintf(file, "ag_variable *loss = ag_%s(arena", op->name);
    for (uint32_t i = 0; i < op->num_inputs; i++)
        fprintf(file, ", %s", op->input_names[i]);
    fprintf(file, "%s, AG_REDUCTION_MEAN);\n\n", op->parameter_name != NULL ? ", 0.5f" : "");
}

static ag_status write_example(ag_arena *arena, const char *folder, const ag__op *op)
{
    char path[512], what[64];
    const uint32_t scalar[] = {1};
    ag__call call = call_of(op);
    call.reduction = AG_REDUCTION_MEAN;
    ag_tensor *outs[AG__MAX_INPUTS] = {NULL};
    for (uint32_t i = 0; i < op->num_inputs; i++) {
        call.inputs[i] = example_input(arena, op, i);
        if (call.inputs[i] == NULL) return ag_last_status();
        if (i < op->num_differentiable)
            outs[i] = ag_tensor_create(arena, call.inputs[i]->ndims, call.inputs[i]->shape);
    }
    ag_tensor *value = ag_tensor_create(arena, 1, scalar);
    ag_status status = ag__call_value_and_gradient(&call, value, outs);
    if (status != AG_OK) return status;
    snprintf(path, sizeof path, "%s/%s.txt", folder, op->name);
    FILE *file = fopen(path, "w");
    if (file == NULL) return AG_ERROR_FILE;
    print_call(file, op);
    for (uint32_t i = 0; i < op->num_inputs; i++)
        print_numbers(file, op->input_names[i], call.inputs[i]);
    print_numbers(file, "loss", value);
    for (uint32_t i = 0; i < op->num_differentiable; i++) {
        snprintf(what, sizeof what, "d/d %s", op->input_names[i]);
        print_numbers(file, what, outs[i]);
    }
    return fclose(file) == 0 ? AG_OK : AG_ERROR_FILE;
}

/* ---- all of them ---- */

/* An operation that this program does not understand is named, and has no picture. */
static void note(const ag__op *op, const char *what, ag_status status)
{
    if (status != AG_OK) fprintf(stderr, "no %s of %s: %s\n", what, op->name, ag_last_error());
    ag_clear_error();
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";
    ag_arena *arena = ag_arena_create(0);
    if (arena == NULL) return 1;
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        note(losses[i], "picture", draw(arena, folder, losses[i]));
        note(losses[i], "example", write_example(arena, folder, losses[i]));
        ag_arena_reset(arena);
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (is_elementwise(functions[i]) && functions[i]->num_inputs == 1)
            note(functions[i], "picture", draw(arena, folder, functions[i]));
    ag_arena_destroy(arena);
    return 0;
}
