/* ops_memory.c: operations on tensors that are damaged, or that share memory. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "bad_inputs/misuse.h"

/* ---- tensors whose fields contradict each other ---- */

typedef struct damage {
    const char *name;
    ag_status expected;
    const char *mentioned; /* beside the argument's name */
    void (*apply)(ag_tensor *tensor);
} damage;

static void without_data(ag_tensor *tensor)
{
    tensor->data = NULL;
}

static void with_wrong_size(ag_tensor *tensor)
{
    tensor->size++;
}

static void without_dimensions(ag_tensor *tensor)
{
    tensor->ndims = 0;
}

static void with_nine_dimensions(ag_tensor *tensor)
{
    tensor->ndims = AG_MAX_DIMS + 1;
}

static void with_an_empty_dimension(ag_tensor *tensor)
{
    tensor->shape[0] = 0;
}

/* 2^64 elements: a product that overflows to 0. */
static void with_more_than_all_memory(ag_tensor *tensor)
{
    tensor->ndims = 4;
    for (uint32_t i = 0; i < 4; i++)
        tensor->shape[i] = 1u << 16;
    tensor->size = 0;
}

static const damage damages[] = {
    {"no data", AG_ERROR_NULL, " has no data", without_data},
    {"wrong size", AG_ERROR_SHAPE, " says that it has ", with_wrong_size},
    {"0 dimensions", AG_ERROR_SHAPE, " has 0 dimensions", without_dimensions},
    {"9 dimensions", AG_ERROR_SHAPE, " has 9 dimensions", with_nine_dimensions},
    {"empty dimension", AG_ERROR_SHAPE, " [0", with_an_empty_dimension},
    {"more than all memory", AG_ERROR_SHAPE, " [65536, 65536, 65536, 65536] has more elements",
     with_more_than_all_memory},
};

/* What a message about an argument must contain. */
static const char *blame(const char *argument, const damage *harm)
{
    static char text[120];
    snprintf(text, sizeof text, "%s%s", argument, harm->mentioned);
    return text;
}

static void check_damage(misuse *m, const damage *harm)
{
    const op_entry *entry = m->spec->entry;
    m->doing = harm->name;
    for (uint32_t i = 0; i < entry->op->num_inputs; i++) {
        op_arguments arguments = m->arguments;
        ag_tensor damaged = *arguments.tensors[i];
        arguments.variables[i] = ag_create_leaf(m->arena, arguments.tensors[i], true);
        harm->apply(&damaged);
        arguments.variables[i]->data = arguments.tensors[i] = &damaged;
        all_forms_must_fail(m, &arguments, harm->expected, blame(input_name(m->spec, i), harm));
    }
    ag_tensor out = *m->out, grad = *m->upstream;
    harm->apply(&out);
    harm->apply(&grad);
    value_must_fail(m, &out, &m->arguments, harm->expected, blame("out", harm));
    both_must_fail(m, &out, m->outs, &m->arguments, harm->expected, blame("out", harm));
    gradient_must_fail(m, m->outs, &grad, &m->arguments, harm->expected, blame("grad", harm));
}

START_TEST(damaged_tensors_are_refused)
{
    op_case c = case_for_misuse(MISUSED, AG_REDUCTION_MEAN);
    misuse m;
    set_up_misuse(&m, &c);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++)
        check_damage(&m, &damages[i]);
    tear_down_misuse(&m);
}
END_TEST

/* ---- overlap ---- */

/* A tensor of a shape around memory of another one, from an element on. */
static ag_tensor *over(misuse *m, const ag__shape *shape, const ag_tensor *other, size_t offset)
{
    ag_tensor *tensor = ag_tensor_wrap(m->arena, shape->ndims, shape->dims, other->data + offset);
    ck_assert_ptr_nonnull(tensor);
    return tensor;
}

/* Moves an input to the end of a larger piece of memory, so that an output can begin before it. */
static ag_tensor *with_room_before(misuse *m, uint32_t input)
{
    ag_tensor *tensor = m->arguments.tensors[input];
    ag_tensor *room = create_ones(m, &(ag__shape){1, {(uint32_t)tensor->size + 4096}});
    float *data = room->data + 4096;
    memcpy(data, tensor->data, tensor->size * sizeof *data);
    tensor->data = data;
    return room;
}

