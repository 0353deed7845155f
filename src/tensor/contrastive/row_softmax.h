/* row_softmax.h: the softmax of a row of similarities, and the law of losses with one positive. */
#ifndef AG_TENSOR_CONTRASTIVE_ROW_SOFTMAX_H
#define AG_TENSOR_CONTRASTIVE_ROW_SOFTMAX_H

#include "core/elementary.h"
#include "tensor/contrastive/contrast.h"

/* The largest of scale · s_j; NaN is passed over, and shows in the sum below. */
double ag__top_logit(size_t n, const float *s, double scale);

/* Puts e^(scale · s_j - top) in the place of each s_j, and returns their sum, made in double. */
double ag__exponentials(size_t n, float *s, double scale, double top);

/* s_j · factor, in place. */
void ag__multiply_row(size_t n, float *s, double factor);

/* The one column that a row belongs to. */
typedef struct ag__positive {
    size_t column;
    size_t excluded; /* a column that does not count, such as the row itself; or AG__NOWHERE */
    double logit;
    double slope; /* d logit / d similarity, over c->scale */
} ag__positive;

/* log Σ_j e^(scale · s_j) - positive.logit, in a form that loses no digits where it is nearly 0. */
double ag__one_positive(const ag__contrast *c, size_t row, float *s, ag__positive positive);

#endif
