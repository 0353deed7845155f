/* arguments.h: numbers from the command line, checked. */
#ifndef SUPPORT_ARGUMENTS_H
#define SUPPORT_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Each reads the whole text as a number from lowest to highest. On failure it writes a message to
 * standard error that names the program and the option, and leaves the value as it was.
 */
bool argument_whole(const char *program, const char *option, const char *text, uint64_t lowest,
                    uint64_t highest, uint64_t *value);
bool argument_real(const char *program, const char *option, const char *text, double lowest,
                   double highest, double *value);

#endif
