/*
 * tile.h: the inner loops of convolutions: products of a small matrix with rows that may lie
 * anywhere, so that no matrix has to be made of an image's windows first.
 *
 * A tile is as many rows and columns of a result as the vector registers hold. Sums are in float, in
 * an order that depends on the shapes and on the instruction set alone.
 */
#ifndef AG_CORE_TILE_H
#define AG_CORE_TILE_H

#include <stddef.h>

/* The largest values of the fields below, for buffers. */
#define AG__TILE_ROWS 8
#define AG__TILE_TAPS 6
#define AG__TILE_LANES 16

/* The rows of a tile of dot products. */
#define AG__DOT_ROWS 4

typedef struct ag__tile {
    size_t rows;  /* of a tile of products */
    size_t taps;  /* columns of a tile of dot products */
    size_t lanes; /* of a vector register: n is rounded up to a multiple of it */

    /*
     * out[r][q] = start[r] + Σ_k weights[k][r] · x[offsets[k] + q] for `rows` rows r, and q < n rounded
     * up. weights is [depth, rows]; rows of out lie `pitch` apart.
     */
    void (*products)(size_t depth, const float *weights, const float *x, const size_t *offsets,
                     const float *start, size_t n, float *out, size_t pitch);

    /*
     * out[r][j] = Σ_i Σ_q g[i · g_step + r · g_pitch + q] · x[i · x_step + offsets[j] + q] for
     * AG__DOT_ROWS rows r, `taps` offsets j, `images` images i, and q < n rounded up; out is
     * [AG__DOT_ROWS, taps].
     */
    void (*dots)(size_t images, size_t n, const float *g, size_t g_step, size_t g_pitch,
                 const float *x, size_t x_step, const size_t *offsets, float *out);
} ag__tile;

/* The loops for this machine. */
const ag__tile *ag__tile_of_cpu(void);

#endif
