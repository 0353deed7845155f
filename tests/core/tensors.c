/* tensors.c: tensors: how they are made, filled, copied and added. */
#include "config.h"

#include "core/world.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "assertions.h"
#include "suite.h"

START_TEST(a_tensor_has_the_shape_that_was_asked_for)
{
    uint32_t shape[AG_MAX_DIMS] = {2, 3, 1, 2, 1, 1, 2, 3};
    size_t size = 1;
    for (uint32_t ndims = 1; ndims <= AG_MAX_DIMS; ndims++) {
        size *= shape[ndims - 1];
        ag_tensor *tensor = ag_tensor_create(arena, ndims, shape);
        ck_assert_ptr_nonnull(tensor);
        ck_assert_uint_eq(tensor->ndims, ndims);
        ck_assert_uint_eq(tensor->size, size);
        ck_assert_mem_eq(tensor->shape, shape, ndims * sizeof *shape);
        memset(tensor->data, 0xff, size * sizeof(float));
    }
}
END_TEST

START_TEST(zeros_are_zero_even_in_memory_used_before)
{
    ag_mark mark = ag_arena_mark(arena);
    memset(ag_arena_alloc(arena, 100000), 0xff, 100000);
    ag_arena_rewind(arena, mark);
    ag_tensor *tensor = zeros(1000);
    for (size_t i = 0; i < tensor->size; i++)
        ck_assert(tensor->data[i] == 0 && !signbit(tensor->data[i]));
}
END_TEST

START_TEST(values_are_copied_and_memory_is_wrapped)
{
    float values[] = {1, 2, 3, 4, 5, 6};
    uint32_t shape[] = {2, 3};
    ag_tensor *copy = ag_tensor_create_from(arena, 2, shape, values);
    ag_tensor *wrapped = ag_tensor_wrap(arena, 2, shape, values);
    ck_assert_ptr_nonnull(copy);
    ck_assert_ptr_nonnull(wrapped);
    ck_assert_mem_eq(copy->data, values, sizeof values);
    ck_assert_ptr_eq(wrapped->data, values);
    values[5] = 60;
    ck_assert(copy->data[5] == 6 && wrapped->data[5] == 60);
    ck_assert(ag_tensor_same_shape(copy, wrapped));
}
END_TEST

/* One shape with two more dimensions than a tensor can have, so that none is read past its end. */
typedef struct bad_shape {
    uint32_t ndims;
    uint32_t dims[AG_MAX_DIMS + 2];
    ag_status status;
    const char *fragment;
} bad_shape;

#define HUGE_DIM UINT32_MAX

static const bad_shape bad_shapes[] = {
    {0, {1}, AG_ERROR_SHAPE, "0 dimensions"},
    {9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, AG_ERROR_SHAPE, "9 dimensions"},
    {UINT32_MAX, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, AG_ERROR_SHAPE, "4294967295 dimensions"},
    {1, {0}, AG_ERROR_SHAPE, "dimension 0 of shape [0] is 0"},
    {3, {0, 2, 3}, AG_ERROR_SHAPE, "dimension 0 of shape [0, 2, 3] is 0"},
    {3, {2, 3, 0}, AG_ERROR_SHAPE, "dimension 2 of shape [2, 3, 0] is 0"},
    {8, {1, 2, 3, 4, 5, 6, 7, 0}, AG_ERROR_SHAPE, "dimension 7"},
    {2, {HUGE_DIM, HUGE_DIM}, AG_ERROR_SHAPE, "[4294967295, 4294967295] has more elements"},
    {3, {1u << 31, 1u << 31, 4}, AG_ERROR_SHAPE, "more elements"}, /* 2^64 elements: 0 in 64 bits */
    {2, {1u << 31, 1u << 31}, AG_ERROR_SHAPE, "more elements"},    /* 2^64 bytes */
    {2, {1u << 31, 1u << 30}, AG_ERROR_SHAPE, "more elements"},    /* 2^63 bytes */
    {8,
     {HUGE_DIM, HUGE_DIM, HUGE_DIM, HUGE_DIM, HUGE_DIM, HUGE_DIM, HUGE_DIM, HUGE_DIM},
     AG_ERROR_SHAPE,
     "more elements"},
    {2, {1u << 31, (1u << 30) - 1}, AG_ERROR_MEMORY, "out of memory"}, /* just below 2^63 bytes */
    {2, {1u << 31, 1u << 29}, AG_ERROR_MEMORY, "out of memory"},
};

