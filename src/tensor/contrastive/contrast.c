/* contrast.c: the driver of losses that compare every row of a batch with every row of a batch. */
#include "config.h"

#include "tensor/contrastive/contrast.h"

#include <string.h>

#include "core/blas.h"
#include "core/parallel.h"
#include "core/product.h"
#include "tensor/chunk.h"

size_t ag__most_grains = 8;

/* Strips up to this size are made wider than two grains. */
#define TILE_BYTES ((size_t)32 << 20)

/* Rough costs on one core, in nanoseconds: of a law, for a similarity, and of a multiplication. */
#define LAW_COST 4.0
#define PRODUCT_COST 0.03

static size_t grains_of(size_t rows)
{
    return (rows + AG__GRAIN - 1) / AG__GRAIN;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- memory ---- */

/* Hands out memory from `base`, or, where that is NULL, only counts it. */
typedef struct carver {
    char *base;
    size_t used;
} carver;

static void *carve(carver *from, size_t bytes)
{
    enum { ALIGNMENT = 64 };
    void *memory = from->base != NULL ? from->base + from->used : NULL;
    from->used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return memory;
}

static void carve_side(const ag__contrast *c, carver *from, bool copied, ag__side *side)
{
    size_t numbers = side->rows * c->width;
    side->slopes = carve(from, numbers * sizeof *side->slopes);
    if (copied) side->copy = carve(from, numbers * sizeof *side->copy);
    if (copied) side->sizes = carve(from, side->rows * sizeof *side->sizes);
    if (c->law->distances) side->pulls = carve(from, side->rows * sizeof *side->pulls);
}

static size_t tile_of(const ag__contrast *c)
{
    size_t fitting = TILE_BYTES / (AG__GRAIN * c->columns.rows * sizeof *c->strip);
    size_t tile = fitting < 2 ? 2 : fitting;
    return least(least(tile, ag__most_grains), grains_of(c->rows.rows));
}

static void carve_all(ag__contrast *c, carver *from)
{
    const ag__call *call = c->call;
    bool cross = c->law->batches == AG__CROSS;
    bool copied = c->law->batches == AG__VIEWS || c->law->distances ||
                  call->integers[AG__SIMILARITY] == AG_SIMILARITY_COSINE;
    carve_side(c, from, copied, &c->rows);
    carve_side(c, from, copied && cross, &c->columns);
    size_t strip = c->tile * AG__GRAIN * c->columns.rows, rows = c->rows.rows * sizeof(double);
    c->strip = carve(from, strip * sizeof *c->strip);
    if (c->law->distances) c->direct = carve(from, strip);
    c->values = carve(from, rows);
    c->terms = carve(from, rows);
    for (uint32_t i = 2; i < call->op->num_differentiable; i++)
        c->scalars[i - 2] = carve(from, rows);
    if (c->law->extra_bytes != NULL) c->extra = carve(from, c->law->extra_bytes(c));
}

/* What a call compares, without memory yet. */
static ag__contrast describe(const ag__call *call)
{
    ag__contrast c = {
        .call = call,
        .law = call->op->law,
        .width = ag__tensor_columns(call->inputs[0]),
        .rows.rows = ag__contrast_rows(call),
        .columns.rows = ag__contrast_columns(call),
        .labels = call->indices != NULL ? call->indices->data : NULL,
        .scale = 1,
    };
    c.tile = tile_of(&c);
    return c;
}

size_t ag__contrast_scratch_bytes(const ag__call *call)
{
    ag__contrast c = describe(call);
    carver counting = {0};
    carve_all(&c, &counting);
    return counting.used;
}

/* ---- a sweep over the matrix, tile by tile ---- */

typedef struct sweep {
    ag__contrast *c;
    size_t first_row, rows; /* of the tile */
    bool first;             /* the law's first sweep */
} sweep;

static size_t grain_rows(const sweep *s, size_t grain)
{
    return least(s->rows - grain * AG__GRAIN, AG__GRAIN);
}

static float *strip_row(const sweep *s, size_t row)
{
    return s->c->strip + row * s->c->columns.rows;
}

static unsigned char *direct_row(const sweep *s, size_t row)
{
    return s->c->direct != NULL ? s->c->direct + row * s->c->columns.rows : NULL;
}

static void run_law(const sweep *s, size_t row)
{
    ag__contrast *c = s->c;
    size_t index = s->first_row + row;
    float *strip = strip_row(s, row);
    unsigned char *direct = direct_row(s, row);
    if (s->first) {
        c->law->first_row(c, index, strip);
        return;
    }
    if (c->law->distances) ag__to_distances(c, index, strip, direct);
    c->values[index] = c->law->row(c, index, strip, direct);
    if (c->with_slopes && c->law->distances) ag__add_direct_to_row(c, index, strip, direct);
}

/* Similarities and their law, for grains of the tile. */
static void compute_grains(size_t begin, size_t end, void *context)
{
    const sweep *s = context;
    ag__contrast *c = s->c;
    size_t m = c->columns.rows, width = c->width;
    for (size_t grain = begin; grain < end; grain++) {
        size_t row = grain * AG__GRAIN, rows = grain_rows(s, grain);
        const float *x = c->rows.x + (s->first_row + row) * width;
        ag__multiply_part(rows, m, width, (ag__part){x, width, false},
                          (ag__part){c->columns.x, width, true}, false, strip_row(s, row), m);
        for (size_t i = row; i < row + rows; i++)
            run_law(s, i);
    }
}

/* Σ over the tile's rows of their slopes, for the columns from begin to end. */
static void pull_columns(const sweep *s, size_t row, size_t begin, size_t end)
{
    double *pulls = s->c->columns.pulls;
    const float *slopes = strip_row(s, row);
    for (size_t j = begin; j < end; j++)
        pulls[j] += (double)slopes[j];
}

/* What the tile's slopes mean for blocks of columns: grain by grain, in order. */
static void carry_to_columns(size_t begin, size_t end, void *context)
{
    const sweep *s = context;
    ag__contrast *c = s->c;
    size_t m = c->columns.rows, width = c->width;
    for (size_t block = begin; block < end; block++) {
        size_t from = block * AG__COLUMN_BLOCK, to = least(from + AG__COLUMN_BLOCK, m);
        for (size_t row = 0, rows; row < s->rows; row += rows) {
            rows = grain_rows(s, row / AG__GRAIN);
            for (size_t i = row; i < row + rows && c->law->distances; i++) {
                ag__add_direct_to_columns(c, s->first_row + i, strip_row(s, i), direct_row(s, i),
                                          from, to);
                if (!c->law->sparse) pull_columns(s, i, from, to);
            }
            if (c->law->sparse) continue;
            const float *x = c->rows.x + (s->first_row + row) * width;
            ag__multiply_part(to - from, width, rows, (ag__part){strip_row(s, row) + from, m, true},
                              (ag__part){x, width, false}, true, c->columns.slopes + from * width,
                              width);
        }
    }
}

static double sum_of_row(size_t n, const float *x)
{
    double wide[AG__CHUNK], sum = 0;
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        ag__widen(length, x + i, wide);
        sum += ag__sum(length, wide);
    }
    return sum;
}

