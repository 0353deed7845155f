/* worked_examples.c: a call of each loss, with its inputs, its value and its gradients. */
#include "config.h"

#include "pictures.h"

#include <math.h>
#include <stdio.h>

static void print_label(FILE *file, const char *what)
{
    fprintf(file, "%-14s", what);
}

static void print_numbers(FILE *file, const char *what, const ag_tensor *tensor)
{
    print_label(file, what);
    for (size_t i = 0; i < tensor->size; i++) {
        bool new_row = tensor->ndims > 1 && i > 0 && i % tensor->shape[tensor->ndims - 1] == 0;
        fprintf(file, "%s %9.4g", new_row ? "\n              " : "", (double)tensor->data[i]);
    }
    fprintf(file, "\n");
}

static void print_labels(FILE *file, const ag_indices *labels)
{
    print_label(file, "labels");
    for (size_t i = 0; i < labels->size; i++) {
        bool new_row = labels->ndims > 1 && i > 0 && i % labels->shape[1] == 0;
        fprintf(file, "%s %9d", new_row ? "\n              " : "", (int)labels->data[i]);
    }
    fprintf(file, "\n");
}

/* x where any number is allowed; else one that is inside the domain of what cannot be negative. */
static float moderate(const ag__op *op, uint32_t input, float x)
{
    if (fit(op, input, -2) == -2) return x;
    return fit(op, input, 2) == 2 ? 0.5f + fabsf(x) : 0.5f + x / 5;
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
        tensor->data[i] = fit(
            op, input, last ? targets[i] : moderate(op, input, predictions[(i + 2 * input) % 6]));
    return tensor;
}

static void print_call(FILE *file, const ag__op *op)
{
    fprintf(file, "ag_variable *loss = ag_%s(arena", op->name);
    for (uint32_t i = 0; i < op->num_inputs; i++)
        fprintf(file, ", %s", op->input_names[i]);
    if (op->takes_labels) fprintf(file, ", labels");
    if (op->parameter_name != NULL) fprintf(file, ", %gf", (double)call_of(op).parameter);
    if (op->second_parameter_name != NULL)
        fprintf(file, ", %gf", (double)call_of(op).second_parameter);
    fprintf(file, ", AG_REDUCTION_MEAN);\n\n");
}

static void print_example(FILE *file, const ag__call *call, const ag_tensor *value,
                          ag_tensor *const *gradients)
{
    const ag__op *op = call->op;
    char what[64];
    print_call(file, op);
    for (uint32_t i = 0; i < op->num_inputs; i++)
        print_numbers(file, op->input_names[i], call->inputs[i]);
    if (op->takes_labels) print_labels(file, call->indices);
    print_numbers(file, "loss", value);
    for (uint32_t i = 0; i < op->num_differentiable; i++) {
        snprintf(what, sizeof what, "d/d %s", op->input_names[i]);
        print_numbers(file, what, gradients[i]);
    }
}

/* A label for each of two rows, or a list of one and of two of three classes. */
static ag_indices *example_labels(ag_arena *arena, const ag__op *op)
{
    static const int32_t labels[] = {0, 1}, lists[] = {0, -1, -1, 1, 2, -1};
    return ag_indices_create_from(arena, op->lists_labels ? 2 : 1, (uint32_t[]){2, 3},
                                  op->lists_labels ? lists : labels);
}

ag_status write_example(ag_arena *arena, const char *folder, const ag__op *op)
{
    char path[512];
    const uint32_t scalar[] = {1};
    ag__call call = call_of(op);
    call.reduction = AG_REDUCTION_MEAN;
    if (op->takes_labels) call.indices = example_labels(arena, op);
    ag_tensor *gradients[AG__MAX_INPUTS] = {NULL};
    for (uint32_t i = 0; i < op->num_inputs; i++) {
        call.inputs[i] = example_input(arena, op, i);
        if (call.inputs[i] == NULL) return ag_last_status();
        if (i < op->num_differentiable)
            gradients[i] = ag_tensor_create(arena, call.inputs[i]->ndims, call.inputs[i]->shape);
    }
    ag_tensor *value = ag_tensor_create(arena, 1, scalar);
    ag_status status = ag__call_value_and_gradient(&call, value, gradients);
    if (status != AG_OK) return status;
    snprintf(path, sizeof path, "%s/%s.txt", folder, op->name);
    FILE *file = fopen(path, "w");
    if (file == NULL) return AG_ERROR_FILE;
    print_example(file, &call, value, gradients);
    return fclose(file) == 0 ? AG_OK : AG_ERROR_FILE;
}
