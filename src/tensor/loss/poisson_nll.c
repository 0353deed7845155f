/* poisson_nll.c: negative log-likelihood of a Poisson distribution of rate e^x, e^x - t x. */
#include "config.h"

#include "tensor/elementwise.h"
#include "tensor/loss/domain.h"

AG__INLINE ag__point poisson_nll_loss_law(double x, double t, double unused)
{
    (void)unused;
    double rate = ag__exp(x);
    double finite = ag__clamp(x, -DBL_MAX, DBL_MAX); /* so that an infinity times 0 is 0 */
    return (ag__point){.value = rate - t * finite, .slope = rate - t};
}

AG__LAW_KERNELS(kernels, poisson_nll_loss_law)

const ag__op ag__op_poisson_nll_loss = {
    .name = "poisson_nll_loss",
    AG__PAIR_LOSS,
    .input_names = {"log_rate", "target"},
    .domains = {{0}, AG__NOT_NEGATIVE},
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__TRANSCENDENTAL,
};
