/*
 * triplet.c: max(0, |anchor - positive| - |anchor - negative| + margin) for each row, with Euclidean
 * distances; triplet_general.c has others.
 */
#include "config.h"

#include "core/elementary.h"
#include "core/wide.h"
#include "tensor/loss/triplet.h"

#include <math.h>
#include <string.h>

/* One row. */
typedef struct triple {
    size_t n;
    const float *anchor, *positive, *negative;
    bool much_follows;
} triple;

/* A group of each of its vectors. */
typedef struct wide_triple {
    double anchor[AG__GROUP], positive[AG__GROUP], negative[AG__GROUP];
} wide_triple;

AG__INLINE void widen_triple(const ag__conversions *conversions, const triple *row, size_t i,
                             wide_triple *wide)
{
    conversions->widen(row->anchor + i, wide->anchor);
    conversions->widen(row->positive + i, wide->positive);
    conversions->widen(row->negative + i, wide->negative);
}

_Static_assert(AG__CHUNK % AG__GROUP == 0, "only the last chunk of a row may end within a group");

/* The row's last elements, fewer than a group, behind which are zeros. */
AG__INLINE void widen_rest(const triple *row, size_t i, wide_triple *wide)
{
    *wide = (wide_triple){{0}, {0}, {0}};
    for (size_t k = 0; k < row->n - i; k++) {
        wide->anchor[k] = (double)row->anchor[i + k];
        wide->positive[k] = (double)row->positive[i + k];
        wide->negative[k] = (double)row->negative[i + k];
    }
}

/* ---- sums over a row, in lanes ---- */

#define LANES 16

typedef void squares_kernel(const triple *, double *, double *);
typedef void product_kernel(const triple *, double *);

AG__INLINE void add_squares(const wide_triple *row, double *restrict positive,
                            double *restrict negative)
{
#pragma omp simd
    for (size_t k = 0; k < AG__GROUP; k++) {
        double to_positive = row->anchor[k] - row->positive[k];
        double to_negative = row->anchor[k] - row->negative[k];
        positive[k] += to_positive * to_positive;
        negative[k] += to_negative * to_negative;
    }
}

/* |a - p|² and |a - n|² */
AG__INLINE void sum_squares(const ag__conversions *conversions, const triple *row, double *positive,
                            double *negative)
{
    double to_positive[LANES] = {0}, to_negative[LANES] = {0};
    wide_triple wide;
    size_t i = 0;
    for (; row->n - i >= LANES; i += LANES) {
        if (row->much_follows) {
            ag__fetch_ahead(LANES, row->anchor + i);
            ag__fetch_ahead(LANES, row->positive + i);
            ag__fetch_ahead(LANES, row->negative + i);
        }
        AG__UNROLL
        for (size_t k = 0; k < LANES; k += AG__GROUP) {
            widen_triple(conversions, row, i + k, &wide);
            add_squares(&wide, to_positive + k, to_negative + k);
        }
    }
    memcpy(positive, to_positive, sizeof to_positive);
    memcpy(negative, to_negative, sizeof to_negative);
    for (; row->n - i >= AG__GROUP; i += AG__GROUP) {
        widen_triple(conversions, row, i, &wide);
        add_squares(&wide, positive, negative);
    }
    if (i == row->n) return;
    widen_rest(row, i, &wide);
    add_squares(&wide, positive, negative);
}

/* (n - p) · ((a - p) + (a - n)) */
AG__INLINE void sum_products(const triple *row, double *restrict sums)
{
    const float *restrict a = row->anchor, *restrict p = row->positive, *restrict q = row->negative;
    for (size_t i = 0; i < row->n; i += LANES) {
        size_t lanes = row->n - i < LANES ? row->n - i : LANES;
#pragma omp simd
        for (size_t k = 0; k < lanes; k++) {
            double apart = (double)q[i + k] - (double)p[i + k];
            double to_positive = (double)a[i + k] - (double)p[i + k];
            double to_negative = (double)a[i + k] - (double)q[i + k];
            sums[k] += apart * (to_positive + to_negative);
        }
    }
}

