/* schedule.c: learning rates as functions of the step. */
#include "config.h"

#include <autograd/schedule.h>

#include <math.h>

#include "core/status.h"
#include "optim/optimizer.h"

#define PI 3.14159265358979323846

/* ---- powers ---- */

static ag_status check_decay(const char *name, float learning_rate, float gamma)
{
    ag_status status = ag__check_setting(name, "learning_rate", learning_rate, 0, INFINITY);
    if (status == AG_OK) status = ag__check_setting(name, "gamma", gamma, 0, INFINITY);
    return status;
}

static float decayed(float learning_rate, float gamma, uint64_t times)
{
    if (times == 0 || learning_rate == 0) return learning_rate; /* 0 also where the power is ∞ */
    return (float)((double)learning_rate * pow((double)gamma, (double)times));
}

float ag_schedule_step(float learning_rate, uint64_t every, float gamma, uint64_t step)
{
    if (check_decay("schedule_step", learning_rate, gamma) != AG_OK) return NAN;
    if (every > 0) return decayed(learning_rate, gamma, step / every);
    ag__fail(AG_ERROR_ARGUMENT, "schedule_step: every is 0 but must be at least 1");
    return NAN;
}

float ag_schedule_multi_step(float learning_rate, size_t num_milestones, const uint64_t *milestones,
                             float gamma, uint64_t step)
{
    if (check_decay("schedule_multi_step", learning_rate, gamma) != AG_OK) return NAN;
    if (milestones == NULL && num_milestones > 0) {
        ag__fail_missing("schedule_multi_step", "milestones");
        return NAN;
    }
    uint64_t passed = 0;
    for (size_t i = 0; i < num_milestones; i++)
        passed += milestones[i] <= step;
    return decayed(learning_rate, gamma, passed);
}

float ag_schedule_exponential(float learning_rate, float gamma, uint64_t step)
{
    if (check_decay("schedule_exponential", learning_rate, gamma) != AG_OK) return NAN;
    return decayed(learning_rate, gamma, step);
}

/* ---- curves ---- */

/* From one value to another, as t goes from 0 to 1. */
static double along_line(double from, double to, double t)
{
    return from + (to - from) * t;
}

static double along_cosine(double from, double to, double t)
{
    return to + (from - to) * (1 + cos(PI * t)) / 2;
}

static ag_status check_cosine(const ag_cosine_schedule *s)
{
    static const char name[] = "schedule_cosine";
    if (s == NULL) return ag__fail_missing(name, "schedule");
    ag_status status = ag__check_setting(name, "learning_rate", s->learning_rate, 0, INFINITY);
    if (status == AG_OK)
        status =
            ag__check_setting(name, "lowest_learning_rate", s->lowest_learning_rate, 0, INFINITY);
    if (status == AG_OK && !(s->warmup_start >= 0 && s->warmup_start <= 1))
        status = ag__fail(AG_ERROR_ARGUMENT, "%s: warmup_start is %g but must be from 0 to 1", name,
                          (double)s->warmup_start);
    if (status == AG_OK && s->num_steps <= s->warmup_steps)
        status = ag__fail(AG_ERROR_ARGUMENT,
                          "%s: num_steps is %llu but must be above warmup_steps, %llu", name,
                          (unsigned long long)s->num_steps, (unsigned long long)s->warmup_steps);
    return status;
}

float ag_schedule_cosine(const ag_cosine_schedule *schedule, uint64_t step)
{
    if (check_cosine(schedule) != AG_OK) return NAN;
    double highest = (double)schedule->learning_rate;
    double lowest = (double)schedule->lowest_learning_rate;
    uint64_t warmup = schedule->warmup_steps;
    if (step < warmup)
        return (float)along_line((double)schedule->warmup_start * highest, highest,
                                 (double)step / (double)warmup);
    if (step >= schedule->num_steps) return schedule->lowest_learning_rate;
    double t = (double)(step - warmup) / (double)(schedule->num_steps - warmup);
    return (float)along_cosine(highest, lowest, t);
}

/* ---- one cycle ---- */

ag_one_cycle_schedule ag_one_cycle_defaults(float max_learning_rate, uint64_t num_steps)
{
    return (ag_one_cycle_schedule){
        .max_learning_rate = max_learning_rate,
        .num_steps = num_steps,
        .warmup_fraction = 0.3f,
        .division = 25,
        .final_division = 1e4f,
        .base_momentum = 0.85f,
        .max_momentum = 0.95f,
    };
}

static ag_status check_one_cycle(const ag_one_cycle_schedule *s)
{
    static const char name[] = "schedule_one_cycle";
    if (s == NULL) return ag__fail_missing(name, "schedule");
    if (s->num_steps < 2)
        return ag__fail(AG_ERROR_ARGUMENT, "%s: num_steps is %llu but must be at least 2", name,
                        (unsigned long long)s->num_steps);
    if (!(s->warmup_fraction > 0 && s->warmup_fraction < 1))
        return ag__fail(AG_ERROR_ARGUMENT,
                        "%s: warmup_fraction is %g but must be above 0 and below 1", name,
                        (double)s->warmup_fraction);
    ag_status status =
        ag__check_setting(name, "max_learning_rate", s->max_learning_rate, 0, INFINITY);
    if (status == AG_OK) status = ag__check_setting(name, "division", s->division, 1, INFINITY);
    if (status == AG_OK)
        status = ag__check_setting(name, "final_division", s->final_division, 1, INFINITY);
    if (status == AG_OK) status = ag__check_setting(name, "base_momentum", s->base_momentum, 0, 1);
    if (status == AG_OK) status = ag__check_setting(name, "max_momentum", s->max_momentum, 0, 1);
    return status;
}

/* From `first` by way of `top` to `last`. */
static float along_cycle(const ag_one_cycle_schedule *s, uint64_t step, double first, double top,
                         double last)
{
    double end = (double)(s->num_steps - 1);
    double turn = (double)s->warmup_fraction * (double)s->num_steps - 1;
    double at = (double)step < end ? (double)step : end;
    bool rising = at <= turn;
    double from = rising ? first : top, to = rising ? top : last;
    double t = rising ? (turn > 0 ? at / turn : 1) : (at - turn) / (end - turn);
    return (float)(s->linear ? along_line(from, to, t) : along_cosine(from, to, t));
}

float ag_schedule_one_cycle(const ag_one_cycle_schedule *schedule, uint64_t step)
{
    if (check_one_cycle(schedule) != AG_OK) return NAN;
    double top = (double)schedule->max_learning_rate, first = top / (double)schedule->division;
    return along_cycle(schedule, step, first, top, first / (double)schedule->final_division);
}

float ag_schedule_one_cycle_momentum(const ag_one_cycle_schedule *schedule, uint64_t step)
{
    if (check_one_cycle(schedule) != AG_OK) return NAN;
    double ends = (double)schedule->max_momentum;
    return along_cycle(schedule, step, ends, (double)schedule->base_momentum, ends);
}
