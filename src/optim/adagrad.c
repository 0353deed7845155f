/* adagrad.c: gradients divided by the root of the sum of all their squares. */
#include "config.h"

#include <math.h>

#include "core/cpu.h"
#include "optim/optimizer.h"

typedef struct step {
    float rate, weight_decay, epsilon;
} step;

typedef void step_kernel(size_t, step, float *, const float *, float *);

AG__INLINE void take_step(size_t n, step s, float *restrict p, const float *restrict g,
                          float *restrict sum)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float gradient = g[i] + s.weight_decay * p[i];
        sum[i] += gradient * gradient;
        p[i] -= s.rate * gradient / (sqrtf(sum[i]) + s.epsilon);
    }
}

AG__DEFINE_KERNELS(kernels, step_kernel, take_step,
                   (size_t n, step s, float *p, const float *g, float *sum), (n, s, p, g, sum))

static void update(const ag__rule_options *options, const ag__settings *now, size_t n,
                   float *elements, const float *gradients, float *const *state)
{
    const ag_adagrad_options *o = &options->adagrad;
    double slowing = 1 + (double)(now->step - 1) * (double)o->learning_rate_decay;
    step s = {
        .rate = (float)(now->learning_rate / slowing),
        .weight_decay = (float)now->weight_decay,
        .epsilon = o->epsilon,
    };
    kernels[ag__cpu()](n, s, elements, gradients, state[0]);
}

ag_adagrad_options ag_adagrad_defaults(void)
{
    return (ag_adagrad_options){.learning_rate = 1e-2f, .epsilon = 1e-10f};
}

static ag_status check(const ag_adagrad_options *o)
{
    static const char name[] = "adagrad";
    ag_status status = ag__check_setting(name, "learning_rate", o->learning_rate, 0, INFINITY);
    if (status == AG_OK)
        status =
            ag__check_setting(name, "learning_rate_decay", o->learning_rate_decay, 0, INFINITY);
    if (status == AG_OK) status = ag__check_setting(name, "epsilon", o->epsilon, 0, INFINITY);
    if (status == AG_OK)
        status = ag__check_setting(name, "initial_accumulator_value", o->initial_accumulator_value,
                                   0, INFINITY);
    if (status == AG_OK)
        status = ag__check_setting(name, "weight_decay", o->weight_decay, 0, INFINITY);
    return status;
}

ag_optimizer *ag_adagrad_create(ag_arena *arena, size_t num_parameters,
                                ag_variable *const *parameters, ag_adagrad_options options)
{
    if (check(&options) != AG_OK) return NULL;
    ag__rule rule = {
        .name = "adagrad",
        .update = update,
        .learning_rate = options.learning_rate,
        .weight_decay = options.weight_decay,
        .num_state = 1,
        .state_names = {"sum"},
        .first_state = options.initial_accumulator_value,
        .options.adagrad = options,
    };
    return ag__optimizer_create(arena, num_parameters, parameters, &rule);
}
