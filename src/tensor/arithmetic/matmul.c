/* matmul.c: the product of two matrices, each transposed or not. */
#include "config.h"

#include "core/product.h"
#include "core/status.h"
#include "tensor/op.h"

static ag__matrix factor(const ag_tensor *tensor, bool transposed)
{
    return (ag__matrix){tensor->data, tensor->shape[0], tensor->shape[1], transposed};
}

static bool transposes_a(const ag__call *call)
{
    return (call->transposes & AG__TRANSPOSE_A) != 0;
}

static bool transposes_b(const ag__call *call)
{
    return (call->transposes & AG__TRANSPOSE_B) != 0;
}

static ag_status matmul_infer_shape(const ag__call *call, ag__shape *shape)
{
    const ag_tensor *a = call->inputs[0], *b = call->inputs[1];
    for (uint32_t i = 0; i < 2; i++) {
        const ag_tensor *input = call->inputs[i];
        if (input->ndims != 2)
            return ag__fail(AG_ERROR_SHAPE, "matmul: %s is %s but must be a matrix",
                            call->op->input_names[i], ag__tensor_shape_text(input).text);
    }
    bool ta = transposes_a(call), tb = transposes_b(call);
    if (a->shape[ta ? 0 : 1] != b->shape[tb ? 1 : 0])
        return ag__fail(AG_ERROR_SHAPE, "matmul: a is %s%s but b is %s%s",
                        ag__tensor_shape_text(a).text, ta ? " transposed" : "",
                        ag__tensor_shape_text(b).text, tb ? " transposed" : "");
    *shape = (ag__shape){.ndims = 2, .dims = {a->shape[ta ? 1 : 0], b->shape[tb ? 0 : 1]}};
    return AG_OK;
}

static ag_status matmul_forward(const ag__call *call, ag_tensor *out)
{
    ag__matmul(factor(call->inputs[0], transposes_a(call)),
               factor(call->inputs[1], transposes_b(call)), false, out->data);
    return AG_OK;
}

/* d op(a) = G · op(b)ᵀ; where a is transposed, its gradient is the transpose of that. */
static void matmul_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    const ag_tensor *a = call->inputs[0], *b = call->inputs[1];
    bool ta = transposes_a(call), tb = transposes_b(call);
    if (sinks[0].data != NULL && !ta)
        ag__matmul(factor(grad, false), factor(b, !tb), sinks[0].accumulate, sinks[0].data);
    if (sinks[0].data != NULL && ta)
        ag__matmul(factor(b, tb), factor(grad, true), sinks[0].accumulate, sinks[0].data);
    if (sinks[1].data != NULL && !tb)
        ag__matmul(factor(a, !ta), factor(grad, false), sinks[1].accumulate, sinks[1].data);
    if (sinks[1].data != NULL && tb)
        ag__matmul(factor(grad, true), factor(a, ta), sinks[1].accumulate, sinks[1].data);
}

const ag__op ag__op_matmul = {
    .name = "matmul",
    .num_inputs = 2,
    .num_parents = 2,
    .num_differentiable = 2,
    .input_names = {"a", "b"},
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = matmul_infer_shape,
    .forward = matmul_forward,
    .backward = matmul_backward,
};
