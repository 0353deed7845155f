/* variable.h: the autograd graph: variables, and going backward through them. */
#ifndef AUTOGRAD_VARIABLE_H
#define AUTOGRAD_VARIABLE_H

#include <autograd/tensor.h>

typedef struct ag_variable ag_variable;

/** From a variable to one that it was computed from. */
typedef struct ag_edge {
    ag_variable *node; /**< the parent */
    uint64_t sign; /**< of the node's stamp: by it backward knows that it is the same one */
} ag_edge;

/**
 * The gradient of one operation: adds to each parent's gradient what self->grad implies for it,
 * with ag_accumulate_grad or ag_grad_sink. temp_arena is for scratch memory; it is rewound when
 * the function returns. Any status but AG_OK stops ag_backward, which returns it.
 */
typedef ag_status (*ag_backward_fn)(ag_variable *self, ag_arena *temp_arena);

/**
 * A node of the graph: a tensor, and how to carry a gradient back to what it was computed from.
 * Leaves come from ag_create_leaf, all other nodes from operations. Operations of your own are made
 * by ag_create_node, which is what the library's own use. A variable is gone when its arena is reset,
 * or rewound to before it; what is handed one that is gone, a copy of one, or one that was filled in by
 * hand, fails with AG_ERROR_STATE, unless another variable stands in its place by now: a pointer cannot tell
 * (docs/reliability.md has what is seen and what is not).
 *
 * Threads: any number may read a variable that requires no gradient at once. One that requires one
 * belongs to one thread at a time, and so does all that is computed from it: backward writes in it,
 * and so does the forward of a loss, which leaves its gradient there for backward. Threads that share
 * weights give each a leaf of its own on the same tensor, or ag_detach; or they turn the recording off
 * (ag_set_grad_enabled), when nothing is written.
 */
struct ag_variable {
    ag_tensor *data;    /**< its value */
    ag_tensor *grad;    /**< d root / d data, of data's shape; NULL until a backward reaches it */
    bool requires_grad; /**< whether gradients are wanted for it or for one of its parents */
    bool is_leaf;       /**< from ag_create_leaf */
    const char *op;     /**< the operation's name; "leaf" for a leaf */

    uint32_t num_parents;       /**< 0 where no gradient is wanted */
    uint32_t num_saved;         /**< of saved_tensors */
    ag_edge *parents;           /**< what it was computed from */
    ag_tensor **saved_tensors;  /**< what backward_fn needs beside self->data */
    ag_backward_fn backward_fn; /**< NULL for a leaf */

    /* What else backward_fn needs; the meaning is the operation's own. */
    uint32_t reduction;    /**< of a loss: its ag_reduction */
    uint32_t metadata_int; /**< of a matmul: which factors are transposed */
    float metadata_float;  /**< of a loss: its delta or margin; of scale: the factor */
    void *metadata;        /**< lives as long as the node */

    /** Used by ag_backward alone. */
    struct {
        ag_tensor *grad_storage; /* where grad lives: backward allocates nothing */
        ag_variable *next_found;
        ag_variable *next_ready;
        uint32_t pending; /* consumers whose contribution is still to come */
        bool claimed;     /* grad_storage holds what a forward has written under the last claim */
        uint64_t claims;  /* so many were made on grad_storage */
        ag_stamp stamp;   /* whether the variable is still there */
    } engine;
};

AG_BEGIN_DECLS

/**
 * Creates a leaf around a tensor, which it shares and does not copy. Variable and gradient live in
 * the arena; the tensor must outlive them.
 * @param requires_grad  true for a parameter, false for an input or a target.
 * @return NULL on failure: AG_ERROR_NULL, AG_ERROR_SHAPE, AG_ERROR_MEMORY.
 */
AG_API ag_variable *ag_create_leaf(ag_arena *arena, ag_tensor *tensor, bool requires_grad);

/**
 * A leaf on the same tensor that wants no gradient: what is built on it stays out of the graph.
 * @return NULL on failure: AG_ERROR_NULL, AG_ERROR_STATE, AG_ERROR_SHAPE, AG_ERROR_MEMORY.
 */
