/*
 * reference.h: every operation once more, for the tests to compare with.
 *
 * It is written from the definitions, in long double (64 bits of mantissa on x86), as plain loops,
 * and shares no code with the library. Values and gradients come with a magnitude: the sum of the
 * absolute values of the terms that were added to form a number, which is what the rounding error
 * of a sum is relative to where its terms cancel.
 */
#ifndef AG_TESTS_REFERENCE_H
#define AG_TESTS_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REFERENCE_MAX_DIMS 8
#define REFERENCE_MAX_INPUTS 5

/* Numbered as ag_reduction is. */
enum reference_reduction {
    REFERENCE_MEAN = 0,
    REFERENCE_SUM = 1,
    REFERENCE_NONE = 2,
    REFERENCE_BATCHMEAN = 3
};

typedef struct reference_shape {
    uint32_t ndims;
    uint32_t dims[REFERENCE_MAX_DIMS];
} reference_shape;

typedef struct reference_call {
    reference_shape shapes[REFERENCE_MAX_INPUTS]; /* 0 dimensions: the input was left out */
    const long double *inputs[REFERENCE_MAX_INPUTS];
    long double parameter, second_parameter;
    uint32_t integers[REFERENCE_MAX_DIMS]; /* dimension and so on, as the library's call has them */
    int reduction;                         /* NONE for an operation that takes none */
    bool transpose_a, transpose_b;
    reference_shape new_shape; /* of reshape */
    const int32_t *indices;    /* of embedding */
    reference_shape indices_shape;
} reference_call;

typedef struct reference_number {
    long double value, magnitude;
} reference_number;

typedef struct reference_op reference_op;

struct reference_op {
    const char *name;
    reference_shape (*result_shape)(const reference_call *call);
    /* Writes the result, of result_shape. */
    void (*value)(const reference_op *op, const reference_call *call, reference_number *out);
    /* Writes the gradient of Σ upstream · result to one input, in that input's shape. */
    void (*gradient)(const reference_op *op, const reference_call *call, uint32_t input,
                     const long double *upstream, reference_number *out);
    /*
     * How many products are added in float to form one number, at most: 0 where the library
     * promises to compute in double and round once.
     */
    size_t (*float_terms)(const reference_call *call);
    /* What tells the operation from its family. */
    reference_number (*element)(long double x, long double t, long double parameter);
    reference_number (*slope)(long double x, long double t, long double parameter);
    const struct reference_row_law *row_law;
};

/* The reference of an operation, such as "mse_loss"; NULL if there is none. */
const reference_op *reference_find(const char *name);

size_t reference_size(const reference_shape *shape);

/*
 * How far a float is from an exact value, in units in the last place that a float of that value has
 * (2^-149 for denormals and 0). 0 if both are NaN or both are beyond what float can hold, with one
 * sign; infinity if only one of them is.
 */
long double reference_ulps(float actual, long double exact);

/* A unit in the last place of the float nearest to a value. */
long double reference_ulp(long double exact);

#endif
