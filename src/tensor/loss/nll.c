/*
 * nll.c: negative log-likelihood, -Σ_c t_c l_c for each row of log-probabilities l, for targets t that
 * are given or follow from labels.
 */
#include "config.h"

#include "core/wide.h"
#include "tensor/loss/labels.h"

#include <math.h>
#include <string.h>

/* A row is summed in so many lanes, lap after lap. */
#define LANES 32

typedef void sum_kernel(size_t, const float *, const float *, double *, double, float *);
typedef void terms_kernel(size_t, const float *, const float *, double *);

/* -t_c l_c; 0 for an impossible class (l_c = -∞) that is not wanted. */
AG__INLINE double class_term(double log_prob, double target)
{
    double term = -target * log_prob;
    return ((target == 0) & (log_prob == -HUGE_VAL)) ? 0 : term;
}

AG__INLINE void class_terms(size_t n, const float *restrict log_probs, const float *restrict target,
                            double *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = class_term((double)log_probs[i], (double)target[i]);
}

AG__INLINE void add_group(const ag__conversions *conversions, const float *log_probs,
                          const float *target, double *restrict sums, double scale, float *gradient)
{
    double l[AG__GROUP], t[AG__GROUP], slopes[AG__GROUP];
    conversions->widen(log_probs, l);
    conversions->widen(target, t);
#pragma omp simd
    for (size_t k = 0; k < AG__GROUP; k++) {
        sums[k] -= t[k] * l[k];
        slopes[k] = scale * t[k];
    }
    if (gradient != NULL) conversions->narrow(slopes, gradient);
}

/* As in elementwise.h, and without a look at impossible classes, which make the sum NaN. */
AG__INLINE void add_terms(const ag__conversions *conversions, size_t n, const float *log_probs,
                          const float *target, double *sums, double scale, float *gradient)
{
    double full[LANES];
    size_t i = 0;
    memcpy(full, sums, sizeof full);
    for (; n - i >= LANES; i += LANES) {
        if (n >= AG__AHEAD) {
            ag__fetch_ahead(LANES, log_probs + i);
            ag__fetch_ahead(LANES, target + i);
        }
        AG__UNROLL
        for (size_t k = 0; k < LANES; k += AG__GROUP)
            add_group(conversions, log_probs + i + k, target + i + k, full + k, scale,
                      gradient != NULL ? gradient + i + k : NULL);
    }
    memcpy(sums, full, sizeof full);
    for (; n - i >= AG__GROUP; i += AG__GROUP, sums += AG__GROUP)
        add_group(conversions, log_probs + i, target + i, sums, scale,
                  gradient != NULL ? gradient + i : NULL);
    for (size_t k = 0; k < n - i; k++) {
        double t = (double)target[i + k];
        sums[k] -= t * (double)log_probs[i + k];
        if (gradient != NULL) gradient[i + k] = (float)(scale * t);
    }
}

/* Adds to the sums of lanes, and writes scale · target if gradient is not NULL. */
AG__INLINE void sum_terms(const ag__conversions *conversions, size_t n, const float *log_probs,
                          const float *target, double *sums, double scale, float *gradient)
{
    if (gradient != NULL)
        add_terms(conversions, n, log_probs, target, sums, scale, gradient);
    else
        add_terms(conversions, n, log_probs, target, sums, 0, NULL);
}

AG__DEFINE_WIDE_KERNELS(sum_kernels, sum_kernel, sum_terms,
                        (size_t n, const float *log_probs, const float *target, double *sums,
                         double scale, float *gradient),
                        n, log_probs, target, sums, scale, gradient)
AG__DEFINE_KERNELS(terms_kernels, terms_kernel, class_terms,
                   (size_t n, const float *log_probs, const float *target, double *out),
                   (n, log_probs, target, out))

/* The sum of a row that may have impossible classes. */
static double sum_with_impossible(size_t n, const float *log_probs, const float *target)
{
    double sum = 0, terms[AG__CHUNK];
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        terms_kernels[ag__cpu()](length, log_probs + i, target + i, terms);
        sum += ag__sum(length, terms);
    }
    return sum;
}

/* Value and gradient in one loop, where the gradient is neither streamed nor added to another. */
static bool goes_together(const ag__rows *rows)
{
    return rows->values != NULL && rows->sinks != NULL && !rows->sinks[0].stream &&
           !rows->sinks[0].accumulate;
}

