/* batch_norm.h: what batch_norm with the batch's own statistics and with given ones share. */
#ifndef AG_TENSOR_LAYER_BATCH_NORM_H
#define AG_TENSOR_LAYER_BATCH_NORM_H

#include "tensor/layer/norm.h"

enum { AG__BATCH_X, AG__BATCH_GAMMA, AG__BATCH_BETA, AG__BATCH_MEAN, AG__BATCH_VARIANCE };

/* A pass over the channels of x [batch, channels, …]. */
typedef struct ag__batch_pass {
    const ag__call *call;
    size_t batch, channels, plane; /* plane: numbers of one channel of one image */
    ag__moments *moments;          /* of each channel; NULL if nobody will ask */
    float *out;
    const float *grad;
    const ag__sink *sinks;
} ag__batch_pass;

ag__batch_pass ag__batch_pass_of(const ag__call *call);

/* Checks how much of the running statistics a batch is to replace. */
ag_status ag__batch_check_momentum(float momentum);

/* Checks that a tensor has one number for each channel. */
ag_status ag__batch_check_row(const ag__call *call, const char *name, const ag_tensor *row);
ag_status ag__batch_infer_shape(const ag__call *call, ag__shape *shape);

/* Adds Σ (x - shift) and Σ (x - shift)² of a channel. */
void ag__batch_add_moments(const ag__batch_pass *p, size_t channel, double shift, ag__sums *sums);

/* Writes the normalised numbers of a channel. */
void ag__batch_write(const ag__batch_pass *p, size_t channel, ag__moments moments);

/*
 * Carries a channel's gradients back. own_moments: whether the moments are those of the numbers
 * themselves, through which the gradient flows too.
 */
void ag__batch_carry(const ag__batch_pass *p, size_t channel, ag__moments moments,
                     bool own_moments);

double ag__batch_cost(const ag__call *call);

#endif
