/* check_core.c: how failures are told, tensors, random numbers, and the number of threads. */
#include "config.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <autograd/autograd.h>

#include "assertions.h"
#include "suite.h"

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

static ag_arena *arena;

static void create_arena(void)
{
    arena = ag_arena_create(0);
    ck_assert_ptr_nonnull(arena);
}

static void destroy_arena(void)
{
    ag_arena_destroy(arena);
}

static ag_tensor *vector(uint32_t n, const float *values)
{
    ag_tensor *tensor = ag_tensor_create_from(arena, 1, &n, values);
    ck_assert_ptr_nonnull(tensor);
    return tensor;
}

static ag_tensor *zeros(uint32_t n)
{
    ag_tensor *tensor = ag_tensor_create_zeros(arena, 1, &n);
    ck_assert_ptr_nonnull(tensor);
    return tensor;
}

/* ---- status ---- */

static const struct {
    ag_status status;
    int value; /* part of the ABI */
    const char *name;
} statuses[] = {
    {AG_OK, 0, "AG_OK"},
    {AG_ERROR_NULL, 1, "AG_ERROR_NULL"},
    {AG_ERROR_MEMORY, 2, "AG_ERROR_MEMORY"},
    {AG_ERROR_SHAPE, 3, "AG_ERROR_SHAPE"},
    {AG_ERROR_DOMAIN, 4, "AG_ERROR_DOMAIN"},
    {AG_ERROR_ARGUMENT, 5, "AG_ERROR_ARGUMENT"},
    {AG_ERROR_OVERLAP, 6, "AG_ERROR_OVERLAP"},
    {AG_ERROR_GRAPH, 7, "AG_ERROR_GRAPH"},
    {AG_ERROR_FILE, 8, "AG_ERROR_FILE"},
    {AG_ERROR_FORMAT, 9, "AG_ERROR_FORMAT"},
    {AG_ERROR_STATE, 10, "AG_ERROR_STATE"},
};

START_TEST(every_status_keeps_its_number_and_has_a_name_and_a_text)
{
    for (int i = 0; i < COUNT_OF(statuses); i++) {
        ck_assert_int_eq((int)statuses[i].status, statuses[i].value);
        ck_assert_str_eq(ag_status_name(statuses[i].status), statuses[i].name);
        ck_assert_uint_gt(strlen(ag_status_text(statuses[i].status)), 0);
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(ag_status_text(statuses[i].status),
                             ag_status_text(statuses[j].status));
    }
}
END_TEST

START_TEST(the_list_of_statuses_is_what_this_test_knows)
{
    int count = 0;
#define CHECK_ENTRY(constant, number, meaning)                                                     \
    ck_assert_int_lt(count, COUNT_OF(statuses));                                                   \
    ck_assert_str_eq(statuses[count].name, #constant);                                             \
    ck_assert_int_eq(statuses[count].value, number);                                               \
    ck_assert_str_eq(ag_status_text(constant), meaning);                                           \
    count++;
    AG_STATUS_LIST(CHECK_ENTRY)
#undef CHECK_ENTRY
    ck_assert_int_eq(count, COUNT_OF(statuses));
}
END_TEST

static const int numbers_of_no_status[] = {-1, 11, 1000, 1 << 30};

START_TEST(a_number_of_no_status_is_named_as_such)
{
    ag_status unknown = (ag_status)numbers_of_no_status[_i];
    ck_assert_str_eq(ag_status_name(unknown), "AG_ERROR_UNKNOWN");
    ck_assert_str_eq(ag_status_text(unknown), "unknown status");
}
END_TEST

START_TEST(at_first_nothing_has_failed)
{
    ck_assert_int_eq(ag_last_status(), AG_OK);
    ck_assert_str_eq(ag_last_error(), "");
}
END_TEST

START_TEST(a_failure_is_remembered_until_the_next_or_until_it_is_cleared)
{
    ck_assert_int_eq(ag_set_num_threads(-7), AG_ERROR_ARGUMENT);
    ck_assert_int_eq(ag_set_num_threads(0), AG_OK);
    ck_assert_int_eq(ag_last_status(), AG_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(ag_last_error(), "-7"));

    uint32_t no_rows[] = {0};
    ck_assert_ptr_null(ag_tensor_create(arena, 1, no_rows));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_SHAPE);
    ck_assert_ptr_null(strstr(ag_last_error(), "-7"));

    ag_clear_error();
    ck_assert_int_eq(ag_last_status(), AG_OK);
    ck_assert_str_eq(ag_last_error(), "");
    ag_clear_error();
    ck_assert_int_eq(ag_last_status(), AG_OK);
}
END_TEST

