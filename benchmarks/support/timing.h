/* timing.h: how long a piece of work takes. Also for C++. */
#ifndef BENCHMARKS_TIMING_H
#define BENCHMARKS_TIMING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void work_fn(void *context);

/* Seconds on a clock that only goes forward. */
double now(void);

/*
 * The median time of one run, in seconds, of about as many runs as fit into `seconds`, but five at
 * least; others before them warm caches and wake threads.
 */
double median_time(work_fn *work, void *context, double seconds);

/* The median of some numbers, which it sorts; with an even count the higher of the middle two. */
double median_of(double *numbers, size_t count);

#ifdef __cplusplus
}
#endif

#endif
