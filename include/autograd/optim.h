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

/** Settings of Adam and AdamW; ag_adam_defaults and ag_adamw_defaults give the usual ones. */
typedef struct ag_adam_options {
    float learning_rate; /**< ≥ 0, finite; 1e-3 by default */
    float beta1;         /**< 0 to 1, below 1: decay of the mean of gradients; 0.9 */
    float beta2;         /**< 0 to 1, below 1: decay of the mean of their squares; 0.999 */
    float epsilon;       /**< ≥ 0: keeps the division away from 0; 1e-8 */
    float weight_decay;  /**< ≥ 0; 0 for Adam, 0.01 for AdamW */
} ag_adam_options;

typedef ag_adam_options ag_adamw_options;

/** Settings of RMSprop; ag_rmsprop_defaults gives the usual ones. */
typedef struct ag_rmsprop_options {
    float learning_rate; /**< ≥ 0, finite; 1e-2 by default */
    float alpha;         /**< 0 to 1, below 1: decay of the mean of squared gradients; 0.99 */
    float epsilon;       /**< ≥ 0: keeps the division away from 0; 1e-8 */
    float weight_decay;  /**< ≥ 0: adds weight_decay · parameter to the gradient; 0 */
    float momentum;      /**< 0 to 1, below 1; 0 */
    bool centered;       /**< divide by the standard deviation, not by the root mean square */
} ag_rmsprop_options;

/** Settings of Adagrad; ag_adagrad_defaults gives the usual ones. */
typedef struct ag_adagrad_options {
    float learning_rate;       /**< ≥ 0, finite; 1e-2 by default */
    float learning_rate_decay; /**< ≥ 0; 0 */
    float weight_decay;        /**< ≥ 0: adds weight_decay · parameter to the gradient; 0 */
    float initial_accumulator_value; /**< ≥ 0: where the sum of squares starts; 0 */
    float epsilon;                   /**< ≥ 0: keeps the division away from 0; 1e-10 */
} ag_adagrad_options;

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

/** The usual settings: learning rate 1e-3, betas 0.9 and 0.999, epsilon 1e-8, no weight decay. */
AG_API ag_adam_options ag_adam_defaults(void);

/**
 * Adam (D. P. Kingma and J. Ba 2015). In step k of a parameter p, for
 *     g = gradient + weight_decay · p:
 *     m = beta1 · m + (1 - beta1) · g;  v = beta2 · v + (1 - beta2) · g²;
 *     p = p - learning_rate · (m / (1 - beta1^k)) / (sqrt(v / (1 - beta2^k)) + epsilon).
 * Parameters and failures are those of ag_sgd_create.
 */
AG_API ag_optimizer *ag_adam_create(ag_arena *arena, size_t num_parameters,
                                    ag_variable *const *parameters, ag_adam_options options);

/** Those of ag_adam_defaults, with weight decay 0.01. */
AG_API ag_adamw_options ag_adamw_defaults(void);

/**
 * Adam with decoupled weight decay (I. Loshchilov and F. Hutter 2019): the step of ag_adam_create
 * with g the gradient alone, and before it
 *     p = p - learning_rate · weight_decay · p.
 * Parameters and failures are those of ag_sgd_create.
 */
AG_API ag_optimizer *ag_adamw_create(ag_arena *arena, size_t num_parameters,
                                     ag_variable *const *parameters, ag_adamw_options options);

/** The usual settings: learning rate 1e-2, alpha 0.99, epsilon 1e-8, nothing else. */
AG_API ag_rmsprop_options ag_rmsprop_defaults(void);

/**
 * RMSprop (T. Tieleman and G. Hinton 2012), with momentum and centered (A. Graves 2013) if asked
 * for, as PyTorch defines it. For g = gradient + weight_decay · p:
 *     s = alpha · s + (1 - alpha) · g²;  m = alpha · m + (1 - alpha) · g;
 *     d = g / (sqrt(s) + epsilon), or g / (sqrt(max(s - m², 0)) + epsilon) if centered;
 *     v = momentum · v + d;  p = p - learning_rate · v.
 * Parameters and failures are those of ag_sgd_create.
 */
AG_API ag_optimizer *ag_rmsprop_create(ag_arena *arena, size_t num_parameters,
                                       ag_variable *const *parameters, ag_rmsprop_options options);

/** The usual settings: learning rate 1e-2, epsilon 1e-10, nothing else. */
AG_API ag_adagrad_options ag_adagrad_defaults(void);

/**
 * Adagrad (J. Duchi, E. Hazan and Y. Singer 2011). In step k of a parameter p, for
 *     g = gradient + weight_decay · p:
 *     s = s + g², from initial_accumulator_value;
 *     p = p - learning_rate / (1 + (k - 1) · learning_rate_decay) · g / (sqrt(s) + epsilon).
 * Parameters and failures are those of ag_sgd_create.
 */
AG_API ag_optimizer *ag_adagrad_create(ag_arena *arena, size_t num_parameters,
                                       ag_variable *const *parameters, ag_adagrad_options options);

/**
 * Gives an optimiser further parameters, with a weight decay of their own and a learning rate that is
 * learning_rate_factor times the optimiser's, so that one schedule drives all groups. What was given
 * at creation has the factor 1 and the weight decay of the options. State is taken from the arena of
 * the creation. Parameters are numbered on from those before.
 * @param learning_rate_factor  ≥ 0, finite; 0 freezes the group.
 * @param weight_decay          ≥ 0, finite; often 0 for biases and norms.
 * @return AG_ERROR_NULL, AG_ERROR_MEMORY, AG_ERROR_ARGUMENT (as at creation; a parameter that is in an
 *         earlier group; an optimiser of L-BFGS, which has one group): the optimiser is as it was.
 */
AG_API ag_status ag_optimizer_add_group(ag_optimizer *optimizer, size_t num_parameters,
                                        ag_variable *const *parameters, float learning_rate_factor,
                                        float weight_decay);

/**
 * Moves every parameter that has a gradient by one step; the others stay as they are.
 * @return AG_ERROR_NULL; AG_ERROR_SHAPE if a parameter or its gradient was replaced by one of another
 *         shape; AG_ERROR_ARGUMENT for L-BFGS, which steps by ag_lbfgs_step: nothing has moved then.
 */
AG_API ag_status ag_optimizer_step(ag_optimizer *optimizer);

/** Empties the gradients of all parameters, as ag_zero_grad does. */
AG_API ag_status ag_optimizer_zero_grad(ag_optimizer *optimizer);

/**
 * Changes the learning rate, for a schedule (see schedule.h).
 * @return AG_ERROR_NULL; AG_ERROR_ARGUMENT unless ≥ 0 and finite.
 */
AG_API ag_status ag_optimizer_set_learning_rate(ag_optimizer *optimizer, float learning_rate);

/** The present learning rate; NaN for NULL. */
AG_API float ag_optimizer_learning_rate(const ag_optimizer *optimizer);

/**
 * Changes the momentum, for a schedule that cycles it: that of SGD and RMSprop, Adam's beta1.
 * @return AG_ERROR_NULL; AG_ERROR_ARGUMENT unless it is from 0 to below 1 and the rule was made with
 *         a momentum above 0 (Adam always has beta1).
 */
AG_API ag_status ag_optimizer_set_momentum(ag_optimizer *optimizer, float momentum);

/** The present momentum, or beta1; 0 for a rule that has none, NaN for NULL. */
AG_API float ag_optimizer_momentum(const ag_optimizer *optimizer);

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
