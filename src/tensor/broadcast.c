/* broadcast.c: the driver of operations on two tensors of which either may be stretched. */
#include "config.h"

#include "tensor/broadcast.h"

#include "core/parallel.h"
#include "core/status.h"
#include "tensor/box_sum.h"
#include "tensor/chunk.h"
#include "tensor/reduction.h"

/* ---- shapes ---- */

/* The size of dimension d of ndims, counted as if the missing leading ones were 1. */
static uint32_t aligned_dimension(const ag_tensor *tensor, uint32_t ndims, uint32_t d)
{
    uint32_t missing = ndims - tensor->ndims;
    return d < missing ? 1 : tensor->shape[d - missing];
}

ag_status ag__broadcast_infer_shape(const ag__call *call, ag__shape *shape)
{
    const ag_tensor *a = call->inputs[0], *b = call->inputs[1];
    shape->ndims = a->ndims > b->ndims ? a->ndims : b->ndims;
    for (uint32_t d = 0; d < shape->ndims; d++) {
        uint32_t of_a = aligned_dimension(a, shape->ndims, d);
        uint32_t of_b = aligned_dimension(b, shape->ndims, d);
        if (of_a != of_b && of_a != 1 && of_b != 1)
            return ag__fail(AG_ERROR_SHAPE, "%s: a is %s but b is %s", call->op->name,
                            ag__tensor_shape_text(a).text, ag__tensor_shape_text(b).text);
        shape->dims[d] = of_a == 1 ? of_b : of_a;
    }
    size_t size;
    return ag__shape_size(call->op->name, shape->ndims, shape->dims, &size);
}

/* ---- a pass over the elements of the result ---- */

enum { A, B, RESULT, NUM_VIEWS };

/* What all threads of one pass share. */
typedef struct pass {
    const ag__call *call;
    ag__box box; /* the result's elements in their order */
    ag__view views[NUM_VIEWS];
    size_t size;
    ag__blocks blocks;
    float *values;
    ag__law_kernel *slopes;
    const float *upstream;
    ag__sink sink;
} pass;

static ag__view stretched_view(const ag__box *box, const ag_tensor *tensor)
{
    ag__view view = {.data = tensor->data};
    size_t stride = 1;
    for (uint32_t d = box->ndims; d-- > 0;) {
        uint32_t size = aligned_dimension(tensor, box->ndims, d);
        view.strides[d] = size == 1 ? 0 : stride;
        stride *= size;
    }
    return view;
}

static void prepare(pass *p, const ag__call *call, const ag_tensor *result)
{
    ag__shape shape = ag__shape_of(result);
    p->call = call;
    p->box = ag__box_of(&shape);
    p->views[A] = stretched_view(&p->box, call->inputs[A]);
    p->views[B] = stretched_view(&p->box, call->inputs[B]);
    p->views[RESULT] = ag__dense_view(&p->box, result->data);
    ag__merge_dimensions(&p->box, p->views, NUM_VIEWS);
    p->size = result->size;
    p->blocks = ag__split(p->size, AG__SMALLEST_BLOCK);
}

static double cost(const pass *p)
{
    return p->call->op->nanoseconds * (double)p->size;
}

/* n of an operand's elements for the result's from an offset on; from the buffer if stretched. */
static const float *operand(const pass *p, uint32_t input, size_t offset, size_t n, float *buffer)
{
    const ag_tensor *tensor = p->call->inputs[input];
    if (tensor->size == p->size) return tensor->data + offset;
    ag__gather(&p->box, &p->views[input], offset, n, buffer);
    return buffer;
}

static void run_kernel(const pass *p, ag__law_kernel *kernel, size_t offset, size_t n,
                       const ag__law_out *out)
{
    float a[AG__CHUNK], b[AG__CHUNK];
    kernel(n, operand(p, A, offset, n, a), operand(p, B, offset, n, b), (double)p->call->parameter,
           out);
}

/* ---- values ---- */

static void write_values(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    const ag__elementwise *law = p->call->op->law;
    size_t stop = ag__block_begin(&p->blocks, end);
    for (size_t i = ag__block_begin(&p->blocks, begin), n; i < stop; i += n) {
        n = ag__chunk_length(stop - i);
        run_kernel(p, law->kernels[ag__cpu()], i, n, &(ag__law_out){.results = p->values + i});
    }
}

ag_status ag__broadcast_forward(const ag__call *call, ag_tensor *out)
{
    if (ag_tensor_same_shape(call->inputs[A], call->inputs[B]))
        return ag__elementwise_forward(call, out);
    pass p;
    prepare(&p, call, out);
    p.values = out->data;
    ag__parallel_for(p.blocks.count, cost(&p), write_values, &p);
    return AG_OK;
}

/* ---- gradients ---- */

/* Of an input that was not stretched. */
static void write_gradient(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    double slopes[AG__CHUNK];
    size_t stop = ag__block_begin(&p->blocks, end);
    for (size_t i = ag__block_begin(&p->blocks, begin), n; i < stop; i += n) {
        n = ag__chunk_length(stop - i);
        run_kernel(p, p->slopes, i, n, &(ag__law_out){.slopes = slopes});
        ag__store_gradient(n, slopes, p->upstream + i, 1, &p->sink, i);
    }
    ag__end_streaming(&p->sink);
}

/* Of one that was: what is summed. */
static void write_terms(const void *context, const ag__box *part, const size_t *start, size_t first,
                        size_t n, double *terms)
{
    const pass *p = context;
    float operands[NUM_VIEWS][AG__CHUNK];
    for (uint32_t v = 0; v < NUM_VIEWS; v++) {
        ag__view view = ag__view_from(&p->views[v], part, start);
        ag__gather(part, &view, first, n, operands[v]);
    }
    p->slopes(n, operands[A], operands[B], (double)p->call->parameter,
              &(ag__law_out){.slopes = terms});
    for (size_t i = 0; i < n; i++)
        terms[i] *= (double)operands[RESULT][i];
}

static void sum_gradient(const pass *p, uint32_t input)
{
    ag__box_sum sum = {
        .box = p->box,
        .terms = write_terms,
        .context = p,
        .nanoseconds = p->call->op->nanoseconds,
    };
    for (uint32_t d = 0; d < p->box.ndims; d++)
        sum.strides[d] = p->views[input].strides[d];
    ag__sum_box(&sum, 1, &p->sink);
}

static void backward_to(pass *p, uint32_t input, ag__sink sink)
{
    const ag__elementwise *law = p->call->op->law;
    bool stretched = p->call->inputs[input]->size != p->size;
    if (sink.data == NULL) return;
    p->sink = stretched ? sink : ag__large_sink(sink, p->size);
    p->slopes = (input == A ? law->kernels : law->second)[ag__cpu()];
    if (stretched)
        sum_gradient(p, input);
    else
        ag__parallel_for(p->blocks.count, cost(p), write_gradient, p);
}

void ag__broadcast_backward(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks)
{
    if (ag_tensor_same_shape(call->inputs[A], call->inputs[B])) {
        ag__elementwise_backward(call, grad, sinks);
        return;
    }
    pass p;
    prepare(&p, call, grad);
    p.upstream = grad->data;
    for (uint32_t i = 0; i < call->op->num_differentiable; i++)
        backward_to(&p, i, sinks[i]);
}
