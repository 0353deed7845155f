/* module.h: layers that own their parameters, and models made of them. */
#ifndef AUTOGRAD_MODULE_H
#define AUTOGRAD_MODULE_H

#include <autograd/layer.h>

/*
 * A module is a function of one variable with the parameters that belong to it, and nothing more: its
 * forward calls the operations of this library. Whoever wants another function of them calls those.
 *
 *     ag_module *layers[] = {
 *         ag_module_linear(permanent, &random, 784, 128, true),
 *         ag_module_activation(permanent, "relu", ag_relu),
 *         ag_module_linear(permanent, &random, 128, 10, true),
 *     };
 *     ag_module *model = ag_module_sequential(permanent, 3, layers);
 *     ag_variable *logits = ag_module_forward(model, step, x);
 *
 * Modules live in the arena that they are made in. Functions that make one return NULL on failure
 * (AG_ERROR_NULL, AG_ERROR_ARGUMENT, AG_ERROR_MEMORY); handed such a NULL in a list, they keep the
 * reason.
 */
typedef struct ag_module ag_module;

/** The most that one module has, without its children's. */
#define AG_MODULE_MAX_PARAMETERS 8

/** A module of your own fills in name, forward, parameters and what forward needs beside them. */
struct ag_module {
    const char *name; /**< of its kind, such as "linear" */
    ag_variable *(*forward)(ag_module *self, ag_arena *step, ag_variable *x); /**< its function */
    bool training; /**< true at first: dropout drops, batch_norm uses the batch's statistics */

    uint32_t num_parameters;                               /**< its own, without its children's */
    ag_variable *parameters[AG_MODULE_MAX_PARAMETERS];     /**< leaves, or NULL */
    const char *parameter_names[AG_MODULE_MAX_PARAMETERS]; /**< such as "weight" */

    uint32_t num_children; /**< of a sequential model */
    ag_module **children;  /**< in the order in which they are called */

    /* What forward needs beside parameters; the meaning is the module's own. */
    uint32_t settings[4];  /**< strides, windows, numbers of heads */
    float number;          /**< an epsilon, or a probability */
    float momentum;        /**< of batch_norm */
    ag_random *random;     /**< of dropout */
    ag_tensor *running[2]; /**< of batch_norm: mean and variance */
    ag_variable *(*function)(ag_arena *arena, ag_variable *x); /**< of an activation */
};

AG_BEGIN_DECLS

/**
 * The module's function of x: a new node in the step arena. A module of your own needs a name, a forward
 * and all parameters and children that it counts; modules may lie 64 deep, and be
 * 65,536 in all, one that stands in several counted for each.
 * @return NULL on failure: as of the operations; AG_ERROR_STATE also if a parameter is gone.
 */
AG_API ag_variable *ag_module_forward(ag_module *module, ag_arena *step, ag_variable *x);

/** Sets `training` of a module and of all in it. @return as ag_module_parameters. */
AG_API ag_status ag_module_set_training(ag_module *module, bool training);

/**
 * How many variables are parameters of a module and of all in it; 0 for NULL, and for a module of
 * your own that lacks a name, a child, a parameter or its data, or has one that is gone.
 */
AG_API size_t ag_module_num_parameters(const ag_module *module);

/** How many numbers its parameters are together; 0 as above. */
AG_API size_t ag_module_size(const ag_module *module);

/**
 * Its parameters, in order, for an optimiser: ag_module_num_parameters of them, in the arena.
 * @return NULL on failure: AG_ERROR_NULL, AG_ERROR_STATE if one is gone, AG_ERROR_ARGUMENT if there are
 *         none or a module has too many, AG_ERROR_MEMORY.
 */
AG_API ag_variable **ag_module_parameters(const ag_module *module, ag_arena *arena);

/**
 * Writes the name of a parameter, by its index in that order, such as "2.weight": the way to it through
 * the children, and its own name. As snprintf, always ends the text and returns its whole length.
 * Returns 0, with an empty text, where there is no such parameter.
 */
