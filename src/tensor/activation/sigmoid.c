/* sigmoid.c: the logistic function 1 / (1 + e^-x). */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point sigmoid_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){.value = ag__sigmoid(x), .slope = ag__sigmoid(x) * ag__sigmoid(-x)};
}

AG__MAP_KERNELS(kernels, sigmoid_law)

const ag__op ag__op_sigmoid = {
    .name = "sigmoid",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__TRANSCENDENTAL,
};
