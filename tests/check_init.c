/* check_init.c: initialisers: their distributions, their bits, what they refuse. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include <autograd/autograd.h>

#include "assertions.h"
#include "suite.h"

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

static ag_arena *arena, *temporary;
static ag_random numbers;
static ag_tensor *kernel; /* [64, 32, 3, 3]: fan in 288, fan out 576 */

static void create_arenas(void)
{
    arena = ag_arena_create(0);
    temporary = ag_arena_create(0);
    numbers = ag_random_create(7);
    kernel = ag_tensor_create_zeros(arena, 4, (uint32_t[]){64, 32, 3, 3});
    ck_assert(temporary != NULL && kernel != NULL);
}

static void destroy_arenas(void)
{
    ag_arena_destroy(arena);
    ag_arena_destroy(temporary);
}

static double mean_of(const ag_tensor *tensor)
{
    double sum = 0;
    for (size_t i = 0; i < tensor->size; i++)
        sum += (double)tensor->data[i];
    return sum / (double)tensor->size;
}

static double deviation_of(const ag_tensor *tensor)
{
    double sum = 0, mean = mean_of(tensor);
    for (size_t i = 0; i < tensor->size; i++)
        sum += pow((double)tensor->data[i] - mean, 2);
    return sqrt(sum / (double)tensor->size);
}

static double largest_of(const ag_tensor *tensor)
{
    double largest = 0;
    for (size_t i = 0; i < tensor->size; i++)
        largest = fmax(largest, fabs((double)tensor->data[i]));
    return largest;
}

/* 18432 numbers: the deviation is known to 1 %, the mean to 2 % of it, at three sigma or more. */
static void assert_distribution(double deviation, bool is_uniform)
{
    ck_assert_double_le(fabs(mean_of(kernel)), 0.025 * deviation);
    ck_assert_double_le(fabs(deviation_of(kernel) - deviation), 0.02 * deviation);
    double bound = sqrt(3) * deviation;
    if (is_uniform)
        ck_assert(largest_of(kernel) <= bound * (1 + 1e-6) && largest_of(kernel) > 0.995 * bound);
    else
        ck_assert(largest_of(kernel) > 3 * deviation);
}

START_TEST(kaiming_has_its_variance)
{
    succeed(ag_init_kaiming_uniform(kernel, &numbers, AG_FAN_IN, 2));
    assert_distribution(2 / sqrt(288), true);
    succeed(ag_init_kaiming_uniform(kernel, &numbers, AG_FAN_OUT, 2));
    assert_distribution(2 / sqrt(576), true);
    succeed(ag_init_kaiming_normal(kernel, &numbers, AG_FAN_IN, 3));
    assert_distribution(3 / sqrt(288), false);
    succeed(ag_init_kaiming_normal(kernel, &numbers, AG_FAN_OUT, 3));
    assert_distribution(3 / sqrt(576), false);
}
END_TEST

START_TEST(xavier_has_its_variance)
{
    succeed(ag_init_xavier_uniform(kernel, &numbers, 2));
    assert_distribution(2 * sqrt(2.0 / (288 + 576)), true);
    succeed(ag_init_xavier_normal(kernel, &numbers, 2));
    assert_distribution(2 * sqrt(2.0 / (288 + 576)), false);
}
END_TEST

/* Those of torch.nn.init.calculate_gain. */
START_TEST(gains)
{
    ck_assert(ag_init_gain(AG_NONLINEARITY_NONE, 0) == 1);
    ck_assert(ag_init_gain(AG_NONLINEARITY_SIGMOID, 0) == 1);
    ck_assert(ag_init_gain(AG_NONLINEARITY_TANH, 0) == 5.0f / 3);
    ck_assert(ag_init_gain(AG_NONLINEARITY_RELU, 0) == (float)sqrt(2));
    ck_assert(ag_init_gain(AG_NONLINEARITY_LEAKY_RELU, 1) == 1);
    ck_assert(ag_init_gain(AG_NONLINEARITY_LEAKY_RELU, 0) == (float)sqrt(2));
    ck_assert(ag_init_gain(AG_NONLINEARITY_SELU, 0) == 0.75f);
    ck_assert(isnan(ag_init_gain((ag_nonlinearity)99, 0)));
    ck_assert_str_eq(ag_last_error(), "init_gain: nonlinearity is 99, which is none");
    ag_clear_error();
}
END_TEST

