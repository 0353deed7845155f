/* multilabel_margin.c: the hinge of each class that is no label of its row against each that is one. */
#include "config.h"

#include <string.h>

#include "core/cpu.h"
#include "tensor/rowwise.h"

typedef void hinges_kernel(size_t, const float *, const double *, double, double, double *,
                           double *);

/*
 * Adds max(0, z) of z = margin + (x_c - label), and its slope, for every class but labels; NaN goes into both.
 * Logits first: their difference may be small where they are so large that a margin is lost beside one.
 */
AG__INLINE void add_hinges(size_t n, const float *restrict x, const double *restrict is_label,
                           double margin, double label, double *restrict values,
                           double *restrict slopes)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double z = is_label[i] != 0 ? 0 : margin + ((double)x[i] - label);
        double missing = z <= 0 ? 0 : z;
        values[i] += missing;
        slopes[i] += z > 0 ? 1 : missing;
    }
}

AG__DEFINE_KERNELS(kernels, hinges_kernel, add_hinges,
                   (size_t n, const float *x, const double *is_label, double margin, double label,
                    double *values, double *slopes),
                   (n, x, is_label, margin, label, values, slopes))

typedef struct label_row {
    size_t n;
    const float *x;
    double margin;
    const int32_t *labels;
    size_t num_labels;
} label_row;

/* is_label is 1 for labels, 0 for the classes that are held against them. */
typedef struct hinges {
    double is_label[AG__CHUNK], values[AG__CHUNK], slopes[AG__CHUNK];
} hinges;

static label_row row_at(const ag__rows *rows, size_t index)
{
    label_row row = {
        .n = rows->n,
        .x = rows->inputs[0] + index * rows->n,
        .margin = rows->parameter,
        .labels = rows->labels + index * rows->n,
    };
    while (row.num_labels < row.n && row.labels[row.num_labels] >= 0)
        row.num_labels++;
    return row;
}

/* Which of n classes from `first` on are labels. */
static void mark_labels(const label_row *row, size_t first, size_t n, double *is_label)
{
    memset(is_label, 0, n * sizeof *is_label);
    for (size_t k = 0; k < row->num_labels; k++) {
        size_t label = (size_t)row->labels[k];
        if (label >= first && label - first < n) is_label[label - first] = 1;
    }
}

/* Of n ≤ AG__CHUNK classes from `first` on, which have been marked, against some of the row's labels. */
static void hinges_of(const label_row *row, size_t first, size_t n, const int32_t *labels,
                      size_t count, hinges *out)
{
    memset(out->values, 0, n * sizeof *out->values);
    memset(out->slopes, 0, n * sizeof *out->slopes);
    for (size_t k = 0; k < count; k++)
        kernels[ag__cpu()](n, row->x + first, out->is_label, row->margin, (double)row->x[labels[k]],
                           out->values, out->slopes);
}

/* Takes from the slopes of some labels by how much the row's hinges fall as their logits rise. */
static void take_steepness(const label_row *row, const int32_t *labels, size_t count,
                           double *const *slopes)
{
    hinges h;
    double steepness[AG__CHUNK] = {0};
    for (size_t i = 0, n; i < row->n; i += n) {
        n = ag__chunk_length(row->n - i);
        mark_labels(row, i, n, h.is_label);
        for (size_t k = 0; k < count; k++) {
            hinges_of(row, i, n, &labels[k], 1, &h);
            steepness[k] += ag__sum(n, h.slopes);
        }
    }
    for (size_t k = 0; k < count; k++)
        *slopes[k] -= steepness[k];
}

/* Fills in those of n classes from `first` on that are labels: one that stands twice counts twice. */
static void set_slopes_of_labels(const label_row *row, size_t first, size_t n, double *slopes)
{
    int32_t labels[AG__CHUNK];
    double *places[AG__CHUNK];
    size_t count = 0;
    for (size_t k = 0; k < row->num_labels; k++) {
        size_t label = (size_t)row->labels[k];
        if (label < first || label - first >= n) continue;
        labels[count] = row->labels[k];
        places[count++] = &slopes[label - first];
        if (count < AG__CHUNK) continue;
        take_steepness(row, labels, count, places);
        count = 0;
    }
    if (count > 0) take_steepness(row, labels, count, places);
}

static void compute_row(const ag__rows *rows, size_t index)
{
    hinges h;
    double sum = 0;
    label_row row = row_at(rows, index);
    for (size_t i = 0, n; i < row.n; i += n) {
        n = ag__chunk_length(row.n - i);
        mark_labels(&row, i, n, h.is_label);
        hinges_of(&row, i, n, row.labels, row.num_labels, &h);
        sum += ag__sum(n, h.values);
        if (rows->sinks == NULL) continue;
        set_slopes_of_labels(&row, i, n, h.slopes);
        ag__store_gradient(n, h.slopes, NULL, rows->scales[index] / (double)row.n, &rows->sinks[0],
                           index * row.n + i);
    }
    if (rows->values != NULL) rows->values[index] = sum / (double)row.n;
}

static void compute(const ag__rows *rows)
{
    for (size_t row = 0; row < rows->count; row++)
        compute_row(rows, row);
}

const ag__op ag__op_multilabel_margin_loss = {
    .name = "multilabel_margin_loss",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .takes_labels = true,
    .lists_labels = true,
    .input_names = {"logits"},
    .parameter_name = "margin",
    .takes_reduction = true,
    AG__ROWWISE,
    .law = &(const ag__rowwise){compute},
    .nanoseconds = 8 * AG__CHEAP,
};
