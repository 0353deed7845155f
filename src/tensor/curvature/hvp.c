/* hvp.c: the driver of Hessian-vector products of losses. */
#include "config.h"

#include "tensor/curvature/hvp.h"

#include "core/parallel.h"
#include "core/status.h"
#include "tensor/reduction.h"

static ag_status check_same(const ag__call *call, const char *name, const ag_tensor *tensor)
{
    ag_status status = ag__tensor_check(call->op->name, name, tensor);
    if (status != AG_OK || ag_tensor_same_shape(tensor, call->inputs[0])) return status;
    return ag__fail(AG_ERROR_SHAPE, "%s: %s is %s but must be %s", call->op->name, name,
                    ag__tensor_shape_text(tensor).text,
                    ag__tensor_shape_text(call->inputs[0]).text);
}

static ag_status check_apart(const ag__call *call, const ag_tensor *out, const ag_tensor *other,
                             const char *name)
{
    if (!ag__tensors_overlap(out, other)) return AG_OK;
    return ag__fail(AG_ERROR_OVERLAP, "%s: out shares memory with %s", call->op->name, name);
}

static ag_status check(const ag__call *call, const ag_tensor *vector, const ag_tensor *out)
{
    ag__shape unused;
    ag_status status = ag__call_check(call, &unused);
    if (status == AG_OK) status = check_same(call, "vector", vector);
    if (status == AG_OK) status = check_same(call, "out", out);
    if (status == AG_OK) status = check_apart(call, out, vector, "vector");
    for (uint32_t i = 0; i < call->op->num_inputs && status == AG_OK; i++)
        status = check_apart(call, out, call->inputs[i], call->op->input_names[i]);
    return status == AG_OK ? ag__call_check_domains(call) : status;
}

typedef struct pass {
    const ag__call *call;
    ag__hvp_kernel *kernel;
    size_t row_length;
    ag__blocks rows;
    double scale;
    const float *vector;
    float *out;
} pass;

static void run_blocks(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    for (size_t block = begin; block < end; block++)
        p->kernel(p->call, ag__block_begin(&p->rows, block) * p->row_length,
                  ag__block_begin(&p->rows, block + 1) * p->row_length, p->vector, p->scale,
                  p->out);
}

ag_status ag__hvp(ag__call call, const ag_tensor *vector, ag_tensor *out, size_t row_length,
                  ag__hvp_kernel *kernel)
{
    ag_status status = check(&call, vector, out);
    if (status != AG_OK) return status;
    pass p = {&call, kernel, row_length, .vector = vector->data, .out = out->data};
    if (p.row_length == 0) p.row_length = ag__tensor_columns(call.inputs[0]);
    size_t rows = vector->size / p.row_length;
    p.rows = ag__split(rows, 1 + (AG__SMALLEST_BLOCK - 1) / p.row_length);
    p.scale = ag__gradient_scale(&call, NULL, ag__divisor(&call, rows));
    ag__parallel_for(p.rows.count, call.op->nanoseconds * (double)vector->size, run_blocks, &p);
    return AG_OK;
}
