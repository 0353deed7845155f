/* allocator.h: where the library's memory comes from. */
#ifndef AUTOGRAD_ALLOCATOR_H
#define AUTOGRAD_ALLOCATOR_H

#include <autograd/status.h>

/**
 * A pair of functions that give and take back memory. They may be called by every thread that uses the
 * library, several at once, and must not call it. A zeroed context is as good as any.
 */
typedef struct ag_allocator {
    /**
     * Memory of so many bytes (more than 0), with unspecified contents, or NULL if there is none.
     * @param alignment  a power of two that the address must be a multiple of; never above 64. Memory
     *                   that lies otherwise is given back at once, and counts as none.
     */
    void *(*allocate)(size_t bytes, size_t alignment, void *context);
    /** Takes back what allocate gave for these bytes and this alignment; never NULL. */
    void (*release)(void *memory, size_t bytes, size_t alignment, void *context);
    void *context; /**< handed to both */
} ag_allocator;

AG_BEGIN_DECLS

/**
 * Chooses the allocator that all memory of the library comes from, from now on: arenas, what readers
 * of files need while they run, and zlib's state in them. The structure is copied. An arena keeps the
 * allocator that it was created with, for all its chunks and its end, so there may be arenas when
 * this is called. No other thread may be inside a function of the library meanwhile.
 *
 * OpenMP's runtime and BLAS have memory of their own, which does not come from here.
 * @param allocator  NULL for the C library's aligned_alloc and free, which is the default.
 * @return AG_ERROR_NULL if one of its functions is NULL.
 */
AG_API ag_status ag_set_allocator(const ag_allocator *allocator);

AG_END_DECLS

#endif
