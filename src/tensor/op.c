/* op.c: the checks that every call of every operation passes. */
#include "config.h"

#include "tensor/op.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/cpu.h"
#include "core/parallel.h"
#include "core/status.h"
#include "tensor/reduction.h"

ag__input_text ag__input_name(const ag__call *call, uint32_t input)
{
    ag__input_text name;
    if (call->op->takes_list)
        snprintf(name.text, sizeof name.text, "inputs[%u]", (unsigned)input);
    else
        snprintf(name.text, sizeof name.text, "%s", call->op->input_names[input]);
    return name;
}

static ag_status check_inputs(const ag__call *call)
{
    const ag__op *op = call->op;
    for (uint32_t i = 0; i < ag__num_inputs(call); i++) {
        const ag_tensor *input = ag__input(call, i);
        if (input == NULL && i + op->num_optional >= op->num_inputs) continue;
        ag__input_text numbered; /* only of a list: this is on the way of every call */
        if (op->takes_list) numbered = ag__input_name(call, i);
        const char *name = op->takes_list ? numbered.text : op->input_names[i];
        ag_status status = ag__tensor_check(op->name, name, input);
        if (status != AG_OK) return status;
    }
    return AG_OK;
}

ag_status ag__op_check_parameter(const ag__op *op, float parameter)
{
    static const ag__domain finite = {
        .text = "must be finite", .lowest = -FLT_MAX, .highest = FLT_MAX};
    const ag__domain *range = op->parameter_range.text != NULL ? &op->parameter_range : &finite;
    if (op->parameter_name == NULL) return AG_OK;
    if (parameter >= range->lowest && parameter <= range->highest) return AG_OK;
    return ag__fail(AG_ERROR_ARGUMENT, "%s: %s is %g but %s", op->name, op->parameter_name,
                    (double)parameter, range->text);
}

static ag_status check_reduction(const ag__call *call)
{
    switch (call->reduction) {
    case AG_REDUCTION_MEAN:
    case AG_REDUCTION_SUM:
    case AG_REDUCTION_NONE:
    case AG_REDUCTION_BATCHMEAN: return AG_OK;
    }
    return ag__fail(AG_ERROR_ARGUMENT, "%s: reduction is %d, which is no ag_reduction",
                    call->op->name, (int)call->reduction);
}

ag_status ag__call_check(const ag__call *call, ag__shape *shape)
{
    ag_status status = check_inputs(call);
    if (status == AG_OK) status = ag__op_check_parameter(call->op, call->parameter);
    if (status == AG_OK) status = check_reduction(call);
    if (status == AG_OK) status = call->op->infer_shape(call, shape);
    if (status == AG_OK) status = ag__options_check(call);
    return status;
}

/* ---- domains ---- */

typedef void domain_kernel(size_t, const float *, bool, float, float, bool, bool *);

/* The extremes of so many lanes, in groups as in elementwise.h; comparisons pass over NaN. */
#define LANES 32
#define GROUP 16

AG__INLINE void extend(size_t lanes, const float *restrict x, bool magnitude, float *restrict least,
                       float *restrict greatest)
{
#pragma omp simd
    for (size_t k = 0; k < lanes; k++) {
        float value = magnitude ? fabsf(x[k]) : x[k];
        least[k] = value < least[k] ? value : least[k];
        greatest[k] = value > greatest[k] ? value : greatest[k];
    }
}

/* Inlined with a constant for magnitude: gcc does not vectorise a choice that it meets in the loop. */
AG__INLINE bool any_outside(size_t n, const float *x, bool magnitude, float lowest, float highest,
                            bool from_memory)
{
    float least[LANES], greatest[LANES];
    size_t i = 0;
    for (size_t k = 0; k < LANES; k++) {
        least[k] = lowest;
        greatest[k] = highest;
    }
    for (; n - i >= LANES; i += LANES) {
        if (from_memory) ag__fetch_ahead(LANES, x + i);
        AG__UNROLL
        for (size_t k = 0; k < LANES; k += GROUP)
            extend(GROUP, x + i + k, magnitude, least + k, greatest + k);
    }
    extend(n - i, x + i, magnitude, least, greatest);
    int outside = 0;
#pragma omp simd reduction(| : outside)
    for (size_t k = 0; k < LANES; k++)
        outside |= (least[k] < lowest) | (greatest[k] > highest);
    return outside != 0;
}

