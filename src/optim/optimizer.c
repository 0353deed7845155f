/* optimizer.c: what every optimiser does, whatever its rule. */
#include "config.h"

#include "optim/optimizer.h"

#include <math.h>
#include <stdio.h>

#include "core/parallel.h"
#include "core/status.h"
#include "tensor/shape.h"

ag_status ag__check_setting(const char *optimizer, const char *setting, float value, float lowest,
                            float bound)
{
    if (value >= lowest && value < bound) return AG_OK;
    return ag__fail(AG_ERROR_ARGUMENT, "%s: %s is %g but must be at least %g and below %g",
                    optimizer, setting, (double)value, (double)lowest, (double)bound);
}

/* ---- creation ---- */

static ag_status check_parameter(const char *name, size_t index, const ag_variable *parameter)
{
    if (parameter == NULL) return ag__fail_null(name, "one of parameters");
    if (!parameter->is_leaf || !parameter->requires_grad)
        return ag__fail(AG_ERROR_ARGUMENT,
                        "%s: parameter %zu (%s) is no leaf that requires a gradient", name, index,
                        parameter->op);
    return ag__tensor_check(name, "a parameter's data", parameter->data);
}

static ag_status check_parameters(const char *name, size_t count, ag_variable *const *parameters)
{
    if (parameters == NULL) return ag__fail_missing(name, "parameters");
    if (count == 0) return ag__fail(AG_ERROR_ARGUMENT, "%s: no parameters", name);
    for (size_t i = 0; i < count; i++) {
        ag_status status = check_parameter(name, i, parameters[i]);
        if (status != AG_OK) return status;
        for (size_t j = 0; j < i; j++)
            if (parameters[j] == parameters[i])
                return ag__fail(AG_ERROR_ARGUMENT, "%s: parameters %zu and %zu are the same", name,
                                j, i);
    }
    return AG_OK;
}

static bool create_state(ag_arena *arena, uint32_t num_state, ag__parameter *parameter)
{
    const ag_tensor *data = parameter->variable->data;
    for (uint32_t k = 0; k < num_state; k++) {
        parameter->state[k] = ag_tensor_create_zeros(arena, data->ndims, data->shape);
        if (parameter->state[k] == NULL) return false;
    }
    return true;
}

static ag_optimizer *create(ag_arena *arena, size_t count, ag_variable *const *parameters,
                            ag_optimizer rule)
{
    ag_optimizer *optimizer = ag_arena_alloc(arena, sizeof *optimizer);
    ag__parameter *cared_for = ag_arena_alloc(arena, count * sizeof *cared_for);
    if (optimizer == NULL || cared_for == NULL) return NULL;
    *optimizer = rule;
    optimizer->num_parameters = count;
    optimizer->parameters = cared_for;
    for (size_t i = 0; i < count; i++) {
        cared_for[i] =
            (ag__parameter){.variable = parameters[i], .size = parameters[i]->data->size};
        if (!create_state(arena, rule.num_state, &cared_for[i])) return NULL;
    }
    return optimizer;
}

ag_optimizer *ag__optimizer_create(ag_arena *arena, size_t num_parameters,
                                   ag_variable *const *parameters, ag_optimizer rule)
{
    if (arena == NULL) {
        ag__fail_null(rule.name, "arena");
        return NULL;
    }
    if (check_parameters(rule.name, num_parameters, parameters) != AG_OK) return NULL;
    ag_mark mark = ag_arena_mark(arena);
    ag_optimizer *optimizer = create(arena, num_parameters, parameters, rule);
    if (optimizer == NULL) ag_arena_rewind(arena, mark);
    return optimizer;
}

/* ---- stepping ---- */

/* Parameters in pieces that threads can take. */
#define PIECE 4096
#define NANOSECONDS_PER_PARAMETER 0.6

typedef struct piecewise {
    const ag_optimizer *optimizer;
    const ag__parameter *parameter;
} piecewise;

