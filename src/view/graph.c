/* graph.c: the graph under a variable as a text for Graphviz. */
#include "config.h"

#include <autograd/view.h>

#include <math.h>
#include <string.h>

#include "autograd/presence.h"
#include "core/output.h"
#include "tensor/op_table.h"
#include "tensor/shape.h"
#include "view/escape.h"

/* The nodes found, in the order of their discovery, and a hash table of their numbers plus 1. */
typedef struct node_set {
    ag_arena *arena;
    size_t count, capacity; /* capacity is a power of two, twice the room for nodes */
    const ag_variable **nodes;
    size_t *slots;
} node_set;

/* ---- finding the nodes ---- */

static size_t slot_of(const node_set *set, const ag_variable *node)
{
    uint64_t hash = (uint64_t)(uintptr_t)node * 0x9e3779b97f4a7c15u;
    size_t slot = (size_t)(hash >> 20) & (set->capacity - 1);
    while (set->slots[slot] != 0 && set->nodes[set->slots[slot] - 1] != node)
        slot = (slot + 1) & (set->capacity - 1);
    return slot;
}

static bool grow(node_set *set)
{
    size_t capacity = set->capacity == 0 ? 256 : 2 * set->capacity;
    const ag_variable **nodes = ag_arena_alloc(set->arena, capacity / 2 * sizeof *nodes);
    size_t *slots = ag_arena_alloc(set->arena, capacity * sizeof *slots);
    if (nodes == NULL || slots == NULL) return false;
    memset(slots, 0, capacity * sizeof *slots);
    if (set->count > 0) memcpy(nodes, set->nodes, set->count * sizeof *nodes);
    set->nodes = nodes;
    set->slots = slots;
    set->capacity = capacity;
    for (size_t i = 0; i < set->count; i++)
        slots[slot_of(set, nodes[i])] = i + 1;
    return true;
}

/* The number of a node, which is added if it is new; false without memory. */
static bool add(node_set *set, const ag_variable *node)
{
    if (set->count == set->capacity / 2 && !grow(set)) return false;
    size_t slot = slot_of(set, node);
    if (set->slots[slot] != 0) return true;
    set->nodes[set->count++] = node;
    set->slots[slot] = set->count;
    return true;
}

static size_t number_of(const node_set *set, const ag_variable *node)
{
    return set->slots[slot_of(set, node)] - 1;
}

static ag_status find_nodes(node_set *set, const ag_variable *root)
{
    ag_status status = ag__variable_check("save_graph", "root", root);
    if (status == AG_OK && !add(set, root)) status = ag_last_status();
    for (size_t i = 0; status == AG_OK && i < set->count; i++) {
        const ag_variable *node = set->nodes[i];
        for (uint32_t k = 0; status == AG_OK && k < node->num_parents; k++) {
            const ag_edge *edge = &node->parents[k];
            if (!ag__edge_holds(edge))
                status = ag__fail_gone("save_graph", "a node under root");
            else if (edge->node != NULL && !add(set, edge->node))
                status = ag_last_status();
        }
    }
    return status;
}

/* Nodes may have been filled in by hand. */
static ag_status check_nodes(const node_set *set)
{
    ag_status status = AG_OK;
    for (size_t i = 0; i < set->count && status == AG_OK; i++) {
        const ag_variable *node = set->nodes[i];
        if (node->data != NULL)
            status = ag__tensor_check("save_graph", "a node's data", node->data);
        if (node->grad != NULL && status == AG_OK)
            status = ag__tensor_check("save_graph", "a node's gradient", node->grad);
    }
    return status;
}

/* ---- writing them ---- */

static bool is_loss(const char *op)
{
#define COMPARE(name, signature)                                                                   \
    if (strcmp(op, #name) == 0) return true;
    AG__LOSS_TABLE(COMPARE)
#undef COMPARE
    size_t length = strlen(op);
    return length >= 5 && strcmp(op + length - 5, "_loss") == 0; /* one of the user's */
}

static const char *look_of(const ag_variable *node, const char *op)
{
    if (node->num_parents == 0 && node->is_leaf && node->requires_grad)
        return "shape=box, fillcolor=\"#cfe3f5\"";
    if (node->num_parents == 0) return "shape=box, fillcolor=\"#e8e8e8\"";
    return is_loss(op) ? "shape=doubleoctagon, fillcolor=\"#f8d3c4\"" : "fillcolor=\"#ffffff\"";
}

static double norm_of(const ag_tensor *tensor)
{
    double sum = 0;
    for (size_t i = 0; i < tensor->size; i++)
        sum += (double)tensor->data[i] * (double)tensor->data[i];
    return sqrt(sum);
}

static const char *name_of(const ag_variable *node, size_t count, const ag_named_tensor *names)
{
    for (size_t i = 0; i < count; i++)
        if (names[i].tensor != NULL && names[i].tensor == node->data) return names[i].name;
    return NULL;
}

static void write_node(ag__output *output, size_t number, const ag_variable *node, size_t count,
                       const ag_named_tensor *names)
{
    const char *op = node->op != NULL ? node->op : "unnamed", *name = name_of(node, count, names);
    ag__output_format(output, "  n%zu [%s, label=\"", number, look_of(node, op));
    if (name != NULL) ag__output_escaped(output, name);
    if (name != NULL && !node->is_leaf) ag__output_text(output, " = ");
    if (name == NULL || !node->is_leaf)
        ag__output_escaped(output, !node->is_leaf        ? op
                                   : node->requires_grad ? "parameter"
                                                         : "input");
    if (node->data != NULL)
        ag__output_format(output, "\\n%s", ag__tensor_shape_text(node->data).text);
    if (node->grad != NULL) ag__output_format(output, "\\n|grad| = %.4g", norm_of(node->grad));
    ag__output_text(output, "\"];\n");
}

static void write_edges(ag__output *output, const node_set *set, size_t number)
{
    const ag_variable *node = set->nodes[number];
    for (uint32_t k = 0; k < node->num_parents; k++)
        if (node->parents[k].node != NULL)
            ag__output_format(output, "  n%zu -> n%zu;\n", number_of(set, node->parents[k].node),
                              number);
}

static ag_status write_graph(const char *path, const node_set *set, size_t count,
                             const ag_named_tensor *names)
{
    ag__output output;
    ag__output_open(&output, "save_graph", path);
    ag__output_text(&output, "digraph autograd {\n  rankdir=TB;\n"
                             "  node [style=filled, fontname=\"Helvetica\", fontsize=11];\n");
    for (size_t i = 0; i < set->count; i++)
        write_node(&output, i, set->nodes[i], count, names);
    for (size_t i = 0; i < set->count; i++)
        write_edges(&output, set, i);
    ag__output_text(&output, "}\n");
    return ag__output_close(&output);
}

ag_status ag_save_graph(ag_arena *scratch, const char *path, const ag_variable *root, size_t count,
                        const ag_named_tensor *names)
{
    if (scratch == NULL) return ag__fail_null("save_graph", "scratch");
    if (path == NULL) return ag__fail_missing("save_graph", "path");
    if (names == NULL && count > 0) return ag__fail_missing("save_graph", "names");
    for (size_t i = 0; i < count; i++)
        if (names[i].name == NULL) return ag__fail_missing("save_graph", "one of names");
    ag_mark mark = ag_arena_mark(scratch);
    node_set set = {.arena = scratch};
    ag_status status = find_nodes(&set, root);
    if (status == AG_OK) status = check_nodes(&set);
    if (status == AG_OK) status = write_graph(path, &set, count, names);
    ag_arena_rewind(scratch, mark);
    return status;
}
