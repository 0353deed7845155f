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

/* Of a target t = log q. Where e^t is too small for a double, an infinite p still makes it infinite. */
AG__INLINE ag__point log_target_law(double p, double t, double unused)
{
    (void)unused;
    double q = ag__exp(t);
    double inside = (q < DBL_MIN ? DBL_MIN : q) * (t - p);
    bool nothing = (t == -HUGE_VAL) & (p == p);
    return (ag__point){.value = nothing ? 0 : inside, .slope = -q};
}

AG__LAW_KERNELS(kernels, kl_div_loss_law)
AG__LAW_KERNELS(log_target_kernels, log_target_law)

static const ag__op with_log_target = {
    .name = "kl_div_loss",
    AG__PAIR_LOSS,
    .input_names = {"pred", "target"},
    .options = AG__TAKES(log_target),
    .law = &(const ag__elementwise){.kernels = log_target_kernels},
    .nanoseconds = AG__TRANSCENDENTAL,
};

static const ag__op *variant(const ag_loss_options *options)
{
    return options->log_target ? &with_log_target : &ag__op_kl_div_loss;
}

const ag__op ag__op_kl_div_loss = {
    .name = "kl_div_loss",
    AG__PAIR_LOSS,
    .input_names = {"pred", "target"},
    .domains = {{0}, AG__NOT_NEGATIVE},
    .options = AG__TAKES(log_target),
    .variant = variant,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__TRANSCENDENTAL,
};
