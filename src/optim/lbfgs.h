/* lbfgs.h: what the directions of L-BFGS and its search along one of them share. */
#ifndef AG_OPTIM_LBFGS_H
#define AG_OPTIM_LBFGS_H

#include "optim/optimizer.h"

#define AG__NUM_GRADIENTS 3 /* two ends of a bracket, and a point between them */

/* A place along a direction: the loss and the gradient there. */
typedef struct ag__point {
    double t; /* how far along */
    double loss;
    double slope;    /* of the loss along the direction */
    float *gradient; /* one of ag__lbfgs's */
} ag__point;

typedef struct ag__lbfgs {
    ag_lbfgs_options options;
    size_t size; /* of all parameters together, which vectors hold one after the other */
    ag_closure closure;
    void *context; /* of the step that is under way */
    uint32_t evaluations;

    /* what it remembers; pair k lies in row k % history_size */
    uint64_t iterations, num_pairs;
    ag_tensor *gradient_changes, *moves; /* the pairs: [history_size, size] */
    ag_tensor *last_gradient, *last_move;

    /* scratch */
    float *start;     /* where the parameters were at first, for a failure */
    float *origin;    /* where the direction starts */
    float *direction; /* -H · gradient, for the estimate H of the inverse Hessian */
    float *gradients[AG__NUM_GRADIENTS];
    double *product;                /* the direction while it is computed */
    double *curvatures, *fractions; /* of the pairs: move · change, move · product / curvature */
} ag__lbfgs;

/*
 * Moves the parameters to origin + t · direction and fills in the point there: loss, gradient, slope.
 * The gradient goes to memory that neither of two other points uses.
 */
ag_status ag__lbfgs_evaluate(ag_optimizer *optimizer, double t, const ag__point *used,
                             const ag__point *also_used, ag__point *point);

/*
 * Finds a point along the direction that meets the strong Wolfe conditions, or the best within 25
 * evaluations. first: t to try. found may not be start.
 */
ag_status ag__strong_wolfe(ag_optimizer *optimizer, const ag__point *start, double first,
                           ag__point *found);

#endif
