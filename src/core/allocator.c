/* allocator.c: the one place where memory is asked of the system. */
#include "config.h"

#include "core/allocator.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef HAVE_SYS_MMAN_H
#include <sys/mman.h>
#endif

#include "core/status.h"

/*
 * Large memory comes in huge pages where the system has them for who asks: walking through it, a
 * processor then seldom has to look up where a page is (measured: mse_loss of [4096, 4096] takes 15 to 30 %
 * less), and the first touch of 2 MiB is one fault instead of 512. Very large memory begins at such a page.
 */
#define HUGE_PAGE ((uintptr_t)2 << 20)
#define LARGE (4 * HUGE_PAGE) /* where it pays to split the system's mappings */
#define VERY_LARGE (16 * HUGE_PAGE)

static void ask_for_huge_pages(void *memory, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    uintptr_t begin = ((uintptr_t)memory + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uintptr_t end = ((uintptr_t)memory + bytes) / HUGE_PAGE * HUGE_PAGE;
    int before = errno; /* a refusal costs nothing but time */
    if (begin < end)
        madvise((char *)memory + (begin - (uintptr_t)memory), end - begin, MADV_HUGEPAGE);
    errno = before;
#else
    (void)memory, (void)bytes;
#endif
}

/* aligned_alloc wants whole multiples of the alignment. */
static void *allocate_from_system(size_t bytes, size_t alignment, void *context)
{
    (void)context;
    if (bytes >= VERY_LARGE) alignment = HUGE_PAGE;
    if (bytes > SIZE_MAX - alignment) return NULL;
    void *memory = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (memory != NULL && bytes >= LARGE) ask_for_huge_pages(memory, bytes);
    return memory;
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
