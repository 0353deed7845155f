/* allocator.c: the one place where memory is asked of the system. */
#include "config.h"

#include "core/allocator.h"

#include <stdlib.h>

#include "core/status.h"

/* aligned_alloc wants whole multiples of the alignment. */
static void *allocate_from_system(size_t bytes, size_t alignment, void *context)
{
    (void)context;
    return bytes <= SIZE_MAX - alignment
               ? aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)
               : NULL;
}

static void release_to_system(void *memory, size_t bytes, size_t alignment, void *context)
{
    (void)bytes, (void)alignment, (void)context;
    free(memory);
}

static const ag_allocator of_system = {allocate_from_system, release_to_system, NULL};
static ag_allocator chosen = {allocate_from_system, release_to_system, NULL};

ag_status ag_set_allocator(const ag_allocator *allocator)
{
    if (allocator == NULL) allocator = &of_system;
    if (allocator->allocate == NULL) return ag__fail_missing("set_allocator", "allocate");
    if (allocator->release == NULL) return ag__fail_missing("set_allocator", "release");
    chosen = *allocator;
    return AG_OK;
}

ag_allocator ag__allocator(void)
{
    return chosen;
}

void *ag__allocate(const ag_allocator *allocator, size_t bytes)
{
    void *memory = allocator->allocate(bytes, AG__ALIGNMENT, allocator->context);
    if ((uintptr_t)memory % AG__ALIGNMENT == 0) return memory;
    ag__release(allocator, memory, bytes);
    return NULL;
}

void ag__release(const ag_allocator *allocator, void *memory, size_t bytes)
{
    if (memory != NULL) allocator->release(memory, bytes, AG__ALIGNMENT, allocator->context);
}
