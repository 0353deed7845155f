/* margin_ranking.c: max(0, margin - t (x1 - x2)): x1 ranks above x2 where t = 1, below where t = -1. */
#include "config.h"

#include "tensor/elementwise_three.h"
#include "tensor/loss/domain.h"

AG__INLINE ag__point_of_three margin_ranking_loss_law(double x1, double x2, double t, double margin)
{
    double missing = margin - t * (x1 - x2); /* NaN fails the comparisons and stays */
    double slope = missing <= 0 ? 0 : (missing > 0 ? t : missing);
    return (ag__point_of_three){
        .value = missing <= 0 ? 0 : missing,
        .slopes = {-slope, slope},
    };
}

AG__LAW_OF_THREE_KERNELS(kernels, margin_ranking_loss_law)

const ag__op ag__op_margin_ranking_loss = {
    .name = "margin_ranking_loss",
    AG__THREE_LOSS,
    .input_names = {"x1", "x2", "target"},
    .domains = {{0}, {0}, AG__PLUS_OR_MINUS_ONE},
    .parameter_name = "margin",
    .law = &(const ag__elementwise_three){.kernels = kernels},
    .nanoseconds = 2 * AG__CHEAP,
};
