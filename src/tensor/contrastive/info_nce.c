/*
 * info_nce.c: log Σ_j e^(q_i·k_j/τ) - q_i·k_i/τ for each query: the keys of the others, and further
 * ones, are its negatives.
 */
#include "config.h"

#include "tensor/contrastive/row_softmax.h"

static void prepare(ag__contrast *c)
{
    c->scale = 1 / (double)c->call->parameter;
}

static double info_nce_row(ag__contrast *c, size_t row, float *s, unsigned char *direct)
{
    (void)direct;
    ag__positive positive = {row, AG__NOWHERE, c->scale * (double)s[row], 1};
    return ag__one_positive(c, row, s, positive);
}

const ag__op ag__op_info_nce_loss = {
    .name = "info_nce_loss",
    .num_inputs = 2,
    .num_parents = 2,
    .num_differentiable = 2,
    .input_names = {"queries", "keys"},
    .parameter_name = "temperature",
    .parameter_range = AG__POSITIVE,
    AG__CONTRAST,
    .law = &(const ag__contrast_law){.batches = AG__CROSS, .prepare = prepare, .row = info_nce_row},
};
