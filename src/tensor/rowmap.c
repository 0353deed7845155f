/* rowmap.c: the driver of functions that turn each row into a row. */
#include "config.h"

#include "tensor/rowmap.h"

#include "core/parallel.h"

typedef struct pass {
    const ag__rowmap *law;
    size_t columns;
    const float *x, *upstream;
    float *out;
    ag__sink sink;
} pass;

ag_status ag__rowmap_infer_shape(const ag__call *call, ag__shape *shape)
{
    *shape = ag__shape_of(call->inputs[0]);
    return AG_OK;
}

static void run(const ag__call *call, pass *p, ag__task *task)
{
    const ag_tensor *x = call->inputs[0];
    p->law = call->op->law;
    p->columns = ag__tensor_columns(x);
    p->x = x->data;
    ag__parallel_for(ag__tensor_rows(x), call->op->nanoseconds * (double)x->size, task, p);
}

static void write_rows(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    for (size_t row = begin; row < end; row++)
        p->law->value(p->columns, p->x + row * p->columns, p->out + row * p->columns);
}

ag_status ag__rowmap_forward(const ag__call *call, ag_tensor *out)
{
    pass p = {.out = out->data};
    run(call, &p, write_rows);
    return AG_OK;
}

static void write_gradients(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    for (size_t row = begin; row < end; row++) {
        size_t offset = row * p->columns;
        ag__sink sink = ag__sink_at(&p->sink, offset);
        p->law->gradient(p->columns, p->x + offset, p->upstream + offset, &sink);
    }
}

void ag__rowmap_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    if (sinks[0].data == NULL) return;
    pass p = {.upstream = grad->data, .sink = sinks[0]};
    run(call, &p, write_gradients);
}
