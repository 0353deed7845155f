/* allocator.h: memory from the allocator that the host has chosen. */
#ifndef AG_CORE_ALLOCATOR_H
#define AG_CORE_ALLOCATOR_H

#include <autograd/allocator.h>

/* Of all memory: a cache line, and the widest vector register. */
#define AG__ALIGNMENT ((size_t)64)

/* The present one: whoever gives its memory back later keeps a copy. */
ag_allocator ag__allocator(void);

/* Memory aligned to AG__ALIGNMENT; NULL if there is none, with nothing recorded. */
void *ag__allocate(const ag_allocator *allocator, size_t bytes);

/* Gives back what was allocated for these bytes. NULL is allowed. */
void ag__release(const ag_allocator *allocator, void *memory, size_t bytes);

#endif
