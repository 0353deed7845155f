/* linear.c: the fully connected layer x · weightᵀ + bias. */
#include "config.h"

#include "core/blas.h"
#include "core/status.h"
#include "tensor/op.h"

#include <limits.h>
#include <string.h>

enum { X, WEIGHT, BIAS };

/* A tensor [..., columns] as a matrix [rows, columns]. */
static ag__matrix rows_of(const ag_tensor *tensor, bool transposed)
{
    return (ag__matrix){tensor->data, ag__tensor_rows(tensor), ag__tensor_columns(tensor),
                        transposed};
}

static ag_status linear_infer_shape(const ag__call *call, ag__shape *shape)
{
    const ag_tensor *x = call->inputs[X], *weight = call->inputs[WEIGHT],
                    *bias = call->inputs[BIAS];
    if (weight->ndims != 2 || weight->shape[1] != ag__tensor_columns(x))
        return ag__fail(AG_ERROR_SHAPE, "linear: x is %s but weight is %s; it must be [out, in]",
                        ag__tensor_shape_text(x).text, ag__tensor_shape_text(weight).text);
    if (weight->shape[0] > INT_MAX || weight->shape[1] > INT_MAX || ag__tensor_rows(x) > INT_MAX)
        return ag__fail(AG_ERROR_SHAPE,
                        "linear: x is %s and weight is %s: more rows than BLAS can address",
                        ag__tensor_shape_text(x).text, ag__tensor_shape_text(weight).text);
    if (bias != NULL && (bias->ndims != 1 || bias->size != weight->shape[0]))
        return ag__fail(AG_ERROR_SHAPE, "linear: weight is %s but bias is %s",
                        ag__tensor_shape_text(weight).text, ag__tensor_shape_text(bias).text);
    *shape = ag__shape_of(x);
    shape->dims[shape->ndims - 1] = weight->shape[0];
    return AG_OK;
}

static ag_status linear_forward(const ag__call *call, ag_tensor *out)
{
    const ag_tensor *bias = call->inputs[BIAS];
    size_t columns = ag__tensor_columns(out);
    for (size_t i = 0; bias != NULL && i < out->size; i += columns)
        memcpy(out->data + i, bias->data, columns * sizeof *out->data);
    ag__matmul(rows_of(call->inputs[X], false), rows_of(call->inputs[WEIGHT], true), bias != NULL,
               out->data);
    return AG_OK;
}

/* The sums of the columns of the upstream gradient, a few columns at a time. */
static void bias_backward(const ag_tensor *grad, ag__sink sink)
{
    enum { AT_ONCE = 64 };
    size_t columns = ag__tensor_columns(grad);
    for (size_t first = 0; first < columns; first += AT_ONCE) {
        size_t n = columns - first < AT_ONCE ? columns - first : AT_ONCE;
        double sums[AT_ONCE] = {0};
        for (size_t row = first; row < grad->size; row += columns)
            for (size_t i = 0; i < n; i++)
                sums[i] += (double)grad->data[row + i];
        for (size_t i = 0; i < n; i++)
            sink.data[first + i] =
                (float)((sink.accumulate ? (double)sink.data[first + i] : 0) + sums[i]);
    }
}

static void linear_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    const ag_tensor *x = call->inputs[X], *weight = call->inputs[WEIGHT];
    if (sinks[X].data != NULL)
        ag__matmul(rows_of(grad, false), rows_of(weight, false), sinks[X].accumulate,
                   sinks[X].data);
    if (sinks[WEIGHT].data != NULL)
        ag__matmul(rows_of(grad, true), rows_of(x, false), sinks[WEIGHT].accumulate,
                   sinks[WEIGHT].data);
    if (sinks[BIAS].data != NULL) bias_backward(grad, sinks[BIAS]);
}

const ag__op ag__op_linear = {
    .name = "linear",
    .num_inputs = 3,
    .num_parents = 3,
    .num_differentiable = 3,
    .num_optional = 1,
    .input_names = {"x", "weight", "bias"},
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = linear_infer_shape,
    .forward = linear_forward,
    .backward = linear_backward,
};
