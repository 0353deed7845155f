/* lbfgs_create.c: the memory of L-BFGS, all of which is taken at once. */
#include "config.h"

#include <math.h>

#include "core/status.h"
#include "optim/lbfgs.h"

ag_lbfgs_options ag_lbfgs_defaults(void)
{
    return (ag_lbfgs_options){
        .learning_rate = 1,
        .max_iterations = 20,
        .max_evaluations = 25,
        .tolerance_grad = 1e-7f,
        .tolerance_change = 1e-9f,
        .history_size = 100,
        .strong_wolfe = true,
    };
}

static ag_status check_positive(const char *setting, uint32_t value)
{
    if (value > 0) return AG_OK;
    return ag__fail(AG_ERROR_ARGUMENT, "lbfgs: %s is 0 but must be at least 1", setting);
}

static ag_status check(const ag_lbfgs_options *o)
{
    static const char name[] = "lbfgs";
    ag_status status = ag__check_setting(name, "learning_rate", o->learning_rate, 0, INFINITY);
    if (status == AG_OK) status = check_positive("max_iterations", o->max_iterations);
    if (status == AG_OK) status = check_positive("max_evaluations", o->max_evaluations);
    if (status == AG_OK) status = check_positive("history_size", o->history_size);
    if (status == AG_OK)
        status = ag__check_setting(name, "tolerance_grad", o->tolerance_grad, 0, INFINITY);
    if (status == AG_OK)
        status = ag__check_setting(name, "tolerance_change", o->tolerance_change, 0, INFINITY);
    return status;
}

/* What a checkpoint must hold. */
static bool create_memory(ag_arena *arena, ag_optimizer *optimizer, ag__lbfgs *l)
{
    uint32_t size = (uint32_t)l->size, history[] = {l->options.history_size, size};
    l->gradient_changes = ag_tensor_create_zeros(arena, 2, history);
    l->moves = ag_tensor_create_zeros(arena, 2, history);
    l->last_gradient = ag_tensor_create_zeros(arena, 1, &size);
    l->last_move = ag_tensor_create_zeros(arena, 1, &size);
    const ag_optimizer_state all[] = {
        {"n_iter", NULL, &l->iterations},           {"num_pairs", NULL, &l->num_pairs},
        {"old_dirs", l->gradient_changes, NULL},    {"old_stps", l->moves, NULL},
        {"prev_flat_grad", l->last_gradient, NULL}, {"prev_step", l->last_move, NULL},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        optimizer->shared[optimizer->num_shared++] = all[i];
    return l->gradient_changes != NULL && l->moves != NULL && l->last_gradient != NULL &&
           l->last_move != NULL;
}

static bool create_scratch(ag_arena *arena, ag__lbfgs *l)
{
    float **const vectors[] = {&l->start,        &l->origin,       &l->direction,
                               &l->gradients[0], &l->gradients[1], &l->gradients[2]};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        *vectors[i] = ag_arena_alloc(arena, l->size * sizeof(float));
        if (*vectors[i] == NULL) return false;
    }
    l->product = ag_arena_alloc(arena, l->size * sizeof *l->product);
    l->curvatures = ag_arena_alloc(arena, l->options.history_size * sizeof(double));
    l->fractions = ag_arena_alloc(arena, l->options.history_size * sizeof(double));
    return l->product != NULL && l->curvatures != NULL && l->fractions != NULL;
}

static bool create_all(ag_arena *arena, ag_optimizer *optimizer, const ag_lbfgs_options *options)
{
    size_t size = 0;
    for (size_t i = 0; i < optimizer->num_parameters; i++)
        size += optimizer->parameters[i].size;
    if (size > UINT32_MAX) {
        ag__fail(AG_ERROR_ARGUMENT, "lbfgs: %zu elements are more than %u", size,
                 (unsigned)UINT32_MAX);
        return false;
    }
    ag__lbfgs *l = ag_arena_alloc(arena, sizeof *l);
    if (l == NULL) return false;
    *l = (ag__lbfgs){.options = *options, .size = size};
    optimizer->lbfgs = l;
    return create_memory(arena, optimizer, l) && create_scratch(arena, l);
}

ag_optimizer *ag_lbfgs_create(ag_arena *arena, size_t num_parameters,
                              ag_variable *const *parameters, ag_lbfgs_options options)
{
    if (check(&options) != AG_OK) return NULL;
    ag__rule rule = {.name = "lbfgs", .learning_rate = options.learning_rate};
    ag_mark mark = ag_arena_mark(arena);
    ag_optimizer *optimizer = ag__optimizer_create(arena, num_parameters, parameters, &rule);
    if (optimizer == NULL || create_all(arena, optimizer, &options)) return optimizer;
    ag_arena_rewind(arena, mark);
    return NULL;
}