static ag_tensor *create_by(int way, const bad_shape *bad)
{
    static float values[1];
    switch (way) {
    case 0: return ag_tensor_create(arena, bad->ndims, bad->dims);
    case 1: return ag_tensor_create_zeros(arena, bad->ndims, bad->dims);
    case 2: return ag_tensor_create_from(arena, bad->ndims, bad->dims, values);
    default: return ag_tensor_wrap(arena, bad->ndims, bad->dims, values);
    }
}

START_TEST(a_bad_shape_is_refused_and_takes_nothing)
{
    const bad_shape *bad = &bad_shapes[_i];
    ag_arena_alloc(arena, 1);
    size_t used = ag_arena_used(arena), capacity = ag_arena_capacity(arena);
    int ways = bad->status == AG_ERROR_MEMORY ? 3 : 4; /* wrapping needs no memory */
    for (int way = 0; way < ways; way++) {
        ck_assert_ptr_null(create_by(way, bad));
        assert_last_failure(bad->status, bad->fragment);
        ck_assert_uint_eq(ag_arena_used(arena), used);
        ck_assert_uint_eq(ag_arena_capacity(arena), capacity);
    }
}
END_TEST

START_TEST(creation_out_of_memory_takes_nothing)
{
    uint32_t shape[] = {100};
    ag_arena_set_limit(arena, 448); /* enough for the elements, not for the tensor itself */
    ck_assert_ptr_null(ag_tensor_create(arena, 1, shape));
    assert_last_failure(AG_ERROR_MEMORY, "limit of 448");
    ck_assert_uint_eq(ag_arena_used(arena), 0);
    ag_arena_set_limit(arena, 0);
    ck_assert_ptr_nonnull(ag_tensor_create(arena, 1, shape));
}
END_TEST

/* Structs that no function of the library made. */
static float some_values[6];

static const struct {
    ag_tensor tensor;
    ag_status status;
    const char *fragment;
} fabricated[] = {
    {{0}, AG_ERROR_NULL, "has no data"},
    {{.ndims = 1, .shape = {6}, .size = 6}, AG_ERROR_NULL, "has no data"},
    {{.ndims = 0, .size = 1, .data = some_values}, AG_ERROR_SHAPE, "0 dimensions"},
    {{.ndims = 9, .shape = {1, 1, 1, 1, 1, 1, 1, 1}, .size = 1, .data = some_values},
     AG_ERROR_SHAPE,
     "9 dimensions"},
    {{.ndims = UINT32_MAX, .shape = {1}, .size = 1, .data = some_values},
     AG_ERROR_SHAPE,
     "4294967295 dimensions"},
    {{.ndims = 2, .shape = {3, 0}, .size = 0, .data = some_values}, AG_ERROR_SHAPE, "[3, 0] is 0"},
    {{.ndims = 2, .shape = {2, 3}, .size = 7, .data = some_values},
     AG_ERROR_SHAPE,
     "7 elements, but its shape is [2, 3]"},
    {{.ndims = 2, .shape = {2, 3}, .size = 0, .data = some_values},
     AG_ERROR_SHAPE,
     "0 elements, but its shape is [2, 3]"},
    {{.ndims = 3, .shape = {1u << 31, 1u << 31, 4}, .size = 0, .data = some_values},
     AG_ERROR_SHAPE,
     "more elements"},
};

START_TEST(a_fabricated_tensor_is_refused_by_the_functions_on_tensors)
{
    ag_tensor bad = fabricated[_i].tensor;
    ag_status status = fabricated[_i].status;
    const char *fragment = fabricated[_i].fragment;
    ag_tensor *good = zeros(6);
    ag_random random = ag_random_create(1), before = random;
    assert_fails(ag_tensor_fill(&bad, 1), status, fragment);
    assert_fails(ag_tensor_fill_uniform(&bad, &random, 0, 1), status, fragment);
    assert_fails(ag_tensor_fill_normal(&bad, &random, 0, 1), status, fragment);
    ck_assert_mem_eq(&random, &before, sizeof random);
    assert_fails(ag_tensor_copy(&bad, good), status, fragment);
    assert_fails(ag_tensor_copy(good, &bad), status, fragment);
    assert_fails(ag_tensor_add(&bad, good, good), status, fragment);
    assert_fails(ag_tensor_add(good, &bad, good), status, fragment);
    assert_fails(ag_tensor_add(good, good, &bad), status, fragment);
    (void)ag_tensor_same_shape(&bad, &bad); /* reads nothing beyond the shape */
}
END_TEST

