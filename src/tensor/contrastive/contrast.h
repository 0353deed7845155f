/*
 * contrast.h: the driver of losses that compare every row of a batch with every row of a batch.
 *
 * With n rows and m columns, the n·m similarities never exist at once. A grain is AG__GRAIN rows of
 * their matrix, whole: one product of embeddings, on which a loss's law works row by row, in double,
 * and puts slopes in the place of similarities; two products carry these to the embeddings. A tile is
 * as many grains as are in memory at once. Every sum's order is that of the grains, so neither the
 * tile's size nor the threads change a bit.
 */
#ifndef AG_TENSOR_CONTRASTIVE_CONTRAST_H
#define AG_TENSOR_CONTRASTIVE_CONTRAST_H

#include <autograd/contrastive.h>

#include "tensor/op.h"

/* Rows of a grain: enough for a product, few enough that a batch has grains for all threads. */
#define AG__GRAIN 128

/* Columns of which sums over rows are made at once. */
#define AG__COLUMN_BLOCK 512

/* No row or column. */
#define AG__NOWHERE SIZE_MAX

/* How a loss's inputs make the rows and the columns of the matrix. */
typedef enum ag__batches {
    AG__CROSS, /* the first input's rows against the second's */
    AG__SELF,  /* the first input's rows against each other */
    AG__VIEWS, /* the rows of both inputs, one after the other, against each other */
} ag__batches;

/* The places of a call's integers. */
enum { AG__SIMILARITY, AG__SOFT_MARGIN, AG__DIVISOR };

/* The rows of the matrix, or its columns. */
typedef struct ag__side {
    size_t rows;
    const float *x; /* [rows, width]: what products are made of */
    float *copy;    /* the same, where it is not the input itself: of unit length, or centred */
    double *sizes;  /* [rows]: lengths before that, or squares of the centred rows; or NULL */
    double *pulls;  /* [rows], of distances: the sums of the slopes */
    float *slopes;  /* [rows, width]: the gradient to x, without the pulls */
} ag__side;

typedef struct ag__contrast {
    const ag__call *call;
    const struct ag__contrast_law *law;
    size_t width;
    ag__side rows, columns;
    const ag__side *opposite; /* what a row is compared with: rows itself, or columns */
    const int32_t *labels;    /* NULL where there are none */
    double scale;             /* of similarities; of distances 1 */
    bool with_slopes;         /* a gradient is wanted */
    const float *upstream;    /* a factor for the slopes of each row; NULL for 1 */

    size_t tile;           /* grains */
    float *strip;          /* [tile, AG__GRAIN, columns] */
    unsigned char *direct; /* the same, of distances: pairs that are apart from the products */
    double *values;        /* [rows] */
    double *terms;         /* [rows]: of what number of terms a value is the sum */
    double *scalars[2];    /* [rows] each: shares of the gradients to a scale and a bias */
    void *extra;           /* the law's own */
} ag__contrast;

typedef struct ag__contrast_law {
    ag__batches batches;
    bool distances; /* the strip holds Euclidean distances, not inner products */
    bool sparse;    /* of distances: few pairs have slopes, and the law marks them as direct */
    /* How many bytes a law needs beside the rest; NULL: none. */
    size_t (*extra_bytes)(const ag__contrast *c);
    void (*prepare)(ag__contrast *c);
    /* A sweep before the other: over rows, and over AG__COLUMN_BLOCK columns of a tile's rows. */
    void (*first_row)(ag__contrast *c, size_t row, const float *s);
    void (*first_columns)(ag__contrast *c, size_t first_row, size_t rows, const float *strip,
                          size_t begin, size_t end);
    /*
     * The value of a row, and c->terms[row]. s holds the row's similarities. If slopes are wanted, it
     * leaves there those of the value, times ag__factor; of distances, divided by the distance.
     */
    double (*row)(ag__contrast *c, size_t row, float *s, unsigned char *direct);
} ag__contrast_law;

/* At most so many grains are a tile; tests change it. */
extern size_t ag__most_grains;

static inline double ag__factor(const ag__contrast *c, size_t row)
{
    return c->upstream != NULL ? (double)c->upstream[row] : 1;
}

/* The number of rows and columns that a call compares. */
size_t ag__contrast_rows(const ag__call *call);
size_t ag__contrast_columns(const ag__call *call);

/* Where a row of a side stands among the inputs. */
const float *ag__side_row(const ag__contrast *c, const ag__side *side, size_t row);

/* Fills copies and sizes; before any sweep. */
void ag__sides_prepare(ag__contrast *c);

/* Carries the slopes of both sides, times scale, through copies and pulls to the inputs' sinks. */
void ag__sides_store(const ag__contrast *c, double scale, const ag__sink *sinks);

/* Turns the products of one row into distances; marks pairs that products say too little about. */
void ag__to_distances(const ag__contrast *c, size_t row, float *s, unsigned char *direct);

/* The distance of two rows, from their difference. */
double ag__distance_between(const ag__contrast *c, size_t row, size_t other);

/* Adds slope · (x_row - x_other) to a row's slopes for all its direct pairs. */
void ag__add_direct_to_row(const ag__contrast *c, size_t row, const float *s,
                           const unsigned char *direct);

/* Takes the same from the others, from begin to end, and leaves 0 as the slope. */
void ag__add_direct_to_columns(const ag__contrast *c, size_t row, float *s,
                               const unsigned char *direct, size_t begin, size_t end);

/* ---- the driver's part of descriptors ---- */

ag_status ag__contrast_infer_shape(const ag__call *call, ag__shape *shape);
ag_status ag__contrast_forward(const ag__call *call, ag_tensor *out);
ag_status ag__contrast_both(const ag__call *call, ag_tensor *out, const ag__sink *sinks);
void ag__contrast_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks);
size_t ag__contrast_scratch_bytes(const ag__call *call);

#define AG__CONTRAST                                                                               \
    .takes_reduction = true, .infer_shape = ag__contrast_infer_shape,                              \
    .forward = ag__contrast_forward, .forward_with_gradients = ag__contrast_both,                  \
    .backward = ag__contrast_backward, .scratch_bytes = ag__contrast_scratch_bytes

extern const ag__op ag__op_pair_contrastive_loss, ag__op_batch_hard_triplet_loss,
    ag__op_batch_all_triplet_loss, ag__op_info_nce_loss, ag__op_clip_loss, ag__op_nt_xent_loss,
    ag__op_sup_con_loss, ag__op_siglip_loss, ag__op_arcface_loss;

#endif
