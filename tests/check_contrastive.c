/*
 * check_contrastive.c: the losses of whole batches, against references in double that build the whole
 * matrix from the definitions, and whose gradients are differences.
 */
#include "config.h"

#include "contrastive/world.h"
#include "suite.h"

int main(void)
{
    Suite *suite = suite_create("contrastive");
    add_values(suite);
    add_graphs(suite);
    add_edges(suite);
    add_errors(suite);
    return run_suite(suite);
}
