/* l1_regularization.c: L1 regularisation, |w|. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point l1_regularization_law(double w, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){.value = fabs(w), .slope = ag__sign(w)};
}

AG__LAW_KERNELS(kernels, l1_regularization_law)

const ag__op ag__op_l1_regularization = {
    .name = "l1_regularization",
    .num_inputs = 1,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"weights"},
    .takes_reduction = true,
    .infer_shape = ag__infer_same_shape,
    AG__ELEMENTWISE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
