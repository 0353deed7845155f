/*
 * clamp.c: min(max(x, low), high), element by element. At the bounds the gradient flows, so that a
 * number that was put on a bound can leave it.
 */
#include "config.h"

#include "core/status.h"
#include "tensor/broadcast.h"

AG__INLINE ag__point clamp_law(double x, double high, double low)
{
    return (ag__point){
        .value = ag__clamp(x, low, high),
        .slope = ((x < low) | (x > high)) ? 0
                 : x == x               ? 1
                                        : x,
    };
}

AG__MAP_KERNELS(kernels, clamp_law)

static ag_status clamp_infer_shape(const ag__call *call, ag__shape *shape)
{
    float low = call->parameter, high = call->second_parameter;
    if (!(low <= high))
        return ag__fail(AG_ERROR_ARGUMENT, "clamp: low is %g but high is %g", (double)low,
                        (double)high);
    *shape = ag__shape_of(call->inputs[0]);
    return AG_OK;
}

/* The same call with the upper bound as a second input, which is stretched to the size of x. */
static ag__call with_high(const ag__call *call, ag_tensor *high, float *value)
{
    ag__call both = *call;
    *value = call->second_parameter;
    *high = (ag_tensor){.data = value, .ndims = 1, .shape = {1}, .size = 1};
    both.inputs[1] = high;
    return both;
}

static ag_status clamp_forward(const ag__call *call, ag_tensor *out)
{
    ag_tensor high;
    float value;
    ag__call both = with_high(call, &high, &value);
    return ag__broadcast_forward(&both, out);
}

static void clamp_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    ag_tensor high;
    float value;
    ag__call both = with_high(call, &high, &value);
    ag__broadcast_backward(&both, grad, sinks);
}

const ag__op ag__op_clamp = {
    .name = "clamp",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"x"},
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = clamp_infer_shape,
    .forward = clamp_forward,
    .backward = clamp_backward,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
