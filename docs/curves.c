/*
 * curves.c: value and slope of an operation as its first input changes, for one or more targets.
 *
 * What goes element by element is drawn over x. Of a row loss the first input is [x, 0], and the target
 * [t, 1 - t] or a class; where it has three inputs, they are [x, 1], [1, 0] and a label or [t, 1 - t].
 */
#include "config.h"

#include "pictures.h"

#include <stdio.h>

#define POINTS 401
#define LEFT_END -4.0f
#define RIGHT_END 4.0f
#define MAX_CURVES 2

/* x and what becomes of it, for one target. */
typedef struct curve {
    char name[48];
    float x[POINTS];
    const float *value;
    const float *slope;
    size_t slope_stride;
} curve;

/* ---- inputs ---- */

/* POINTS numbers, or rows of two, all of them the same; of one column the second number is not used. */
static ag_tensor *constant(ag_arena *arena, uint32_t columns, float first, float second)
{
    ag_tensor *tensor =
        ag_tensor_create(arena, columns == 1 ? 1 : 2, (uint32_t[]){POINTS, columns});
    for (uint32_t i = 0; tensor != NULL && i < POINTS * columns; i++)
        tensor->data[i] = i % columns == 0 ? first : second;
    return tensor;
}

/* The first input: x, or rows of x and another number. */
static ag_tensor *points(ag_arena *arena, const ag__op *op, uint32_t columns, float second)
{
    ag_tensor *tensor = constant(arena, columns, 0, second);
    for (uint32_t i = 0; tensor != NULL && i < POINTS; i++) {
        float x = LEFT_END + (RIGHT_END - LEFT_END) * (float)i / (POINTS - 1);
        tensor->data[i * columns] = fit(op, 0, x);
    }
    return tensor;
}

/* A label for each point, or a list of one. */
static ag_indices *labels(ag_arena *arena, const ag__op *op, int32_t label)
{
    uint32_t each = op->lists_labels ? 2 : 1;
    ag_indices *indices = ag_indices_create(arena, each, (uint32_t[]){POINTS, each});
    for (size_t i = 0; indices != NULL && i < indices->size; i++)
        indices->data[i] = i % each == 0 ? label : -1;
    return indices;
}

static void create_inputs(ag_arena *arena, ag__call *call, float t)
{
    const ag__op *op = call->op;
    uint32_t columns = is_elementwise(op) ? 1 : 2, target = op->num_inputs - 1;
    bool one_each = columns == 1 || op->labels_rows;
    call->inputs[0] = points(arena, op, columns, op->num_inputs == 3);
    if (op->num_inputs == 3) call->inputs[1] = constant(arena, columns, 1, 0);
    if (target > 0) call->inputs[target] = constant(arena, one_each ? 1 : 2, t, 1 - t);
    if (op->takes_labels) call->indices = labels(arena, op, t == 1 ? 0 : 1);
}

/* ---- curves ---- */

static bool has_targets(const ag__op *op)
{
    return op->num_inputs > 1 || op->takes_labels;
}

static bool has_negatives(const ag__op *op)
{
    return op->num_inputs == 3 && op->by_rows && !op->labels_rows;
}

static bool allowed(const ag__op *op, float t)
{
    if (op->takes_labels) return t >= 0;
    if (has_negatives(op)) return t <= 0; /* at 1 it would be the positive */
    return fit(op, op->num_inputs - 1, t) == t;
}

static void name_curve(curve *named, const ag__op *op, float t)
{
    if (op->takes_labels)
        snprintf(named->name, sizeof named->name, "%s", t == 1 ? "its label" : "the other label");
    else if (has_negatives(op))
        snprintf(named->name, sizeof named->name, "negative [%g, %g]", (double)t, (double)(1 - t));
    else
        snprintf(named->name, sizeof named->name, "target %g", (double)t);
}

static ag_status compute_curve(ag_arena *arena, const ag__op *op, float t, curve *computed)
{
    uint32_t columns = is_elementwise(op) ? 1 : 2, length = POINTS;
    ag__call call = call_of(op);
    create_inputs(arena, &call, t);
    ag_tensor *value = ag_tensor_create(arena, 1, &length);
    ag_tensor *slopes[AG__MAX_INPUTS] = {
        ag_tensor_create(arena, columns, (uint32_t[]){POINTS, columns})};
    ag_status status = ag__call_value(&call, value);
    if (status == AG_OK) status = ag__call_gradient(&call, constant(arena, 1, 1, 0), slopes);
    if (status != AG_OK) return status;
    for (size_t i = 0; i < POINTS; i++)
        computed->x[i] = call.inputs[0]->data[i * columns];
    computed->value = value->data;
    computed->slope = slopes[0]->data;
    computed->slope_stride = columns;
    name_curve(computed, op, t);
    return AG_OK;
}

/* ---- pictures ---- */

/* What x is. */
static void label_axis(size_t bytes, char *label, const ag__op *op)
{
    const char *const *names = op->input_names;
    if (op->num_inputs < 3)
        snprintf(label, bytes, is_elementwise(op) ? "%s" : "%s of one class, 0 for the other",
                 names[0]);
    else if (is_elementwise(op))
        snprintf(label, bytes, "%s; %s is 1", names[0], names[1]);
    else
        snprintf(label, bytes, "x, where %s is [x, 1] and %s is [1, 0]", names[0], names[1]);
}

/* The operation and its parameters. */
static void write_title(size_t bytes, char *title, const ag__op *op)
{
    ag__call call = call_of(op);
    int written = snprintf(title, bytes, "%s", op->name);
    if (op->parameter_name != NULL)
        written += snprintf(title + written, bytes - (size_t)written, ", %s %g", op->parameter_name,
                            (double)call.parameter);
    if (op->second_parameter_name != NULL)
        snprintf(title + written, bytes - (size_t)written, ", %s %g", op->second_parameter_name,
                 (double)call.second_parameter);
}

static ag_status save_curves(const char *folder, const ag__op *op, size_t count,
                             const curve *curves)
{
    char path[512], x_label[96], title[96];
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
    label_axis(sizeof x_label, x_label, op);
    snprintf(path, sizeof path, "%s/%s.svg", folder, op->name);
    write_title(sizeof title, title, op);
    return ag_save_plot(path, &(ag_plot){title, x_label, 2, panels});
}

ag_status draw(ag_arena *arena, const char *folder, const ag__op *op)
{
    static const float targets[] = {1, 0, -1};
    static curve curves[MAX_CURVES];
    size_t count = 0, most = has_targets(op) ? 2 : 1;
    if (op->num_inputs == 1 && !is_elementwise(op) && !op->takes_labels) return AG_OK;
    for (size_t i = 0; i < 3 && count < most; i++) {
        if (has_targets(op) && !allowed(op, targets[i])) continue;
        ag_status status = compute_curve(arena, op, targets[i], &curves[count++]);
        if (status != AG_OK) return status;
    }
    return save_curves(folder, op, count, curves);
}
