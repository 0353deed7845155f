/*
 * elementary.h: exp, log and their kin in double, in a form that compilers vectorise: no branches,
 * no calls, no tables.
 *
 * The relative errors, measured by tests/check_elementary.c, stay below 1e-14: more than a million
 * times finer than a float, so that what is computed here and rounded to float once is the exact
 * value's nearest float, or nearly always so. Arguments that a float can hold give what the limit
 * gives; NaN gives NaN.
 */
#ifndef AG_CORE_ELEMENTARY_H
#define AG_CORE_ELEMENTARY_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/cpu.h"

/* ln 2 as a sum whose first part has 32 bits, so that its product with an exponent is exact. */
#define AG__LN2_HIGH 0x1.62e42feep-1
#define AG__LN2_LOW 0x1.a39ef35793c76p-33

/* Adding it to a number below 2^51 leaves that number, rounded to an integer, in the low bits. */
#define AG__ROUNDER 0x1.8p52

AG__INLINE double ag__from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

AG__INLINE uint64_t ag__to_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* An argument of exp, split: e^x = scale · (1 + minus_one). */
typedef struct ag__exp_parts {
    double scale;     /* a power of 2 */
    double minus_one; /* e^r - 1, where |r| ≤ ln 2 / 2 */
} ag__exp_parts;

/* For -700 ≤ x ≤ 709. Taylor's series of e^r - 1, exact to 2^-56 at |r| = ln 2 / 2. */
AG__INLINE ag__exp_parts ag__split_exp(double x)
{
    double rounded = x * 0x1.71547652b82fep0 + AG__ROUNDER; /* 1 / ln 2 */
    double k = rounded - AG__ROUNDER;
    double r = (x - k * AG__LN2_HIGH) - k * AG__LN2_LOW;
    double p = 1.0 / 6227020800;
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 1.0 / 2;
    return (ag__exp_parts){
        .scale = ag__from_bits((ag__to_bits(rounded) + 1023) << 52),
        .minus_one = p * (r * r) + r,
    };
}

AG__INLINE double ag__clamp(double x, double low, double high)
{
    double raised = x < low ? low : x;
    return raised > high ? high : raised;
}

/* -1, 0 or 1; NaN of NaN. */
AG__INLINE double ag__sign(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x;
}

/* e^x; 0 below -700: denormal numbers, which come soon after, take a hundred times as long. */
AG__INLINE double ag__exp(double x)
{
    ag__exp_parts e = ag__split_exp(ag__clamp(x, -700, 709));
    double inside = e.scale + e.scale * e.minus_one;
    return x < -700 ? 0 : x > 709 ? HUGE_VAL : inside;
}

/* e^x - 1, without cancellation near 0. */
AG__INLINE double ag__expm1(double x)
{
    ag__exp_parts e = ag__split_exp(ag__clamp(x, -700, 709));
    double inside = e.scale * e.minus_one + (e.scale - 1);
    return x > 709 ? HUGE_VAL : inside;
}

/*
 * The natural logarithm of a positive normal double. x = 2^k m with m in [√½, √2], and
 * ln m = 2 artanh((m - 1)/(m + 1)) by its Taylor series.
 */
AG__INLINE double ag__log_of_normal(double x)
{
    /* adding to the bits carries into the exponent exactly where m would exceed √2 */
    uint64_t bits = ag__to_bits(x) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    /* the biased exponent, made a double by placing it in the low bits of 2^52 */
    double k = ag__from_bits(bits >> 52 | 0x4330000000000000u) - (0x1p52 + 1023);
    double m = ag__from_bits((bits & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu);
    double s = (m - 1) / (m + 1), square = s * s;
    double p = 2.0 / 23;
    p = p * square + 2.0 / 21;
    p = p * square + 2.0 / 19;
    p = p * square + 2.0 / 17;
    p = p * square + 2.0 / 15;
    p = p * square + 2.0 / 13;
    p = p * square + 2.0 / 11;
    p = p * square + 2.0 / 9;
    p = p * square + 2.0 / 7;
    p = p * square + 2.0 / 5;
    p = p * square + 2.0 / 3;
    double mantissa = p * square * s + 2 * s;
    return k * AG__LN2_HIGH + (k * AG__LN2_LOW + mantissa);
}

/* The natural logarithm of any float: -∞ of 0, NaN of a negative number. */
AG__INLINE double ag__log(double x)
{
    double special = x == 0 ? -HUGE_VAL : x < 0 ? (double)NAN : x; /* ∞ and NaN give themselves */
    return ((x > 0) & (x <= DBL_MAX)) ? ag__log_of_normal(x) : special;
}

/*
 * ln(1 + x) for finite x > -1, without cancellation near 0: corrects what rounding 1 + x has lost.
 * There are no special cases, which compilers would turn into branches around their callers' code.
 */
AG__INLINE double ag__log1p(double x)
{
    double sum = 1 + x;
    double lost = (x - (sum - 1)) / sum; /* NaN of NaN */
    return ag__log_of_normal(sum) + lost;
}

#endif
