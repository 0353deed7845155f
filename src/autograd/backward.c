/*
 * backward.c: carrying gradients from a root back to the leaves.
 *
 * Three walks, none of them recursive and none allocating, along links that stand in the nodes:
 * discover all nodes under the root and count how many consumers each has; put them in an order in
 * which every node comes after all of its consumers (Kahn 1962); call their backward functions.
 * Nodes that require no gradient are never touched, so that threads may share them.
 */
#include "config.h"

#include "autograd/presence.h"

#include "core/profile.h"
#include "core/status.h"
#include "tensor/shape.h"

/* A variable that was filled in by hand may have no name. */
static const char *op_name(const ag_variable *variable)
{
    return variable->op != NULL ? variable->op : "unnamed";
}

/* A variable that was filled in by hand has no memory for a gradient, and is passed over. */
static bool wants_gradient(const ag_variable *node)
{
    return node != NULL && node->requires_grad && node->engine.grad_storage != NULL;
}

ag_tensor *ag__grad_sink(ag_variable *parent, bool *accumulate)
{
    if (!wants_gradient(parent)) return NULL;
    *accumulate = parent->grad != NULL;
    parent->engine.claimed = false;
    /* a gradient that the user has put there is added to where it is */
    if (parent->grad == NULL) parent->grad = parent->engine.grad_storage;
    return parent->grad;
}

ag_tensor *ag_grad_sink(ag_variable *parent, bool *accumulate)
{
    if (ag__variable_check("grad_sink", "parent", parent) != AG_OK) return NULL;
    if (accumulate == NULL) {
        ag__fail_null("grad_sink", "accumulate");
        return NULL;
    }
    return ag__grad_sink(parent, accumulate);
}

ag_status ag_accumulate_grad(ag_variable *parent, const ag_tensor *contribution)
{
    ag_status status = ag__variable_check("accumulate_grad", "parent", parent);
    if (status == AG_OK && parent->data == NULL)
        status = ag__fail_null("accumulate_grad", "parent's data");
    if (status == AG_OK) status = ag__tensor_check("accumulate_grad", "contribution", contribution);
    if (status != AG_OK) return status;
    if (!ag_tensor_same_shape(parent->data, contribution))
        return ag__fail(AG_ERROR_SHAPE, "accumulate_grad: parent (%s) is %s but contribution is %s",
                        op_name(parent), ag__tensor_shape_text(parent->data).text,
                        ag__tensor_shape_text(contribution).text);
    const ag_tensor *sum = parent->grad != NULL ? parent->grad : parent->engine.grad_storage;
    if (sum != NULL && !ag_tensor_same_shape(sum, contribution))
        return ag__fail(AG_ERROR_SHAPE,
                        "accumulate_grad: the gradient of parent (%s) is %s but contribution is %s",
                        op_name(parent), ag__tensor_shape_text(sum).text,
                        ag__tensor_shape_text(contribution).text);
    bool accumulate = false;
    ag_tensor *grad = ag__grad_sink(parent, &accumulate);
    if (grad == NULL) return AG_OK;
    return accumulate ? ag_tensor_add(grad, grad, contribution)
                      : ag_tensor_copy(grad, contribution);
}

/* The count of a node that a backward is running through, perhaps that which has called us. */
#define RUNNING UINT32_MAX

/* What is linked so far. */
typedef struct discovery {
    ag_variable *root, *last;
    size_t count;
} discovery;

static ag_status fail_running(const ag_variable *root)
{
    return ag__fail(AG_ERROR_GRAPH,
                    "backward: a backward is running through the graph of root (%s)",
                    op_name(root));
}

/* Follows an edge: counts a consumer, and links a node that was not met before. */
static ag_status follow(discovery *d, const ag_variable *node, const ag_edge *edge)
{
    ag_variable *parent = edge->node;
    if (!ag__edge_holds(edge))
        return ag__fail(AG_ERROR_STATE,
                        "backward: an input of %s under root (%s) is gone: its arena was reset, or "
                        "rewound to before it",
                        op_name(node), op_name(d->root));
    if (!wants_gradient(parent)) return AG_OK;
    if (parent->engine.pending == RUNNING) return fail_running(d->root);
    if (parent->engine.pending++ > 0 || parent == d->root) return AG_OK;
    parent->engine.next_found = NULL;
    d->last = d->last->engine.next_found = parent;
    d->count++;
    return AG_OK;
}

/*
 * Links all nodes under the root, in the order of their discovery, and counts each one's consumers.
 * Outside of this file every count is 0, which is how a node that was not met before is known.
 */
static ag_status discover(discovery *d)
{
    ag_status status = d->root->engine.pending == RUNNING ? fail_running(d->root) : AG_OK;
    d->root->engine.next_found = NULL;
    for (ag_variable *node = d->root; node != NULL; node = node->engine.next_found)
        for (uint32_t i = 0; i < node->num_parents && status == AG_OK; i++)
            status = follow(d, node, &node->parents[i]);
    return status;
}

/*
 * Links the nodes by next_ready, consumers first. Returns how many it could: fewer in a cycle.
 * Leaves have nothing to do and are not linked, so that a backward inside of a backward_fn may share
 * them.
 */