AG__INLINE void find_outside(size_t n, const float *x, bool magnitude, float lowest, float highest,
                             bool from_memory, bool *outside)
{
    *outside = magnitude ? any_outside(n, x, true, lowest, highest, from_memory)
                         : any_outside(n, x, false, lowest, highest, from_memory);
}

AG__DEFINE_KERNELS(domain_kernels, domain_kernel, find_outside,
                   (size_t n, const float *x, bool magnitude, float lowest, float highest,
                    bool from_memory, bool *outside),
                   (n, x, magnitude, lowest, highest, from_memory, outside))

/* from_memory: the values are not in a cache yet. */
static bool all_in_domain(const ag__domain *domain, size_t n, const float *x, bool from_memory)
{
    bool outside;
    domain_kernels[ag__cpu()](n, x, domain->magnitude, domain->lowest, domain->highest, from_memory,
                              &outside);
    return !outside;
}

bool ag__in_domain(const ag__domain *domain, size_t n, const float *x)
{
    return all_in_domain(domain, n, x, false);
}

/* Whether a whole tensor lies within a domain, which several threads look at. */
typedef struct domain_pass {
    const ag__domain *domain;
    const ag_tensor *tensor;
    ag__blocks blocks;
    atomic_bool outside;
} domain_pass;

static void check_blocks(size_t begin, size_t end, void *context)
{
    domain_pass *p = context;
    size_t first = ag__block_begin(&p->blocks, begin), stop = ag__block_begin(&p->blocks, end);
    bool from_memory = p->tensor->size >= AG__FROM_MEMORY;
    if (!all_in_domain(p->domain, stop - first, p->tensor->data + first, from_memory))
        atomic_store_explicit(&p->outside, true, memory_order_relaxed);
}

static bool tensor_in_domain(const ag__domain *domain, const ag_tensor *tensor)
{
    domain_pass p = {
        .domain = domain, .tensor = tensor, .blocks = ag__split(tensor->size, AG__SMALLEST_BLOCK)};
    atomic_init(&p.outside, false);
    ag__parallel_for(p.blocks.count, AG__CHEAP * (double)tensor->size, check_blocks, &p);
    return !atomic_load_explicit(&p.outside, memory_order_relaxed);
}

static bool is_outside(const ag__domain *domain, float x)
{
    float value = domain->magnitude ? fabsf(x) : x;
    return (value < domain->lowest) | (value > domain->highest);
}

static ag_status check_domain(const ag__call *call, uint32_t input, const ag_tensor *tensor)
{
    const ag__op *op = call->op;
    const ag__domain *domain = &op->domains[input];
    if (domain->text == NULL || tensor_in_domain(domain, tensor)) return AG_OK;
    size_t first = 0;
    while (first < tensor->size &&
           (!is_outside(domain, tensor->data[first]) || ag__weight_at(call, tensor, first) == 0))
        first++;
    if (first == tensor->size) return AG_OK;
    return ag__fail(AG_ERROR_DOMAIN, "%s: %s%s is %.9g but %s", op->name, op->input_names[input],
                    ag__index_text(tensor->ndims, tensor->shape, first).text,
                    (double)tensor->data[first], domain->text);
}

ag_status ag__call_check_domains(const ag__call *call)
{
    ag_status status = AG_OK;
    if (call->domains_hold) return AG_OK;
    for (uint32_t i = 0; i < call->op->num_inputs && status == AG_OK; i++)
        if (call->inputs[i] != NULL) status = check_domain(call, i, call->inputs[i]);
    return status;
}

/* Before anything is written: outputs stay untouched on failure. */
static ag_status check_domains_once(ag__call *call)
{
    ag_status status = ag__call_check_domains(call);
    call->domains_hold = status == AG_OK;
    return status;
}

/* ---- the functions on tensors ---- */

