/* log_softmax.c: x_c - log Σ_j e^x_j for each row. */
#include "config.h"

#include "tensor/rowmap.h"
#include "tensor/softmax_row.h"

static void log_softmax_value(size_t n, const float *x, float *out)
{
    ag__softmax_row row = ag__softmax_of(n, x, 0, NULL);
    double log_sum = ag__log_sum(&row);
    for (size_t i = 0; i < n; i++) {
        double below = (double)x[i] == row.maximum ? 0 : (double)x[i] - row.maximum;
        out[i] = (float)(below - log_sum);
    }
}

/* g_c - softmax_c Σ_j g_j, which is the softmax gradient for the weights -g. */
static void log_softmax_gradient(size_t n, const float *x, const float *upstream,
                                 const ag__sink *sink)
{
    double keep[AG__KEPT_CLASSES], g[AG__CHUNK], slopes[AG__CHUNK], total = 0;
    ag__softmax_row row = ag__softmax_of(n, x, 0, keep);
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        ag__widen(length, upstream + i, g);
        total += ag__sum(length, g);
    }
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        ag__softmax_gradient(&row, i, length, upstream + i, total,
                             &(ag__slopes_out){.slopes = slopes});
        ag__store_gradient(length, slopes, NULL, -1, sink, i);
    }
}

const ag__op ag__op_log_softmax = {
    .name = "log_softmax",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"x"},
    .reduction = AG_REDUCTION_NONE,
    AG__ROWMAP,
    .law = &(const ag__rowmap){log_softmax_value, log_softmax_gradient},
    .nanoseconds = AG__TRANSCENDENTAL,
};
