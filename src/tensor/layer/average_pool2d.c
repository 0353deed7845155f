/* average_pool2d.c: the mean of each window, with padding as zeros. */
#include "config.h"

#include "core/blas.h"
#include "core/parallel.h"
#include "tensor/layer/pool2d.h"

typedef struct pass {
    ag__windows windows;
    double factor; /* 1 / window² */
    const float *from;
    float *to;
} pass;

/* The rows of a plane that a row of results sees; what they see of padding is left out. */
static ag__span rows_seen(const ag__windows *w, size_t out_row)
{
    size_t begin = out_row * w->stride, end = begin + w->window_height;
    size_t last = w->height + w->padding;
    return (ag__span){begin > w->padding ? begin - w->padding : 0,
                      (end < last ? end : last) - w->padding};
}

static void add_row(const ag__windows *w, const float *row, ag__span results, double *sums)
{
    for (size_t v = 0; v < w->window_width; v++) {
        ag__span inside = ag__pool2d_span(w, v, w->width, results.end);
        size_t begin = inside.begin > results.begin ? inside.begin : results.begin;
        for (size_t i = begin; i < inside.end; i++)
            sums[i - results.begin] += (double)row[i * w->stride + v - w->padding];
    }
}

static void pool_row(const pass *p, const float *plane, size_t out_row, float *to)
{
    const ag__windows *w = &p->windows;
    ag__span rows = rows_seen(w, out_row);
    for (size_t first = 0; first < w->out_width; first += AG__CHUNK) {
        double sums[AG__CHUNK] = {0};
        size_t left = w->out_width - first, n = left < AG__CHUNK ? left : AG__CHUNK;
        for (size_t row = rows.begin; row < rows.end; row++)
            add_row(w, plane + row * w->width, (ag__span){first, first + n}, sums);
        for (size_t i = 0; i < n; i++)
            to[first + i] = (float)(sums[i] * p->factor);
    }
}

static void pool_blocks(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    const ag__windows *w = &p->windows;
    ag__blocks blocks = ag__pool2d_blocks(w);
    size_t stop = ag__block_begin(&blocks, end);
    for (size_t plane = ag__block_begin(&blocks, begin); plane < stop; plane++)
        for (size_t row = 0; row < w->out_height; row++)
            pool_row(p, p->from + plane * w->height * w->width, row,
                     p->to + (plane * w->out_height + row) * w->out_width);
}

static void spread_row(const pass *p, const float *upstream, double *sums)
{
    const ag__windows *w = &p->windows;
    for (size_t v = 0; v < w->window_width; v++) {
        ag__span inside = ag__pool2d_span(w, v, w->width, w->out_width);
        for (size_t i = inside.begin; i < inside.end; i++)
            sums[i * w->stride + v - w->padding] += (double)upstream[i] * p->factor;
    }
}

static void spread_plane(void *context, size_t plane, double *sums)
{
    const pass *p = context;
    const ag__windows *w = &p->windows;
    for (size_t i = 0; i < w->out_height; i++) {
        ag__span rows = rows_seen(w, i);
        for (size_t row = rows.begin; row < rows.end; row++)
            spread_row(p, p->from + (plane * w->out_height + i) * w->out_width,
                       sums + row * w->width);
    }
}

static bool prepare(const ag__call *call, pass *p)
{
    if (ag__pool2d_windows(call, &p->windows) != AG_OK) return false;
    p->factor = 1 / (double)(p->windows.window_height * p->windows.window_width);
    return true;
}

static double cost(const ag__call *call)
{
    return call->op->nanoseconds * (double)call->inputs[0]->size;
}

static ag_status average_pool2d_forward(const ag__call *call, ag_tensor *out)
{
    pass p = {.from = call->inputs[0]->data, .to = out->data};
    if (!prepare(call, &p)) return ag_last_status();
    ag__parallel_for(ag__pool2d_blocks(&p.windows).count, cost(call), pool_blocks, &p);
    return AG_OK;
}

static void average_pool2d_backward(const ag__call *call, const ag_tensor *grad,
                                    const ag__sink *sinks)
{
    pass p = {.from = grad->data};
    if (sinks[0].data == NULL || !prepare(call, &p)) return;
    ag__pool2d_carry_back(
        &(ag__pool2d_backward){&p.windows, sinks[0], call->scratch, spread_plane, &p}, cost(call));
}

const ag__op ag__op_average_pool2d = {
    .name = "average_pool2d",
    AG__POOL2D,
    .forward = average_pool2d_forward,
    .backward = average_pool2d_backward,
};
