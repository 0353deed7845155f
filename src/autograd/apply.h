/* apply.h: from a call of an operation to a node of the graph. */
#ifndef AG_AUTOGRAD_APPLY_H
#define AG_AUTOGRAD_APPLY_H

#include <autograd/variable.h>

#include "tensor/op.h"

/* Checks and computes a call, and records it; inputs are the operation's, in order. NULL on failure. */
ag_variable *ag__apply(ag_arena *arena, ag__call call, ag_variable *const *inputs);

/* The same of an operation that takes a list of call.list_count inputs. */
ag_variable *ag__apply_list(ag_arena *arena, ag__call call, ag_variable *const *inputs);

/* The same where nothing is computed: the result is the memory of x in another shape. */
ag_variable *ag__apply_view(ag_arena *arena, ag__call call, ag_variable *x, uint32_t ndims,
                            const uint32_t *shape);

#endif