static void update_pieces(size_t begin, size_t end, void *context)
{
    const piecewise *p = context;
    const ag_variable *variable = p->parameter->variable;
    size_t first = begin * PIECE, last = end * PIECE;
    if (last > variable->data->size) last = variable->data->size;
    float *state[AG__MAX_STATE] = {0};
    for (uint32_t k = 0; k < p->optimizer->num_state; k++)
        state[k] = p->parameter->state[k]->data + first;
    p->optimizer->update(p->optimizer, p->parameter->steps, last - first,
                         variable->data->data + first, variable->grad->data + first, state);
}

/* The fields of a variable are public: what they hold now need not be what they held at first. */
static ag_status check_gradients(const ag_optimizer *optimizer)
{
    for (size_t i = 0; i < optimizer->num_parameters; i++) {
        const ag_variable *variable = optimizer->parameters[i].variable;
        if (variable->grad == NULL) continue;
        if (variable->data->size != optimizer->parameters[i].size ||
            !ag_tensor_same_shape(variable->data, variable->grad) || variable->grad->data == NULL)
            return ag__fail(AG_ERROR_SHAPE,
                            "%s: parameter %zu or its gradient has changed its shape",
                            optimizer->name, i);
    }
    return AG_OK;
}

ag_status ag_optimizer_step(ag_optimizer *optimizer)
{
    if (optimizer == NULL) return ag__fail_null("optimizer_step", "optimizer");
    ag_status status = check_gradients(optimizer);
    if (status != AG_OK) return status;
    for (size_t i = 0; i < optimizer->num_parameters; i++) {
        ag__parameter *parameter = &optimizer->parameters[i];
        if (parameter->variable->grad == NULL) continue;
        parameter->steps++;
        piecewise p = {optimizer, parameter};
        size_t size = parameter->variable->data->size;
        ag__parallel_for((size + PIECE - 1) / PIECE, NANOSECONDS_PER_PARAMETER * (double)size,
                         update_pieces, &p);
    }
    return AG_OK;
}

ag_status ag_optimizer_zero_grad(ag_optimizer *optimizer)
{
    if (optimizer == NULL) return ag__fail_null("optimizer_zero_grad", "optimizer");
    for (size_t i = 0; i < optimizer->num_parameters; i++)
        ag_zero_grad(optimizer->parameters[i].variable);
    return AG_OK;
}

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

/* ---- what it remembers ---- */

const char *ag_optimizer_name(const ag_optimizer *optimizer)
{
    if (optimizer != NULL) return optimizer->name;
    ag__fail_null("optimizer_name", "optimizer");
    return NULL;
}

size_t ag_optimizer_num_state(const ag_optimizer *optimizer)
{
    if (optimizer != NULL) return optimizer->num_parameters * (1 + optimizer->num_state);
    ag__fail_null("optimizer_num_state", "optimizer");
    return 0;
}

/* For each parameter its count of steps, then its tensors. */
ag_status ag_optimizer_state_at(ag_optimizer *optimizer, size_t index, ag_optimizer_state *state)
{
    if (optimizer == NULL) return ag__fail_null("optimizer_state_at", "optimizer");
    if (state == NULL) return ag__fail_missing("optimizer_state_at", "state");
    size_t count = ag_optimizer_num_state(optimizer), each = 1 + optimizer->num_state;
    if (index >= count)
        return ag__fail(AG_ERROR_ARGUMENT, "optimizer_state_at: index is %zu but must be below %zu",
                        index, count);
    ag__parameter *parameter = &optimizer->parameters[index / each];
    size_t k = index % each;
    const char *name = k == 0 ? "step" : optimizer->state_names[k - 1];
    state->tensor = k == 0 ? NULL : parameter->state[k - 1];
    state->counter = k == 0 ? &parameter->steps : NULL;
    snprintf(state->name, sizeof state->name, "%zu.%s", index / each, name);
    return AG_OK;
}
