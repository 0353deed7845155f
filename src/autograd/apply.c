/*
 * apply.c: a call of an operation becomes a node of the graph: it is checked, recorded and computed, and
 * carried backward by the same descriptor.
 */
#include "config.h"

#include "autograd/apply.h"

#include "autograd/claim.h"
#include "autograd/presence.h"
#include "core/profile.h"
#include "core/status.h"

/* What a node keeps for backward. */
typedef struct kept_call {
    ag__call call;
    ag__claim claims[AG__MAX_INPUTS];  /* on the parents' gradients, which forward has written */
    ag_tensor *inputs[AG__MAX_INPUTS]; /* of the call, unless they are a list */
} kept_call;

static uint32_t num_differentiable(const ag__call *call)
{
    return call->list != NULL ? call->list_count : call->op->num_differentiable;
}

/* ---- backward ---- */

/* Gives a call memory to work in, which the caller takes back by rewinding the arena. */
static ag_status lend_scratch(ag_arena *arena, ag__call *call)
{
    size_t bytes = call->op->scratch_bytes != NULL ? call->op->scratch_bytes(call) : 0;
    call->scratch = bytes > 0 ? ag_arena_alloc(arena, bytes) : NULL;
    return bytes > 0 && call->scratch == NULL ? ag__fail_in(call->op->name) : AG_OK;
}

/* Where the gradient of an input goes; nowhere if it is there already, or not wanted. */
static ag__sink sink_of(const ag_variable *self, uint32_t input)
{
    const kept_call *kept = self->metadata;
    ag_variable *parent = self->parents[input].node;
    ag__claim claim = input < AG__MAX_INPUTS ? kept->claims[input] : 0;
    ag__sink sink = {0};
    if (parent == NULL) return sink;
    bool was_right = self->grad->data[0] == 1; /* only claims of scalars are not 0 */
    if (was_right && ag__redeem_claim(parent, claim)) return sink;
    ag_tensor *grad = ag__grad_sink(parent, &sink.accumulate);
    if (grad != NULL) sink.data = grad->data;
    return sink;
}

/* Indices say where to read and write, and the caller may have changed them since forward. */
static ag_status check_indices_again(const ag__call *call)
{
    ag__shape unused;
    return call->indices != NULL ? ag__call_check(call, &unused) : AG_OK;
}

static ag_status carry_backward(ag_variable *self, ag_arena *temp_arena)
{
    kept_call *kept = self->metadata;
    const ag__op *op = kept->call.op;
    ag_status status = check_indices_again(&kept->call);
    if (status == AG_OK) status = lend_scratch(temp_arena, &kept->call);
    if (status != AG_OK) return status;
    ag__sink few[AG__MAX_INPUTS] = {{0}}, *sinks = few;
    bool wanted = false;
    if (self->num_parents > AG__MAX_INPUTS)
        sinks = ag_arena_alloc(temp_arena, self->num_parents * sizeof *sinks);
    if (sinks == NULL) return ag__fail_in(op->name);
    for (uint32_t i = 0; i < num_differentiable(&kept->call) && i < self->num_parents; i++) {
        sinks[i] = sink_of(self, i);
        wanted = wanted || sinks[i].data != NULL;
    }
    if (wanted) op->backward(&kept->call, self->grad, sinks);
    return AG_OK;
}

/* ---- forward ---- */

static ag_status fill_inputs(ag__call *call, ag_variable *const *inputs)
{
    const ag__op *op = call->op;
    for (uint32_t i = 0; i < op->num_inputs; i++) {
        if (call->inputs[i] != NULL) continue; /* a tensor that is no variable */
        bool optional = i + op->num_optional >= op->num_inputs;
        if (inputs[i] == NULL && optional) continue;
        ag_status status = ag__variable_check(op->name, op->input_names[i], inputs[i]);
        if (status != AG_OK) return status;
        if (inputs[i]->data == NULL)
            return ag__fail(AG_ERROR_NULL, "%s: %s has no data", op->name, op->input_names[i]);
        call->inputs[i] = inputs[i]->data;
    }
    return AG_OK;
}

/* Whether a gradient will be asked for: of targets it never is. */
static bool needs_graph(const ag__call *call, ag_variable *const *inputs)
{
    bool needed = false;
    for (uint32_t i = 0; i < num_differentiable(call); i++)
        needed = needed || (inputs[i] != NULL && inputs[i]->requires_grad);
    return needed && ag_grad_enabled();
}

/* The node outlives its caller's options, though not the tensors that they name. */
static bool keep_options(ag_arena *arena, ag__call *call)
{
    ag_loss_options *kept = ag_arena_alloc(arena, sizeof *kept);
    if (kept != NULL) *kept = *call->options;
    call->options = kept;
    return kept != NULL;
}