static void compute_long_row(const ag__rows *rows, size_t index)
{
    double sums[LANES] = {0};
    size_t offset = index * rows->n;
    const float *log_probs = rows->inputs[0] + offset, *target = rows->inputs[1] + offset;
    bool together = goes_together(rows);
    float *gradient = together ? rows->sinks[0].data + offset : NULL;
    for (size_t i = 0, n; i < rows->n; i += n) {
        n = together ? rows->n : ag__chunk_length(rows->n - i);
        if (rows->values != NULL)
            sum_kernels[ag__cpu()](n, log_probs + i, target + i, sums,
                                   together ? -rows->scales[index] : 0, gradient);
        if (rows->sinks == NULL || together) continue;
        ag__store_scaled(n, target + i, -rows->scales[index], &rows->sinks[0], offset + i);
    }
    if (rows->values == NULL) return;
    double sum = ag__sum(LANES, sums);
    rows->values[index] = isnan(sum) ? sum_with_impossible(rows->n, log_probs, target) : sum;
}

/* Rows that fit in a chunk together. */
static void compute_short_rows(const ag__rows *rows)
{
    double buffer[AG__CHUNK];
    size_t n = rows->n, all = rows->count * n;
    if (rows->values != NULL) {
        terms_kernels[ag__cpu()](all, rows->inputs[0], rows->inputs[1], buffer);
        for (size_t row = 0; row < rows->count; row++) {
            rows->values[row] = 0;
            for (size_t c = 0; c < n; c++)
                rows->values[row] += buffer[row * n + c];
        }
    }
    if (rows->sinks == NULL) return;
    for (size_t row = 0; row < rows->count; row++)
        for (size_t c = 0; c < n; c++)
            buffer[row * n + c] = -rows->scales[row] * (double)rows->inputs[1][row * n + c];
    ag__store_gradient(all, buffer, NULL, 1, &rows->sinks[0], 0);
}

/* ---- targets that class weights change ---- */

static void compute_changed_row(const ag__rows *rows, const ag__target_change *change, size_t index)
{
    double targets[AG__CHUNK], sum = 0;
    size_t offset = index * rows->n;
    const float *log_probs = rows->inputs[0] + offset;
    for (size_t i = 0, n; i < rows->n; i += n) {
        n = ag__chunk_length(rows->n - i);
        ag__changed_targets(rows, change, index, i, n, targets, 1);
        for (size_t c = 0; c < n; c++)
            sum += class_term((double)log_probs[i + c], targets[c]);
        if (rows->sinks == NULL) continue;
        ag__store_gradient(n, targets, NULL, -rows->scales[index], &rows->sinks[0], offset + i);
    }
    if (rows->values != NULL) rows->values[index] = sum;
}

/* ---- labels: one number of a row is read, and one of its gradient is not 0 ---- */

static void compute_labelled_row(const ag__rows *rows, const ag__target_change *change,
                                 size_t index)
{
    size_t label = (size_t)rows->labels[index], at = index * rows->n + label;
    double weight = ag__class_weight(change, label);
    if (rows->values != NULL) rows->values[index] = class_term((double)rows->inputs[0][at], weight);
    if (rows->sinks == NULL) return;
    double scale = rows->scales[index];
    ag__sink sink = ag__sink_at(&rows->sinks[0], index * rows->n);
    ag__store_zero(rows->n, scale, &sink);
    ag__put(&sink, label, -scale * weight);
}

/* ---- the loss ---- */

static void compute_given(const ag__rows *rows)
{
    if (rows->n <= AG__CHUNK / AG__ROWS)
        compute_short_rows(rows);
    else
        for (size_t row = 0; row < rows->count; row++)
            compute_long_row(rows, row);
}

static void compute(const ag__rows *rows)
{
    ag__target_change change = ag__target_change_of(rows);
    bool labelled = rows->labels != NULL;
    if (!labelled && change.class_weights == NULL) {
        compute_given(rows);
        return;
    }
    for (size_t row = 0; row < rows->count; row++)
        (labelled ? compute_labelled_row : compute_changed_row)(rows, &change, row);
    ag__count_correct(rows);
}

const ag__op ag__op_nll_loss = {
    .name = "nll_loss",
    .num_inputs = 2,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"log_probs", "target"},
    .takes_reduction = true,
    .options = AG__TAKES(class_weights),
    AG__ROWWISE,
    .law = &(const ag__rowwise){compute},
    .nanoseconds = AG__CHEAP,
};

const ag__op ag__op_nll_labels_loss = {
    .name = "nll_labels_loss",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .takes_labels = true,
    .input_names = {"log_probs"},
    .takes_reduction = true,
    .options = AG__TAKES(class_weights) | AG__TAKES(has_ignore_index) | AG__TAKES(num_correct),
    AG__ROWWISE,
    .law = &(const ag__rowwise){compute},
    .nanoseconds = AG__CHEAP,
};