START_TEST(a_chain_of_calls_keeps_its_first_reason)
{
    uint32_t shape[] = {2, 0};
    ag_tensor *tensor = ag_tensor_create_zeros(arena, 2, shape);
    ag_variable *x = ag_create_leaf(arena, tensor, true);
    ag_variable *y = ag_relu(arena, ag_add(arena, x, ag_scale(arena, x, 2)));
    ag_variable *loss = ag_mse_loss(arena, y, x, AG_REDUCTION_MEAN);
    ag_optimizer *optimizer = ag_sgd_create(arena, 1, &x, (ag_sgd_options){.learning_rate = 1});
    ck_assert_ptr_null(loss);
    ck_assert_ptr_null(optimizer);
    ck_assert_int_eq(ag_backward(arena, loss), AG_ERROR_SHAPE);
    ck_assert_int_eq(ag_optimizer_step(optimizer), AG_ERROR_SHAPE);
    ck_assert_int_eq(ag_tensor_fill(tensor, 1), AG_ERROR_SHAPE);
    ck_assert_int_eq(ag_zero_grad(x), AG_ERROR_SHAPE);
    assert_last_failure(AG_ERROR_SHAPE, "tensor_create_zeros: dimension 1 of shape [2, 0] is 0");
}
END_TEST

START_TEST(a_null_without_an_earlier_failure_is_the_reason_itself)
{
    assert_fails(ag_tensor_fill(NULL, 1), AG_ERROR_NULL, "tensor_fill: tensor is NULL");
    ck_assert_ptr_null(ag_mse_loss(arena, NULL, NULL, AG_REDUCTION_MEAN));
    assert_last_failure(AG_ERROR_NULL, "mse_loss: pred is NULL");
}
END_TEST

/* Values, shapes and generators come from the caller: they are no failed call's result. */
START_TEST(a_null_that_is_no_result_is_a_reason_of_its_own)
{
    uint32_t shape[] = {1};
    ck_assert_ptr_null(ag_tensor_create(arena, 0, shape));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_SHAPE);
    ck_assert_ptr_null(ag_tensor_create_from(arena, 1, shape, NULL));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_NULL);
    ag_set_num_threads(-1);
    ck_assert_ptr_null(ag_tensor_create(arena, 1, NULL));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_NULL);
    ag_set_num_threads(-1);
    ck_assert_uint_eq(ag_random_bits(NULL), 0);
    assert_last_failure(AG_ERROR_NULL, "random_bits: random is NULL");
}
END_TEST

START_TEST(a_message_longer_than_the_memory_for_it_is_cut)
{
    static char path[5000];
    memset(path, 'x', sizeof path - 1);
    ck_assert_ptr_null(ag_read_idx(arena, path));
    ck_assert_uint_gt(strlen(ag_last_error()), 50);
    ck_assert_uint_lt(strlen(ag_last_error()), 1024);
    assert_last_failure(AG_ERROR_FILE, "xxx");
}
END_TEST

/* Fails in a way of its own again and again, and looks whether it reads its own failure. */
static void *fail_often(void *number)
{
    int threads = -1 - *(int *)number;
    char own[32];
    snprintf(own, sizeof own, ": %d is", threads);
    intptr_t mistaken = ag_last_status() != AG_OK;
    for (int i = 0; i < 20000; i++) {
        ag_set_num_threads(threads);
        mistaken += ag_last_status() != AG_ERROR_ARGUMENT || strstr(ag_last_error(), own) == NULL;
    }
    ag_clear_error();
    mistaken += ag_last_status() != AG_OK;
    return mistaken == 0 ? number : NULL;
}

