/* failing_allocator.h: an allocator for ag_set_allocator that counts, checks and fails as planned. */
#ifndef MEMORY_FAILING_ALLOCATOR_H
#define MEMORY_FAILING_ALLOCATOR_H

#include <autograd/allocator.h>

/* Which requests fail: none where first is 0; with all_after, those after the first too. */
typedef struct failure_plan {
    long first; /* from 1, counted from the moment of the plan */
    bool all_after;
} failure_plan;

/* Makes all of the library's memory come from here. */
void failing_allocator_install(void);

/* Plans failures and counts requests from 0 again. */
void failing_allocator_plan(failure_plan plan);

/* How many requests there were since the last plan, failed ones included. */
long failing_allocator_requests(void);

/* Bytes that are out now. */
size_t failing_allocator_outstanding(void);

/* What was given back with another size or alignment than it was taken with, or twice, or never taken. */
long failing_allocator_faults(void);

#endif
