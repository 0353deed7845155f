/* presence.h: whether a variable is still there, and nodes of parents that are. */
#ifndef AG_AUTOGRAD_PRESENCE_H
#define AG_AUTOGRAD_PRESENCE_H

#include <autograd/variable.h>

#include "core/stamp.h"

/* Whether a variable is one of an arena's, and the arena has not given back its memory. */
static inline bool ag__variable_is_there(const ag_variable *variable)
{
    return ag__stamp_holds(&variable->engine.stamp);
}

/* Whether the node that an edge leads to, if any, is still the same one. */
static inline bool ag__edge_holds(const ag_edge *edge)
{
    return edge->node == NULL || edge->node->engine.stamp.sign == edge->sign;
}

/* Fails with AG_ERROR_STATE, since a variable that is an argument is not there. */
ag_status ag__fail_gone(const char *function, const char *argument);

/* Checks a variable that came from a caller: not NULL, and there. */
ag_status ag__variable_check(const char *function, const char *argument,
                             const ag_variable *variable);

/* As ag_create_node, for arguments that have been checked. On failure the caller rewinds the arena. */
ag_variable *ag__create_node(ag_arena *arena, const char *op, ag_tensor *data, uint32_t num_parents,
                             ag_variable *const *parents, ag_backward_fn backward_fn);

/* As ag_grad_sink, likewise. */
ag_tensor *ag__grad_sink(ag_variable *parent, bool *accumulate);

#endif
