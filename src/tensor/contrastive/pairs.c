/*
 * pairs.c: D²/2 for each pair of one label, max(0, margin - D)²/2 for each pair of two, where D is their
 * distance. A row's value is half the sum over its pairs, so that each pair counts once.
 */
#include "config.h"

#include "tensor/contrastive/contrast.h"

#include <math.h>

#include "core/cpu.h"
#include "tensor/chunk.h"

typedef void pairs_kernel(size_t n, const float *s, const int32_t *labels, int32_t own,
                          double margin, double *values, double *slopes);

/* Slopes are divided by the distance: 1 for equals, -(margin - D)/D within the margin for others. */
AG__INLINE void write_pairs(size_t n, const float *restrict s, const int32_t *restrict labels,
                            int32_t own, double margin, double *restrict values,
                            double *restrict slopes)
{
#pragma omp simd
    for (size_t j = 0; j < n; j++) {
        double d = (double)s[j], missing = margin - d;
        double short_of = missing <= 0 ? 0 : missing; /* NaN stays */
        double repelled = d == 0 ? 0 : -short_of / d;
        bool same = labels[j] == own;
        values[j] = 0.5 * (same ? d * d : short_of * short_of);
        slopes[j] = same ? 1 : short_of == 0 ? 0 : repelled;
    }
}

AG__DEFINE_KERNELS(pairs_kernels, pairs_kernel, write_pairs,
                   (size_t n, const float *s, const int32_t *labels, int32_t own, double margin,
                    double *values, double *slopes),
                   (n, s, labels, own, margin, values, slopes))

static double pairs_row(ag__contrast *c, size_t row, float *s, unsigned char *direct)
{
    (void)direct;
    size_t n = c->rows.rows;
    double values[AG__CHUNK], slopes[AG__CHUNK], sum = 0;
    double factor = 0.5 * ag__factor(c, row), margin = (double)c->call->parameter;
    s[row] = 0; /* no pair, whatever the row holds */
    for (size_t j = 0, length; j < n; j += length) {
        length = ag__chunk_length(n - j);
        pairs_kernels[ag__cpu()](length, s + j, c->labels + j, c->labels[row], margin, values,
                                 slopes);
        sum += ag__sum(length, values);
        for (size_t k = 0; k < length && c->with_slopes; k++)
            s[j + k] = (float)(factor * slopes[k]);
    }
    s[row] = 0;
    c->terms[row] = 0.5 * (double)(n - 1);
    return 0.5 * sum;
}

const ag__op ag__op_pair_contrastive_loss = {
    .name = "pair_contrastive_loss",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"embeddings"},
    .parameter_name = "margin",
    AG__CONTRAST,
    .law = &(const ag__contrast_law){.batches = AG__SELF, .distances = true, .row = pairs_row},
};
