/*
 * check_elementary.c: how exact exp, log and their kin are, at every level of instructions that
 * this machine has, as loops that the compiler vectorises.
 */
#include "config.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/elementary.h"
#include "suite.h"

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* A double exact to 1e-14 misses the nearest float less than once in a million. */
#define MOST_MISROUNDED(error) ((error)*1e8)

typedef void map_kernel(size_t, const double *, double *);

#define DEFINE_MAP(name)                                                                           \
    AG__INLINE void name##_all(size_t n, const double *restrict x, double *restrict out)           \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            out[i] = ag__##name(x[i]);                                                             \
    }                                                                                              \
    AG__DEFINE_KERNELS(name##_kernels, map_kernel, name##_all,                                     \
                       (size_t n, const double *x, double *out), (n, x, out))

DEFINE_MAP(exp)
DEFINE_MAP(expm1)
DEFINE_MAP(log)
DEFINE_MAP(log1p)
DEFINE_MAP(log1p_of_unit)
DEFINE_MAP(inverse1p_of_unit)
DEFINE_MAP(sigmoid)

/* Powers that reach the ends of what a float can hold, and one of numbers near 1. */
#define DEFINE_POWER(name, p)                                                                      \
    AG__INLINE double ag__##name(double x)                                                         \
    {                                                                                              \
        return ag__pow(x, p);                                                                      \
    }                                                                                              \
    static long double exact_##name(long double x)                                                 \
    {                                                                                              \
        return powl(x, (long double)(p));                                                          \
    }                                                                                              \
    DEFINE_MAP(name)

DEFINE_POWER(inverse, -1.0)
DEFINE_POWER(root, 0.3)
DEFINE_POWER(power, 30.5)

static long double exact_inverse1p(long double x)
{
    return 1 / (1 + x);
}

static long double exact_sigmoid(long double x)
{
    return 1 / (1 + expl(-x));
}

typedef struct function {
    const char *name;
    map_kernel *const *kernels;
    long double (*exact)(long double x);
    double lowest, highest, most_error; /* where elementary.h promises which relative error */
} function;

enum { EXP, EXPM1, LOG, LOG1P, LOG1P_OF_UNIT, INVERSE1P_OF_UNIT, SIGMOID, INVERSE, ROOT, POWER };

/* The lowest argument of log1p is the float above -1. */
static const function functions[] = {
    [EXP] = {"exp", exp_kernels, expl, -700, 709, 1e-14},
    [EXPM1] = {"expm1", expm1_kernels, expm1l, -DBL_MAX, 709, 1e-14},
    [LOG] = {"log", log_kernels, logl, DBL_MIN, DBL_MAX, 1e-14},
    [LOG1P] = {"log1p", log1p_kernels, log1pl, -1 + 0x1p-24, DBL_MAX, 1e-14},
    [LOG1P_OF_UNIT] = {"log1p of 0 to 1", log1p_of_unit_kernels, log1pl, 0, 1, 1e-14},
    [INVERSE1P_OF_UNIT] = {"1 / (1 + x) of 0 to 1", inverse1p_of_unit_kernels, exact_inverse1p, 0,
                           1, 1e-14},
    [SIGMOID] = {"sigmoid", sigmoid_kernels, exact_sigmoid, -700, DBL_MAX, 1e-14},
    [INVERSE] = {"x^-1", inverse_kernels, exact_inverse, 0x1p-149, 0x1p149, 1e-14},
    [ROOT] = {"x^0.3", root_kernels, exact_root, 0x1p-149, 0x1p128, 1e-14},
    [POWER] = {"x^30.5", power_kernels, exact_power, 0x1p-4, 0x1p4, 4e-13},
};

/* ---- measuring ---- */

#define AT_ONCE 1000

typedef struct measurement {
    const function *f;
    map_kernel *kernel;
    double waiting[AT_ONCE];
    size_t num_waiting;
    double worst, worst_at;
    size_t count, misrounded;
} measurement;

static void compare(measurement *m, double x, double actual)
{
    long double exact = m->f->exact((long double)x);
    long double error = fabsl((long double)actual - exact);
    if (error > 0) error /= fabsl(exact);
    if (!(error <= (long double)m->worst)) {
        m->worst = (double)error;
        m->worst_at = x;
    }
    m->count++;
    m->misrounded += (float)actual != (float)exact;
}

