/*
 * train_hash.c: prints one number for all bits of a training, and one for all bits of the losses. The
 * first is made in deterministic mode, the second without; check_determinism.sh compares both for
 * several numbers of threads.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "op_calls.h"

/* FNV-1a over the bits of floats. */
static void hash_floats(uint64_t *hash, size_t count, const float *values)
{
    const unsigned char *bytes = (const unsigned char *)values;
    for (size_t i = 0; i < count * sizeof *values; i++)
        *hash = (*hash ^ bytes[i]) * 0x100000001b3u;
}

#define HASH_START 0xcbf29ce484222325u

static void fail(void)
{
    fprintf(stderr, "train_hash: %s\n", ag_last_error());
    exit(EXIT_FAILURE);
}

/* ---- a training like the demo's ---- */

enum { STEPS = 200, BATCH = 64, FEATURES = 784, CLASSES = 10, LAYERS = 3 };

static const uint32_t sizes[LAYERS + 1] = {FEATURES, 256, 128, CLASSES};

static void create_parameters(ag_arena *arena, ag_random *random, ag_variable **parameters)
{
    for (int layer = 0; layer < LAYERS; layer++) {
        const uint32_t *in = &sizes[layer], *out = &sizes[layer + 1];
        ag_tensor *weight = ag_tensor_create(arena, 2, (uint32_t[]){*out, *in});
        ag_tensor *bias = ag_tensor_create_zeros(arena, 1, out);
        ag_tensor_fill_normal(weight, random, 0, 0.05f);
        parameters[2 * layer] = ag_create_leaf(arena, weight, true);
        parameters[2 * layer + 1] = ag_create_leaf(arena, bias, true);
    }
}

static void train_step(ag_arena *step, ag_random *random, ag_variable **parameters,
                       ag_optimizer *optimizer, uint64_t *hash)
{
    ag_tensor *x = ag_tensor_create(step, 2, (uint32_t[]){BATCH, FEATURES});
    ag_tensor *target = ag_tensor_create_zeros(step, 2, (uint32_t[]){BATCH, CLASSES});
    if (x == NULL || target == NULL || ag_tensor_fill_normal(x, random, 0, 1) != AG_OK) fail();
    for (size_t row = 0; row < BATCH; row++)
        target->data[row * CLASSES + ag_random_below(random, CLASSES)] = 1;
    ag_variable *h = ag_create_leaf(step, x, false);
    for (int layer = 0; layer < LAYERS; layer++) {
        h = ag_linear(step, h, parameters[2 * layer], parameters[2 * layer + 1]);
        if (layer + 1 < LAYERS) h = ag_relu(step, h);
    }
    ag_variable *loss =
        ag_cross_entropy_loss(step, h, ag_create_leaf(step, target, false), AG_REDUCTION_MEAN);
    ag_optimizer_zero_grad(optimizer);
    if (ag_backward(step, loss) != AG_OK || ag_optimizer_step(optimizer) != AG_OK) fail();
    hash_floats(hash, 1, loss->data->data);
}

static uint64_t hash_training(void)
{
    ag_arena *permanent = ag_arena_create(0), *step = ag_arena_create(0);
    ag_random random = ag_random_create(42);
    ag_variable *parameters[2 * LAYERS];
    create_parameters(permanent, &random, parameters);
    ag_optimizer *optimizer =
        ag_adamw_create(permanent, 2 * LAYERS, parameters, ag_adamw_defaults());
    if (optimizer == NULL) fail();
    uint64_t hash = HASH_START;
    for (int i = 0; i < STEPS; i++) {
        train_step(step, &random, parameters, optimizer, &hash);
        ag_arena_reset(step);
    }
    for (int i = 0; i < 2 * LAYERS; i++)
        hash_floats(&hash, parameters[i]->data->size, parameters[i]->data->data);
    ag_arena_destroy(step);
    ag_arena_destroy(permanent);
    return hash;
}

/* ---- every loss ---- */

static void hash_case(const op_case *at, ag_arena *arena, uint64_t *hash)
{
    op_arguments arguments = op_create_inputs(at, arena);
    op_create_leaves(&arguments, arena, true);
    ag_variable *loss = at->entry->graph(arena, &arguments);
    if (loss == NULL) fail();
    ag__shape shape = ag__shape_of(loss->data);
    if (ag_backward_from(arena, loss, op_create_upstream(arena, &shape)) != AG_OK) fail();
    hash_floats(hash, loss->data->size, loss->data->data);
    for (uint32_t i = 0; i < at->entry->op->num_differentiable; i++) {
        const ag_tensor *grad = arguments.variables[i]->grad;
        if (grad != NULL) hash_floats(hash, grad->size, grad->data);
    }
}

static uint64_t hash_losses(void)
{
    ag_arena *arena = ag_arena_create(0);
    uint64_t hash = HASH_START;
    op_case at;
    for (int k = 0; k < num_loss_entries; k++)
        for (size_t i = 0; op_case_at(&op_entries[k], OP_LARGE, i, &at); i++) {
            hash_case(&at, arena, &hash);
            ag_arena_reset(arena);
        }
    ag_arena_destroy(arena);
    return hash;
}

int main(void)
{
    ag_set_deterministic(true);
    printf("training %016llx\n", (unsigned long long)hash_training());
    ag_set_deterministic(false);
    printf("losses %016llx\n", (unsigned long long)hash_losses());
    return EXIT_SUCCESS;
}
