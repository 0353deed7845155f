/* adam.c: Adam, and AdamW: Adam with decoupled weight decay. */
#include "config.h"

#include <math.h>

#include "core/cpu.h"
#include "optim/optimizer.h"

typedef struct step {
    float coupled_decay;              /* Adam's: part of the gradient */
    float decay;                      /* AdamW's: learning_rate · weight_decay */
    float rate;                       /* learning_rate / (1 - beta1^k) */
    float inverse_square_correction;  /* 1 / sqrt(1 - beta2^k) */
    float beta1, rest1, beta2, rest2; /* rest = 1 - beta */
    float epsilon;
} step;

typedef void step_kernel(size_t, step, float *, const float *, float *, float *);

AG__INLINE void take_step(size_t n, step s, float *restrict p, const float *restrict g,
                          float *restrict m, float *restrict v)
{
    for (size_t begin = 0, end; begin < n; begin = end) {
        end = n - begin < AG__FETCHED ? n : begin + AG__FETCHED;
        if (n >= AG__AHEAD) {
            ag__fetch_ahead(AG__FETCHED, p + begin);
            ag__fetch_ahead(AG__FETCHED, g + begin);
            ag__fetch_ahead(AG__FETCHED, m + begin);
            ag__fetch_ahead(AG__FETCHED, v + begin);
        }
#pragma omp simd
        for (size_t i = begin; i < end; i++) {
            float gradient = g[i] + s.coupled_decay * p[i];
            m[i] = ag__kept_momentum(s.beta1 * m[i] + s.rest1 * gradient);
            v[i] = s.beta2 * v[i] + s.rest2 * (gradient * gradient);
            float spread = sqrtf(v[i]) * s.inverse_square_correction + s.epsilon;
            p[i] -= s.decay * p[i] + s.rate * m[i] / spread;
        }
    }
}

AG__DEFINE_KERNELS(kernels, step_kernel, take_step,
                   (size_t n, step s, float *p, const float *g, float *m, float *v),
                   (n, s, p, g, m, v))

/* The weight decay is left to the two rules. */
static step coefficients(const ag_adam_options *o, const ag__settings *now)
{
    double k = (double)now->step, beta1 = now->momentum, beta2 = (double)o->beta2;
    return (step){
        .rate = (float)(now->learning_rate / (1 - pow(beta1, k))),
        .inverse_square_correction = (float)(1 / sqrt(1 - pow(beta2, k))),
        .beta1 = (float)beta1,
        .rest1 = (float)(1 - beta1),
        .beta2 = o->beta2,
        .rest2 = (float)(1 - beta2),
        .epsilon = o->epsilon,
    };
}

static void update_adam(const ag__rule_options *options, const ag__settings *now, size_t n,
                        float *elements, const float *gradients, float *const *state)
{
    step s = coefficients(&options->adam, now);
    s.coupled_decay = (float)now->weight_decay;
    kernels[ag__cpu()](n, s, elements, gradients, state[0], state[1]);
}

static void update_adamw(const ag__rule_options *options, const ag__settings *now, size_t n,
                         float *elements, const float *gradients, float *const *state)
{
    step s = coefficients(&options->adam, now);
    s.decay = (float)(now->learning_rate * now->weight_decay);
    kernels[ag__cpu()](n, s, elements, gradients, state[0], state[1]);
}

ag_adam_options ag_adam_defaults(void)
{
    return (ag_adam_options){
        .learning_rate = 1e-3f,
        .beta1 = 0.9f,
        .beta2 = 0.999f,
        .epsilon = 1e-8f,
    };
}

ag_adamw_options ag_adamw_defaults(void)
{
    ag_adamw_options options = ag_adam_defaults();
    options.weight_decay = 0.01f;
    return options;
}

static ag_status check(const char *name, const ag_adam_options *o)
{
    ag_status status = ag__check_setting(name, "learning_rate", o->learning_rate, 0, INFINITY);
    if (status == AG_OK) status = ag__check_setting(name, "beta1", o->beta1, 0, 1);
    if (status == AG_OK) status = ag__check_setting(name, "beta2", o->beta2, 0, 1);
    if (status == AG_OK) status = ag__check_setting(name, "epsilon", o->epsilon, 0, INFINITY);
    if (status == AG_OK)
        status = ag__check_setting(name, "weight_decay", o->weight_decay, 0, INFINITY);
    return status;
}

static ag_optimizer *create(const char *name, ag__update *update, ag_arena *arena, size_t count,
                            ag_variable *const *parameters, const ag_adam_options *options)
{
    if (check(name, options) != AG_OK) return NULL;
    ag__rule rule = {
        .name = name,
        .update = update,
        .learning_rate = options->learning_rate,
        .weight_decay = options->weight_decay,
        .momentum = options->beta1,
        .has_momentum = true,
        .num_state = 2,
        .state_names = {"exp_avg", "exp_avg_sq"},
        .options.adam = *options,
    };
    return ag__optimizer_create(arena, count, parameters, &rule);
}

ag_optimizer *ag_adam_create(ag_arena *arena, size_t num_parameters, ag_variable *const *parameters,
                             ag_adam_options options)
{
    return create("adam", update_adam, arena, num_parameters, parameters, &options);
}

ag_optimizer *ag_adamw_create(ag_arena *arena, size_t num_parameters,
                              ag_variable *const *parameters, ag_adamw_options options)
{
    return create("adamw", update_adamw, arena, num_parameters, parameters, &options);
}
