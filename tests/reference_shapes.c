/* reference_shapes.c: what sums and moves elements: sums, broadcasting, dimensions, slices. */
#include "config.h"

#include "reference_parts.h"

#include <stdlib.h>
#include <string.h>

/* ---- sum and mean ---- */

static long double mean_factor(const reference_op *op, const reference_call *call)
{
    bool is_mean = strcmp(op->name, "mean") == 0;
    return is_mean ? 1 / (long double)reference_size(&call->shapes[0]) : 1;
}

static void sum_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    out[0] = number(0);
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        add_to(&out[0], number(call->inputs[0][i]));
    out[0] = scaled(out[0], mean_factor(op, call));
}

static void sum_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                         const long double *upstream, reference_number *out)
{
    (void)input;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(upstream[0] * mean_factor(op, call));
}

/* ---- reshape and transpose ---- */

static reference_shape reshape_shape(const reference_call *call)
{
    return call->new_shape;
}

static void reshape_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    (void)op;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(call->inputs[0][i]);
}

static void reshape_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                             const long double *upstream, reference_number *out)
{
    (void)op, (void)input;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(upstream[i]);
}

static reference_shape transpose_shape(const reference_call *call)
{
    const uint32_t *dims = call->shapes[0].dims;
    return (reference_shape){.ndims = 2, .dims = {dims[1], dims[0]}};
}

static void write_transposed(const reference_shape *shape, const long double *in, bool back,
                             reference_number *out)
{
    size_t rows = shape->dims[0], columns = shape->dims[1];
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            size_t here = i * columns + j, there = j * rows + i;
            out[back ? here : there] = number(in[back ? there : here]);
        }
    }
}

static void transpose_value(const reference_op *op, const reference_call *call,
                            reference_number *out)
{
    (void)op;
    write_transposed(&call->shapes[0], call->inputs[0], false, out);
}

static void transpose_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                               const long double *upstream, reference_number *out)
{
    (void)op, (void)input;
    write_transposed(&call->shapes[0], upstream, true, out);
}

/* ---- add, sub, mul, div: of the result's elements, which one of a and of b it is made of ---- */

typedef struct binary_law {
    const char *name;
    reference_number (*value)(long double a, long double b);
    long double (*slope)(uint32_t input, long double a, long double b);
} binary_law;

static reference_number add_value(long double a, long double b)
{
    return sum_of(a, b);
}

static reference_number sub_value(long double a, long double b)
{
    return sum_of(a, -b);
}

static reference_number mul_value(long double a, long double b)
{
    return number(a * b);
}

static reference_number div_value(long double a, long double b)
{
    return number(a / b);
}

static long double add_slope(uint32_t input, long double a, long double b)
{
    (void)input, (void)a, (void)b;
    return 1;
}

static long double sub_slope(uint32_t input, long double a, long double b)
{
    (void)a, (void)b;
    return input == 0 ? 1 : -1;
}

static long double mul_slope(uint32_t input, long double a, long double b)
{
    return input == 0 ? b : a;
}

static long double div_slope(uint32_t input, long double a, long double b)
{
    return input == 0 ? 1 / b : -a / (b * b);
}

static const binary_law binary_laws[] = {
    {"add", add_value, add_slope},
    {"sub", sub_value, sub_slope},
    {"mul", mul_value, mul_slope},
    {"div", div_value, div_slope},
};

static const binary_law *binary_law_of(const reference_op *op)
{
    const binary_law *law = binary_laws;
    while (strcmp(law->name, op->name) != 0)
        law++;
    return law;
}

/* The size of a dimension, counted from the last, which is 0; 1 beyond the first. */
static uint32_t size_from_last(const reference_shape *shape, uint32_t from_last)
{
    return from_last < shape->ndims ? shape->dims[shape->ndims - 1 - from_last] : 1;
}

