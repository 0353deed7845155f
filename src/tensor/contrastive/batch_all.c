/*
 * batch_all.c: the sum over all triplets of a row with one of its positives p and one of its negatives n:
 * max(0, |x - p| - |x - n| + m), or log(1 + e^(|x - p| - |x - n|)).
 *
 * With a margin, a negative at distance d takes part in the triplets of all positives farther than
 * d - m. Sorted, these are the last ones: where they begin is found by bisection, and sums over them
 * are there already. So P positives and N negatives take (P + N) log P steps, not P N.
 */
#include "config.h"

#include "tensor/contrastive/contrast.h"

#include <math.h>
#include <string.h>

#include "core/elementary.h"
#include "core/sort.h"

/* A row's positives, by distance; memory for it stands ready for each grain. */
typedef struct positives {
    size_t count;
    uint32_t *order;   /* columns */
    double *farther;   /* Σ of (distance + margin) from each on; one more, 0 */
    double *negatives; /* of each: of what number of negatives it is the first, or Σ of slopes */
} positives;

static size_t bytes_of_grain(const ag__contrast *c)
{
    return (c->rows.rows + 1) * (2 * sizeof(double) + sizeof(double));
}

static size_t extra_bytes(const ag__contrast *c)
{
    return c->tile * bytes_of_grain(c);
}

static positives memory_of(const ag__contrast *c, size_t row)
{
    size_t grain = row / AG__GRAIN % c->tile, n = c->rows.rows + 1;
    double *first = (double *)((char *)c->extra + grain * bytes_of_grain(c));
    return (positives){
        .farther = first, .negatives = first + n, .order = (uint32_t *)(first + 2 * n)};
}

static bool is_nearer(const void *context, uint32_t a, uint32_t b)
{
    const float *s = context;
    return s[a] < s[b] || (s[a] == s[b] && a < b);
}

/* Returns whether all distances are numbers. */
static bool find_positives(const ag__contrast *c, size_t row, const float *s, positives *p)
{
    bool numbers = true;
    for (size_t j = 0; j < c->rows.rows; j++) {
        if (j == row) continue;
        numbers = numbers && !isnan(s[j]);
        if (c->labels[j] == c->labels[row]) p->order[p->count++] = (uint32_t)j;
    }
    return numbers;
}

static void sort_positives(const ag__contrast *c, const float *s, positives *p)
{
    double margin = (double)c->call->parameter;
    ag__sort(p->count, p->order, is_nearer, s);
    memset(p->negatives, 0, (p->count + 1) * sizeof *p->negatives);
    p->farther[p->count] = 0;
    for (size_t k = p->count; k-- > 0;)
        p->farther[k] = p->farther[k + 1] + ((double)s[p->order[k]] + margin);
}

/* The first positive whose distance and margin exceed d. */
static size_t first_beyond(const positives *p, const float *s, double d, double margin)
{
    size_t low = 0, high = p->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((double)s[p->order[middle]] + margin > d)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* What a row adds up, and what its slopes are multiplied by. */
typedef struct totals {
    double value, unmet; /* the number of triplets that are not yet apart */
    double factor;
} totals;

static void put_slope(float *s, double slope)
{
    *s = (float)(*s == 0 ? 0 : slope / (double)*s);
}

static void add_negative(const ag__contrast *c, positives *p, float *s, size_t j, totals *t)
{
    double d = (double)s[j];
    size_t first = first_beyond(p, s, d, (double)c->call->parameter);
    double active = (double)(p->count - first);
    p->negatives[first]++;
    if (active > 0) t->value += p->farther[first] - active * d;
    t->unmet += active;
    if (c->with_slopes) put_slope(&s[j], -t->factor * active);
}

static void add_soft_negative(const ag__contrast *c, positives *p, float *s, size_t j, totals *t)
{
    double slopes = 0;
    for (size_t k = 0; k < p->count; k++) {
        double d = (double)s[p->order[k]] - (double)s[j], slope = ag__sigmoid(d);
        t->value += (d > 0 ? d : 0) + ag__log1p_of_unit(ag__exp_of_negative(-fabs(d)));
        p->negatives[k] += slope;
        slopes += slope;
    }
    t->unmet += (double)p->count;
    if (c->with_slopes) put_slope(&s[j], -t->factor * slopes);
}

static void write_positive_slopes(const ag__contrast *c, const positives *p, float *s,
                                  const totals *t)
{
    double sum = 0;
    bool soft = c->call->integers[AG__SOFT_MARGIN];
    for (size_t k = 0; k < p->count; k++) {
        sum = p->negatives[k] + (soft ? 0 : sum); /* those of the nearer ones take part too */
        put_slope(&s[p->order[k]], t->factor * sum);
    }
}

static void fill(float *s, size_t n, float value)
{
    for (size_t j = 0; j < n; j++)
        s[j] = value;
}

static double batch_all_row(ag__contrast *c, size_t row, float *s, unsigned char *direct)
{
    (void)direct;
    size_t n = c->rows.rows;
    positives p = memory_of(c, row);
    totals t = {.factor = ag__factor(c, row)};
    bool numbers = find_positives(c, row, s, &p), soft = c->call->integers[AG__SOFT_MARGIN];
    double triplets = (double)p.count * (double)(n - 1 - p.count);
    c->terms[row] = triplets;
    s[row] = 0;
    if (triplets == 0 || !numbers) {
        fill(s, n, numbers ? 0 : NAN);
        return numbers ? 0 : (double)NAN;
    }
    sort_positives(c, s, &p);
    for (size_t j = 0; j < n; j++)
        if (c->labels[j] != c->labels[row])
            (soft ? add_soft_negative : add_negative)(c, &p, s, j, &t);
    if (c->with_slopes) write_positive_slopes(c, &p, s, &t);
    if (c->call->integers[AG__DIVISOR] == AG_DIVISOR_NONZERO) c->terms[row] = t.unmet;
    return t.value;
}

const ag__op ag__op_batch_all_triplet_loss = {
    .name = "batch_all_triplet_loss",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"embeddings"},
    .parameter_name = "margin",
    AG__CONTRAST,
    .law = &(const ag__contrast_law){.batches = AG__SELF,
                                     .distances = true,
                                     .extra_bytes = extra_bytes,
                                     .row = batch_all_row},
};
