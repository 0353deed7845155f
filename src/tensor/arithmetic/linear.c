/* linear.c: the fully connected layer x · weightᵀ + bias. */
#include "config.h"

#include <string.h>

#include "core/cpu.h"
#include "core/parallel.h"
#include "core/product.h"
#include "core/status.h"
#include "tensor/chunk.h"

enum { X, WEIGHT, BIAS };

/* A tensor [..., columns] as a matrix [rows, columns]. */
static ag__matrix rows_of(const ag_tensor *tensor, bool transposed)
{
    return (ag__matrix){tensor->data, ag__tensor_rows(tensor), ag__tensor_columns(tensor),
                        transposed};
}

static ag_status linear_infer_shape(const ag__call *call, ag__shape *shape)
{
    const ag_tensor *x = call->inputs[X], *weight = call->inputs[WEIGHT],
                    *bias = call->inputs[BIAS];
    if (weight->ndims != 2 || weight->shape[1] != ag__tensor_columns(x))
        return ag__fail(AG_ERROR_SHAPE, "linear: x is %s but weight is %s; it must be [out, in]",
                        ag__tensor_shape_text(x).text, ag__tensor_shape_text(weight).text);
    if (bias != NULL && (bias->ndims != 1 || bias->size != weight->shape[0]))
        return ag__fail(AG_ERROR_SHAPE, "linear: weight is %s but bias is %s",
                        ag__tensor_shape_text(weight).text, ag__tensor_shape_text(bias).text);
    *shape = ag__shape_of(x);
    shape->dims[shape->ndims - 1] = weight->shape[0];
    return AG_OK;
}

static ag_status linear_forward(const ag__call *call, ag_tensor *out)
{
    const ag_tensor *bias = call->inputs[BIAS];
    ag__matmul_plus_row(rows_of(call->inputs[X], false), rows_of(call->inputs[WEIGHT], true),
                        bias != NULL ? bias->data : NULL, out->data);
    return AG_OK;
}

/* ---- the gradient of the bias: the sums of the columns of the upstream gradient ---- */

/* So many columns at once: two cache lines of each row. */
enum { COLUMNS = 32 };

typedef void columns_kernel(size_t rows, size_t pitch, const float *x, double *sums);

/* sums[j] = Σ_i x[i, j] of COLUMNS columns. */
AG__INLINE void sum_columns(size_t rows, size_t pitch, const float *restrict x,
                            double *restrict sums)
{
    double inside[COLUMNS] = {0};
    for (size_t row = 0; row < rows; row++, x += pitch) {
#pragma omp simd
        for (size_t j = 0; j < COLUMNS; j++)
            inside[j] += (double)x[j];
    }
    memcpy(sums, inside, sizeof inside);
}

AG__DEFINE_KERNELS(columns_kernels, columns_kernel, sum_columns,
                   (size_t rows, size_t pitch, const float *x, double *sums),
                   (rows, pitch, x, sums))

typedef struct bias_pass {
    const ag_tensor *grad;
    ag__sink sink;
} bias_pass;

static void sum_groups_of_columns(const bias_pass *p, size_t begin, size_t end)
{
    size_t columns = ag__tensor_columns(p->grad), rows = ag__tensor_rows(p->grad);
    for (size_t first = begin * COLUMNS; first < end * COLUMNS && first < columns;
         first += COLUMNS) {
        double sums[COLUMNS] = {0};
        size_t n = columns - first < COLUMNS ? columns - first : COLUMNS;
        const float *x = p->grad->data + first;
        if (n == COLUMNS) columns_kernels[ag__cpu()](rows, columns, x, sums);
        for (size_t row = 0; row < rows && n < COLUMNS; row++)
            for (size_t j = 0; j < n; j++)
                sums[j] += (double)x[row * columns + j];
        ag__store_gradient(n, sums, NULL, 1, &p->sink, first);
    }
}

/*
 * ---- all gradients, in one task: they read the same, and threads meet once ----
 *
 * If x is the weight as well, the second product is added to the first: both have one shape and are cut alike.
 * A bias that is x as well is cut in another way, and waits for the products.
 */

typedef struct backward_pass {
    bool wanted[2]; /* of x and weight */
    ag__cut_product products[2];
    bias_pass bias;
    size_t groups; /* of the bias's columns; 0 if they are none of the task's */
    size_t parts;
} backward_pass;

static void write_parts(size_t begin, size_t end, void *context)
{
    const backward_pass *p = context;
    for (size_t part = begin; part < end; part++) {
        for (int i = 0; i < 2; i++)
            if (p->wanted[i]) ag__multiply_cut(&p->products[i], part);
        sum_groups_of_columns(&p->bias, part * p->groups / p->parts,
                              (part + 1) * p->groups / p->parts);
    }
}

static void linear_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    const ag__matrix factors[2][2] = {
        {rows_of(grad, false), rows_of(call->inputs[WEIGHT], false)},
        {rows_of(grad, true), rows_of(call->inputs[X], false)},
    };
    bool bias_wanted = sinks[BIAS].data != NULL;
    bool bias_waits = bias_wanted && sinks[BIAS].data == sinks[X].data;
    size_t groups = (ag__tensor_columns(grad) + COLUMNS - 1) / COLUMNS;
    backward_pass p = {.bias = {grad, sinks[BIAS]},
                       .groups = bias_wanted && !bias_waits ? groups : 0};
    /* a sum of the bias's counts as the multiplications that take as long */
    double multiplications = bias_wanted ? AG__CHEAP / AG__MULTIPLICATION * (double)grad->size : 0;
    for (int i = 0; i < 2; i++) {
        p.wanted[i] = sinks[i].data != NULL;
        if (p.wanted[i]) multiplications += ag__multiplications(factors[i][0], factors[i][1]);
    }
    p.parts = ag__parts_for(multiplications);
    for (int i = 0; i < 2; i++)
        if (p.wanted[i])
            p.products[i] =
                ag__cut(factors[i][0], factors[i][1], sinks[i].accumulate, sinks[i].data, p.parts);
    ag__parallel_for(p.parts, AG__MULTIPLICATION * multiplications, write_parts, &p);
    if (bias_waits) sum_groups_of_columns(&p.bias, 0, groups);
}

const ag__op ag__op_linear = {
    .name = "linear",
    .num_inputs = 3,
    .num_parents = 3,
    .num_differentiable = 3,
    .num_optional = 1,
    .input_names = {"x", "weight", "bias"},
    .reduction = AG_REDUCTION_NONE,
    .infer_shape = linear_infer_shape,
    .forward = linear_forward,
    .backward = linear_backward,
};