static void compute_waiting(measurement *m)
{
    double results[AT_ONCE];
    m->kernel(m->num_waiting, m->waiting, results);
    for (size_t i = 0; i < m->num_waiting; i++)
        compare(m, m->waiting[i], results[i]);
    m->num_waiting = 0;
}

static void sample(measurement *m, double x)
{
    if (!(x >= m->f->lowest && x <= m->f->highest)) return;
    m->waiting[m->num_waiting++] = x;
    if (m->num_waiting == AT_ONCE) compute_waiting(m);
}

/* ---- arguments ---- */

/* Every 997th float there is, denormal ones and both signs included. */
static void sample_floats(measurement *m)
{
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 997) {
        uint32_t low_bits = (uint32_t)bits;
        float x;
        memcpy(&x, &low_bits, sizeof x);
        sample(m, (double)x);
    }
}

static void sample_evenly(measurement *m, double low, double high)
{
    for (int i = 0; i <= 200000; i++)
        sample(m, low + (high - low) * i / 200000);
}

static void sample_random_doubles(measurement *m)
{
    uint64_t state = 1;
    for (int i = 0; i < 500000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint64_t bits = state ^ state >> 29;
        double x = ag__from_bits(bits);
        if (isnormal(x)) sample(m, x);
        /* and with an exponent that is not as extreme as most are */
        sample(m, ag__from_bits((bits & 0x801fffffffffffffu) | (uint64_t)(1003 + i % 40) << 52));
    }
}

/* The doubles around a point, from its neighbours outwards. */
static void sample_near(measurement *m, double point)
{
    for (int i = 0; i <= 50; i += 2) {
        double distance = ldexp(fabs(point) + DBL_MIN, i - 53);
        for (int k = 2; k <= 7; k++) {
            sample(m, point - distance * k / 2);
            sample(m, point + distance * k / 2);
        }
    }
}

/* Where a function is put together from two pieces, or where its value vanishes. */
static void sample_seams(measurement *m)
{
    sample_near(m, 0);
    sample_near(m, 1);
    sample_near(m, -1);
    for (int k = -1022; k <= 1023; k++) {
        sample_near(m, (k + 0.5) * 0x1.62e42fefa39efp-1);
        sample_near(m, ldexp(0x1.6a09e667f3bcdp0, k));
    }
    sample(m, m->f->lowest);
    sample(m, m->f->highest);
}

static measurement measure(const function *f, map_kernel *kernel)
{
    measurement m = {.f = f, .kernel = kernel};
    sample_floats(&m);
    sample_evenly(&m, -1, 2);
    sample_evenly(&m, -20, 20);
    sample_evenly(&m, -700, 709);
    sample_random_doubles(&m);
    sample_seams(&m);
    compute_waiting(&m);
    return m;
}

START_TEST(relative_errors_are_as_small_as_promised)
{
    const function *f = &functions[_i];
    for (int level = 0; level <= ag__cpu(); level++) {
        measurement m = measure(f, f->kernels[level]);
        printf("%s, level %d: worst relative error %.2e at %.17g; %zu of %zu misrounded\n", f->name,
               level, m.worst, m.worst_at, m.misrounded, m.count);
        ck_assert_uint_gt(m.count, 300000);
        ck_assert_double_lt(m.worst, f->most_error);
        ck_assert_double_lt((double)m.misrounded, MOST_MISROUNDED(f->most_error) * (double)m.count);
    }
}
END_TEST

/* ---- arguments for which there is one right answer ---- */