AG__DEFINE_WIDE_KERNELS(squares_kernels, squares_kernel, sum_squares,
                        (const triple *row, double *positive, double *negative), row, positive,
                        negative)
AG__DEFINE_KERNELS(product_kernels, product_kernel, sum_products, (const triple *row, double *sums),
                   (row, sums))

/* ---- distances ---- */

/* A row's two distances and their difference, to full precision also where they are nearly equal. */
typedef struct distances {
    double positive, negative;
    double difference; /* positive - negative */
    bool close;        /* relative to their size */
} distances;

static distances measure(const triple *row)
{
    double positive[LANES], negative[LANES], products[LANES] = {0};
    squares_kernels[ag__cpu()](row, positive, negative);
    distances d = {
        .positive = sqrt(ag__sum(LANES, positive)),
        .negative = sqrt(ag__sum(LANES, negative)),
    };
    double sum = d.positive + d.negative;
    d.difference = d.positive - d.negative;
    d.close = fabs(d.difference) < 0x1p-8 * sum && isfinite(sum);
    if (!d.close) return d;
    /* |a - p|² - |a - n|², without its cancellation */
    product_kernels[ag__cpu()](row, products);
    d.difference = ag__sum(LANES, products) / sum;
    return d;
}

/* ---- gradients ---- */

/* What the differences of a row are multiplied by. */
typedef struct factors {
    double positive, negative; /* the upstream gradient over both distances; 0 if a distance is 0 */
    double apart;              /* (|a - p| - |a - n|) / |a - n| */
    bool close;
} factors;

static factors factors_of(const distances *d, double scale)
{
    return (factors){
        .positive = d->positive == 0 ? 0 : scale / d->positive,
        .negative = d->negative == 0 ? 0 : scale / d->negative,
        .apart = d->negative == 0 ? 0 : d->difference / d->negative,
        .close = d->close,
    };
}

/*
 * To the positive, scale (a - p)/|a - p|, and away from the negative, scale (a - n)/|a - n|; the anchor's
 * gradient is their difference, which for a close row is
 * scale ((n - p) - (a - n) (|a - p| - |a - n|)/|a - n|) / |a - p|.
 */
/* The factors' `close` is given beside them as a constant, so that there is a loop for each. */
AG__INLINE void scale_directions(const wide_triple *row, const factors *f, bool close,
                                 wide_triple *restrict out)
{
    double per_positive = f->positive, per_negative = f->negative, apart = f->apart;
#pragma omp simd
    for (size_t k = 0; k < AG__GROUP; k++) {
        double to_positive = row->anchor[k] - row->positive[k];
        double to_negative = row->anchor[k] - row->negative[k];
        double between = row->negative[k] - row->positive[k];
        double towards = to_positive * per_positive, away = to_negative * per_negative;
        out->anchor[k] = close ? (between - to_negative * apart) * per_positive : towards - away;
        out->positive[k] = -towards;
        out->negative[k] = away;
    }
}

/* ---- in one loop, where nothing is added to them and no distance is infinite ---- */

/* Where the gradients of some elements go. */
typedef struct gradients {
    float *anchor, *positive, *negative;
} gradients;

typedef void gradients_kernel(const triple *, const factors *, size_t, size_t, const gradients *);

AG__INLINE void scale_row(const ag__conversions *conversions, const triple *row, const factors *f,
                          bool close, size_t begin, size_t end, const gradients *out)
{
    size_t i = begin;
    for (; end - i >= AG__GROUP; i += AG__GROUP) {
        wide_triple wide, scaled;
        widen_triple(conversions, row, i, &wide);
        scale_directions(&wide, f, close, &scaled);
        conversions->narrow(scaled.anchor, out->anchor + (i - begin));
        conversions->narrow(scaled.positive, out->positive + (i - begin));
        conversions->narrow(scaled.negative, out->negative + (i - begin));
    }
    if (i == end) return;
    wide_triple wide, scaled;
    widen_rest(row, i, &wide);
    scale_directions(&wide, f, close, &scaled);
    for (size_t k = 0; k < end - i; k++) {
        out->anchor[i - begin + k] = (float)scaled.anchor[k];
        out->positive[i - begin + k] = (float)scaled.positive[k];
        out->negative[i - begin + k] = (float)scaled.negative[k];
    }
}

