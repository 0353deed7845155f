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

/** Settings of AdamW, which are those of Adam; ag_adamw_defaults gives the usual ones. */
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

/** Settings of L-BFGS; ag_lbfgs_defaults gives the usual ones. */
typedef struct ag_lbfgs_options {
    float learning_rate;     /**< ≥ 0, finite: the first length to try, times the direction; 1 */
    uint32_t max_iterations; /**< directions in one step, at least 1; 20 */
    uint32_t
        max_evaluations;  /**< calls of the closure, after which no new direction is taken; 25 */
    float tolerance_grad; /**< ≥ 0: a step ends where no element of the gradient is larger; 1e-7 */
    float tolerance_change; /**< ≥ 0: or where loss or parameters change by less; 1e-9 */
    uint32_t history_size;  /**< pairs of moves and gradient changes to remember, at least 1; 100 */
    bool strong_wolfe;      /**< search along each direction; true by default */
} ag_lbfgs_options;

/**
 * Computes the loss and its gradients afresh for the parameters' present values, without moving them:
 * empties the gradients, builds the graph, goes backward, sets *loss. Any status but AG_OK ends the
 * step.
 */
typedef ag_status (*ag_closure)(void *context, double *loss);

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
 * @return NULL on failure: AG_ERROR_NULL, AG_ERROR_STATE (a parameter is gone), AG_ERROR_SHAPE (of one whose
 *         tensor is damaged), AG_ERROR_MEMORY, AG_ERROR_ARGUMENT (no parameters, one that is no leaf or wants no gradient, one that occurs twice, a setting out of its range).
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
 * The usual settings, as the comments of ag_lbfgs_options say: PyTorch's, and the line search, which
 * there must be asked for.
 */
AG_API ag_lbfgs_options ag_lbfgs_defaults(void);

/**
 * L-BFGS (J. Nocedal 1980): moves along -H · gradient, where H estimates the inverse of the second
 * derivatives from the last history_size moves; as PyTorch defines it. For a loss without noise: the
 * same data in every evaluation. All memory is taken here, 2 · history_size + 10 times that of the
 * parameters; steps take none. Parameters and failures are those of ag_sgd_create.
 */
AG_API ag_optimizer *ag_lbfgs_create(ag_arena *arena, size_t num_parameters,
                                     ag_variable *const *parameters, ag_lbfgs_options options);

/**
 * One step of L-BFGS: up to max_iterations directions. The first of all is the gradient's, with the
 * length min(1, 1 / Σ |gradient|) · learning_rate to try first; later ones try learning_rate. With
 * strong_wolfe the length is found by a search for the strong Wolfe conditions, c1 = 1e-4 and
 * c2 = 0.9 (J. Nocedal and S. Wright 2006, algorithms 3.5 and 3.6), in up to 25 further evaluations;
 * without it is the first.
 * @param closure  called at least once; it is given `context`.
 * @param loss     set to the loss at the beginning of the step; may be NULL.
 * @return AG_ERROR_NULL; AG_ERROR_ARGUMENT if the optimiser is another; AG_ERROR_STATE and AG_ERROR_SHAPE
 *         as ag_optimizer_step; what the closure returned. On failure the parameters are where they were,
 *         and what was remembered of earlier steps is forgotten if the closure has been called.
 */
AG_API ag_status ag_lbfgs_step(ag_optimizer *optimizer, ag_closure closure, void *context,
                               double *loss);

/**
 * Gives an optimiser further parameters, with a weight decay of their own and a learning rate that is
 * learning_rate_factor times the optimiser's, so that one schedule drives all groups. What was given
 * at creation has the factor 1 and the weight decay of the options. State is taken from the arena of
 * the creation. Parameters are numbered on from those before.
 * @param learning_rate_factor  ≥ 0, finite; 0 freezes the group.
 * @param weight_decay          ≥ 0, finite; often 0 for biases and norms.
 * @return AG_ERROR_NULL, AG_ERROR_STATE, AG_ERROR_MEMORY, AG_ERROR_ARGUMENT (as at creation; a parameter that is in an
 *         earlier group; an optimiser of L-BFGS, which has one group): the optimiser is as it was.
 */
AG_API ag_status ag_optimizer_add_group(ag_optimizer *optimizer, size_t num_parameters,
                                        ag_variable *const *parameters, float learning_rate_factor,
                                        float weight_decay);

/**
 * Moves every parameter that has a gradient by one step; the others stay as they are. A momentum (SGD's and
 * RMSprop's velocity, RMSprop's mean gradient, Adam's exp_avg) of less than FLT_MIN, 1.2e-38, is kept as 0.
 * @return AG_ERROR_NULL; AG_ERROR_STATE if a parameter is gone; AG_ERROR_SHAPE if one or its gradient was replaced by one of another
 *         shape; AG_ERROR_ARGUMENT for L-BFGS, which steps by ag_lbfgs_step: nothing has moved then.
 */
AG_API ag_status ag_optimizer_step(ag_optimizer *optimizer);

/**
 * Empties the gradients of all parameters, as ag_zero_grad does.
 * @return AG_ERROR_NULL; AG_ERROR_STATE if a parameter is gone: nothing has changed then.
 */
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

/**
 * Scales all gradients by one factor, min(1, max_norm / (norm + 1e-6)), where norm is the square root
 * of the sum of the squares of all their elements, taken in double. Call it between ag_backward and
 * ag_optimizer_step. Parameters without a gradient are passed over.
 * @param max_norm  ≥ 0, finite.
 * @param norm      set to the norm before; may be NULL.
 * @return AG_ERROR_NULL, AG_ERROR_STATE, AG_ERROR_SHAPE; AG_ERROR_ARGUMENT, also if a parameter is given
 *         twice; AG_ERROR_DOMAIN if an element of a gradient is not finite: no gradient has changed then.
 */
AG_API ag_status ag_clip_grad_norm(size_t num_parameters, ag_variable *const *parameters,
                                   float max_norm, double *norm);

/**
 * Brings every element of the gradients into the range from -limit to limit; NaN stays.
 * @param limit  ≥ 0, finite.
 * @return AG_ERROR_NULL, AG_ERROR_STATE, AG_ERROR_SHAPE, AG_ERROR_ARGUMENT.
 */
AG_API ag_status ag_clip_grad_value(size_t num_parameters, ag_variable *const *parameters,
                                    float limit);

AG_END_DECLS

#endif