START_TEST(each_thread_has_its_own_last_failure)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    int numbers[THREADS];
    ck_assert_int_eq(ag_tensor_fill(NULL, 0), AG_ERROR_NULL);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, fail_often, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result = NULL;
        ck_assert_int_eq(pthread_join(threads[i], &result), 0);
        ck_assert_ptr_nonnull(result);
    }
    assert_last_failure(AG_ERROR_NULL, "tensor_fill");
}
END_TEST

/* ---- tensors ---- */

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

/* ---- random numbers ---- */

/* xoshiro256** and splitmix64 once more, from D. Blackman and S. Vigna's papers. */
typedef struct reference_random {
    uint64_t s0, s1, s2, s3;
} reference_random;

static uint64_t reference_splitmix64(uint64_t seed, uint64_t index)
{
    uint64_t z = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static reference_random reference_create(uint64_t seed)
{
    return (reference_random){
        reference_splitmix64(seed, 0),
        reference_splitmix64(seed, 1),
        reference_splitmix64(seed, 2),
        reference_splitmix64(seed, 3),
    };
}

static uint64_t reference_bits(reference_random *r)
{
    uint64_t fives = 5 * r->s1, result = 9 * ((fives << 7) + (fives >> 57));
    uint64_t a = r->s0 ^ r->s2, b = r->s1 ^ r->s3;
    *r = (reference_random){
        r->s0 ^ b,
        r->s1 ^ a,
        a ^ (r->s1 << 17),
        (b << 45) + (b >> 19),
    };
    return result;
}

/* Numbers that others publish: of splitmix64 for seed 1234567, of xoshiro256** for 1, 2, 3, 4. */
START_TEST(published_numbers_come_out)
{
    static const uint64_t splitmix_numbers[] = {
        UINT64_C(6457827717110365317),
        UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),
        UINT64_C(4593380528125082431),
    };
    static const uint64_t xoshiro_numbers[] = {
        UINT64_C(11520),
        UINT64_C(0),
        UINT64_C(1509978240),
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
        UINT64_C(16172922978634559625),
        UINT64_C(8476171486693032832),
        UINT64_C(10595114339597558777),
        UINT64_C(2904607092377533576),
    };
    ag_random random = ag_random_create(1234567);
    ck_assert_mem_eq(random.state, splitmix_numbers, sizeof splitmix_numbers);
    random = (ag_random){{1, 2, 3, 4}};
    for (int i = 0; i < COUNT_OF(xoshiro_numbers); i++)
        ck_assert_uint_eq(ag_random_bits(&random), xoshiro_numbers[i]);
}
END_TEST

START_TEST(bits_follow_the_reference)
{
    static const uint64_t seeds[] = {0, 1, 42, UINT64_MAX, UINT64_C(1) << 63};
    for (int i = 0; i < COUNT_OF(seeds); i++) {
        ag_random random = ag_random_create(seeds[i]);
        reference_random reference = reference_create(seeds[i]);
        for (int k = 0; k < 1000; k++)
            ck_assert_uint_eq(ag_random_bits(&random), reference_bits(&reference));
    }
}
END_TEST

START_TEST(a_zeroed_state_is_that_of_seed_0)
{
    ag_random zeroed = {{0}}, random = ag_random_create(0);
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(ag_random_bits(&zeroed), ag_random_bits(&random));
}
END_TEST

START_TEST(a_copied_state_continues_alike)
{
    ag_random random = ag_random_create(5);
    for (int i = 0; i < 100; i++)
        ag_random_normal(&random, 0, 1);
    ag_random copy = random;
    for (int i = 0; i < 100; i++)
        ck_assert(ag_random_normal(&random, 0, 1) == ag_random_normal(&copy, 0, 1));
}
END_TEST

/* Of the number x with x · factor = 1 in 64 bits. */
static uint64_t inverse(uint64_t factor)
{
    uint64_t x = factor;
    for (int i = 0; i < 6; i++)
        x *= 2 - factor * x;
    return x;
}

