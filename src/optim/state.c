/* state.c: what an optimiser remembers, one by one, for checkpoints. */
#include "config.h"

#include <stdio.h>

#include "core/status.h"
#include "optim/optimizer.h"

const char *ag_optimizer_name(const ag_optimizer *optimizer)
{
    if (optimizer != NULL) return optimizer->rule.name;
    ag__fail_null("optimizer_name", "optimizer");
    return NULL;
}

/* Of each parameter its count of steps and its tensors; nothing where the rule keeps all together. */
static size_t num_state_of_parameter(const ag_optimizer *optimizer)
{
    return optimizer->rule.update != NULL ? 1 + optimizer->rule.num_state : 0;
}

size_t ag_optimizer_num_state(const ag_optimizer *optimizer)
{
    if (optimizer != NULL)
        return optimizer->num_shared +
               optimizer->num_parameters * num_state_of_parameter(optimizer);
    ag__fail_null("optimizer_num_state", "optimizer");
    return 0;
}

static void describe(ag_optimizer *optimizer, size_t index, size_t k, ag_optimizer_state *state)
{
    ag__parameter *parameter = &optimizer->parameters[index];
    const char *name = k == 0 ? "step" : optimizer->rule.state_names[k - 1];
    state->tensor = k == 0 ? NULL : parameter->state[k - 1];
    state->counter = k == 0 ? &parameter->steps : NULL;
    snprintf(state->name, sizeof state->name, "%zu.%s", index, name);
}

ag_status ag_optimizer_state_at(ag_optimizer *optimizer, size_t index, ag_optimizer_state *state)
{
    if (optimizer == NULL) return ag__fail_null("optimizer_state_at", "optimizer");
    if (state == NULL) return ag__fail_missing("optimizer_state_at", "state");
    size_t count = ag_optimizer_num_state(optimizer), each = num_state_of_parameter(optimizer);
    if (index >= count)
        return ag__fail(AG_ERROR_ARGUMENT, "optimizer_state_at: index is %zu but must be below %zu",
                        index, count);
    if (index < optimizer->num_shared) {
        *state = optimizer->shared[index];
        return AG_OK;
    }
    index -= optimizer->num_shared;
    describe(optimizer, index / each, index % each, state);
    return AG_OK;
}
