/* torch_results.h: reading PyTorch's results, tests/vectors/torch.txt, whose head has the format. */
#ifndef AG_TESTS_TORCH_RESULTS_H
#define AG_TESTS_TORCH_RESULTS_H

#include <autograd/autograd.h>

#include <stdio.h>

#include "tensor/shape.h"

#define MAX_TENSORS 5

enum { FLOAT64, FLOAT32, NUM_PRECISIONS };

typedef struct numbers {
    ag__shape shape;
    size_t size; /* 0: not given */
    double *values;
} numbers;

typedef struct torch_result {
    char op[32], formula[48], group[16], label[48], reduction[16];
    float parameter;
    uint32_t transposes;
    numbers inputs[MAX_TENSORS], upstream;
    numbers value[NUM_PRECISIONS], gradients[MAX_TENSORS][NUM_PRECISIONS];
} torch_result;

/*
 * Reads on to the next result, with its numbers in the arena until the next case. False at the end of
 * the file, and, before that end, where it is damaged.
 */
bool torch_read_result(FILE *file, ag_arena *arena, torch_result *result);

ag_reduction torch_reduction(const torch_result *result);

#endif
