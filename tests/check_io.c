/* check_io.c: files of tensors and checkpoints: round trips, damage, full disks, resuming. */
#include "config.h"

#include "io/world.h"
#include "suite.h"

int main(void)
{
    Suite *suite = suite_create("io");
    add_npy(suite);
    add_safetensors(suite);
    add_checkpoint(suite);
    add_accidents(suite);
    return run_suite(suite);
}
