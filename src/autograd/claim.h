/*
 * claim.h: gradients that are written before backward asks for them.
 *
 * A loss has its gradient at hand while it computes its value. So forward writes it where it will be
 * wanted, into the memory of its parent's gradient, if that is empty, and keeps a claim. If nothing
 * else was written there until backward comes by, and the upstream gradient is 1, the gradient is
 * already there: memory is walked through once instead of twice. Otherwise backward computes it.
 */
#ifndef AG_AUTOGRAD_CLAIM_H
#define AG_AUTOGRAD_CLAIM_H

#include <autograd/variable.h>

/* The number of a claim on one variable's gradient; 0 for none. */
typedef uint64_t ag__claim;

/* Claims the memory of a gradient that is empty, for which earlier claims are lost; 0 otherwise. */
ag__claim ag__claim_gradient(ag_variable *variable);

/* Makes what was written under a claim the variable's gradient; false if the claim was lost. */
bool ag__redeem_claim(ag_variable *variable, ag__claim claim);

#endif
