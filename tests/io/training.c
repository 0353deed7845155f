/* training.c: a training whose state is saved. */
#include "config.h"

#include "io/world.h"

#include "assertions.h"
#include "core/checksum.h"

void create_training(training *t, bool adam)
{
    ag_random fixed = ag_random_create(99);
    ag_tensor *x = ag_tensor_create(arena, 2, (uint32_t[]){23, 5});
    ag_tensor *y = ag_tensor_create(arena, 2, (uint32_t[]){23, 2});
    ag_tensor_fill_normal(x, &fixed, 0, 1);
    ag_tensor_fill_normal(y, &fixed, 0, 1);
    t->random = ag_random_create(7);
    t->weights[0] = (ag_named_tensor){"weight", ag_tensor_create(arena, 2, (uint32_t[]){2, 5})};
    t->weights[1] = (ag_named_tensor){"bias", ag_tensor_create(arena, 1, (uint32_t[]){2})};
    for (int i = 0; i < 2; i++) {
        ag_tensor_fill_normal(t->weights[i].tensor, &t->random, 0, 1);
        t->variables[i] = ag_create_leaf(arena, t->weights[i].tensor, true);
    }
    t->batches = ag_batches_create(arena, ag_dataset_create(arena, x, y), 4, &t->random);
    ag_sgd_options sgd = {.learning_rate = 0.05f, .momentum = 0.9f, .nesterov = true};
    t->optimizer = adam ? ag_adamw_create(arena, 2, t->variables, ag_adamw_defaults())
                        : ag_sgd_create(arena, 2, t->variables, sgd);
    ck_assert_msg(t->optimizer != NULL && t->batches != NULL, "%s", ag_last_error());
    t->checkpoint = (ag_checkpoint){.num_weights = 2,
                                    .weights = t->weights,
                                    .optimizer = t->optimizer,
                                    .random = &t->random,
                                    .batches = t->batches};
}

void train(training *t, int steps)
{
    ag_arena *step = ag_arena_create(0);
    for (int i = 0; i < steps; i++) {
        if (!ag_next_batch(t->batches)) ck_assert(ag_next_batch(t->batches));
        ag_variable *x = ag_create_leaf(step, t->batches->features, false);
        ag_variable *y = ag_create_leaf(step, t->batches->targets, false);
        ag_variable *pred = ag_linear(step, x, t->variables[0], t->variables[1]);
        ag_variable *loss = ag_mse_loss(step, pred, y, AG_REDUCTION_MEAN);
        ag_optimizer_zero_grad(t->optimizer);
        succeed(ag_backward(step, loss));
        succeed(ag_optimizer_step(t->optimizer));
        /* noise, so that the generator's state matters between epochs too */
        t->weights[1].tensor->data[0] += ag_random_normal(&t->random, 0, 1e-3f);
        t->checkpoint.step++;
        ag_arena_reset(step);
    }
    ag_arena_destroy(step);
}

uint32_t fingerprint(training *t)
{
    uint32_t crc = 0;
    for (int i = 0; i < 2; i++)
        crc = ag__crc32(crc, t->weights[i].tensor->data, t->weights[i].tensor->size * 4);
    for (size_t i = 0; i < ag_optimizer_num_state(t->optimizer); i++) {
        ag_optimizer_state state;
        succeed(ag_optimizer_state_at(t->optimizer, i, &state));
        if (state.counter != NULL) crc = ag__crc32(crc, state.counter, sizeof *state.counter);
        if (state.tensor != NULL) crc = ag__crc32(crc, state.tensor->data, state.tensor->size * 4);
    }
    crc = ag__crc32(crc, &t->random, sizeof t->random);
    crc = ag__crc32(crc, &t->batches->epoch_random, sizeof t->batches->epoch_random);
    crc = ag__crc32(crc, &t->batches->position, sizeof t->batches->position);
    return ag__crc32(crc, &t->checkpoint.step, sizeof t->checkpoint.step);
}
