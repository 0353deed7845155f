/* variable.c: making the nodes of the graph. */
#include "config.h"

#include "autograd/presence.h"

#include "core/status.h"
#include "tensor/shape.h"

static _Thread_local bool grad_disabled;

bool ag_set_grad_enabled(bool enabled)
{
    bool before = !grad_disabled;
    grad_disabled = !enabled;
    return before;
}

bool ag_grad_enabled(void)
{
    return !grad_disabled;
}

ag_status ag__fail_gone(const char *function, const char *argument)
{
    return ag__fail(
        AG_ERROR_STATE,
        "%s: %s is gone: its arena was reset, or rewound to before it (or it is a copy, "
        "or was filled in by hand)",
        function, argument);
}

ag_status ag__variable_check(const char *function, const char *argument,
                             const ag_variable *variable)
{
    if (variable == NULL) return ag__fail_null(function, argument);
    return ag__variable_is_there(variable) ? AG_OK : ag__fail_gone(function, argument);
}

_Static_assert(offsetof(ag_variable, engine.stamp) + sizeof(ag_stamp) == sizeof(ag_variable),
               "the record of a variable's stamp stands behind the variable");

/* A variable with room for its edges and, if it requires one, for its gradient. */
static ag_variable *create_variable(ag_arena *arena, ag_tensor *data, bool requires_grad,
                                    uint32_t num_parents)
{
    size_t edges = num_parents * sizeof(ag_edge);
    size_t fixed = sizeof(ag_variable) + sizeof(ag__stamp_record);
    ag_variable *variable = ag_arena_alloc(arena, fixed + edges);
    if (variable == NULL) return NULL;
    *variable = (ag_variable){
        .data = data,
        .requires_grad = requires_grad,
        .num_parents = num_parents,
        .parents = num_parents > 0 ? (ag_edge *)((char *)variable + fixed) : NULL,
    };
    ag__arena_stamp(arena, &variable->engine.stamp);
    if (!requires_grad) return variable;
    variable->engine.grad_storage = ag__tensor_create(arena, data->ndims, data->shape, data->size);
    return variable->engine.grad_storage != NULL ? variable : NULL;
}

static ag_variable *create_leaf(const char *function, const char *argument, ag_arena *arena,
                                ag_tensor *tensor, bool requires_grad)
{
    if (arena == NULL) {
        ag__fail_null(function, "arena");
        return NULL;
    }
    if (ag__tensor_check(function, argument, tensor) != AG_OK) return NULL;
    ag_mark mark = ag_arena_mark(arena);
    ag_variable *leaf = create_variable(arena, tensor, requires_grad, 0);
    if (leaf == NULL) {
        ag_arena_rewind(arena, mark);
        return NULL;
    }
    leaf->is_leaf = true;
    leaf->op = "leaf";
    return leaf;
}

ag_variable *ag_create_leaf(ag_arena *arena, ag_tensor *tensor, bool requires_grad)
{
    return create_leaf("create_leaf", "tensor", arena, tensor, requires_grad);
}

ag_variable *ag_detach(ag_arena *arena, const ag_variable *variable)
{
    if (ag__variable_check("detach", "variable", variable) != AG_OK) return NULL;
    return create_leaf("detach", "variable's data", arena, variable->data, false);
}

static ag_status check_node(const ag_arena *arena, const char *op, const ag_tensor *data,
                            uint32_t num_parents, ag_variable *const *parents,
                            ag_backward_fn backward_fn)
{
    if (arena == NULL) return ag__fail_null("create_node", "arena");
    if (op == NULL) return ag__fail_missing("create_node", "op");
    if (parents == NULL && num_parents > 0) return ag__fail_missing("create_node", "parents");
    if (backward_fn == NULL) return ag__fail_missing("create_node", "backward_fn");
    for (uint32_t i = 0; i < num_parents; i++) {
        ag_status status = ag__variable_check("create_node", "one of parents", parents[i]);
        if (status != AG_OK) return status;
    }
    return ag__tensor_check("create_node", "data", data);
}

ag_variable *ag_create_node(ag_arena *arena, const char *op, ag_tensor *data, uint32_t num_parents,
                            ag_variable *const *parents, ag_backward_fn backward_fn)
{
    if (check_node(arena, op, data, num_parents, parents, backward_fn) != AG_OK) return NULL;
    ag_mark mark = ag_arena_mark(arena);
    ag_variable *node = ag__create_node(arena, op, data, num_parents, parents, backward_fn);
    if (node == NULL) ag_arena_rewind(arena, mark);
    return node;
}

ag_variable *ag__create_node(ag_arena *arena, const char *op, ag_tensor *data, uint32_t num_parents,
                             ag_variable *const *parents, ag_backward_fn backward_fn)
{
    bool requires_grad = false;
    for (uint32_t i = 0; i < num_parents; i++)
        requires_grad = requires_grad || (parents[i]->requires_grad && !grad_disabled);

    ag_variable *node =
        create_variable(arena, data, requires_grad, requires_grad ? num_parents : 0);
    if (node == NULL) return NULL;
    node->op = op;
    node->backward_fn = requires_grad ? backward_fn : NULL;
    for (uint32_t i = 0; i < node->num_parents; i++)
        node->parents[i] = (ag_edge){parents[i], parents[i]->engine.stamp.sign};
    return node;
}

ag_status ag_save_tensors(ag_arena *arena, ag_variable *node, uint32_t num_saved,
                          ag_tensor *const *tensors)
{
    if (arena == NULL) return ag__fail_null("save_tensors", "arena");
    ag_status status = ag__variable_check("save_tensors", "node", node);
    if (status != AG_OK) return status;
    if (tensors == NULL && num_saved > 0) return ag__fail_missing("save_tensors", "tensors");
    ag_tensor **saved = NULL;
    if (num_saved > 0) {
        saved = ag_arena_alloc(arena, num_saved * sizeof *saved);
        if (saved == NULL) return ag_last_status();
    }
    for (uint32_t i = 0; i < num_saved; i++)
        saved[i] = tensors[i];
    node->num_saved = num_saved;
    node->saved_tensors = saved;
    return AG_OK;
}

ag_status ag_zero_grad(ag_variable *variable)
{
    ag_status status = ag__variable_check("zero_grad", "variable", variable);
    if (status == AG_OK) variable->grad = NULL;
    return status;
}
