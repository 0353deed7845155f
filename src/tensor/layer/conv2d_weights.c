/*
 * conv2d_weights.c: a convolution's gradient to its weights: dot products of the upstream gradient
 * with the input, each shifted to a place of the window.
 *
 * The batch is cut into a few blocks, whose sums are added in order.
 */
#include "config.h"

#include <string.h>

#include "core/parallel.h"
#include "core/tile.h"
#include "tensor/layer/conv2d.h"

/* The most blocks, and the most floats in their sums. */
#define MOST_BLOCKS 8
#define MOST_SUMS ((size_t)1 << 23)

/* Images that are multiplied at once: as many as the first-level cache holds rows of: 32 KiB. */
#define MOST_AT_ONCE 8
#define FLOATS_AT_ONCE 8192

#define NANOSECONDS_PER_MULTIPLICATION 0.025
#define PIECE 4096

typedef struct pass {
    const ag__conv2d *conv;
    const float *x, *grad;
    ag__sink weight, bias;
    size_t depth; /* weights of one output */
    ag__frame x_frame, grad_frame;
    size_t n;          /* of a plane of upstream gradients, with what is between its rows */
    ag__blocks blocks; /* of the batch */
    size_t at_once;
    size_t *offsets;   /* of the window's places in the input's frame */
    float *sums;       /* [blocks, out, depth] */
    double *bias_sums; /* [blocks, out] */
    float *slots;
    size_t slot_floats;
} pass;

/* Upstream gradients at the pitch of the input's frame, with zeros between the rows. */
static ag__frame upstream_frame(const ag__conv2d *conv, size_t pitch, size_t n)
{
    const ag__windows *w = &conv->windows;
    ag__frame frame = {
        .channels = conv->out,
        .height = w->out_height,
        .width = w->out_width,
        .stride = 1,
        .rows = w->out_height,
        .pitch = pitch,
    };
    ag__frame_measure(&frame, ag__round_up(conv->out, AG__DOT_ROWS),
                      ag__round_up(n, AG__TILE_LANES));
    return frame;
}

static ag__blocks split(const pass *p)
{
    size_t most = MOST_SUMS / (p->conv->out * p->depth);
    if (most > MOST_BLOCKS) most = MOST_BLOCKS;
    return ag__split_batch(p->conv->windows.batch, most > 0 ? most : 1);
}

static void measure(pass *p)
{
    const ag__windows *w = &p->conv->windows;
    p->depth = w->channels * w->window_height * w->window_width;
    p->x_frame = ag__conv2d_frame(p->conv);
    p->n = (w->out_height - 1) * p->x_frame.pitch + w->out_width;
    p->grad_frame = upstream_frame(p->conv, p->x_frame.pitch, p->n);
    p->blocks = split(p);
    p->at_once = FLOATS_AT_ONCE / (AG__DOT_ROWS * p->grad_frame.plane);
    if (p->at_once > MOST_AT_ONCE) p->at_once = MOST_AT_ONCE;
    if (p->at_once > p->blocks.items_per_block) p->at_once = p->blocks.items_per_block;
    if (p->at_once == 0) p->at_once = 1;
    p->slot_floats = ag__round_up(p->at_once * (p->x_frame.floats + p->grad_frame.floats), 16);
}

static size_t lay_out(pass *p, float *scratch)
{
    size_t used = 0, places = ag__round_up(p->depth, ag__tile_of_cpu()->taps);
    size_t outs = p->blocks.count * p->conv->out;
    p->offsets = (void *)ag__take(scratch, &used, places * sizeof(size_t) / sizeof(float));
    p->sums = ag__take(scratch, &used, outs * p->depth);
    p->bias_sums = (void *)ag__take(scratch, &used, outs * sizeof(double) / sizeof(float));
    p->slots = ag__take(scratch, &used, p->blocks.count * p->slot_floats);
    if (scratch == NULL) return used;
    const ag__windows *w = &p->conv->windows;
    for (size_t i = 0; i < places; i++) {
        size_t place = i < p->depth ? i : 0, column = place % w->window_width;
        size_t row = place / w->window_width % w->window_height;
        size_t channel = place / w->window_width / w->window_height;
        p->offsets[i] = ag__frame_offset(&p->x_frame, channel, row, column);
    }
    return used;
}

/* Adds a tile of dot products to the sums, but for what only fills it up. */
static void add_tile(const pass *p, const float *tile, size_t taps, size_t out, size_t place,
                     float *sums)
{
    for (size_t r = 0; r < AG__DOT_ROWS && out + r < p->conv->out; r++)
        for (size_t j = 0; j < taps && place + j < p->depth; j++)
            sums[(out + r) * p->depth + place + j] += tile[r * taps + j];
}

