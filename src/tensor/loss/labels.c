/* labels.c: targets of rows that are given as classes, or changed by options. */
#include "config.h"

#include "tensor/loss/labels.h"

#include "tensor/softmax_row.h"

ag__target_change ag__target_change_of(const ag__rows *rows)
{
    const ag_loss_options *options = rows->options;
    if (options == NULL) return (ag__target_change){.keep = 1};
    double smoothing = (double)options->label_smoothing;
    const ag_tensor *class_weights = options->class_weights;
    return (ag__target_change){
        .keep = 1 - smoothing,
        .spread = smoothing / (double)rows->n,
        .class_weights = class_weights != NULL ? class_weights->data : NULL,
        .z_loss = (double)options->z_loss,
    };
}

static void change_label(const ag__rows *rows, const ag__target_change *change, size_t row,
                         size_t offset, size_t n, double *out, size_t stride)
{
    size_t label = (size_t)rows->labels[row];
    for (size_t c = 0; c < n; c++)
        out[c * stride] = change->spread * ag__class_weight(change, offset + c);
    if (label >= offset && label - offset < n)
        out[(label - offset) * stride] += change->keep * ag__class_weight(change, label);
}

void ag__changed_targets(const ag__rows *rows, const ag__target_change *change, size_t row,
                         size_t offset, size_t n, double *out, size_t stride)
{
    if (rows->labels != NULL) {
        change_label(rows, change, row, offset, n, out, stride);
        return;
    }
    const float *target = rows->inputs[1] + row * rows->n + offset;
    for (size_t c = 0; c < n; c++)
        out[c * stride] = ag__class_weight(change, offset + c) *
                          (change->keep * (double)target[c] + change->spread);
}

static bool is_correct(size_t n, const float *x, size_t label)
{
    float maximum = ag__row_maximum(n, x);
    bool correct = x[label] == maximum;
    for (size_t c = 0; correct && c < n; c++)
        correct = x[c] == x[c] && (c >= label || x[c] != maximum);
    return correct;
}

void ag__count_correct(const ag__rows *rows)
{
    if (rows->num_correct == NULL) return;
    for (size_t row = 0; row < rows->count; row++)
        *rows->num_correct +=
            is_correct(rows->n, rows->inputs[0] + row * rows->n, (size_t)rows->labels[row]);
}