/* A generator whose next number is the given one. */
static ag_random about_to_give(uint64_t bits)
{
    uint64_t rotated = bits * inverse(9);
    uint64_t fives = (rotated >> 7) | (rotated << 57);
    ag_random random = {{1, fives * inverse(5), 2, 3}};
    ag_random copy = random;
    ck_assert_uint_eq(ag_random_bits(&copy), bits);
    return random;
}

static const struct {
    float low, high;
} intervals[] = {
    {0, 1},
    {-1, 1},
    {1, 1 + FLT_EPSILON},
    {1, 1 + 16 * FLT_EPSILON},
    {-1e-3f, 1000},
    {16777215, 16777216},
    {0, 0x1p-149f},
    {-0x1p-149f, 0x1p-149f},
    {-FLT_MAX, FLT_MAX},
    {FLT_MAX / 2, FLT_MAX},
    {-1, -0x1p-149f},
};

START_TEST(uniform_never_reaches_its_upper_bound)
{
    float low = intervals[_i].low, high = intervals[_i].high;
    ag_random random = about_to_give(UINT64_MAX);
    float value = ag_random_uniform(&random, low, high);
    ck_assert_msg(value >= low && value < high, "%a is not in [%a, %a)", (double)value, (double)low,
                  (double)high);
    random = about_to_give(0);
    ck_assert(ag_random_uniform(&random, low, high) == low);
    int outside = 0;
    for (int i = 0; i < 100000; i++) {
        value = ag_random_uniform(&random, low, high);
        outside += !(value >= low && value < high);
    }
    ck_assert_int_eq(outside, 0);
}
END_TEST

START_TEST(uniform_scales_24_bits)
{
    static const float first[] = {0x1.5780bp-4f, 0x1.841364p-2f, 0x1.5c2ea6p-1f, 0x1.d9715ap-1f};
    ag_random random = ag_random_create(42);
    for (int i = 0; i < COUNT_OF(first); i++)
        ck_assert(ag_random_uniform(&random, 0, 1) == first[i]);
    random = about_to_give(UINT64_MAX);
    ck_assert(ag_random_uniform(&random, 0, 1) == 1 - 0x1p-24f);
    random = about_to_give(UINT64_C(1) << 40);
    ck_assert(ag_random_uniform(&random, 0, 1) == 0x1p-24f);
    ck_assert(ag_random_uniform(&random, 3, 3) == 3);
}
END_TEST

#define SAMPLES 1000000

/* The mean of (x - center)^power over the samples. */
static double moment(const float *samples, double center, int power)
{
    double sum = 0;
    for (int i = 0; i < SAMPLES; i++)
        sum += pow((double)samples[i] - center, power);
    return sum / SAMPLES;
}

/* Bounds are five standard deviations of the estimate. */
static void assert_near(double estimate, double exact, double standard_deviation)
{
    ck_assert_double_eq_tol(estimate, exact, 5 * standard_deviation / sqrt(SAMPLES));
}

START_TEST(uniform_has_the_moments_of_its_distribution)
{
    static float samples[SAMPLES];
    ag_random random = ag_random_create((uint64_t)_i);
    for (int i = 0; i < SAMPLES; i++)
        samples[i] = ag_random_uniform(&random, -2, 4);
    assert_near(moment(samples, 0, 1), 1, sqrt(3));
    assert_near(moment(samples, 1, 2), 3, sqrt(81.0 / 5 - 9));
    assert_near(moment(samples, 1, 3), 0, sqrt(729.0 / 7));
    assert_near(moment(samples, 1, 4), 81.0 / 5, sqrt(6561.0 / 9 - 81.0 * 81 / 25));
}
END_TEST

START_TEST(normal_has_the_moments_of_its_distribution)
{
    static float samples[SAMPLES];
    ag_random random = ag_random_create((uint64_t)_i);
    for (int i = 0; i < SAMPLES; i++)
        samples[i] = ag_random_normal(&random, 3, 2);
    assert_near(moment(samples, 0, 1), 3, 2);
    assert_near(moment(samples, 3, 2), 4, 4 * sqrt(2));
    assert_near(moment(samples, 3, 3), 0, 8 * sqrt(15));
    assert_near(moment(samples, 3, 4), 16 * 3, 16 * sqrt(96));
}
END_TEST

