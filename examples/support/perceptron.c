/* perceptron.c: a network of fully connected layers with ReLUs between them. */
#include "config.h"

#include "support/perceptron.h"

#include <math.h>

/*
 * Weights of variance 2 / inputs, which keeps the size of a signal that passes ReLUs (K. He and
 * others 2015), from a uniform distribution; biases of 0.
 */
static ag_status create_layer(ag_arena *arena, ag_random *random, uint32_t inputs, uint32_t outputs,
                              ag_variable *parameters[2])
{
    ag_tensor *weight = ag_tensor_create(arena, 2, (uint32_t[]){outputs, inputs});
    ag_tensor *bias = ag_tensor_create_zeros(arena, 1, &outputs);
    float bound = sqrtf(6.0f / (float)inputs);
    ag_status status = ag_tensor_fill_uniform(weight, random, -bound, bound);
    parameters[0] = ag_create_leaf(arena, weight, true);
    parameters[1] = ag_create_leaf(arena, bias, true);
    return parameters[0] != NULL && parameters[1] != NULL ? status : ag_last_status();
}

ag_status perceptron_create(ag_arena *arena, ag_random *random,
                            const uint32_t sizes[PERCEPTRON_LAYERS + 1], perceptron *network)
{
    ag_status status = AG_OK;
    network->sizes[0] = sizes[0];
    for (size_t i = 0; i < PERCEPTRON_LAYERS && status == AG_OK; i++) {
        network->sizes[i + 1] = sizes[i + 1];
        status = create_layer(arena, random, sizes[i], sizes[i + 1], &network->parameters[2 * i]);
    }
    return status;
}

ag_variable *perceptron_apply(ag_arena *arena, const perceptron *network, ag_variable *x)
{
    for (size_t i = 0; i < PERCEPTRON_LAYERS; i++) {
        if (i > 0) x = ag_relu(arena, x);
        x = ag_linear(arena, x, network->parameters[2 * i], network->parameters[2 * i + 1]);
    }
    return x;
}

size_t perceptron_size(const perceptron *network)
{
    size_t size = 0;
    for (size_t i = 0; i < PERCEPTRON_PARAMETERS; i++)
        size += network->parameters[i]->data->size;
    return size;
}
