/* example.c: how examples begin and end. */
#include "support/example.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool example_is_quick(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], "--quick") == 0;
}

const ag_batches *example_whole(ag_arena *arena, const ag_dataset *set)
{
    ag_batches *batches = set != NULL ? ag_batches_create(arena, set, set->num_rows, NULL) : NULL;
    return ag_next_batch(batches) ? batches : NULL;
}

int example_failed(void)
{
    fprintf(stderr, "failed: %s\n", ag_last_error());
    return EXIT_FAILURE;
}

int example_verdict(const char *metric, double value, double least)
{
    printf("%s: %.2f (must reach %.2f)\n", metric, value, least);
    if (value >= least) return EXIT_SUCCESS;
    fprintf(stderr, "failed: %s is %.4f and must reach %.2f\n", metric, value, least);
    return EXIT_FAILURE;
}