/* The share of samples beyond 1, 2, 3 and 4 standard deviations on either side. */
START_TEST(normal_has_the_tails_of_its_distribution)
{
    ag_random random = ag_random_create(11);
    int beyond[5] = {0};
    for (int i = 0; i < SAMPLES; i++) {
        double distance = fabs((double)ag_random_normal(&random, 0, 1));
        for (int k = 1; k <= 4; k++)
            beyond[k] += distance > k;
    }
    for (int k = 1; k <= 4; k++) {
        double share = erfc(k / sqrt(2));
        assert_near((double)beyond[k] / SAMPLES, share, sqrt(share * (1 - share)));
    }
}
END_TEST

static double reference_uniform(reference_random *r)
{
    return ldexp((double)(reference_bits(r) >> 11), -53);
}

/* G. Marsaglia's polar method (1964), with the logarithm of the machine's library. */
static double reference_normal(reference_random *r)
{
    for (;;) {
        double x = 2 * reference_uniform(r) - 1, y = 2 * reference_uniform(r) - 1;
        double square = x * x + y * y;
        if (square > 0 && square < 1) return x * sqrt(-2 * log(square) / square);
    }
}

START_TEST(normal_follows_the_reference)
{
    ag_random random = ag_random_create(123);
    reference_random reference = reference_create(123);
    double worst = 0;
    for (int i = 0; i < 100000; i++) {
        double exact = reference_normal(&reference);
        double actual = (double)ag_random_normal(&random, 0, 1);
        worst = fmax(worst, fabs(actual / exact - 1));
    }
    ck_assert_double_lt(worst, 1e-6);
}
END_TEST

/* Computed with 200 bits and rounded; none is close to a tie between two floats. */
START_TEST(normal_has_the_same_bits_in_every_build)
{
    static const float first[] = {
        0x1.e267c8p+0f, 0x1.4d55cap+0f, 0x1.c0d732p-2f, -0x1.5088ep-1f,
        0x1.153c16p+0f, 0x1.0252c4p-1f, 0x1.d735a2p-3f, -0x1.ac8eb6p-1f,
    };
    ag_random random = ag_random_create(1);
    for (int i = 0; i < COUNT_OF(first); i++) {
        float value = ag_random_normal(&random, 0, 1);
        ck_assert_msg(value == first[i], "number %d is %a, not %a", i, (double)value,
                      (double)first[i]);
    }
    random = ag_random_create(1);
    ck_assert(ag_random_normal(&random, 1, 0) == 1);
    ck_assert(ag_random_normal(&random, 100, 2) == (float)(100 + 2 * 1.302090250702661));
}
END_TEST

START_TEST(fills_take_the_numbers_in_order_of_memory)
{
    uint32_t shape[] = {7, 11};
    ag_tensor *tensor = ag_tensor_create(arena, 2, shape);
    ag_random random = ag_random_create(8), again = random;
    ck_assert_int_eq(ag_tensor_fill_uniform(tensor, &random, -3, 5), AG_OK);
    for (size_t i = 0; i < tensor->size; i++)
        ck_assert(tensor->data[i] == ag_random_uniform(&again, -3, 5));
    ck_assert_int_eq(ag_tensor_fill_normal(tensor, &random, 1, 0.5f), AG_OK);
    for (size_t i = 0; i < tensor->size; i++)
        ck_assert(tensor->data[i] == ag_random_normal(&again, 1, 0.5f));
    ck_assert_mem_eq(&random, &again, sizeof random);
}
END_TEST

static void assert_share(int count, int draws, double share)
{
    double deviation = sqrt(draws * share * (1 - share));
    ck_assert_double_le(fabs(count - draws * share), 5 * deviation);
}

static const uint32_t bounds[] = {2, 3, 7, 10, 64, 1000};

