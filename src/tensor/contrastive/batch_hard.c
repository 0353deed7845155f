/*
 * batch_hard.c: each row's triplet with its farthest positive p and its nearest negative n, max(0, d + m)
 * or log(1 + e^d) with d = |x - p| - |x - n|. Rows without a positive or a negative do not count.
 */
#include "config.h"

#include "tensor/contrastive/contrast.h"

#include <math.h>
#include <string.h>

#include "core/elementary.h"

/* The hardest pairs of a row; NaN is harder than anything. */
typedef struct hardest {
    size_t positive, negative;
} hardest;

static bool is_harder(double found, double best, bool positive)
{
    if (isnan(best)) return false;
    return isnan(found) || (positive ? found > best : found < best);
}

static hardest find_hardest(const ag__contrast *c, size_t row, const float *s)
{
    hardest best = {AG__NOWHERE, AG__NOWHERE};
    for (size_t j = 0; j < c->rows.rows; j++) {
        bool positive = c->labels[j] == c->labels[row];
        size_t *place = positive ? &best.positive : &best.negative;
        if (j == row) continue;
        if (*place == AG__NOWHERE || is_harder((double)s[j], (double)s[*place], positive))
            *place = j;
    }
    return best;
}

static void mark(float *s, unsigned char *direct, size_t other, double slope, double distance)
{
    direct[other] = 1;
    s[other] = (float)(distance == 0 ? 0 : slope / distance);
}

static double batch_hard_row(ag__contrast *c, size_t row, float *s, unsigned char *direct)
{
    hardest at = find_hardest(c, row, s);
    memset(direct, 0, c->rows.rows);
    bool counts = at.positive != AG__NOWHERE && at.negative != AG__NOWHERE;
    c->terms[row] = counts;
    if (!counts) return 0;
    double positive = ag__distance_between(c, row, at.positive);
    double negative = ag__distance_between(c, row, at.negative);
    double d = positive - negative, value, slope;
    if (c->call->integers[AG__SOFT_MARGIN]) {
        value = (d > 0 ? d : 0) + ag__log1p_of_unit(ag__exp_of_negative(-fabs(d)));
        slope = ag__sigmoid(d) + (d - d);
    } else {
        double missing = d + (double)c->call->parameter;
        value = missing <= 0 ? 0 : missing; /* NaN stays */
        slope = missing <= 0 ? 0 : missing > 0 ? 1 : missing;
    }
    slope *= ag__factor(c, row);
    mark(s, direct, at.positive, slope, positive);
    mark(s, direct, at.negative, -slope, negative);
    return value;
}

const ag__op ag__op_batch_hard_triplet_loss = {
    .name = "batch_hard_triplet_loss",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"embeddings"},
    .parameter_name = "margin",
    AG__CONTRAST,
    .law =
        &(const ag__contrast_law){
            .batches = AG__SELF, .distances = true, .sparse = true, .row = batch_hard_row},
};
