/* cross_entropy.h: what long and short rows of cross-entropy have in common. */
#ifndef AG_TENSOR_LOSS_CROSS_ENTROPY_H
#define AG_TENSOR_LOSS_CROSS_ENTROPY_H

#include "tensor/loss/labels.h"
#include "tensor/softmax_row.h"

/* So that AG__ROWS rows fill a chunk. */
#define AG__SHORT_ROW (AG__CHUNK / AG__ROWS)

/* Computes rows of at most AG__SHORT_ROW classes, side by side. */
void ag__cross_entropy_of_short_rows(const ag__rows *rows);

/*
 * t_c (maximum - x_c): the part of the value that differs between classes. An impossible class that
 * is not wanted counts for nothing; NaN shows in the sum of exponentials.
 */
AG__INLINE double ag__class_term(double x, double target, double maximum)
{
    double below = x == maximum ? 0 : maximum - x;
    return target * (target == 0 ? 0 : below);
}

/* z lse² and its derivative with respect to lse = log Σ_j e^x_j, nothing of which is left if z is 0. */
AG__INLINE double ag__z_term(double z, double lse)
{
    return z == 0 ? 0 : z * lse * lse;
}

AG__INLINE double ag__z_slope(double z, double lse)
{
    return z == 0 ? 0 : 2 * z * lse;
}

#endif