START_TEST(below_gives_every_number_equally_often)
{
    int counts[1000] = {0};
    enum { DRAWS = 1000000 };
    uint32_t bound = bounds[_i];
    ag_random random = ag_random_create(bound);
    for (int i = 0; i < DRAWS; i++) {
        uint32_t value = ag_random_below(&random, bound);
        if (value >= bound) ck_abort_msg("%u is not below %u", value, bound);
        counts[value]++;
    }
    for (uint32_t value = 0; value < bound; value++)
        assert_share(counts[value], DRAWS, 1.0 / bound);
}
END_TEST

/* Where 32 bits do not divide evenly, one third would come twice as often without a rejection. */
START_TEST(below_has_no_bias_for_a_large_bound)
{
    enum { DRAWS = 300000 };
    int residues[3] = {0}, thirds[3] = {0};
    ag_random random = ag_random_create(77);
    for (int i = 0; i < DRAWS; i++) {
        uint32_t value = ag_random_below(&random, 3u << 30);
        if (value >= 3u << 30) ck_abort_msg("%u is not below %u", value, 3u << 30);
        residues[value % 3]++;
        thirds[value >> 30]++;
    }
    for (int k = 0; k < 3; k++) {
        assert_share(residues[k], DRAWS, 1.0 / 3);
        assert_share(thirds[k], DRAWS, 1.0 / 3);
    }
}
END_TEST

START_TEST(below_has_limits)
{
    ag_random random = ag_random_create(3);
    for (int i = 0; i < 100; i++) {
        ck_assert_uint_eq(ag_random_below(&random, 1), 0);
        ck_assert_uint_eq(ag_random_below(&random, 0), 0);
        ck_assert_uint_lt(ag_random_below(&random, UINT32_MAX), UINT32_MAX);
    }
    ck_assert_int_eq(ag_last_status(), AG_OK);
}
END_TEST

START_TEST(shuffle_permutes)
{
    enum { COUNT = 10000 };
    static uint32_t indices[COUNT];
    static bool seen[COUNT];
    ag_random random = ag_random_create(4);
    for (uint32_t i = 0; i < COUNT; i++)
        indices[i] = i;
    ck_assert_int_eq(ag_random_shuffle(&random, COUNT, indices), AG_OK);
    int at_home = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        if (indices[i] >= COUNT || seen[indices[i]]) ck_abort_msg("%u is wrong", indices[i]);
        seen[indices[i]] = true;
        at_home += indices[i] == i;
    }
    ck_assert_int_lt(at_home, 10); /* one is expected */
}
END_TEST

START_TEST(shuffle_gives_every_order_equally_often)
{
    enum { DRAWS = 240000 };
    static int counts[3333];
    ag_random random = ag_random_create(6);
    for (int i = 0; i < DRAWS; i++) {
        uint32_t order[] = {0, 1, 2, 3};
        ag_random_shuffle(&random, 4, order);
        counts[order[0] * 1000 + order[1] * 100 + order[2] * 10 + order[3]]++;
    }
    int orders = 0;
    for (int i = 0; i < COUNT_OF(counts); i++) {
        if (counts[i] == 0) continue;
        assert_share(counts[i], DRAWS, 1.0 / 24);
        orders++;
    }
    ck_assert_int_eq(orders, 24);
}
END_TEST

START_TEST(shuffle_has_limits)
{
    uint32_t indices[] = {9, 8};
    ag_random random = ag_random_create(4), before = random;
    ck_assert_int_eq(ag_random_shuffle(&random, 0, indices), AG_OK);
    ck_assert_int_eq(ag_random_shuffle(&random, 1, indices), AG_OK);
    ck_assert_mem_eq(indices, ((uint32_t[]){9, 8}), sizeof indices);
    assert_fails(ag_random_shuffle(&random, (size_t)UINT32_MAX + 1, indices), AG_ERROR_ARGUMENT,
                 "4294967296");
    assert_fails(ag_random_shuffle(NULL, 2, indices), AG_ERROR_NULL, "random is NULL");
    assert_fails(ag_random_shuffle(&random, 2, NULL), AG_ERROR_NULL, "indices is NULL");
    ck_assert_mem_eq(indices, ((uint32_t[]){9, 8}), sizeof indices);
    ck_assert_mem_eq(&random, &before, sizeof random);
}
END_TEST