START_TEST(a_fabricated_tensor_is_refused_by_the_graph)
{
    ag_tensor bad = fabricated[_i].tensor;
    ag_status status = fabricated[_i].status;
    const char *fragment = fabricated[_i].fragment;
    ag_variable *x = ag_create_leaf(arena, zeros(6), true);
    ag_tensor *loss = zeros(1);
    size_t used = ag_arena_used(arena);
    ck_assert_ptr_null(ag_create_leaf(arena, &bad, true));
    assert_last_failure(status, fragment);
    assert_fails(ag_accumulate_grad(x, &bad), status, fragment);
    assert_fails(ag_backward_from(arena, x, &bad), status, fragment);
    assert_fails(ag_tensor_l2_loss(loss, &bad, AG_REDUCTION_SUM), status, fragment);
    assert_fails(ag_tensor_l2_loss(&bad, x->data, AG_REDUCTION_SUM), status, fragment);
    ck_assert_ptr_null(x->grad);
    ck_assert_uint_eq(ag_arena_used(arena), used);
}
END_TEST

START_TEST(shapes_are_the_same_only_if_every_dimension_is)
{
    static const uint32_t shapes[][3] = {{2, 3, 1}, {3, 2, 1}, {6, 1, 1}, {2, 3, 1}};
    ag_tensor *a = ag_tensor_create(arena, 2, shapes[0]);
    ck_assert(ag_tensor_same_shape(a, a));
    ck_assert(ag_tensor_same_shape(a, ag_tensor_create(arena, 2, shapes[3])));
    ck_assert(!ag_tensor_same_shape(a, ag_tensor_create(arena, 2, shapes[1])));
    ck_assert(!ag_tensor_same_shape(a, ag_tensor_create(arena, 1, shapes[2])));
    ck_assert(!ag_tensor_same_shape(a, ag_tensor_create(arena, 3, shapes[0])));
    ck_assert(!ag_tensor_same_shape(a, NULL));
    ck_assert(!ag_tensor_same_shape(NULL, a));
    ck_assert(!ag_tensor_same_shape(NULL, NULL));
    ck_assert_int_eq(ag_last_status(), AG_OK);
}
END_TEST

START_TEST(fill_sets_every_element)
{
    ag_tensor *tensor = zeros(1001);
    ck_assert_int_eq(ag_tensor_fill(tensor, -2.5f), AG_OK);
    for (size_t i = 0; i < tensor->size; i++)
        ck_assert(tensor->data[i] == -2.5f);
    ck_assert_int_eq(ag_tensor_fill(tensor, NAN), AG_OK);
    ck_assert(isnan(tensor->data[1000]));
}
END_TEST

START_TEST(copy_copies_all_and_accepts_the_same_tensor)
{
    float values[] = {1, -2, INFINITY, NAN, -0.0f, 6};
    ag_tensor *from = vector(6, values), *to = zeros(6);
    ck_assert_int_eq(ag_tensor_copy(to, from), AG_OK);
    ck_assert_mem_eq(to->data, values, sizeof values);
    ck_assert_int_eq(ag_tensor_copy(from, from), AG_OK);
    ck_assert_mem_eq(from->data, values, sizeof values);
}
END_TEST

