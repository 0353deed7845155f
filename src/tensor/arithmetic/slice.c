/* slice.c: a stretch of one dimension, from `start` up to but not including `stop`. */
#include "config.h"

#include <string.h>

#include "core/status.h"
#include "tensor/dimension.h"

enum { DIM, START, STOP }; /* the call's integers */

static ag_status slice_infer_shape(const ag__call *call, ag__shape *shape)
{
    ag_status status = ag__check_dimension(call);
    if (status != AG_OK) return status;
    uint32_t dim = ag__dimension(call), length = call->inputs[0]->shape[dim];
    uint32_t start = call->integers[START], stop = call->integers[STOP];
    if (start >= stop || stop > length)
        return ag__fail(AG_ERROR_ARGUMENT, "slice: start is %u and stop is %u, but x is %s, dim %u",
                        (unsigned)start, (unsigned)stop,
                        ag__tensor_shape_text(call->inputs[0]).text, (unsigned)dim);
    *shape = ag__shape_of(call->inputs[0]);
    shape->dims[dim] = stop - start;
    return AG_OK;
}

static size_t first_element(const ag__call *call)
{
    return call->integers[START] * ag__along_of(call, call->inputs[0]).inner;
}

/* The slice's rows, as they lie in x. */
static ag__slab slab_in_x(const ag__call *call)
{
    ag__along along = ag__along_of(call, call->inputs[0]);
    size_t width = (call->integers[STOP] - call->integers[START]) * along.inner;
    return (ag__slab){along.outer, width, along.length * along.inner, width};
}

static ag_status slice_forward(const ag__call *call, ag_tensor *out)
{
    ag__slab slab = slab_in_x(call);
    ag__copy_slab(&slab, call->inputs[0]->data + first_element(call),
                  (ag__sink){.data = out->data});
    return AG_OK;
}

static void slice_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    if (sinks[0].data == NULL) return;
    ag__slab to_x = slab_in_x(call);
    to_x.to_pitch = to_x.from_pitch;
    to_x.from_pitch = to_x.width;
    ag__sink sink = sinks[0];
    if (!sink.accumulate) memset(sink.data, 0, call->inputs[0]->size * sizeof *sink.data);
    sink.data += first_element(call);
    ag__copy_slab(&to_x, grad->data, sink);
}

const ag__op ag__op_slice = {
    .name = "slice",
    AG__ONE_INPUT,
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = slice_infer_shape,
    .forward = slice_forward,
    .backward = slice_backward,
    .nanoseconds = AG__CHEAP,
};
