/* misuse.c: calling an operation of the table wrongly, in all its forms. */
#include "config.h"

#include "bad_inputs/misuse.h"

#include <stdio.h>
#include <string.h>

#define SENTINEL 0x5a

void fill_with_sentinel(ag_tensor *tensor)
{
    memset(tensor->data, SENTINEL, tensor->size * sizeof *tensor->data);
}

static bool is_untouched(const ag_tensor *tensor)
{
    const unsigned char *bytes = (const unsigned char *)tensor->data;
    for (size_t i = 0; i < tensor->size * sizeof *tensor->data; i++)
        if (bytes[i] != SENTINEL) return false;
    return true;
}

static ag_tensor *create_like(misuse *m, const ag_tensor *tensor)
{
    ag_tensor *result = ag_tensor_create(m->arena, tensor->ndims, tensor->shape);
    ck_assert_ptr_nonnull(result);
    fill_with_sentinel(result);
    return result;
}

void set_up_misuse(misuse *m, const op_case *c)
{
    *m = (misuse){.spec = c, .doing = "", .arena = ag_arena_create(0), .graph = ag_arena_create(0)};
    ck_assert(m->arena != NULL && m->graph != NULL);
    m->arguments = op_create_inputs(c, m->arena);
    op_create_leaves(&m->arguments, m->arena, true);
    op_oracle oracle = op_oracle_create(c, &m->arguments);
    m->result_shape = op_result_shape(&oracle);
    op_oracle_destroy(&oracle);
    m->upstream = op_create_upstream(m->arena, &m->result_shape);
    m->out = create_like(m, m->upstream);
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
        if (op_differentiable(c, i)) m->outs[i] = create_like(m, m->arguments.tensors[i]);
}

void tear_down_misuse(misuse *m)
{
    ag_arena_destroy(m->arena);
    ag_arena_destroy(m->graph);
}

bool has_tensor_form(const op_entry *entry)
{
    return entry->signature != SIGNATURE_reshape;
}

bool is_optional(const op_entry *entry, uint32_t input)
{
    return input + entry->op->num_optional >= entry->op->num_inputs;
}

const char *input_name(const op_case *c, uint32_t input)
{
    return c->entry->op->input_names[input];
}

ag_tensor *create_ones(misuse *m, const ag__shape *shape)
{
    ag_tensor *tensor = ag_tensor_create(m->arena, shape->ndims, shape->dims);
    ck_assert_ptr_nonnull(tensor);
    ck_assert_int_eq(ag_tensor_fill(tensor, 1), AG_OK);
    return tensor;
}

form_name name_of_form(const op_entry *entry, const char *before, const char *after)
{
    form_name name;
    snprintf(name.text, sizeof name.text, "ag_%s%s%s", before, entry->name, after);
    return name;
}

/* Whether what wrong_shapes tries is wrong for a case: a matrix, or images, that have two of each. */
static bool is_good_for_misuse(const ag__shape *shape)
{
    if (shape->ndims == 4) return shape->dims[0] > 1 && shape->dims[1] > 1;
    return shape->ndims == 2 && shape->dims[0] > 1 && shape->dims[1] > 1 &&
           shape->dims[0] != shape->dims[1];
}

op_case case_for_misuse(const op_entry *entry, ag_reduction reduction)
{
    op_case c;
    for (size_t i = 0; op_case_at(entry, OP_SMALL, i, &c); i++) {
        const ag__shape *shape = &c.shapes[0];
        bool optional_is_there = c.shapes[entry->op->num_inputs - 1].ndims > 0;
        if (c.flavour == OP_PLAIN && is_good_for_misuse(shape) && optional_is_there &&
            (c.reduction == reduction || !entry->op->takes_reduction))
            return c;
    }
    ck_abort_msg("%s: no case to misuse", entry->name);
    return c;
}

static void assert_failure(const misuse *m, ag_status status, ag_status expected,
                           const char *mentioned)
{
    ck_assert_int_eq(ag_last_status(), status);
    char doing[400];
    snprintf(doing, sizeof doing, "%s: %s", op_describe(m->spec).text, m->doing);
    bad_input_assert(m->spec->entry->name, doing, status, expected, mentioned);
}