static ag_status check_no_overlap(const char *function, const ag_tensor *out, const char *out_name,
                                  const ag_tensor *other, const char *other_name)
{
    if (other == NULL || !ag__tensors_overlap(out, other)) return AG_OK;
    return ag__fail(AG_ERROR_OVERLAP, "%s: %s shares memory with %s", function, out_name,
                    other_name);
}

/* Checks a tensor that must have a given shape. */
static ag_status check_shape(const char *function, const char *name, const ag_tensor *tensor,
                             const ag__shape *shape)
{
    ag_status status = ag__tensor_check(function, name, tensor);
    if (status != AG_OK) return status;
    bool same = tensor->ndims == shape->ndims &&
                memcmp(tensor->shape, shape->dims, shape->ndims * sizeof *shape->dims) == 0;
    if (same) return AG_OK;
    return ag__fail(AG_ERROR_SHAPE, "%s: %s is %s but must be %s", function, name,
                    ag__tensor_shape_text(tensor).text,
                    ag__shape_to_text(shape->ndims, shape->dims).text);
}

/* Checks an output: a valid tensor of a given shape that shares no memory with an input. */
static ag_status check_out(const ag__call *call, const ag_tensor *out, const char *name,
                           const ag__shape *shape)
{
    const ag__op *op = call->op;
    ag_status status = check_shape(op->name, name, out, shape);
    for (uint32_t i = 0; i < op->num_inputs && status == AG_OK; i++)
        status = check_no_overlap(op->name, out, name, call->inputs[i], op->input_names[i]);
    if (call->options == NULL && call->indices == NULL) return status;
    for (uint32_t i = 0; i < AG__NUM_OPTION_TENSORS && status == AG_OK; i++) {
        ag_tensor indices;
        const char *other_name;
        const ag_tensor *other = ag__option_tensor(call, i, &indices, &other_name);
        status = check_no_overlap(op->name, out, name, other, other_name);
    }
    return status;
}

ag_status ag__call_value(const ag__call *call, ag_tensor *out)
{
    ag__shape shape;
    ag_status status = ag__call_check(call, &shape);
    if (status == AG_OK) status = check_out(call, out, "out", &shape);
    if (status == AG_OK) status = call->op->forward(call, out);
    return status;
}

/* The name of the output for an input's gradient: a given one, or "out_anchor" where there are several. */
typedef struct out_name {
    char text[32];
} out_name;

static out_name name_of_out(const ag__op *op, uint32_t input, const char *only)
{
    out_name name = {""}; /* made for every call, so without snprintf, which takes 100 ns */
    bool several = op->num_differentiable > 1;
    if (several) memcpy(name.text, "out_", sizeof "out_");
    strncat(name.text, several ? op->input_names[input] : only, sizeof name.text - sizeof "out_");
    return name;
}

/* Checks one output for a gradient; `only` is its name where there is only one. */
static ag_status check_gradient_out(const ag__call *call, ag_tensor *const *outs, uint32_t index,
                                    const char *only)
{
    const ag__op *op = call->op;
    if (outs[index] == NULL && op->num_differentiable > 1) return AG_OK;
    out_name name = name_of_out(op, index, only);
    ag__shape shape = ag__shape_of(call->inputs[index]);
    ag_status status = check_out(call, outs[index], name.text, &shape);
    for (uint32_t i = 0; i < index && status == AG_OK; i++)
        status = check_no_overlap(op->name, outs[index], name.text, outs[i],
                                  name_of_out(op, i, only).text);
    return status;
}

/* Checks all outputs for gradients, which must not share memory with another argument either. */
static ag_status check_gradient_outs(const ag__call *call, ag_tensor *const *outs, const char *only,
                                     const ag_tensor *other, const char *other_name)
{
    const ag__op *op = call->op;
    ag_status status = AG_OK;
    for (uint32_t i = 0; i < op->num_differentiable && status == AG_OK; i++) {
        status = check_gradient_out(call, outs, i, only);
        if (status == AG_OK && outs[i] != NULL)
            status = check_no_overlap(op->name, outs[i], name_of_out(op, i, only).text, other,
                                      other_name);
    }
    return status;
}

