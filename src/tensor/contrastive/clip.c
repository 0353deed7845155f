/*
 * clip.c: the mean of two cross-entropies: of each image among the texts, and of each text among the
 * images. A first sweep finds the sums of exponentials of rows and columns.
 */
#include "config.h"

#include "tensor/contrastive/row_softmax.h"
#include "tensor/chunk.h"
#include "tensor/softmax_row.h"

/*
 * Of each row or column: its largest logit, and Σ e^(logit - largest) of all and of all but its own pair.
 * Where the pair is nearly certain it is the latter that has the digits.
 */
typedef struct sums {
    double *top, *sum, *rest;
} sums;

enum { ROWS, COLUMNS };

static sums sums_of(const ag__contrast *c, int side)
{
    size_t n = c->rows.rows;
    double *first = (double *)c->extra + (size_t)side * 3 * n;
    return (sums){first, first + n, first + 2 * n};
}

static size_t extra_bytes(const ag__contrast *c)
{
    return 2 * 3 * c->rows.rows * sizeof(double);
}

static void prepare(ag__contrast *c)
{
    sums columns = sums_of(c, COLUMNS);
    c->scale = (double)c->call->inputs[2]->data[0];
    for (size_t j = 0; j < c->columns.rows; j++) {
        columns.top[j] = -DBL_MAX; /* not an infinity, whose differences are NaN */
        columns.sum[j] = columns.rest[j] = 0;
    }
}

typedef void sum_kernel(size_t n, const float *s, double scale, double top, double *out);

AG__INLINE void write_terms(size_t n, const float *restrict s, double scale, double top,
                            double *restrict out)
{
#pragma omp simd
    for (size_t j = 0; j < n; j++)
        out[j] = ag__exp_of_negative(scale * (double)s[j] - top);
}

AG__DEFINE_KERNELS(sum_kernels, sum_kernel, write_terms,
                   (size_t n, const float *s, double scale, double top, double *out),
                   (n, s, scale, top, out))

static void clip_first_row(ag__contrast *c, size_t row, const float *s)
{
    sums rows = sums_of(c, ROWS);
    double terms[AG__COLUMN_BLOCK], rest = 0, own = 0;
    size_t n = c->columns.rows;
    rows.top[row] = ag__top_logit(n, s, c->scale);
    for (size_t j = 0, length; j < n; j += length) {
        length = n - j < AG__COLUMN_BLOCK ? n - j : AG__COLUMN_BLOCK;
        sum_kernels[ag__cpu()](length, s + j, c->scale, rows.top[row], terms);
        if (row >= j && row < j + length) {
            own = terms[row - j];
            terms[row - j] = 0;
        }
        rest += ag__sum(length, terms);
    }
    rows.rest[row] = rest;
    rows.sum[row] = rest + own;
}

typedef void column_kernel(size_t n, size_t own, const float *s, double scale, sums columns);

/* One row more, whose own pair is at `own`: the larger of top and logit stays at e^0. */
AG__INLINE void add_row(size_t n, size_t own, const float *restrict s, double scale, sums columns)
{
    double *restrict top = columns.top, *restrict sum = columns.sum, *restrict rest = columns.rest;
#pragma omp simd
    for (size_t j = 0; j < n; j++) {
        double logit = scale * (double)s[j], above = logit - top[j], counts = j == own ? 0 : 1;
        double e = ag__exp_of_negative(above > 0 ? -above : above);
        sum[j] = above > 0 ? sum[j] * e + 1 : sum[j] + e;
        rest[j] = above > 0 ? rest[j] * e + counts : rest[j] + counts * e;
        top[j] = above > 0 ? logit : top[j];
    }
}

AG__DEFINE_KERNELS(column_kernels, column_kernel, add_row,
                   (size_t n, size_t own, const float *s, double scale, sums columns),
                   (n, own, s, scale, columns))

static void clip_first_columns(ag__contrast *c, size_t first_row, size_t rows, const float *strip,
                               size_t begin, size_t end)
{
    sums all = sums_of(c, COLUMNS);
    sums columns = {all.top + begin, all.sum + begin, all.rest + begin};
    for (size_t row = 0; row < rows; row++) {
        size_t pair = first_row + row;
        column_kernels[ag__cpu()](end - begin, pair >= begin ? pair - begin : end,
                                  strip + row * c->columns.rows + begin, c->scale, columns);
    }
}

