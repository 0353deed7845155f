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

#include "core/elementary.h"
#include "core/wide.h"
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

AG__INLINE void add_products(size_t lanes, const double *a, const double *b,
                             products *restrict sums, size_t first)
{
#pragma omp simd
    for (size_t k = 0; k < lanes; k++) {
        sums->first[first + k] += a[k] * a[k];
        sums->second[first + k] += b[k] * b[k];
        sums->both[first + k] += a[k] * b[k];
    }
}

/* a · a, b · b and a · b of vectors without infinities */
AG__INLINE void sum_products(const ag__conversions *conversions, size_t n, const float *a,
                             const float *b, bool much_follows, products *sums)
{
    products full = *sums;
    double wide_a[AG__GROUP], wide_b[AG__GROUP];
    size_t i = 0;
    for (; n - i >= LANES; i += LANES) {
        if (much_follows) {
            ag__fetch_ahead(LANES, a + i);
            ag__fetch_ahead(LANES, b + i);
        }
        AG__UNROLL
        for (size_t k = 0; k < LANES; k += AG__GROUP) {
            conversions->widen(a + i + k, wide_a);
            conversions->widen(b + i + k, wide_b);
            add_products(AG__GROUP, wide_a, wide_b, &full, k);
        }
    }
    *sums = full;
    for (size_t k = 0; i < n; i++, k++) {
        double x = (double)a[i], y = (double)b[i];
        add_products(1, &x, &y, sums, k);
    }
}

/* The same of any vectors. */
AG__INLINE void sum_limits(size_t n, const vector *a, const vector *b, products *sums)
{
    for (size_t i = 0; i < n; i++) {
        double x = component(a, i), y = component(b, i);
        add_products(1, &x, &y, sums, 0);
    }
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
AG__INLINE void products_of(const ag__conversions *conversions, size_t n, const vector *a,
                            const vector *b, bool much_follows, products *sums)
{
    if (a->infinite || b->infinite)
        sum_limits(n, a, b, sums);
    else
        sum_products(conversions, n, a->x, b->x, much_follows, sums);
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

AG__DEFINE_WIDE_KERNELS(products_kernels, products_kernel, products_of,
                        (size_t n, const vector *a, const vector *b, bool much_follows,
                         products *sums),
                        n, a, b, much_follows, sums)
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

/* ---- both gradients in one loop, where there is nothing to look after ---- */

/* scale · (from - coarse · along - fine · along) */
typedef struct direction {
    double coarse, fine, scale;
} direction;

typedef void both_kernel(const vector *, const vector *, const direction *, const direction *,
                         size_t, size_t, float *, float *);

AG__INLINE void scale_residuals(size_t lanes, const double *from, const double *along,
                                const direction *d, double *restrict out)
{
    double coarse = d->coarse, fine = d->fine, scale = d->scale;
#pragma omp simd
    for (size_t k = 0; k < lanes; k++)
        out[k] = scale * ((from[k] - coarse * along[k]) - fine * along[k]);
}

AG__INLINE void scale_both(const ag__conversions *conversions, const vector *x1, const vector *x2,
                           const direction *first, const direction *second, size_t begin,
                           size_t end, float *out_x1, float *out_x2)
{
    double a[AG__GROUP], b[AG__GROUP], to_a[AG__GROUP], to_b[AG__GROUP];
    size_t i = begin;
    for (; end - i >= AG__GROUP; i += AG__GROUP) {
        conversions->widen(x1->x + i, a);
        conversions->widen(x2->x + i, b);
        scale_residuals(AG__GROUP, b, a, first, to_a);
        scale_residuals(AG__GROUP, a, b, second, to_b);
        conversions->narrow(to_a, out_x1 + (i - begin));
        conversions->narrow(to_b, out_x2 + (i - begin));
    }
    for (; i < end; i++) {
        a[0] = (double)x1->x[i];
        b[0] = (double)x2->x[i];
        scale_residuals(1, b, a, first, to_a);
        scale_residuals(1, a, b, second, to_b);
        out_x1[i - begin] = (float)to_a[0];
        out_x2[i - begin] = (float)to_b[0];
    }
}

AG__DEFINE_WIDE_KERNELS(both_kernels, both_kernel, scale_both,
                        (const vector *x1, const vector *x2, const direction *first,
                         const direction *second, size_t begin, size_t end, float *out_x1,
                         float *out_x2),
                        x1, x2, first, second, begin, end, out_x1, out_x2)

static direction direction_of(const residual *r, double scale)
{
    return (direction){r->coarse, r->fine, scale / sqrt(r->along->square * r->from->square)};
}

static void write_both(size_t n, const cosine *c, const residual *of_x1, double scale,
                       const ag__sink *sinks)
{
    float buffers[2][AG__CHUNK];
    direction first = direction_of(&c->of_x2, scale), second = direction_of(of_x1, scale);
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        float *to_x1 = ag__place_for(&sinks[0], i, buffers[0]);
        float *to_x2 = ag__place_for(&sinks[1], i, buffers[1]);
        both_kernels[ag__cpu()](&c->x1, &c->x2, &first, &second, i, i + length, to_x1, to_x2);
        ag__hand_on(length, to_x1, &sinks[0], i);
        ag__hand_on(length, to_x2, &sinks[1], i);
    }
}

static void write_gradients(size_t n, const cosine *c, double scale, const ag__sink *sinks)
{
    bool nearly_parallel = fabs(c->value) > NEARLY_PARALLEL;
    bool both = sinks[0].data != NULL && sinks[1].data != NULL;
    residual r = c->of_x2;
    if (!c->flat && sinks[1].data != NULL)
        r = perpendicular(n, &c->x1, &c->x2, c->dot, nearly_parallel);
    if (both && !c->flat && !c->x1.infinite && !c->x2.infinite && !sinks[0].accumulate &&
        !sinks[1].accumulate) {
        write_both(n, c, &r, scale, sinks);
        return;
    }
    for (int i = 0; i < 2; i++) {
        if (sinks[i].data == NULL) continue;
        if (c->flat)
            ag__store_zero(n, scale, &sinks[i]);
        else
            write_gradient(n, i == 0 ? &c->of_x2 : &r, scale, &sinks[i]);
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
