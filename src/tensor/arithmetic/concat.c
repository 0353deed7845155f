/* concat.c: tensors one after the other along one dimension. */
#include "config.h"

#include "core/status.h"
#include "tensor/dimension.h"

/* Whether two tensors agree in every dimension but one. */
static bool fit(const ag_tensor *a, const ag_tensor *b, uint32_t dim)
{
    bool same = a->ndims == b->ndims;
    for (uint32_t d = 0; same && d < a->ndims; d++)
        same = d == dim || a->shape[d] == b->shape[d];
    return same;
}

static ag_status concat_infer_shape(const ag__call *call, ag__shape *shape)
{
    ag_status status = ag__check_dimension(call);
    if (status != AG_OK) return status;
    const ag_tensor *first = call->inputs[0];
    uint32_t dim = ag__dimension(call);
    *shape = ag__shape_of(first);
    for (uint32_t i = 1; i < ag__num_inputs(call); i++) {
        const ag_tensor *input = ag__input(call, i);
        if (!fit(first, input, dim) || shape->dims[dim] > UINT32_MAX - input->shape[dim])
            return ag__fail(AG_ERROR_SHAPE, "concat: %s is %s but %s is %s, dim %u",
                            call->op->input_names[0], ag__tensor_shape_text(first).text,
                            ag__input_name(call, i).text, ag__tensor_shape_text(input).text,
                            (unsigned)dim);
        shape->dims[dim] += input->shape[dim];
    }
    size_t size;
    return ag__shape_size("concat", shape->ndims, shape->dims, &size);
}

static ag_status concat_forward(const ag__call *call, ag_tensor *out)
{
    ag__along result = ag__along_of(call, out);
    size_t pitch = result.length * result.inner, offset = 0;
    for (uint32_t i = 0; i < ag__num_inputs(call); i++) {
        const ag_tensor *input = ag__input(call, i);
        size_t width = input->size / result.outer;
        ag__copy_slab(&(ag__slab){result.outer, width, width, pitch}, input->data,
                      (ag__sink){.data = out->data + offset});
        offset += width;
    }
    return AG_OK;
}

static void concat_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    ag__along result = ag__along_of(call, grad);
    size_t pitch = result.length * result.inner, offset = 0;
    for (uint32_t i = 0; i < ag__num_inputs(call); i++) {
        size_t width = ag__input(call, i)->size / result.outer;
        if (sinks[i].data != NULL)
            ag__copy_slab(&(ag__slab){result.outer, width, pitch, width}, grad->data + offset,
                          sinks[i]);
        offset += width;
    }
}

const ag__op ag__op_concat = {
    .name = "concat",
    .num_inputs = 3,
    .num_parents = 3,
    .num_differentiable = 3,
    .takes_list = true,
    .input_names = {"inputs[0]", "inputs[1]", "inputs[2]"},
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = concat_infer_shape,
    .forward = concat_forward,
    .backward = concat_backward,
    .nanoseconds = AG__CHEAP,
};
