/* threads.c: the number of threads, determinism, and a fork. */
#include "config.h"

#include "core/world.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assertions.h"
#include "suite.h"

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

START_TEST(determinism_is_a_setting)
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

/* 17 million multiplications: work for several threads. */
START_TEST(a_product_has_the_same_bits_for_any_number_of_threads)
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

void add_threads(Suite *suite)
{
    TCase *tests = add_case(suite, "threads");
    tcase_add_checked_fixture(tests, create_arena, destroy_arena);
    tcase_add_test(tests, the_number_of_threads_has_a_range);
    tcase_add_test(tests, the_number_of_threads_is_what_was_set);
    tcase_add_test(tests, determinism_is_a_setting);
    tcase_add_test(tests, a_product_has_the_same_bits_for_any_number_of_threads);
    tcase_add_test(tests, a_forked_child_computes_the_same_on_one_thread);
}
