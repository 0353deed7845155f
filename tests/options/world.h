/* world.h: tensors to write down, and weighted losses. */
#ifndef TESTS_OPTIONS_WORLD_H
#define TESTS_OPTIONS_WORLD_H

#include <check.h>

#include "op_calls.h"

extern ag_arena *arena;

void set_up(void);
void tear_down(void);

/* Tests of each loss get the entry's index as _i. */
#define ADD_FOR_LOSSES(tests, test) tcase_add_loop_test(tests, test, 0, num_loss_entries)
#define LOSS (&op_entries[_i])

/* ---- tensors to write down ---- */

#define SHAPE(...)                                                                                 \
    (uint32_t[])                                                                                   \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define NUMBERS(...)                                                                               \
    (float[])                                                                                      \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define LABELS(...)                                                                                \
    (int32_t[])                                                                                    \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

ag_tensor *vector(uint32_t n, const float *values);
ag_tensor *matrix(uint32_t rows, uint32_t columns, const float *values);
ag_indices *labels(uint32_t n, const int32_t *values);
ag_tensor *like(const ag_tensor *tensor);

void assert_near(double actual, double expected, double tolerance);
void assert_zeros(const ag_tensor *tensor);

/* ---- weighted losses ---- */

/* A loss's values alone, and what a weight of each must make of them. */
typedef struct weighted {
    op_arguments arguments;
    size_t num_values; /* elements or rows */
    ag_tensor *values, *weights;
    ag_tensor *outs[3];
} weighted;

op_case matrix_case(const op_entry *entry, op_scale scale);
void draw_weights(ag_tensor *weights);
weighted create_weighted(const op_entry *entry, op_scale scale);

/* The loss with such options fails, for this reason. */
void must_refuse(const op_entry *entry, const op_arguments *arguments,
                 const ag_loss_options *options, ag_status status, const char *message);

/* ---- the rooms ---- */

void add_weights(Suite *suite);
void add_gradients(Suite *suite);
void add_labels(Suite *suite);
void add_lists(Suite *suite);
void add_triplets(Suite *suite);
void add_errors(Suite *suite);

#endif
