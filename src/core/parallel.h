/* parallel.h: running a loop over blocks on several threads. */
#ifndef AG_CORE_PARALLEL_H
#define AG_CORE_PARALLEL_H

#include <autograd/parallel.h>

/* Works on the blocks begin … end - 1. Different blocks may run at the same time. */
typedef void ag__task(size_t begin, size_t end, void *context);

/*
 * Runs a task over `count` blocks, on several threads if that pays. What a block is depends on the
 * size of the data alone, never on the number of threads, so results do not either.
 * nanoseconds: what all blocks together would take on one core, roughly.
 */
void ag__parallel_for(size_t count, double nanoseconds, ag__task *task, void *context);

/* How many threads such work would get now, in as many blocks. */
int ag__threads_for(double nanoseconds);

#endif