static void fill_sinks(const ag__op *op, ag_tensor *const *outs, ag__sink *sinks)
{
    for (uint32_t i = 0; i < op->num_differentiable; i++)
        sinks[i] = (ag__sink){.data = outs[i] != NULL ? outs[i]->data : NULL};
}

ag_status ag__call_gradient(const ag__call *call, const ag_tensor *grad, ag_tensor *const *outs)
{
    ag__shape shape;
    ag_status status = ag__call_check(call, &shape);
    if (status == AG_OK) status = check_shape(call->op->name, "grad", grad, &shape);
    if (status == AG_OK) status = check_gradient_outs(call, outs, "out", grad, "grad");
    if (status == AG_OK) status = ag__call_check_domains(call);
    if (status != AG_OK) return status;
    ag__sink sinks[AG__MAX_INPUTS];
    fill_sinks(call->op, outs, sinks);
    call->op->backward(call, grad, sinks);
    return AG_OK;
}

ag_status ag__call_value_and_gradient(ag__call *call, ag_tensor *out, ag_tensor *const *outs)
{
    ag__shape shape;
    ag_status status = ag__call_check(call, &shape);
    if (status == AG_OK) status = check_out(call, out, "out", &shape);
    if (status == AG_OK) status = check_gradient_outs(call, outs, "out_grad", out, "out");
    if (status == AG_OK) status = check_domains_once(call);
    if (status != AG_OK) return status;
    ag__sink sinks[AG__MAX_INPUTS];
    fill_sinks(call->op, outs, sinks);
    return call->op->forward_with_gradients(call, out, sinks);
}

/* Checks the outputs that are wanted. */
static ag_status check_wanted(const ag__call *call, const ag_tensor *out, ag_tensor *const *outs,
                              const ag__shape *shape, bool *gradients)
{
    const ag__op *op = call->op;
    ag_status status = out != NULL ? check_out(call, out, "out", shape) : AG_OK;
    for (uint32_t i = 0; i < op->num_differentiable && status == AG_OK; i++) {
        if (outs[i] == NULL) continue;
        *gradients = true;
        status = check_gradient_out(call, outs, i, "out_grad");
        if (status == AG_OK)
            status = check_no_overlap(op->name, outs[i], name_of_out(op, i, "out_grad").text, out,
                                      "out");
    }
    if (status == AG_OK && out == NULL && !*gradients)
        status = ag__fail(AG_ERROR_NULL, "%s: out is NULL, and so is each gradient", op->name);
    return status;
}

ag_status ag__call_wanted(ag__call *call, ag_tensor *out, ag_tensor *const *outs)
{
    ag__shape shape;
    bool gradients = false;
    ag_status status = ag__call_check(call, &shape);
    if (status == AG_OK) status = check_wanted(call, out, outs, &shape, &gradients);
    if (status == AG_OK && !gradients) return call->op->forward(call, out);
    if (status == AG_OK) status = check_domains_once(call);
    if (status != AG_OK) return status;
    ag__sink sinks[AG__MAX_INPUTS];
    fill_sinks(call->op, outs, sinks);
    if (out != NULL) return call->op->forward_with_gradients(call, out, sinks);
    call->op->backward(call, NULL, sinks);
    return AG_OK;
}

ag_status ag__call_with_scratch(ag_arena *temp_arena, ag__call call, ag_tensor *out,
                                ag_tensor *const *outs)
{
    ag__shape unused;
    if (temp_arena == NULL) return ag__fail_null(call.op->name, "temp_arena");
    ag_status status = ag__call_check(&call, &unused); /* sizes follow from shapes that fit */
    if (status != AG_OK) return status;
    ag_mark mark = ag_arena_mark(temp_arena);
    call.scratch = ag_arena_alloc(temp_arena, call.op->scratch_bytes(&call));
    status = call.scratch != NULL ? ag__call_wanted(&call, out, outs) : ag__fail_in(call.op->name);
    ag_arena_rewind(temp_arena, mark);
    return status;
}
