/* check_optim.c: the optimisers. */
#include "config.h"

#include "optim/world.h"
#include "suite.h"

int main(void)
{
    Suite *suite = suite_create("optim");
    add_rules(suite);
    add_parameters(suite);
    add_checkpoints(suite);
    add_groups(suite);
    add_refusals(suite);
    return run_suite(suite);
}
