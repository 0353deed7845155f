/* kl_div.c: Kullback-Leibler divergence, t (log t - p), 0 where t = 0. */
#include "config.h"

#include "tensor/elementwise.h"
#include "tensor/loss/domain.h"

AG__INLINE ag__point kl_div_loss_law(double p, double t, double unused)
{
    (void)unused;
    double log_t = t > DBL_MAX ? t : ag__log_of_normal(t); /* of 0 and NaN it does not matter */
    double inside = t * (log_t - p);
    bool nothing = (t == 0) & (p == p); /* also where p is -∞ */
    return (ag__point){.value = nothing ? 0 : inside, .slope = -t};
}

AG__LAW_KERNELS(kernels, kl_div_loss_law)

const ag__op ag__op_kl_div_loss = {
    .name = "kl_div_loss",
    AG__PAIR_LOSS,
    .input_names = {"pred", "target"},
    .domains = {{0}, AG__NOT_NEGATIVE},
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__TRANSCENDENTAL,
};
