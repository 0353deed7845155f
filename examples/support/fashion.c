/* fashion.c: Fashion-MNIST, and the convolutional network that the examples train on it. */
#include "support/fashion.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "support/dataset.h"

enum { TEST_BATCH = 500, NAME_BYTES = 32 };

const char *const fashion_names[FASHION_CLASSES] = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

/* One channel, and one-hot targets. */
static ag_dataset *as_pictures(ag_arena *arena, const dataset *set)
{
    const uint32_t image_shape[] = {set->count, 1, FASHION_WIDTH, FASHION_WIDTH};
    const uint32_t target_shape[] = {set->count, FASHION_CLASSES};
    ag_tensor *images = ag_tensor_wrap(arena, 4, image_shape, set->images->data);
    ag_tensor *targets = ag_tensor_create_zeros(arena, 2, target_shape);
    for (uint32_t i = 0; targets != NULL && i < set->count; i++)
        targets->data[(size_t)i * FASHION_CLASSES + dataset_label(set, i)] = 1.0f;
    return ag_dataset_create(arena, images, targets);
}

bool fashion_load(ag_arena *arena, ag_dataset **training, ag_dataset **test)
{
    dataset raw_training, raw_test;
    if (access(FASHION_DIR, R_OK) != 0) {
        fprintf(stderr, "Fashion-MNIST is not in " FASHION_DIR
                        " (on Debian: apt install " FASHION_PACKAGE ")\n");
        return false;
    }
    if (!dataset_load(arena, FASHION_DIR, &raw_training, &raw_test)) return false;
    *training = as_pictures(arena, &raw_training);
    *test = as_pictures(arena, &raw_test);
    if (*training != NULL && *test != NULL) return true;
    fprintf(stderr, "%s\n", ag_last_error());
    return false;
}

ag_tensor *fashion_mirrored(ag_arena *arena, const ag_tensor *images, ag_random *random)
{
    ag_tensor *result = ag_tensor_create(arena, images->ndims, images->shape);
    bool mirror = false;
    for (size_t i = 0; result != NULL && i < images->size; i++) {
        size_t column = i % FASHION_WIDTH, row_start = i - column;
        if (i % (FASHION_WIDTH * FASHION_WIDTH) == 0) mirror = ag_random_below(random, 2) == 1;
        result->data[i] = images->data[mirror ? row_start + FASHION_WIDTH - 1 - column : i];
    }
    return result;
}

ag_module *fashion_conv_net(ag_arena *arena, ag_random *random)
{
    ag_module *layers[] = {
        ag_module_conv2d(arena, random, 1, 32, 3, 1, 1, true), /* [32, 28, 28] */
        ag_module_activation(arena, "relu", ag_relu),
        ag_module_max_pool2d(arena, 2, 2, 0),                   /* [32, 14, 14] */
        ag_module_conv2d(arena, random, 32, 64, 3, 1, 1, true), /* [64, 14, 14] */
        ag_module_activation(arena, "relu", ag_relu),
        ag_module_max_pool2d(arena, 2, 2, 0), /* [64, 7, 7] */
        ag_module_flatten(arena),
        ag_module_dropout(arena, random, 0.25f),
        ag_module_linear(arena, random, 64 * 7 * 7, 128, true),
        ag_module_activation(arena, "relu", ag_relu),
        ag_module_linear(arena, random, 128, FASHION_CLASSES, true),
    };
    return ag_module_sequential(arena, sizeof layers / sizeof *layers, layers);
}

ag_named_tensor *fashion_weights(ag_arena *arena, const ag_module *model, size_t *count)
{
    *count = ag_module_num_parameters(model);
    ag_variable **parameters = ag_module_parameters(model, arena);
    ag_named_tensor *weights = ag_arena_alloc(arena, *count * sizeof *weights);
    char *names = ag_arena_alloc(arena, *count * NAME_BYTES);
    if (parameters == NULL || weights == NULL || names == NULL) return NULL;
    for (size_t i = 0; i < *count; i++) {
        ag_module_parameter_name(model, i, names + i * NAME_BYTES, NAME_BYTES);
        weights[i] = (ag_named_tensor){names + i * NAME_BYTES, parameters[i]->data};
    }
    return weights;
}

/* How many of a batch are right. */
static uint32_t count_right(const ag_tensor *logits, const ag_batches *batch, bool *is_wrong)
{
    uint32_t predicted[TEST_BATCH], right = 0;
    ag_tensor_argmax(logits, -1, predicted);
    for (uint32_t i = 0; i < batch->count; i++) {
        bool is_right = batch->targets->data[i * FASHION_CLASSES + predicted[i]] == 1.0f;
        if (is_wrong != NULL) is_wrong[batch->rows[i]] = !is_right;
        right += is_right;
    }
    return right;
}

double fashion_accuracy(ag_arena *step, ag_module *model, const ag_dataset *set, bool *is_wrong)
{
    bool was_training = model->training, was_enabled = ag_set_grad_enabled(false), ok = true;
    ag_mark start = ag_arena_mark(step);
    ag_batches *batches = ag_batches_create(step, set, TEST_BATCH, NULL);
    double right = 0.0;
    ag_module_set_training(model, false);
    while (ok && ag_next_batch(batches)) {
        ag_mark before = ag_arena_mark(step);
        ag_variable *images = ag_create_leaf(step, batches->features, false);
        ag_variable *logits = ag_module_forward(model, step, images);
        ok = logits != NULL;
        if (ok) right += count_right(logits->data, batches, is_wrong);
        ag_arena_rewind(step, before);
    }
    ok = ok && batches != NULL;
    ag_arena_rewind(step, start);
    ag_module_set_training(model, was_training);
    ag_set_grad_enabled(was_enabled);
    return ok ? 100.0 * right / set->num_rows : (double)NAN;
}
