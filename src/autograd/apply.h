/* apply.h: from a call of an operation to a node of the graph. */
#ifndef AG_AUTOGRAD_APPLY_H
#define AG_AUTOGRAD_APPLY_H

#include <autograd/variable.h>

#include "tensor/op.h"

/* Checks and computes a call, and records it; inputs are the operation's, in order. NULL on failure. */
ag_variable *ag__apply(ag_arena *arena, ag__call call, ag_variable *const *inputs);

#endif