/* ---- orthogonal ---- */

static const uint32_t shapes[][3] = {{5, 5, 1}, {3, 4, 5}, {40, 3, 3}, {1, 7, 1}, {7, 1, 1}};

/* The product of two rows, or of two columns if the matrix has more rows. */
static double product(const ag_tensor *t, size_t a, size_t b)
{
    size_t height = t->shape[0], width = t->size / height;
    double sum = 0;
    if (height <= width)
        for (size_t j = 0; j < width; j++)
            sum += (double)t->data[a * width + j] * (double)t->data[b * width + j];
    else
        for (size_t i = 0; i < height; i++)
            sum += (double)t->data[i * width + a] * (double)t->data[i * width + b];
    return sum;
}

START_TEST(orthogonal_is_orthogonal)
{
    ag_tensor *t = ag_tensor_create(arena, 3, shapes[_i]);
    size_t height = t->shape[0], width = t->size / height, count = height < width ? height : width;
    succeed(ag_init_orthogonal(temporary, t, &numbers, 2));
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++)
            ck_assert_double_eq_tol(product(t, a, b), a == b ? 4 : 0, 1e-6);
    ck_assert_uint_eq(ag_arena_used(temporary), 0);
}
END_TEST

/* ---- truncated normal ---- */

/* Of the standard normal distribution between two bounds, by integration. */
static double truncated_mean(double low, double high)
{
    double sum = 0, weights = 0;
    for (int i = 0; i < 100000; i++) {
        double z = low + (high - low) * (i + 0.5) / 100000;
        sum += z * exp(-z * z / 2);
        weights += exp(-z * z / 2);
    }
    return sum / weights;
}

static const struct {
    float low, high;
} intervals[] = {{-2, 2}, {-0.1f, 0.2f}, {1.5f, 1.75f}, {2, 9}, {-8, -1}, {-0.5f, 8}, {0, 2}};

START_TEST(truncated_normal_is_normal_within_its_bounds)
{
    float low = intervals[_i].low, high = intervals[_i].high;
    succeed(ag_init_truncated_normal(kernel, &numbers, 5, 3, 5 + 3 * low, 5 + 3 * high));
    for (size_t i = 0; i < kernel->size; i++)
        ck_assert(kernel->data[i] >= 5 + 3 * low && kernel->data[i] <= 5 + 3 * high);
    double expected = 5 + 3 * truncated_mean((double)low, (double)high);
    ck_assert_double_eq_tol(mean_of(kernel), expected, 0.03 * deviation_of(kernel));
}
END_TEST

START_TEST(truncation_may_be_one_sided)
{
    succeed(ag_init_truncated_normal(kernel, &numbers, 0, 1, 0, INFINITY));
    ck_assert_double_eq_tol(mean_of(kernel), sqrt(2 / acos(-1)), 0.02);
}
END_TEST

/* ---- bits ---- */

static uint64_t hash_of(const ag_tensor *tensor) /* FNV-1a */
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < tensor->size; i++) {
        uint32_t bits;
        memcpy(&bits, &tensor->data[i], sizeof bits);
        hash = (hash ^ bits) * 0x100000001b3u;
    }
    return hash;
}

/* The numbers are the same on every machine: these were written down on one. */
START_TEST(numbers_are_the_same_on_every_machine)
{
    static const uint64_t expected[] = {
        0xbc05d2e621904e54u, 0xd38718798612c1d5u, 0xcd797860c7558683u, 0xac01db0cc8d6c6c0u,
        0x76f78d95b5c38c86u, 0xd3661ff1be762e51u, 0x810e9d74de160836u};
    ag_tensor *t = ag_tensor_create(arena, 2, (uint32_t[]){30, 50});
    for (int i = 0; i < COUNT_OF(expected); i++) {
        succeed(i == 0   ? ag_init_kaiming_uniform(t, &numbers, AG_FAN_IN, 1.5f)
                : i == 1 ? ag_init_kaiming_normal(t, &numbers, AG_FAN_OUT, 1.5f)
                : i == 2 ? ag_init_xavier_uniform(t, &numbers, 1)
                : i == 3 ? ag_init_xavier_normal(t, &numbers, 1)
                : i == 4 ? ag_init_orthogonal(temporary, t, &numbers, 1)
                : i == 5 ? ag_init_truncated_normal(t, &numbers, 0, 0.02f, -0.04f, 0.04f)
                         : ag_init_truncated_normal(t, &numbers, 0, 1, 1, 1.5f));
        ck_assert_msg(hash_of(t) == expected[i], "%d: 0x%016llx", i,
                      (unsigned long long)hash_of(t));
    }
}
END_TEST

