/* dataset.h: images with labels, from the four files of MNIST and its kin, in batches. */
#ifndef SUPPORT_DATASET_H
#define SUPPORT_DATASET_H

#include <autograd/autograd.h>

typedef struct dataset {
    ag_tensor *images; /* [count, features], normalised by the training set's mean and deviation */
    ag_tensor *labels; /* [count], each a whole number from 0 to classes - 1 */
    uint32_t count;
    uint32_t features;
    uint32_t classes;
} dataset;

/* Some images and their labels, ready for a network. */
typedef struct image_batch {
    ag_tensor *images;  /* [count, features] */
    ag_tensor *targets; /* [count, classes], one-hot */
} image_batch;

/*
 * Reads {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz] from a folder; they live in the arena.
 * On failure it writes the reason to standard error.
 */
bool dataset_load(ag_arena *arena, const char *folder, dataset *training, dataset *test);

/* Copies the images of these indices to the arena. On failure targets is NULL. */
image_batch dataset_batch(ag_arena *arena, const dataset *set, uint32_t count,
                          const uint32_t *indices);

/* The label of the image of this index. */
uint32_t dataset_label(const dataset *set, uint32_t index);

#endif
