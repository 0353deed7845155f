/* max_dim.c: the largest over one dimension, and where it stands. */
#include "config.h"

#include <autograd/tensor.h>

#include <string.h>

#include "core/parallel.h"
#include "core/status.h"
#include "tensor/dimension.h"

typedef struct pass {
    ag__along along;
    const float *x, *upstream;
    float *out;
    uint32_t *indices;
    ag__sink sink;
} pass;

static void run(pass *p, const ag__call *call, ag__task *task)
{
    p->along = ag__along_of(call, call->inputs[0]);
    p->x = call->inputs[0]->data;
    ag__parallel_for(ag__number_of_lanes(&p->along),
                     call->op->nanoseconds * (double)call->inputs[0]->size, task, p);
}

static void write_maxima(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    for (size_t number = begin; number < end; number++) {
        uint32_t unused[AG__LANES_AT_ONCE];
        ag__lanes lanes = ag__lanes_at(&p->along, number);
        ag__maxima(&p->along, &lanes, p->x, p->out + lanes.result, unused);
    }
}

static ag_status max_dim_forward(const ag__call *call, ag_tensor *out)
{
    pass p = {.out = out->data};
    run(&p, call, write_maxima);
    return AG_OK;
}

static void clear_lanes(const pass *p, const ag__lanes *lanes)
{
    bool contiguous = p->along.inner == 1;
    size_t rows = contiguous ? 1 : p->along.length;
    size_t width = contiguous ? p->along.length : lanes->width;
    for (size_t i = 0; i < rows; i++)
        memset(p->sink.data + lanes->input + i * p->along.inner, 0, width * sizeof(float));
}

static void write_gradients(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    for (size_t number = begin; number < end; number++) {
        float unused[AG__LANES_AT_ONCE];
        uint32_t where[AG__LANES_AT_ONCE];
        ag__lanes lanes = ag__lanes_at(&p->along, number);
        ag__maxima(&p->along, &lanes, p->x, unused, where);
        if (!p->sink.accumulate) clear_lanes(p, &lanes);
        for (size_t k = 0; k < lanes.width; k++)
            p->sink.data[lanes.input + where[k] * p->along.inner + k] +=
                p->upstream[lanes.result + k];
    }
}

static void max_dim_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    if (sinks[0].data == NULL) return;
    pass p = {.upstream = grad->data, .sink = sinks[0]};
    run(&p, call, write_gradients);
}

const ag__op ag__op_max_dim = {
    .name = "max_dim",
    AG__ONE_INPUT,
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = ag__reduced_infer_shape,
    .forward = max_dim_forward,
    .backward = max_dim_backward,
    .nanoseconds = AG__CHEAP,
};

/* ---- where it stands ---- */

static void write_indices(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    for (size_t number = begin; number < end; number++) {
        float unused[AG__LANES_AT_ONCE];
        ag__lanes lanes = ag__lanes_at(&p->along, number);
        ag__maxima(&p->along, &lanes, p->x, unused, p->indices + lanes.result);
    }
}

ag_status ag_tensor_argmax(const ag_tensor *x, int dim, uint32_t *indices)
{
    static const ag__op argmax = {
        .name = "tensor_argmax", .input_names = {"x"}, .nanoseconds = AG__CHEAP};
    ag__call call = {.op = &argmax, .inputs = {x}, .integers = {(uint32_t)dim}};
    ag_status status = ag__tensor_check(argmax.name, "x", x);
    if (status == AG_OK) status = ag__check_dimension(&call);
    if (status == AG_OK && indices == NULL) status = ag__fail_missing(argmax.name, "indices");
    if (status != AG_OK) return status;
    pass p = {.indices = indices};
    run(&p, &call, write_indices);
    return AG_OK;
}
