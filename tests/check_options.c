/*
 * check_options.c: weights, divisors, labels and what else ag_<loss>_with takes, for every loss of the
 * table, and the cases that other libraries' users have reported.
 */
#include "config.h"

#include "options/world.h"
#include "suite.h"

int main(void)
{
    Suite *suite = suite_create("options of losses");
    add_weights(suite);
    add_gradients(suite);
    add_labels(suite);
    add_lists(suite);
    add_triplets(suite);
    add_errors(suite);
    return run_suite(suite);
}
