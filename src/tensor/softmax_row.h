/*
 * softmax_row.h: the softmax of one row, in a form that loses no digits where a class is nearly certain.
 *
 * With m the row's maximum, which occurs k times, and rest = Σ e^(x_c - m) over the other classes,
 *     Σ_j e^(x_j - m) = k + rest,   log Σ_j e^x_j = m + log1p(k - 1 + rest),
 * and the maximum's own probability p falls short of 1 by 1 - p = (k - 1 + rest) / (k + rest).
 */
#ifndef AG_TENSOR_SOFTMAX_ROW_H
#define AG_TENSOR_SOFTMAX_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "core/elementary.h"

/* Sums over the classes of a row are made in so many lanes. */
#define AG__CLASS_LANES 16

/* Rows of at most so many classes can keep their exponentials: 16 KiB, half of a first-level cache. */
#define AG__KEPT_CLASSES 2048

typedef struct ag__softmax_row {
    const float *x;
    double maximum;
    double others;      /* k - 1 + rest; NaN where the softmax has no limit */
    const double *kept; /* ag__exp_of_other of each class; NULL if they are to be computed again */
} ag__softmax_row;

/* The largest of n numbers; NaN is passed over, and shows in the sum of exponentials. */
float ag__row_maximum(size_t n, const float *x);

/* How far x lies below the maximum; infinitely far if it is the maximum, whose share is counted apart. */
AG__INLINE double ag__depth(double x, double maximum)
{
    return x == maximum ? HUGE_VAL : maximum - x;
}

/*
 * Makes n depths exponentials e^-d, which are ag__exp_of_other, and adds them to lanes. It is a loop of its own,
 * since a processor looks ahead over so many instructions only: in one with what comes before and after, it waits
 * for the end of each exponential (measured: cross_entropy_loss takes 1.06 times as long).
 */
void ag__exponentials_of_depths(size_t n, double *depths, double sums[AG__CLASS_LANES]);

/* e^(x - maximum), and 0 for the maximum. */
AG__INLINE double ag__exp_of_other(double x, double maximum)
{
    double e = ag__exp_of_negative(x - maximum);
    return x == maximum ? 0 : e;
}

/* k - 1 + rest, from rest and k; NaN where several classes are infinitely likely. */
AG__INLINE double ag__others(double maximum, double times, double rest)
{
    bool no_limit = (fabs(maximum) > DBL_MAX) & (times > 1);
    double others = times - 1 + rest;
    return no_limit ? (double)NAN : others;
}

/*
 * total · softmax(x) - weight, where total is Σ_c weight_c: the gradient to x_c of
 * Σ_c weight_c (log Σ_j e^x_j - x_c). e is ag__exp_of_other, per_unit total / (1 + others).
 */
AG__INLINE double ag__softmax_slope(bool is_maximum, double e, double weight, double others,
                                    double total, double per_unit)
{
    double at_maximum = (total - weight) - per_unit * others;
    double elsewhere = per_unit * e - weight;
    return is_maximum ? at_maximum : elsewhere;
}

/* The memory if it has room for the exponentials of n classes, or NULL. */
static inline double *ag__room_for(size_t n, double keep[AG__KEPT_CLASSES])
{
    return n <= AG__KEPT_CLASSES ? keep : NULL;
}

/*
 * The next row to come lies `ahead` of x; 0 if there is none. keep is NULL where no exponential will be asked
 * for again.
 */
ag__softmax_row ag__softmax_of(size_t n, const float *x, size_t ahead,
                               double keep[AG__KEPT_CLASSES]);

/* log Σ_j e^(x_j - maximum). */
double ag__log_sum(const ag__softmax_row *row);

/* The softmax of n ≤ AG__CHUNK classes from `offset` on. */
void ag__softmax_probabilities(const ag__softmax_row *row, size_t offset, size_t n, double *out);

/* Where a loop writes slopes, or scale times them, rounded once, if gradient is not NULL. */
typedef struct ag__slopes_out {
    double *slopes;
    float *gradient;
    double scale;
} ag__slopes_out;

/*
 * ag__softmax_slope of n ≤ AG__CHUNK classes from `offset` on, which have their weights there; 0 each
 * if weights is NULL.
 */
void ag__softmax_gradient(const ag__softmax_row *row, size_t offset, size_t n, const float *weights,
                          double total, const ag__slopes_out *out);

/* The same with weights in double. */
void ag__softmax_gradient_wide(const ag__softmax_row *row, size_t offset, size_t n,
                               const double *weights, double total, const ag__slopes_out *out);

#endif
