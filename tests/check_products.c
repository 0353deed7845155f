/*
 * check_products.c: products of matrices, at every level of instructions that this machine has: all
 * ways to transpose, shapes on both sides of every tile and block, bits that depend on nothing but the
 * row, the column and k. Whole numbers are multiplied, whose products floats add exactly, so that any
 * wrong number is an error.
 */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <autograd/autograd.h>

#include "core/cpu.h"

/* The source itself, for a level of our choice; the library's copy is not linked then. */
static int level_under_test;
#define ag__cpu() level_under_test
#include "core/product.c"
#undef ag__cpu

#include "suite.h"

/* Around every matrix, so that a number which is read there shows in the result, and a write is seen. */
#define MARGIN 64

typedef struct numbers {
    float *memory, *data; /* MARGIN floats of NaN before and behind */
    size_t size;
} numbers;

static numbers create_numbers(size_t size)
{
    numbers x = {.memory = malloc((size + 2 * MARGIN) * sizeof(float)), .size = size};
    ck_assert_ptr_nonnull(x.memory);
    x.data = x.memory + MARGIN;
    for (size_t i = 0; i < size + 2 * MARGIN; i++)
        x.memory[i] = NAN;
    return x;
}

/* From -8 to 8: sums of 4,000 products of such numbers are exact. */
static numbers create_whole_numbers(ag_random *random, size_t size)
{
    numbers x = create_numbers(size);
    for (size_t i = 0; i < size; i++)
        x.data[i] = (float)ag_random_below(random, 17) - 8;
    return x;
}

static numbers create_uniform(ag_random *random, size_t size)
{
    numbers x = create_numbers(size);
    for (size_t i = 0; i < size; i++)
        x.data[i] = ag_random_uniform(random, -1, 1);
    return x;
}

static void destroy_numbers(numbers x)
{
    for (size_t i = 0; i < MARGIN; i++)
        ck_assert_msg(isnan(x.memory[i]) && isnan(x.data[x.size + i]), "written beside a matrix");
    free(x.memory);
}

static ag__matrix stored(numbers x, size_t rows, size_t columns, bool transposed)
{
    return transposed ? (ag__matrix){x.data, columns, rows, true}
                      : (ag__matrix){x.data, rows, columns, false};
}

static double at(numbers x, size_t rows, size_t columns, bool transposed, size_t i, size_t j)
{
    return (double)x.data[transposed ? j * rows + i : i * columns + j];
}

static double exact_element(numbers a, numbers b, const size_t shape[3], int ways, size_t i,
                            size_t j)
{
    double sum = 0;
    for (size_t k = 0; k < shape[2]; k++)
        sum += at(a, shape[0], shape[2], (ways & 1) != 0, i, k) *
               at(b, shape[2], shape[1], (ways & 2) != 0, k, j);
    return sum;
}

/* What a product starts from. */
enum { NOTHING, A_ROW, WHAT_IS_THERE, NUM_STARTS };

static void check_shape_once(ag_random *random, const size_t shape[3], int ways, int start)
{
    size_t m = shape[0], n = shape[1], k = shape[2];
    numbers a = create_whole_numbers(random, m * k), b = create_whole_numbers(random, k * n);
    numbers c = create_numbers(m * n), from = create_whole_numbers(random, m * n);
    ag__matrix op_a = stored(a, m, k, (ways & 1) != 0), op_b = stored(b, k, n, (ways & 2) != 0);
    if (start == WHAT_IS_THERE) memcpy(c.data, from.data, m * n * sizeof(float));
    if (start == A_ROW)
        ag__matmul_plus_row(op_a, op_b, from.data, c.data);
    else
        ag__matmul(op_a, op_b, start == WHAT_IS_THERE, c.data);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double first = start == NOTHING ? 0
                           : start == A_ROW ? (double)from.data[j]
                                            : (double)from.data[i * n + j];
            double expected = first + exact_element(a, b, shape, ways, i, j);
            ck_assert_msg((double)c.data[i * n + j] == expected,
                          "level %d, [%zu, %zu, %zu], ways %d, start %d: [%zu, %zu] is %g, not %g",
                          level_under_test, m, n, k, ways, start, i, j, (double)c.data[i * n + j],
                          expected);
        }
    destroy_numbers(a), destroy_numbers(b), destroy_numbers(c), destroy_numbers(from);
}

static void check_shape(ag_random *random, size_t m, size_t n, size_t k)
{
    for (int ways = 0; ways < 4; ways++)
        for (int start = 0; start < NUM_STARTS; start++)
            check_shape_once(random, (size_t[]){m, n, k}, ways, start);
}

