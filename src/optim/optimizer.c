/* optimizer.c: what every optimiser does, whatever its rule. */
#include "config.h"

#include "optim/optimizer.h"

#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/profile.h"
#include "core/status.h"
#include "tensor/shape.h"

ag_status ag__check_setting(const char *optimizer, const char *setting, float value, float lowest,
                            float bound)
{
    if (value >= lowest && value < bound) return AG_OK;
    return ag__fail(AG_ERROR_ARGUMENT, "%s: %s is %g but must be at least %g and below %g",
                    optimizer, setting, (double)value, (double)lowest, (double)bound);
}

static bool holds(const ag_tensor *tensor, size_t size)
{
    return tensor != NULL && tensor->data != NULL && tensor->size == size;
}

ag_status ag__check_distinct(const char *function, size_t count, ag_variable *const *parameters)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (parameters[j] == parameters[i])
                return ag__fail(AG_ERROR_ARGUMENT, "%s: parameters %zu and %zu are the same",
                                function, j, i);
    return AG_OK;
}

bool ag__parameter_is_there(const ag__parameter *parameter)
{
    return parameter->variable->engine.stamp.sign == parameter->sign;
}

static ag_status check_presence(const char *function, const ag_optimizer *optimizer)
{
    for (size_t i = 0; i < optimizer->num_parameters; i++)
        if (!ag__parameter_is_there(&optimizer->parameters[i]))
            return ag__fail(
                AG_ERROR_STATE,
                "%s: parameter %zu is gone: its arena was reset, or rewound to before it", function,
                i);
    return AG_OK;
}

/* The fields of a variable are public: what they hold now need not be what they held at first. */
ag_status ag__check_gradients(const char *function, const ag_optimizer *optimizer)
{
    ag_status status = check_presence(function, optimizer);
    if (status != AG_OK) return status;
    for (size_t i = 0; i < optimizer->num_parameters; i++) {
        const ag_variable *variable = optimizer->parameters[i].variable;
        size_t size = optimizer->parameters[i].size;
        bool has_gradient = variable->grad != NULL;
        if (!has_gradient && optimizer->lbfgs == NULL) continue; /* it will not move */
        if (!holds(variable->data, size) ||
            (has_gradient && (!holds(variable->grad, size) ||
                              !ag_tensor_same_shape(variable->data, variable->grad))))
            return ag__fail(AG_ERROR_SHAPE,
                            "%s: parameter %zu or its gradient has changed its shape", function, i);
    }
    return AG_OK;
}

/* ---- stepping ---- */

/*
 * All elements that move lie in one thought row, cut into pieces that threads can take: one parallel
 * region for all parameters, however many and small. A parameter begins at a cache line.
 */
#define PIECE 4096
#define CACHE_LINE 16 /* floats */
#define NANOSECONDS_PER_ELEMENT 0.6

