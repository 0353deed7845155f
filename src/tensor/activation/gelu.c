/* gelu.c: the Gaussian error linear unit, x · Φ(x). */
#include "config.h"

#include "tensor/elementwise.h"

#define SQRT_HALF 0.70710678118654752440
#define INVERSE_SQRT_2_PI 0.39894228040143267794

/*
 * e^(z²) erfc(z) for z ≥ 0: (1 + 2z) times it is smooth in t = (z - 3.75) / (z + 3.75) (Shepherd and
 * Laframboise 1981). The coefficients are the Chebyshev interpolation in 24 points, computed with 60
 * digits; the relative error is below 1e-15.
 */
AG__INLINE double scaled_erfc(double z)
{
    double t = (z - 3.75) / (z + 3.75);
    double p = 3.205262601448174e-10;
    p = p * t - 2.6185201302076403e-09;
    p = p * t - 3.798189929608558e-09;
    p = p * t + 3.195398598898818e-08;
    p = p * t + 2.3398534596775472e-08;
    p = p * t - 2.4851108621898e-07;
    p = p * t - 5.741076107347652e-08;
    p = p * t + 1.7419011941768343e-06;
    p = p * t - 9.73387516492806e-07;
    p = p * t - 1.1437980374239475e-05;
    p = p * t + 2.2384138525534283e-05;
    p = p * t + 5.164649340990656e-05;
    p = p * t - 0.00029015404203348974;
    p = p * t + 0.0002937143905788932;
    p = p * t + 0.0017556258434318571;
    p = p * t - 0.00974657968596218;
    p = p * t + 0.028362277420377335;
    p = p * t - 0.05869339857631061;
    p = p * t + 0.09230432116025894;
    p = p * t - 0.10880393014246645;
    p = p * t + 0.08227673849014977;
    p = p * t + 0.003585415485479575;
    p = p * t - 0.14024059858554702;
    p = p * t + 1.2375126308378275;
    return p / (1 + 2 * z);
}

AG__INLINE ag__point gelu_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    double size = fabs(x) < 1e3 ? fabs(x) : x != x ? x : 1e3; /* beyond, the tail is 0 */
    double bell = ag__exp(-0.5 * size * size);
    double tail = 0.5 * bell * scaled_erfc(size * SQRT_HALF); /* Φ(-|x|) */
    double phi = x < 0 ? tail : 1 - tail;
    double signed_size = x < 0 ? -size : size;
    return (ag__point){
        .value = phi == 0 ? 0 : x * phi, /* 0 also at -∞ */
        .slope = phi + signed_size * bell * INVERSE_SQRT_2_PI,
    };
}

AG__MAP_KERNELS(kernels, gelu_law)

const ag__op ag__op_gelu = {
    .name = "gelu",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = 2 * AG__TRANSCENDENTAL,
};