static const struct {
    int function;
    double x, expected;
} specials[] = {
    {EXP, 0.0, 1},
    {EXP, -0.0, 1},
    {EXP, (double)INFINITY, (double)INFINITY},
    {EXP, -(double)INFINITY, 0},
    {EXP, (double)NAN, (double)NAN},
    {EXP, (double)FLT_MAX, (double)INFINITY},
    {EXP, -(double)FLT_MAX, 0},
    {EXP, DBL_MAX, (double)INFINITY},
    {EXP, -DBL_MAX, 0},
    {EXP, -701, 0}, /* long before denormal numbers */
    {EXP, -746, 0},
    {EXP, 0x1p-149, 1},
    {EXP, -0x1p-149, 1},

    {EXPM1, 0.0, 0},
    {EXPM1, -0.0, 0},
    {EXPM1, (double)INFINITY, (double)INFINITY},
    {EXPM1, -(double)INFINITY, -1},
    {EXPM1, (double)NAN, (double)NAN},
    {EXPM1, (double)FLT_MAX, (double)INFINITY},
    {EXPM1, -(double)FLT_MAX, -1},
    {EXPM1, DBL_MAX, (double)INFINITY},
    {EXPM1, -DBL_MAX, -1},
    {EXPM1, 0x1p-149, 0x1p-149},
    {EXPM1, -0x1p-149, -0x1p-149},

    {LOG, 0.0, -(double)INFINITY},
    {LOG, -0.0, -(double)INFINITY},
    {LOG, 1, 0},
    {LOG, (double)INFINITY, (double)INFINITY},
    {LOG, -(double)INFINITY, (double)NAN},
    {LOG, (double)NAN, (double)NAN},
    {LOG, -1, (double)NAN},
    {LOG, -0x1p-149, (double)NAN},
    {LOG, -(double)FLT_MAX, (double)NAN},

    {LOG1P, 0.0, 0},
    {LOG1P, -0.0, 0},
    {LOG1P, (double)NAN, (double)NAN}, /* infinities and x ≤ -1 are beyond its promise */
    {LOG1P, 0x1p-149, 0x1p-149},
    {LOG1P, -0x1p-149, -0x1p-149},
};

static bool same(double a, double b)
{
    return isnan(b) ? isnan(a) : a == b;
}

START_TEST(special_arguments_give_their_limits)
{
    const function *f = &functions[specials[_i].function];
    double x = specials[_i].x, expected = specials[_i].expected;
    for (int level = 0; level <= ag__cpu(); level++) {
        double arguments[9], results[9]; /* as many as a vector holds, and one more */
        for (int i = 0; i < 9; i++)
            arguments[i] = x;
        f->kernels[level](9, arguments, results);
        for (int i = 0; i < 9; i++)
            ck_assert_msg(same(results[i], expected), "%s(%a) at level %d is %a, not %a", f->name,
                          x, level, results[i], expected);
    }
}
END_TEST

/* Beyond 709 exp and expm1 stop short of a double's last finite values, which no float can hold. */
START_TEST(beyond_the_promised_range_the_float_is_infinite)
{
    for (int level = 0; level <= ag__cpu(); level++)
        for (double x = nextafter(709, 710); x < 711; x += 0x1p-10) {
            double e, minus_one;
            exp_kernels[level](1, &x, &e);
            expm1_kernels[level](1, &x, &minus_one);
            if (!isinf((float)e) || !isinf((float)minus_one)) ck_abort_msg("at %.17g", x);
        }
}
END_TEST

START_TEST(signs_are_exact)
{
    ck_assert_double_eq(ag__sign(3), 1);
    ck_assert_double_eq(ag__sign((double)INFINITY), 1);
    ck_assert_double_eq(ag__sign(0x1p-1074), 1);
    ck_assert_double_eq(ag__sign(-0x1p-149), -1);
    ck_assert_double_eq(ag__sign(0.0), 0);
    ck_assert_double_eq(ag__sign(-0.0), 0);
    ck_assert(isnan(ag__sign((double)NAN)));
}
END_TEST

START_TEST(clamping_keeps_nan)
{
    ck_assert_double_eq(ag__clamp(5, -1, 2), 2);
    ck_assert_double_eq(ag__clamp(-5, -1, 2), -1);
    ck_assert_double_eq(ag__clamp(1.5, -1, 2), 1.5);
    ck_assert(isnan(ag__clamp((double)NAN, -1, 2)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("elementary");
    TCase *tests = add_case(suite, "elementary");
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, relative_errors_are_as_small_as_promised, 0, COUNT_OF(functions));
    tcase_add_loop_test(tests, special_arguments_give_their_limits, 0, COUNT_OF(specials));
    tcase_add_test(tests, beyond_the_promised_range_the_float_is_infinite);
    tcase_add_test(tests, signs_are_exact);
    tcase_add_test(tests, clamping_keeps_nan);
    return run_suite(suite);
}
