/* ctc_paths.c: the forward algorithm of connectionist temporal classification, in both directions. */
#include "config.h"

#include "core/elementary.h"
#include "tensor/loss/ctc.h"

/* log(e^a + e^b + e^c); NaN of NaN and of ∞. The largest makes 1 of the sum. */
AG__INLINE double log_of_three(double a, double b, double c)
{
    double larger = a > b ? a : b, smaller = a > b ? b : a;
    double largest = larger > c ? larger : c, other = larger > c ? c : larger;
    double rest = ag__exp_of_negative(smaller - largest) + ag__exp_of_negative(other - largest);
    double nan = (rest - rest) + (largest - largest);
    double inside = largest + ag__log_of_normal(1 + rest) + nan;
    return largest == -HUGE_VAL ? a + b + c : inside;
}

/* The three places that a path comes from lie at the same distance for all states. */
AG__INLINE void add_paths(size_t states, const double *restrict stay, const double *restrict step,
                          const double *restrict skip, const double *restrict skips,
                          const double *restrict emissions, double *restrict now)
{
#pragma omp simd
    for (size_t s = 0; s < states; s++) {
        double skipped = skips[s] != 0 ? skip[s] : -HUGE_VAL;
        now[s] = log_of_three(stay[s], step[s], skipped) + emissions[s];
    }
}

/*
 * e^(forward + backward - emission - log_sum), for both passes count the frame itself; 0 where no path goes. Written
 * in place of the emissions.
 */
AG__INLINE void write_shares(size_t states, const double *restrict forward,
                             const double *restrict backward, double log_sum,
                             double *restrict emissions)
{
#pragma omp simd
    for (size_t s = 0; s < states; s++) {
        double share = ag__exp(forward[s] + backward[s] - emissions[s] - log_sum);
        emissions[s] = emissions[s] == -HUGE_VAL ? 0 : share;
    }
}

typedef void paths_kernel(size_t, const double *, const double *, const double *, const double *,
                          const double *, double *);
typedef void shares_kernel(size_t, const double *, const double *, double, double *);

AG__DEFINE_KERNELS(paths_kernels, paths_kernel, add_paths,
                   (size_t states, const double *stay, const double *step, const double *skip,
                    const double *skips, const double *emissions, double *now),
                   (states, stay, step, skip, skips, emissions, now))
AG__DEFINE_KERNELS(shares_kernels, shares_kernel, write_shares,
                   (size_t states, const double *forward, const double *backward, double log_sum,
                    double *emissions),
                   (states, forward, backward, log_sum, emissions))

void ag__ctc_prepare(ag__ctc_sequence *q, const int32_t *target, uint32_t blank, double *memory)
{
    q->states = ag__ctc_states(q->labels);
    q->skips = memory;
    q->emissions = memory + q->states + AG__CTC_BESIDE;
    q->classes = (uint32_t *)(q->emissions + q->states);
    for (size_t s = 0; s < q->states; s++) {
        q->classes[s] = s % 2 != 0 ? (uint32_t)target[s / 2] : blank;
        q->skips[s] = s % 2 != 0 && s >= 2 && q->classes[s] != q->classes[s - 2];
    }
    q->skips[q->states] = q->skips[q->states + 1] = 0;
}

static void read_emissions(const ag__ctc_sequence *q, size_t t)
{
    const float *log_probs = q->log_probs + t * q->stride;
    for (size_t s = 0; s < q->states; s++)
        q->emissions[s] = (double)log_probs[q->classes[s]];
}

/* Of the first frame: a path begins, or ends, in one of two states. NaN of the others stays. */
static void begin(const ag__ctc_sequence *q, bool backwards, double *now)
{
    for (size_t s = 0; s < q->states; s++)
        now[s] = -HUGE_VAL + q->emissions[s];
    size_t first = backwards ? q->states - 1 : 0;
    now[first] = q->emissions[first];
    if (q->labels == 0) return;
    size_t second = backwards ? first - 1 : 1;
    now[second] = q->emissions[second];
}

void ag__ctc_advance(const ag__ctc_sequence *q, bool backwards, size_t t, const double *before,
                     double *now)
{
    read_emissions(q, t);
    double *behind = now + AG__CTC_BESIDE + q->states;
    for (int i = 0; i < AG__CTC_BESIDE; i++)
        now[i] = behind[i] = -HUGE_VAL;
    now += AG__CTC_BESIDE;
    if (before == NULL) {
        begin(q, backwards, now);
        return;
    }
    before += AG__CTC_BESIDE;
    paths_kernel *add = paths_kernels[ag__cpu()];
    if (backwards)
        add(q->states, before, before + 1, before + 2, q->skips + 2, q->emissions, now);
    else
        add(q->states, before, before - 1, before - 2, q->skips, q->emissions, now);
}

double ag__ctc_log_sum(const ag__ctc_sequence *q, const double *last)
{
    const double *end = last + AG__CTC_BESIDE + q->states;
    return log_of_three(end[-1], end[-2], -HUGE_VAL);
}

void ag__ctc_add_shares(const ag__ctc_sequence *q, size_t t, const double *forward,
                        const double *backward, double log_sum, double *row)
{
    read_emissions(q, t);
    shares_kernels[ag__cpu()](q->states, forward + AG__CTC_BESIDE, backward + AG__CTC_BESIDE,
                              log_sum, q->emissions);
    for (size_t s = 0; s < q->states; s++)
        row[q->classes[s]] -= q->emissions[s];
}
