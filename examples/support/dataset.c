/* dataset.c: images with labels, from the four files of MNIST and its kin, in batches. */
#include "config.h"

#include "support/dataset.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_LENGTH = 4096 };

/* Reads folder/name.gz, or folder/name where only that exists. */
static ag_tensor *read_file(ag_arena *arena, const char *folder, const char *name)
{
    char path[PATH_LENGTH];
    int length = snprintf(path, sizeof path, "%s/%s.gz", folder, name);
    if (length < 0 || (size_t)length >= sizeof path) {
        fprintf(stderr, "the name of the folder is too long: %s\n", folder);
        return NULL;
    }
    if (access(path, F_OK) != 0) {
        path[length - 3] = '\0';
        if (access(path, F_OK) != 0) strcat(path, ".gz");
    }
    ag_tensor *tensor = ag_read_idx(arena, path);
    if (tensor == NULL) fprintf(stderr, "%s\n", ag_last_error());
    return tensor;
}

/* One more than the largest label. */
static uint32_t count_classes(const ag_tensor *labels)
{
    float largest = 0.0f;
    for (size_t i = 0; i < labels->size; i++)
        largest = fmaxf(largest, labels->data[i]);
    return (uint32_t)largest + 1;
}

static bool load_part(ag_arena *arena, const char *folder, const char *part, dataset *set)
{
    char name[64];
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", part);
    ag_tensor *images = read_file(arena, folder, name);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", part);
    ag_tensor *labels = images != NULL ? read_file(arena, folder, name) : NULL;
    if (labels == NULL) return false;

    if (images->ndims < 2 || labels->ndims != 1 || images->shape[0] != labels->shape[0]) {
        fprintf(stderr, "%s/%s-*: %u images in %u dimensions do not go with %u labels in %u\n",
                folder, part, images->shape[0], images->ndims, labels->shape[0], labels->ndims);
        return false;
    }
    set->count = images->shape[0];
    set->features = (uint32_t)(images->size / set->count);
    set->classes = count_classes(labels);
    set->labels = labels;
    set->images = ag_tensor_wrap(arena, 2, (uint32_t[]){set->count, set->features}, images->data);
    if (set->images == NULL) fprintf(stderr, "%s\n", ag_last_error());
    return set->images != NULL;
}

static void mean_and_deviation(const ag_tensor *tensor, double *mean, double *deviation)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < tensor->size; i++) {
        double value = (double)tensor->data[i];
        sum += value;
        squares += value * value;
    }
    *mean = sum / (double)tensor->size;
    *deviation = sqrt(fmax(squares / (double)tensor->size - *mean * *mean, 0.0));
}

static void normalise(ag_tensor *tensor, double mean, double deviation)
{
    double factor = deviation > 0.0 ? 1.0 / deviation : 1.0;
    for (size_t i = 0; i < tensor->size; i++)
        tensor->data[i] = (float)(((double)tensor->data[i] - mean) * factor);
}

bool dataset_load(ag_arena *arena, const char *folder, dataset *training, dataset *test)
{
    if (!load_part(arena, folder, "train", training) || !load_part(arena, folder, "t10k", test))
        return false;
    if (test->features != training->features || test->classes > training->classes) {
        fprintf(stderr,
                "%s: test images have %u pixels and %u classes, training images %u and %u\n",
                folder, test->features, test->classes, training->features, training->classes);
        return false;
    }
    test->classes = training->classes;

    double mean, deviation;
    mean_and_deviation(training->images, &mean, &deviation);
    normalise(training->images, mean, deviation);
    normalise(test->images, mean, deviation);
    return true;
}

uint32_t dataset_label(const dataset *set, uint32_t index)
{
    return (uint32_t)set->labels->data[index];
}

image_batch dataset_batch(ag_arena *arena, const dataset *set, uint32_t count,
                          const uint32_t *indices)
{
    ag_tensor *images = ag_tensor_create(arena, 2, (uint32_t[]){count, set->features});
    ag_tensor *targets = ag_tensor_create_zeros(arena, 2, (uint32_t[]){count, set->classes});
    if (images == NULL || targets == NULL) return (image_batch){NULL, NULL};

    size_t features = set->features;
    for (size_t i = 0; i < count; i++) {
        memcpy(images->data + i * features, set->images->data + indices[i] * features,
               features * sizeof(float));
        targets->data[i * set->classes + dataset_label(set, indices[i])] = 1.0f;
    }
    return (image_batch){images, targets};
}
