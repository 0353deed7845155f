/* failing_allocator.c: memory with a header in front of it that says how it was asked for. */
#include "config.h"

#include "memory/failing_allocator.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define HEADER 64 /* bytes: keeps what follows aligned */
#define TAKEN UINT64_C(0x74616b656e206174)

typedef struct header {
    uint64_t state;
    size_t bytes;
    size_t alignment;
} header;

static failure_plan plan;
static atomic_long requests, faults;
static atomic_size_t outstanding;

static bool fails(void)
{
    long request = atomic_fetch_add(&requests, 1) + 1;
    if (plan.first == 0 || request < plan.first) return false;
    return request == plan.first || plan.all_after;
}

static void *allocate(size_t bytes, size_t alignment, void *context)
{
    if (context != &plan || bytes == 0 || alignment > HEADER) atomic_fetch_add(&faults, 1);
    if (fails() || bytes > SIZE_MAX / 2) return NULL;
    size_t whole = (HEADER + bytes + HEADER - 1) / HEADER * HEADER;
    header *taken = aligned_alloc(HEADER, whole);
    if (taken == NULL) return NULL;
    memset(taken, 0xa5, whole); /* nobody may count on zeros */
    *taken = (header){TAKEN, bytes, alignment};
    atomic_fetch_add(&outstanding, bytes);
    return (char *)taken + HEADER;
}

static void release(void *memory, size_t bytes, size_t alignment, void *context)
{
    header *taken = (header *)((char *)memory - HEADER);
    if (taken->state != TAKEN || taken->bytes != bytes || taken->alignment != alignment ||
        context != &plan)
        atomic_fetch_add(&faults, 1);
    atomic_fetch_sub(&outstanding, bytes);
    memset(taken, 0x5a, HEADER + bytes); /* whoever reads on reads nonsense */
    free(taken);
}

void failing_allocator_install(void)
{
    ag_set_allocator(&(ag_allocator){allocate, release, &plan});
}

void failing_allocator_plan(failure_plan wanted)
{
    plan = wanted;
    atomic_store(&requests, 0);
}

long failing_allocator_requests(void)
{
    return atomic_load(&requests);
}

size_t failing_allocator_outstanding(void)
{
    return atomic_load(&outstanding);
}

long failing_allocator_faults(void)
{
    return atomic_load(&faults);
}
