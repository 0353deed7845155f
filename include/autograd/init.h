/* init.h: what the parameters of a network start from. */
#ifndef AUTOGRAD_INIT_H
#define AUTOGRAD_INIT_H

#include <autograd/tensor.h>

/*
 * A weight has the shape [outputs, inputs, …]: what follows the first two dimensions is a kernel's
 * window, of r elements (1 if there is none). fan in = inputs · r, fan out = outputs · r. All functions
 * fill the tensor in order of memory. Equal states of the generator give the same bits on every
 * machine, as random.h promises.
 */

/** Which fan a variance is to be kept for. */
typedef enum ag_fan {
    AG_FAN_IN,  /**< the size of values, going forward */
    AG_FAN_OUT, /**< the size of gradients, going backward */
} ag_fan;

/** What follows a layer. */
typedef enum ag_nonlinearity {
    AG_NONLINEARITY_NONE,       /**< gain 1 */
    AG_NONLINEARITY_SIGMOID,    /**< gain 1 */
    AG_NONLINEARITY_TANH,       /**< gain 5/3 */
    AG_NONLINEARITY_RELU,       /**< gain √2 */
    AG_NONLINEARITY_LEAKY_RELU, /**< gain √(2 / (1 + slope²)) */
    AG_NONLINEARITY_SELU,       /**< gain 3/4 */
} ag_nonlinearity;

AG_BEGIN_DECLS

/**
 * The factor by which a layer before a nonlinearity must be larger than one before none, as PyTorch
 * has it. @param slope  of leaky relu below 0; unused otherwise. @return NaN for no such nonlinearity.
 */
AG_API float ag_init_gain(ag_nonlinearity nonlinearity, float slope);

/**
 * Uniform from ± gain · √(3 / fan) (K. He et al. 2015). For relu, gain is
 * ag_init_gain(AG_NONLINEARITY_RELU, 0).
 * @return AG_ERROR_NULL; AG_ERROR_SHAPE below two dimensions; AG_ERROR_ARGUMENT for no such fan, or a
 *         gain that is not finite or below 0.
 */
AG_API ag_status ag_init_kaiming_uniform(ag_tensor *tensor, ag_random *random, ag_fan fan,
                                         float gain);

/** Normal with mean 0 and standard deviation gain / √fan; otherwise as ag_init_kaiming_uniform. */
AG_API ag_status ag_init_kaiming_normal(ag_tensor *tensor, ag_random *random, ag_fan fan,
                                        float gain);

/**
 * Uniform from ± gain · √(6 / (fan in + fan out)) (X. Glorot and Y. Bengio 2010).
 * @return as ag_init_kaiming_uniform.
 */
AG_API ag_status ag_init_xavier_uniform(ag_tensor *tensor, ag_random *random, float gain);

/** Normal with mean 0 and standard deviation gain · √(2 / (fan in + fan out)). */
AG_API ag_status ag_init_xavier_normal(ag_tensor *tensor, ag_random *random, float gain);

/**
 * A random matrix with orthonormal rows, or columns if there are fewer of these, times gain (A. Saxe,
 * J. McClelland and S. Ganguli 2014). The matrix is [first dimension, all others]. It is uniformly
 * distributed among such matrices: Gram and Schmidt's method, twice over and in double, applied to
 * normal numbers.
 * @param temp_arena  scratch memory, a double for each element; rewound before it returns.
 * @return as ag_init_kaiming_uniform; AG_ERROR_MEMORY.
 */
AG_API ag_status ag_init_orthogonal(ag_arena *temp_arena, ag_tensor *tensor, ag_random *random,
                                    float gain);

/**
 * The normal distribution within [low, high], by rejection. Usual are mean ± 2 stddev.
 * @param low, high  low < high; may be infinite. The interval must come within 2 stddev of the mean.
 * @return AG_ERROR_NULL; AG_ERROR_ARGUMENT: stddev is not finite and above 0, mean not finite, or
 *         the interval is none.
 */
AG_API ag_status ag_init_truncated_normal(ag_tensor *tensor, ag_random *random, float mean,
                                          float stddev, float low, float high);

AG_END_DECLS

#endif