static void assert_outputs_untouched(const misuse *m)
{
    bool untouched = is_untouched(m->out);
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
        untouched = untouched && (m->outs[i] == NULL || is_untouched(m->outs[i]));
    ck_assert_msg(untouched, "%s, %s: an output was touched", op_describe(m->spec).text, m->doing);
}

static void assert_no_node(const misuse *m, const ag_arena *arena, size_t used,
                           const ag_variable *node, ag_status expected, const char *mentioned)
{
    ck_assert_msg(node == NULL, "%s, %s: got a node", op_describe(m->spec).text, m->doing);
    assert_failure(m, ag_last_status(), expected, mentioned);
    ck_assert_msg(ag_arena_used(arena) == used, "%s, %s: the arena is fuller than before",
                  op_describe(m->spec).text, m->doing);
}

void graph_must_fail(misuse *m, ag_arena *arena, const op_arguments *arguments, ag_status expected,
                     const char *mentioned)
{
    size_t used = ag_arena_used(arena);
    bad_input_counted(name_of_form(m->spec->entry, "", "").text);
    ag_clear_error();
    assert_no_node(m, arena, used, m->spec->entry->graph(arena, arguments), expected, mentioned);
}

void value_must_fail(misuse *m, ag_tensor *out, const op_arguments *arguments, ag_status expected,
                     const char *mentioned)
{
    if (!has_tensor_form(m->spec->entry)) return;
    bad_input_counted(name_of_form(m->spec->entry, "tensor_", "").text);
    ag_clear_error();
    assert_failure(m, m->spec->entry->value(out, arguments), expected, mentioned);
    assert_outputs_untouched(m);
}

void gradient_must_fail(misuse *m, ag_tensor *const *outs, const ag_tensor *grad,
                        const op_arguments *arguments, ag_status expected, const char *mentioned)
{
    if (!has_tensor_form(m->spec->entry)) return;
    bad_input_counted(name_of_form(m->spec->entry, "tensor_", "_grad").text);
    ag_clear_error();
    assert_failure(m, m->spec->entry->gradient(outs, grad, arguments), expected, mentioned);
    assert_outputs_untouched(m);
}

void both_must_fail(misuse *m, ag_tensor *out, ag_tensor *const *outs,
                    const op_arguments *arguments, ag_status expected, const char *mentioned)
{
    if (m->spec->entry->value_and_gradient == NULL) return;
    bad_input_counted(name_of_form(m->spec->entry, "tensor_", "_value_and_grad").text);
    ag_clear_error();
    assert_failure(m, m->spec->entry->value_and_gradient(out, outs, arguments), expected,
                   mentioned);
    assert_outputs_untouched(m);
}

void with_options_must_fail(misuse *m, const op_arguments *arguments,
                            const ag_loss_options *options, ag_status expected,
                            const char *mentioned)
{
    const op_entry *entry = m->spec->entry;
    ag_tensor *none[AG__MAX_INPUTS] = {NULL};
    if (!entry->is_loss) return;
    size_t used = ag_arena_used(m->graph);
    bad_input_counted(name_of_form(entry, "", "_with").text);
    ag_clear_error();
    assert_no_node(m, m->graph, used, entry->graph_with(m->graph, arguments, options), expected,
                   mentioned);
    for (int wanted = 1; wanted < 4; wanted++) {
        bad_input_counted(name_of_form(entry, "tensor_", "_with").text);
        ag_clear_error();
        ag_tensor *const *outs = wanted & 2 ? m->outs : none;
        assert_failure(m, entry->wanted(wanted & 1 ? m->out : NULL, outs, arguments, options),
                       expected, mentioned);
        assert_outputs_untouched(m);
    }
}

void all_forms_must_fail(misuse *m, const op_arguments *arguments, ag_status expected,
                         const char *mentioned)
{
    graph_must_fail(m, m->graph, arguments, expected, mentioned);
    value_must_fail(m, m->out, arguments, expected, mentioned);
    gradient_must_fail(m, m->outs, m->upstream, arguments, expected, mentioned);
    both_must_fail(m, m->out, m->outs, arguments, expected, mentioned);
    with_options_must_fail(m, arguments, &(ag_loss_options){.reduction = arguments->reduction},
                           expected, mentioned);
}
