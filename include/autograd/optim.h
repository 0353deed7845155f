/* optim.h: optimisers: how parameters move against their gradients. */
#ifndef AUTOGRAD_OPTIM_H
#define AUTOGRAD_OPTIM_H

#include <autograd/variable.h>

/** A set of parameters, and the rule and state by which they are updated. */
typedef struct ag_optimizer ag_optimizer;

/** Settings of stochastic gradient descent. Zero means off for all but the learning rate. */
typedef struct ag_sgd_options {
    float learning_rate; /**< ≥ 0, finite */
    float momentum;      /**< 0 to 1, below 1: how much of the last step's velocity is kept */
    float weight_decay;  /**< ≥ 0: adds weight_decay · parameter to the gradient */
    bool nesterov;       /**< look ahead along the velocity; needs momentum > 0 */
} ag_sgd_options;

/** Settings of AdamW; ag_adamw_defaults gives the usual ones. */
typedef struct ag_adamw_options {
    float learning_rate; /**< ≥ 0, finite; 1e-3 by default */
    float beta1;         /**< 0 to 1, below 1: decay of the mean of gradients; 0.9 */
    float beta2;         /**< 0 to 1, below 1: decay of the mean of their squares; 0.999 */
    float epsilon;       /**< ≥ 0: keeps the division away from 0; 1e-8 */
    float weight_decay;  /**< ≥ 0; 0.01 */
} ag_adamw_options;

/** One thing that an optimiser remembers from step to step: a tensor or a counter. */
typedef struct ag_optimizer_state {
    char name[48];     /**< as "3.exp_avg" or "3.step", for parameter 3; PyTorch's name of it */
    ag_tensor *tensor; /**< the optimiser's own, to be read or overwritten; NULL for a counter */
    uint64_t *counter; /**< the same; NULL for a tensor */
} ag_optimizer_state;

AG_BEGIN_DECLS

/**
 * Stochastic gradient descent with momentum as PyTorch defines it:
 *     g = gradient + weight_decay · p;  v = momentum · v + g, from v = 0;
 *     p = p - learning_rate · v, with Nesterov's momentum p - learning_rate · (g + momentum · v).
 * @param arena       where the optimiser and its state live, usually the permanent one.
 * @param parameters  leaves that require a gradient, each once; the array is copied.
 * @return NULL on failure: AG_ERROR_NULL, AG_ERROR_MEMORY, AG_ERROR_ARGUMENT (no parameters, one that
 *         is no leaf or wants no gradient, one that occurs twice, a setting out of its range).
 */
AG_API ag_optimizer *ag_sgd_create(ag_arena *arena, size_t num_parameters,
                                   ag_variable *const *parameters, ag_sgd_options options);

/** The usual settings: learning rate 1e-3, betas 0.9 and 0.999, epsilon 1e-8, weight decay 0.01. */
AG_API ag_adamw_options ag_adamw_defaults(void);

/**
 * Adam with decoupled weight decay (I. Loshchilov and F. Hutter 2019). In step k, for gradient g:
 *     p = p - learning_rate · weight_decay · p;
 *     m = beta1 · m + (1 - beta1) · g;  v = beta2 · v + (1 - beta2) · g²;
 *     p = p - learning_rate · (m / (1 - beta1^k)) / (sqrt(v / (1 - beta2^k)) + epsilon).
 * Parameters and failures are those of ag_sgd_create.
 */
AG_API ag_optimizer *ag_adamw_create(ag_arena *arena, size_t num_parameters,
                                     ag_variable *const *parameters, ag_adamw_options options);

/**
 * Moves every parameter that has a gradient by one step; the others stay as they are.
 * @return AG_ERROR_NULL; AG_ERROR_SHAPE if a parameter or its gradient was replaced by one of another
 *         shape: nothing has moved then.
 */
AG_API ag_status ag_optimizer_step(ag_optimizer *optimizer);

/** Empties the gradients of all parameters, as ag_zero_grad does. */
AG_API ag_status ag_optimizer_zero_grad(ag_optimizer *optimizer);

/** Changes the learning rate, for a schedule. @return AG_ERROR_NULL; AG_ERROR_ARGUMENT unless ≥ 0. */
AG_API ag_status ag_optimizer_set_learning_rate(ag_optimizer *optimizer, float learning_rate);

/** The present learning rate; NaN for NULL. */
AG_API float ag_optimizer_learning_rate(const ag_optimizer *optimizer);

/** The rule's name, such as "adamw"; NULL for NULL. */
AG_API const char *ag_optimizer_name(const ag_optimizer *optimizer);

/**
 * How many things the optimiser remembers from step to step; 0 for NULL. They and the parameters are
 * all that a checkpoint must hold: an optimiser made with the same options for the same parameters,
 * in which they are set to what they were, goes on with the same bits.
 * Not among them: the learning rate and what else ag_optimizer_set_… has changed, which the program
 * sets again as its schedule does.
 */
AG_API size_t ag_optimizer_num_state(const ag_optimizer *optimizer);

/**
 * What the optimiser remembers, number `index`. The order, the names and the shapes depend on the
 * rule, its options and the parameters alone, and names are unique. Any values are safe to set.
 * @param state  filled; its tensor or counter is valid as long as the optimiser.
 * @return AG_ERROR_NULL; AG_ERROR_ARGUMENT unless index < ag_optimizer_num_state.
 */
AG_API ag_status ag_optimizer_state_at(ag_optimizer *optimizer, size_t index,
                                       ag_optimizer_state *state);

AG_END_DECLS

#endif
