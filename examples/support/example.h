/* example.h: how examples begin and end. */
#ifndef SUPPORT_EXAMPLE_H
#define SUPPORT_EXAMPLE_H

#include <autograd/data.h>

#include <stdbool.h>

/* Whether the command line is "--quick": a test asks for a run of seconds. */
bool example_is_quick(int argc, char **argv);

/* All rows of a data set, as one batch; NULL on failure. */
const ag_batches *example_whole(ag_arena *arena, const ag_dataset *set);

/* Writes the library's reason to standard error. Returns EXIT_FAILURE. */
int example_failed(void);

/*
 * Prints a number beside the least that it must be. Returns EXIT_SUCCESS; if the number is below, says
 * so on standard error and returns EXIT_FAILURE.
 */
int example_verdict(const char *metric, double value, double least);

#endif
