/* hinge.c: max(0, 1 - p t). */
#include "config.h"

#include "tensor/elementwise.h"
#include "tensor/loss/domain.h"

/* p t is p or -p; of what else t may be, the domain sees to. */
AG__INLINE float exact_slope(float p, float t)
{
    float product = p * t, reached = product > 1 ? 1 : product; /* of the margin */
    return reached < 1 ? -t : reached - reached;                /* 0, or NaN of NaN */
}

AG__INLINE ag__point hinge_loss_law(double p, double t, double unused)
{
    (void)unused;
    double missing = 1 - p * t; /* to the margin; NaN fails the comparison and stays */
    return (ag__point){.value = missing < 0 ? 0 : missing,
                       .slope = (double)exact_slope((float)p, (float)t)};
}

AG__FORMULA_KERNELS(kernels, .law = hinge_loss_law, .exact_slope = exact_slope)

const ag__op ag__op_hinge_loss = {
    .name = "hinge_loss",
    AG__PAIR_LOSS,
    .input_names = {"pred", "target"},
    .domains = {{0}, AG__PLUS_OR_MINUS_ONE},
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
