/* forms.c: the forms of an operation give the same bits. */
#include "config.h"

#include "ops/world.h"

#include "suite.h"

/* ---- tensors and variables ---- */

/* The losses' functions on tensors are public, the others' internal; reshape has none. */
static bool has_tensor_form(const op_entry *entry)
{
    return entry->signature != SIGNATURE_reshape;
}

/* Calls the gradient on tensors with one output for each input in `wanted`, a set of bits. */
static void gradients_on_tensors(fixture *f, unsigned wanted, ag_tensor **outs)
{
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
        outs[i] = op_differentiable(f->spec, i) && (wanted >> i & 1)
                      ? create_like(f, f->arguments.tensors[i])
                      : NULL;
    assert_ok(f->spec, f->spec->entry->gradient(outs, f->upstream, &f->arguments));
}

static void check_forms_agree(const op_case *c)
{
    fixture f;
    set_up(&f, c);
    ag_variable *node = call_and_go_back(&f);
    ag_tensor *out = create_like(&f, node->data), *outs[AG__MAX_INPUTS];
    assert_ok(c, c->entry->value(out, &f.arguments));
    assert_same_bits(c, "the value on tensors", out, node->data);
    for (unsigned wanted = 1; wanted < 1u << c->entry->op->num_differentiable; wanted++) {
        if (wanted != 1 && c->entry->op->num_differentiable == 1) break;
        gradients_on_tensors(&f, wanted, outs);
        for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
            if (outs[i] != NULL)
                assert_same_bits(c, input_name(c, i), outs[i], f.arguments.variables[i]->grad);
    }
    tear_down(&f);
}

START_TEST(tensors_and_variables_agree)
{
    op_case c;
    if (!has_tensor_form(ENTRY)) return;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        check_forms_agree(&c);
    }
    FOR_EACH_CASE(c, OP_LARGE)
    {
        check_forms_agree(&c);
    }
}
END_TEST

/* ---- value and gradient in one pass ---- */

/* For each set of wanted gradients: the bits of the value alone and of the gradients alone. */
static void check_one_pass(const op_case *c)
{
    fixture f;
    set_up(&f, c);
    assert_ok(c, ag_tensor_fill(f.upstream, 1));
    ag_tensor *expected = create_like(&f, f.upstream), *alone[AG__MAX_INPUTS];
    assert_ok(c, c->entry->value(expected, &f.arguments));
    gradients_on_tensors(&f, ~0u, alone);
    for (unsigned wanted = 0; wanted < 1u << c->entry->op->num_differentiable; wanted++) {
        if (wanted != 1 && c->entry->op->num_differentiable == 1) continue;
        ag_tensor *out = create_like(&f, expected), *outs[AG__MAX_INPUTS];
        for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
            outs[i] = wanted >> i & 1 ? create_like(&f, alone[i]) : NULL;
        assert_ok(c, c->entry->value_and_gradient(out, outs, &f.arguments));
        assert_same_bits(c, "the value beside the gradient", out, expected);
        for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
            if (outs[i] != NULL) assert_same_bits(c, input_name(c, i), outs[i], alone[i]);
    }
    tear_down(&f);
}

START_TEST(value_and_gradient_are_those_of_two_calls)
{
    static const int numbers[] = {1, 2, 3, 8};
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        check_one_pass(&c);
    }
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
        ck_assert_int_eq(ag_set_num_threads(numbers[n]), AG_OK);
        FOR_EACH_CASE(c, OP_LARGE)
        {
            check_one_pass(&c);
        }
    }
    ag_set_num_threads(0);
}
END_TEST

/* ---- gradients so large that they are written around the caches ---- */

enum { HUGE_ROWS = 2100, HUGE_COLUMNS = 1001, HUGE_PARTS = 3 };

/* A case of more than 2^21 elements. */
static op_case huge_case(const op_entry *entry)
{
    op_case c = {
        .entry = entry, .parameter = 0.75f, .reduction = AG_REDUCTION_SUM, .flavour = OP_PLAIN};
    for (uint32_t i = 0; i < entry->op->num_inputs; i++)
        c.shapes[i] = (ag__shape){2, {HUGE_ROWS, HUGE_COLUMNS}};
    if (entry->op->labels_rows) c.shapes[entry->op->num_inputs - 1] = (ag__shape){1, {HUGE_ROWS}};
    if (entry->op->takes_labels) c.indices = (ag__shape){1, {HUGE_ROWS}};
    if (entry->op->lists_labels) c.indices = c.shapes[0];
    return c;
}

/* A view of some of a tensor's rows. */
static ag_tensor *view_rows(ag_arena *arena, const ag_tensor *tensor, uint32_t first, uint32_t rows)
{
    uint32_t shape[2] = {rows, tensor->shape[1]};
    size_t columns = tensor->ndims == 1 ? 1 : tensor->shape[1];
    ag_tensor *view = ag_tensor_wrap(arena, tensor->ndims, shape, tensor->data + first * columns);
    ck_assert_ptr_nonnull(view);
    return view;
}

