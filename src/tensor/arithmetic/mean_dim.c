/* mean_dim.c: the mean over one dimension. */
#include "config.h"

#include "tensor/dimension.h"

const ag__op ag__op_mean_dim = {
    .name = "mean_dim",
    AG__SUM_DIM,
    .reduction = AG_REDUCTION_MEAN,
    .nanoseconds = AG__CHEAP,
};