static reference_shape stretched_shape(const reference_call *call)
{
    const reference_shape *a = &call->shapes[0], *b = &call->shapes[1];
    reference_shape shape = {.ndims = a->ndims > b->ndims ? a->ndims : b->ndims};
    for (uint32_t k = 0; k < shape.ndims; k++) {
        uint32_t of_a = size_from_last(a, k), of_b = size_from_last(b, k);
        shape.dims[shape.ndims - 1 - k] = of_a > of_b ? of_a : of_b;
    }
    return shape;
}

/* The element of an input that serves element i of the result. */
static size_t serving(const reference_call *call, uint32_t input, size_t i)
{
    reference_shape result = stretched_shape(call);
    size_t offset = 0, stride = 1;
    for (uint32_t k = 0; k < result.ndims; k++) {
        uint32_t size = size_from_last(&call->shapes[input], k),
                 of_result = size_from_last(&result, k);
        if (size > 1) offset += i % of_result * stride;
        i /= of_result;
        stride *= size;
    }
    return offset;
}

static void binary_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    const binary_law *law = binary_law_of(op);
    reference_shape shape = stretched_shape(call);
    for (size_t i = 0; i < reference_size(&shape); i++)
        out[i] =
            law->value(call->inputs[0][serving(call, 0, i)], call->inputs[1][serving(call, 1, i)]);
}

static void binary_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                            const long double *upstream, reference_number *out)
{
    const binary_law *law = binary_law_of(op);
    reference_shape shape = stretched_shape(call);
    for (size_t i = 0; i < reference_size(&call->shapes[input]); i++)
        out[i] = number(0);
    for (size_t i = 0; i < reference_size(&shape); i++) {
        size_t of_a = serving(call, 0, i), of_b = serving(call, 1, i);
        long double slope = law->slope(input, call->inputs[0][of_a], call->inputs[1][of_b]);
        add_to(&out[input == 0 ? of_a : of_b], number(upstream[i] * slope));
    }
}

/* ---- one dimension: a tensor as [outer, length, inner] ---- */

typedef struct along {
    size_t outer, length, inner;
} along;

static uint32_t dimension_of(const reference_call *call)
{
    uint32_t dim = call->integers[0], ndims = call->shapes[0].ndims;
    return dim >= ndims ? dim + ndims : dim; /* -1 is the last */
}

static along along_of(const reference_call *call, const reference_shape *shape)
{
    uint32_t dim = dimension_of(call);
    along a = {1, shape->dims[dim], 1};
    for (uint32_t d = 0; d < shape->ndims; d++) {
        if (d < dim) a.outer *= shape->dims[d];
        if (d > dim) a.inner *= shape->dims[d];
    }
    return a;
}

static reference_shape reduced_shape(const reference_call *call)
{
    reference_shape shape = call->shapes[0], without = {.ndims = shape.ndims - 1};
    uint32_t dim = dimension_of(call);
    shape.dims[dim] = 1;
    if (call->integers[1] != 0 || shape.ndims == 1) return shape;
    for (uint32_t d = 0; d < without.ndims; d++)
        without.dims[d] = shape.dims[d < dim ? d : d + 1];
    return without;
}

/* The numbers of one result, one after the other, and where number k of them came from. */
static size_t place_in(const along *a, size_t result, size_t k)
{
    return (result / a->inner * a->length + k) * a->inner + result % a->inner;
}

static long double *create_lane(size_t n)
{
    long double *lane = malloc(n * sizeof *lane);
    if (lane == NULL) abort();
    return lane;
}

static long double *lane_of(const along *a, const long double *x, size_t result)
{
    long double *lane = create_lane(a->length);
    for (size_t k = 0; k < a->length; k++)
        lane[k] = x[place_in(a, result, k)];
    return lane;
}

/* A result from its n numbers; and the slopes with respect to them. */
typedef struct lane_law {
    const char *name;
    reference_number (*value)(size_t n, const long double *lane);
    void (*slopes)(size_t n, const long double *lane, long double *slopes);
} lane_law;

static reference_number sum_lane(size_t n, const long double *lane)
{
    reference_number sum = number(0);
    for (size_t k = 0; k < n; k++)
        add_to(&sum, number(lane[k]));
    return sum;
}