static void add_images(const pass *p, size_t images, const float *x, const float *grad, float *sums)
{
    const ag__tile *tile = ag__tile_of_cpu();
    float dots[AG__DOT_ROWS * AG__TILE_TAPS];
    for (size_t out = 0; out < p->conv->out; out += AG__DOT_ROWS)
        for (size_t place = 0; place < p->depth; place += tile->taps) {
            tile->dots(images, p->n, grad + out * p->grad_frame.plane, p->grad_frame.floats,
                       p->grad_frame.plane, x, p->x_frame.floats, p->offsets + place, dots);
            add_tile(p, dots, tile->taps, out, place, sums);
        }
}

static double sum_of_plane(size_t n, const float *plane)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += (double)plane[i];
    return sum;
}

static void add_bias(const pass *p, const float *grad, double *sums)
{
    for (size_t out = 0; out < p->conv->out; out++)
        sums[out] += sum_of_plane(p->n, grad + out * p->grad_frame.plane);
}

/* Some images of a block: puts them into their frames and adds what they give. */
static void compute_images(const pass *p, size_t first, size_t images, size_t block, float *slot)
{
    const ag__windows *w = &p->conv->windows;
    float *x = slot, *grad = slot + p->at_once * p->x_frame.floats;
    size_t x_size = w->channels * w->height * w->width;
    size_t grad_size = p->conv->out * w->out_height * w->out_width;
    for (size_t i = 0; i < images; i++) {
        float *to = grad + i * p->grad_frame.floats;
        ag__frame_fill(&p->grad_frame, p->grad + (first + i) * grad_size, to);
        if (p->bias.data != NULL) add_bias(p, to, p->bias_sums + block * p->conv->out);
        if (p->weight.data != NULL)
            ag__frame_fill(&p->x_frame, p->x + (first + i) * x_size, x + i * p->x_frame.floats);
    }
    if (p->weight.data != NULL)
        add_images(p, images, x, grad, p->sums + block * p->conv->out * p->depth);
}

static void compute_blocks(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    float *slot = p->slots + begin * p->slot_floats;
    size_t outs = (end - begin) * p->conv->out;
    memset(slot, 0, p->slot_floats * sizeof *slot);
    memset(p->sums + begin * p->conv->out * p->depth, 0, outs * p->depth * sizeof *p->sums);
    memset(p->bias_sums + begin * p->conv->out, 0, outs * sizeof *p->bias_sums);
    for (size_t block = begin; block < end; block++) {
        size_t stop = ag__block_begin(&p->blocks, block + 1);
        for (size_t i = ag__block_begin(&p->blocks, block), images; i < stop; i += images) {
            images = stop - i < p->at_once ? stop - i : p->at_once;
            compute_images(p, i, images, block, slot);
        }
    }
}

/* Adds the blocks' sums, in order, for weights of some pieces. */
static void reduce_pieces(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    size_t size = p->conv->out * p->depth;
    size_t stop = end * PIECE < size ? end * PIECE : size;
    for (size_t i = begin * PIECE; i < stop; i++) {
        double sum = p->weight.accumulate ? (double)p->weight.data[i] : 0;
        for (size_t block = 0; block < p->blocks.count; block++)
            sum += (double)p->sums[block * size + i];
        p->weight.data[i] = (float)sum;
    }
}

static void reduce_bias(const pass *p)
{
    for (size_t out = 0; out < p->conv->out; out++) {
        double sum = p->bias.accumulate ? (double)p->bias.data[out] : 0;
        for (size_t block = 0; block < p->blocks.count; block++)
            sum += p->bias_sums[block * p->conv->out + out];
        p->bias.data[out] = (float)sum;
    }
}

size_t ag__conv2d_to_weight(const ag__conv2d *conv, const float *x, const float *grad,
                            ag__sink weight, ag__sink bias, float *scratch)
{
    pass p = {.conv = conv, .x = x, .grad = grad, .weight = weight, .bias = bias};
    measure(&p);
    size_t used = lay_out(&p, scratch), size = conv->out * p.depth;
    if (scratch == NULL) return used;
    double multiplications = (double)conv->windows.batch * (double)p.n * (double)size;
    ag__parallel_for(p.blocks.count, multiplications * NANOSECONDS_PER_MULTIPLICATION,
                     compute_blocks, &p);
    if (weight.data != NULL)
        ag__parallel_for((size + PIECE - 1) / PIECE, (double)(size * p.blocks.count), reduce_pieces,
                         &p);
    if (bias.data != NULL) reduce_bias(&p);
    return used;
}
