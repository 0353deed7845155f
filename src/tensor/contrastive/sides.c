/* sides.c: from a loss's inputs to what products are made of, and from their slopes back. */
#include "config.h"

#include "tensor/contrastive/contrast.h"

#include <math.h>

#include "core/parallel.h"
#include "tensor/chunk.h"

size_t ag__contrast_rows(const ag__call *call)
{
    const ag__contrast_law *law = call->op->law;
    return call->inputs[0]->shape[0] * (law->batches == AG__VIEWS ? (size_t)2 : 1);
}

size_t ag__contrast_columns(const ag__call *call)
{
    const ag__contrast_law *law = call->op->law;
    return law->batches == AG__CROSS ? call->inputs[1]->shape[0] : ag__contrast_rows(call);
}

/* Which input a row of a side comes from, and where it begins there. */
typedef struct place {
    uint32_t input;
    size_t offset;
} place;

static place place_of(const ag__contrast *c, const ag__side *side, size_t row)
{
    size_t first = c->call->inputs[0]->shape[0];
    if (c->law->batches == AG__CROSS) return (place){side == &c->columns, row * c->width};
    bool second = row >= first; /* of two views */
    return (place){second, (second ? row - first : row) * c->width};
}

const float *ag__side_row(const ag__contrast *c, const ag__side *side, size_t row)
{
    place from = place_of(c, side, row);
    return c->call->inputs[from.input]->data + from.offset;
}

static double dot(size_t n, const float *a, const float *b)
{
    double wide_a[AG__CHUNK], wide_b[AG__CHUNK], sum = 0;
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        ag__widen(length, a + i, wide_a);
        ag__widen(length, b + i, wide_b);
        sum += ag__dot(length, wide_a, wide_b);
    }
    return sum;
}

/* ---- copies ---- */

typedef struct copying {
    const ag__contrast *c;
    ag__side *side;
} copying;

/* A row at unit length; zeros stay zeros. */
static double write_unit(size_t n, const float *x, float *unit)
{
    double length = sqrt(dot(n, x, x));
    for (size_t i = 0; i < n; i++)
        unit[i] = length > 0 ? (float)((double)x[i] / length) : x[i] + (float)length;
    return length;
}

static void write_copies(size_t begin, size_t end, void *context)
{
    const copying *work = context;
    ag__side *side = work->side;
    size_t n = work->c->width;
    bool unit = work->c->call->integers[AG__SIMILARITY] == AG_SIMILARITY_COSINE;
    for (size_t row = begin; row < end; row++) {
        const float *from = ag__side_row(work->c, side, row);
        float *to = side->copy + row * n;
        if (unit) side->sizes[row] = write_unit(n, from, to);
        for (size_t i = 0; i < n && !unit; i++)
            to[i] = from[i];
    }
}

/*
 * Distances are the same around any centre, but products of numbers that are small beside the distances
 * lose fewer digits: so each column of x has its mean (of what is finite) taken away.
 */
static void write_centred(size_t begin, size_t end, void *context)
{
    const copying *work = context;
    ag__side *side = work->side;
    for (size_t column = begin; column < end; column++) {
        const float *x = work->c->call->inputs[0]->data + column;
        size_t width = work->c->width, count = 0;
        double sum = 0;
        for (size_t row = 0; row < side->rows; row++) {
            bool finite = isfinite(x[row * width]);
            sum += finite ? (double)x[row * width] : 0;
            count += finite;
        }
        double mean = count > 0 ? sum / (double)count : 0;
        for (size_t row = 0; row < side->rows; row++)
            side->copy[row * width + column] = (float)((double)x[row * width] - mean);
    }
}

static void write_squares(size_t begin, size_t end, void *context)
{
    const copying *work = context;
    size_t n = work->c->width;
    for (size_t row = begin; row < end; row++) {
        const float *x = work->side->copy + row * n;
        work->side->sizes[row] = dot(n, x, x);
    }
}

static void prepare_side(ag__contrast *c, ag__side *side, uint32_t input)
{
    copying work = {c, side};
    double nanoseconds = AG__TRANSCENDENTAL * (double)side->rows * (double)c->width;
    side->x = side->copy != NULL ? side->copy : c->call->inputs[input]->data;
    if (side->copy == NULL) return;
    if (c->law->distances) {
        ag__parallel_for(c->width, nanoseconds, write_centred, &work);
        ag__parallel_for(side->rows, nanoseconds, write_squares, &work);
    } else
        ag__parallel_for(side->rows, nanoseconds, write_copies, &work);
}

