/*
 * cosine_embedding.c: 1 - cos(x1, x2) for pairs that belong together (t = 1),
 * max(0, cos(x1, x2) - margin) for pairs that do not (t = -1), for each row.
 *
 * Where the vectors are nearly parallel, 1 - cos and the gradient x2 - x1 (x1·x2)/|x1|² are small
 * differences of large numbers. Both follow from the residual r, the part of one vector that is
 * perpendicular to the other, which is computed without loss: sin² = |r|² / |x2|², and
 * 1 - cos = sin² / (1 + cos).
 */
#include "config.h"

#include "core/cpu.h"
#include "core/elementary.h"
#include "tensor/loss/domain.h"
#include "tensor/rowwise.h"

/* ---- vectors ---- */

typedef struct vector {
    const float *x;
    bool infinite; /* one component is: then it stands for its limit, a unit vector */
    double square; /* |x|², of the limit if infinite */
} vector;

AG__INLINE double component(const vector *v, size_t i)
{
    double x = (double)v->x[i];
    if (!v->infinite) return x;
    return fabs(x) > DBL_MAX ? copysign(1, x) : 0;
}

/* ---- sums over a row, in lanes ---- */

#define LANES 16

typedef struct products {
    double first[LANES], second[LANES], both[LANES];
} products;

AG__INLINE void add_products(size_t lanes, const vector *a, const vector *b, size_t i,
                             products *restrict sums)
{
#pragma omp simd
    for (size_t k = 0; k < lanes; k++) {
        double x = component(a, i + k), y = component(b, i + k);
        sums->first[k] += x * x;
        sums->second[k] += y * y;
        sums->both[k] += x * y;
    }
}

/* a · a, b · b and a · b */
AG__INLINE void sum_products(size_t n, const vector *a, const vector *b, bool much_follows,
                             products *sums)
{
    products full = *sums;
    size_t i = 0;
    for (; n - i >= LANES; i += LANES) {
        if (much_follows) {
            ag__fetch_ahead(LANES, a->x + i);
            ag__fetch_ahead(LANES, b->x + i);
        }
        add_products(LANES, a, b, i, &full);
    }
    *sums = full;
    add_products(n - i, a, b, i, sums);
}

/*
 * What is left of a vector without its part along another: from - coarse · along - fine · along,
 * where coarse has few digits, so that its products are exact.
 */
typedef struct residual {
    const vector *from, *along;
    double coarse, fine;
    double coarse_square; /* |from - coarse · along|² */
} residual;

AG__INLINE double residual_at(const vector *from, const vector *along, double coarse, double fine,
                              size_t i)
{
    double direction = component(along, i);
    return (component(from, i) - coarse * direction) - fine * direction;
}

/* r · r and r · along of a residual r */
AG__INLINE void sum_residuals(size_t n, const vector *from, const vector *along, const residual *r,
                              double *restrict squares, double *restrict along_sums)
{
    double coarse = r->coarse, fine = r->fine;
    for (size_t i = 0; i < n; i += LANES) {
        size_t lanes = n - i < LANES ? n - i : LANES;
#pragma omp simd
        for (size_t k = 0; k < lanes; k++) {
            double left = residual_at(from, along, coarse, fine, i + k);
            squares[k] += left * left;
            along_sums[k] += left * component(along, i + k);
        }
    }
}

/* The residuals themselves, of up to AG__CHUNK components. */
AG__INLINE void write_residuals(const vector *from, const vector *along, const residual *r,
                                size_t begin, size_t end, double *restrict out)
{
    double coarse = r->coarse, fine = r->fine;
#pragma omp simd
    for (size_t i = begin; i < end; i++)
        out[i - begin] = residual_at(from, along, coarse, fine, i);
}

typedef void products_kernel(size_t, const vector *, const vector *, bool, products *);
typedef void squares_kernel(size_t, const residual *, double *, double *);
typedef void residual_kernel(const residual *, size_t, size_t, double *);

/* Loops of their own for vectors without infinities, that is, nearly always. */
AG__INLINE void products_of(size_t n, const vector *a, const vector *b, bool much_follows,
                            products *sums)
{
    vector finite_a = {.x = a->x}, finite_b = {.x = b->x};
    if (a->infinite || b->infinite)
        sum_products(n, a, b, false, sums);
    else
        sum_products(n, &finite_a, &finite_b, much_follows, sums);
}

