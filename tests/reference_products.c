/* reference_products.c: matrix products. */
#include "config.h"

#include "reference_parts.h"

/* ---- matmul and linear ---- */

/* A matrix in memory; element (i, j) is at i · row_step + j · column_step. */
typedef struct matrix {
    const long double *data;
    size_t rows, columns, row_step, column_step;
} matrix;

static matrix matrix_of(const long double *data, size_t rows, size_t columns)
{
    return (matrix){data, rows, columns, columns, 1};
}

static matrix transposed(matrix m)
{
    return (matrix){m.data, m.columns, m.rows, m.column_step, m.row_step};
}

/* out = a · b. */
static void multiply(matrix a, matrix b, reference_number *out)
{
    for (size_t i = 0; i < a.rows; i++) {
        for (size_t j = 0; j < b.columns; j++) {
            reference_number sum = number(0);
            for (size_t k = 0; k < a.columns; k++)
                add_to(&sum, number(a.data[i * a.row_step + k * a.column_step] *
                                    b.data[k * b.row_step + j * b.column_step]));
            out[i * b.columns + j] = sum;
        }
    }
}

/* The factors of a matmul as stored, and as they enter the product. */
static matrix stored_factor(const reference_call *call, uint32_t input)
{
    const uint32_t *dims = call->shapes[input].dims;
    return matrix_of(call->inputs[input], dims[0], dims[1]);
}

static matrix factor_of_product(const reference_call *call, uint32_t input)
{
    matrix stored = stored_factor(call, input);
    return (input == 0 ? call->transpose_a : call->transpose_b) ? transposed(stored) : stored;
}

static reference_shape matmul_shape(const reference_call *call)
{
    uint32_t m = (uint32_t)factor_of_product(call, 0).rows;
    uint32_t n = (uint32_t)factor_of_product(call, 1).columns;
    return (reference_shape){.ndims = 2, .dims = {m, n}};
}

static void matmul_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    (void)op;
    multiply(factor_of_product(call, 0), factor_of_product(call, 1), out);
}

/* The gradient to a factor as it enters the product, transposed back if the factor was. */
static void matmul_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                            const long double *upstream, reference_number *out)
{
    matrix a = factor_of_product(call, 0), b = factor_of_product(call, 1);
    matrix g = matrix_of(upstream, a.rows, b.columns);
    bool back = input == 0 ? call->transpose_a : call->transpose_b;
    (void)op;
    if (input == 0 && !back) multiply(g, transposed(b), out);
    if (input == 0 && back) multiply(b, transposed(g), out);
    if (input == 1 && !back) multiply(transposed(a), g, out);
    if (input == 1 && back) multiply(transposed(g), a, out);
}

static size_t largest_dimension(const reference_call *call)
{
    size_t largest = 1;
    for (uint32_t i = 0; i < 2; i++) {
        size_t rows = rows_of(&call->shapes[i]), columns = columns_of(&call->shapes[i]);
        if (rows > largest) largest = rows;
        if (columns > largest) largest = columns;
    }
    return largest;
}

static reference_shape linear_shape(const reference_call *call)
{
    reference_shape shape = call->shapes[0];
    shape.dims[shape.ndims - 1] = call->shapes[1].dims[0];
    return shape;
}

static matrix linear_input(const reference_call *call)
{
    return matrix_of(call->inputs[0], rows_of(&call->shapes[0]), columns_of(&call->shapes[0]));
}

static void linear_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    matrix x = linear_input(call), weight = stored_factor(call, 1);
    (void)op;
    multiply(x, transposed(weight), out);
    if (call->inputs[2] == NULL) return;
    for (size_t i = 0; i < x.rows * weight.rows; i++)
        add_to(&out[i], number(call->inputs[2][i % weight.rows]));
}

static void linear_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                            const long double *upstream, reference_number *out)
{
    matrix x = linear_input(call), weight = stored_factor(call, 1);
    matrix g = matrix_of(upstream, x.rows, weight.rows);
    (void)op;
    if (input == 0) multiply(g, weight, out);
    if (input == 1) multiply(transposed(g), x, out);
    if (input != 2) return;
    for (size_t j = 0; j < g.columns; j++)
        out[j] = number(0);
    for (size_t i = 0; i < g.rows * g.columns; i++)
        add_to(&out[i % g.columns], number(upstream[i]));
}

/* ---- batched_matmul: the same as matmul, pair by pair ---- */

static reference_shape pair_shape(const reference_shape *shape)
{
    return (reference_shape){2, {shape->dims[shape->ndims - 2], shape->dims[shape->ndims - 1]}};
}

static reference_call pair_of(const reference_call *call, size_t index)
{
    reference_call pair = *call;
    for (uint32_t i = 0; i < 2; i++) {
        pair.shapes[i] = pair_shape(&call->shapes[i]);
        pair.inputs[i] = call->inputs[i] + index * reference_size(&pair.shapes[i]);
    }
    return pair;
}

static size_t pairs_of(const reference_call *call)
{
    reference_shape pair = pair_shape(&call->shapes[0]);
    return reference_size(&call->shapes[0]) / reference_size(&pair);
}

static reference_shape batched_matmul_shape(const reference_call *call)
{
    reference_call pair = pair_of(call, 0);
    reference_shape product = matmul_shape(&pair), shape = call->shapes[0];
    shape.dims[shape.ndims - 2] = product.dims[0];
    shape.dims[shape.ndims - 1] = product.dims[1];
    return shape;
}

static void batched_matmul_value(const reference_op *op, const reference_call *call,
                                 reference_number *out)
{
    for (size_t i = 0; i < pairs_of(call); i++) {
        reference_call pair = pair_of(call, i);
        reference_shape product = matmul_shape(&pair);
        matmul_value(op, &pair, out + i * reference_size(&product));
    }
}

static void batched_matmul_gradient(const reference_op *op, const reference_call *call,
                                    uint32_t input, const long double *upstream,
                                    reference_number *out)
{
    for (size_t i = 0; i < pairs_of(call); i++) {
        reference_call pair = pair_of(call, i);
        reference_shape product = matmul_shape(&pair);
        matmul_gradient(op, &pair, input, upstream + i * reference_size(&product),
                        out + i * reference_size(&pair.shapes[input]));
    }
}

static size_t largest_of_pair(const reference_call *call)
{
    reference_call pair = pair_of(call, 0);
    return largest_dimension(&pair);
}

/* ---- the table ---- */

const reference_op references_of_products[] = {
    FUNCTION(matmul, matmul_shape, matmul, largest_dimension),
    FUNCTION(linear, linear_shape, linear, largest_dimension),
    FUNCTION(batched_matmul, batched_matmul_shape, batched_matmul, largest_of_pair),
};

const size_t num_references_of_products =
    sizeof references_of_products / sizeof *references_of_products;
