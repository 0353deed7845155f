/* softmax.c: p_c = e^x_c / Σ_j e^x_j for each row. */
#include "config.h"

#include "tensor/rowmap.h"
#include "tensor/softmax_row.h"

static void softmax_value(size_t n, const float *x, float *out)
{
    double keep[AG__KEPT_CLASSES], p[AG__CHUNK];
    ag__softmax_row row = ag__softmax_of(n, x, 0, keep);
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        ag__softmax_probabilities(&row, i, length, p);
        ag__narrow(length, p, out + i);
    }
}

/* g_c - g_reference for n classes from an offset on. */
static void relative_upstream(const float *g, size_t offset, size_t n, double reference,
                              double *out)
{
    ag__widen(n, g + offset, out);
    for (size_t i = 0; i < n; i++)
        out[i] -= reference;
}

static size_t index_of_maximum(const ag__softmax_row *row, size_t n)
{
    size_t i = 0;
    while (i + 1 < n && (double)row->x[i] != row->maximum)
        i++;
    return i;
}

/*
 * p_c (g_c - Σ_j g_j p_j). All g are taken relative to that of the most probable class, which changes
 * nothing, but spares the sum the large term that would cancel where p is nearly 1.
 */
static void softmax_gradient(size_t n, const float *x, const float *upstream, const ag__sink *sink)
{
    double keep[AG__KEPT_CLASSES], p[AG__CHUNK], g[AG__CHUNK], mean = 0;
    ag__softmax_row row = ag__softmax_of(n, x, 0, keep);
    double reference = (double)upstream[index_of_maximum(&row, n)];
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        ag__softmax_probabilities(&row, i, length, p);
        relative_upstream(upstream, i, length, reference, g);
        mean += ag__dot(length, p, g);
    }
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        ag__softmax_probabilities(&row, i, length, p);
        relative_upstream(upstream, i, length, reference, g);
        for (size_t j = 0; j < length; j++)
            p[j] *= g[j] - mean;
        ag__store_gradient(length, p, NULL, 1, sink, i);
    }
}

const ag__op ag__op_softmax = {
    .name = "softmax",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"x"},
    .reduction = AG_REDUCTION_NONE,
    AG__ROWMAP,
    .law = &(const ag__rowmap){softmax_value, softmax_gradient},
    .nanoseconds = AG__TRANSCENDENTAL,
};
