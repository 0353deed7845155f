/* rmsprop.c: gradients divided by the root of their mean square. */
#include "config.h"

#include <math.h>

#include "core/cpu.h"
#include "optim/optimizer.h"

typedef struct step {
    float rate, weight_decay, alpha, rest, epsilon, momentum; /* rest = 1 - alpha */
} step;

typedef void step_kernel(size_t, step, float *, const float *, float *, float *, float *);

/* Inlined with the velocity, the means or both a constant NULL. */
AG__INLINE void take_step(size_t n, step s, float *restrict p, const float *restrict g,
                          float *restrict squares, float *restrict velocity, float *restrict means)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float gradient = g[i] + s.weight_decay * p[i];
        squares[i] = s.alpha * squares[i] + s.rest * (gradient * gradient);
        float spread = squares[i];
        if (means != NULL) {
            means[i] = ag__kept_momentum(s.alpha * means[i] + s.rest * gradient);
            spread -= means[i] * means[i];
            spread = spread > 0 ? spread : 0; /* rounded, a variance can be negative */
        }
        float move = gradient / (sqrtf(spread) + s.epsilon);
        if (velocity != NULL)
            move = velocity[i] = ag__kept_momentum(s.momentum * velocity[i] + move);
        p[i] -= s.rate * move;
    }
}

AG__INLINE void take_chosen_step(size_t n, step s, float *p, const float *g, float *squares,
                                 float *velocity, float *means)
{
    if (velocity != NULL && means != NULL)
        take_step(n, s, p, g, squares, velocity, means);
    else if (velocity != NULL)
        take_step(n, s, p, g, squares, velocity, NULL);
    else if (means != NULL)
        take_step(n, s, p, g, squares, NULL, means);
    else
        take_step(n, s, p, g, squares, NULL, NULL);
}

AG__DEFINE_KERNELS(kernels, step_kernel, take_chosen_step,
                   (size_t n, step s, float *p, const float *g, float *squares, float *velocity,
                    float *means),
                   (n, s, p, g, squares, velocity, means))

static void update(const ag__rule_options *options, const ag__settings *now, size_t n,
                   float *elements, const float *gradients, float *const *state)
{
    const ag_rmsprop_options *o = &options->rmsprop;
    step s = {
        .rate = (float)now->learning_rate,
        .weight_decay = (float)now->weight_decay,
        .alpha = o->alpha,
        .rest = (float)(1 - (double)o->alpha),
        .epsilon = o->epsilon,
        .momentum = (float)now->momentum,
    };
    bool moving = o->momentum > 0;
    kernels[ag__cpu()](n, s, elements, gradients, state[0], moving ? state[1] : NULL,
                       o->centered ? state[moving ? 2 : 1] : NULL);
}

ag_rmsprop_options ag_rmsprop_defaults(void)
{
    return (ag_rmsprop_options){.learning_rate = 1e-2f, .alpha = 0.99f, .epsilon = 1e-8f};
}

static ag_status check(const ag_rmsprop_options *o)
{
    static const char name[] = "rmsprop";
    ag_status status = ag__check_setting(name, "learning_rate", o->learning_rate, 0, INFINITY);
    if (status == AG_OK) status = ag__check_setting(name, "alpha", o->alpha, 0, 1);
    if (status == AG_OK) status = ag__check_setting(name, "epsilon", o->epsilon, 0, INFINITY);
    if (status == AG_OK) status = ag__check_setting(name, "momentum", o->momentum, 0, 1);
    if (status == AG_OK)
        status = ag__check_setting(name, "weight_decay", o->weight_decay, 0, INFINITY);
    return status;
}

ag_optimizer *ag_rmsprop_create(ag_arena *arena, size_t num_parameters,
                                ag_variable *const *parameters, ag_rmsprop_options options)
{
    if (check(&options) != AG_OK) return NULL;
    bool moving = options.momentum > 0;
    ag__rule rule = {
        .name = "rmsprop",
        .update = update,
        .learning_rate = options.learning_rate,
        .weight_decay = options.weight_decay,
        .momentum = options.momentum,
        .has_momentum = moving,
        .num_state = 1u + moving + options.centered,
        .state_names = {"square_avg", moving ? "momentum_buffer" : "grad_avg", "grad_avg"},
        .options.rmsprop = options,
    };
    return ag__optimizer_create(arena, num_parameters, parameters, &rule);
}