AG__INLINE void scale_near_or_far(const ag__conversions *conversions, const triple *row,
                                  const factors *f, size_t begin, size_t end, const gradients *out)
{
    if (f->close)
        scale_row(conversions, row, f, true, begin, end, out);
    else
        scale_row(conversions, row, f, false, begin, end, out);
}

AG__DEFINE_WIDE_KERNELS(gradients_kernels, gradients_kernel, scale_near_or_far,
                        (const triple *row, const factors *f, size_t begin, size_t end,
                         const gradients *out),
                        row, f, begin, end, out)

static void write_at_once(const triple *row, const factors *f, const ag__sink *sinks)
{
    float buffers[3][AG__CHUNK], *places[3];
    for (size_t i = 0, n; i < row->n; i += n) {
        n = ag__chunk_length(row->n - i);
        for (int k = 0; k < 3; k++)
            places[k] =
                sinks[k].data != NULL ? ag__place_for(&sinks[k], i, buffers[k]) : buffers[k];
        gradients_kernels[ag__cpu()](row, f, i, i + n,
                                     &(gradients){places[0], places[1], places[2]});
        for (int k = 0; k < 3; k++)
            if (sinks[k].data != NULL) ag__hand_on(n, places[k], &sinks[k], i);
    }
}

/* ---- by way of doubles ---- */

/* The same gradients, of up to AG__CHUNK components. */
typedef struct slopes {
    double anchor[AG__CHUNK], towards[AG__CHUNK], away[AG__CHUNK];
} slopes;

typedef void slopes_kernel(const triple *, const factors *, size_t, size_t, slopes *);

AG__INLINE void write_slopes(const ag__conversions *conversions, const triple *row,
                             const factors *f, size_t begin, size_t end, slopes *restrict out)
{
    wide_triple wide, scaled;
    for (size_t i = begin, n; i < end; i += n) {
        n = end - i < AG__GROUP ? end - i : AG__GROUP;
        if (n == AG__GROUP)
            widen_triple(conversions, row, i, &wide);
        else
            widen_rest(row, i, &wide);
        scale_directions(&wide, f, f->close, &scaled);
        memcpy(out->anchor + (i - begin), scaled.anchor, n * sizeof *scaled.anchor);
        memcpy(out->away + (i - begin), scaled.negative, n * sizeof *scaled.negative);
        for (size_t k = 0; k < n; k++)
            out->towards[i - begin + k] = -scaled.positive[k];
    }
}

AG__DEFINE_WIDE_KERNELS(slopes_kernels, slopes_kernel, write_slopes,
                        (const triple *row, const factors *f, size_t begin, size_t end,
                         slopes *out),
                        row, f, begin, end, out)

static size_t count_infinities(size_t n, const float *from, const float *to)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += isinf((double)from[i] - (double)to[i]) != 0;
    return count;
}

/* A direction of which one component is infinite has a limit: 1 or -1 there, 0 elsewhere. */
static void set_limits(size_t n, const float *from, const float *to, double scale,
                       double *direction)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(direction[i])) direction[i] = from[i] > to[i] ? scale : -scale;
}

static void replace_by_limits(const triple *row, const distances *d, double scale, size_t begin,
                              size_t end, slopes *s)
{
    const float *a = row->anchor;
    size_t n = end - begin;
    if (isinf(d->positive) && count_infinities(row->n, a, row->positive) == 1)
        set_limits(n, a + begin, row->positive + begin, scale, s->towards);
    if (isinf(d->negative) && count_infinities(row->n, a, row->negative) == 1)
        set_limits(n, a + begin, row->negative + begin, scale, s->away);
    for (size_t i = 0; i < n; i++)
        s->anchor[i] = s->towards[i] - s->away[i];
}