AG_API size_t ag_module_parameter_name(const ag_module *module, size_t index, char *buffer,
                                       size_t bytes);

/**
 * Writes a summary, a line for each module with the shapes of its parameters and their size, and the
 * total. As snprintf, always ends the text and returns its whole length; buffer may be NULL if bytes
 * is 0.
 */
AG_API size_t ag_module_summary(const ag_module *module, char *buffer, size_t bytes);

/** One module after the other. The list is copied, the modules are not. */
AG_API ag_module *ag_module_sequential(ag_arena *arena, uint32_t count, ag_module *const *modules);

/**
 * ag_linear. Weights and biases start uniform in ±1/√in, as PyTorch's do.
 */
AG_API ag_module *ag_module_linear(ag_arena *arena, ag_random *random, uint32_t in, uint32_t out,
                                   bool bias);

/** ag_conv2d with square windows. Starts uniform in ±1/√(in · window²), as PyTorch's does. */
AG_API ag_module *ag_module_conv2d(ag_arena *arena, ag_random *random, uint32_t in, uint32_t out,
                                   uint32_t window, uint32_t stride, uint32_t padding, bool bias);

/** A function without parameters, such as ag_relu. @param name  not copied, usually a literal. */
AG_API ag_module *ag_module_activation(ag_arena *arena, const char *name,
                                       ag_variable *(*function)(ag_arena *arena, ag_variable *x));

/** ag_max_pool2d. */
AG_API ag_module *ag_module_max_pool2d(ag_arena *arena, uint32_t window, uint32_t stride,
                                       uint32_t padding);

/** ag_average_pool2d. */
AG_API ag_module *ag_module_average_pool2d(ag_arena *arena, uint32_t window, uint32_t stride,
                                           uint32_t padding);

/** All dimensions but the first as one. */
AG_API ag_module *ag_module_flatten(ag_arena *arena);

/** ag_dropout while training, else nothing. @param random  used at each step; must live as long. */
AG_API ag_module *ag_module_dropout(ag_arena *arena, ag_random *random, float probability);

/** ag_layer_norm of the last dimension. gamma starts as 1, beta as 0. */
AG_API ag_module *ag_module_layer_norm(ag_arena *arena, uint32_t size, float epsilon);

/**
 * ag_batch_norm while training, else ag_batch_norm_eval with the statistics gathered in `running`.
 * gamma and the running variance start as 1, beta and the running mean as 0.
 */
AG_API ag_module *ag_module_batch_norm(ag_arena *arena, uint32_t channels, float momentum,
                                       float epsilon);

/**
 * Multi-head self-attention (A. Vaswani and others 2017) of x [batch, length, width]: for each head
 * softmax(Q Kᵀ / √d) V with Q, K, V linear in x and d = width / heads; the result is linear in all
 * heads. Its parameters have the names, shapes and order of those of PyTorch's MultiheadAttention:
 * in_proj_weight [3 width, width] for Q, K and V of all heads, in_proj_bias, out_proj.weight
 * [width, width], out_proj.bias. Weights start uniform in ±1/√width, biases as 0. heads must divide
 * width (AG_ERROR_ARGUMENT).
 * @param causal  whether a position sees those before it and itself alone.
 */
AG_API ag_module *ag_module_attention(ag_arena *arena, ag_random *random, uint32_t width,
                                      uint32_t heads, bool causal);

/**
 * softmax(queries · keysᵀ / √d) · values.
 * Shapes: queries [..., n, d], keys [..., m, d], values [..., m, e], of at least 3 dimensions, the
 * leading ones the same; result [..., n, e].
 * @param causal  whether query i sees keys 0 to i alone.
 */
AG_API ag_variable *ag_attention(ag_arena *arena, ag_variable *queries, ag_variable *keys,
                                 ag_variable *values, bool causal);

AG_END_DECLS

#endif
