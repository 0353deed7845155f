/* norm.h: the inner loops of normalisations, all in double. */
#ifndef AG_TENSOR_LAYER_NORM_H
#define AG_TENSOR_LAYER_NORM_H

#include "tensor/op.h"
#include "tensor/reduction.h"

/* What a group of numbers is normalised by. */
typedef struct ag__moments {
    double mean, rate; /* 1 / √(variance + epsilon) */
} ag__moments;

/* Two sums over a group. */
typedef struct ag__sums {
    double first, second;
} ag__sums;

/* Adds Σ (x_i - shift) and Σ (x_i - shift)². */
void ag__norm_add_moments(size_t n, const float *x, double shift, ag__sums *sums);

/* out_i = (x_i - mean) · rate · gamma_i + beta_i; gamma and beta may be NULL. */
void ag__norm_rows(size_t n, const float *x, ag__moments moments, const float *gamma,
                   const float *beta, float *out);

/* out_i = (x_i - mean) · factor + offset. */
void ag__norm_plane(size_t n, const float *x, double mean, double factor, double offset,
                    float *out);

/* Adds Σ g_i · gamma_i and Σ g_i · gamma_i · x̂_i, where x̂ is the normalised x; gamma may be NULL. */
void ag__norm_add_slopes(size_t n, const float *x, const float *g, const float *gamma,
                         ag__moments moments, ag__sums *sums);

/* Writes factor · (g_i · gamma_i - means.first - x̂_i · means.second) to a sink; gamma may be NULL. */
void ag__norm_carry_back(size_t n, const float *x, const float *g, const float *gamma,
                         ag__moments moments, ag__sums means, double factor, ag__sink sink);

/* Adds g_i · x̂_i to gammas[i], and g_i to betas[i]. */
void ag__norm_add_parameters(size_t n, const float *x, const float *g, ag__moments moments,
                             double *gammas, double *betas);

#endif
