/*
 * cross_entropy.c: cross-entropy of logits, Σ_c t_c (log Σ_j e^x_j - x_c) for each row, for targets t
 * that are given or follow from labels.
 *
 * Long rows are computed one by one, with vectors of classes; short ones side by side, with vectors
 * of rows (cross_entropy_short.c). What a class contributes stands once, for both.
 */
#include "config.h"

#include "tensor/loss/cross_entropy.h"

#include "core/wide.h"

#include <string.h>

/* ---- sums over the classes of a row ---- */

/* Each in lanes of its own. */
typedef struct class_sums {
    double rest[AG__CLASS_LANES], times[AG__GROUP]; /* see ag__others */
    double terms[AG__GROUP], total[AG__GROUP];      /* of the targets */
} class_sums;

typedef void depths_kernel(size_t, const float *, const float *, double, size_t, class_sums *,
                           double *);
typedef void wide_kernel(size_t, const float *, const double *, double, class_sums *, double *);

AG__INLINE void add_some(size_t lanes, const double *x, const double *t, double m,
                         class_sums *restrict sums, double *restrict depths)
{
#pragma omp simd
    for (size_t k = 0; k < lanes; k++) {
        sums->times[k] += x[k] == m ? 1 : 0;
        sums->terms[k] += ag__class_term(x[k], t[k], m);
        sums->total[k] += t[k];
        depths[k] = ag__depth(x[k], m);
    }
}

/*
 * Writes n depths, and adds what follows from them and the targets, which are given in one of two forms.
 * `ahead` is ag__softmax_of's, also of targets as floats.
 */
AG__INLINE void measure_depths(const ag__conversions *conversions, size_t n, const float *x,
                               const float *t, const double *wide, double m, size_t ahead,
                               class_sums *restrict sums, double *restrict depths)
{
    class_sums full = *sums;
    double logits[AG__GROUP], targets[AG__GROUP];
    size_t i = 0;
    for (; n - i >= AG__GROUP; i += AG__GROUP) {
        AG__PREFETCH(x + i + ahead);
        if (wide == NULL) AG__PREFETCH(t + i + ahead);
        conversions->widen(x + i, logits);
        if (wide == NULL) conversions->widen(t + i, targets);
        add_some(AG__GROUP, logits, wide != NULL ? wide + i : targets, m, &full, depths + i);
    }
    *sums = full;
    for (; i < n; i++) {
        double logit = (double)x[i], target = wide != NULL ? wide[i] : (double)t[i];
        add_some(1, &logit, &target, m, sums, depths + i);
    }
}

AG__DEFINE_WIDE_KERNELS(depths_kernels, depths_kernel, measure_depths,
                        (size_t n, const float *x, const float *t, double m, size_t ahead,
                         class_sums *sums, double *depths),
                        n, x, t, NULL, m, ahead, sums, depths)
AG__DEFINE_WIDE_KERNELS(wide_kernels, wide_kernel, measure_depths,
                        (size_t n, const float *x, const double *wide, double m, class_sums *sums,
                         double *depths),
                        n, x, NULL, wide, m, 0, sums, depths)

/* ---- long rows ---- */

/* What value and gradient of a row follow from. */
typedef struct long_row {
    const ag__rows *rows;
    size_t index;
    ag__target_change change;
    double *keep; /* room for the exponentials; NULL if no gradient is wanted */
    ag__softmax_row softmax;
    double total; /* of the targets */
    double terms; /* of ag__class_term */
} long_row;

/* Writes the slopes of n classes from an offset on. */
typedef void write_slopes(const long_row *row, double total, size_t offset, size_t n,
                          const ag__slopes_out *out);

/* z · lse² adds to the gradient what a larger total of the targets would. */
static void finish(const long_row *row, write_slopes *write)
{
    const ag__rows *rows = row->rows;
    double log_sum = ag__log_sum(&row->softmax), z = row->change.z_loss;
    double lse = row->softmax.maximum + log_sum, slopes[AG__CHUNK];
    float buffer[AG__CHUNK];
    if (rows->values != NULL)
        rows->values[row->index] = row->terms + row->total * log_sum + ag__z_term(z, lse);
    if (rows->sinks == NULL) return;
    ag__sink sink = ag__sink_at(&rows->sinks[0], row->index * rows->n);
    double total = row->total + ag__z_slope(z, lse);
    for (size_t i = 0, length; i < rows->n; i += length) {
        length = ag__chunk_length(rows->n - i);
        ag__slopes_out out = {slopes, ag__place_for(&sink, i, buffer), rows->scales[row->index]};
        write(row, total, i, length, &out);
        if (out.gradient != NULL)
            ag__hand_on(length, out.gradient, &sink, i);
        else
            ag__store_gradient(length, slopes, NULL, out.scale, &sink, i);
    }
}

static void take_sums(long_row *row, const float *x, double maximum, const class_sums *sums,
                      const double *kept)
{
    double rest = ag__sum(AG__CLASS_LANES, sums->rest);
    double times = ag__sum(AG__GROUP, sums->times);
    row->softmax = (ag__softmax_row){x, maximum, ag__others(maximum, times, rest), kept};
    row->total = ag__sum(AG__GROUP, sums->total);
    row->terms = ag__sum(AG__GROUP, sums->terms);
}

/* ---- targets as they are given ---- */

