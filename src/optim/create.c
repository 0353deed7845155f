/* create.c: making an optimiser, and giving it further groups of parameters. */
#include "config.h"

#include <math.h>
#include <string.h>

#include "autograd/presence.h"
#include "core/status.h"
#include "optim/optimizer.h"
#include "tensor/shape.h"

/* ---- checks ---- */

static ag_status check_parameter(const char *name, size_t index, const ag_variable *parameter)
{
    ag_status status = ag__variable_check(name, "one of parameters", parameter);
    if (status != AG_OK) return status;
    if (!parameter->is_leaf || !parameter->requires_grad)
        return ag__fail(AG_ERROR_ARGUMENT,
                        "%s: parameter %zu (%s) is no leaf that requires a gradient", name, index,
                        parameter->op != NULL ? parameter->op : "unnamed");
    return ag__tensor_check(name, "a parameter's data", parameter->data);
}

static ag_status check_parameters(const char *name, size_t count, ag_variable *const *parameters)
{
    if (parameters == NULL) return ag__fail_missing(name, "parameters");
    if (count == 0) return ag__fail(AG_ERROR_ARGUMENT, "%s: no parameters", name);
    for (size_t i = 0; i < count; i++) {
        ag_status status = check_parameter(name, i, parameters[i]);
        if (status != AG_OK) return status;
    }
    return ag__check_distinct(name, count, parameters);
}

static ag_status check_unknown(const ag_optimizer *optimizer, size_t count,
                               ag_variable *const *parameters)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < optimizer->num_parameters; j++)
            if (optimizer->parameters[j].variable == parameters[i])
                return ag__fail(AG_ERROR_ARGUMENT,
                                "optimizer_add_group: parameter %zu is in an earlier group", i);
    return AG_OK;
}

/* ---- groups ---- */

static bool create_state(ag_arena *arena, const ag__rule *rule, ag__parameter *parameter)
{
    const ag_tensor *data = parameter->variable->data;
    for (uint32_t k = 0; k < rule->num_state; k++) {
        ag_tensor *state = ag_tensor_create(arena, data->ndims, data->shape);
        if (state == NULL) return false;
        ag_tensor_fill(state, k == 0 ? rule->first_state : 0);
        parameter->state[k] = state;
    }
    return true;
}

/* The arrays of an optimiser that has one group more, with what it has so far. */
static bool grow(ag_optimizer *optimizer, ag_arena *arena, size_t more)
{
    size_t count = optimizer->num_parameters + more, groups = optimizer->num_groups + 1;
    ag__group *old_groups = optimizer->groups;
    ag__parameter *old = optimizer->parameters;
    optimizer->groups = ag_arena_alloc(arena, groups * sizeof *optimizer->groups);
    optimizer->parameters = ag_arena_alloc(arena, count * sizeof *optimizer->parameters);
    optimizer->moving = ag_arena_alloc(arena, count * sizeof(ag__parameter *));
    if (optimizer->groups == NULL || optimizer->parameters == NULL || optimizer->moving == NULL)
        return false;
    if (old_groups == NULL) return true;
    memcpy(optimizer->groups, old_groups, (groups - 1) * sizeof *old_groups);
    memcpy(optimizer->parameters, old, optimizer->num_parameters * sizeof *old);
    return true;
}

/* Adds a group whose parameters have been checked; false leaves the optimiser as it was. */
static bool add_group(ag_optimizer *optimizer, size_t count, ag_variable *const *parameters,
                      ag__group group)
{
    ag_optimizer grown = *optimizer;
    ag_mark mark = ag_arena_mark(grown.arena);
    bool good = grow(&grown, grown.arena, count);
    for (size_t i = 0; good && i < count; i++) {
        ag__parameter *added = &grown.parameters[grown.num_parameters++];
        *added = (ag__parameter){.variable = parameters[i],
                                 .sign = parameters[i]->engine.stamp.sign,
                                 .size = parameters[i]->data->size,
                                 .group = grown.num_groups};
        good = create_state(grown.arena, &grown.rule, added);
    }
    if (!good) {
        ag_arena_rewind(grown.arena, mark);
        return false;
    }
    grown.groups[grown.num_groups++] = group;
    *optimizer = grown;
    return true;
}

static ag_optimizer *create(ag_arena *arena, size_t count, ag_variable *const *parameters,
                            const ag__rule *rule)
{
    ag_optimizer *optimizer = ag_arena_alloc(arena, sizeof *optimizer);
    if (optimizer == NULL) return NULL;
    *optimizer = (ag_optimizer){
        .rule = *rule,
        .arena = arena,
        .learning_rate = rule->learning_rate,
        .momentum = rule->momentum,
    };
    ag__group group = {.learning_rate_factor = 1, .weight_decay = (double)rule->weight_decay};
    return add_group(optimizer, count, parameters, group) ? optimizer : NULL;
}

ag_optimizer *ag__optimizer_create(ag_arena *arena, size_t num_parameters,
                                   ag_variable *const *parameters, const ag__rule *rule)
{
    if (arena == NULL) {
        ag__fail_null(rule->name, "arena");
        return NULL;
    }
    if (check_parameters(rule->name, num_parameters, parameters) != AG_OK) return NULL;
    ag_mark mark = ag_arena_mark(arena);
    ag_optimizer *optimizer = create(arena, num_parameters, parameters, rule);
    if (optimizer == NULL) ag_arena_rewind(arena, mark);
    return optimizer;
}

ag_status ag_optimizer_add_group(ag_optimizer *optimizer, size_t num_parameters,
                                 ag_variable *const *parameters, float learning_rate_factor,
                                 float weight_decay)
{
    static const char name[] = "optimizer_add_group";
    if (optimizer == NULL) return ag__fail_null(name, "optimizer");
    if (optimizer->rule.update == NULL)
        return ag__fail(AG_ERROR_ARGUMENT, "%s: %s has one group only", name, optimizer->rule.name);
    ag_status status = check_parameters(name, num_parameters, parameters);
    if (status == AG_OK) status = check_unknown(optimizer, num_parameters, parameters);
    if (status == AG_OK)
        status = ag__check_setting(name, "learning_rate_factor", learning_rate_factor, 0, INFINITY);
    if (status == AG_OK)
        status = ag__check_setting(name, "weight_decay", weight_decay, 0, INFINITY);
    if (status != AG_OK) return status;
    ag__group group = {(double)learning_rate_factor, (double)weight_decay};
    if (!add_group(optimizer, num_parameters, parameters, group)) return ag_last_status();
    return AG_OK;
}