AG_API ag_variable *ag_detach(ag_arena *arena, const ag_variable *variable);

/**
 * Creates the node of an operation. It requires a gradient if one of its parents does and gradients
 * are enabled; only then has it parents and backward_fn. Fill saved_tensors and metadata as needed.
 * @param op       the operation's name; not copied, so usually a literal.
 * @param data     the operation's result, in the same arena or one that lives longer.
 * @return NULL on failure: AG_ERROR_NULL, AG_ERROR_STATE (a parent is gone), AG_ERROR_SHAPE, AG_ERROR_MEMORY.
 */
AG_API ag_variable *ag_create_node(ag_arena *arena, const char *op, ag_tensor *data,
                                   uint32_t num_parents, ag_variable *const *parents,
                                   ag_backward_fn backward_fn);

/**
 * Keeps tensors for a node's backward_fn; the pointers are copied, not the tensors. The node's
 * earlier saved tensors are forgotten.
 * @return AG_ERROR_NULL, AG_ERROR_STATE, AG_ERROR_MEMORY.
 */
AG_API ag_status ag_save_tensors(ag_arena *arena, ag_variable *node, uint32_t num_saved,
                                 ag_tensor *const *tensors);

/**
 * In a backward_fn: adds a contribution to a parent's gradient. Does nothing if the parent wants
 * none. @return AG_ERROR_NULL, AG_ERROR_STATE, AG_ERROR_SHAPE.
 */
AG_API ag_status ag_accumulate_grad(ag_variable *parent, const ag_tensor *contribution);

/**
 * In a backward_fn, the same without a temporary: where to write a parent's contribution.
 * @param accumulate  set to true if the contribution must be added to what is there, false if it
 *                    must overwrite what is there. Write every element before the next call.
 * @return the parent's gradient, or NULL if the parent wants none; on failure NULL too: AG_ERROR_NULL,
 *         AG_ERROR_STATE.
 */
AG_API ag_tensor *ag_grad_sink(ag_variable *parent, bool *accumulate);

/**
 * Computes d root / d leaf for every leaf under root that requires a gradient, and adds it to that
 * leaf's grad. Gradients of the nodes between are set afresh, and can be read until their arena is
 * rewound. A second call on the same graph adds the same amounts again. There is no recursion, and no
 * memory is taken but from temp_arena, so depth is limited by memory alone.
 * @param temp_arena  scratch memory for operations that need it: convolutions, poolings, layer_norm and
 *                    embedding. It is given back after each.
 * @param root        a scalar: a tensor of one element. Its own gradient starts as 1.
 * @return AG_ERROR_NULL; AG_ERROR_STATE if root or a node under it is gone; AG_ERROR_SHAPE if root is a leaf into
 *         which a gradient of another shape was put; AG_ERROR_GRAPH if root is no scalar (use
 *         ag_backward_from), requires no gradient, depends on itself, or shares nodes other than leaves with a backward that is
 *         running, in one of whose backward_fn this is called; what a backward_fn returned otherwise
 *         (AG_ERROR_MEMORY where scratch memory was refused). No gradient changes
 *         except after the last, when the contributions made until then stay.
 */
AG_API ag_status ag_backward(ag_arena *temp_arena, ag_variable *root);

/**
 * The same from a root of any shape: computes the gradients of the sum of seed * root.
 * @param seed  the upstream gradient, of root's shape; it is copied.
 */
AG_API ag_status ag_backward_from(ag_arena *temp_arena, ag_variable *root, const ag_tensor *seed);

/**
 * Empties a variable's gradient: grad is NULL until the next backward sets it.
 * @return AG_ERROR_NULL, AG_ERROR_STATE.
 */
AG_API ag_status ag_zero_grad(ag_variable *variable);

/**
 * Turns the recording of the graph on or off for this thread, and returns what it was. While it is
 * off, operations compute values alone: nothing is saved, and results require no gradient.
 */
AG_API bool ag_set_grad_enabled(bool enabled);

/** Whether operations of this thread record the graph; true at first. */
AG_API bool ag_grad_enabled(void);

AG_END_DECLS

#endif