/* Lists the parameters with a gradient, and counts their step. Gives the length of their row. */
static size_t line_up(ag_optimizer *optimizer)
{
    size_t end = 0;
    optimizer->num_moving = 0;
    for (size_t i = 0; i < optimizer->num_parameters; i++) {
        ag__parameter *parameter = &optimizer->parameters[i];
        if (parameter->variable->grad == NULL) continue;
        parameter->steps++;
        parameter->begin = end;
        end += (parameter->size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
        optimizer->moving[optimizer->num_moving++] = parameter;
    }
    return end;
}

/* The last of the parameters that move which begins at or before a place in the row. */
static size_t find_parameter(const ag_optimizer *optimizer, size_t place)
{
    size_t low = 0, high = optimizer->num_moving;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (optimizer->moving[middle]->begin <= place)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Moves the elements first … last - 1 of a parameter. */
static void update_elements(const ag_optimizer *optimizer, const ag__parameter *parameter,
                            size_t first, size_t last)
{
    const ag__group *group = &optimizer->groups[parameter->group];
    ag__settings now = {
        .learning_rate = group->learning_rate_factor * (double)optimizer->learning_rate,
        .momentum = (double)optimizer->momentum,
        .weight_decay = group->weight_decay,
        .step = parameter->steps,
    };
    float *state[AG__MAX_STATE] = {0};
    for (uint32_t k = 0; k < optimizer->rule.num_state; k++)
        state[k] = parameter->state[k]->data + first;
    const ag_variable *variable = parameter->variable;
    optimizer->rule.update(&optimizer->rule.options, &now, last - first,
                           variable->data->data + first, variable->grad->data + first, state);
}

static void update_pieces(size_t begin, size_t end, void *context)
{
    const ag_optimizer *optimizer = context;
    size_t first = begin * PIECE, last = end * PIECE;
    for (size_t i = find_parameter(optimizer, first); i < optimizer->num_moving; i++) {
        const ag__parameter *parameter = optimizer->moving[i];
        if (parameter->begin >= last) break;
        size_t from = first > parameter->begin ? first - parameter->begin : 0;
        size_t to = last - parameter->begin;
        if (to > parameter->size) to = parameter->size;
        if (from < to) update_elements(optimizer, parameter, from, to);
    }
}

ag_status ag_optimizer_step(ag_optimizer *optimizer)
{
    if (optimizer == NULL) return ag__fail_null("optimizer_step", "optimizer");
    if (optimizer->rule.update == NULL)
        return ag__fail(AG_ERROR_ARGUMENT, "optimizer_step: %s needs a closure: call %s_step",
                        optimizer->rule.name, optimizer->rule.name);
    ag_status status = ag__check_gradients("optimizer_step", optimizer);
    if (status != AG_OK) return status;
    double begin = ag__deed_begins();
    size_t elements = line_up(optimizer);
    if (elements > 0)
        ag__parallel_for((elements + PIECE - 1) / PIECE, NANOSECONDS_PER_ELEMENT * (double)elements,
                         update_pieces, optimizer);
    ag__tell(begin, optimizer->rule.name, "step", 0, NULL);
    return AG_OK;
}

ag_status ag_optimizer_zero_grad(ag_optimizer *optimizer)
{
    if (optimizer == NULL) return ag__fail_null("optimizer_zero_grad", "optimizer");
    ag_status status = check_presence("optimizer_zero_grad", optimizer);
    for (size_t i = 0; i < optimizer->num_parameters && status == AG_OK; i++)
        optimizer->parameters[i].variable->grad = NULL;
    return status;
}

/* ---- what a schedule changes ---- */

ag_status ag_optimizer_set_learning_rate(ag_optimizer *optimizer, float learning_rate)
{
    if (optimizer == NULL) return ag__fail_null("optimizer_set_learning_rate", "optimizer");
    ag_status status = ag__check_setting("optimizer_set_learning_rate", "learning_rate",
                                         learning_rate, 0, INFINITY);
    if (status == AG_OK) optimizer->learning_rate = learning_rate;
    return status;
}

float ag_optimizer_learning_rate(const ag_optimizer *optimizer)
{
    if (optimizer != NULL) return optimizer->learning_rate;
    ag__fail_null("optimizer_learning_rate", "optimizer");
    return NAN;
}

ag_status ag_optimizer_set_momentum(ag_optimizer *optimizer, float momentum)
{
    if (optimizer == NULL) return ag__fail_null("optimizer_set_momentum", "optimizer");
    if (!optimizer->rule.has_momentum)
        return ag__fail(AG_ERROR_ARGUMENT, "optimizer_set_momentum: this %s was made without one",
                        optimizer->rule.name);
    ag_status status = ag__check_setting("optimizer_set_momentum", "momentum", momentum, 0, 1);
    if (status == AG_OK) optimizer->momentum = momentum;
    return status;
}

float ag_optimizer_momentum(const ag_optimizer *optimizer)
{
    if (optimizer != NULL) return optimizer->momentum;
    ag__fail_null("optimizer_momentum", "optimizer");
    return NAN;
}
