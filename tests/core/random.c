/* random.c: random numbers: their bits, their distributions, what is drawn from them. */
#include "config.h"

#include "core/world.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

#include "assertions.h"
#include "suite.h"

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

void add_random(Suite *suite)
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
