/*
 * check_ops.c: what must hold for every operation, tried on each of them: values and gradients
 * agree with the reference, gradients arrive where they are wanted and nowhere else, and threads
 * change no bit. How they refuse bad inputs stands in bad_inputs/.
 */
#include "config.h"

#include "ops/world.h"
#include "suite.h"

int main(void)
{
    Suite *suite = suite_create("operations");
    must_know_chosen_operations();
    add_graph(suite);
    add_forms(suite);
    add_threads(suite);
    add_accuracy(suite);
    return run_suite(suite);
}
