/* options.c: the checks of a loss's options and labels. */
#include "config.h"

#include "tensor/options.h"

#include <stddef.h>
#include <string.h>

#include "core/status.h"
#include "tensor/op.h"

typedef enum kind { TENSOR, NUMBER, FLAG, POINTER } kind;

typedef struct option {
    const char *name;
    kind kind;
    size_t offset; /* in ag_loss_options */
    float lowest, highest;
    const char *range;
} option;

#define ENTRY(member, name, kind, lowest, highest, range)                                          \
    {name, kind, offsetof(ag_loss_options, member), lowest, highest, range},
static const option table[AG__NUM_OPTIONS] = {AG__OPTION_TABLE(ENTRY)};

/* ---- members by their number ---- */

static const void *member(const ag_loss_options *options, uint32_t index)
{
    return (const char *)options + table[index].offset;
}

static const ag_tensor *tensor_at(const ag_loss_options *options, uint32_t index)
{
    return *(const ag_tensor *const *)member(options, index);
}

static float number_at(const ag_loss_options *options, uint32_t index)
{
    return *(const float *)member(options, index);
}

static bool is_set(const ag_loss_options *options, uint32_t index)
{
    switch (table[index].kind) {
    case TENSOR: return tensor_at(options, index) != NULL;
    case NUMBER: return number_at(options, index) != 0; /* NaN is set, and wrong */
    case FLAG: return *(const bool *)member(options, index);
    case POINTER: break;
    }
    return *(size_t *const *)member(options, index) != NULL;
}

const ag__op *ag__variant(const ag__op *op, const ag_loss_options *options)
{
    return options != NULL && op->variant != NULL ? op->variant(options) : op;
}

const ag_loss_options *ag__beyond_reduction(const ag_loss_options *options)
{
    if (options == NULL) return NULL;
    bool any = options->divisor != AG_DIVISOR_AUTO || options->ignore_index != 0;
    for (uint32_t i = 0; i < AG__NUM_OPTIONS; i++)
        any = any || is_set(options, i);
    return any ? options : NULL;
}

/* ---- tensors ---- */

/* Whether there is a weight, finite and not negative, everywhere. */
static bool all_weights(size_t n, const float *x)
{
    int wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong |= !(x[i] >= 0) | !(x[i] <= FLT_MAX);
    return !wrong;
}

static ag_status check_weights(const ag__call *call, const char *name, const ag_tensor *weights)
{
    if (all_weights(weights->size, weights->data)) return AG_OK;
    size_t first = 0;
    while (all_weights(1, weights->data + first))
        first++;
    return ag__fail(
        AG_ERROR_DOMAIN, "%s: %s%s is %.9g but must be finite and at least 0", call->op->name, name,
        ag__index_text(weights->ndims, weights->shape, first).text, (double)weights->data[first]);
}

/* Whether the shape is right, and what it must be. */
typedef struct fit {
    bool good;
    const char *shape;
} fit;

static fit fit_of(const ag__call *call, uint32_t index, const ag_tensor *tensor)
{
    const ag_tensor *x = call->inputs[0];
    size_t classes =
        call->op->num_classes != NULL ? call->op->num_classes(call) : ag__tensor_columns(x);
    bool elements = ag_tensor_same_shape(tensor, x);
    bool rows = ag__one_per_row(tensor->ndims, tensor->shape, tensor->size, x);
    bool of_classes = tensor->ndims == 1 && tensor->size == classes;
    if (index == AG__OPTION_class_weights) return (fit){of_classes, "one weight for each class"};
    if (index == AG__OPTION_pos_weight)
        return (fit){tensor->size == 1 || of_classes || elements,
                     "one weight, or one for each class or element"};
    if (call->op->by_rows) return (fit){rows, "one weight for each row"};
    return (fit){elements || rows, "one weight for each element or row"};
}

static ag_status check_tensor(const ag__call *call, uint32_t index)
{
    const ag__op *op = call->op;
    const char *name = table[index].name;
    const ag_tensor *tensor = tensor_at(call->options, index);
    ag_status status = ag__tensor_check(op->name, name, tensor);
    if (status != AG_OK) return status;
    fit expected = fit_of(call, index, tensor);
    if (expected.good) return check_weights(call, name, tensor);
    return ag__fail(AG_ERROR_SHAPE, "%s: %s is %s but must hold %s of %s, %s", op->name, name,
                    ag__tensor_shape_text(tensor).text, expected.shape, op->input_names[0],
                    ag__tensor_shape_text(call->inputs[0]).text);
}

