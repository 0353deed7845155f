/* status.c: how failures are told. */
#include "config.h"

#include "core/world.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "assertions.h"
#include "suite.h"

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

void add_status(Suite *suite)
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
