/* l2.c: L2 regularisation, w²/2. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point l2_loss_law(double w, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){.value = 0.5 * w * w, .slope = w};
}

AG__LAW_KERNELS(kernels, l2_loss_law)

const ag__op ag__op_l2_loss = {
    .name = "l2_loss",
    AG__SINGLE_LOSS,
    .input_names = {"weights"},
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
