/*
 * siglip.c: Σ_j log(1 + e^(-y_ij (t x_i·y_j + b))) for each row, where y_ij is 1 for i = j, else -1:
 * each pair is a classification of its own.
 */
#include "config.h"

#include "tensor/contrastive/contrast.h"

#include "core/cpu.h"
#include "core/elementary.h"
#include "tensor/chunk.h"

typedef void pairs_kernel(size_t n, const float *s, double scale, double bias, double *values,
                          double *slopes);

/* Of negatives: log(1 + e^z) and its slope. */
AG__INLINE void write_pairs(size_t n, const float *restrict s, double scale, double bias,
                            double *restrict values, double *restrict slopes)
{
#pragma omp simd
    for (size_t j = 0; j < n; j++) {
        double z = scale * (double)s[j] + bias;
        double e = ag__exp_of_negative(-fabs(z));
        values[j] = (z < 0 ? 0 : z) + ag__log1p_of_unit(e);
        slopes[j] = (z < 0 ? e : 1) * ag__inverse1p_of_unit(e);
    }
}

AG__DEFINE_KERNELS(pairs_kernels, pairs_kernel, write_pairs,
                   (size_t n, const float *s, double scale, double bias, double *values,
                    double *slopes),
                   (n, s, scale, bias, values, slopes))

static void prepare(ag__contrast *c)
{
    c->scale = (double)c->call->inputs[2]->data[0];
}

/* The positive's value and slope, instead of a negative's: of -z, and turned. */
static void correct_positive(float s, double scale, double bias, double *value, double *slope)
{
    double unused;
    pairs_kernels[ag__cpu()](1, &s, -scale, -bias, value, &unused);
    *slope = -unused;
}

static double siglip_row(ag__contrast *c, size_t row, float *s, unsigned char *direct)
{
    (void)direct;
    size_t n = c->columns.rows;
    double values[AG__CHUNK], slopes[AG__CHUNK], wide[AG__CHUNK];
    double sum = 0, of_scale = 0, of_bias = 0, bias = (double)c->call->inputs[3]->data[0];
    double factor = ag__factor(c, row);
    for (size_t j = 0, length; j < n; j += length) {
        length = ag__chunk_length(n - j);
        pairs_kernels[ag__cpu()](length, s + j, c->scale, bias, values, slopes);
        if (row >= j && row < j + length)
            correct_positive(s[row], c->scale, bias, &values[row - j], &slopes[row - j]);
        sum += ag__sum(length, values);
        if (!c->with_slopes) continue;
        ag__widen(length, s + j, wide);
        of_scale += ag__dot(length, wide, slopes);
        of_bias += ag__sum(length, slopes);
        for (size_t k = 0; k < length; k++)
            s[j + k] = (float)(factor * c->scale * slopes[k]);
    }
    c->scalars[0][row] = factor * of_scale;
    c->scalars[1][row] = factor * of_bias;
    return sum;
}

const ag__op ag__op_siglip_loss = {
    .name = "siglip_loss",
    .num_inputs = 4,
    .num_parents = 4,
    .num_differentiable = 4,
    .input_names = {"images", "texts", "scale", "bias"},
    AG__CONTRAST,
    .law = &(const ag__contrast_law){.batches = AG__CROSS, .prepare = prepare, .row = siglip_row},
};
