/*
 * check_loss_cases.c: the corners of the losses, one test each: tails, infinities, zero vectors,
 * kinks, NaN, sums that overflow float, and where the library deliberately differs from PyTorch.
 */
#include "config.h"

#include "loss_cases/example.h"
#include "suite.h"

int main(void)
{
    Suite *suite = suite_create("special cases of losses");
    add_pairs(suite);
    add_classes(suite);
    add_embeddings(suite);
    add_others(suite);
    add_special_numbers(suite);
    add_behaviour(suite);
    return run_suite(suite);
}
