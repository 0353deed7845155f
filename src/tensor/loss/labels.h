/* labels.h: targets of rows that are given as classes, or changed by options. */
#ifndef AG_TENSOR_LOSS_LABELS_H
#define AG_TENSOR_LOSS_LABELS_H

#include "tensor/rowwise.h"

/*
 * What options make of a target t: w_c (keep · t_c + spread) for class c of weight w_c, where of a
 * label t is 1 for its class. Label smoothing s is keep = 1 - s and spread = s / classes.
 */
typedef struct ag__target_change {
    double keep, spread;
    const float *class_weights; /* NULL: 1 each */
    double z_loss;
} ag__target_change;

ag__target_change ag__target_change_of(const ag__rows *rows);

static inline double ag__class_weight(const ag__target_change *change, size_t class)
{
    return change->class_weights != NULL ? (double)change->class_weights[class] : 1;
}

/* The changed targets of a row's n ≤ AG__CHUNK classes from `offset` on, `stride` apart. */
void ag__changed_targets(const ag__rows *rows, const ag__target_change *change, size_t row,
                         size_t offset, size_t n, double *out, size_t stride);

/*
 * Counts the rows whose label is their largest element, the first of several; a row with NaN has
 * none.
 */
void ag__count_correct(const ag__rows *rows);

/* Changes one element of a gradient that has been written to a sink: sets it, or adds to it. */
static inline void ag__put(const ag__sink *sink, size_t offset, double gradient)
{
    double before = sink->accumulate ? (double)sink->data[offset] : 0;
    sink->data[offset] = (float)(before + gradient);
}

#endif
