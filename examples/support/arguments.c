/* arguments.c: numbers from the command line, checked. */
#include "config.h"

#include "support/arguments.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* strtoull and strtod also take leading space and signs, which no number here has. */
static bool starts_as_number(const char *text)
{
    return (text[0] >= '0' && text[0] <= '9') || text[0] == '.';
}

bool argument_whole(const char *program, const char *option, const char *text, uint64_t lowest,
                    uint64_t highest, uint64_t *value)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (!starts_as_number(text) || *end != '\0' || errno != 0 || number < lowest ||
        number > highest) {
        fprintf(stderr, "%s: %s needs a whole number from %" PRIu64 " to %" PRIu64 ", not \"%s\"\n",
                program, option, lowest, highest, text);
        return false;
    }
    *value = number;
    return true;
}

bool argument_real(const char *program, const char *option, const char *text, double lowest,
                   double highest, double *value)
{
    char *end = NULL;
    double number = strtod(text, &end);
    bool in_range = number >= lowest && number <= highest;
    if (!starts_as_number(text) || *end != '\0' || !in_range) {
        fprintf(stderr, "%s: %s needs a number from %g to %g, not \"%s\"\n", program, option,
                lowest, highest, text);
        return false;
    }
    *value = number;
    return true;
}