static void check_overlap_of_value(misuse *m, uint32_t input)
{
    const ag_tensor *room = with_room_before(m, input);
    const ag_tensor *tensor = m->arguments.tensors[input];
    const ag__shape *shape = &m->result_shape;
    const char *name = input_name(m->spec, input);
    ag_tensor *at_start = over(m, shape, tensor, 0);
    ag_tensor *at_end = over(m, shape, tensor, tensor->size - 1);
    ag_tensor *just_into = over(m, shape, room, 4096 - at_start->size + 1);
    value_must_fail(m, at_start, &m->arguments, AG_ERROR_OVERLAP, name);
    value_must_fail(m, at_end, &m->arguments, AG_ERROR_OVERLAP, name);
    value_must_fail(m, just_into, &m->arguments, AG_ERROR_OVERLAP, name);
    both_must_fail(m, at_end, m->outs, &m->arguments, AG_ERROR_OVERLAP, name);
    ag_tensor *just_before = over(m, shape, room, 4096 - at_start->size);
    ck_assert_int_eq(m->spec->entry->value(just_before, &m->arguments), AG_OK);
}

static void gradient_overlaps(misuse *m, uint32_t output, ag_tensor *out, const ag_tensor *grad,
                              const char *name)
{
    ag_tensor *outs[AG__MAX_INPUTS];
    memcpy(outs, m->outs, sizeof outs);
    if (out != NULL) outs[output] = out;
    gradient_must_fail(m, outs, grad, &m->arguments, AG_ERROR_OVERLAP, name);
    if (out != NULL) both_must_fail(m, m->out, outs, &m->arguments, AG_ERROR_OVERLAP, name);
}

static void check_overlap_of_gradient(misuse *m, uint32_t output)
{
    const op_case *c = m->spec;
    const ag__shape *shape = &c->shapes[output];
    for (uint32_t i = 0; i < c->entry->op->num_inputs; i++) {
        const ag_tensor *input = m->arguments.tensors[i];
        gradient_overlaps(m, output, over(m, shape, input, 0), m->upstream, input_name(c, i));
        gradient_overlaps(m, output, over(m, shape, input, input->size - 1), m->upstream,
                          input_name(c, i));
    }
    const ag_tensor *grad = over(m, &m->result_shape, m->outs[output], 0);
    gradient_overlaps(m, output, NULL, grad, "grad");
    ag_tensor *out = over(m, &m->result_shape, m->outs[output], m->outs[output]->size - 1);
    both_must_fail(m, out, m->outs, &m->arguments, AG_ERROR_OVERLAP, "out");
    for (uint32_t i = 0; i < c->entry->op->num_differentiable; i++)
        if (i != output)
            gradient_overlaps(m, output, over(m, shape, m->outs[i], m->outs[i]->size - 1),
                              m->upstream, "out");
}

static void check_overlap(const op_entry *entry, ag_reduction reduction)
{
    op_case c = case_for_misuse(entry, reduction);
    misuse m;
    set_up_misuse(&m, &c);
    m.doing = "overlap";
    for (uint32_t i = 0; i < entry->op->num_inputs; i++)
        check_overlap_of_value(&m, i);
    fill_with_sentinel(m.out);
    for (uint32_t i = 0; i < entry->op->num_differentiable; i++)
        check_overlap_of_gradient(&m, i);
    tear_down_misuse(&m);
}

START_TEST(outputs_that_share_memory_are_refused)
{
    if (!has_tensor_form(MISUSED)) return;
    for (int reduction = 0; reduction < 4; reduction++)
        check_overlap(MISUSED, (ag_reduction)reduction);
}
END_TEST

void add_op_memory(Suite *suite)
{
    TCase *tests = tcase_create("memory of operations");
    tcase_set_timeout(tests, 120);
    ADD_FOR_OPS(tests, damaged_tensors_are_refused);
    ADD_FOR_OPS(tests, outputs_that_share_memory_are_refused);
    suite_add_tcase(suite, tests);
}
