/* class_law.c: row losses of the softmax of a row, one class after the other. */
#include "config.h"

#include "tensor/loss/class_law.h"

#include <string.h>

#include "tensor/loss/labels.h"

typedef struct class_row {
    const ag__rows *rows;
    ag__class_kernel *kernel;
    ag__target_change change;
    size_t index;
    ag__softmax_row softmax;
} class_row;

static bool all_zero(size_t n, const double *x)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] != 0) return false;
    return true;
}

/* Values and weights of a chunk of classes; most targets are 0 in most chunks of one-hot rows. */
static void compute_chunk(const class_row *row, size_t offset, size_t n, double *values,
                          double *weights)
{
    double targets[AG__CHUNK];
    const ag__softmax_row *s = &row->softmax;
    ag__changed_targets(row->rows, &row->change, row->index, offset, n, targets, 1);
    memset(values, 0, n * sizeof *values);
    memset(weights, 0, n * sizeof *weights);
    for (size_t i = 0, length; i < n; i += length) {
        length = n - i < AG__CLASS_LANES ? n - i : AG__CLASS_LANES;
        if (all_zero(length, targets + i)) continue;
        row->kernel(length, s->x + offset + i, targets + i, s->maximum, s->others,
                    row->rows->parameter, values + i, weights + i);
    }
}

static void write_gradient(const class_row *row, double total)
{
    double values[AG__CHUNK], weights[AG__CHUNK], slopes[AG__CHUNK];
    size_t n = row->rows->n;
    ag__sink sink = ag__sink_at(&row->rows->sinks[0], row->index * n);
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        compute_chunk(row, i, length, values, weights);
        ag__softmax_gradient_wide(&row->softmax, i, length, weights, total,
                                  &(ag__slopes_out){.slopes = slopes});
        ag__store_gradient(length, slopes, NULL, row->rows->scales[row->index], &sink, i);
    }
}

static void compute_row(class_row *row)
{
    double keep[AG__KEPT_CLASSES], values[AG__CHUNK], weights[AG__CHUNK], total = 0;
    size_t n = row->rows->n;
    row->softmax =
        ag__softmax_of(n, row->rows->inputs[0] + row->index * n, ag__ahead(row->rows, row->index),
                       row->rows->sinks != NULL ? keep : NULL);
    double sum = 0 * row->softmax.others; /* NaN shows even where no class is wanted */
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        compute_chunk(row, i, length, values, weights);
        sum += ag__sum(length, values);
        total += ag__sum(length, weights);
    }
    if (row->rows->values != NULL) row->rows->values[row->index] = sum;
    if (row->rows->sinks != NULL) write_gradient(row, total);
}

void ag__compute_class_law(const ag__rows *rows, ag__class_kernel *kernel)
{
    class_row row = {.rows = rows, .kernel = kernel, .change = ag__target_change_of(rows)};
    for (; row.index < rows->count; row.index++)
        compute_row(&row);
}