/* ---- refusals ---- */

static void assert_refused(ag_status actual, ag_status status, const char *message)
{
    ck_assert_str_eq(ag_status_name(actual), ag_status_name(status));
    assert_last_message(status, message);
    ck_assert(largest_of(kernel) == 0);
}

START_TEST(bad_arguments_are_refused)
{
    ag_tensor *bias = ag_tensor_create_zeros(arena, 1, (uint32_t[]){4});
    assert_refused(ag_init_kaiming_normal(NULL, &numbers, AG_FAN_IN, 1), AG_ERROR_NULL,
                   "init_kaiming_normal: tensor is NULL");
    assert_refused(ag_init_kaiming_uniform(kernel, NULL, AG_FAN_IN, 1), AG_ERROR_NULL,
                   "init_kaiming_uniform: random is NULL");
    assert_refused(ag_init_kaiming_uniform(kernel, &numbers, (ag_fan)2, 1), AG_ERROR_ARGUMENT,
                   "init_kaiming_uniform: fan is 2, which is none");
    assert_refused(ag_init_xavier_uniform(bias, &numbers, 1), AG_ERROR_SHAPE,
                   "init_xavier_uniform: tensor is [4] but must have at least 2 dimensions");
    assert_refused(ag_init_xavier_normal(kernel, &numbers, -1), AG_ERROR_ARGUMENT,
                   "init_xavier_normal: gain is -1 but must be at least 0 and finite");
    assert_refused(ag_init_xavier_normal(kernel, &numbers, INFINITY), AG_ERROR_ARGUMENT,
                   "init_xavier_normal: gain is inf but must be at least 0 and finite");
    assert_refused(ag_init_orthogonal(NULL, kernel, &numbers, 1), AG_ERROR_NULL,
                   "init_orthogonal: temp_arena is NULL");
    assert_refused(ag_init_truncated_normal(kernel, &numbers, 0, 0, -1, 1), AG_ERROR_ARGUMENT,
                   "init_truncated_normal: mean 0 and stddev 0 must be finite, and stddev above 0");
    assert_refused(
        ag_init_truncated_normal(kernel, &numbers, 0, 1, 1, 1), AG_ERROR_ARGUMENT,
        "init_truncated_normal: [1, 1] is no interval that comes within 2 stddev of the mean, 0");
    assert_refused(
        ag_init_truncated_normal(kernel, &numbers, 0, 1, 3, 4), AG_ERROR_ARGUMENT,
        "init_truncated_normal: [3, 4] is no interval that comes within 2 stddev of the mean, 0");
}
END_TEST

START_TEST(without_memory_nothing_changes)
{
    ag_random before = numbers;
    succeed(ag_arena_set_limit(temporary, 1000));
    ck_assert_int_eq(ag_init_orthogonal(temporary, kernel, &numbers, 1), AG_ERROR_MEMORY);
    ck_assert(largest_of(kernel) == 0 && memcmp(&before, &numbers, sizeof before) == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("init");
    TCase *tests = add_case(suite, "init");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_test(tests, kaiming_has_its_variance);
    tcase_add_test(tests, xavier_has_its_variance);
    tcase_add_test(tests, gains);
    tcase_add_loop_test(tests, orthogonal_is_orthogonal, 0, COUNT_OF(shapes));
    tcase_add_loop_test(tests, truncated_normal_is_normal_within_its_bounds, 0,
                        COUNT_OF(intervals));
    tcase_add_test(tests, truncation_may_be_one_sided);
    tcase_add_test(tests, numbers_are_the_same_on_every_machine);
    tcase_add_test(tests, bad_arguments_are_refused);
    tcase_add_test(tests, without_memory_nothing_changes);
    return run_suite(suite);
}
