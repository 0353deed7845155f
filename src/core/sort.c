/* sort.c: heapsort of indices. */
#include "config.h"

#include "core/sort.h"

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t moved = *a;
    *a = *b;
    *b = moved;
}

/* Lets the element at the top of a heap sink to its place; above each stands one not before it. */
static void sink(size_t top, size_t count, uint32_t *heap, ag__before *before, const void *context)
{
    for (size_t child; (child = 2 * top + 1) < count; top = child) {
        if (child + 1 < count && before(context, heap[child], heap[child + 1])) child++;
        if (!before(context, heap[top], heap[child])) return;
        swap(&heap[top], &heap[child]);
    }
}

void ag__sort(size_t count, uint32_t *indices, ag__before *before, const void *context)
{
    for (size_t top = count / 2; top-- > 0;)
        sink(top, count, indices, before, context);
    for (size_t left = count; left > 1; left--) {
        swap(&indices[0], &indices[left - 1]);
        sink(0, left - 1, indices, before, context);
    }
}
