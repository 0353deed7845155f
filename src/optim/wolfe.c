/*
 * wolfe.c: a line search for the strong Wolfe conditions: J. Nocedal and S. Wright 2006, algorithms 3.5
 * (bracket) and 3.6 (zoom), with the safeguards of M. Schmidt's minFunc that PyTorch has taken over.
 */
#include "config.h"

#include <math.h>

#include "optim/lbfgs.h"

#define ENOUGH_DECREASE 1e-4 /* c1 */
#define FLAT_ENOUGH 0.9      /* c2 */
#define MAX_TRIALS 25
#define LEAST_WIDTH 1e-9 /* of a bracket, in the largest coordinate */

typedef struct search {
    ag_optimizer *optimizer;
    const ag__point *start;
    ag__point low, high; /* the ends of the bracket */
    int trials;          /* after the first */
    bool done;           /* low meets the conditions */
} search;

/* So does a loss that is not a number. */
static bool decreases_too_little(const search *s, const ag__point *p)
{
    return !(p->loss <= s->start->loss + ENOUGH_DECREASE * p->t * s->start->slope);
}

static bool is_flat_enough(const search *s, const ag__point *p)
{
    return fabs(p->slope) <= -FLAT_ENOUGH * s->start->slope;
}

/* Where the cubic with two points' losses and slopes is least (equation 3.59), within bounds. */
static double least_of_cubic(const ag__point *p, const ag__point *q, double lowest, double highest)
{
    const ag__point *left = p->t <= q->t ? p : q, *right = p->t <= q->t ? q : p;
    double width = right->t - left->t;
    double d1 = left->slope + right->slope - 3 * (right->loss - left->loss) / width;
    double square = d1 * d1 - left->slope * right->slope;
    if (!(square >= 0)) return (lowest + highest) / 2;
    double d2 = sqrt(square);
    double t = right->t - width * (right->slope + d2 - d1) / (right->slope - left->slope + 2 * d2);
    return fmin(fmax(t, lowest), highest);
}

static void set_bracket(search *s, ag__point p, ag__point q)
{
    bool p_is_low = !(q.loss < p.loss);
    s->low = p_is_low ? p : q;
    s->high = p_is_low ? q : p;
}

/* Goes ahead until two neighbouring points have a good one between them. */
static ag_status bracket(search *s, double first)
{
    ag__point before = *s->start, now;
    ag_status status = ag__lbfgs_evaluate(s->optimizer, first, s->start, s->start, &now);
    for (; status == AG_OK && s->trials < MAX_TRIALS; s->trials++) {
        set_bracket(s, before, now);
        if (decreases_too_little(s, &now) || (s->trials > 1 && now.loss >= before.loss))
            return AG_OK;
        s->done = is_flat_enough(s, &now);
        if (s->done) s->low = now;
        if (s->done || now.slope >= 0) return AG_OK;
        double further = now.t + 0.01 * (now.t - before.t);
        double t = least_of_cubic(&before, &now, further, 10 * now.t);
        before = now;
        status = ag__lbfgs_evaluate(s->optimizer, t, s->start, &before, &now);
    }
    if (status == AG_OK) set_bracket(s, *s->start, now);
    return status;
}

/* A place within the bracket, away from its ends if the last place was already near one. */
static double place_within(const search *s, bool *was_near_end)
{
    double left = fmin(s->low.t, s->high.t), right = fmax(s->low.t, s->high.t);
    double margin = 0.1 * (right - left), t = least_of_cubic(&s->low, &s->high, left, right);
    bool near_end = fmin(right - t, t - left) < margin;
    bool too_near = near_end && (*was_near_end || t >= right || t <= left);
    *was_near_end = near_end && !too_near;
    if (!too_near) return t;
    return fabs(t - right) < fabs(t - left) ? right - margin : left + margin;
}

/* Takes a point within the bracket as one of its ends. */
static void narrow(search *s, ag__point now)
{
    if (decreases_too_little(s, &now) || now.loss >= s->low.loss) {
        set_bracket(s, s->low, now);
        return;
    }
    s->done = is_flat_enough(s, &now);
    if (!s->done && now.slope * (s->high.t - s->low.t) >= 0) s->high = s->low;
    s->low = now;
}

static ag_status zoom(search *s)
{
    const ag__lbfgs *l = s->optimizer->lbfgs;
    double longest = 0;
    bool was_near_end = false;
    for (size_t i = 0; i < l->size; i++)
        longest = fmax(longest, fabs((double)l->direction[i]));
    while (!s->done && s->trials < MAX_TRIALS) {
        if (fabs(s->high.t - s->low.t) * longest < LEAST_WIDTH) break;
        ag__point now;
        double t = place_within(s, &was_near_end);
        ag_status status = ag__lbfgs_evaluate(s->optimizer, t, &s->low, &s->high, &now);
        if (status != AG_OK) return status;
        s->trials++;
        narrow(s, now);
    }
    return AG_OK;
}

ag_status ag__strong_wolfe(ag_optimizer *optimizer, const ag__point *start, double first,
                           ag__point *found)
{
    search s = {.optimizer = optimizer, .start = start};
    ag_status status = bracket(&s, first);
    if (status == AG_OK) status = zoom(&s);
    if (status == AG_OK) *found = s.low;
    return status;
}
