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
        d.infinities += isinf(from[i] - to[i]) != 0;
    return d;
}

/* n components from an offset on of (from - to) / |from - to|; 0 where the distance is 0. */
static void direction(const distance *d, size_t offset, size_t n, double *out)
{
    subtract_kernels[ag__cpu()](n, d->from + offset, d->to + offset, out);
    for (size_t i = 0; i < n; i++)
        out[i] = d->length == 0 ? 0 : out[i] / d->length;
    /* of a single infinite component the limit is known */
    for (size_t i = 0; d->infinities == 1 && i < n; i++)
        if (isnan(out[i])) out[i] = d->from[offset + i] > d->to[offset + i] ? 1 : -1;
}

static double excess(const ag__row *row, const distance *positive, const distance *negative)
{
    return positive->length - negative->length + row->parameter;
}

static double triplet_value(const ag__row *row)
{
    distance positive = measure(row->n, row->inputs[0], row->inputs[1]);
    distance negative = measure(row->n, row->inputs[0], row->inputs[2]);
    double value = excess(row, &positive, &negative);
    return value <= 0 ? 0 : value; /* NaN stays */
}

static void store(size_t n, const double *slopes, double scale, const ag__sink *sink, size_t offset)
{
    if (sink->data != NULL) ag__store_gradient(n, slopes, NULL, scale, sink, offset);
}

static void triplet_gradient(const ag__row *row, double scale, const ag__sink *sinks)
{
    distance positive = measure(row->n, row->inputs[0], row->inputs[1]);
    distance negative = measure(row->n, row->inputs[0], row->inputs[2]);
    bool kept = excess(row, &positive, &negative) <= 0; /* the margin */
    double anchor[AG__CHUNK], towards[AG__CHUNK] = {0}, away[AG__CHUNK] = {0};
    for (size_t i = 0, n; i < row->n; i += n) {
        n = ag__chunk_length(row->n - i);
        if (!kept) {
            direction(&positive, i, n, towards);
            direction(&negative, i, n, away);
        }
        for (size_t j = 0; j < n; j++)
            anchor[j] = towards[j] - away[j];
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