static void write_by_slopes(const triple *row, const distances *d, double scale,
                            const ag__sink *sinks)
{
    slopes s;
    /* an infinite scale is to meet the finished slopes, of which it makes NaN of 0 */
    double inside = isfinite(scale) ? scale : 1, outside = isfinite(scale) ? 1 : scale;
    factors f = factors_of(d, inside);
    for (size_t i = 0, n; i < row->n; i += n) {
        n = ag__chunk_length(row->n - i);
        slopes_kernels[ag__cpu()](row, &f, i, i + n, &s);
        if (isinf(d->positive) || isinf(d->negative))
            replace_by_limits(row, d, inside, i, i + n, &s);
        if (sinks[0].data != NULL) ag__store_gradient(n, s.anchor, NULL, outside, &sinks[0], i);
        if (sinks[1].data != NULL) ag__store_gradient(n, s.towards, NULL, -outside, &sinks[1], i);
        if (sinks[2].data != NULL) ag__store_gradient(n, s.away, NULL, outside, &sinks[2], i);
    }
}

static void write_gradients(const triple *row, const distances *d, double scale,
                            const ag__sink *sinks)
{
    bool accumulates = false;
    for (int i = 0; i < 3; i++)
        accumulates = accumulates || (sinks[i].data != NULL && sinks[i].accumulate);
    factors f = factors_of(d, scale);
    if (!accumulates && isfinite(d->positive + d->negative + scale))
        write_at_once(row, &f, sinks);
    else
        write_by_slopes(row, d, scale, sinks);
}

/* ---- the loss ---- */

ag__triplet_point ag__triplet_at(const ag__rows *rows, double difference)
{
    if (rows->options != NULL && rows->options->soft_margin) {
        double rest = ag__log1p_of_unit(ag__exp_of_negative(-fabs(difference)));
        return (ag__triplet_point){(difference > 0 ? difference : 0) + rest,
                                   ag__sigmoid(difference)};
    }
    double value = difference + rows->parameter;
    bool met = value <= 0; /* false for NaN, which stays */
    return (ag__triplet_point){met ? 0 : value, met ? 0 : 1};
}

static void compute_row(const ag__rows *rows, size_t index)
{
    size_t offset = index * rows->n;
    triple row = {
        .n = rows->n,
        .anchor = rows->inputs[0] + offset,
        .positive = rows->inputs[1] + offset,
        .negative = rows->inputs[2] + offset,
        .much_follows = ag__much_follows(rows, index),
    };
    distances d = measure(&row);
    ag__triplet_point at = ag__triplet_at(rows, d.difference);
    if (rows->values != NULL) rows->values[index] = at.value;
    if (rows->sinks == NULL) return;
    bool met = at.slope == 0;
    double scale = at.slope * rows->scales[index];
    ag__sink sinks[3];
    for (int i = 0; i < 3; i++)
        sinks[i] = ag__sink_at(&rows->sinks[i], offset);
    if (!met) write_gradients(&row, &d, scale, sinks);
    for (int i = 0; met && i < 3; i++)
        if (sinks[i].data != NULL) ag__store_zero(row.n, scale, &sinks[i]);
}

static void compute(const ag__rows *rows)
{
    bool general = ag__triplet_is_general(rows->options);
    for (size_t row = 0; row < rows->count; row++)
        (general ? ag__triplet_of_general_row : compute_row)(rows, row);
}

const ag__op ag__op_triplet_loss = {
    .name = "triplet_loss",
    .num_inputs = 3,
    .num_parents = 3,
    .num_differentiable = 3,
    .input_names = {"anchor", "positive", "negative"},
    .parameter_name = "margin",
    .options = AG__TAKES(norm) | AG__TAKES(epsilon) | AG__TAKES(swap) | AG__TAKES(soft_margin),
    .takes_reduction = true,
    AG__ROWWISE,
    .law = &(const ag__rowwise){compute},
    .nanoseconds = 2 * AG__CHEAP,
};