static void sum_lane_slopes(size_t n, const long double *unused, long double *slopes)
{
    (void)unused;
    for (size_t k = 0; k < n; k++)
        slopes[k] = 1;
}

static reference_number mean_lane(size_t n, const long double *lane)
{
    return scaled(sum_lane(n, lane), 1 / (long double)n);
}

static void mean_lane_slopes(size_t n, const long double *unused, long double *slopes)
{
    (void)unused;
    for (size_t k = 0; k < n; k++)
        slopes[k] = 1 / (long double)n;
}

static reference_number max_lane(size_t n, const long double *lane)
{
    return number(lane[softmax_of(n, lane).largest]);
}

static void max_lane_slopes(size_t n, const long double *lane, long double *slopes)
{
    size_t largest = softmax_of(n, lane).largest;
    for (size_t k = 0; k < n; k++)
        slopes[k] = k == largest;
}

static reference_number logsumexp_lane(size_t n, const long double *lane)
{
    softmax_row s = softmax_of(n, lane);
    return sum_of(lane[s.largest], log1pl(s.others));
}

static void logsumexp_lane_slopes(size_t n, const long double *lane, long double *slopes)
{
    softmax_row s = softmax_of(n, lane);
    for (size_t k = 0; k < n; k++)
        slopes[k] = softmax_at(&s, k);
}

static const lane_law lane_laws[] = {
    {"sum_dim", sum_lane, sum_lane_slopes},
    {"mean_dim", mean_lane, mean_lane_slopes},
    {"max_dim", max_lane, max_lane_slopes},
    {"logsumexp", logsumexp_lane, logsumexp_lane_slopes},
};

static const lane_law *lane_law_of(const reference_op *op)
{
    const lane_law *law = lane_laws;
    while (strcmp(law->name, op->name) != 0)
        law++;
    return law;
}

static void lanes_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    along a = along_of(call, &call->shapes[0]);
    for (size_t i = 0; i < a.outer * a.inner; i++) {
        long double *lane = lane_of(&a, call->inputs[0], i);
        out[i] = lane_law_of(op)->value(a.length, lane);
        free(lane);
    }
}

static void lanes_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                           const long double *upstream, reference_number *out)
{
    along a = along_of(call, &call->shapes[0]);
    (void)input;
    for (size_t i = 0; i < a.outer * a.inner; i++) {
        long double *lane = lane_of(&a, call->inputs[0], i), *slopes = create_lane(a.length);
        lane_law_of(op)->slopes(a.length, lane, slopes);
        for (size_t k = 0; k < a.length; k++)
            out[place_in(&a, i, k)] = number(upstream[i] * slopes[k]);
        free(lane);
        free(slopes);
    }
}

/* ---- slice, concat, permute: where each element of the result comes from ---- */

static reference_shape slice_shape(const reference_call *call)
{
    reference_shape shape = call->shapes[0];
    shape.dims[dimension_of(call)] = call->integers[2] - call->integers[1];
    return shape;
}

static reference_shape concat_shape(const reference_call *call)
{
    reference_shape shape = call->shapes[0];
    for (uint32_t i = 1; i < REFERENCE_MAX_INPUTS; i++)
        if (call->inputs[i] != NULL)
            shape.dims[dimension_of(call)] += call->shapes[i].dims[dimension_of(call)];
    return shape;
}

static reference_shape permute_shape(const reference_call *call)
{
    reference_shape shape = call->shapes[0];
    for (uint32_t d = 0; d < shape.ndims; d++)
        shape.dims[d] = call->shapes[0].dims[call->integers[d]];
    return shape;
}

/* An element of an input. */
typedef struct origin {
    uint32_t input;
    size_t at;
} origin;

static origin slice_origin(const reference_call *call, size_t i)
{
    reference_shape shape = slice_shape(call);
    along to = along_of(call, &shape), from = along_of(call, &call->shapes[0]);
    size_t k = i / to.inner % to.length, outer = i / to.inner / to.length;
    return (origin){0, (outer * from.length + call->integers[1] + k) * from.inner + i % to.inner};
}