AG__INLINE void squares_of(size_t n, const residual *r, double *squares, double *along_sums)
{
    vector from = {.x = r->from->x}, along = {.x = r->along->x};
    if (r->from->infinite || r->along->infinite)
        sum_residuals(n, r->from, r->along, r, squares, along_sums);
    else
        sum_residuals(n, &from, &along, r, squares, along_sums);
}

AG__INLINE void residuals_of(const residual *r, size_t begin, size_t end, double *out)
{
    vector from = {.x = r->from->x}, along = {.x = r->along->x};
    if (r->from->infinite || r->along->infinite)
        write_residuals(r->from, r->along, r, begin, end, out);
    else
        write_residuals(&from, &along, r, begin, end, out);
}

AG__DEFINE_KERNELS(products_kernels, products_kernel, products_of,
                   (size_t n, const vector *a, const vector *b, bool much_follows, products *sums),
                   (n, a, b, much_follows, sums))
AG__DEFINE_KERNELS(squares_kernels, squares_kernel, squares_of,
                   (size_t n, const residual *r, double *squares, double *along),
                   (n, r, squares, along))
AG__DEFINE_KERNELS(residual_kernels, residual_kernel, residuals_of,
                   (const residual *r, size_t begin, size_t end, double *out), (r, begin, end, out))

/* ---- the cosine ---- */

/*
 * The residual of parallel vectors is what rounding has left of the coarse difference: 2^-53 of it,
 * or twice that. Less than 2^-48 is taken for nothing.
 */
#define ROUNDING_SQUARE 0x1p-96

/* A cosine beyond which differences cancel enough to take care of. */
#define NEARLY_PARALLEL 0.5

typedef struct cosine {
    vector x1, x2;
    double dot;
    double value;      /* in [-1, 1]; 0 if a vector is zero */
    double complement; /* 1 - value, to full precision */
    bool flat;         /* the gradient is 0: parallel, or a zero vector */
    residual of_x2;    /* along x1 */
} cosine;

static void multiply(size_t n, cosine *c, bool much_follows)
{
    products sums = {{0}, {0}, {0}};
    products_kernels[ag__cpu()](n, &c->x1, &c->x2, much_follows, &sums);
    c->x1.square = ag__sum(LANES, sums.first);
    c->x2.square = ag__sum(LANES, sums.second);
    c->dot = ag__sum(LANES, sums.both);
}

/* With several infinite components the limit depends on which grows faster. */
static void take_limits(size_t n, cosine *c)
{
    c->x1.infinite = isinf(c->x1.square);
    c->x2.infinite = isinf(c->x2.square);
    multiply(n, c, false);
    if (c->x1.infinite && c->x1.square > 1) c->x1.square = (double)NAN;
    if (c->x2.infinite && c->x2.square > 1) c->x2.square = (double)NAN;
}

/* The leading 24 bits: products with a float are then exact in double. */
static double leading_bits(double x)
{
    return ag__from_bits(ag__to_bits(x) & ~(uint64_t)0x1fffffff);
}

static void sum_squares(size_t n, const residual *r, double *square, double *along)
{
    double squares[LANES] = {0}, left[LANES] = {0};
    squares_kernels[ag__cpu()](n, r, squares, left);
    *square = ag__sum(LANES, squares);
    *along = ag__sum(LANES, left);
}

/* dot is the inner product of the two. Nearly parallel vectors take a second step. */
static residual perpendicular(size_t n, const vector *from, const vector *along, double dot,
                              bool nearly_parallel)
{
    residual r = {.from = from, .along = along, .coarse = dot / along->square};
    if (!nearly_parallel) return r;
    double left;
    r.coarse = leading_bits(r.coarse);
    sum_squares(n, &r, &r.coarse_square, &left);
    r.fine = left / along->square;
    return r;
}

/* Sharpens 1 - cos where it is a small difference. */
static void sharpen(size_t n, cosine *c)
{
    double square, unused, size = fabs(c->value);
    sum_squares(n, &c->of_x2, &square, &unused);
    c->flat = square <= ROUNDING_SQUARE * c->of_x2.coarse_square;
    double short_of_one = c->flat ? 0 : square / c->x2.square / (1 + size);
    c->complement = c->value > 0 ? short_of_one : 2 - short_of_one;
}

