/* batched_matmul.c: products of matrices, pair by pair, each transposed or not. */
#include "config.h"

#include "core/product.h"
#include "core/status.h"
#include "tensor/op.h"

#include <string.h>

static ag__matrix factor(const ag_tensor *tensor, bool transposed)
{
    return (ag__matrix){tensor->data, tensor->shape[tensor->ndims - 2],
                        tensor->shape[tensor->ndims - 1], transposed};
}

static size_t count_of(const ag_tensor *tensor)
{
    ag__matrix matrix = factor(tensor, false);
    return tensor->size / matrix.rows / matrix.columns;
}

static bool transposes_a(const ag__call *call)
{
    return (call->transposes & AG__TRANSPOSE_A) != 0;
}

static bool transposes_b(const ag__call *call)
{
    return (call->transposes & AG__TRANSPOSE_B) != 0;
}

static ag_status check_matrices(const ag__call *call, uint32_t input)
{
    const ag_tensor *x = call->inputs[input];
    if (x->ndims >= 3) return AG_OK;
    return ag__fail(AG_ERROR_SHAPE, "batched_matmul: %s is %s but must be [..., rows, columns]",
                    call->op->input_names[input], ag__tensor_shape_text(x).text);
}

static ag_status batched_matmul_infer_shape(const ag__call *call, ag__shape *shape)
{
    const ag_tensor *a = call->inputs[0], *b = call->inputs[1];
    ag_status status = check_matrices(call, 0);
    if (status == AG_OK) status = check_matrices(call, 1);
    if (status != AG_OK) return status;
    bool ta = transposes_a(call), tb = transposes_b(call);
    size_t leading = a->ndims - 2;
    if (a->ndims != b->ndims || memcmp(a->shape, b->shape, leading * sizeof *a->shape) != 0 ||
        a->shape[leading + !ta] != b->shape[leading + tb])
        return ag__fail(AG_ERROR_SHAPE, "batched_matmul: a is %s%s but b is %s%s",
                        ag__tensor_shape_text(a).text, ta ? " transposed" : "",
                        ag__tensor_shape_text(b).text, tb ? " transposed" : "");
    *shape = ag__shape_of(a);
    shape->dims[leading] = a->shape[leading + ta];
    shape->dims[leading + 1] = b->shape[leading + !tb];
    return AG_OK;
}

static ag_status batched_matmul_forward(const ag__call *call, ag_tensor *out)
{
    ag__matmul_batch(count_of(out), factor(call->inputs[0], transposes_a(call)),
                     factor(call->inputs[1], transposes_b(call)), false, out->data);
    return AG_OK;
}

/* d op(a) = G · op(b)ᵀ; where a is transposed, its gradient is the transpose of that. */
static void batched_matmul_backward(const ag__call *call, const ag_tensor *grad,
                                    const ag__sink *sinks)
{
    const ag_tensor *a = call->inputs[0], *b = call->inputs[1];
    bool ta = transposes_a(call), tb = transposes_b(call);
    size_t count = count_of(grad);
    if (sinks[0].data != NULL)
        ag__matmul_batch(count, ta ? factor(b, tb) : factor(grad, false),
                         ta ? factor(grad, true) : factor(b, !tb), sinks[0].accumulate,
                         sinks[0].data);
    if (sinks[1].data != NULL)
        ag__matmul_batch(count, tb ? factor(grad, true) : factor(a, !ta),
                         tb ? factor(a, ta) : factor(grad, false), sinks[1].accumulate,
                         sinks[1].data);
}

const ag__op ag__op_batched_matmul = {
    .name = "batched_matmul",
    .num_inputs = 2,
    .num_parents = 2,
    .num_differentiable = 2,
    .input_names = {"a", "b"},
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = batched_matmul_infer_shape,
    .forward = batched_matmul_forward,
    .backward = batched_matmul_backward,
};
