/*
 * sup_con.c: the mean over the positives p of a row, the others of its label, of
 * log Σ_{j≠i} e^(z_i·z_j/τ) - z_i·z_p/τ; 0 for a row without positives.
 */
#include "config.h"

#include "tensor/contrastive/row_softmax.h"

#include <string.h>

static void prepare(ag__contrast *c)
{
    c->scale = 1 / (double)c->call->parameter;
}

/* Σ of a row's similarities to its positives, their number, and the last of them. */
static double sum_positives(const ag__contrast *c, size_t row, const float *s, size_t *count,
                            size_t *last)
{
    double sum = 0;
    *count = 0;
    for (size_t j = 0; j < c->rows.rows; j++) {
        if (c->labels[j] != c->labels[row] || j == row) continue;
        sum += (double)s[j];
        ++*count;
        *last = j;
    }
    return sum;
}

static void write_slopes(const ag__contrast *c, size_t row, float *s, double sum, size_t positives)
{
    double factor = ag__factor(c, row) * c->scale, each = factor / (double)positives;
    ag__multiply_row(c->rows.rows, s, factor / sum);
    for (size_t j = 0; j < c->rows.rows; j++)
        if (c->labels[j] == c->labels[row] && j != row) s[j] = (float)((double)s[j] - each);
}

static double sup_con_row(ag__contrast *c, size_t row, float *s, unsigned char *direct)
{
    (void)direct;
    size_t n = c->rows.rows, positives, last = 0;
    double attracted = sum_positives(c, row, s, &positives, &last);
    if (positives == 0) {
        memset(s, 0, n * sizeof *s);
        return 0;
    }
    if (positives == 1) /* the only case that can be nearly 0: else it is log(positives) at least */
        return ag__one_positive(c, row, s,
                                (ag__positive){last, row, c->scale * (double)s[last], 1});
    s[row] = -HUGE_VALF;
    double top = ag__top_logit(n, s, c->scale), sum = ag__exponentials(n, s, c->scale, top);
    if (c->with_slopes) write_slopes(c, row, s, sum, positives);
    return log(sum) + (top - c->scale * attracted / (double)positives);
}

const ag__op ag__op_sup_con_loss = {
    .name = "sup_con_loss",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"embeddings"},
    .parameter_name = "temperature",
    .parameter_range = AG__POSITIVE,
    AG__CONTRAST,
    .law = &(const ag__contrast_law){.batches = AG__SELF, .prepare = prepare, .row = sup_con_row},
};
