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

/* n components from an offset on. */
static void read_vector(const vector *v, size_t offset, size_t n, double *out)
{
    ag__widen(n, v->x + offset, out);
    if (!v->infinite) return;
    for (size_t i = 0; i < n; i++)
        out[i] = isinf(out[i]) ? copysign(1, out[i]) : 0;
}

static double inner_product(size_t n, const vector *a, const vector *b)
{
    double chunk_a[AG__CHUNK], chunk_b[AG__CHUNK], sum = 0;
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        read_vector(a, i, length, chunk_a);
        read_vector(b, i, length, chunk_b);
        sum += ag__dot(length, chunk_a, chunk_b);
    }
    return sum;
}

static vector measure(size_t n, const float *x)
{
    vector v = {.x = x};
    v.square = inner_product(n, &v, &v);
    if (isinf(v.square)) {
        v.infinite = true;
        v.square = inner_product(n, &v, &v);
        if (v.square > 1) v.square = (double)NAN; /* the limit depends on which grows faster */
    }
    return v;
}

/* ---- what is left of one vector without its part along another ---- */

typedef struct residual {
    const vector *from, *along;
    double coarse, fine;  /* from - coarse · along - fine · along */
    double coarse_square; /* |from - coarse · along|² */
} residual;

typedef void subtract_kernel(size_t, const double *, const double *, double, double, double *);

AG__INLINE void subtract(size_t n, const double *restrict from, const double *restrict along,
                         double coarse, double fine, double *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = (from[i] - coarse * along[i]) - fine * along[i];
}

AG__DEFINE_KERNELS(subtract_kernels, subtract_kernel, subtract,
                   (size_t n, const double *from, const double *along, double coarse, double fine,
                    double *out),
                   (n, from, along, coarse, fine, out))

static void read_residual(const residual *r, size_t offset, size_t n, double *out)
{
    double from[AG__CHUNK], along[AG__CHUNK];
    read_vector(r->from, offset, n, from);
    read_vector(r->along, offset, n, along);
    subtract_kernels[ag__cpu()](n, from, along, r->coarse, r->fine, out);
}

/* The leading 24 bits: products with a float are then exact in double. */
static double leading_bits(double x)
{
    return ag__from_bits(ag__to_bits(x) & ~(uint64_t)0x1fffffff);
}

/* dot is the inner product of the two. */
static residual perpendicular(size_t n, const vector *from, const vector *along, double dot)
{
    residual r = {.from = from, .along = along, .coarse = leading_bits(dot / along->square)};
    double left[AG__CHUNK], direction[AG__CHUNK], sum = 0;
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        read_residual(&r, i, length, left);
        read_vector(along, i, length, direction);
        sum += ag__dot(length, left, direction);
        r.coarse_square += ag__dot(length, left, left);
    }
    r.fine = sum / along->square;
    return r;
}

static double residual_square(size_t n, const residual *r)
{
    double left[AG__CHUNK], sum = 0;
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        read_residual(r, i, length, left);
        sum += ag__dot(length, left, left);
    }
    return sum;
}

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
} cosine;

static cosine cosine_of(const ag__row *row)
{
    cosine c = {.x1 = measure(row->n, row->inputs[0]), .x2 = measure(row->n, row->inputs[1])};
    c.dot = inner_product(row->n, &c.x1, &c.x2);
    bool zero = c.x1.square == 0 || c.x2.square == 0;
    bool nan = isnan(c.x1.square) || isnan(c.x2.square);
    c.flat = zero && !nan;
    c.value = c.flat ? 0 : ag__clamp(c.dot / sqrt(c.x1.square * c.x2.square), -1, 1);
    c.complement = 1 - c.value;
    double size = fabs(c.value);
    if (size > NEARLY_PARALLEL) {
        residual r = perpendicular(row->n, &c.x2, &c.x1, c.dot);
        double square = residual_square(row->n, &r);
        c.flat = square <= ROUNDING_SQUARE * r.coarse_square;
        double short_of_one = c.flat ? 0 : square / c.x2.square / (1 + size);
        c.complement = c.value > 0 ? short_of_one : 2 - short_of_one;
    }
    return c;
}

static double value_for(const ag__row *row, const cosine *c)
{
    double label = (double)row->inputs[2][0];
    double excess = (1 - row->parameter) - c->complement; /* of the cosine over the margin */
    if (c->value <= NEARLY_PARALLEL) excess = c->value - row->parameter;
    return label == 1 ? c->complement : label != -1 ? label : excess <= 0 ? 0 : excess;
}

static double cosine_embedding_value(const ag__row *row)
{
    cosine c = cosine_of(row);
    return value_for(row, &c);
}

/* Writes scale · d cos / d x to a sink: the residual of the other vector, over both lengths. */
static void store_slope(size_t n, const cosine *c, const vector *x, const vector *other,
                        double scale, const ag__sink *sink)
{
    if (sink->data == NULL) return;
    if (c->flat) {
        ag__store_zero(n, scale, sink);
        return;
    }
    residual r = {.from = other, .along = x, .coarse = c->dot / x->square};
    if (fabs(c->value) > NEARLY_PARALLEL) r = perpendicular(n, other, x, c->dot);
    if (x->infinite) scale *= 0; /* the limit of 1 / |x| */
    scale /= sqrt(x->square * other->square);
    double slopes[AG__CHUNK];
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        read_residual(&r, i, length, slopes);
        ag__store_gradient(length, slopes, NULL, scale, sink, i);
    }
}

static void cosine_embedding_gradient(const ag__row *row, double scale, const ag__sink *sinks)
{
    cosine c = cosine_of(row);
    double label = (double)row->inputs[2][0];
    if (label == 1)
        scale = -scale;
    else if (label != -1)
        scale = label; /* NaN */
    else if (value_for(row, &c) == 0)
        c.flat = true;
    store_slope(row->n, &c, &c.x1, &c.x2, scale, &sinks[0]);
    store_slope(row->n, &c, &c.x2, &c.x1, scale, &sinks[1]);
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
    .law = &(const ag__rowwise){cosine_embedding_value, cosine_embedding_gradient},
    .nanoseconds = AG__TRANSCENDENTAL,
};