/* The node's own copy of the call, with the memory that forward fills for backward. */
static kept_call *keep_call(ag_arena *arena, const ag__call *call, const ag_tensor *result)
{
    size_t bytes = call->op->memory_bytes != NULL ? call->op->memory_bytes(call) : 0;
    kept_call *kept = ag_arena_alloc(arena, sizeof *kept);
    if (kept == NULL) return NULL;
    *kept = (kept_call){.call = *call};
    kept->call.result = result;
    if (call->options != NULL && !keep_options(arena, &kept->call)) return NULL;
    if (bytes == 0) return kept;
    kept->call.memory = ag_arena_alloc(arena, bytes);
    return kept->call.memory != NULL ? kept : NULL;
}

/* Keeps what backward needs: the call and its inputs. */
static bool keep(ag_arena *arena, ag_variable *node, const ag__call *call,
                 ag_variable *const *inputs)
{
    kept_call *kept = keep_call(arena, call, node->data);
    if (kept == NULL) return false;
    node->metadata = kept;
    if (call->list != NULL)
        return ag_save_tensors(arena, node, call->list_count, call->list) == AG_OK;
    for (uint32_t i = 0; i < call->op->num_inputs; i++)
        kept->inputs[i] = inputs[i] != NULL ? inputs[i]->data : NULL;
    node->num_saved = call->op->num_inputs;
    node->saved_tensors = kept->inputs;
    return true;
}

/* The node of a call with its result. */
static ag_variable *record(ag_arena *arena, const ag__call *call, ag_variable *const *inputs,
                           ag_tensor *result)
{
    const ag__op *op = call->op;
    bool graph = needs_graph(call, inputs);
    uint32_t num_parents = call->list != NULL ? call->list_count : op->num_parents;
    if (!graph) num_parents = 0;
    while (num_parents > 0 && inputs[num_parents - 1] == NULL)
        num_parents--;
    ag_variable *node =
        ag__create_node(arena, op->name, result, num_parents, inputs, carry_backward);
    if (node == NULL) return NULL;
    node->reduction = (uint32_t)call->reduction;
    node->metadata_int = call->transposes;
    node->metadata_float = call->parameter;
    return !graph || keep(arena, node, call, inputs) ? node : NULL;
}

/* An input that stands in two roles has one gradient, which is written once and then added to. */
static bool stands_before(ag_variable *const *inputs, uint32_t input)
{
    for (uint32_t i = 0; i < input; i++)
        if (inputs[i] == inputs[input]) return true;
    return false;
}

/* Whether an input is memory that a claim would overwrite, such as a gradient of before. */
static bool is_read(const ag__call *call, const ag_tensor *storage)
{
    for (uint32_t i = 0; i < call->op->num_inputs && storage != NULL; i++)
        if (call->inputs[i] != NULL && ag__tensors_overlap(call->inputs[i], storage)) return true;
    for (uint32_t i = 0; i < AG__NUM_OPTION_TENSORS && storage != NULL; i++) {
        ag_tensor indices;
        const char *name;
        const ag_tensor *tensor = ag__option_tensor(call, i, &indices, &name);
        if (tensor != NULL && ag__tensors_overlap(tensor, storage)) return true;
    }
    return false;
}

/* Claims the gradients that a loss can write in its forward. Returns whether there are any. */
static bool claim_gradients(kept_call *kept, ag_variable *const *inputs, ag__sink *sinks)
{
    const ag__op *op = kept->call.op;
    bool claimed = false;
    if (op->forward_with_gradients == NULL || kept->call.reduction == AG_REDUCTION_NONE)
        return false;
    for (uint32_t i = 0; i < op->num_differentiable; i++) {
        if (inputs[i] == NULL || stands_before(inputs, i)) continue;
        if (is_read(&kept->call, inputs[i]->engine.grad_storage)) continue;
        kept->claims[i] = ag__claim_gradient(inputs[i]);
        if (kept->claims[i] == 0) continue;
        sinks[i].data = inputs[i]->engine.grad_storage->data;
        claimed = true;
    }
    return claimed;
}

/* Computes a call's result, and its gradients if it is a loss that can write them now. */
static ag_status compute_into(ag__call *call, kept_call *kept, ag_variable *const *inputs,
                              ag_tensor *result)
{
    ag__sink sinks[AG__MAX_INPUTS] = {{0}};
    if (kept != NULL && claim_gradients(kept, inputs, sinks))
        return call->op->forward_with_gradients(call, result, sinks);
    return call->op->forward(call, result);
}

/* The same with memory from the arena to work in, which is given back. */
static ag_status compute(ag_arena *arena, ag__call *call, ag_variable *node,
                         ag_variable *const *inputs)
{
    kept_call *kept = node->metadata;
    if (kept != NULL) call = &kept->call;
    if (call->op->scratch_bytes == NULL) return compute_into(call, kept, inputs, node->data);
    ag_mark mark = ag_arena_mark(arena);
    ag_status status = lend_scratch(arena, call);
    if (status == AG_OK) status = compute_into(call, kept, inputs, node->data);
    ag_arena_rewind(arena, mark);
    return status;
}

