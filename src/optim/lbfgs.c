/* lbfgs.c: the quasi-Newton method with limited memory. */
#include "config.h"

#include "optim/lbfgs.h"

#include <math.h>
#include <string.h>

#include "core/profile.h"
#include "core/status.h"
#include "optim/vectors.h"

#define LEAST_CURVATURE 1e-10 /* of a pair that is remembered */

/* ---- between parameters and vectors ---- */

static void copy_parameters(const ag_optimizer *optimizer, float *vector)
{
    for (size_t i = 0; i < optimizer->num_parameters; i++) {
        const ag_tensor *data = optimizer->parameters[i].variable->data;
        memcpy(vector, data->data, data->size * sizeof *vector);
        vector += data->size;
    }
}

static void set_parameters(ag_optimizer *optimizer, const float *vector)
{
    for (size_t i = 0; i < optimizer->num_parameters; i++) {
        ag_tensor *data = optimizer->parameters[i].variable->data;
        memcpy(data->data, vector, data->size * sizeof *vector);
        vector += data->size;
    }
}

/* To origin + t · direction; a direction that is not finite moves nothing by t = 0. */
static void move_parameters(ag_optimizer *optimizer, double t)
{
    if (t == 0) {
        set_parameters(optimizer, optimizer->lbfgs->origin);
        return;
    }
    const float *origin = optimizer->lbfgs->origin, *direction = optimizer->lbfgs->direction;
    for (size_t i = 0; i < optimizer->num_parameters; i++) {
        ag_tensor *data = optimizer->parameters[i].variable->data;
        for (size_t k = 0; k < data->size; k++)
            data->data[k] = (float)((double)origin[k] + t * (double)direction[k]);
        origin += data->size;
        direction += data->size;
    }
}

/* A parameter without a gradient has one of 0. */
static void copy_gradients(const ag_optimizer *optimizer, float *vector)
{
    for (size_t i = 0; i < optimizer->num_parameters; i++) {
        const ag_variable *variable = optimizer->parameters[i].variable;
        size_t size = variable->data->size;
        if (variable->grad != NULL)
            memcpy(vector, variable->grad->data, size * sizeof *vector);
        else
            memset(vector, 0, size * sizeof *vector);
        vector += size;
    }
}

static double largest_magnitude(size_t n, const float *vector)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++) /* NaN stays */
        if (!(fabs((double)vector[i]) <= largest)) largest = fabs((double)vector[i]);
    return largest;
}

static double sum_of_magnitudes(size_t n, const float *vector)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += fabs((double)vector[i]);
    return sum;
}

/* ---- evaluating ---- */

/* Calls the closure where the parameters are. */
static ag_status evaluate_here(ag_optimizer *optimizer, float *gradient, double *loss)
{
    ag__lbfgs *l = optimizer->lbfgs;
    l->evaluations++;
    ag_status status = l->closure(l->context, loss);
    if (status == AG_OK) status = ag__check_gradients("lbfgs_step", optimizer);
    if (status == AG_OK) copy_gradients(optimizer, gradient);
    return status;
}

ag_status ag__lbfgs_evaluate(ag_optimizer *optimizer, double t, const ag__point *used,
                             const ag__point *also_used, ag__point *point)
{
    ag__lbfgs *l = optimizer->lbfgs;
    float *gradient = l->gradients[0];
    for (int k = 1; gradient == used->gradient || gradient == also_used->gradient; k++)
        gradient = l->gradients[k];
    *point = (ag__point){.t = t, .gradient = gradient};
    move_parameters(optimizer, t);
    ag_status status = evaluate_here(optimizer, gradient, &point->loss);
    if (status == AG_OK) point->slope = ag__vector_dot(l->size, gradient, l->direction);
    return status;
}

/* ---- directions ---- */

static size_t row_of(const ag__lbfgs *l, uint64_t pair)
{
    return (size_t)(pair % l->options.history_size) * l->size;
}

static size_t num_rows(const ag__lbfgs *l)
{
    uint64_t most = l->options.history_size;
    return (size_t)(l->num_pairs < most ? l->num_pairs : most);
}

/* Remembers how the last move has changed the gradient, unless the loss is not convex there. */
static void remember_pair(ag__lbfgs *l, const float *gradient)
{
    float *change = l->gradients[0] != gradient ? l->gradients[0] : l->gradients[1];
    for (size_t i = 0; i < l->size; i++)
        change[i] = gradient[i] - l->last_gradient->data[i];
    if (!(ag__vector_dot(l->size, change, l->last_move->data) > LEAST_CURVATURE)) return;
    size_t row = row_of(l, l->num_pairs), bytes = l->size * sizeof *change;
    memcpy(l->gradient_changes->data + row, change, bytes);
    memcpy(l->moves->data + row, l->last_move->data, bytes);
    l->num_pairs++;
}

/* The two loops of Nocedal and Wright's algorithm 7.4, on l->product, which holds -gradient. */
static void apply_pairs(ag__lbfgs *l)
{
    size_t count = num_rows(l), n = l->size;
    double scale = 1;
    for (size_t k = 0; k < count; k++) { /* from the newest on */
        size_t row = row_of(l, l->num_pairs - 1 - k);
        const float *change = l->gradient_changes->data + row, *move = l->moves->data + row;
        l->curvatures[k] = ag__vector_dot(n, change, move);
        l->fractions[k] = ag__vector_dot_double(n, move, l->product) / l->curvatures[k];
        ag__vector_add(n, -l->fractions[k], change, l->product);
        if (k == 0) scale = l->curvatures[0] / ag__vector_dot(n, change, change);
    }
    for (size_t i = 0; i < n; i++)
        l->product[i] *= scale;
    for (size_t k = count; k-- > 0;) {
        size_t row = row_of(l, l->num_pairs - 1 - k);
        const float *change = l->gradient_changes->data + row, *move = l->moves->data + row;
        double back = ag__vector_dot_double(n, change, l->product) / l->curvatures[k];
        ag__vector_add(n, l->fractions[k] - back, move, l->product);
    }
}

