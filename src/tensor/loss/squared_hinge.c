/* squared_hinge.c: max(0, 1 - p t)². */
#include "config.h"

#include "tensor/elementwise.h"
#include "tensor/loss/domain.h"

AG__INLINE ag__point squared_hinge_loss_law(double p, double t, double unused)
{
    (void)unused;
    double missing = 1 - p * t; /* to the margin; NaN fails the comparison and stays */
    double short_of = missing <= 0 ? 0 : missing;
    return (ag__point){.value = short_of * short_of, .slope = -2 * t * short_of};
}

AG__LAW_KERNELS(kernels, squared_hinge_loss_law)

const ag__op ag__op_squared_hinge_loss = {
    .name = "squared_hinge_loss",
    AG__PAIR_LOSS,
    .input_names = {"pred", "target"},
    .domains = {{0}, AG__PLUS_OR_MINUS_ONE},
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
