/*
 * triplet_general.c: triplets with distances |u - v + ε|_p, of which the one to the negative may be
 * the positive's.
 */
#include "config.h"

#include "core/elementary.h"
#include "tensor/loss/triplet.h"

typedef struct distance {
    size_t n;
    const float *from, *to;
    double p, epsilon;
    double largest; /* component, which the others are measured by, so that no power overflows */
    double sum;     /* of the p-th powers of the components' shares of the largest */
    double value;
} distance;

static double component(const distance *d, size_t i)
{
    return (double)d->from[i] - (double)d->to[i] + d->epsilon;
}

static distance measure(const ag__rows *rows, const float *from, const float *to)
{
    const ag_loss_options *options = rows->options;
    distance d = {.n = rows->n, .from = from, .to = to, .epsilon = (double)options->epsilon};
    d.p = options->norm != 0 ? (double)options->norm : 2;
    for (size_t i = 0; i < d.n; i++) {
        double size = fabs(component(&d, i));
        if (!(size <= d.largest)) d.largest = size; /* NaN stays, since nothing is ≤ NaN */
    }
    double sum = 0;
    for (size_t i = 0; i < d.n && d.largest > 0; i++)
        sum += ag__pow(fabs(component(&d, i)) / d.largest, d.p);
    if (isinf(d.largest)) sum = 1; /* the distance's limit, though the slopes have none */
    d.sum = sum;
    d.value = d.largest > 0 ? d.largest * ag__pow(sum, 1 / d.p) : d.largest;
    return d;
}

/* The derivative with respect to component i of `from`; of a distance of 0 it is 0. */
static double slope_at(const distance *d, size_t i)
{
    double x = component(d, i);
    if (d->value == 0) return 0;
    if (x == 0) return 0;
    /* not by the value, whose rounding a large power would magnify */
    double share = ag__pow(fabs(x) / d->largest, d->p - 1);
    return ag__sign(x) * share * ag__pow(d->sum, (1 - d->p) / d->p);
}

/* Writes factor times the sum of two distances' slopes, each with its sign, or 0 for none. */
static void write_gradient(const distance *first, double first_sign, const distance *second,
                           double second_sign, double factor, const ag__sink *sink)
{
    double slopes[AG__CHUNK];
    if (sink->data == NULL) return;
    if (factor == 0) {
        ag__store_zero(first->n, factor, sink);
        return;
    }
    for (size_t i = 0, n; i < first->n; i += n) {
        n = ag__chunk_length(first->n - i);
        for (size_t k = 0; k < n; k++) {
            double one = first_sign != 0 ? first_sign * slope_at(first, i + k) : 0;
            double other = second_sign != 0 ? second_sign * slope_at(second, i + k) : 0;
            slopes[k] = one + other;
        }
        ag__store_gradient(n, slopes, NULL, factor, sink, i);
    }
}

void ag__triplet_of_general_row(const ag__rows *rows, size_t index)
{
    size_t offset = index * rows->n;
    const float *anchor = rows->inputs[0] + offset, *positive = rows->inputs[1] + offset;
    const float *negative = rows->inputs[2] + offset;
    distance near = measure(rows, anchor, positive), far = measure(rows, anchor, negative);
    bool swapped = false;
    if (rows->options->swap) {
        distance other = measure(rows, positive, negative);
        swapped = other.value < far.value || isnan(other.value);
        if (swapped) far = other;
    }
    ag__triplet_point at = ag__triplet_at(rows, near.value - far.value);
    if (rows->values != NULL) rows->values[index] = at.value;
    if (rows->sinks == NULL) return;
    double factor = at.slope * rows->scales[index];
    ag__sink sinks[3];
    for (int i = 0; i < 3; i++)
        sinks[i] = ag__sink_at(&rows->sinks[i], offset);
    write_gradient(&near, 1, &far, swapped ? 0 : -1, factor, &sinks[0]);
    write_gradient(&near, -1, &far, swapped ? -1 : 0, factor, &sinks[1]);
    write_gradient(&near, 0, &far, 1, factor, &sinks[2]);
}
