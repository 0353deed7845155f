/* multilabel_soft_margin.c: the mean binary cross-entropy of the logits of a row. */
#include "config.h"

#include "core/cpu.h"
#include "tensor/loss/bce_with_logits.h"
#include "tensor/loss/domain.h"
#include "tensor/rowwise.h"

typedef void points_kernel(size_t, const float *, const float *, double *, double *);

AG__INLINE void compute_points(size_t n, const float *restrict logits, const float *restrict target,
                               double *restrict values, double *restrict slopes)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        ag__point at = bce_with_logits_loss_law((double)logits[i], (double)target[i], 0);
        values[i] = ag__value_of(at, true);
        slopes[i] = at.slope;
    }
}

AG__DEFINE_KERNELS(kernels, points_kernel, compute_points,
                   (size_t n, const float *logits, const float *target, double *values,
                    double *slopes),
                   (n, logits, target, values, slopes))

static void weigh(size_t n, const float *weights, double *values, double *slopes)
{
    for (size_t i = 0; i < n; i++) {
        values[i] *= (double)weights[i];
        slopes[i] *= (double)weights[i];
    }
}

static void compute_row(const ag__rows *rows, const float *class_weights, size_t index)
{
    double values[AG__CHUNK], slopes[AG__CHUNK], sum = 0;
    size_t offset = index * rows->n;
    for (size_t i = 0, n; i < rows->n; i += n) {
        n = ag__chunk_length(rows->n - i);
        kernels[ag__cpu()](n, rows->inputs[0] + offset + i, rows->inputs[1] + offset + i, values,
                           slopes);
        if (class_weights != NULL) weigh(n, class_weights + i, values, slopes);
        sum += ag__sum(n, values);
        if (rows->sinks != NULL)
            ag__store_gradient(n, slopes, NULL, rows->scales[index] / (double)rows->n,
                               &rows->sinks[0], offset + i);
    }
    if (rows->values != NULL) rows->values[index] = sum / (double)rows->n;
}

static void compute(const ag__rows *rows)
{
    const ag_tensor *weights = rows->options != NULL ? rows->options->class_weights : NULL;
    for (size_t row = 0; row < rows->count; row++)
        compute_row(rows, weights != NULL ? weights->data : NULL, row);
}

const ag__op ag__op_multilabel_soft_margin_loss = {
    .name = "multilabel_soft_margin_loss",
    .num_inputs = 2,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"logits", "target"},
    .domains = {{0}, AG__PROBABILITY},
    .takes_reduction = true,
    .options = AG__TAKES(class_weights),
    AG__ROWWISE,
    .law = &(const ag__rowwise){compute},
    .nanoseconds = 2 * AG__TRANSCENDENTAL,
};