START_TEST(a_null_generator_gives_zero)
{
    ck_assert_uint_eq(ag_random_bits(NULL), 0);
    assert_last_failure(AG_ERROR_NULL, "random_bits: random is NULL");
    ck_assert_uint_eq(ag_random_below(NULL, 5), 0);
    assert_last_failure(AG_ERROR_NULL, "random_below: random is NULL");
    ck_assert(ag_random_uniform(NULL, 1, 2) == 0);
    assert_last_failure(AG_ERROR_NULL, "random_uniform: random is NULL");
    ck_assert(ag_random_normal(NULL, 1, 2) == 0);
    assert_last_failure(AG_ERROR_NULL, "random_normal: random is NULL");
}
END_TEST

/* ---- threads ---- */

static bool has_openmp(void)
{
    return strstr(ag_build_info(), "no OpenMP") == NULL;
}

START_TEST(the_number_of_threads_has_a_range)
{
    int before = ag_get_num_threads();
    ck_assert_int_ge(before, 1);
    assert_fails(ag_set_num_threads(-1), AG_ERROR_ARGUMENT, "-1 is not between 0 and 1024");
    assert_fails(ag_set_num_threads(1025), AG_ERROR_ARGUMENT, "1025 is not between 0 and 1024");
    assert_fails(ag_set_num_threads(INT32_MIN), AG_ERROR_ARGUMENT, "-2147483648");
    assert_fails(ag_set_num_threads(INT32_MAX), AG_ERROR_ARGUMENT, "2147483647");
    ck_assert_int_eq(ag_get_num_threads(), before);
}
END_TEST

START_TEST(the_number_of_threads_is_what_was_set)
{
    static const int numbers[] = {1, 2, 3, 64, 1024};
    int before = ag_get_num_threads();
    for (int i = 0; i < COUNT_OF(numbers); i++) {
        ck_assert_int_eq(ag_set_num_threads(numbers[i]), AG_OK);
        ck_assert_int_eq(ag_get_num_threads(), has_openmp() ? numbers[i] : 1);
    }
    ck_assert_int_eq(ag_set_num_threads(0), AG_OK);
    ck_assert_int_eq(ag_get_num_threads(), before);
}
END_TEST

START_TEST(deterministic_products_are_a_setting)
{
    ck_assert(ag_set_deterministic(true));
    ck_assert(ag_set_deterministic(false));
    ck_assert(!ag_set_deterministic(false));
    ck_assert(!ag_set_deterministic(true));
    ck_assert(ag_set_deterministic(true));
}
END_TEST

static ag_tensor *random_matrix(uint32_t rows, uint32_t columns)
{
    ag_random random = ag_random_create(rows);
    ag_tensor *matrix = ag_tensor_create(arena, 2, (uint32_t[]){rows, columns});
    ck_assert_int_eq(ag_tensor_fill_uniform(matrix, &random, -1, 1), AG_OK);
    return matrix;
}

/* 17 million multiplications: several tiles. */
START_TEST(a_deterministic_product_has_the_same_bits_for_any_number_of_threads)
{
    ag_variable *a = ag_create_leaf(arena, random_matrix(200, 300), false);
    ag_variable *b = ag_create_leaf(arena, random_matrix(300, 280), false);
    ag_set_num_threads(1);
    ag_variable *expected = ag_matmul(arena, a, b, false, false);
    ck_assert_ptr_nonnull(expected);
    for (int threads = 2; threads <= 8; threads++) {
        ag_set_num_threads(threads);
        ag_variable *product = ag_matmul(arena, a, b, false, false);
        ck_assert_mem_eq(product->data->data, expected->data->data,
                         product->data->size * sizeof(float));
    }
}
END_TEST

/* The loss of a tensor that is large enough for several threads. */
static float large_loss(const ag_tensor *x)
{
    float value = NAN;
    uint32_t shape[] = {1};
    ag_tensor *out = ag_tensor_wrap(arena, 1, shape, &value);
    ck_assert_int_eq(ag_tensor_l2_loss(out, x, AG_REDUCTION_SUM), AG_OK);
    return value;
}

