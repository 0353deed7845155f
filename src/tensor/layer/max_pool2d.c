/*
 * max_pool2d.c: the largest value in each window. Forward leaves where in its plane it stood, one
 * uint32_t for each result.
 */
#include "config.h"

#include <math.h>
#include <string.h>

#include "core/blas.h"
#include "core/cpu.h"
#include "core/parallel.h"
#include "tensor/layer/pool2d.h"

/* Where a value is larger than the best so far, or NaN, it becomes the best. */
typedef void take_kernel(size_t n, const float *from, size_t stride, uint32_t at, float *best,
                         uint32_t *where);

AG__INLINE void take_in_steps(size_t n, const float *restrict from, size_t stride, uint32_t at,
                              float *restrict best, uint32_t *restrict where)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float value = from[i * stride];
        int better = (value > best[i]) | (value != value);
        best[i] = better ? value : best[i];
        where[i] = better ? at + (uint32_t)(i * stride) : where[i];
    }
}

AG__INLINE void take_larger(size_t n, const float *from, size_t stride, uint32_t at, float *best,
                            uint32_t *where)
{
    if (stride == 1)
        take_in_steps(n, from, 1, at, best, where);
    else if (stride == 2)
        take_in_steps(n, from, 2, at, best, where);
    else
        take_in_steps(n, from, stride, at, best, where);
}

AG__DEFINE_KERNELS(take_kernels, take_kernel, take_larger,
                   (size_t n, const float *from, size_t stride, uint32_t at, float *best,
                    uint32_t *where),
                   (n, from, stride, at, best, where))

/* ---- squares of 2 × 2 that do not overlap, which are what most networks pool ---- */

/* A row of n results, from two rows of a plane. */
typedef void squares_kernel(size_t n, const float *from, const float *below, uint32_t at,
                            uint32_t width, float *best, uint32_t *where);

AG__INLINE void take_squares(size_t n, const float *restrict from, const float *restrict below,
                             uint32_t at, uint32_t width, float *restrict best,
                             uint32_t *restrict where)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float a = from[2 * i], b = from[2 * i + 1], c = below[2 * i], d = below[2 * i + 1];
        uint32_t first = at + 2 * (uint32_t)i, second = first + width;
        int take_b = (b > a) | (b != b);
        float largest = take_b ? b : a;
        uint32_t place = take_b ? first + 1 : first;
        int take_c = (c > largest) | (c != c);
        largest = take_c ? c : largest;
        place = take_c ? second : place;
        int take_d = (d > largest) | (d != d);
        best[i] = take_d ? d : largest;
        where[i] = take_d ? second + 1 : place;
    }
}

AG__DEFINE_KERNELS(squares_kernels, squares_kernel, take_squares,
                   (size_t n, const float *from, const float *below, uint32_t at, uint32_t width,
                    float *best, uint32_t *where),
                   (n, from, below, at, width, best, where))

/* ---- forward ---- */

typedef struct pass {
    ag__windows windows;
    const float *from;
    uint32_t *where; /* NULL if nobody will ask */
    ag__sink to;
} pass;

/* What a place of the window sees, for some results of a row. from is the plane. */
static void see_place(const ag__windows *w, const float *from, size_t row, size_t column,
                      ag__span results, float *best, uint32_t *where)
{
    ag__span inside = ag__pool2d_span(w, column, w->width, results.end);
    size_t begin = inside.begin > results.begin ? inside.begin : results.begin;
    if (begin >= inside.end) return;
    size_t at = row * w->width + begin * w->stride + column - w->padding;
    take_kernels[ag__cpu()](inside.end - begin, from + at, w->stride, (uint32_t)at,
                            best + (begin - results.begin), where + (begin - results.begin));
}

static size_t beyond_padding(size_t index, const ag__windows *w)
{
    return index * w->stride > w->padding ? index * w->stride - w->padding : 0;
}

static bool are_squares(const ag__windows *w)
{
    return w->window_height == 2 && w->window_width == 2 && w->stride == 2 && w->padding == 0;
}

/*
 * Rows are short, and the last few results of each would not fill a vector. So a row goes on into the
 * next one, which is written later, wherever a plane goes on.
 */
static void pool_squares(const ag__windows *w, const float *from, size_t out_row, ag__span results,
                         float *best, uint32_t *where)
{
    enum { LANES = 8 };
    size_t at = 2 * out_row * w->width + 2 * results.begin, below = at + w->width;
    size_t n = results.end - results.begin, wide = (n + LANES - 1) / LANES * LANES;
    if (out_row * w->out_width + wide <= w->out_height * w->out_width && n == w->out_width &&
        below + 2 * wide <= w->height * w->width)
        n = wide;
    squares_kernels[ag__cpu()](n, from + at, from + below, (uint32_t)at, (uint32_t)w->width, best,
                               where);
}

