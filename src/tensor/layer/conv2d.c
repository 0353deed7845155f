/* conv2d.c: two-dimensional convolution. */
#include "config.h"

#include "tensor/layer/conv2d.h"

#include "core/status.h"

enum { X, WEIGHT, BIAS };
enum { STRIDE, PADDING };

static ag_status check_weight(const ag__call *call)
{
    const ag_tensor *x = call->inputs[X], *weight = call->inputs[WEIGHT],
                    *bias = call->inputs[BIAS];
    if (x->ndims != 4 || weight->ndims != 4 || weight->shape[1] != x->shape[1])
        return ag__fail(AG_ERROR_SHAPE,
                        "conv2d: x is %s but weight is %s; they must be [batch, in, height, width] "
                        "and [out, in, kh, kw]",
                        ag__tensor_shape_text(x).text, ag__tensor_shape_text(weight).text);
    if (bias != NULL && (bias->ndims != 1 || bias->size != weight->shape[0]))
        return ag__fail(AG_ERROR_SHAPE, "conv2d: weight is %s but bias is %s",
                        ag__tensor_shape_text(weight).text, ag__tensor_shape_text(bias).text);
    return AG_OK;
}

static ag_status conv_of(const ag__call *call, ag__conv2d *conv)
{
    const ag_tensor *weight = call->inputs[WEIGHT];
    conv->out = weight->shape[0];
    return ag__windows_of(call, weight->shape + 2, call->integers[STRIDE], call->integers[PADDING],
                          &conv->windows);
}

static ag_status conv2d_infer_shape(const ag__call *call, ag__shape *shape)
{
    ag__conv2d conv;
    ag_status status = check_weight(call);
    if (status == AG_OK) status = conv_of(call, &conv);
    if (status != AG_OK) return status;
    *shape = (ag__shape){4,
                         {call->inputs[X]->shape[0], (uint32_t)conv.out,
                          (uint32_t)conv.windows.out_height, (uint32_t)conv.windows.out_width}};
    return AG_OK;
}

static size_t conv2d_scratch_bytes(const ag__call *call)
{
    ag__conv2d conv;
    ag__sink none = {0};
    if (conv_of(call, &conv) != AG_OK) return 0;
    size_t passes[] = {ag__conv2d_forward(&conv, NULL, NULL, NULL, NULL, NULL),
                       ag__conv2d_to_input(&conv, NULL, NULL, none, NULL),
                       ag__conv2d_to_weight(&conv, NULL, NULL, none, none, NULL)};
    size_t most = 0;
    for (size_t i = 0; i < 3; i++)
        if (passes[i] > most) most = passes[i];
    return most * sizeof(float);
}

static ag_status conv2d_forward(const ag__call *call, ag_tensor *out)
{
    ag__conv2d conv;
    ag_status status = conv_of(call, &conv);
    if (status != AG_OK) return status;
    const ag_tensor *bias = call->inputs[BIAS];
    ag__conv2d_forward(&conv, call->inputs[X]->data, call->inputs[WEIGHT]->data,
                       bias != NULL ? bias->data : NULL, out->data, call->scratch);
    return AG_OK;
}

static void conv2d_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    ag__conv2d conv;
    if (conv_of(call, &conv) != AG_OK) return;
    if (sinks[X].data != NULL)
        ag__conv2d_to_input(&conv, grad->data, call->inputs[WEIGHT]->data, sinks[X], call->scratch);
    if (sinks[WEIGHT].data != NULL || sinks[BIAS].data != NULL)
        ag__conv2d_to_weight(&conv, call->inputs[X]->data, grad->data, sinks[WEIGHT], sinks[BIAS],
                             call->scratch);
}

const ag__op ag__op_conv2d = {
    .name = "conv2d",
    .num_inputs = 3,
    .num_parents = 3,
    .num_differentiable = 3,
    .num_optional = 1,
    .input_names = {"x", "weight", "bias"},
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = conv2d_infer_shape,
    .scratch_bytes = conv2d_scratch_bytes,
    .forward = conv2d_forward,
    .backward = conv2d_backward,
};