const ag_tensor *ag__option_tensor(const ag__call *call, uint32_t index, ag_tensor *indices,
                                   const char **name)
{
    static const char *const names[] = {"labels", "input_lengths", "target_lengths"};
    static const uint32_t tensors[] = {AG__OPTION_weights, AG__OPTION_class_weights,
                                       AG__OPTION_pos_weight};
    if (index < sizeof tensors / sizeof *tensors) {
        *name = table[tensors[index]].name;
        return call->options != NULL ? tensor_at(call->options, tensors[index]) : NULL;
    }
    uint32_t which = index - (uint32_t)(sizeof tensors / sizeof *tensors);
    const ag_indices *given = which == 0 ? call->indices : call->lengths[which - 1];
    *name = names[which];
    if (given == NULL) return NULL;
    *indices = (ag_tensor){.ndims = 1, .size = given->size};
    indices->data = (float *)given->data; /* only its place matters */
    return indices;
}

/* ---- options ---- */

static ag_status check_number(const ag__call *call, uint32_t index)
{
    float value = number_at(call->options, index);
    if (value >= table[index].lowest && value <= table[index].highest) return AG_OK;
    return ag__fail(AG_ERROR_ARGUMENT, "%s: %s is %g but must be %s", call->op->name,
                    table[index].name, (double)value, table[index].range);
}

static ag_status check_divisor(const ag__call *call)
{
    switch (call->options->divisor) {
    case AG_DIVISOR_AUTO:
    case AG_DIVISOR_COUNT:
    case AG_DIVISOR_WEIGHTS:
    case AG_DIVISOR_NONZERO: return AG_OK;
    }
    return ag__fail(AG_ERROR_ARGUMENT, "%s: divisor is %d, which is no ag_divisor", call->op->name,
                    (int)call->options->divisor);
}

static ag_status check_option(const ag__call *call, uint32_t index)
{
    const ag__op *op = call->op;
    if (!is_set(call->options, index)) return AG_OK;
    if (index != AG__OPTION_weights && (op->options & (1u << index)) == 0)
        return ag__fail(AG_ERROR_ARGUMENT, "%s: takes no %s", op->name, table[index].name);
    switch (table[index].kind) {
    case TENSOR: return check_tensor(call, index);
    case NUMBER: return check_number(call, index);
    case FLAG:
    case POINTER: break;
    }
    return AG_OK;
}

ag_status ag__options_check(const ag__call *call)
{
    if (call->options == NULL) return AG_OK;
    ag_status status = check_divisor(call);
    for (uint32_t i = 0; i < AG__NUM_OPTIONS && status == AG_OK; i++)
        status = check_option(call, i);
    if (status == AG_OK && call->options->ignore_index != 0 && !call->options->has_ignore_index)
        status =
            ag__fail(AG_ERROR_ARGUMENT, "%s: ignore_index is %ld but has_ignore_index is false",
                     call->op->name, (long)call->options->ignore_index);
    return status;
}

/* ---- labels ---- */

/* The first label that is neither a class nor, where there is one, the number that stands for none. */
static size_t find_wrong_label(const ag__call *call, size_t classes)
{
    const ag_indices *labels = call->indices;
    bool lists = call->op->lists_labels;
    bool has_ignored = lists || (call->options != NULL && call->options->has_ignore_index);
    int32_t ignored = lists ? -1 : has_ignored ? call->options->ignore_index : 0;
    size_t i = 0;
    while (i < labels->size && ((labels->data[i] >= 0 && (size_t)labels->data[i] < classes) ||
                                (has_ignored && labels->data[i] == ignored)))
        i++;
    return i;
}

static ag_status check_labels_shape(const ag__call *call)
{
    const ag_tensor *x = call->inputs[0];
    const ag_indices *labels = call->indices;
    bool lists = call->op->lists_labels;
    bool good = lists ? labels->ndims == x->ndims &&
                            memcmp(labels->shape, x->shape, x->ndims * sizeof *x->shape) == 0
                      : ag__one_per_row(labels->ndims, labels->shape, labels->size, x);
    if (good) return AG_OK;
    return ag__fail(AG_ERROR_SHAPE, "%s: labels is %s but must %s of %s, %s", call->op->name,
                    ag__shape_to_text(labels->ndims, labels->shape).text,
                    lists ? "have the shape" : "hold one for each row", call->op->input_names[0],
                    ag__tensor_shape_text(x).text);
}

ag_status ag__labels_check(const ag__call *call, size_t classes)
{
    const ag__op *op = call->op;
    const ag_indices *labels = call->indices;
    ag_status status = ag__indices_check(op->name, "labels", labels);
    if (status == AG_OK) status = check_labels_shape(call);
    if (status != AG_OK) return status;
    size_t wrong = find_wrong_label(call, classes);
    if (wrong == labels->size) return AG_OK;
    return ag__fail(AG_ERROR_DOMAIN, "%s: labels%s is %ld but there are %zu classes", op->name,
                    ag__index_text(labels->ndims, labels->shape, wrong).text,
                    (long)labels->data[wrong], classes);
}

double ag__weight_at(const ag__call *call, const ag_tensor *input, size_t offset)
{
    const ag_tensor *weights = call->options != NULL ? call->options->weights : NULL;
    if (weights == NULL) return 1;
    return (double)weights->data[offset / (input->size / weights->size)];
}
