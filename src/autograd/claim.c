/* claim.c: gradients that are written before backward asks for them. */
#include "config.h"

#include "autograd/claim.h"

ag__claim ag__claim_gradient(ag_variable *variable)
{
    bool empty = variable->requires_grad && variable->grad == NULL;
    if (!empty || variable->engine.grad_storage == NULL) return 0;
    variable->engine.claimed = true;
    return ++variable->engine.claims;
}

bool ag__redeem_claim(ag_variable *variable, ag__claim claim)
{
    bool held = claim != 0 && variable->engine.claimed && variable->engine.claims == claim;
    if (!held || !variable->requires_grad || variable->grad != NULL) return false;
    variable->engine.claimed = false;
    variable->grad = variable->engine.grad_storage;
    return true;
}
