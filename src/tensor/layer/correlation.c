/* correlation.c: sums of weighted, shifted planes, image by image. */
#include "config.h"

#include "tensor/layer/correlation.h"

#include <string.h>

#include "core/parallel.h"

/* Results are computed in bands of rows that sit in the first-level cache: 16 KiB. */
#define BAND_FLOATS 4096

/* 40 multiplications in a nanosecond, on one core with AVX-512. */
#define NANOSECONDS_PER_MULTIPLICATION 0.025

static size_t band_rows(const ag__frame *frame)
{
    size_t rows = BAND_FLOATS / (AG__TILE_ROWS * frame->pitch);
    return rows > 0 ? rows : 1;
}

static size_t band_pitch(const ag__frame *frame)
{
    return band_rows(frame) * frame->pitch + AG__TILE_LANES;
}

size_t ag__correlation_slot(const ag__frame *frame)
{
    return frame->floats + AG__TILE_ROWS * band_pitch(frame);
}

static void store_row(const float *from, size_t n, size_t step, bool accumulate, float *to)
{
    if (step == 1 && !accumulate)
        ag__copy_row(n, from, to);
    else if (accumulate)
        for (size_t i = 0; i < n; i++)
            to[i * step] += from[i];
    else
        for (size_t i = 0; i < n; i++)
            to[i * step] = from[i];
}

/* Stores rows of a band to their places in one plane of the target. */
static void store_band(const ag__correlation *c, const ag__part *part, size_t first, size_t rows,
                       const float *band, float *plane)
{
    for (size_t i = 0; i < rows; i++) {
        size_t row = part->first_row + (first + i) * c->step;
        store_row(band + i * c->frame.pitch, part->width, c->step, c->target.accumulate,
                  plane + row * c->width + part->first_column);
    }
}

/* Rows `first` … of a part, for all targets. */
static void compute_band(const ag__correlation *c, const ag__part *part, size_t first, size_t rows,
                         const float *frame, float *band, float *image)
{
    const ag__tile *tile = ag__tile_of_cpu();
    size_t n = (rows - 1) * c->frame.pitch + part->width, pitch = band_pitch(&c->frame);
    for (size_t target = 0; target < c->targets; target += tile->rows) {
        tile->products(part->depth, part->weights + target * part->depth,
                       frame + first * c->frame.pitch, part->offsets, c->start + target, n, band,
                       pitch);
        for (size_t r = 0; r < tile->rows && target + r < c->targets; r++)
            store_band(c, part, first, rows, band + r * pitch,
                       image + (target + r) * c->height * c->width);
    }
}

static void compute_image(const ag__correlation *c, size_t index, float *slot)
{
    const ag__frame *frame = &c->frame;
    float *image = c->target.data + index * c->targets * c->height * c->width;
    ag__frame_fill(frame, c->source + index * frame->channels * frame->height * frame->width, slot);
    size_t most = band_rows(frame);
    for (size_t i = 0; i < c->num_parts; i++) {
        const ag__part *part = &c->parts[i];
        for (size_t row = 0; row < part->height && part->width > 0; row += most) {
            size_t rows = part->height - row < most ? part->height - row : most;
            compute_band(c, part, row, rows, slot, slot + frame->floats, image);
        }
    }
}

static void compute_blocks(size_t begin, size_t end, void *context)
{
    const ag__correlation *c = context;
    ag__blocks blocks = ag__split_batch(c->batch, AG__CORRELATION_BLOCKS);
    float *slot = c->slots + begin * c->slot_floats;
    memset(slot, 0, c->frame.floats * sizeof *slot);
    size_t stop = ag__block_begin(&blocks, end);
    for (size_t i = ag__block_begin(&blocks, begin); i < stop; i++)
        compute_image(c, i, slot);
}

void ag__correlate(ag__correlation *c)
{
    double multiplications = 0;
    for (size_t i = 0; i < c->num_parts; i++)
        multiplications += (double)(c->parts[i].height * c->parts[i].width * c->parts[i].depth);
    multiplications *= (double)c->batch * (double)c->targets;
    ag__parallel_for(ag__split_batch(c->batch, AG__CORRELATION_BLOCKS).count,
                     multiplications * NANOSECONDS_PER_MULTIPLICATION, compute_blocks, c);
}
