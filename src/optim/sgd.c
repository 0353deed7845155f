/* sgd.c: stochastic gradient descent with momentum. */
#include "config.h"

#include <math.h>

#include "core/cpu.h"
#include "core/status.h"
#include "optim/optimizer.h"

typedef struct step {
    float learning_rate, momentum, weight_decay;
    bool nesterov;
} step;

typedef void step_kernel(size_t, step, float *, const float *, float *);

AG__INLINE void plain_step(size_t n, step s, float *restrict p, const float *restrict g)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        p[i] -= s.learning_rate * (g[i] + s.weight_decay * p[i]);
}

/* Inlined with a constant for nesterov: gcc does not vectorise a choice that it meets in the loop. */
AG__INLINE void momentum_step(size_t n, step s, bool nesterov, float *restrict p,
                              const float *restrict g, float *restrict velocity)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float gradient = g[i] + s.weight_decay * p[i];
        float v = ag__kept_momentum(s.momentum * velocity[i] + gradient);
        velocity[i] = v;
        p[i] -= s.learning_rate * (nesterov ? gradient + s.momentum * v : v);
    }
}

AG__INLINE void take_step(size_t n, step s, float *p, const float *g, float *velocity)
{
    if (velocity == NULL)
        plain_step(n, s, p, g);
    else if (s.nesterov)
        momentum_step(n, s, true, p, g, velocity);
    else
        momentum_step(n, s, false, p, g, velocity);
}

AG__DEFINE_KERNELS(kernels, step_kernel, take_step,
                   (size_t n, step s, float *p, const float *g, float *velocity),
                   (n, s, p, g, velocity))

static void update(const ag__rule_options *options, const ag__settings *now, size_t n,
                   float *elements, const float *gradients, float *const *state)
{
    step s = {
        .learning_rate = (float)now->learning_rate,
        .momentum = (float)now->momentum,
        .weight_decay = (float)now->weight_decay,
        .nesterov = options->sgd.nesterov,
    };
    kernels[ag__cpu()](n, s, elements, gradients, state[0]);
}

static ag_status check(const ag_sgd_options *options)
{
    ag_status status =
        ag__check_setting("sgd", "learning_rate", options->learning_rate, 0, INFINITY);
    if (status == AG_OK) status = ag__check_setting("sgd", "momentum", options->momentum, 0, 1);
    if (status == AG_OK)
        status = ag__check_setting("sgd", "weight_decay", options->weight_decay, 0, INFINITY);
    if (status == AG_OK && options->nesterov && options->momentum == 0)
        status = ag__fail(AG_ERROR_ARGUMENT, "sgd: nesterov needs a momentum above 0");
    return status;
}

ag_optimizer *ag_sgd_create(ag_arena *arena, size_t num_parameters, ag_variable *const *parameters,
                            ag_sgd_options options)
{
    if (check(&options) != AG_OK) return NULL;
    bool moving = options.momentum > 0;
    ag__rule rule = {
        .name = "sgd",
        .update = update,
        .learning_rate = options.learning_rate,
        .weight_decay = options.weight_decay,
        .momentum = options.momentum,
        .has_momentum = moving,
        .num_state = moving,
        .state_names = {"momentum_buffer"},
        .options.sgd = options,
    };
    return ag__optimizer_create(arena, num_parameters, parameters, &rule);
}