static void find_cosine(size_t n, cosine *c, bool much_follows)
{
    multiply(n, c, much_follows);
    if (isinf(c->x1.square) || isinf(c->x2.square)) take_limits(n, c);
    bool zero = c->x1.square == 0 || c->x2.square == 0;
    bool nan = isnan(c->x1.square) || isnan(c->x2.square);
    c->flat = zero && !nan;
    c->value = c->flat ? 0 : ag__clamp(c->dot / sqrt(c->x1.square * c->x2.square), -1, 1);
    c->complement = 1 - c->value;
    bool nearly_parallel = fabs(c->value) > NEARLY_PARALLEL;
    c->of_x2 = perpendicular(n, &c->x2, &c->x1, c->dot, nearly_parallel);
    if (nearly_parallel) sharpen(n, c);
}

/* ---- the loss ---- */

static double value_for(const cosine *c, double label, double margin)
{
    double excess = (1 - margin) - c->complement; /* of the cosine over the margin */
    if (c->value <= NEARLY_PARALLEL) excess = c->value - margin;
    return label == 1 ? c->complement : label != -1 ? label : excess <= 0 ? 0 : excess;
}

/* Writes scale · d cos / d x to a sink: the other vector's residual along x, over both lengths. */
static void write_gradient(size_t n, const residual *r, double scale, const ag__sink *sink)
{
    double slopes[AG__CHUNK];
    if (r->along->infinite) scale *= 0; /* the limit of 1 / |x| */
    scale /= sqrt(r->along->square * r->from->square);
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        residual_kernels[ag__cpu()](r, i, i + length, slopes);
        ag__store_gradient(length, slopes, NULL, scale, sink, i);
    }
}

static void write_gradients(size_t n, const cosine *c, double scale, const ag__sink *sinks)
{
    bool nearly_parallel = fabs(c->value) > NEARLY_PARALLEL;
    for (int i = 0; i < 2; i++) {
        if (sinks[i].data == NULL) continue;
        residual r = c->of_x2;
        if (c->flat)
            ag__store_zero(n, scale, &sinks[i]);
        else if (i == 0)
            write_gradient(n, &r, scale, &sinks[i]);
        else {
            r = perpendicular(n, &c->x1, &c->x2, c->dot, nearly_parallel);
            write_gradient(n, &r, scale, &sinks[i]);
        }
    }
}

/* What d loss / d cos is, times the upstream gradient. */
static double slope_for(double label, double scale)
{
    return label == 1 ? -scale : label == -1 ? scale : label; /* NaN */
}

static void compute_row(const ag__rows *rows, size_t index)
{
    size_t n = rows->n, offset = index * n;
    double label = (double)rows->inputs[2][index];
    cosine c = {.x1 = {.x = rows->inputs[0] + offset}, .x2 = {.x = rows->inputs[1] + offset}};
    find_cosine(n, &c, ag__much_follows(rows, index));
    double value = value_for(&c, label, rows->parameter);
    if (rows->values != NULL) rows->values[index] = value;
    if (rows->sinks == NULL) return;
    if (label == -1 && value == 0) c.flat = true;
    ag__sink sinks[2] = {ag__sink_at(&rows->sinks[0], offset),
                         ag__sink_at(&rows->sinks[1], offset)};
    write_gradients(n, &c, slope_for(label, rows->scales[index]), sinks);
}

static void compute(const ag__rows *rows)
{
    for (size_t row = 0; row < rows->count; row++)
        compute_row(rows, row);
}

const ag__op ag__op_cosine_embedding_loss = {
    .name = "cosine_embedding_loss",
    .num_inputs = 3,
    .num_parents = 3,
    .num_differentiable = 2,
    .labels_rows = true,
    .input_names = {"x1", "x2", "target"},
    .domains = {{0}, {0}, AG__PLUS_OR_MINUS_ONE},
    .parameter_name = "margin",
    .takes_reduction = true,
    AG__ROWWISE,
    .law = &(const ag__rowwise){compute},
    .nanoseconds = AG__TRANSCENDENTAL,
};
