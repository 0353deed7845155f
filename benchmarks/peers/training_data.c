/* training_data.c: where the parts of the training data are in the shared memory. */
#include "config.h"

#include "peers/protocol.h"

/* Offsets of the parts, each a multiple of a cache line. */
typedef struct layout {
    size_t targets, images, end;
} layout;

static size_t after(size_t offset, size_t bytes)
{
    return (offset + bytes + 63) / 64 * 64;
}

static layout layout_of(const training_cell *cell)
{
    size_t images = cell->images;
    layout at = {.targets = after(0, images * sizeof(int64_t))};
    at.images = after(at.targets, images * cell->widths[NUM_WIDTHS - 1] * sizeof(float));
    at.end = after(at.images, images * cell->widths[0] * sizeof(float));
    return at;
}

size_t training_data_bytes(const training_cell *cell)
{
    return layout_of(cell).end;
}

training_data locate_training_data(const training_cell *cell, void *memory)
{
    layout at = layout_of(cell);
    char *base = memory;
    return (training_data){
        .labels = memory,
        .targets = (float *)(void *)(base + at.targets),
        .images = (float *)(void *)(base + at.images),
    };
}
