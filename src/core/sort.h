/* sort.h: putting indices in order without memory of its own. */
#ifndef AG_CORE_SORT_H
#define AG_CORE_SORT_H

#include <autograd/api.h>

/* Whether what a stands for comes before what b stands for. */
typedef bool ag__before(const void *context, uint32_t a, uint32_t b);

/* Sorts indices by heapsort (Williams 1964): n log n at worst, and nothing is allocated. */
void ag__sort(size_t count, uint32_t *indices, ag__before *before, const void *context);

#endif
