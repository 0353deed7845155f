/* check_core.c: how failures are told, tensors, random numbers, and the number of threads. */
#include "config.h"

#include "core/world.h"
#include "suite.h"

int main(void)
{
    Suite *suite = suite_create("core");
    add_status(suite);
    add_tensors(suite);
    add_random(suite);
    add_threads(suite);
    return run_suite(suite);
}
