/* optimizer.h: what every optimiser has, whatever its rule. */
#ifndef AG_OPTIM_OPTIMIZER_H
#define AG_OPTIM_OPTIMIZER_H

#include <autograd/optim.h>

#define AG__MAX_STATE 2

/*
 * Moves n elements of a parameter by its step number `step`, which starts at 1. state holds what the
 * rule keeps of them: arrays of n floats.
 */
typedef void ag__update(const ag_optimizer *optimizer, uint64_t step, size_t n, float *elements,
                        const float *gradients, float *const *state);

/* A parameter in the care of an optimiser. */
typedef struct ag__parameter {
    ag_variable *variable;
    size_t size;                     /* number of elements, when it was taken in care */
    uint64_t steps;                  /* that it has taken */
    ag_tensor *state[AG__MAX_STATE]; /* of its shape; zero at first */
} ag__parameter;

struct ag_optimizer {
    const char *name;
    ag__update *update;
    uint32_t num_state; /* tensors that the rule keeps of each parameter */
    const char *state_names[AG__MAX_STATE];
    size_t num_parameters;
    ag__parameter *parameters;
    float learning_rate;
    union {
        ag_sgd_options sgd;
        ag_adamw_options adamw;
    } options;
};

/* Checks a setting: lowest ≤ value < bound. NaN fails. */
ag_status ag__check_setting(const char *optimizer, const char *setting, float value, float lowest,
                            float bound);

/* Copies an optimiser whose rule and settings are filled in to the arena, with its state. */
ag_optimizer *ag__optimizer_create(ag_arena *arena, size_t num_parameters,
                                   ag_variable *const *parameters, ag_optimizer rule);

#endif