/* What is the same for a whole row of slopes. */
typedef struct row_terms {
    double scale, top, per_sum;       /* of the row; per_sum: its factor / (2 · sum) */
    const double *tops, *column_sums; /* of the columns */
} row_terms;

typedef void slopes_kernel(size_t n, const float *s, const row_terms *r, double *out);

AG__INLINE void write_slopes(size_t n, const float *restrict s, const row_terms *r,
                             double *restrict out)
{
    double scale = r->scale, top = r->top, per_sum = r->per_sum;
    const double *restrict tops = r->tops, *restrict column_sums = r->column_sums;
#pragma omp simd
    for (size_t j = 0; j < n; j++) {
        double logit = scale * (double)s[j];
        out[j] = per_sum * ag__exp_of_negative(logit - top) +
                 0.5 * ag__exp_of_negative(logit - tops[j]) / column_sums[j];
    }
}

AG__DEFINE_KERNELS(slopes_kernels, slopes_kernel, write_slopes,
                   (size_t n, const float *s, const row_terms *r, double *out), (n, s, r, out))

/* Slopes to the logits of a chunk of columns, as if none were the positive. */
static void write_chunk(ag__contrast *c, size_t row, const float *s, size_t j, size_t n,
                        double *out)
{
    sums rows = sums_of(c, ROWS), columns = sums_of(c, COLUMNS);
    row_terms terms = {
        .scale = c->scale,
        .top = rows.top[row],
        .per_sum = 0.5 * ag__factor(c, row) / rows.sum[row],
        .tops = columns.top + j,
        .column_sums = columns.sum + j,
    };
    if (c->upstream == NULL) {
        slopes_kernels[ag__cpu()](n, s + j, &terms, out);
        return;
    }
    for (size_t k = 0; k < n; k++) { /* each column has a factor of its own */
        double logit = c->scale * (double)s[j + k];
        out[k] = terms.per_sum * ag__exp_of_negative(logit - terms.top) +
                 0.5 * ag__factor(c, j + k) * ag__exp_of_negative(logit - columns.top[j + k]) /
                     columns.sum[j + k];
    }
}

/* log(sum) + (top - logit), in a form that loses no digits where it is nearly 0. */
static double entropy(sums of, size_t index, double logit)
{
    if (of.top[index] == logit) return log1p(of.rest[index]);
    return log(of.sum[index]) + (of.top[index] - logit);
}

static double clip_row(ag__contrast *c, size_t row, float *s, unsigned char *direct)
{
    (void)direct;
    sums rows = sums_of(c, ROWS), columns = sums_of(c, COLUMNS);
    size_t n = c->columns.rows;
    double logit = c->scale * (double)s[row], slopes[AG__CHUNK], wide[AG__CHUNK], of_scale = 0;
    /* what softmax falls short of 1 by, twice */
    double own = -0.5 * ag__factor(c, row) *
                 (rows.rest[row] / rows.sum[row] + columns.rest[row] / columns.sum[row]);
    for (size_t j = 0, length; j < n && c->with_slopes; j += length) {
        length = ag__chunk_length(n - j);
        write_chunk(c, row, s, j, length, slopes);
        if (row >= j && row < j + length) slopes[row - j] = own;
        ag__widen(length, s + j, wide);
        of_scale += ag__dot(length, wide, slopes);
        for (size_t k = 0; k < length; k++)
            s[j + k] = (float)(c->scale * slopes[k]);
    }
    c->scalars[0][row] = of_scale;
    return 0.5 * (entropy(rows, row, logit) + entropy(columns, row, logit));
}

const ag__op ag__op_clip_loss = {
    .name = "clip_loss",
    .num_inputs = 3,
    .num_parents = 3,
    .num_differentiable = 3,
    .input_names = {"images", "texts", "scale"},
    AG__CONTRAST,
    .law = &(const ag__contrast_law){.batches = AG__CROSS,
                                     .extra_bytes = extra_bytes,
                                     .prepare = prepare,
                                     .first_row = clip_first_row,
                                     .first_columns = clip_first_columns,
                                     .row = clip_row},
};
