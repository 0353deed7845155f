/* timing.c: how long a piece of work takes. */
#include "config.h"

#include "support/timing.h"

#include <stdlib.h>
#include <time.h>

enum { FEWEST_SAMPLES = 5, MOST_SAMPLES = 31 };

double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median_of(double *numbers, size_t count)
{
    qsort(numbers, count, sizeof *numbers, compare_doubles);
    return numbers[count / 2];
}

/* Runs the work for some time, twice at least. Returns how long the last run took. */
static double warm_up(work_fn *work, void *context, double seconds)
{
    double begun = now(), started;
    work(context);
    do {
        started = now();
        work(context);
    } while (now() - begun < seconds);
    return now() - started;
}

double median_time(work_fn *work, void *context, double seconds)
{
    double samples[MOST_SAMPLES];
    double once = warm_up(work, context, seconds / 4);
    size_t repeats = 1 + (size_t)(seconds / MOST_SAMPLES / (once + 1e-9));
    double begun = now();
    size_t taken = 0;
    while (taken < FEWEST_SAMPLES || (taken < MOST_SAMPLES && now() - begun < seconds)) {
        double started = now();
        for (size_t i = 0; i < repeats; i++)
            work(context);
        samples[taken++] = (now() - started) / (double)repeats;
    }
    return median_of(samples, taken);
}
