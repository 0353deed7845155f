/* mean.c: the mean of all elements, by the reduction of the losses. */
#include "config.h"

#include "tensor/elementwise.h"

AG__LAW_KERNELS(kernels, ag__identity)

const ag__op ag__op_mean = {
    .name = "mean",
    AG__UNARY,
    .reduction = AG_REDUCTION_MEAN,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
