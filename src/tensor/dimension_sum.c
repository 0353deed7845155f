/* dimension_sum.c: the driver of sum and mean over one dimension. */
#include "config.h"

#include "core/parallel.h"
#include "tensor/box_sum.h"
#include "tensor/chunk.h"
#include "tensor/dimension.h"
#include "tensor/reduction.h"

enum { X, RESULT, NUM_VIEWS };

/* What all threads share. */
typedef struct pass {
    ag__box box; /* the elements of x in their order */
    ag__view views[NUM_VIEWS];
    double scale;
    ag__blocks blocks;
    ag__sink sink;
} pass;

static void prepare(pass *p, const ag__call *call, const ag_tensor *result)
{
    const ag_tensor *x = call->inputs[0];
    ag__along along = ag__along_of(call, x);
    p->box = (ag__box){.ndims = 3, .dims = {along.outer, along.length, along.inner}};
    p->views[X] = ag__dense_view(&p->box, x->data);
    p->views[RESULT] = (ag__view){.data = result->data, .strides = {along.inner, 0, 1}};
    ag__merge_dimensions(&p->box, p->views, NUM_VIEWS);
    p->scale = call->op->reduction == AG_REDUCTION_MEAN ? 1 / (double)along.length : 1;
    p->blocks = ag__split(x->size, AG__SMALLEST_BLOCK);
}

static void write_terms(const void *context, const ag__box *part, const size_t *start, size_t first,
                        size_t n, double *terms)
{
    const pass *p = context;
    float x[AG__CHUNK];
    ag__view view = ag__view_from(&p->views[X], part, start);
    ag__gather(part, &view, first, n, x);
    ag__widen(n, x, terms);
}

ag_status ag__sum_dim_forward(const ag__call *call, ag_tensor *out)
{
    pass p;
    prepare(&p, call, out);
    ag__box_sum sum = {
        .box = p.box, .terms = write_terms, .context = &p, .nanoseconds = call->op->nanoseconds};
    for (uint32_t d = 0; d < p.box.ndims; d++)
        sum.strides[d] = p.views[RESULT].strides[d];
    ag__sum_box(&sum, p.scale, &(ag__sink){.data = out->data});
    return AG_OK;
}

static void write_gradient(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    float upstream[AG__CHUNK];
    double wide[AG__CHUNK];
    size_t stop = ag__block_begin(&p->blocks, end);
    for (size_t i = ag__block_begin(&p->blocks, begin), n; i < stop; i += n) {
        n = ag__chunk_length(stop - i);
        ag__gather(&p->box, &p->views[RESULT], i, n, upstream);
        ag__widen(n, upstream, wide);
        ag__store_gradient(n, wide, NULL, p->scale, &p->sink, i);
    }
    ag__end_streaming(&p->sink);
}

void ag__sum_dim_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    pass p;
    if (sinks[0].data == NULL) return;
    prepare(&p, call, grad);
    p.sink = ag__large_sink(sinks[0], p.blocks.items);
    ag__parallel_for(p.blocks.count, call->op->nanoseconds * (double)p.blocks.items, write_gradient,
                     &p);
}
