/*
 * reference_parts.h: what the references of all operations are made of, and the two families that most
 * losses belong to.
 */
#ifndef AG_TESTS_REFERENCE_PARTS_H
#define AG_TESTS_REFERENCE_PARTS_H

#include <math.h>

#include "reference.h"

/* ---- numbers ---- */

static inline reference_number number(long double value)
{
    return (reference_number){value, fabsl(value)};
}

static inline reference_number sum_of(long double a, long double b)
{
    return (reference_number){a + b, fabsl(a) + fabsl(b)};
}

static inline reference_number scaled(reference_number x, long double factor)
{
    return (reference_number){x.value * factor, x.magnitude * fabsl(factor)};
}

static inline void add_to(reference_number *sum, reference_number term)
{
    sum->value += term.value;
    sum->magnitude += term.magnitude;
}

static inline long double sign(long double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x;
}

/* a · b, with 0 · ∞ = 0: the limit where a is 0 before b grows. */
static inline long double product_limit(long double a, long double b)
{
    return a == 0 && isinf(b) ? 0 : a * b;
}

/* max(x, 0), NaN for NaN. */
static inline long double positive_part(long double x)
{
    return x <= 0 ? 0 : x;
}

static inline long double logistic(long double x)
{
    long double e = expl(-fabsl(x));
    return isnan(x) ? x : x > 0 ? 1 / (1 + e) : e / (1 + e);
}

/* ---- shapes ---- */

static inline size_t columns_of(const reference_shape *shape)
{
    return shape->dims[shape->ndims - 1];
}

static inline size_t rows_of(const reference_shape *shape)
{
    return reference_size(shape) / columns_of(shape);
}

static inline reference_shape scalar_shape(const reference_call *call)
{
    (void)call;
    return (reference_shape){.ndims = 1, .dims = {1}};
}

static inline reference_shape first_shape(const reference_call *call)
{
    return call->shapes[0];
}

reference_shape reference_elements_shape(const reference_call *call);
reference_shape reference_rows_shape(const reference_call *call);
size_t reference_no_float_terms(const reference_call *call);

/* ---- reductions ---- */

void reference_clear_reduced(const reference_call *call, reference_number *out);
void reference_reduce_into(const reference_call *call, size_t items, size_t item,
                           reference_number term, reference_number *out);
long double reference_upstream_of(const reference_call *call, size_t items, size_t item,
                                  const long double *upstream);

/* ---- families ---- */

void reference_elements_value(const reference_op *op, const reference_call *call,
                              reference_number *out);
void reference_elements_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                                 const long double *upstream, reference_number *out);
void reference_rows_value(const reference_op *op, const reference_call *call,
                          reference_number *out);
void reference_rows_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                             const long double *upstream, reference_number *out);

/* One row of every input. */
typedef struct row {
    size_t n;
    const long double *inputs[REFERENCE_MAX_INPUTS];
    long double parameter, second_parameter;
    const int32_t *labels; /* of the row, one or a list that ends with -1; NULL if it has none */
    size_t label;          /* the first of them */
} row;

typedef struct reference_row_law {
    bool last_is_label; /* the last of three inputs has one number for each row */
    reference_number (*value)(const row *r);
    void (*gradient)(const row *r, uint32_t input, reference_number *out);
} row_law;

/* ---- softmax of a row, with one of its maxima kept apart: its share is then exact near 1 ---- */

typedef struct softmax_row {
    const long double *x;
    size_t largest;     /* the index of the first maximum */
    long double others; /* Σ_{j ≠ largest} e^(x_j - x_largest) */
} softmax_row;

/* x_j - x_largest: the exponent of class j, 0 for the largest itself even if it is infinite. */
static inline long double below_largest(const softmax_row *s, size_t j)
{
    return j == s->largest ? 0 : s->x[j] - s->x[s->largest];
}

static inline softmax_row softmax_of(size_t n, const long double *x)
{
    softmax_row s = {.x = x};
    for (size_t j = 1; j < n; j++)
        if (x[j] > x[s.largest] || isnan(x[s.largest])) s.largest = j;
    for (size_t j = 0; j < n; j++)
        if (j != s.largest) s.others += expl(below_largest(&s, j));
    if (isnan(x[s.largest])) s.others = x[s.largest];
    return s;
}

static inline long double softmax_at(const softmax_row *s, size_t c)
{
    return expl(below_largest(s, c)) / (1 + s->others);
}

/* log Σ e^x_j - x_c, never negative. */
static inline long double log_shortfall(const softmax_row *s, size_t c)
{
    return log1pl(s->others) - below_largest(s, c);
}

/* ---- tables ---- */

#define ELEMENTS(name_, law)                                                                       \
    {                                                                                              \
        .name = #name_, .result_shape = reference_elements_shape,                                  \
        .value = reference_elements_value, .gradient = reference_elements_gradient,                \
        .float_terms = reference_no_float_terms, .element = law##_element, .slope = law##_slope    \
    }
#define ROWS(name_, law, last_is_label)                                                            \
    {                                                                                              \
        .name = #name_, .result_shape = reference_rows_shape, .value = reference_rows_value,       \
        .gradient = reference_rows_gradient, .float_terms = reference_no_float_terms,              \
        .row_law = &(const row_law)                                                                \
        {                                                                                          \
            last_is_label, law##_row, law##_row_gradient                                           \
        }                                                                                          \
    }

#define FUNCTION(name_, shape, family, terms)                                                      \
    {                                                                                              \
        .name = #name_, .result_shape = shape, .value = family##_value,                            \
        .gradient = family##_gradient, .float_terms = terms                                        \
    }

#define DECLARE_REFERENCES(kind)                                                                   \
    extern const reference_op references_of_##kind[];                                              \
    extern const size_t num_references_of_##kind;
DECLARE_REFERENCES(losses)
DECLARE_REFERENCES(elements)
DECLARE_REFERENCES(shapes)
DECLARE_REFERENCES(products)
DECLARE_REFERENCES(layers)

#endif