START_TEST(add_adds_and_its_output_may_be_an_input)
{
    ag_tensor *a = vector(3, (float[]){1, 2, 3}), *b = vector(3, (float[]){10, 20, 30});
    ag_tensor *out = zeros(3);
    ck_assert_int_eq(ag_tensor_add(out, a, b), AG_OK);
    ck_assert_mem_eq(out->data, ((float[]){11, 22, 33}), 3 * sizeof(float));
    ck_assert_int_eq(ag_tensor_add(a, a, b), AG_OK);
    ck_assert_mem_eq(a->data, ((float[]){11, 22, 33}), 3 * sizeof(float));
    ck_assert_int_eq(ag_tensor_add(b, a, b), AG_OK);
    ck_assert_mem_eq(b->data, ((float[]){21, 42, 63}), 3 * sizeof(float));
    ck_assert_int_eq(ag_tensor_add(b, b, b), AG_OK);
    ck_assert_mem_eq(b->data, ((float[]){42, 84, 126}), 3 * sizeof(float));
    ck_assert_mem_eq(a->data, ((float[]){11, 22, 33}), 3 * sizeof(float));
}
END_TEST

START_TEST(add_refuses_an_output_that_overlaps_an_input_in_part)
{
    float values[] = {1, 2, 3, 4, 5, 6};
    uint32_t four[] = {4}, two[] = {2};
    ag_tensor *low = ag_tensor_wrap(arena, 1, four, values);
    ag_tensor *high = ag_tensor_wrap(arena, 1, four, values + 1), *other = zeros(4);
    assert_fails(ag_tensor_add(high, low, other), AG_ERROR_OVERLAP, "tensor_add: out");
    assert_fails(ag_tensor_add(low, other, high), AG_ERROR_OVERLAP, "tensor_add: out");
    ck_assert_mem_eq(values, ((float[]){1, 2, 3, 4, 5, 6}), sizeof values);
    ag_tensor *first = ag_tensor_wrap(arena, 1, two, values); /* neighbours do not overlap */
    ag_tensor *second = ag_tensor_wrap(arena, 1, two, values + 2);
    ck_assert_int_eq(ag_tensor_add(first, second, second), AG_OK);
    ck_assert_mem_eq(values, ((float[]){6, 8, 3, 4, 5, 6}), sizeof values);
}
END_TEST

START_TEST(copy_and_add_want_equal_shapes)
{
    uint32_t shape[] = {3, 2};
    ag_tensor *six = vector(6, some_values), *matrix = ag_tensor_create_zeros(arena, 2, shape);
    ag_tensor *out = zeros(6);
    ag_tensor_fill(out, 5);
    assert_fails(ag_tensor_copy(out, matrix), AG_ERROR_SHAPE, "out is [6] but tensor is [3, 2]");
    assert_fails(ag_tensor_add(out, matrix, six), AG_ERROR_SHAPE, "out is [6] but a is [3, 2]");
    assert_fails(ag_tensor_add(out, six, matrix), AG_ERROR_SHAPE, "out is [6] but b is [3, 2]");
    for (size_t i = 0; i < out->size; i++)
        ck_assert(out->data[i] == 5);
}
END_TEST

void add_tensors(Suite *suite)
{
    TCase *tests = add_case(suite, "tensor");
    tcase_add_checked_fixture(tests, create_arena, destroy_arena);
    tcase_add_test(tests, a_tensor_has_the_shape_that_was_asked_for);
    tcase_add_test(tests, zeros_are_zero_even_in_memory_used_before);
    tcase_add_test(tests, values_are_copied_and_memory_is_wrapped);
    tcase_add_loop_test(tests, a_bad_shape_is_refused_and_takes_nothing, 0, COUNT_OF(bad_shapes));
    tcase_add_test(tests, creation_out_of_memory_takes_nothing);
    tcase_add_loop_test(tests, a_fabricated_tensor_is_refused_by_the_functions_on_tensors, 0,
                        COUNT_OF(fabricated));
    tcase_add_loop_test(tests, a_fabricated_tensor_is_refused_by_the_graph, 0,
                        COUNT_OF(fabricated));
    tcase_add_test(tests, shapes_are_the_same_only_if_every_dimension_is);
    tcase_add_test(tests, fill_sets_every_element);
    tcase_add_test(tests, copy_copies_all_and_accepts_the_same_tensor);
    tcase_add_test(tests, add_adds_and_its_output_may_be_an_input);
    tcase_add_test(tests, add_refuses_an_output_that_overlaps_an_input_in_part);
    tcase_add_test(tests, copy_and_add_want_equal_shapes);
}