/* A tensor like another, at an address that no vector is aligned to, between two sentinels. */
static ag_tensor *create_unaligned(ag_arena *arena, const ag_tensor *like, size_t shift)
{
    ag_tensor *room = ag_tensor_create(arena, 1, (uint32_t[]){(uint32_t)like->size + 8});
    ck_assert_ptr_nonnull(room);
    ag_tensor_fill(room, 77);
    ag_tensor *tensor = ag_tensor_wrap(arena, like->ndims, like->shape, room->data + shift);
    ck_assert_ptr_nonnull(tensor);
    return tensor;
}

static void assert_surroundings_untouched(const op_case *c, const ag_tensor *tensor)
{
    ck_assert_msg(tensor->data[-1] == 77 && tensor->data[tensor->size] == 77,
                  "%s: wrote beside a gradient", op_describe(c).text);
}

static ag_indices *indices_of_rows(ag_arena *arena, const ag_indices *indices, uint32_t first,
                                   uint32_t rows)
{
    uint32_t shape[2] = {rows, indices->shape[1]};
    size_t columns = indices->ndims == 1 ? 1 : indices->shape[1];
    return ag_indices_create_from(arena, indices->ndims, shape, indices->data + first * columns);
}

/* Gradients of sums know nothing of other rows, so parts below the size must give the same bits. */
static void assert_made_of_parts(const op_case *c, ag_arena *arena, const op_arguments *whole,
                                 ag_tensor *const *outs)
{
    uint32_t rows = HUGE_ROWS / HUGE_PARTS;
    ag_tensor *one = ag_tensor_create_from(arena, 1, (uint32_t[]){1}, (float[]){1});
    for (uint32_t part = 0; part < HUGE_PARTS; part++) {
        op_arguments arguments = *whole;
        ag_tensor *expected[AG__MAX_INPUTS] = {NULL};
        for (uint32_t i = 0; i < c->entry->op->num_inputs; i++)
            arguments.tensors[i] = view_rows(arena, whole->tensors[i], part * rows, rows);
        if (whole->indices != NULL)
            arguments.indices = indices_of_rows(arena, whole->indices, part * rows, rows);
        for (uint32_t i = 0; i < c->entry->op->num_differentiable; i++)
            expected[i] = ag_tensor_create(arena, 2, (uint32_t[]){rows, HUGE_COLUMNS});
        assert_ok(c, c->entry->gradient(expected, one, &arguments));
        for (uint32_t i = 0; i < c->entry->op->num_differentiable; i++)
            if (outs[i] != NULL)
                assert_same_bits(c, "a part of a streamed gradient",
                                 view_rows(arena, outs[i], part * rows, rows), expected[i]);
    }
}

/* Inputs and outputs begin `shift` floats off their alignment; gradient `missing` is not wanted. */
static void check_streamed(const op_case *c, size_t shift, uint32_t missing)
{
    ag_arena *arena = ag_arena_create(0);
    op_arguments arguments = op_create_inputs(c, arena);
    uint32_t scalar[] = {1};
    ag_tensor *value = ag_tensor_create(arena, 1, scalar);
    ag_tensor *both_value = ag_tensor_create(arena, 1, scalar);
    ag_tensor *one = ag_tensor_create_from(arena, 1, scalar, (float[]){1});
    ag_tensor *outs[AG__MAX_INPUTS] = {NULL}, *both[AG__MAX_INPUTS] = {NULL};
    for (uint32_t i = 0; i < c->entry->op->num_inputs; i++) {
        ag_tensor *moved = create_unaligned(arena, arguments.tensors[i], shift);
        ag_tensor_copy(moved, arguments.tensors[i]);
        arguments.tensors[i] = moved;
        if (i >= c->entry->op->num_differentiable || i == missing) continue;
        outs[i] = create_unaligned(arena, moved, shift);
        both[i] = create_unaligned(arena, moved, shift + 1);
    }
    assert_ok(c, c->entry->value(value, &arguments));
    assert_ok(c, c->entry->gradient(outs, one, &arguments));
    assert_ok(c, c->entry->value_and_gradient(both_value, both, &arguments));
    assert_same_bits(c, "the value beside the gradient", both_value, value);
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++) {
        if (outs[i] == NULL) continue;
        assert_same_bits(c, input_name(c, i), both[i], outs[i]);
        assert_surroundings_untouched(c, outs[i]);
        assert_surroundings_untouched(c, both[i]);
    }
    assert_made_of_parts(c, arena, &arguments, outs);
    ag_arena_destroy(arena);
}

START_TEST(large_gradients_may_begin_anywhere)
{
    op_case c = huge_case(ENTRY);
    check_streamed(&c, 1, AG__MAX_INPUTS);
    if (ENTRY->op->num_differentiable > 1) check_streamed(&c, 3, (uint32_t)_i % 2);
}
END_TEST

void add_forms(Suite *suite)
{
    TCase *tests = add_case(suite, "forms");
    tcase_set_timeout(tests, 300);
    ADD_FOR_OPS(tests, tensors_and_variables_agree);
    ADD_FOR_LOSSES(tests, value_and_gradient_are_those_of_two_calls);
    ADD_FOR_LOSSES(tests, large_gradients_may_begin_anywhere);
}
