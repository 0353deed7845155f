/* parallel.h: how many threads the library may use. */
#ifndef AUTOGRAD_PARALLEL_H
#define AUTOGRAD_PARALLEL_H

#include <autograd/status.h>

AG_BEGIN_DECLS

/**
 * Sets how many threads one call may use, for the whole process; 0, the default, means as many as
 * OpenMP would (OMP_NUM_THREADS, or the number of processors). The number changes how long a call
 * takes, never a bit of its result. Small calls use one thread whatever
 * is set.
 * Should the system refuse to create so many threads, the work is done by those that there are, until
 * this is called again. (Before its first team of a size the library tries whether the system gives so
 * many. What it cannot prevent is a refusal in the moment after, or memory running out inside of
 * OpenMP's runtime, which then ends the process with a message.)
 * @return AG_ERROR_ARGUMENT below 0 or above 1024.
 */
AG_API ag_status ag_set_num_threads(int threads);

/** How many threads a large call may use now; 1 in a library built without OpenMP. */
AG_API int ag_get_num_threads(void);

/**
 * Whether results must have the same bits for any number of threads, for the whole process; true at
 * first. So far they have them in any case: false allows a release to come to give that up, of matrix
 * products alone, where it makes them faster.
 * @return what it was before.
 */
AG_API bool ag_set_deterministic(bool deterministic);

AG_END_DECLS

#endif
