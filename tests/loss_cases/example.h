/*
 * example.h: one call of a loss on a few numbers, its value and gradients.
 */
#ifndef TESTS_LOSS_CASES_EXAMPLE_H
#define TESTS_LOSS_CASES_EXAMPLE_H

#include <check.h>

#include "op_calls.h"

#define MOST_NUMBERS 128

/* rows = 0 means inputs of shape [columns]; otherwise they are [rows, columns]. */
typedef struct example {
    const char *loss;
    uint32_t rows, columns;
    const float *inputs[AG__MAX_INPUTS];
    ag_reduction reduction;
    float parameter;
} example;

typedef struct result {
    float value[MOST_NUMBERS];
    float gradients[AG__MAX_INPUTS][MOST_NUMBERS];
} result;

#define NUMBERS(...) ((const float[]){__VA_ARGS__})

/* Labels of cosine_embedding_loss. */
#define SIMILAR 1
#define DIFFERENT (-1)

ag_tensor *ones_like(ag_arena *arena, const ag_tensor *tensor);

/* Value and gradients, the upstream gradient being 1 everywhere. */
result evaluate(example e);

ag_status status_of(example e);

/* Within an ulp, which is finer than what float formulas reach; NaN equals NaN. */
void assert_near(float actual, long double expected);

void assert_all(size_t n, const float *actual, float expected);

/* Compares value and gradients with the reference, without any allowance for cancellation. */
void assert_agrees(example e, long double most_ulps);

/* A loss of pred and target elements, or of one row. */
example pair(const char *loss, uint32_t n, const float *pred, const float *target,
             ag_reduction reduction);

/* The same of a matrix. */
example matrix_pair(const char *loss, uint32_t rows, uint32_t columns, const float *pred,
                    const float *target, ag_reduction reduction);

result pair_of_one(const char *loss, float pred, float target);

example cosine(uint32_t n, const float *x1, const float *x2, float label, float margin);

example triplet(uint32_t n, const float *anchor, const float *positive, const float *negative,
                float margin);

example huber(uint32_t n, const float *pred, const float *target, float delta);

example single(const char *loss, uint32_t n, const float *weights, ag_reduction reduction);

example cross_entropy(uint32_t n, const float *logits, const float *target);

ag_tensor *create_filled(ag_arena *arena, uint32_t n, float value);

/* ---- the rooms ---- */

void add_pairs(Suite *suite);
void add_classes(Suite *suite);
void add_embeddings(Suite *suite);
void add_others(Suite *suite);
void add_special_numbers(Suite *suite);
void add_behaviour(Suite *suite);

#endif
