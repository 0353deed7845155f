/* ctc_paths.c: the forward algorithm of connectionist temporal classification, in both directions. */
#include "config.h"

#include "core/elementary.h"
#include "tensor/loss/ctc.h"

/* log(e^a + e^b + e^c); NaN of NaN. */
AG__INLINE double log_of_three(double a, double b, double c)
{
    double of_two = a > b ? a : b;
    double largest = of_two > c ? of_two : c;
    double sum = ag__exp_of_negative(a - largest) + ag__exp_of_negative(b - largest) +
                 ag__exp_of_negative(c - largest);
    double inside = largest + ag__log(sum);
    return largest == -HUGE_VAL ? a + b + c : inside;
}

/* Adds to the paths that skip to each state those that stay and those that step, but for the first. */
AG__INLINE void add_paths(size_t states, const double *restrict before, double *restrict now)
{
#pragma omp simd
    for (size_t r = 1; r < states; r++)
        now[r] = log_of_three(before[r], before[r - 1], now[r]);
}

typedef void paths_kernel(size_t, const double *, double *);

AG__DEFINE_KERNELS(paths_kernels, paths_kernel, add_paths,
                   (size_t states, const double *before, double *now), (states, before, now))

/* From the last label to this one, past the blank between them: not where it tells repeated ones apart. */
static bool may_skip(const ag__ctc_sequence *q, bool backwards, size_t r, size_t state)
{
    if (r < 2 || r % 2 == 0) return false;
    return ag__ctc_class(q, backwards ? state + 2 : state - 2) != ag__ctc_class(q, state);
}

void ag__ctc_advance(const ag__ctc_sequence *q, bool backwards, size_t t, const double *before,
                     double *now)
{
    size_t states = ag__ctc_states(q->labels);
    for (size_t r = 0; r < states; r++) {
        size_t state = backwards ? states - 1 - r : r;
        if (before == NULL)
            now[r] = r < 2 ? 0 : -HUGE_VAL;
        else if (r == 0)
            now[r] = before[r];
        else
            now[r] = may_skip(q, backwards, r, state) ? before[r - 2] : -HUGE_VAL;
    }
    if (before != NULL) paths_kernels[ag__cpu()](states, before, now);
    for (size_t r = 0; r < states; r++) {
        size_t state = backwards ? states - 1 - r : r;
        now[r] += (double)q->log_probs[t * q->stride + ag__ctc_class(q, state)];
    }
}

double ag__ctc_log_sum(const ag__ctc_sequence *q, const double *last)
{
    size_t states = ag__ctc_states(q->labels);
    return log_of_three(last[states - 1], states > 1 ? last[states - 2] : -HUGE_VAL, -HUGE_VAL);
}

void ag__ctc_add_shares(const ag__ctc_sequence *q, size_t t, const double *forward,
                        const double *backward, double log_sum, double *row)
{
    size_t states = ag__ctc_states(q->labels);
    for (size_t state = 0; state < states; state++) {
        size_t class = ag__ctc_class(q, state);
        double log_prob = (double)q->log_probs[t * q->stride + class];
        if (log_prob == -HUGE_VAL)
            continue; /* both passes count it: no path, unless none is left */
        row[class] -= ag__exp(forward[state] + backward[states - 1 - state] - log_prob - log_sum);
    }
}
