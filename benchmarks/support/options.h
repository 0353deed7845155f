/* options.h: the command line: options that have a value each, then names. */
#ifndef BENCHMARKS_OPTIONS_H
#define BENCHMARKS_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

typedef struct option {
    const char *name;   /* with its dashes; NULL ends a table */
    const char **value; /* where its value goes */
} option;

/*
 * Reads options up to the first word without a dash, whose index goes to *first_name. Prints
 * "Usage: program help" and exits if --help is among them; says what is wrong and exits with 2
 * otherwise.
 */
void read_options(int argc, char **argv, const option *table, const char *help, int *first_name);

/* A whole number from 1 to most; `otherwise` for NULL. Exits with 2 if the value is none. */
int read_count(const char *program, const char *value, int most, int otherwise);

/* Opens a file to write; NULL for NULL. Says why and exits with 1 if it cannot. */
FILE *open_csv(const char *program, const char *path);

#endif
