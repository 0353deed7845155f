/* adamw.c: Adam with decoupled weight decay. */
#include "config.h"

#include <math.h>

#include "core/cpu.h"
#include "optim/optimizer.h"

/* One pass over parameter, gradient and both moments, in float: it is bound by memory. */
typedef struct step {
    float decay;                      /* learning_rate · weight_decay */
    float rate;                       /* learning_rate / (1 - beta1^k) */
    float inverse_square_correction;  /* 1 / sqrt(1 - beta2^k) */
    float beta1, rest1, beta2, rest2; /* rest = 1 - beta */
    float epsilon;
} step;

typedef void step_kernel(size_t, step, float *, const float *, float *, float *);

AG__INLINE void take_step(size_t n, step s, float *restrict p, const float *restrict g,
                          float *restrict m, float *restrict v)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        m[i] = s.beta1 * m[i] + s.rest1 * g[i];
        v[i] = s.beta2 * v[i] + s.rest2 * (g[i] * g[i]);
        float spread = sqrtf(v[i]) * s.inverse_square_correction + s.epsilon;
        p[i] -= s.decay * p[i] + s.rate * m[i] / spread;
    }
}

AG__DEFINE_KERNELS(kernels, step_kernel, take_step,
                   (size_t n, step s, float *p, const float *g, float *m, float *v),
                   (n, s, p, g, m, v))

static void update(const ag_optimizer *optimizer, uint64_t step_number, size_t n, float *elements,
                   const float *gradients, float *const *state)
{
    const ag_adamw_options *o = &optimizer->options.adamw;
    double k = (double)step_number, rate = (double)optimizer->learning_rate;
    step s = {
        .decay = (float)(rate * (double)o->weight_decay),
        .rate = (float)(rate / (1 - pow((double)o->beta1, k))),
        .inverse_square_correction = (float)(1 / sqrt(1 - pow((double)o->beta2, k))),
        .beta1 = o->beta1,
        .rest1 = (float)(1 - (double)o->beta1),
        .beta2 = o->beta2,
        .rest2 = (float)(1 - (double)o->beta2),
        .epsilon = o->epsilon,
    };
    kernels[ag__cpu()](n, s, elements, gradients, state[0], state[1]);
}

ag_adamw_options ag_adamw_defaults(void)
{
    return (ag_adamw_options){
        .learning_rate = 1e-3f,
        .beta1 = 0.9f,
        .beta2 = 0.999f,
        .epsilon = 1e-8f,
        .weight_decay = 0.01f,
    };
}

static ag_status check(const ag_adamw_options *o)
{
    ag_status status = ag__check_setting("adamw", "learning_rate", o->learning_rate, 0, INFINITY);
    if (status == AG_OK) status = ag__check_setting("adamw", "beta1", o->beta1, 0, 1);
    if (status == AG_OK) status = ag__check_setting("adamw", "beta2", o->beta2, 0, 1);
    if (status == AG_OK) status = ag__check_setting("adamw", "epsilon", o->epsilon, 0, INFINITY);
    if (status == AG_OK)
        status = ag__check_setting("adamw", "weight_decay", o->weight_decay, 0, INFINITY);
    return status;
}

ag_optimizer *ag_adamw_create(ag_arena *arena, size_t num_parameters,
                              ag_variable *const *parameters, ag_adamw_options options)
{
    if (check(&options) != AG_OK) return NULL;
    ag_optimizer rule = {
        .name = "adamw",
        .update = update,
        .num_state = 2,
        .state_names = {"exp_avg", "exp_avg_sq"},
        .learning_rate = options.learning_rate,
        .options.adamw = options,
    };
    return ag__optimizer_create(arena, num_parameters, parameters, rule);
}