/* At most AG__CHUNK results of a row. */
static void pool_chunk(const ag__windows *w, const float *from, size_t out_row, ag__span results,
                       float *best, uint32_t *where)
{
    if (are_squares(w)) {
        pool_squares(w, from, out_row, results, best, where);
        return;
    }
    for (size_t i = results.begin; i < results.end; i++) {
        best[i - results.begin] = -INFINITY;
        where[i - results.begin] =
            (uint32_t)(beyond_padding(out_row, w) * w->width + beyond_padding(i, w));
    }
    for (size_t u = 0; u < w->window_height; u++) {
        size_t row = out_row * w->stride + u;
        if (row < w->padding || row >= w->height + w->padding) continue;
        for (size_t v = 0; v < w->window_width; v++)
            see_place(w, from, row - w->padding, v, results, best, where);
    }
}

static void pool_plane(const pass *p, size_t plane)
{
    const ag__windows *w = &p->windows;
    const float *from = p->from + plane * w->height * w->width;
    uint32_t unwanted[AG__CHUNK];
    for (size_t row = 0; row < w->out_height; row++)
        for (size_t column = 0, end; column < w->out_width; column = end) {
            size_t at = (plane * w->out_height + row) * w->out_width + column;
            end = w->out_width - column < AG__CHUNK ? w->out_width : column + AG__CHUNK;
            pool_chunk(w, from, row, (ag__span){column, end}, p->to.data + at,
                       p->where != NULL ? p->where + at : unwanted);
        }
}

static void pool_blocks(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    ag__blocks blocks = ag__pool2d_blocks(&p->windows);
    size_t stop = ag__block_begin(&blocks, end);
    for (size_t plane = ag__block_begin(&blocks, begin); plane < stop; plane++)
        pool_plane(p, plane);
}

/* ---- backward ---- */

static void scatter_blocks(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    const ag__windows *w = &p->windows;
    ag__blocks blocks = ag__pool2d_blocks(w);
    size_t first = ag__block_begin(&blocks, begin), stop = ag__block_begin(&blocks, end);
    size_t size = w->height * w->width, results = w->out_height * w->out_width;
    if (!p->to.accumulate)
        memset(p->to.data + first * size, 0, (stop - first) * size * sizeof *p->to.data);
    for (size_t plane = first; plane < stop; plane++) {
        float *to = p->to.data + plane * size;
        const float *upstream = p->from + plane * results;
        const uint32_t *where = p->where + plane * results;
        for (size_t i = 0; i < results; i++)
            to[where[i]] += upstream[i];
    }
}

/* Where windows overlap. */
static void add_plane(void *context, size_t plane, double *sums)
{
    const pass *p = context;
    size_t results = p->windows.out_height * p->windows.out_width;
    for (size_t i = plane * results; i < (plane + 1) * results; i++)
        sums[p->where[i]] += (double)p->from[i];
}

static double cost(const ag__call *call)
{
    return call->op->nanoseconds * (double)call->inputs[0]->size;
}

static size_t max_pool2d_memory_bytes(const ag__call *call)
{
    ag__windows w;
    if (ag__pool2d_windows(call, &w) != AG_OK) return 0;
    return w.batch * w.channels * w.out_height * w.out_width * sizeof(uint32_t);
}

static ag_status max_pool2d_forward(const ag__call *call, ag_tensor *out)
{
    pass p = {.from = call->inputs[0]->data, .where = call->memory, .to = {.data = out->data}};
    ag_status status = ag__pool2d_windows(call, &p.windows);
    if (status != AG_OK) return status;
    ag__parallel_for(ag__pool2d_blocks(&p.windows).count, cost(call), pool_blocks, &p);
    return AG_OK;
}

static void max_pool2d_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    pass p = {.from = grad->data, .where = call->memory, .to = sinks[0]};
    if (sinks[0].data == NULL || ag__pool2d_windows(call, &p.windows) != AG_OK) return;
    if (p.windows.window_height <= p.windows.stride) {
        ag__parallel_for(ag__pool2d_blocks(&p.windows).count, cost(call), scatter_blocks, &p);
        return;
    }
    ag__pool2d_carry_back(
        &(ag__pool2d_backward){&p.windows, sinks[0], call->scratch, add_plane, &p}, cost(call));
}

const ag__op ag__op_max_pool2d = {
    .name = "max_pool2d",
    AG__POOL2D,
    .memory_bytes = max_pool2d_memory_bytes,
    .forward = max_pool2d_forward,
    .backward = max_pool2d_backward,
};