static origin concat_origin(const reference_call *call, size_t i)
{
    reference_shape shape = concat_shape(call);
    along to = along_of(call, &shape);
    size_t k = i / to.inner % to.length, outer = i / to.inner / to.length;
    uint32_t input = 0, dim = dimension_of(call);
    while (k >= call->shapes[input].dims[dim])
        k -= call->shapes[input++].dims[dim];
    return (origin){input, (outer * call->shapes[input].dims[dim] + k) * to.inner + i % to.inner};
}

static origin permute_origin(const reference_call *call, size_t i)
{
    reference_shape shape = permute_shape(call);
    size_t index[REFERENCE_MAX_DIMS], at = 0;
    for (uint32_t d = shape.ndims; d-- > 0; i /= shape.dims[d])
        index[call->integers[d]] = i % shape.dims[d];
    for (uint32_t d = 0; d < shape.ndims; d++)
        at = at * call->shapes[0].dims[d] + index[d];
    return (origin){0, at};
}

typedef origin origin_of(const reference_call *call, size_t i);

static void moved_value(const reference_call *call, const reference_shape *shape, origin_of *from,
                        reference_number *out)
{
    for (size_t i = 0; i < reference_size(shape); i++)
        out[i] = number(call->inputs[from(call, i).input][from(call, i).at]);
}

static void moved_gradient(const reference_call *call, const reference_shape *shape,
                           origin_of *from, uint32_t input, const long double *upstream,
                           reference_number *out)
{
    for (size_t i = 0; i < reference_size(&call->shapes[input]); i++)
        out[i] = number(0);
    for (size_t i = 0; i < reference_size(shape); i++)
        if (from(call, i).input == input) out[from(call, i).at] = number(upstream[i]);
}

#define DEFINE_MOVED(name)                                                                         \
    static void name##_value(const reference_op *op, const reference_call *call,                   \
                             reference_number *out)                                                \
    {                                                                                              \
        reference_shape shape = name##_shape(call);                                                \
        (void)op;                                                                                  \
        moved_value(call, &shape, name##_origin, out);                                             \
    }                                                                                              \
    static void name##_gradient(const reference_op *op, const reference_call *call,                \
                                uint32_t input, const long double *upstream,                       \
                                reference_number *out)                                             \
    {                                                                                              \
        reference_shape shape = name##_shape(call);                                                \
        (void)op;                                                                                  \
        moved_gradient(call, &shape, name##_origin, input, upstream, out);                         \
    }

DEFINE_MOVED(slice)
DEFINE_MOVED(concat)
DEFINE_MOVED(permute)

/* ---- the table ---- */

const reference_op references_of_shapes[] = {
    FUNCTION(add, stretched_shape, binary, reference_no_float_terms),
    FUNCTION(sub, stretched_shape, binary, reference_no_float_terms),
    FUNCTION(mul, stretched_shape, binary, reference_no_float_terms),
    FUNCTION(div, stretched_shape, binary, reference_no_float_terms),
    FUNCTION(sum, scalar_shape, sum, reference_no_float_terms),
    FUNCTION(mean, scalar_shape, sum, reference_no_float_terms),
    FUNCTION(sum_dim, reduced_shape, lanes, reference_no_float_terms),
    FUNCTION(mean_dim, reduced_shape, lanes, reference_no_float_terms),
    FUNCTION(max_dim, reduced_shape, lanes, reference_no_float_terms),
    FUNCTION(logsumexp, reduced_shape, lanes, reference_no_float_terms),
    FUNCTION(reshape, reshape_shape, reshape, reference_no_float_terms),
    FUNCTION(transpose, transpose_shape, transpose, reference_no_float_terms),
    FUNCTION(permute, permute_shape, permute, reference_no_float_terms),
    FUNCTION(slice, slice_shape, slice, reference_no_float_terms),
    FUNCTION(concat, concat_shape, concat, reference_no_float_terms),
};

const size_t num_references_of_shapes = sizeof references_of_shapes / sizeof *references_of_shapes;