/* Checks and computes a call whose inputs have been filled in. */
static ag_variable *apply_filled(ag_arena *arena, ag__call call, ag_variable *const *inputs)
{
    ag__shape shape;
    double begin = ag__deed_begins();
    if (ag__call_check(&call, &shape) != AG_OK) return NULL;
    ag_mark mark = ag_arena_mark(arena);
    ag_tensor *result = ag_tensor_create(arena, shape.ndims, shape.dims);
    ag_variable *node = result != NULL ? record(arena, &call, inputs, result) : NULL;
    if (node == NULL) ag__fail_in(call.op->name);
    if (node != NULL && compute(arena, &call, node, inputs) != AG_OK) node = NULL;
    if (node == NULL) ag_arena_rewind(arena, mark);
    if (node != NULL) ag__tell(begin, call.op->name, "forward", shape.ndims, shape.dims);
    return node;
}

ag_variable *ag__apply(ag_arena *arena, ag__call call, ag_variable *const *inputs)
{
    if (arena == NULL) {
        ag__fail_null(call.op->name, "arena");
        return NULL;
    }
    return fill_inputs(&call, inputs) == AG_OK ? apply_filled(arena, call, inputs) : NULL;
}

static ag_tensor *data_of(const ag__call *call, uint32_t i, const ag_variable *input)
{
    const char *name = call->op->name;
    if (input != NULL && ag__variable_is_there(input) && input->data != NULL) return input->data;
    if (ag__variable_check(name, ag__input_name(call, i).text, input) == AG_OK)
        ag__fail(AG_ERROR_NULL, "%s: %s has no data", name, ag__input_name(call, i).text);
    return NULL;
}

/* The tensors of a list of inputs, in the arena. NULL on failure. */
static ag_tensor **tensors_of(ag_arena *arena, const ag__call *call, ag_variable *const *inputs)
{
    ag_tensor **list = ag_arena_alloc(arena, call->list_count * sizeof *list);
    if (list == NULL) ag__fail_in(call->op->name);
    for (uint32_t i = 0; list != NULL && i < call->list_count; i++) {
        list[i] = data_of(call, i, inputs[i]);
        if (list[i] == NULL) return NULL;
    }
    return list;
}

ag_variable *ag__apply_list(ag_arena *arena, ag__call call, ag_variable *const *inputs)
{
    const char *missing = arena == NULL ? "arena" : inputs == NULL ? "inputs" : NULL;
    if (missing != NULL) {
        ag__fail_null(call.op->name, missing);
        return NULL;
    }
    if (call.list_count == 0) {
        ag__fail(AG_ERROR_ARGUMENT, "%s: there are 0 inputs", call.op->name);
        return NULL;
    }
    ag_mark mark = ag_arena_mark(arena);
    call.list = tensors_of(arena, &call, inputs);
    if (call.list != NULL) call.inputs[0] = call.list[0];
    ag_variable *node = call.list != NULL ? apply_filled(arena, call, inputs) : NULL;
    if (node == NULL) ag_arena_rewind(arena, mark);
    return node;
}

static ag_status check_view(const ag__call *call, uint32_t ndims, const uint32_t *shape)
{
    ag__shape unused;
    size_t size = 0;
    ag_status status = ag__call_check(call, &unused);
    if (status == AG_OK) status = ag__shape_size(call->op->name, ndims, shape, &size);
    if (status == AG_OK && size != call->inputs[0]->size)
        status = ag__fail(AG_ERROR_SHAPE, "%s: x is %s, which has not the size of %s",
                          call->op->name, ag__tensor_shape_text(call->inputs[0]).text,
                          ag__shape_to_text(ndims, shape).text);
    return status;
}

ag_variable *ag__apply_view(ag_arena *arena, ag__call call, ag_variable *x, uint32_t ndims,
                            const uint32_t *shape)
{
    if (arena == NULL) {
        ag__fail_null(call.op->name, "arena");
        return NULL;
    }
    double begin = ag__deed_begins();
    if (fill_inputs(&call, &x) != AG_OK || check_view(&call, ndims, shape) != AG_OK) return NULL;
    ag_mark mark = ag_arena_mark(arena);
    ag_tensor *view = ag_tensor_wrap(arena, ndims, shape, x->data->data);
    ag_variable *node = view != NULL ? record(arena, &call, &x, view) : NULL;
    if (node == NULL) ag_arena_rewind(arena, mark);
    if (node != NULL) ag__tell(begin, call.op->name, "forward", ndims, shape);
    return node;
}