void ag__sides_prepare(ag__contrast *c)
{
    bool cross = c->law->batches == AG__CROSS;
    prepare_side(c, &c->rows, 0);
    if (cross)
        prepare_side(c, &c->columns, 1);
    else
        c->columns.x = c->rows.x;
    c->opposite = cross ? &c->columns : &c->rows;
}

/* ---- gradients ---- */

typedef struct storing {
    const ag__contrast *c;
    const ag__side *side;
    size_t first; /* row */
    double scale;
    const ag__sink *sinks;
} storing;

/* The gradient to what products were made of: n ≤ AG__CHUNK numbers of a row. */
static void read_slopes(const storing *work, size_t row, size_t column, size_t n, double *out)
{
    const ag__contrast *c = work->c;
    size_t offset = row * c->width + column;
    bool both = c->law->batches != AG__CROSS;
    double pull = 0;
    ag__widen(n, work->side->slopes + offset, out);
    for (size_t i = 0; i < n && both; i++)
        out[i] += (double)c->columns.slopes[offset + i];
    if (!c->law->distances) return;
    pull = c->rows.pulls[row] + c->columns.pulls[row];
    for (size_t i = 0; i < n; i++)
        out[i] = pull * (double)work->side->x[offset + i] - out[i];
}

/* What of a row's gradient points along the row itself, which no cosine depends on. */
static double along_row(const storing *work, size_t row)
{
    double slopes[AG__CHUNK], x[AG__CHUNK], sum = 0;
    for (size_t i = 0, n; i < work->c->width; i += n) {
        n = ag__chunk_length(work->c->width - i);
        read_slopes(work, row, i, n, slopes);
        ag__widen(n, work->side->x + row * work->c->width + i, x);
        sum += ag__dot(n, slopes, x);
    }
    return sum;
}

static void store_row(const storing *work, size_t row, const ag__sink *sink)
{
    const ag__contrast *c = work->c;
    bool cosine = c->call->integers[AG__SIMILARITY] == AG_SIMILARITY_COSINE && !c->law->distances;
    double length = cosine ? work->side->sizes[row] : 1;
    double along = cosine ? along_row(work, row) : 0, slopes[AG__CHUNK];
    const float *x = work->side->x + row * c->width;
    if (length == 0) {
        ag__store_zero(c->width, work->scale, sink);
        return;
    }
    for (size_t i = 0, n; i < c->width; i += n) {
        n = ag__chunk_length(c->width - i);
        read_slopes(work, row, i, n, slopes);
        for (size_t k = 0; k < n && cosine; k++)
            slopes[k] = (slopes[k] - along * (double)x[i + k]) / length;
        ag__store_gradient(n, slopes, NULL, work->scale, sink, i);
    }
}

static void store_rows(size_t begin, size_t end, void *context)
{
    const storing *work = context;
    for (size_t row = work->first + begin; row < work->first + end; row++) {
        place to = place_of(work->c, work->side, row);
        ag__sink sink = ag__sink_at(&work->sinks[to.input], to.offset);
        store_row(work, row, &sink);
    }
}

static void store_input(const ag__contrast *c, const ag__side *side, uint32_t input, size_t first,
                        double scale, const ag__sink *sinks)
{
    storing work = {c, side, first, scale, sinks};
    size_t rows = c->call->inputs[input]->shape[0];
    double nanoseconds = 4 * AG__CHEAP * (double)c->width * (double)rows;
    if (sinks[input].data != NULL) ag__parallel_for(rows, nanoseconds, store_rows, &work);
}

/* Input by input: a variable that stands for two of them has one gradient. */
void ag__sides_store(const ag__contrast *c, double scale, const ag__sink *sinks)
{
    store_input(c, &c->rows, 0, 0, scale, sinks);
    if (c->law->batches == AG__CROSS) store_input(c, &c->columns, 1, 0, scale, sinks);
    if (c->law->batches == AG__VIEWS)
        store_input(c, &c->rows, 1, c->call->inputs[0]->shape[0], scale, sinks);
}
