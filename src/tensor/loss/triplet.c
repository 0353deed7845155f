/*
 * triplet.c: max(0, |anchor - positive| - |anchor - negative| + margin) for each row, with Euclidean
 * distances.
 */
#include "config.h"

#include "core/cpu.h"
#include "tensor/rowwise.h"

#include <math.h>

typedef void subtract_kernel(size_t, const float *, const float *, double *);

AG__INLINE void subtract(size_t n, const float *restrict a, const float *restrict b,
                         double *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = (double)a[i] - (double)b[i];
}

AG__DEFINE_KERNELS(subtract_kernels, subtract_kernel, subtract,
                   (size_t n, const float *a, const float *b, double *out), (n, a, b, out))

/* From one vector to another. */
typedef struct distance {
    const float *from, *to;
    double length;
    double infinities; /* components of the difference that are infinite */
} distance;

static distance measure(size_t n, const float *from, const float *to)
{
    double difference[AG__CHUNK], square = 0;
    distance d = {.from = from, .to = to};
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        subtract_kernels[ag__cpu()](length, from + i, to + i, difference);
        square += ag__dot(length, difference, difference);
    }
    d.length = sqrt(square);
    for (size_t i = 0; isinf(square) && i < n; i++)
        d.infinities += isinf((double)from[i] - (double)to[i]) != 0;
    return d;
}

/* n components from an offset on of (from - to) / |from - to|; 0 where the distance is 0. */
static void direction(const distance *d, size_t offset, size_t n, double *out)
{
    double reciprocal = d->length == 0 ? 0 : 1 / d->length;
    subtract_kernels[ag__cpu()](n, d->from + offset, d->to + offset, out);
    for (size_t i = 0; i < n; i++)
        out[i] *= reciprocal;
    /* of a single infinite component the limit is known */
    for (size_t i = 0; d->infinities == 1 && i < n; i++)
        if (isnan(out[i])) out[i] = d->from[offset + i] > d->to[offset + i] ? 1 : -1;
}

/* A row's two distances and their difference, to full precision also where they are nearly equal. */
typedef struct distances {
    distance positive, negative;
    double difference; /* |a - p| - |a - n| */
    bool close;        /* relative to their size */
} distances;

/* |a - p|² - |a - n|² = (n - p) · ((a - p) + (a - n)), without its cancellation. */
static double difference_of_squares(const ag__row *row)
{
    const float *a = row->inputs[0], *p = row->inputs[1], *n = row->inputs[2];
    double apart[AG__CHUNK], to_positive[AG__CHUNK], to_negative[AG__CHUNK], sum = 0;
    for (size_t i = 0, length; i < row->n; i += length) {
        length = ag__chunk_length(row->n - i);
        subtract_kernels[ag__cpu()](length, n + i, p + i, apart);
        subtract_kernels[ag__cpu()](length, a + i, p + i, to_positive);
        subtract_kernels[ag__cpu()](length, a + i, n + i, to_negative);
        sum += ag__dot(length, apart, to_positive) + ag__dot(length, apart, to_negative);
    }
    return sum;
}

static distances measure_row(const ag__row *row)
{
    distances d = {
        .positive = measure(row->n, row->inputs[0], row->inputs[1]),
        .negative = measure(row->n, row->inputs[0], row->inputs[2]),
    };
    double sum = d.positive.length + d.negative.length;
    d.difference = d.positive.length - d.negative.length;
    d.close = fabs(d.difference) < 0x1p-8 * sum && isfinite(sum);
    if (d.close) d.difference = difference_of_squares(row) / sum;
    return d;
}

static double triplet_value(const ag__row *row)
{
    double value = measure_row(row).difference + row->parameter;
    return value <= 0 ? 0 : value; /* NaN stays */
}

/* (a - p)/|a - p| - (a - n)/|a - n| for n components from an offset on. */
static void anchor_slopes(const ag__row *row, const distances *d, size_t offset, size_t n,
                          const double *towards, const double *away, double *out)
{
    if (!d->close || d->negative.length == 0 || d->positive.length == 0) {
        for (size_t i = 0; i < n; i++)
            out[i] = towards[i] - away[i];
        return;
    }
    /* the same without cancellation: (n - p)/|a - p| - (a - n)/|a - n| · difference/|a - p| */
    double reciprocal = 1 / d->positive.length;
    subtract_kernels[ag__cpu()](n, row->inputs[2] + offset, row->inputs[1] + offset, out);
    for (size_t i = 0; i < n; i++)
        out[i] = (out[i] - away[i] * d->difference) * reciprocal;
}

static void store(size_t n, const double *slopes, double scale, const ag__sink *sink, size_t offset)
{
    if (sink->data != NULL) ag__store_gradient(n, slopes, NULL, scale, sink, offset);
}

static void store_zeros(size_t n, double scale, const ag__sink *sinks)
{
    for (int i = 0; i < 3; i++)
        if (sinks[i].data != NULL) ag__store_zero(n, scale, &sinks[i]);
}

static void triplet_gradient(const ag__row *row, double scale, const ag__sink *sinks)
{
    distances d = measure_row(row);
    if (d.difference + row->parameter <= 0) {
        store_zeros(row->n, scale, sinks);
        return;
    }
    double anchor[AG__CHUNK], towards[AG__CHUNK], away[AG__CHUNK];
    for (size_t i = 0, n; i < row->n; i += n) {
        n = ag__chunk_length(row->n - i);
        direction(&d.positive, i, n, towards);
        direction(&d.negative, i, n, away);
        anchor_slopes(row, &d, i, n, towards, away, anchor);
        store(n, anchor, scale, &sinks[0], i);
        store(n, towards, -scale, &sinks[1], i);
        store(n, away, scale, &sinks[2], i);
    }
}

const ag__op ag__op_triplet_loss = {
    .name = "triplet_loss",
    .num_inputs = 3,
    .num_parents = 3,
    .num_differentiable = 3,
    .input_names = {"anchor", "positive", "negative"},
    .parameter_name = "margin",
    .takes_reduction = true,
    AG__ROWWISE,
    .law = &(const ag__rowwise){triplet_value, triplet_gradient},
    .nanoseconds = 2 * AG__CHEAP,
};
