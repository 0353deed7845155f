/* images.c: what the networks of `make bench-peers` learn. */
#include "config.h"

#include "peers/images.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/dataset.h"

#define FASHION_DIR "/usr/share/datasets/fashion-mnist"

/* The images in a random order, once for all, so that both libraries take batches in place. */
static void write_fashion(const dataset *set, const training_cell *cell, void *memory)
{
    training_data data = locate_training_data(cell, memory);
    uint32_t *order = calloc(set->count, sizeof *order);
    ag_random random = ag_random_create(1);
    for (uint32_t i = 0; order != NULL && i < set->count; i++)
        order[i] = i;
    if (order != NULL) ag_random_shuffle(&random, set->count, order);
    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t from = order != NULL ? order[i] : i, label = dataset_label(set, from);
        memcpy(data.images + (size_t)i * FEATURES, set->images->data + (size_t)from * FEATURES,
               FEATURES * sizeof(float));
        data.targets[(size_t)i * CLASSES + label] = 1;
        data.labels[i] = label;
    }
    free(order);
}

static void write_noise(const training_cell *cell, void *memory)
{
    training_data data = locate_training_data(cell, memory);
    ag_random random = ag_random_create(1);
    for (size_t i = 0; i < (size_t)cell->images * FEATURES; i++)
        data.images[i] = ag_random_normal(&random, 0, 1);
    for (size_t i = 0; i < cell->images; i++) {
        data.labels[i] = ag_random_below(&random, CLASSES);
        data.targets[i * CLASSES + (size_t)data.labels[i]] = 1;
    }
}

const char *write_images(const training_cell *cell, void *memory)
{
    ag_arena *arena = ag_arena_create(0);
    dataset training, test;
    bool found = access(FASHION_DIR, R_OK) == 0 &&
                 dataset_load(arena, FASHION_DIR, &training, &test) && training.count == IMAGES &&
                 training.features == FEATURES && training.classes == CLASSES;
    if (found)
        write_fashion(&training, cell, memory);
    else
        write_noise(cell, memory);
    ag_arena_destroy(arena);
    return found ? "Fashion-MNIST"
                 : "noise of Fashion-MNIST's size (dataset-fashion-mnist is not installed)";
}
