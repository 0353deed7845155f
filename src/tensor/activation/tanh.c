/* tanh.c: the hyperbolic tangent. */
#include "config.h"

#include "tensor/elementwise.h"

/* tanh |x| = (1 - e) / (1 + e) and 1 - tanh² = 4 e / (1 + e)², where e = e^-2|x|. */
AG__INLINE ag__point tanh_law(double x, double unused_input, double unused)
{
    (void)unused_input;
    (void)unused;
    double e = ag__exp(-2 * fabs(x)), less_one = ag__expm1(-2 * fabs(x)); /* exact near x = 0 */
    double inverse = ag__inverse1p_of_unit(e);
    return (ag__point){
        .value = (x < 0 ? less_one : -less_one) * inverse,
        .slope = 4 * e * (inverse * inverse),
    };
}

AG__MAP_KERNELS(kernels, tanh_law)

const ag__op ag__op_tanh = {
    .name = "tanh",
    AG__UNARY,
    .reduction = AG_REDUCTION_NONE,
    .law = &(const ag__elementwise){.kernels = kernels},
    .nanoseconds = AG__TRANSCENDENTAL,
};
