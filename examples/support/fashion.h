/* fashion.h: Fashion-MNIST, and the convolutional network that the examples train on it. */
#ifndef SUPPORT_FASHION_H
#define SUPPORT_FASHION_H

#include <autograd/autograd.h>

#define FASHION_DIR "/usr/share/datasets/fashion-mnist"
#define FASHION_PACKAGE "dataset-fashion-mnist"

enum { FASHION_WIDTH = 28, FASHION_CLASSES = 10 };

extern const char *const fashion_names[FASHION_CLASSES];

/*
 * Reads 60,000 training and 10,000 test images [n, 1, 28, 28], normalised by the training set's mean
 * and deviation, with one-hot targets [n, 10]. On failure it writes the reason to standard error.
 */
bool fashion_load(ag_arena *arena, ag_dataset **training, ag_dataset **test);

/* A copy of the images in which about every other one is mirrored: such a shoe is a shoe. */
ag_tensor *fashion_mirrored(ag_arena *arena, const ag_tensor *images, ag_random *random);

/* Images [n, 1, 28, 28] to logits [n, 10]. random serves the weights now and dropout later. */
ag_module *fashion_conv_net(ag_arena *arena, ag_random *random);

/* Names a model's parameters for a file of weights; count is set to their number. */
ag_named_tensor *fashion_weights(ag_arena *arena, const ag_module *model, size_t *count);

/*
 * The share of images, in percent, whose largest logit is that of their class. is_wrong, if not NULL,
 * is set for each image. NaN on failure.
 */
double fashion_accuracy(ag_arena *step, ag_module *model, const ag_dataset *set, bool *is_wrong);

#endif
