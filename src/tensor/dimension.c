/* dimension.c: what operations on one dimension share. */
#include "config.h"

#include "tensor/dimension.h"

#include <math.h>
#include <string.h>

#include "core/cpu.h"
#include "core/parallel.h"
#include "core/status.h"
#include "tensor/reduction.h"

/* ---- shapes ---- */

ag_status ag__check_dimension(const ag__call *call)
{
    int dim = (int)call->integers[0], ndims = (int)call->inputs[0]->ndims;
    if (dim >= -ndims && dim < ndims) return AG_OK;
    return ag__fail(AG_ERROR_ARGUMENT, "%s: dim is %d but %s has %d dimensions", call->op->name,
                    dim, call->op->input_names[0], ndims);
}

uint32_t ag__dimension(const ag__call *call)
{
    int dim = (int)call->integers[0];
    return dim < 0 ? (uint32_t)dim + call->inputs[0]->ndims : (uint32_t)dim;
}

ag__along ag__along_of(const ag__call *call, const ag_tensor *tensor)
{
    uint32_t dim = ag__dimension(call);
    ag__along along = {.outer = 1, .length = tensor->shape[dim]};
    for (uint32_t d = 0; d < dim; d++)
        along.outer *= tensor->shape[d];
    along.inner = tensor->size / along.outer / along.length;
    return along;
}

ag_status ag__reduced_infer_shape(const ag__call *call, ag__shape *shape)
{
    ag_status status = ag__check_dimension(call);
    if (status != AG_OK) return status;
    uint32_t dim = ag__dimension(call);
    bool keeps = call->integers[1] != 0;
    *shape = ag__shape_of(call->inputs[0]);
    if (keeps || shape->ndims == 1) {
        shape->dims[dim] = 1;
        return AG_OK;
    }
    shape->ndims--;
    for (uint32_t d = dim; d < shape->ndims; d++)
        shape->dims[d] = shape->dims[d + 1];
    return AG_OK;
}

/* ---- lanes ---- */

static size_t lanes_of_outer(const ag__along *along)
{
    return (along->inner + AG__LANES_AT_ONCE - 1) / AG__LANES_AT_ONCE;
}

size_t ag__number_of_lanes(const ag__along *along)
{
    return along->outer * lanes_of_outer(along);
}

ag__lanes ag__lanes_at(const ag__along *along, size_t number)
{
    size_t outer = number / lanes_of_outer(along);
    size_t first = number % lanes_of_outer(along) * AG__LANES_AT_ONCE, left = along->inner - first;
    return (ag__lanes){
        .width = left < AG__LANES_AT_ONCE ? left : AG__LANES_AT_ONCE,
        .input = outer * along->length * along->inner + first,
        .result = outer * along->inner + first,
    };
}

typedef void maxima_kernel(size_t, size_t, size_t, const float *, float *, uint32_t *);

AG__INLINE void find_maxima(size_t rows, size_t step, size_t width, const float *restrict x,
                            float *restrict maxima, uint32_t *restrict where)
{
    for (size_t k = 0; k < width; k++) {
        maxima[k] = x[k];
        where[k] = 0;
    }
    for (size_t i = 1; i < rows; i++) {
        const float *restrict row = x + i * step;
#pragma omp simd
        for (size_t k = 0; k < width; k++) {
            bool larger = (row[k] > maxima[k]) | ((row[k] != row[k]) & (maxima[k] == maxima[k]));
            maxima[k] = larger ? row[k] : maxima[k];
            where[k] = larger ? (uint32_t)i : where[k];
        }
    }
}

AG__DEFINE_KERNELS(maxima_kernels, maxima_kernel, find_maxima,
                   (size_t rows, size_t step, size_t width, const float *x, float *maxima,
                    uint32_t *where),
                   (rows, step, width, x, maxima, where))

/* Of each of `width` columns, in a matrix whose rows are `step` apart. */
static void maxima_of_columns(size_t rows, size_t step, size_t width, const float *x, float *maxima,
                              uint32_t *where)
{
    maxima_kernels[ag__cpu()](rows, step, width, x, maxima, where);
}

/* Takes another candidate if it is larger, or stands before an equal one. */
static void prefer(float x, uint32_t index, float *maximum, uint32_t *where)
{
    bool larger = x > *maximum || (isnan(x) && !isnan(*maximum));
    bool smaller = x < *maximum || (!isnan(x) && isnan(*maximum));
    if (!larger && (smaller || index > *where)) return;
    *maximum = x;
    *where = index;
}

#define COLUMNS 16

/* A row as a matrix of a few columns, and the rest of it. */
static void maximum_of_row(size_t n, const float *x, float *maximum, uint32_t *where)
{
    float maxima[COLUMNS];
    uint32_t rows[COLUMNS];
    size_t whole = n / COLUMNS * COLUMNS;
    *maximum = x[0];
    *where = 0;
    if (whole > 0) maxima_of_columns(n / COLUMNS, COLUMNS, COLUMNS, x, maxima, rows);
    for (uint32_t k = 0; whole > 0 && k < COLUMNS; k++)
        prefer(maxima[k], rows[k] * COLUMNS + k, maximum, where);
    for (size_t i = whole; i < n; i++)
        prefer(x[i], (uint32_t)i, maximum, where);
}

void ag__maxima(const ag__along *along, const ag__lanes *lanes, const float *x, float *maxima,
                uint32_t *where)
{
    x += lanes->input;
    if (along->inner == 1)
        maximum_of_row(along->length, x, maxima, where);
    else
        maxima_of_columns(along->length, along->inner, lanes->width, x, maxima, where);
}

/* ---- copies ---- */

typedef struct copy {
    const ag__slab *slab;
    const float *from;
    ag__sink to;
    ag__blocks blocks;
} copy;

static void copy_run(size_t n, const float *from, float *to, bool accumulate)
{
    if (!accumulate)
        memcpy(to, from, n * sizeof *to);
    else
        for (size_t i = 0; i < n; i++)
            to[i] += from[i];
}

static void copy_blocks(size_t begin, size_t end, void *context)
{
    const copy *c = context;
    const ag__slab *s = c->slab;
    size_t stop = ag__block_begin(&c->blocks, end);
    for (size_t i = ag__block_begin(&c->blocks, begin), n; i < stop; i += n) {
        size_t row = i / s->width, column = i % s->width;
        n = s->width - column < stop - i ? s->width - column : stop - i;
        copy_run(n, c->from + row * s->from_pitch + column, c->to.data + row * s->to_pitch + column,
                 c->to.accumulate);
    }
}

void ag__copy_slab(const ag__slab *slab, const float *from, ag__sink to)
{
    copy c = {slab, from, to, ag__split(slab->rows * slab->width, AG__SMALLEST_BLOCK)};
    ag__parallel_for(c.blocks.count, AG__CHEAP * (double)c.blocks.items, copy_blocks, &c);
}
