/* triplet.h: what the ways to measure triplets have in common. */
#ifndef AG_TENSOR_LOSS_TRIPLET_H
#define AG_TENSOR_LOSS_TRIPLET_H

#include "tensor/rowwise.h"

/* The loss of a row and its derivative, from how much farther the positive is than the negative. */
typedef struct ag__triplet_point {
    double value, slope;
} ag__triplet_point;

ag__triplet_point ag__triplet_at(const ag__rows *rows, double difference);

/* Whether options ask for other distances than Euclid's of anchor to positive and to negative. */
static inline bool ag__triplet_is_general(const ag_loss_options *options)
{
    return options != NULL && (options->norm != 0 || options->epsilon != 0 || options->swap);
}

/* One row, measured as options say. */
void ag__triplet_of_general_row(const ag__rows *rows, size_t index);

#endif
