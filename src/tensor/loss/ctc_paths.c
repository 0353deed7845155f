/* ctc_paths.c: the forward algorithm of connectionist temporal classification, in both directions. */
#include "config.h"

#include "core/elementary.h"
#include "tensor/loss/ctc.h"

/* log(e^a + e^b + e^c); NaN of NaN. */
static double log_of_three(double a, double b, double c)
{
    double largest = a > b ? a : b;
    largest = largest > c ? largest : c;
    if (largest == -HUGE_VAL) return a + b + c;
    return largest + ag__log(ag__exp_of_negative(a - largest) + ag__exp_of_negative(b - largest) +
                             ag__exp_of_negative(c - largest));
}

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
        double log_prob = (double)q->log_probs[t * q->stride + ag__ctc_class(q, state)];
        double stay = before != NULL ? before[r] : r < 2 ? 0 : -HUGE_VAL;
        double step = before != NULL && r > 0 ? before[r - 1] : -HUGE_VAL;
        double skip =
            before != NULL && may_skip(q, backwards, r, state) ? before[r - 2] : -HUGE_VAL;
        now[r] = log_of_three(stay, step, skip) + log_prob;
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
