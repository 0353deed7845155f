/*
 * arcface.c: cross-entropy of s·cos θ_j over the classes, where the label's angle to its class has a
 * margin m added. Classes are the columns.
 */
#include "config.h"

#include "tensor/chunk.h"
#include "tensor/contrastive/row_softmax.h"

#define PI 3.14159265358979323846

static void prepare(ag__contrast *c)
{
    c->scale = (double)c->call->parameter;
}

static double cosine(const ag__contrast *c, size_t row, size_t class)
{
    const float *x = ag__side_row(c, &c->rows, row), *y = ag__side_row(c, &c->columns, class);
    double wide_x[AG__CHUNK], wide_y[AG__CHUNK], sum = 0;
    double lengths = c->rows.sizes[row] * c->columns.sizes[class];
    for (size_t i = 0, n; i < c->width; i += n) {
        n = ag__chunk_length(c->width - i);
        ag__widen(n, x + i, wide_x);
        ag__widen(n, y + i, wide_y);
        sum += ag__dot(n, wide_x, wide_y);
    }
    return lengths == 0 ? 0 : ag__clamp(sum / lengths, -1, 1);
}

/* The sine of angles that the rounding of a cosine near 1 makes of an angle of 0. */
#define LEAST_SINE 1e-7

/*
 * cos(θ + m) where θ + m ≤ π; beyond, where it would rise again, cos θ - m sin m. The slope, with
 * respect to cos θ, is taken as 0 at its poles, where the angle has no gradient.
 */
static double with_margin(double cosine, double margin, double *slope)
{
    double sine = sqrt((1 - cosine) * (1 + cosine));
    *slope = 1;
    if (cosine < cos(PI - margin)) return cosine - margin * sin(margin);
    if (margin != 0) *slope = sine < LEAST_SINE ? 0 : cos(margin) + cosine / sine * sin(margin);
    return cosine * cos(margin) - sine * sin(margin);
}

static double arcface_row(ag__contrast *c, size_t row, float *s, unsigned char *direct)
{
    (void)direct;
    size_t class = (size_t)c->labels[row];
    ag__positive positive = {.column = class, .excluded = AG__NOWHERE};
    double margin = (double)c->call->second_parameter;
    positive.logit = c->scale * with_margin(cosine(c, row, class), margin, &positive.slope);
    return ag__one_positive(c, row, s, positive);
}

const ag__op ag__op_arcface_loss = {
    .name = "arcface_loss",
    .num_inputs = 2,
    .num_parents = 2,
    .num_differentiable = 2,
    .input_names = {"embeddings", "weight"},
    .parameter_name = "scale",
    .parameter_range = AG__POSITIVE,
    AG__CONTRAST,
    .law = &(const ag__contrast_law){.batches = AG__CROSS, .prepare = prepare, .row = arcface_row},
};
