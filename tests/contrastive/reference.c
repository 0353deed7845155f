/*
 * reference.c: losses of whole batches in double, from their definitions: they build the whole matrix, and
 * their gradients are differences.
 */
#include "config.h"

#include "contrastive/world.h"

#include <math.h>

double row_values[MOST_ROWS];
static double matrix[MOST_ROWS][MOST_ROWS];
static double terms;

static double similarity(const batch *b, const double *x, const double *y)
{
    double dot = 0, xx = 0, yy = 0;
    for (uint32_t k = 0; k < b->width; k++) {
        dot += x[k] * y[k];
        xx += x[k] * x[k];
        yy += y[k] * y[k];
    }
    bool cosine = b->similarity == AG_SIMILARITY_COSINE || b->kind == ARCFACE;
    return !cosine ? dot : xx == 0 || yy == 0 ? 0 : dot / sqrt(xx * yy);
}

static double distance(const batch *b, const double *x, const double *y)
{
    double sum = 0;
    for (uint32_t k = 0; k < b->width; k++)
        sum += (x[k] - y[k]) * (x[k] - y[k]);
    return sqrt(sum);
}

/* Row i of what is compared, and of what it is compared with. */
static const double *left(const batch *b, const point *p, uint32_t i)
{
    if (b->kind == NT_XENT && i >= b->rows) return p->y + (i - b->rows) * b->width;
    return p->x + i * b->width;
}

static const double *right(const batch *b, const point *p, uint32_t j)
{
    bool cross = b->kind == NCE || b->kind == CLIP || b->kind == SIGLIP || b->kind == ARCFACE;
    return cross ? p->y + j * b->width : left(b, p, j);
}

static double softplus(double z)
{
    return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
}

static double triplet(const batch *b, double positive, double negative)
{
    return b->soft ? softplus(positive - negative)
                   : fmax(0, positive - negative + (double)b->parameter);
}

static double pairs_row(const batch *b, uint32_t i)
{
    double sum = 0, margin = (double)b->parameter;
    for (uint32_t j = 0; j < b->rows; j++) {
        double d = matrix[i][j], missing = fmax(0, margin - d);
        if (j == i) continue;
        sum += b->labels->data[i] == b->labels->data[j] ? d * d / 2 : missing * missing / 2;
        terms += 0.5;
    }
    return sum / 2;
}

static double triplets_row(const batch *b, uint32_t i)
{
    double sum = 0, farthest = -1, nearest = HUGE_VAL, count = 0;
    const int32_t *labels = b->labels->data;
    for (uint32_t p = 0; p < b->rows; p++)
        for (uint32_t n = 0; n < b->rows; n++) {
            if (p == i || labels[p] != labels[i] || labels[n] == labels[i]) continue;
            double term = triplet(b, matrix[i][p], matrix[i][n]);
            farthest = fmax(farthest, matrix[i][p]);
            nearest = fmin(nearest, matrix[i][n]);
            sum += term;
            count += b->divisor != AG_DIVISOR_NONZERO || term > 0;
        }
    terms += b->kind == ALL ? count : count > 0;
    return b->kind == ALL ? sum : count > 0 ? triplet(b, farthest, nearest) : 0;
}

/* log Σ_j e^(scale · s_ij), of row i or, transposed, of column i; without one column. */
static double log_sum(uint32_t i, uint32_t count, double scale, uint32_t without, bool column)
{
    double sum = 0;
    for (uint32_t j = 0; j < count; j++)
        if (j != without) sum += exp(scale * (column ? matrix[j][i] : matrix[i][j]));
    return log(sum);
}

static double softmax_row(const batch *b, const point *p, uint32_t i)
{
    const uint32_t none = UINT32_MAX;
    double scale = 1 / (double)b->parameter, sum = 0, positives = 0;
    terms += 1;
    if (b->kind == NCE) return log_sum(i, b->others, scale, none, false) - scale * matrix[i][i];
    if (b->kind == CLIP)
        return 0.5 * (log_sum(i, b->rows, p->scale, none, false) +
                      log_sum(i, b->rows, p->scale, none, true)) -
               p->scale * matrix[i][i];
    if (b->kind == NT_XENT)
        return log_sum(i, 2 * b->rows, scale, i, false) -
               scale * matrix[i][(i + b->rows) % (2 * b->rows)];
    for (uint32_t j = 0; j < b->rows; j++) {
        if (j == i || b->labels->data[j] != b->labels->data[i]) continue;
        sum += log_sum(i, b->rows, scale, i, false) - scale * matrix[i][j];
        positives++;
    }
    return positives > 0 ? sum / positives : 0;
}

static double siglip_row(const batch *b, const point *p, uint32_t i)
{
    double sum = 0;
    for (uint32_t j = 0; j < b->rows; j++)
        sum += softplus((i == j ? -1 : 1) * (p->scale * matrix[i][j] + p->bias));
    terms += 1;
    return sum;
}

static double arcface_row(const batch *b, uint32_t i)
{
    double scale = (double)b->parameter, margin = (double)b->margin, sum = 0;
    uint32_t own = (uint32_t)b->labels->data[i];
    double angle = acos(matrix[i][own]), pi = acos(-1);
    double logit = angle + margin <= pi ? cos(angle + margin) : cos(angle) - margin * sin(margin);
    for (uint32_t j = 0; j < b->others; j++)
        sum += exp(scale * (j == own ? logit : matrix[i][j]));
    terms += 1;
    return log(sum) - scale * logit;
}

double reference(const batch *b, const point *p, const double *weights)
{
    bool cross = b->kind == NCE || b->kind == ARCFACE;
    uint32_t rows = anchors(b), columns = cross ? b->others : rows;
    double sum = 0, weighted = 0;
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t j = 0; j < columns; j++)
            matrix[i][j] = b->kind <= ALL ? distance(b, left(b, p, i), right(b, p, j))
                                          : similarity(b, left(b, p, i), right(b, p, j));
    terms = 0;
    for (uint32_t i = 0; i < rows; i++) {
        double value = b->kind == PAIRS     ? pairs_row(b, i)
                       : b->kind <= ALL     ? triplets_row(b, i)
                       : b->kind == SIGLIP  ? siglip_row(b, p, i)
                       : b->kind == ARCFACE ? arcface_row(b, i)
                                            : softmax_row(b, p, i);
        row_values[i] = value;
        sum += value;
        weighted += weights != NULL ? weights[i] * value : 0;
    }
    if (weights != NULL) return weighted;
    if (b->reduction == AG_REDUCTION_BATCHMEAN) return sum / b->rows;
    return b->reduction == AG_REDUCTION_MEAN ? sum / (terms > 0 ? terms : 1) : sum;
}

point point_of(const batch *b)
{
    static point p;
    for (size_t i = 0; i < b->inputs[0]->size; i++)
        p.x[i] = (double)b->inputs[0]->data[i];
    for (size_t i = 0; i < b->inputs[1]->size; i++)
        p.y[i] = (double)b->inputs[1]->data[i];
    p.scale = (double)b->inputs[2]->data[0];
    p.bias = (double)b->inputs[3]->data[0];
    return p;
}

static double *coordinate(point *p, uint32_t input, size_t element)
{
    double *const starts[] = {p->x, p->y, &p->scale, &p->bias};
    return starts[input] + element;
}

double slope(const batch *b, point *p, uint32_t input, size_t element, const double *weights)
{
    double *x = coordinate(p, input, element), at = *x, h = 1e-5;
    *x = at + h;
    double after = reference(b, p, weights);
    *x = at - h;
    double before = reference(b, p, weights);
    *x = at;
    return (after - before) / (2 * h);
}
