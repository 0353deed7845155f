/* overlap.c: Dice and Tversky losses, 1 - (TP + s) / (TP + α FP + β FN + s) for each row. */
#include "config.h"

#include <string.h>

#include "core/cpu.h"
#include "core/status.h"
#include "tensor/loss/domain.h"
#include "tensor/rowwise.h"

#define LANES 16

/* Σ p t, Σ p (1 - t) and Σ (1 - p) t: terms of one sign, so that a perfect prediction misses nothing. */
typedef struct overlaps {
    double hits[LANES], false_alarms[LANES], misses[LANES];
} overlaps;

typedef void overlap_kernel(size_t, const float *, const float *, overlaps *);

AG__INLINE void add_overlaps(size_t n, const float *restrict pred, const float *restrict target,
                             overlaps *restrict sums)
{
    for (size_t i = 0; i < n; i += LANES) {
        size_t lanes = n - i < LANES ? n - i : LANES;
#pragma omp simd
        for (size_t k = 0; k < lanes; k++) {
            double p = (double)pred[i + k], t = (double)target[i + k];
            sums->hits[k] += p * t;
            sums->false_alarms[k] += p * (1 - t);
            sums->misses[k] += (1 - p) * t;
        }
    }
}

AG__DEFINE_KERNELS(overlap_kernels, overlap_kernel, add_overlaps,
                   (size_t n, const float *pred, const float *target, overlaps *sums),
                   (n, pred, target, sums))

/* What a row is weighed with. */
typedef struct law {
    double alpha, beta, smoothing;
} law;

/* With M = α FP + β FN and H = TP + s > 0: M / (H + M), whose derivative is (M' H - M t) / (H + M)². */
static void compute_row(const ag__rows *rows, const law *l, size_t index)
{
    size_t n = rows->n, offset = index * n;
    const float *pred = rows->inputs[0] + offset, *target = rows->inputs[1] + offset;
    overlaps sums;
    memset(&sums, 0, sizeof sums);
    overlap_kernels[ag__cpu()](n, pred, target, &sums);
    double missed =
        l->alpha * ag__sum(LANES, sums.false_alarms) + l->beta * ag__sum(LANES, sums.misses);
    double hits = ag__sum(LANES, sums.hits) + l->smoothing, all = hits + missed;
    if (rows->values != NULL) rows->values[index] = missed / all;
    if (rows->sinks == NULL) return;
    double for_hit = hits / all / all, for_miss = missed / all / all;
    double slopes[AG__CHUNK];
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        for (size_t c = 0; c < length; c++) {
            double t = (double)target[i + c];
            slopes[c] = (l->alpha * (1 - t) - l->beta * t) * for_hit - t * for_miss;
        }
        ag__store_gradient(length, slopes, NULL, rows->scales[index], &rows->sinks[0], offset + i);
    }
}

static void compute(const ag__rows *rows, law l)
{
    for (size_t row = 0; row < rows->count; row++)
        compute_row(rows, &l, row);
}

static double smoothing_of(const ag__rows *rows)
{
    bool given = rows->options != NULL && rows->options->epsilon != 0;
    return given ? (double)rows->options->epsilon : 1;
}

/* 1 - (2 TP + s) / (2 TP + FP + FN + s). */
static void compute_dice(const ag__rows *rows)
{
    compute(rows, (law){0.5, 0.5, 0.5 * smoothing_of(rows)});
}

static void compute_tversky(const ag__rows *rows)
{
    compute(rows, (law){rows->parameter, rows->second_parameter, smoothing_of(rows)});
}

static ag_status infer_tversky(const ag__call *call, ag__shape *shape)
{
    float beta = call->second_parameter;
    if (beta >= 0 && beta <= FLT_MAX) return ag__rowwise_infer_shape(call, shape);
    return ag__fail(AG_ERROR_ARGUMENT, "%s: %s is %g but must be finite and at least 0",
                    call->op->name, call->op->second_parameter_name, (double)beta);
}

#define OVERLAP                                                                                    \
    .num_inputs = 2, .num_parents = 1, .num_differentiable = 1, .input_names = {"pred", "target"}, \
    .domains = {AG__PROBABILITY, AG__PROBABILITY}, .takes_reduction = true,                        \
    .options = AG__TAKES(epsilon), .by_rows = true, .forward = ag__rowwise_forward,                \
    .forward_with_gradients = ag__rowwise_both, .backward = ag__rowwise_backward,                  \
    .nanoseconds = 2 * AG__CHEAP

const ag__op ag__op_dice_loss = {
    .name = "dice_loss",
    OVERLAP,
    .infer_shape = ag__rowwise_infer_shape,
    .law = &(const ag__rowwise){compute_dice},
};

const ag__op ag__op_tversky_loss = {
    .name = "tversky_loss",
    OVERLAP,
    .parameter_name = "alpha",
    .parameter_range = AG__FINITE_NOT_NEGATIVE,
    .second_parameter_name = "beta",
    .infer_shape = infer_tversky,
    .law = &(const ag__rowwise){compute_tversky},
};
