/* multi_margin.c: the hinge of each class of a row against the right one. */
#include "config.h"

#include "core/cpu.h"
#include "core/status.h"
#include "tensor/loss/labels.h"

typedef void hinges_kernel(size_t, const float *, double, double, bool, double *, double *);

/*
 * max(0, z) or its square, of z = margin + (x_c - label), and its slope; NaN goes into both. Logits first: their
 * difference may be small where they are so large that a margin is lost beside one.
 */
AG__INLINE void compute_hinges(size_t n, const float *restrict x, double margin, double label,
                               bool squared, double *restrict values, double *restrict slopes)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double z = margin + ((double)x[i] - label), missing = z <= 0 ? 0 : z;
        double sign = z > 0 ? 1 : missing;
        values[i] = squared ? missing * missing : missing;
        slopes[i] = squared ? 2 * missing : sign;
    }
}

AG__DEFINE_KERNELS(kernels, hinges_kernel, compute_hinges,
                   (size_t n, const float *x, double margin, double label, bool squared,
                    double *values, double *slopes),
                   (n, x, margin, label, squared, values, slopes))

typedef struct hinges {
    double values[AG__CHUNK], slopes[AG__CHUNK];
} hinges;

/* Of a row's n ≤ AG__CHUNK classes from `first` on; the right class has none. */
static void hinges_of(const ag__rows *rows, size_t index, size_t first, size_t n, hinges *out)
{
    const float *x = rows->inputs[0] + index * rows->n;
    size_t label = (size_t)rows->labels[index];
    bool squared = rows->options != NULL && rows->options->norm == 2;
    kernels[ag__cpu()](n, x + first, rows->parameter, (double)x[label], squared, out->values,
                       out->slopes);
    if (label < first || label - first >= n) return;
    out->values[label - first] = out->slopes[label - first] = 0;
}

static void compute_row(const ag__rows *rows, double weight, size_t index)
{
    hinges h;
    double value = 0, steepness = 0;
    size_t label = (size_t)rows->labels[index];
    for (size_t i = 0, n; i < rows->n; i += n) {
        n = ag__chunk_length(rows->n - i);
        hinges_of(rows, index, i, n, &h);
        value += ag__sum(n, h.values);
        steepness += ag__sum(n, h.slopes);
    }
    if (rows->values != NULL) rows->values[index] = weight * value;
    for (size_t i = 0, n; rows->sinks != NULL && i < rows->n; i += n) {
        n = ag__chunk_length(rows->n - i);
        if (rows->n > AG__CHUNK) hinges_of(rows, index, i, n, &h); /* else they are still there */
        if (label >= i && label - i < n) h.slopes[label - i] = -steepness;
        ag__store_gradient(n, h.slopes, NULL, rows->scales[index] * weight, &rows->sinks[0],
                           index * rows->n + i);
    }
}

static void compute(const ag__rows *rows)
{
    ag__target_change change = ag__target_change_of(rows);
    for (size_t row = 0; row < rows->count; row++) {
        double weight = ag__class_weight(&change, (size_t)rows->labels[row]);
        compute_row(rows, weight / (double)rows->n, row);
    }
    ag__count_correct(rows);
}

static ag_status infer_shape(const ag__call *call, ag__shape *shape)
{
    float norm = call->options != NULL ? call->options->norm : 0;
    if (norm == 0 || norm == 1 || norm == 2) return ag__rowwise_infer_shape(call, shape);
    return ag__fail(AG_ERROR_ARGUMENT, "%s: norm is %g but must be 1 or 2", call->op->name,
                    (double)norm);
}

const ag__op ag__op_multi_margin_loss = {
    .name = "multi_margin_loss",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .takes_labels = true,
    .input_names = {"logits"},
    .parameter_name = "margin",
    .takes_reduction = true,
    .counts_rows = true,
    .options = AG__TAKES(class_weights) | AG__TAKES(has_ignore_index) | AG__TAKES(norm) |
               AG__TAKES(num_correct),
    .infer_shape = infer_shape,
    .forward = ag__rowwise_forward,
    .forward_with_gradients = ag__rowwise_both,
    .backward = ag__rowwise_backward,
    .by_rows = true,
    .law = &(const ag__rowwise){compute},
    .nanoseconds = 2 * AG__CHEAP,
};
