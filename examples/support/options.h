/* options.h: what the command line asks of a training. */
#ifndef SUPPORT_OPTIONS_H
#define SUPPORT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* A number of 0 leaves the choice to the program, as a folder of NULL does. */
typedef struct training_options {
    bool help;
    bool digits;      /* train on the digits that come with the program */
    const char *data; /* the folder of the data */
    const char *output;
    uint64_t epochs;
    uint64_t batch; /* images per step */
    uint64_t seed;
    uint64_t threads;
    double learning_rate;
    double required; /* the least test accuracy, in percent */
} training_options;

/* On failure it says on standard error what is wrong with the command line. */
bool options_read(const char *program, int argc, char **argv, training_options *options);

void options_print_help(const char *program);

#endif
