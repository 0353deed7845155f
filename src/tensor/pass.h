/*
 * pass.h: a pass over the items of a loss, elements or rows, for values, gradients or both. A driver says
 * how a few items are computed; blocks, threads, sums, divisors and counts are here.
 */
#ifndef AG_TENSOR_PASS_H
#define AG_TENSOR_PASS_H

#include "tensor/reduction.h"

/* The gradients that a pass writes. */
typedef struct ag__gradients {
    bool wanted; /* false: none of what follows is used */
    const float
        *upstream; /* of each value; NULL if it is one number, which is then part of scale */
    double scale;
    ag__sink sinks[AG__MAX_INPUTS];
} ag__gradients;

/* What all threads of one pass share. */
typedef struct ag__pass ag__pass;

/*
 * Computes n items: their values if there is room for them, with what they weigh, and the gradients that
 * are wanted. Adds to *num_correct, which is NULL where rows that are right are not counted.
 */
typedef void ag__compute_items(const ag__pass *pass, size_t first, size_t n, double *values,
                               size_t *num_correct);

/* How a driver computes: at most so many items at once, which is at most AG__CHUNK. */
typedef struct ag__walk {
    size_t most;
    ag__compute_items *compute;
} ag__walk;

struct ag__pass {
    const ag__call *call;
    const ag__walk *walk;
    ag__blocks blocks; /* of rows where the operation goes by rows, else of elements */
    double divisor;
    ag__gradients gradients;

    bool with_values, counts_nonzero, counts_correct;
    float *values; /* NULL if they are summed */
    double partial_sums[AG__MAX_BLOCKS];
    size_t nonzero[AG__MAX_BLOCKS], correct[AG__MAX_BLOCKS]; /* where they are counted */
};

/* sinks are those of the differentiable inputs; NULL if no gradient is wanted. */
ag_status ag__pass_forward(const ag__walk *walk, const ag__call *call, ag_tensor *out,
                           const ag__sink *sinks);
void ag__pass_backward(const ag__walk *walk, const ag__call *call, const ag_tensor *grad,
                       const ag__sink *sinks);

#endif