/* Rows on both sides of a tile; columns on both sides of a vector and of a panel. */
START_TEST(small_shapes_are_exact)
{
    static const size_t rows[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 21};
    static const size_t columns[] = {1, 3, 4, 8, 12, 13, 16, 17, 24, 31, 32, 48, 49, 64, 80, 100};
    static const size_t depths[] = {1, 5, 16, 19};
    ag_random random = ag_random_create(1);
    level_under_test = _i;
    for (size_t m = 0; m < sizeof rows / sizeof *rows; m++)
        for (size_t n = 0; n < sizeof columns / sizeof *columns; n++)
            for (size_t k = 0; k < sizeof depths / sizeof *depths; k++)
                check_shape(&random, rows[m], columns[n], depths[k]);
}
END_TEST

/* Depths and rows on both sides of a block. */
START_TEST(shapes_of_several_blocks_are_exact)
{
    static const size_t shapes[][3] = {{5, 50, 255},  {5, 50, 256},   {5, 50, 257},  {9, 17, 600},
                                       {255, 20, 40}, {256, 20, 257}, {257, 49, 30}, {520, 33, 300},
                                       {1, 200, 784}, {300, 1, 300},  {17, 49, 128}, {17, 49, 129}};
    ag_random random = ag_random_create(2);
    level_under_test = _i;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check_shape(&random, shapes[i][0], shapes[i][1], shapes[i][2]);
}
END_TEST

START_TEST(batches_are_products_one_by_one)
{
    enum { COUNT = 5, M = 6, N = 19, K = 33 };
    ag_random random = ag_random_create(3);
    level_under_test = _i;
    for (int ways = 0; ways < 4; ways++)
        for (int accumulate = 0; accumulate < 2; accumulate++) {
            numbers a = create_uniform(&random, COUNT * M * K);
            numbers b = create_uniform(&random, COUNT * K * N);
            numbers all = create_uniform(&random, COUNT * M * N),
                    one = create_numbers(COUNT * M * N);
            memcpy(one.data, all.data, all.size * sizeof(float));
            ag__matrix op_a = stored(a, M, K, (ways & 1) != 0),
                       op_b = stored(b, K, N, (ways & 2) != 0);
            ag__matmul_batch(COUNT, op_a, op_b, accumulate != 0, all.data);
            for (size_t i = 0; i < COUNT; i++) {
                ag__matmul(op_a, op_b, accumulate != 0, one.data + i * M * N);
                op_a.data += M * K;
                op_b.data += K * N;
            }
            ck_assert_mem_eq(all.data, one.data, all.size * sizeof(float));
            destroy_numbers(a), destroy_numbers(b), destroy_numbers(all), destroy_numbers(one);
        }
}
END_TEST

/* A part is computed as in the whole, and nothing is written between the rows of its result. */
START_TEST(parts_have_the_bits_of_the_whole)
{
    enum {
        M = 70,
        N = 131,
        K = 300,
        ROW = 9,
        COLUMN = 35,
        ROWS_OF_PART = 30,
        COLUMNS_OF_PART = 61
    };
    ag_random random = ag_random_create(4);
    level_under_test = _i;
    for (int ways = 0; ways < 4; ways++) {
        bool ta = (ways & 1) != 0, tb = (ways & 2) != 0;
        numbers a = create_uniform(&random, M * K), b = create_uniform(&random, K * N);
        numbers whole = create_numbers(M * N), part = create_numbers(M * N);
        ag__matmul(stored(a, M, K, ta), stored(b, K, N, tb), false, whole.data);
        ag__multiply_part(ROWS_OF_PART, COLUMNS_OF_PART, K,
                          (ag__part){a.data + (ta ? ROW : ROW * K), ta ? M : K, ta},
                          (ag__part){b.data + (tb ? COLUMN * K : COLUMN), tb ? K : N, tb}, false,
                          part.data + ROW * N + COLUMN, N);
        for (size_t i = 0; i < M; i++)
            for (size_t j = 0; j < N; j++) {
                bool inside = i >= ROW && i < ROW + ROWS_OF_PART && j >= COLUMN &&
                              j < COLUMN + COLUMNS_OF_PART;
                float found = part.data[i * N + j];
                ck_assert(inside ? found == whole.data[i * N + j] : isnan(found));
            }
        destroy_numbers(a), destroy_numbers(b), destroy_numbers(whole), destroy_numbers(part);
    }
}
END_TEST

/* Sets c to what a product, or some of them, start from, and multiplies; all sizes are those of one. */
static void multiply_from(int start, size_t count, ag__matrix a, ag__matrix b, numbers from,
                          numbers c)
{
    memcpy(c.data, from.data, c.size * sizeof(float));
    if (start == A_ROW)
        ag__matmul_plus_row(a, b, from.data, c.data);
    else
        ag__matmul_batch(count, a, b, start == WHAT_IS_THERE, c.data);
}

