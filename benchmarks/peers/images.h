/* images.h: what the networks of `make bench-peers` learn. */
#ifndef BENCHMARKS_IMAGES_H
#define BENCHMARKS_IMAGES_H

#include "peers/protocol.h"

/* Of Fashion-MNIST's training set. */
enum { IMAGES = 60000, FEATURES = 784, CLASSES = 10 };

/*
 * Writes training data for a cell that has these numbers to the shared memory: Fashion-MNIST where it
 * is installed, otherwise noise of its size. Returns which.
 */
const char *write_images(const training_cell *cell, void *memory);

#endif
