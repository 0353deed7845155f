/*
 * nt_xent.c: log Σ_{j≠i} e^(z_i·z_j/τ) - z_i·z_p/τ for each of the 2n rows of two views, where p is the
 * same row in the other view.
 */
#include "config.h"

#include "tensor/contrastive/row_softmax.h"

static void prepare(ag__contrast *c)
{
    c->scale = 1 / (double)c->call->parameter;
}

static double nt_xent_row(ag__contrast *c, size_t row, float *s, unsigned char *direct)
{
    (void)direct;
    size_t half = c->rows.rows / 2, other = row < half ? row + half : row - half;
    ag__positive positive = {other, row, c->scale * (double)s[other], 1};
    return ag__one_positive(c, row, s, positive);
}

const ag__op ag__op_nt_xent_loss = {
    .name = "nt_xent_loss",
    .num_inputs = 2,
    .num_parents = 2,
    .num_differentiable = 2,
    .input_names = {"first", "second"},
    .parameter_name = "temperature",
    .parameter_range = AG__POSITIVE,
    AG__CONTRAST,
    .law = &(const ag__contrast_law){.batches = AG__VIEWS, .prepare = prepare, .row = nt_xent_row},
};