/* With one thread, and with any of up to 13, which cut in all ways. */
static void check_threads(size_t count, size_t m, size_t n, size_t k, int start)
{
    ag_random random = ag_random_create(5);
    numbers a = create_uniform(&random, count * m * k), b = create_uniform(&random, count * k * n);
    numbers from = create_uniform(&random, count * m * n);
    numbers expected = create_numbers(count * m * n), found = create_numbers(count * m * n);
    for (int ways = 0; ways < 4; ways++) {
        ag__matrix op_a = stored(a, m, k, (ways & 1) != 0), op_b = stored(b, k, n, (ways & 2) != 0);
        ag_set_num_threads(1);
        multiply_from(start, count, op_a, op_b, from, expected);
        for (int threads = 2; threads <= 13; threads++) {
            ag_set_num_threads(threads);
            multiply_from(start, count, op_a, op_b, from, found);
            ck_assert_mem_eq(found.data, expected.data, found.size * sizeof(float));
        }
    }
    ag_set_num_threads(0);
    destroy_numbers(a), destroy_numbers(b), destroy_numbers(from);
    destroy_numbers(expected), destroy_numbers(found);
}

/* 21 million multiplications; and 3 times 7 million. */
START_TEST(threads_change_no_bit)
{
    level_under_test = _i;
    for (int start = 0; start < NUM_STARTS; start++)
        check_threads(1, 270, 260, 301, start);
    check_threads(3, 150, 160, 301, NOTHING);
    check_threads(3, 150, 160, 301, WHAT_IS_THERE);
}
END_TEST

/* The rounding of a sum of k floats in blocks: far below the bound that docs/numerics.md names. */
START_TEST(errors_stay_below_their_bound)
{
    enum { M = 40, N = 70, K = 1000 };
    const size_t shape[] = {M, N, K};
    ag_random random = ag_random_create(6);
    level_under_test = _i;
    numbers a = create_uniform(&random, M * K), b = create_uniform(&random, K * N);
    numbers c = create_numbers(M * N);
    ag__matmul(stored(a, M, K, false), stored(b, K, N, true), false, c.data);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++) {
            double exact = exact_element(a, b, shape, 2, i, j);
            ck_assert_double_le(fabs((double)c.data[i * N + j] - exact), 2e-5);
        }
    destroy_numbers(a), destroy_numbers(b), destroy_numbers(c);
}
END_TEST

/* A NaN is in its row or column alone, and a 0 does not hide it. */
START_TEST(nan_stays_in_its_row_and_column)
{
    enum { M = 11, N = 53, K = 20 };
    ag_random random = ag_random_create(7);
    level_under_test = _i;
    for (int ways = 0; ways < 4; ways++) {
        bool ta = (ways & 1) != 0, tb = (ways & 2) != 0;
        numbers a = create_whole_numbers(&random, M * K), b = create_whole_numbers(&random, K * N);
        numbers c = create_numbers(M * N);
        memset(b.data, 0, b.size * sizeof(float));
        a.data[ta ? 3 * M + 10 : 10 * K + 3] = NAN;
        b.data[tb ? 52 * K + 5 : 5 * N + 52] = INFINITY;
        ag__matmul(stored(a, M, K, ta), stored(b, K, N, tb), false, c.data);
        for (size_t i = 0; i < M; i++)
            for (size_t j = 0; j + 1 < N; j++)
                ck_assert(i == 10 ? isnan(c.data[i * N + j]) : c.data[i * N + j] == 0);
        for (size_t i = 0; i + 1 < M; i++)
            ck_assert(!isfinite(c.data[i * N + 52]));
        destroy_numbers(a), destroy_numbers(b), destroy_numbers(c);
    }
}
END_TEST

static int levels_of_this_machine(void)
{
    int best = 0; /* AG__CPU_COUNT is 1 where the compiler knows no levels */
    for (int each = 1; each < AG__CPU_COUNT; each++)
        if ((ag__cpu)() >= each) best = each;
    return best + 1;
}

int main(void)
{
    Suite *suite = suite_create("products");
    TCase *tests = add_case(suite, "at each level");
    int count = levels_of_this_machine();
    tcase_add_loop_test(tests, small_shapes_are_exact, 0, count);
    tcase_add_loop_test(tests, shapes_of_several_blocks_are_exact, 0, count);
    tcase_add_loop_test(tests, batches_are_products_one_by_one, 0, count);
    tcase_add_loop_test(tests, parts_have_the_bits_of_the_whole, 0, count);
    tcase_add_loop_test(tests, threads_change_no_bit, 0, count);
    tcase_add_loop_test(tests, errors_stay_below_their_bound, 0, count);
    tcase_add_loop_test(tests, nan_stays_in_its_row_and_column, 0, count);
    return run_suite(suite);
}
