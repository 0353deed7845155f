/*
 * conv2d_passes.c: a convolution's forward pass and its gradient to the input, both of them
 * correlations: of the input with the weights, and of the upstream gradient with the weights turned
 * round.
 */
#include "config.h"

#include <string.h>

#include "tensor/layer/conv2d.h"
#include "tensor/layer/correlation.h"

ag__frame ag__conv2d_frame(const ag__conv2d *conv)
{
    const ag__windows *w = &conv->windows;
    ag__frame frame = {
        .channels = w->channels,
        .height = w->height,
        .width = w->width,
        .above = w->padding,
        .before = w->padding,
        .stride = w->stride,
        .rows = (w->height + 2 * w->padding + w->stride - 1) / w->stride,
        .pitch = (w->width + 2 * w->padding + w->stride - 1) / w->stride,
    };
    ag__frame_measure(&frame, frame.channels, frame.rows * frame.pitch);
    return frame;
}

/* How many zeros stand before the upstream gradient in one dimension, and how much there is of it. */
static void measure_upstream(size_t window, size_t stride, size_t padding, size_t size,
                             size_t out_size, size_t *before, size_t *whole)
{
    size_t seen = (padding + size - 1) / stride + 1;
    *before = (window - 1) / stride - padding / stride;
    *whole = *before + (out_size > seen ? out_size : seen);
}

/* Upstream gradients with the zeros around them that the input's outermost elements see. */
static ag__frame upstream_frame(const ag__conv2d *conv)
{
    const ag__windows *w = &conv->windows;
    ag__frame frame = {
        .channels = conv->out, .height = w->out_height, .width = w->out_width, .stride = 1};
    measure_upstream(w->window_height, w->stride, w->padding, w->height, w->out_height,
                     &frame.above, &frame.rows);
    measure_upstream(w->window_width, w->stride, w->padding, w->width, w->out_width, &frame.before,
                     &frame.pitch);
    ag__frame_measure(&frame, frame.channels, frame.rows * frame.pitch);
    return frame;
}

/* ---- memory ---- */

/* depth: of all parts together. The parts' offsets and weights start with those of the first. */
static size_t lay_out(ag__correlation *c, size_t depth, float *scratch)
{
    size_t used = 0, rows = ag__round_up(c->targets, ag__tile_of_cpu()->rows);
    c->slot_floats = ag__round_up(ag__correlation_slot(&c->frame), AG__TILE_LANES);
    c->parts = (void *)ag__take(scratch, &used, c->num_parts * sizeof *c->parts / sizeof(float));
    size_t *offsets = (void *)ag__take(scratch, &used, depth * sizeof *offsets / sizeof(float));
    float *weights = ag__take(scratch, &used, depth * rows);
    c->start = ag__take(scratch, &used, rows);
    c->slots = ag__take(scratch, &used,
                        ag__split_batch(c->batch, AG__CORRELATION_BLOCKS).count * c->slot_floats);
    if (scratch == NULL) return used;
    c->parts[0] = (ag__part){.offsets = offsets, .weights = weights};
    memset(weights, 0, depth * rows * sizeof *weights);
    memset(c->start, 0, rows * sizeof *c->start);
    return used;
}

/* Where in a part's weights that of a target at a place is. */
static float *weight_at(const ag__part *part, size_t target, size_t place)
{
    size_t rows = ag__tile_of_cpu()->rows;
    return part->weights + (target / rows * part->depth + place) * rows + target % rows;
}

static size_t weights_of_one_output(const ag__conv2d *conv)
{
    const ag__windows *w = &conv->windows;
    return w->channels * w->window_height * w->window_width;
}

/* ---- forward ---- */

static void fill_forward(const ag__conv2d *conv, const float *weight, ag__correlation *c)
{
    const ag__windows *w = &conv->windows;
    ag__part *part = &c->parts[0];
    part->height = w->out_height;
    part->width = w->out_width;
    part->depth = weights_of_one_output(conv);
    size_t place = 0;
    for (size_t channel = 0; channel < w->channels; channel++)
        for (size_t row = 0; row < w->window_height; row++)
            for (size_t column = 0; column < w->window_width; column++)
                part->offsets[place++] = ag__frame_offset(&c->frame, channel, row, column);
    for (size_t out = 0; out < conv->out; out++)
        for (place = 0; place < part->depth; place++)
            *weight_at(part, out, place) = *weight++;
}

