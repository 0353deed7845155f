/* gradcheck.h: testing gradients against differences of values. */
#ifndef AUTOGRAD_GRADCHECK_H
#define AUTOGRAD_GRADCHECK_H

#include <autograd/variable.h>

/**
 * Builds the graph to be checked, from inputs that ag_gradcheck makes: leaves of the given tensors.
 * It is called many times and must compute the same function each time.
 * @return the function's result, of any shape, or NULL on failure.
 */
typedef ag_variable *(*ag_gradcheck_fn)(ag_arena *arena, ag_variable *const *inputs, void *context);

/** Settings of ag_gradcheck; 0 means the default. */
typedef struct ag_gradcheck_options {
    double step;               /**< of the differences, times max(|x|, 1); 2^-6 by default */
    double relative_tolerance; /**< 1e-3 by default */
    size_t max_elements;       /**< per input that are checked one by one, evenly spread; 256 */
    uint32_t num_directions;   /**< random directions through all inputs at once; 8 */
    uint64_t seed;             /**< of directions and upstream gradient; 1 */
} ag_gradcheck_options;

/** What ag_gradcheck found. */
typedef struct ag_gradcheck_report {
    bool passed;      /**< whether no difference was too large */
    size_t compared;  /**< derivatives that were compared */
    size_t undecided; /**< derivatives that were not, because there is a kink within a step */
    double worst;   /**< the largest difference, in units of what is tolerated: above 1 it failed */
    uint32_t input; /**< where that was: the input and its element; for a direction num_inputs, */
    size_t element; /**<   and the direction's number */
    double analytic; /**< the derivative there, from ag_backward_from */
    double numeric;  /**< and from differences */
    char text[200];  /**< all of this in one line */
} ag_gradcheck_report;

AG_BEGIN_DECLS

/**
 * Compares the gradient of a function, as ag_backward_from computes it, with central differences of
 * the function's values: element by element, and along random directions, which reach every element
 * of large inputs. Results of any shape are weighted by a random upstream gradient.
 *
 * Differences are taken at two steps, h and h/2, and extrapolated (Richardson). A difference is
 * tolerated up to relative_tolerance times the derivative plus 16 times the noise that rounding the
 * results to float makes. Where the differences to the left and to the right do not approach each
 * other with the step as those of a smooth function, there is a kink nearby: such a derivative is
 * counted as undecided. Choose
 * inputs away from kinks, and of magnitude near 1.
 *
 * @param arena   for scratch memory, which is given back.
 * @param inputs  the point, each tensor once; they are changed during the call and restored bit for bit.
 * @param options NULL for the defaults.
 * @return AG_OK if the check could be made, whatever it found: see report->passed, which also wants
 *         at least half of the derivatives decided. AG_ERROR_NULL; AG_ERROR_ARGUMENT (no inputs, a
 *         negative or NaN setting); AG_ERROR_OVERLAP (inputs that share memory);
 *         AG_ERROR_STATE (the function's result is gone); AG_ERROR_MEMORY;
 *         what the function or backward failed with.
 */
AG_API ag_status ag_gradcheck(ag_arena *arena, ag_gradcheck_fn function, void *context,
                              uint32_t num_inputs, ag_tensor *const *inputs,
                              const ag_gradcheck_options *options, ag_gradcheck_report *report);

AG_END_DECLS

#endif
