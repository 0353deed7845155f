/* hinge_embedding.c: the distance x of a pair that is alike (t = 1), max(0, margin - x) of another. */
#include "config.h"

#include "tensor/elementwise.h"
#include "tensor/loss/domain.h"

AG__INLINE ag__point hinge_embedding_loss_law(double x, double t, double margin)
{
    double missing = margin - x; /* NaN fails the comparisons and stays */
    double value_apart = missing <= 0 ? 0 : missing;
    double slope_apart = missing <= 0 ? 0 : (missing > 0 ? -1 : missing);
    double slope_alike = x == x ? 1 : x;
    return (ag__point){
        .value = t > 0 ? x : (t < 0 ? value_apart : t),
        .slope = t > 0 ? slope_alike : (t < 0 ? slope_apart : t),
    };
}

AG__LAW_KERNELS(kernels, hinge_embedding_loss_law)

const ag__op ag__op_hinge_embedding_loss = {
    .name = "hinge_embedding_loss",
    AG__PAIR_LOSS,
    .input_names = {"distance", "target"},
    .domains = {{0}, AG__PLUS_OR_MINUS_ONE},
    .parameter_name = "margin",
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__CHEAP,
};
