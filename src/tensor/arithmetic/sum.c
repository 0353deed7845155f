/* sum.c: the sum of all elements, by the reduction of the losses. */
#include "config.h"

#include "tensor/elementwise.h"

AG__LAW_KERNELS(kernels, ag__identity)

const ag__op ag__op_sum = {
    .name = "sum",
    AG__UNARY,
    .reduction = AG_REDUCTION_SUM,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