static void find_direction(ag__lbfgs *l, const float *gradient)
{
    if (l->iterations == 1)
        l->num_pairs = 0;
    else
        remember_pair(l, gradient);
    for (size_t i = 0; i < l->size; i++)
        l->product[i] = -(double)gradient[i];
    apply_pairs(l);
    for (size_t i = 0; i < l->size; i++)
        l->direction[i] = (float)l->product[i];
    memcpy(l->last_gradient->data, gradient, l->size * sizeof *gradient);
    memset(l->last_move->data, 0, l->size * sizeof *gradient);
}

/* ---- one step ---- */

/* Moves along the direction; now becomes the point that is reached. */
static ag_status move(ag_optimizer *optimizer, double t, bool is_last, ag__point *now)
{
    ag__lbfgs *l = optimizer->lbfgs;
    ag__point start = *now;
    ag_status status = AG_OK;
    start.t = 0;
    copy_parameters(optimizer, l->origin);
    if (l->options.strong_wolfe)
        status = ag__strong_wolfe(optimizer, &start, t, now);
    else if (!is_last)
        status = ag__lbfgs_evaluate(optimizer, t, &start, &start, now);
    else
        now->t = t; /* nobody asks for the loss there */
    if (status != AG_OK) return status;
    move_parameters(optimizer, now->t);
    for (size_t i = 0; i < l->size; i++)
        l->last_move->data[i] = (float)(now->t * (double)l->direction[i]);
    return AG_OK;
}

/* One direction and the move along it. finished: whether no further one is to be made. */
static ag_status iterate(ag_optimizer *optimizer, bool is_last, ag__point *now, bool *finished)
{
    ag__lbfgs *l = optimizer->lbfgs;
    double rate = (double)optimizer->learning_rate, before = now->loss;
    double least_change = (double)l->options.tolerance_change;
    l->iterations++;
    find_direction(l, now->gradient);
    double t = rate;
    if (l->iterations == 1) t *= fmin(1, 1 / sum_of_magnitudes(l->size, now->gradient));
    now->slope = ag__vector_dot(l->size, now->gradient, l->direction);
    *finished = !(now->slope <= -least_change) || isinf(now->slope); /* NaN ends it, too */
    if (*finished) return AG_OK;
    ag_status status = move(optimizer, t, is_last, now);
    *finished = is_last || l->evaluations >= l->options.max_evaluations ||
                largest_magnitude(l->size, now->gradient) <= (double)l->options.tolerance_grad ||
                largest_magnitude(l->size, l->last_move->data) <= least_change ||
                fabs(now->loss - before) < least_change;
    return status;
}

static ag_status step(ag_optimizer *optimizer, double *loss)
{
    ag__lbfgs *l = optimizer->lbfgs;
    ag__point now = {.gradient = l->gradients[0]};
    ag_status status = evaluate_here(optimizer, now.gradient, &now.loss);
    if (status != AG_OK) return status;
    *loss = now.loss;
    bool finished = largest_magnitude(l->size, now.gradient) <= (double)l->options.tolerance_grad;
    for (uint32_t k = 1; !finished && status == AG_OK; k++)
        status = iterate(optimizer, k == l->options.max_iterations, &now, &finished);
    return status;
}

/*
 * The closure may have replaced a parameter's data, or reset the arena that a parameter stood in: then
 * there is nothing to put back.
 */
static void undo(ag_optimizer *optimizer)
{
    ag__lbfgs *l = optimizer->lbfgs;
    l->iterations = l->num_pairs = 0;
    for (size_t i = 0; i < optimizer->num_parameters; i++) {
        const ag__parameter *parameter = &optimizer->parameters[i];
        if (!ag__parameter_is_there(parameter)) return;
        const ag_tensor *data = parameter->variable->data;
        if (data == NULL || data->data == NULL || data->size != parameter->size) return;
    }
    set_parameters(optimizer, l->start);
}

ag_status ag_lbfgs_step(ag_optimizer *optimizer, ag_closure closure, void *context, double *loss)
{
    if (optimizer == NULL) return ag__fail_null("lbfgs_step", "optimizer");
    if (closure == NULL) return ag__fail_missing("lbfgs_step", "closure");
    if (optimizer->lbfgs == NULL)
        return ag__fail(AG_ERROR_ARGUMENT, "lbfgs_step: the optimizer is %s, not lbfgs",
                        optimizer->rule.name);
    ag_status status = ag__check_gradients("lbfgs_step", optimizer);
    if (status != AG_OK) return status;
    ag__lbfgs *l = optimizer->lbfgs;
    double at_first = 0, begin = ag__deed_begins();
    l->closure = closure;
    l->context = context;
    l->evaluations = 0;
    copy_parameters(optimizer, l->start);
    status = step(optimizer, &at_first);
    if (status != AG_OK)
        undo(optimizer);
    else if (loss != NULL)
        *loss = at_first;
    if (status == AG_OK) ag__tell(begin, optimizer->rule.name, "step", 0, NULL);
    return status;
}
