/* world.h: a folder and an arena for each test of files, and a training whose state is saved. */
#ifndef TESTS_IO_WORLD_H
#define TESTS_IO_WORLD_H

#include <autograd/autograd.h>
#include <check.h>

#include "core/file.h"

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

extern ag_arena *arena;
extern char folder[64]; /* the test's own */

void create_all(void);
void destroy_all(void);

/* In the test's folder; four of these live at once. */
const char *path_of(const char *name);
int count_files(void);
ag__bytes read_all(const char *path);

/* The values that are easily lost: signed zeros, subnormal numbers, infinities, a NaN with a payload. */
ag_tensor *special_values(void);
void assert_same(const ag_tensor *a, const ag_tensor *b);

/* A safetensors file of two tensors whose names and metadata need escapes. */
extern const ag_metadata two_metadata[2];
void save_two(const char *path);

/* ---- a training that is saved ---- */

/* A perceptron that learns from random numbers: all that a checkpoint holds. */
typedef struct training {
    ag_named_tensor weights[2];
    ag_variable *variables[2];
    ag_random random;
    ag_batches *batches;
    ag_optimizer *optimizer;
    ag_checkpoint checkpoint;
} training;

void create_training(training *t, bool adam);
void train(training *t, int steps);

/* Of everything that a load may change. */
uint32_t fingerprint(training *t);

/* ---- the rooms ---- */

void add_npy(Suite *suite);
void add_safetensors(Suite *suite);
void add_checkpoint(Suite *suite);
void add_accidents(Suite *suite);

#endif
