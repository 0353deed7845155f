/* log_cosh.c: log cosh d, where d = p - t. */
#include "config.h"

#include "tensor/elementwise.h"

#define LN2 0x1.62e42fefa39efp-1

/*
 * With e = e^-2|d|, log cosh d = |d| + log(1 + e) - log 2, whose terms cancel near d = 0; there it is
 * ½ log(1 + sinh² d) with sinh² d = (1 - e)² / (4 e).
 */
AG__INLINE ag__point log_cosh_loss_law(double p, double t, double unused)
{
    (void)unused;
    double d = p - t, size = fabs(d);
    double less_one = ag__expm1(-2 * size), e = 1 + less_one;
    double sinh_squared = less_one * less_one / (4 * e), tanh_size = -less_one / (2 + less_one);
    bool near = size < 1;
    double logarithm = ag__log1p_of_finite(near ? sinh_squared : e);
    return (ag__point){
        .value = near ? 0.5 * logarithm : size + (logarithm - LN2),
        .slope = d < 0 ? -tanh_size : tanh_size,
    };
}

AG__LAW_KERNELS(kernels, log_cosh_loss_law)

const ag__op ag__op_log_cosh_loss = {
    .name = "log_cosh_loss",
    AG__PAIR_LOSS,
    .input_names = {"pred", "target"},
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = 2 * AG__TRANSCENDENTAL,
};