START_TEST(a_forked_child_computes_the_same_on_one_thread)
{
    ag_tensor *x = zeros(1 << 20);
    ag_random random = ag_random_create(1);
    ag_tensor_fill_uniform(x, &random, -1, 1);
    ag_set_num_threads(2);
    float expected = large_loss(x);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        alarm(20); /* in place of waiting for threads that are gone */
        _exit(ag_get_num_threads() == 1 && large_loss(x) == expected ? 0 : 1);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_eq(ag_get_num_threads(), has_openmp() ? 2 : 1);
    ck_assert(large_loss(x) == expected);
}
END_TEST

/* ---- */

static void add_status(Suite *suite)
{
    TCase *tests = add_case(suite, "status");
    tcase_add_checked_fixture(tests, create_arena, destroy_arena);
    tcase_add_test(tests, every_status_keeps_its_number_and_has_a_name_and_a_text);
    tcase_add_test(tests, the_list_of_statuses_is_what_this_test_knows);
    tcase_add_loop_test(tests, a_number_of_no_status_is_named_as_such, 0,
                        COUNT_OF(numbers_of_no_status));
    tcase_add_test(tests, at_first_nothing_has_failed);
    tcase_add_test(tests, a_failure_is_remembered_until_the_next_or_until_it_is_cleared);
    tcase_add_test(tests, a_chain_of_calls_keeps_its_first_reason);
    tcase_add_test(tests, a_null_without_an_earlier_failure_is_the_reason_itself);
    tcase_add_test(tests, a_null_that_is_no_result_is_a_reason_of_its_own);
    tcase_add_test(tests, a_message_longer_than_the_memory_for_it_is_cut);
    tcase_add_test(tests, each_thread_has_its_own_last_failure);
}

static void add_tensor(Suite *suite)
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

static void add_random(Suite *suite)
{
    TCase *tests = add_case(suite, "random");
    tcase_add_checked_fixture(tests, create_arena, destroy_arena);
    tcase_add_test(tests, published_numbers_come_out);
    tcase_add_test(tests, bits_follow_the_reference);
    tcase_add_test(tests, a_zeroed_state_is_that_of_seed_0);
    tcase_add_test(tests, a_copied_state_continues_alike);
    tcase_add_loop_test(tests, uniform_never_reaches_its_upper_bound, 0, COUNT_OF(intervals));
    tcase_add_test(tests, uniform_scales_24_bits);
    tcase_add_loop_test(tests, uniform_has_the_moments_of_its_distribution, 0, 2);
    tcase_add_loop_test(tests, normal_has_the_moments_of_its_distribution, 0, 2);
    tcase_add_test(tests, normal_has_the_tails_of_its_distribution);
    tcase_add_test(tests, normal_follows_the_reference);
    tcase_add_test(tests, normal_has_the_same_bits_in_every_build);
    tcase_add_test(tests, fills_take_the_numbers_in_order_of_memory);
    tcase_add_loop_test(tests, below_gives_every_number_equally_often, 0, COUNT_OF(bounds));
    tcase_add_test(tests, below_has_no_bias_for_a_large_bound);
    tcase_add_test(tests, below_has_limits);
    tcase_add_test(tests, shuffle_permutes);
    tcase_add_test(tests, shuffle_gives_every_order_equally_often);
    tcase_add_test(tests, shuffle_has_limits);
    tcase_add_test(tests, a_null_generator_gives_zero);
}

static void add_threads(Suite *suite)
{
    TCase *tests = add_case(suite, "threads");
    tcase_add_checked_fixture(tests, create_arena, destroy_arena);
    tcase_add_test(tests, the_number_of_threads_has_a_range);
    tcase_add_test(tests, the_number_of_threads_is_what_was_set);
    tcase_add_test(tests, deterministic_products_are_a_setting);
    tcase_add_test(tests, a_deterministic_product_has_the_same_bits_for_any_number_of_threads);
    tcase_add_test(tests, a_forked_child_computes_the_same_on_one_thread);
}

int main(void)
{
    Suite *suite = suite_create("core");
    add_status(suite);
    add_tensor(suite);
    add_random(suite);
    add_threads(suite);
    return run_suite(suite);
}
