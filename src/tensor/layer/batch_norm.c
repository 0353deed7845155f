/* batch_norm.c: each channel of a batch to mean 0 and variance 1, then times gamma plus beta. */
#include "config.h"

#include "tensor/layer/batch_norm.h"

#include <math.h>

#include "core/parallel.h"
#include "core/status.h"

enum { RUNNING_MEAN, RUNNING_VARIANCE };

ag_status ag__batch_check_momentum(float momentum)
{
    if (momentum >= 0 && momentum <= 1) return AG_OK;
    return ag__fail(AG_ERROR_ARGUMENT, "batch_norm: momentum is %g but must be in [0, 1]",
                    (double)momentum);
}

/* What is updated must be nothing that is read, or updated as well. */
static ag_status check_apart(const ag__call *call, int index, const char *const *names)
{
    const ag_tensor *running = call->updated[index];
    const ag_tensor *others[] = {call->inputs[0], call->inputs[1], call->inputs[2],
                                 call->updated[0]};
    const char *const *inputs = call->op->input_names;
    const char *const other_names[] = {inputs[0], inputs[1], inputs[2], names[0]};
    for (int i = 0; i < 3 + index; i++)
        if (ag__tensors_overlap(running, others[i]))
            return ag__fail(AG_ERROR_OVERLAP, "%s: %s shares memory with %s", call->op->name,
                            names[index], other_names[i]);
    return AG_OK;
}

static ag_status check_running(const ag__call *call)
{
    static const char *const names[] = {"running_mean", "running_variance"};
    if ((call->updated[0] == NULL) != (call->updated[1] == NULL))
        return ag__fail_missing(call->op->name, names[call->updated[0] != NULL]);
    ag_status status = ag__batch_check_momentum(call->rate);
    for (int i = 0; i < 2 && status == AG_OK && call->updated[i] != NULL; i++) {
        status = ag__tensor_check(call->op->name, names[i], call->updated[i]);
        if (status == AG_OK) status = ag__batch_check_row(call, names[i], call->updated[i]);
        if (status == AG_OK) status = check_apart(call, i, names);
    }
    return status;
}

static ag_status batch_norm_infer_shape(const ag__call *call, ag__shape *shape)
{
    ag_status status = ag__batch_infer_shape(call, shape);
    if (status == AG_OK) status = check_running(call);
    if (status != AG_OK) return status;
    ag__batch_pass p = ag__batch_pass_of(call);
    if (p.batch * p.plane > 1) return AG_OK;
    return ag__fail(AG_ERROR_SHAPE, "batch_norm: x is %s, with a single number per channel",
                    ag__tensor_shape_text(call->inputs[AG__BATCH_X]).text);
}

static void update(ag_tensor *running, size_t channel, double rate, double value)
{
    float *number = &running->data[channel];
    *number = (float)((1 - rate) * (double)*number + rate * value);
}

/* The moments of a channel; updates the running statistics by them. */
static ag__moments moments_of(const ag__batch_pass *p, size_t channel)
{
    const ag__call *call = p->call;
    double n = (double)p->batch * (double)p->plane;
    ag__sums sums = {0}, centred = {0};
    ag__batch_add_moments(p, channel, 0, &sums);
    double mean = sums.first / n;
    ag__batch_add_moments(p, channel, mean, &centred);
    if (call->updated[RUNNING_MEAN] != NULL) {
        update(call->updated[RUNNING_MEAN], channel, (double)call->rate, mean);
        update(call->updated[RUNNING_VARIANCE], channel, (double)call->rate,
               centred.second / (n - 1));
    }
    return (ag__moments){mean, 1 / sqrt(centred.second / n + (double)call->parameter)};
}

static void write_channels(size_t begin, size_t end, void *context)
{
    const ag__batch_pass *p = context;
    for (size_t channel = begin; channel < end; channel++) {
        ag__moments moments = moments_of(p, channel);
        if (p->moments != NULL) p->moments[channel] = moments;
        ag__batch_write(p, channel, moments);
    }
}

static ag_status batch_norm_forward(const ag__call *call, ag_tensor *out)
{
    ag__batch_pass p = ag__batch_pass_of(call);
    p.out = out->data;
    ag__parallel_for(p.channels, ag__batch_cost(call), write_channels, &p);
    return AG_OK;
}

static void carry_channels(size_t begin, size_t end, void *context)
{
    const ag__batch_pass *p = context;
    for (size_t channel = begin; channel < end; channel++)
        ag__batch_carry(p, channel, p->moments[channel], true);
}

static void batch_norm_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    ag__batch_pass p = ag__batch_pass_of(call);
    p.grad = grad->data;
    p.sinks = sinks;
    ag__parallel_for(p.channels, ag__batch_cost(call), carry_channels, &p);
}

static size_t batch_norm_memory_bytes(const ag__call *call)
{
    return call->inputs[AG__BATCH_X]->shape[1] * sizeof(ag__moments);
}

const ag__op ag__op_batch_norm = {
    .name = "batch_norm",
    .num_inputs = 3,
    .num_parents = 3,
    .num_differentiable = 3,
    .input_names = {"x", "gamma", "beta"},
    .parameter_name = "epsilon",
    .parameter_range = AG__POSITIVE,
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = batch_norm_infer_shape,
    .memory_bytes = batch_norm_memory_bytes,
    .forward = batch_norm_forward,
    .backward = batch_norm_backward,
    .nanoseconds = AG__TRANSCENDENTAL,
};