/* What the tile's slopes mean for its own rows. */
static void carry_to_rows(size_t begin, size_t end, void *context)
{
    const sweep *s = context;
    ag__contrast *c = s->c;
    size_t m = c->columns.rows, width = c->width;
    for (size_t grain = begin; grain < end; grain++) {
        size_t row = grain * AG__GRAIN, rows = grain_rows(s, grain);
        for (size_t i = row; i < row + rows && c->law->distances; i++)
            c->rows.pulls[s->first_row + i] = sum_of_row(m, strip_row(s, i));
        ag__multiply_part(rows, width, m, (ag__part){strip_row(s, row), m, false},
                          (ag__part){c->columns.x, width, false}, true,
                          c->rows.slopes + (s->first_row + row) * width, width);
    }
}

static void first_columns(size_t begin, size_t end, void *context)
{
    const sweep *s = context;
    for (size_t block = begin; block < end; block++) {
        size_t from = block * AG__COLUMN_BLOCK;
        s->c->law->first_columns(s->c, s->first_row, s->rows, s->c->strip, from,
                                 least(from + AG__COLUMN_BLOCK, s->c->columns.rows));
    }
}

static void run_tile(sweep *s)
{
    ag__contrast *c = s->c;
    size_t blocks = (c->columns.rows + AG__COLUMN_BLOCK - 1) / AG__COLUMN_BLOCK;
    double pairs = (double)s->rows * (double)c->columns.rows;
    double product = pairs * (double)c->width * PRODUCT_COST;
    ag__parallel_for(grains_of(s->rows), product + pairs * LAW_COST, compute_grains, s);
    if (s->first) ag__parallel_for(blocks, pairs * LAW_COST, first_columns, s);
    if (s->first || !c->with_slopes) return;
    ag__parallel_for(blocks, product, carry_to_columns, s);
    if (!c->law->sparse) ag__parallel_for(grains_of(s->rows), product, carry_to_rows, s);
}

