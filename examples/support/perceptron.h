/* perceptron.h: a network of fully connected layers with ReLUs between them. */
#ifndef SUPPORT_PERCEPTRON_H
#define SUPPORT_PERCEPTRON_H

#include <autograd/autograd.h>

enum { PERCEPTRON_LAYERS = 3, PERCEPTRON_PARAMETERS = 2 * PERCEPTRON_LAYERS };

typedef struct perceptron {
    uint32_t sizes[PERCEPTRON_LAYERS + 1];          /* of the input and of each layer's output */
    ag_variable *parameters[PERCEPTRON_PARAMETERS]; /* each layer's weight [out, in], bias [out] */
} perceptron;

/* Creates the parameters for these sizes, with random weights. */
ag_status perceptron_create(ag_arena *arena, ag_random *random,
                            const uint32_t sizes[PERCEPTRON_LAYERS + 1], perceptron *network);

/* Shapes: x [count, sizes[0]]; result [count, sizes[PERCEPTRON_LAYERS]]. NULL on failure. */
ag_variable *perceptron_apply(ag_arena *arena, const perceptron *network, ag_variable *x);

/* How many numbers there are to learn. */
size_t perceptron_size(const perceptron *network);

#endif
