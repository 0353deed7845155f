/*
 * elementary.h: exp, log and their kin in double, in a form that compilers vectorise: no branches,
 * no calls, no tables.
 *
 * The relative errors, measured by tests/check_elementary.c, stay below 1e-14 (of pow: 4e-13): more
 * than a million times finer than a float, so that what is computed here and rounded to float once is
 * the exact value's nearest float, or nearly always so. Arguments that a float can hold give what the limit
 * gives; NaN gives NaN.
 */
#ifndef AG_CORE_ELEMENTARY_H
#define AG_CORE_ELEMENTARY_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
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

/*
 * For -700 ≤ x ≤ 709; of others it gives anything. (e^r - 1 - r) / r² as the minimax polynomial (Remez) of degree 8 for
 * |r| ≤ ln 2 / 2; its error is below 1.4e-15 of r / r².
 * The terms are added in pairs (Estrin), since processors wait for the end of a chain.
 */
AG__INLINE ag__exp_parts ag__split_exp(double x)
{
    double rounder = AG__ROUNDER + 1023; /* so that the low bits have the exponent's bias */
    double rounded = x * 0x1.71547652b82fep0 + rounder; /* 1 / ln 2 */
    double k = rounded - rounder;
    double r = (x - k * AG__LN2_HIGH) - k * AG__LN2_LOW;
    double r2 = r * r, r4 = r2 * r2;
    double p01 = 0x1.55555555521f9p-3 * r + 0x1.0000000000007p-1;
    double p23 = 0x1.111111214a3cep-7 * r + 0x1.5555555550f74p-5;
    double p45 = 0x1.a0199bb106d89p-13 * r + 0x1.6c16c183fcd12p-10;
    double p67 = 0x1.72da96d1cea75p-19 * r + 0x1.a019983a4f6edp-16;
    double p03 = p23 * r2 + p01;
    double p48 = (0x1.28b0859832429p-22 * r2 + p67) * r2 + p45;
    double p = p48 * r4 + p03;
    return (ag__exp_parts){
        .scale = ag__from_bits(ag__to_bits(rounded) << 52),
        .minus_one = p * r2 + r,
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
    return islessgreater(x, 0) ? copysign(1, x) : x;
}

/* The same of a float. */
AG__INLINE float ag__signf(float x)
{
    return islessgreater(x, 0) ? copysignf(1, x) : x;
}

/* e^x; 0 below -700: denormal numbers, which come soon after, take a hundred times as long. */
AG__INLINE double ag__exp(double x)
{
    ag__exp_parts e = ag__split_exp(x);
    double inside = e.scale + e.scale * e.minus_one;
    return x < -700 ? 0 : x > 709 ? HUGE_VAL : inside;
}

/* e^x for x ≤ 0, where there is less to look after. */
AG__INLINE double ag__exp_of_negative(double x)
{
    ag__exp_parts e = ag__split_exp(x);
    double inside = e.scale + e.scale * e.minus_one;
    return x < -700 ? 0 : inside;
}

/* e^x - 1, without cancellation near 0. */
AG__INLINE double ag__expm1(double x)
{
    ag__exp_parts e = ag__split_exp(ag__clamp(x, -700, 709));
    double inside = e.scale * e.minus_one + (e.scale - 1);
    return x > 709 ? HUGE_VAL : inside;
}

/* A positive normal double as 2^k (1 + r) with 1 + r in [√½, √2], so that r is small near 1. */
typedef struct ag__log_parts {
    double k, r;
} ag__log_parts;

AG__INLINE ag__log_parts ag__split_log(double x)
{
    /* adding to the bits carries into the exponent exactly where 1 + r would exceed √2 */
    uint64_t bits = ag__to_bits(x) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    return (ag__log_parts){
        /* the biased exponent, made a double by placing it in the low bits of 2^52 */
        .k = ag__from_bits(bits >> 52 | 0x4330000000000000u) - (0x1p52 + 1023),
        .r = ag__from_bits((bits & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1,
    };
}

/*
 * k ln 2 + ln(1 + r), with (ln(1 + r) - r + r²/2) / r³ as the minimax polynomial (Remez) of degree 17;
 * its error is below 7e-17 of r / r³. The usual series in r / (2 + r) is half as long, but needs a
 * division, which takes longer than all of this.
 */
AG__INLINE double ag__log_of_parts(ag__log_parts parts)
{
    double k = parts.k, r = parts.r;
    double r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
    double p01 = 0x1.55555555554d9p-2 - 0x1.ffffffffffc28p-3 * r;
    double p23 = 0x1.99999999d4b8bp-3 - 0x1.55555555cc1abp-3 * r;
    double p45 = 0x1.249248fee3d27p-3 - 0x1.ffffff5d22783p-4 * r;
    double p67 = 0x1.c71c8536a3768p-4 - 0x1.9999cb4f70c1ap-4 * r;
    double p89 = 0x1.745a90b92b3abp-4 - 0x1.554d8ac82f124p-4 * r;
    double pab = 0x1.3b4052c5231fdp-4 - 0x1.253df28692c65p-4 * r;
    double pcd = 0x1.0f94c825584dap-4 - 0x1.efce0a4d290fbp-5 * r;
    double pef = 0x1.e68c1397d2e03p-5 - 0x1.13cb8e4742cd6p-4 * r;
    double pgh = 0x1.050d387caa8f2p-4 - 0x1.ddd52243c43b2p-6 * r;
    double p07 = (p67 * r2 + p45) * r4 + (p23 * r2 + p01);
    double p8f = (pef * r2 + pcd) * r4 + (pab * r2 + p89);
    double p = (pgh * r8 + p8f) * r8 + p07;
    double mantissa = r + (p * (r2 * r) - 0.5 * r2);
    return k * AG__LN2_HIGH + (k * AG__LN2_LOW + mantissa);
}

/* The natural logarithm of a positive normal double; below -700 of +0. */
AG__INLINE double ag__log_of_normal(double x)
{
    return ag__log_of_parts(ag__split_log(x));
}

/* The natural logarithm of any float: -∞ of 0, NaN of a negative number. */
AG__INLINE double ag__log(double x)
{
    double special = x == 0 ? -HUGE_VAL : x < 0 ? (double)NAN : x; /* ∞ and NaN give themselves */
    return ((x > 0) & (x <= DBL_MAX)) ? ag__log_of_normal(x) : special;
}

/*
 * ln(1 + x) for finite x > -1, without cancellation near 0, where r is x itself: what rounding 1 + x
 * loses elsewhere is lost on a number that is not small. Below -700 of -1. There are no special cases, which compilers
 * would turn into branches around their callers' code.
 */
AG__INLINE double ag__log1p_of_finite(double x)
{
    ag__log_parts parts = ag__split_log(1 + x);
    parts.r = parts.k == 0 ? x : parts.r;
    return ag__log_of_parts(parts);
}

/* The same, and NaN of NaN. */
AG__INLINE double ag__log1p(double x)
{
    return ag__log1p_of_finite(x) + (x - x);
}

/*
 * ln(1 + x) for 0 ≤ x ≤ 1, which is what is left of the logarithm of 1 + e^-|x|: there is no power of 2
 * to split off. (ln(1 + x) - x) / x² as the minimax polynomial (Remez) of degree 17; its error is below
 * 5e-16 of ln(1 + x) / x². NaN gives NaN.
 */
AG__INLINE double ag__log1p_of_unit(double x)
{
    double x2 = x * x, x4 = x2 * x2, x8 = x4 * x4;
    double p01 = 0x1.55555554e879cp-2 * x - 0x1.ffffffffff453p-2;
    double p23 = 0x1.999994df8e66fp-3 * x - 0x1.ffffffd32bea4p-3;
    double p45 = 0x1.248f08e18ce7bp-3 * x - 0x1.5555084e30d9bp-3;
    double p67 = 0x1.c6086b1a8b5a2p-4 * x - 0x1.ffce8a5ec0235p-4;
    double p89 = 0x1.65880f0aac630p-4 * x - 0x1.950d3cf20300ap-4;
    double pab = 0x1.d9c119765913bp-5 * x - 0x1.2f41f444e4c9ap-4;
    double pcd = 0x1.6e38554a6b948p-6 * x - 0x1.43c43e6b8de65p-5;
    double pef = 0x1.982cebbabd010p-9 * x - 0x1.4253bfe06f767p-7;
    double pgh = 0x1.f23a564c5d0b3p-15 * x - 0x1.47bc95135facdp-11;
    double p07 = (p67 * x2 + p45) * x4 + (p23 * x2 + p01);
    double p8f = (pef * x2 + pcd) * x4 + (pab * x2 + p89);
    double p = (pgh * x8 + p8f) * x8 + p07;
    return p * x2 + x;
}

/*
 * 1 / (1 + x) for 0 ≤ x ≤ 1, without the division, which takes as long as 30 multiplications of vectors: the
 * minimax polynomial of 1 / d with d = 1 + x is right to 0.0018, and is made better twice, to the third
 * and the second power of its error. NaN gives NaN.
 */
AG__INLINE double ag__inverse1p_of_unit(double x)
{
    double d = 1 + x;
    double guess =
        ((-0x1.c65285fd56843p-3 * d + 0x1.54bde47e00e33p+0) * d - 0x1.783c56f5cba58p+1) * d +
        0x1.6a09c2c5e0f16p+1;
    double error = 1 - d * guess;
    double better = guess + guess * (error + error * error);
    return better + better * (1 - d * better);
}

/* 1 / (1 + e^-x), exact in both tails. */
AG__INLINE double ag__sigmoid(double x)
{
    double e = ag__exp_of_negative(-fabs(x));
    return (x < 0 ? e : 1) * ag__inverse1p_of_unit(e);
}

/* 1 if a number is an integer, else 0; from 2^51 on all are taken for integers. */
AG__INLINE double ag__is_whole(double x)
{
    double rounded = (x + AG__ROUNDER) - AG__ROUNDER;
    return ((fabs(x) >= 0x1p51) | (rounded == x)) ? 1 : 0;
}

/*
 * x^p with the limits of C's pow, so that x^0 is 1 for every x, NaN included. The relative error is
 * that of ln x times |p ln x|: it stays below 4e-13 wherever a float can hold the result.
 */
AG__INLINE double ag__pow(double x, double p)
{
    double whole = ag__is_whole(p), odd = whole - ag__is_whole(0.5 * p);
    double power = ag__exp(p * ag__log(fabs(x)));
    double size = p == 0 ? 1 : power;
    double sign = 1 + odd * (copysign(1, x) - 1);
    return ((x < 0) & (x >= -DBL_MAX) & (whole == 0)) ? (double)NAN : sign * size;
}

#endif
