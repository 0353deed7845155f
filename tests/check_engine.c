/* check_engine.c: building graphs and going backward through them. */
#include "config.h"

#include "engine/world.h"
#include "suite.h"

int main(void)
{
    Suite *suite = suite_create("engine");
    add_gradients(suite);
    add_graphs(suite);
    add_roots(suite);
    add_outside(suite);
    add_own_operations(suite);
    add_hand_made(suite);
    add_memory(suite);
    return run_suite(suite);
}
