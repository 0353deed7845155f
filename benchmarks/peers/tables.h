/* tables.h: the two tables of `make bench-peers`: losses, and training. */
#ifndef BENCHMARKS_TABLES_H
#define BENCHMARKS_TABLES_H

#include <stdio.h>

#include "support/cases.h"

#define OUR_WORKER "worker_ours"
#define TORCH_WORKER "worker_torch"

typedef struct comparison {
    int threads;
    int rounds; /* samples of each cell, ours and theirs by turns */
    selection cells;
    FILE *csv; /* NULL if none is wanted */
} comparison;

/* Each returns false if something could not be compared, with the reason on standard error. */
bool compare_losses(const comparison *c);
bool compare_training(const comparison *c);

/* Memory that workers see too. */
typedef struct shared_memory {
    int descriptor;
    size_t bytes;
    void *data;
} shared_memory;

/* data is NULL on failure, with the reason on standard error. */
shared_memory create_shared_memory(size_t bytes);
void destroy_shared_memory(shared_memory *memory);

/* A line of the CSV file: what was timed, by whom, and its time; nothing if there is no file. */
void write_csv(const comparison *c, const char *what, const char *size, const char *contestant,
               double seconds);

#endif