static void run_sweep(ag__contrast *c, bool first)
{
    sweep s = {.c = c, .first = first};
    for (size_t row = 0; row < c->rows.rows; row += s.rows) {
        s.first_row = row;
        s.rows = least(c->rows.rows - row, c->tile * AG__GRAIN);
        run_tile(&s);
    }
}

/* ---- the loss ---- */

static void clear_side(const ag__contrast *c, ag__side *side)
{
    memset(side->slopes, 0, side->rows * c->width * sizeof *side->slopes);
    if (side->pulls != NULL) memset(side->pulls, 0, side->rows * sizeof *side->pulls);
}

static void run(ag__contrast *c)
{
    carver memory = {.base = c->call->scratch};
    carve_all(c, &memory);
    for (size_t i = 0; i < c->rows.rows; i++)
        c->terms[i] = 1;
    if (c->with_slopes) {
        clear_side(c, &c->rows);
        clear_side(c, &c->columns);
    }
    ag__sides_prepare(c);
    if (c->law->prepare != NULL) c->law->prepare(c);
    if (c->law->first_row != NULL) run_sweep(c, true);
    run_sweep(c, false);
}

static double sum_of(size_t n, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/* What the sum of the values is divided by. */
static double divisor(const ag__contrast *c)
{
    double terms;
    switch (c->call->reduction) {
    case AG_REDUCTION_MEAN: terms = sum_of(c->rows.rows, c->terms); return terms > 0 ? terms : 1;
    case AG_REDUCTION_BATCHMEAN: return (double)c->call->inputs[0]->shape[0];
    case AG_REDUCTION_SUM:
    case AG_REDUCTION_NONE: break;
    }
    return 1;
}

static void store_values(const ag__contrast *c, ag_tensor *out)
{
    if (c->call->reduction == AG_REDUCTION_NONE)
        for (size_t i = 0; i < c->rows.rows; i++)
            out->data[i] = (float)c->values[i];
    else
        out->data[0] = (float)(sum_of(c->rows.rows, c->values) / divisor(c));
}

static void store_gradients(const ag__contrast *c, double upstream, const ag__sink *sinks)
{
    double scale = upstream / divisor(c);
    ag__sides_store(c, scale, sinks);
    for (uint32_t i = 2; i < c->call->op->num_differentiable; i++) {
        if (sinks[i].data == NULL) continue;
        double slope = scale * sum_of(c->rows.rows, c->scalars[i - 2]);
        sinks[i].data[0] = (float)(slope + (sinks[i].accumulate ? (double)sinks[i].data[0] : 0));
    }
}

ag_status ag__contrast_forward(const ag__call *call, ag_tensor *out)
{
    ag__contrast c = describe(call);
    run(&c);
    store_values(&c, out);
    return AG_OK;
}

ag_status ag__contrast_both(const ag__call *call, ag_tensor *out, const ag__sink *sinks)
{
    ag__contrast c = describe(call);
    c.with_slopes = true;
    run(&c);
    store_values(&c, out);
    store_gradients(&c, 1, sinks);
    return AG_OK;
}

void ag__contrast_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    ag__contrast c = describe(call);
    bool each = call->reduction == AG_REDUCTION_NONE;
    c.with_slopes = true;
    c.upstream = each ? grad->data : NULL;
    run(&c);
    store_gradients(&c, each ? 1 : (double)grad->data[0], sinks);
}