static void write_given(const long_row *row, double total, size_t offset, size_t n,
                        const ag__slopes_out *out)
{
    const float *target = row->rows->inputs[1] + row->index * row->rows->n;
    ag__softmax_gradient(&row->softmax, offset, n, target + offset, total, out);
}

static void compute_given(long_row *row, const float *x)
{
    size_t n = row->rows->n, ahead = ag__ahead(row->rows, row->index);
    const float *target = row->rows->inputs[1] + row->index * n;
    double maximum = (double)ag__row_maximum(n, x), *keep = ag__room_for(n, row->keep);
    double chunk[AG__CHUNK];
    class_sums sums;
    memset(&sums, 0, sizeof sums);
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        double *depths = keep != NULL ? keep + i : chunk;
        depths_kernels[ag__cpu()](length, x + i, target + i, maximum, ahead, &sums, depths);
        ag__exponentials_of_depths(length, depths, sums.rest);
    }
    take_sums(row, x, maximum, &sums, keep);
    finish(row, write_given);
}

/* ---- labels alone: one target that is not 0, which no loop looks for ---- */

static void write_label(const long_row *row, double total, size_t offset, size_t n,
                        const ag__slopes_out *out)
{
    const ag__softmax_row *s = &row->softmax;
    size_t label = (size_t)row->rows->labels[row->index];
    bool here = label >= offset && label - offset < n;
    double x = here ? (double)s->x[label] : 0; /* which the gradient may overwrite */
    ag__softmax_gradient(s, offset, n, NULL, total, out);
    if (!here) return;
    double slope = ag__softmax_slope(x == s->maximum, ag__exp_of_other(x, s->maximum), row->total,
                                     s->others, total, total / (1 + s->others));
    if (out->gradient != NULL)
        out->gradient[label - offset] = (float)(out->scale * slope);
    else
        out->slopes[label - offset] = slope;
}

static void compute_label(long_row *row, const float *x)
{
    size_t label = (size_t)row->rows->labels[row->index];
    row->softmax = ag__softmax_of(row->rows->n, x, ag__ahead(row->rows, row->index), row->keep);
    row->total = row->change.keep * ag__class_weight(&row->change, label);
    row->terms = ag__class_term((double)x[label], row->total, row->softmax.maximum);
    finish(row, write_label);
}

/* ---- targets that options change, a chunk at a time ---- */

static void write_changed(const long_row *row, double total, size_t offset, size_t n,
                          const ag__slopes_out *out)
{
    double targets[AG__CHUNK];
    ag__changed_targets(row->rows, &row->change, row->index, offset, n, targets, 1);
    ag__softmax_gradient_wide(&row->softmax, offset, n, targets, total, out);
}

static void compute_changed(long_row *row, const float *x)
{
    size_t n = row->rows->n;
    double targets[AG__CHUNK], chunk[AG__CHUNK];
    class_sums sums;
    memset(&sums, 0, sizeof sums);
    double maximum = (double)ag__row_maximum(n, x), *keep = ag__room_for(n, row->keep);
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        ag__changed_targets(row->rows, &row->change, row->index, i, length, targets, 1);
        double *depths = keep != NULL ? keep + i : chunk;
        wide_kernels[ag__cpu()](length, x + i, targets, maximum, &sums, depths);
        ag__exponentials_of_depths(length, depths, sums.rest);
    }
    take_sums(row, x, maximum, &sums, keep);
    finish(row, write_changed);
}

/* ---- the loss ---- */

static void compute_long_rows(const ag__rows *rows)
{
    double keep[AG__KEPT_CLASSES];
    long_row row = {
        .rows = rows,
        .change = ag__target_change_of(rows),
        .keep = rows->sinks != NULL ? keep : NULL,
    };
    const ag__target_change *change = &row.change;
    bool labelled = rows->labels != NULL && change->spread == 0;
    bool given = rows->labels == NULL && change->spread == 0 && change->class_weights == NULL;
    for (; row.index < rows->count; row.index++)
        (labelled ? compute_label
         : given  ? compute_given
                  : compute_changed)(&row, rows->inputs[0] + row.index * rows->n);
}

static void compute(const ag__rows *rows)
{
    ag__count_correct(rows); /* before the logits may be overwritten by their gradient */
    if (rows->n <= AG__SHORT_ROW)
        ag__cross_entropy_of_short_rows(rows);
    else
        compute_long_rows(rows);
}

#define OPTIONS AG__TAKES(class_weights) | AG__TAKES(label_smoothing) | AG__TAKES(z_loss)

const ag__op ag__op_cross_entropy_loss = {
    .name = "cross_entropy_loss",
    .num_inputs = 2,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"logits", "target"},
    .takes_reduction = true,
    .options = OPTIONS,
    AG__ROWWISE,
    .law = &(const ag__rowwise){compute},
    .nanoseconds = AG__TRANSCENDENTAL,
};

const ag__op ag__op_cross_entropy_labels_loss = {
    .name = "cross_entropy_labels_loss",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .takes_labels = true,
    .input_names = {"logits"},
    .takes_reduction = true,
    .options = OPTIONS | AG__TAKES(has_ignore_index) | AG__TAKES(num_correct),
    AG__ROWWISE,
    .law = &(const ag__rowwise){compute},
    .nanoseconds = AG__TRANSCENDENTAL,
};
