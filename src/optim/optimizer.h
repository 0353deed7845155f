/* optimizer.h: what every optimiser has, whatever its rule. */
#ifndef AG_OPTIM_OPTIMIZER_H
#define AG_OPTIM_OPTIMIZER_H

#include <autograd/optim.h>

#include <float.h>
#include <math.h>

#include "core/cpu.h"

#define AG__MAX_STATE 3
#define AG__MAX_SHARED_STATE 8

/* What a rule goes by in one step of one parameter. */
typedef struct ag__settings {
    double learning_rate, momentum, weight_decay; /* as they are now, in the parameter's group */
    uint64_t step;                                /* of the parameter, from 1 */
} ag__settings;

typedef union ag__rule_options {
    ag_sgd_options sgd;
    ag_adam_options adam;
    ag_rmsprop_options rmsprop;
    ag_adagrad_options adagrad;
} ag__rule_options;

/*
 * A momentum as it is kept. That of a weight which gets no gradient any more shrinks until it is a denormal
 * number, and would stay one: 0.9 times the least float is the least float again. x86 processors compute a hundred
 * times as slowly with those, so it ends at 0.
 */
AG__INLINE float ag__kept_momentum(float momentum)
{
    return fabsf(momentum) < FLT_MIN ? 0 : momentum;
}

/*
 * Moves n elements of a parameter by one step, in one pass over everything. state holds what the rule
 * keeps of them: arrays of n floats, NULL beyond the rule's num_state. It computes in float, with
 * coefficients from double: in double the square root and the division would take 3.5 times as long.
 */
typedef void ag__update(const ag__rule_options *options, const ag__settings *now, size_t n,
                        float *elements, const float *gradients, float *const *state);

/* A rule with its options: what an optimiser is made of, and all that a new rule has to give. */
typedef struct ag__rule {
    const char *name;
    ag__update *update;                     /* NULL where parameters do not move one by one */
    float learning_rate, weight_decay;      /* of the options */
    float momentum;                         /* of the options: momentum or beta1 */
    bool has_momentum;                      /* so that it can be changed */
    uint32_t num_state;                     /* tensors that it keeps of each parameter */
    const char *state_names[AG__MAX_STATE]; /* short ones, as in PyTorch */
    float first_state; /* what the first of them is filled with; others with 0 */
    ag__rule_options options;
} ag__rule;

/* A parameter in the care of an optimiser. */
typedef struct ag__parameter {
    ag_variable *variable;
    uint64_t sign;                   /* of its stamp, then */
    size_t size;                     /* number of elements, when it was taken in care */
    uint64_t steps;                  /* that it has taken */
    ag_tensor *state[AG__MAX_STATE]; /* of its shape */
    size_t group;
    size_t begin; /* where its elements begin in the present step's row of all that move */
} ag__parameter;

typedef struct ag__group {
    double learning_rate_factor;
    double weight_decay;
} ag__group;

struct ag_optimizer {
    ag__rule rule;
    ag_arena *arena;
    float learning_rate, momentum; /* as they are now */
    size_t num_parameters, num_groups;
    ag__parameter *parameters;
    ag__group *groups;
    size_t num_moving;      /* of the parameters, how many have a gradient in the present step */
    ag__parameter **moving; /* which */
    uint32_t num_shared;    /* what the rule keeps of all parameters together */
    ag_optimizer_state shared[AG__MAX_SHARED_STATE];
    struct ag__lbfgs *lbfgs; /* of that rule alone */
};

/* Checks a setting: lowest ≤ value < bound. NaN fails. */
ag_status ag__check_setting(const char *optimizer, const char *setting, float value, float lowest,
                            float bound);

/* Checks that no parameter is given twice. */
ag_status ag__check_distinct(const char *function, size_t count, ag_variable *const *parameters);

/* Whether a parameter's variable is still the one that was taken in care. */
bool ag__parameter_is_there(const ag__parameter *parameter);

/* Checks that parameters and gradients are still of the shape that they had at first. */
ag_status ag__check_gradients(const char *function, const ag_optimizer *optimizer);

/* Puts an optimiser with its state on the arena; for a rule whose options have been checked. */
ag_optimizer *ag__optimizer_create(ag_arena *arena, size_t num_parameters,
                                   ag_variable *const *parameters, const ag__rule *rule);

#endif