size_t ag__conv2d_forward(const ag__conv2d *conv, const float *x, const float *weight,
                          const float *bias, float *out, float *scratch)
{
    ag__correlation c = {
        .source = x,
        .frame = ag__conv2d_frame(conv),
        .target = {.data = out},
        .batch = conv->windows.batch,
        .targets = conv->out,
        .height = conv->windows.out_height,
        .width = conv->windows.out_width,
        .num_parts = 1,
        .step = 1,
    };
    size_t used = lay_out(&c, weights_of_one_output(conv), scratch);
    if (scratch == NULL) return used;
    fill_forward(conv, weight, &c);
    if (bias != NULL) memcpy(c.start, bias, conv->out * sizeof *bias);
    ag__correlate(&c);
    return used;
}

/* ---- to the input ---- */

/* The first index, and how many there are, that has a remainder when it is counted with the padding. */
static size_t first_with(size_t remainder, size_t stride, size_t padding)
{
    return (remainder + stride - padding % stride) % stride;
}

static size_t count_from(size_t first, size_t size, size_t stride)
{
    return first < size ? (size - first + stride - 1) / stride : 0;
}

/* How many places of a window have a remainder. */
static size_t places_with(size_t remainder, size_t stride, size_t window)
{
    return count_from(remainder, window, stride);
}

/* Fills in the places and weights of a part, whose windows' rows and columns have these remainders. */
static void fill_part(const ag__conv2d *conv, const float *weight, const ag__frame *frame,
                      size_t row_remainder, size_t column_remainder, ag__part *part)
{
    const ag__windows *w = &conv->windows;
    size_t place = 0, window = w->window_height * w->window_width;
    size_t row = frame->above + (part->first_row + w->padding) / w->stride;
    size_t column = frame->before + (part->first_column + w->padding) / w->stride;
    for (size_t out = 0; out < conv->out; out++)
        for (size_t u = row_remainder; u < w->window_height; u += w->stride)
            for (size_t v = column_remainder; v < w->window_width; v += w->stride) {
                const float *from = weight + out * w->channels * window + u * w->window_width + v;
                for (size_t channel = 0; channel < w->channels; channel++)
                    *weight_at(part, channel, place) = from[channel * window];
                part->offsets[place++] =
                    ag__frame_offset(frame, out, row - u / w->stride, column - v / w->stride);
            }
}

static void fill_parts(const ag__conv2d *conv, const float *weight, ag__correlation *c)
{
    const ag__windows *w = &conv->windows;
    size_t rows = ag__round_up(c->targets, ag__tile_of_cpu()->rows);
    for (size_t i = 0; i < c->num_parts; i++) {
        size_t row = i / w->stride, column = i % w->stride;
        ag__part *part = &c->parts[i];
        if (i > 0) {
            part->offsets = part[-1].offsets + part[-1].depth;
            part->weights = part[-1].weights + part[-1].depth * rows;
        }
        part->first_row = first_with(row, w->stride, w->padding);
        part->first_column = first_with(column, w->stride, w->padding);
        part->height = count_from(part->first_row, w->height, w->stride);
        part->width = count_from(part->first_column, w->width, w->stride);
        part->depth = conv->out * places_with(row, w->stride, w->window_height) *
                      places_with(column, w->stride, w->window_width);
        fill_part(conv, weight, &c->frame, row, column, part);
    }
}

size_t ag__conv2d_to_input(const ag__conv2d *conv, const float *grad, const float *weight,
                           ag__sink sink, float *scratch)
{
    const ag__windows *w = &conv->windows;
    ag__correlation c = {
        .source = grad,
        .frame = upstream_frame(conv),
        .target = sink,
        .batch = w->batch,
        .targets = w->channels,
        .height = w->height,
        .width = w->width,
        .num_parts = w->stride * w->stride,
        .step = w->stride,
    };
    size_t used = lay_out(&c, conv->out * w->window_height * w->window_width, scratch);
    if (scratch == NULL) return used;
    fill_parts(conv, weight, &c);
    ag__correlate(&c);
    return used;
}
