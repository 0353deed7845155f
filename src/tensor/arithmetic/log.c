/* log.c: the natural logarithm, element by element. */
#include "config.h"

#include "tensor/elementwise.h"

AG__INLINE ag__point log_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    return (ag__point){
        .value = ag__log(x), .slope = x < 0 ? (double)NAN : 1 / fabs(x), /* also of -0 */
    };
}

AG__MAP_KERNELS(kernels, log_law)

const ag__op ag__op_log = {
    .name = "log",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__TRANSCENDENTAL,
};