static size_t put_in_order(ag_variable *root)
{
    if (root->engine.pending > 0) return 0;
    size_t count = 1;
    ag_variable *last = root;
    root->engine.next_ready = NULL;
    for (ag_variable *node = root; node != NULL; node = node->engine.next_ready)
        for (uint32_t i = 0; i < node->num_parents; i++) {
            ag_variable *parent = node->parents[i].node;
            if (!wants_gradient(parent) || --parent->engine.pending > 0) continue;
            count++;
            if (parent->num_parents == 0) continue;
            parent->engine.next_ready = NULL;
            last = last->engine.next_ready = parent;
        }
    return count;
}

static ag_status order_graph(ag_variable *root)
{
    discovery d = {root, root, 1};
    ag_status status = discover(&d);
    if (status == AG_OK && put_in_order(root) == d.count) return AG_OK;
    for (ag_variable *node = root; node != NULL; node = node->engine.next_found)
        if (node->engine.pending != RUNNING) node->engine.pending = 0;
    if (status != AG_OK) return status;
    return ag__fail(AG_ERROR_GRAPH, "backward: a node under root (%s) depends on itself",
                    op_name(root));
}

static void set_pending(ag_variable *root, uint32_t pending)
{
    for (ag_variable *node = root; node != NULL; node = node->engine.next_ready)
        node->engine.pending = pending;
}

static ag_status run_all(ag_arena *temp_arena, ag_variable *root)
{
    for (ag_variable *node = root; node != NULL; node = node->engine.next_ready) {
        if (node->grad == NULL || node->backward_fn == NULL) continue;
        ag_mark mark = ag_arena_mark(temp_arena);
        double begin = ag__deed_begins();
        ag_status status = node->backward_fn(node, temp_arena);
        ag_arena_rewind(temp_arena, mark);
        if (status != AG_OK) return status;
        const ag_tensor *grad = node->engine.grad_storage;
        ag__tell(begin, op_name(node), "backward", grad->ndims, grad->shape);
    }
    return AG_OK;
}

static ag_status run(ag_arena *temp_arena, ag_variable *root)
{
    set_pending(root, RUNNING);
    ag_status status = run_all(temp_arena, root);
    set_pending(root, 0);
    return status;
}

/* Gradients of nodes other than leaves belong to one backward and start empty. */
static void forget_gradients(ag_variable *root)
{
    for (ag_variable *node = root; node != NULL; node = node->engine.next_ready)
        if (!node->is_leaf) node->grad = NULL;
}

static ag_status check_root(const char *function, const ag_arena *temp_arena,
                            const ag_variable *root)
{
    if (temp_arena == NULL) return ag__fail_null(function, "temp_arena");
    ag_status status = ag__variable_check(function, "root", root);
    if (status != AG_OK) return status;
    if (!wants_gradient(root))
        return ag__fail(
            AG_ERROR_GRAPH,
            "%s: root (%s) requires no gradient: no leaf under it does, or gradients were "
            "disabled when it was made",
            function, op_name(root));
    return root->data != NULL ? AG_OK : ag__fail_null(function, "root's data");
}

/* What ag_accumulate_grad does, but as fast as small graphs want it. */
static ag_status seed_scalar(ag_variable *root)
{
    if (root->grad != NULL && root->grad->size != 1)
        return ag__fail(AG_ERROR_SHAPE, "backward: the gradient of root (%s) is %s, not a scalar",
                        op_name(root), ag__tensor_shape_text(root->grad).text);
    bool accumulate = false;
    ag_tensor *grad = ag__grad_sink(root, &accumulate);
    grad->data[0] = (accumulate ? grad->data[0] : 0) + 1;
    return AG_OK;
}

/* Without a seed the root is a scalar. */
static ag_status backward(ag_arena *temp_arena, ag_variable *root, const ag_tensor *seed)
{
    ag_status status = order_graph(root);
    if (status != AG_OK) return status;
    forget_gradients(root);
    status = seed != NULL ? ag_accumulate_grad(root, seed) : seed_scalar(root);
    return status == AG_OK ? run(temp_arena, root) : status;
}

ag_status ag_backward(ag_arena *temp_arena, ag_variable *root)
{
    ag_status status = check_root("backward", temp_arena, root);
    if (status != AG_OK) return status;
    if (root->data->size != 1)
        return ag__fail(
            AG_ERROR_GRAPH,
            "backward: root (%s) is %s, not a scalar: reduce it to one element, or give the "
            "upstream gradient to ag_backward_from",
            op_name(root), ag__tensor_shape_text(root->data).text);
    return backward(temp_arena, root, NULL);
}

ag_status ag_backward_from(ag_arena *temp_arena, ag_variable *root, const ag_tensor *seed)
{
    ag_status status = check_root("backward_from", temp_arena, root);
    if (status == AG_OK) status = ag__tensor_check("backward_from", "seed", seed);
    if (status != AG_OK) return status;
    if (!ag_tensor_same_shape(root->data, seed))
        return ag__fail(AG_ERROR_SHAPE, "backward_from: root (%s) is %s but seed is %s",
                        op_name(root), ag__tensor_shape_text(root->data).text,
                        ag__tensor_shape_text(seed).text);
    return backward(temp_arena, root, seed);
}
