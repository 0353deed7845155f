/* sum_dim.c: the sum over one dimension. */
#include "config.h"

#include "tensor/dimension.h"

const ag__op ag__op_sum_dim = {
    .name = "sum_dim",
    AG__SUM_DIM,
    .reduction = AG_REDUCTION_SUM,
    .nanoseconds = AG__CHEAP,
};
