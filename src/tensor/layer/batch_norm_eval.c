/* batch_norm_eval.c: batch_norm by statistics that are given: those that training has gathered. */
#include "config.h"

#include <math.h>

#include "core/parallel.h"
#include "tensor/layer/batch_norm.h"

static ag__moments moments_of(const ag__call *call, size_t channel)
{
    double variance = (double)call->inputs[AG__BATCH_VARIANCE]->data[channel];
    return (ag__moments){(double)call->inputs[AG__BATCH_MEAN]->data[channel],
                         1 / sqrt(variance + (double)call->parameter)};
}

static void write_channels(size_t begin, size_t end, void *context)
{
    const ag__batch_pass *p = context;
    for (size_t channel = begin; channel < end; channel++)
        ag__batch_write(p, channel, moments_of(p->call, channel));
}

static ag_status batch_norm_eval_forward(const ag__call *call, ag_tensor *out)
{
    ag_status status = ag__call_check_domains(call);
    if (status != AG_OK) return status;
    ag__batch_pass p = ag__batch_pass_of(call);
    p.out = out->data;
    ag__parallel_for(p.channels, ag__batch_cost(call), write_channels, &p);
    return AG_OK;
}

static void carry_channels(size_t begin, size_t end, void *context)
{
    const ag__batch_pass *p = context;
    for (size_t channel = begin; channel < end; channel++)
        ag__batch_carry(p, channel, moments_of(p->call, channel), false);
}

static void batch_norm_eval_backward(const ag__call *call, const ag_tensor *grad,
                                     const ag__sink *sinks)
{
    ag__batch_pass p = ag__batch_pass_of(call);
    p.grad = grad->data;
    p.sinks = sinks;
    ag__parallel_for(p.channels, ag__batch_cost(call), carry_channels, &p);
}

const ag__op ag__op_batch_norm_eval = {
    .name = "batch_norm_eval",
    .num_inputs = 5,
    .num_parents = 3,
    .num_differentiable = 3,
    .input_names = {"x", "gamma", "beta", "mean", "variance"},
    .domains = {[AG__BATCH_VARIANCE] = {.text = "must not be negative",
                                        .lowest = 0,
                                        .highest = INFINITY}},
    .parameter_name = "epsilon",
    .parameter_range = AG__POSITIVE,
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = ag__batch_infer_shape,
    .forward = batch_norm_eval_forward,
    .backward = batch_norm_eval_backward,
    .nanoseconds = AG__CHEAP,
};
