/* box.c: walking through tensors in an order that need not be memory's. */
#include "config.h"

#include "tensor/box.h"

#include <string.h>

#include "core/blas.h"

ag__box ag__box_of(const ag__shape *shape)
{
    ag__box box = {.ndims = shape->ndims};
    for (uint32_t d = 0; d < shape->ndims; d++)
        box.dims[d] = shape->dims[d];
    return box;
}

size_t ag__box_size(const ag__box *box)
{
    size_t size = 1;
    for (uint32_t d = 0; d < box->ndims; d++)
        size *= box->dims[d];
    return size;
}

ag__view ag__dense_view(const ag__box *box, const float *data)
{
    ag__view view = {.data = data};
    size_t stride = 1;
    for (uint32_t d = box->ndims; d-- > 0; stride *= box->dims[d])
        view.strides[d] = stride;
    return view;
}

/* Whether a step along dimension `outer` is as far as going through all of dimension `inner`. */
static bool continues(const ag__box *box, const ag__view *views, uint32_t num_views, uint32_t outer,
                      uint32_t inner)
{
    for (uint32_t v = 0; v < num_views; v++)
        if (views[v].strides[outer] != views[v].strides[inner] * box->dims[inner]) return false;
    return true;
}

static void move_dimension(ag__box *box, ag__view *views, uint32_t num_views, uint32_t from,
                           uint32_t to)
{
    box->dims[to] = box->dims[from];
    for (uint32_t v = 0; v < num_views; v++)
        views[v].strides[to] = views[v].strides[from];
}

void ag__merge_dimensions(ag__box *box, ag__view *views, uint32_t num_views)
{
    uint32_t last = 0;
    for (uint32_t d = 1; d < box->ndims; d++) {
        if (box->dims[d] == 1) continue;
        size_t outer = box->dims[last];
        bool merges = outer == 1 || continues(box, views, num_views, last, d);
        if (!merges) last++;
        move_dimension(box, views, num_views, d, last);
        if (merges) box->dims[last] *= outer;
    }
    box->ndims = last + 1;
}

ag__view ag__view_from(const ag__view *view, const ag__box *box, const size_t *start)
{
    ag__view moved = *view;
    for (uint32_t d = 0; d < box->ndims; d++)
        moved.data += start[d] * view->strides[d];
    return moved;
}

/* ---- a walk in runs: stretches along the last dimension ---- */

typedef struct walk {
    const ag__box *box;
    const size_t *strides;
    size_t index[AG_MAX_DIMS];
    size_t offset; /* of the element at the index */
} walk;

static walk walk_from(const ag__box *box, const size_t *strides, size_t first)
{
    walk w = {.box = box, .strides = strides};
    for (uint32_t d = box->ndims; d-- > 0; first /= box->dims[d]) {
        w.index[d] = first % box->dims[d];
        w.offset += w.index[d] * strides[d];
    }
    return w;
}

static size_t run_length(const walk *w, size_t left)
{
    uint32_t last = w->box->ndims - 1;
    size_t length = w->box->dims[last] - w->index[last];
    return length < left ? length : left;
}

static void advance(walk *w, size_t length)
{
    uint32_t d = w->box->ndims - 1;
    w->index[d] += length;
    w->offset += length * w->strides[d];
    for (; d > 0 && w->index[d] == w->box->dims[d]; d--) {
        w->index[d] = 0;
        w->offset -= w->box->dims[d] * w->strides[d];
        w->index[d - 1]++;
        w->offset += w->strides[d - 1];
    }
}

static void fill(size_t n, float value, float *to)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        to[i] = value;
}

static void copy_run(size_t n, const float *from, size_t stride, float *to)
{
    if (stride == 1)
        memcpy(to, from, n * sizeof *to);
    else if (stride == 0)
        fill(n, *from, to);
    else
        for (size_t i = 0; i < n; i++)
            to[i] = from[i * stride];
}

/* Whether a view walks through memory without a jump. */
static bool is_contiguous(const ag__box *box, const size_t *strides)
{
    size_t stride = 1;
    for (uint32_t d = box->ndims; d-- > 0; stride *= box->dims[d])
        if (strides[d] != stride && box->dims[d] > 1) return false;
    return true;
}

void ag__gather(const ag__box *box, const ag__view *view, size_t first, size_t n, float *out)
{
    if (is_contiguous(box, view->strides)) {
        memcpy(out, view->data + first, n * sizeof *out);
        return;
    }
    walk w = walk_from(box, view->strides, first);
    size_t stride = view->strides[box->ndims - 1];
    for (size_t done = 0, length; done < n; done += length) {
        length = run_length(&w, n - done);
        copy_run(length, view->data + w.offset, stride, out + done);
        advance(&w, length);
    }
}

/* A call is not worth it for a few. */
static double sum_of_run(size_t n, const double *terms)
{
    double sum = 0;
    if (n > 32) return ag__sum(n, terms);
    for (size_t i = 0; i < n; i++)
        sum += terms[i];
    return sum;
}

static void add_run(size_t n, const double *terms, size_t stride, double *sums)
{
    if (stride == 0)
        sums[0] += sum_of_run(n, terms);
    else
        for (size_t i = 0; i < n; i++)
            sums[i * stride] += terms[i];
}

void ag__scatter_add(const ag__box *box, const size_t *strides, size_t first, size_t n,
                     const double *terms, double *sums)
{
    walk w = walk_from(box, strides, first);
    size_t stride = strides[box->ndims - 1];
    for (size_t done = 0, length; done < n; done += length) {
        length = run_length(&w, n - done);
        add_run(length, terms + done, stride, sums + w.offset);
        advance(&w, length);
    }
}
