/* reference_layers.c: what layers compute. */
#include "config.h"

#include "reference_parts.h"

#include <string.h>

/* ---- convolution and pooling of images ---- */

typedef struct window {
    size_t channels, height, width; /* of an image */
    size_t rows, columns, stride, padding;
    size_t out_height, out_width;
} window;

static window window_of(const reference_call *call, size_t rows, size_t columns, size_t stride,
                        size_t padding)
{
    const uint32_t *x = call->shapes[0].dims;
    return (window){x[1],
                    x[2],
                    x[3],
                    rows,
                    columns,
                    stride,
                    padding,
                    (x[2] + 2 * padding - rows) / stride + 1,
                    (x[3] + 2 * padding - columns) / stride + 1};
}

/* Where in a plane a window's place lies; false if outside. */
static bool place_of(const window *w, size_t out, size_t place, size_t *at)
{
    size_t y = out / w->out_width * w->stride + place / w->columns;
    size_t x = out % w->out_width * w->stride + place % w->columns;
    if (y < w->padding || y - w->padding >= w->height) return false;
    if (x < w->padding || x - w->padding >= w->width) return false;
    *at = (y - w->padding) * w->width + (x - w->padding);
    return true;
}

static window conv2d_window(const reference_call *call)
{
    const uint32_t *weight = call->shapes[1].dims;
    return window_of(call, weight[2], weight[3], call->integers[0], call->integers[1]);
}

static reference_shape conv2d_shape(const reference_call *call)
{
    window w = conv2d_window(call);
    return (reference_shape){4,
                             {call->shapes[0].dims[0], call->shapes[1].dims[0],
                              (uint32_t)w.out_height, (uint32_t)w.out_width}};
}

/* A product that a convolution adds up: which numbers are multiplied, and for which result. */
typedef struct conv2d_term {
    size_t out, x, weight;
} conv2d_term;

typedef void conv2d_visit(const reference_call *call, conv2d_term term, void *context);

/* All products of one output channel of one image. */
static void visit_channel(const reference_call *call, size_t image, size_t channel,
                          conv2d_visit *visit, void *context)
{
    window w = conv2d_window(call);
    size_t outs = w.out_height * w.out_width, places = w.rows * w.columns, at;
    for (size_t out = 0; out < outs; out++)
        for (size_t in = 0; in < w.channels; in++)
            for (size_t place = 0; place < places; place++) {
                if (!place_of(&w, out, place, &at)) continue;
                conv2d_term term = {
                    .out = (image * call->shapes[1].dims[0] + channel) * outs + out,
                    .x = (image * w.channels + in) * w.height * w.width + at,
                    .weight = (channel * w.channels + in) * places + place,
                };
                visit(call, term, context);
            }
}

static void visit_terms(const reference_call *call, conv2d_visit *visit, void *context)
{
    for (size_t image = 0; image < call->shapes[0].dims[0]; image++)
        for (size_t channel = 0; channel < call->shapes[1].dims[0]; channel++)
            visit_channel(call, image, channel, visit, context);
}

static void add_to_result(const reference_call *call, conv2d_term term, void *context)
{
    reference_number *out = context;
    add_to(&out[term.out], number(call->inputs[0][term.x] * call->inputs[1][term.weight]));
}

/* The channel of an element of a tensor [batch, channels, …]. */
static size_t channel_of(const reference_shape *shape, size_t index)
{
    size_t plane = reference_size(shape) / shape->dims[0] / shape->dims[1];
    return index / plane % shape->dims[1];
}

static void conv2d_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    reference_shape shape = conv2d_shape(call);
    (void)op;
    for (size_t i = 0; i < reference_size(&shape); i++)
        out[i] = number(call->inputs[2] != NULL ? call->inputs[2][channel_of(&shape, i)] : 0);
    visit_terms(call, add_to_result, out);
}

typedef struct conv2d_slopes {
    uint32_t input;
    const long double *upstream;
    reference_number *out;
} conv2d_slopes;

static void add_to_slope(const reference_call *call, conv2d_term term, void *context)
{
    const conv2d_slopes *s = context;
    size_t own = s->input == 0 ? term.x : term.weight, other = s->input == 0 ? term.weight : term.x;
    add_to(&s->out[own], number(s->upstream[term.out] * call->inputs[1 - s->input][other]));
}

static void conv2d_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                            const long double *upstream, reference_number *out)
{
    reference_shape shape = conv2d_shape(call);
    (void)op;
    for (size_t i = 0; i < reference_size(&call->shapes[input]); i++)
        out[i] = number(0);
    if (input < 2) visit_terms(call, add_to_slope, &(conv2d_slopes){input, upstream, out});
    for (size_t i = 0; input == 2 && i < reference_size(&shape); i++)
        add_to(&out[channel_of(&shape, i)], number(upstream[i]));
}

/* Products of a result, of a number of x, and of a weight: whichever are most. */
static size_t conv2d_terms(const reference_call *call)
{
    const uint32_t *weight = call->shapes[1].dims;
    window w = conv2d_window(call);
    size_t places = w.rows * w.columns, of_result = weight[1] * places, of_x = weight[0] * places;
    size_t of_weight = call->shapes[0].dims[0] * w.out_height * w.out_width;
    size_t most = of_result > of_x ? of_result : of_x;
    return most > of_weight ? most : of_weight;
}

static window pool2d_window(const reference_call *call)
{
    const uint32_t *n = call->integers;
    return window_of(call, n[0], n[0], n[1], n[2]);
}

static reference_shape pool2d_shape(const reference_call *call)
{
    window w = pool2d_window(call);
    const uint32_t *x = call->shapes[0].dims;
    return (reference_shape){4, {x[0], x[1], (uint32_t)w.out_height, (uint32_t)w.out_width}};
}

/* The first of the largest numbers that a window sees. */
static size_t largest_in(const window *w, const long double *plane, size_t out)
{
    size_t largest = SIZE_MAX, at;
    for (size_t place = 0; place < w->rows * w->columns; place++)
        if (place_of(w, out, place, &at) && (largest == SIZE_MAX || plane[at] > plane[largest]))
            largest = at;
    return largest;
}

static void max_pool2d_value(const reference_op *op, const reference_call *call,
                             reference_number *out)
{
    reference_shape shape = pool2d_shape(call);
    window w = pool2d_window(call);
    size_t outs = w.out_height * w.out_width;
    (void)op;
    for (size_t i = 0; i < reference_size(&shape); i++) {
        const long double *plane = call->inputs[0] + i / outs * w.height * w.width;
        out[i] = number(plane[largest_in(&w, plane, i % outs)]);
    }
}

static void max_pool2d_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                                const long double *upstream, reference_number *out)
{
    reference_shape shape = pool2d_shape(call);
    window w = pool2d_window(call);
    size_t outs = w.out_height * w.out_width;
    (void)op, (void)input;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(0);
    for (size_t i = 0; i < reference_size(&shape); i++) {
        size_t plane = i / outs * w.height * w.width;
        size_t at = largest_in(&w, call->inputs[0] + plane, i % outs);
        add_to(&out[plane + at], number(upstream[i]));
    }
}

static void average_pool2d_value(const reference_op *op, const reference_call *call,
                                 reference_number *out)
{
    reference_shape shape = pool2d_shape(call);
    window w = pool2d_window(call);
    size_t outs = w.out_height * w.out_width, places = w.rows * w.columns, at;
    (void)op;
    for (size_t i = 0; i < reference_size(&shape); i++) {
        const long double *plane = call->inputs[0] + i / outs * w.height * w.width;
        out[i] = number(0);
        for (size_t place = 0; place < places; place++)
            if (place_of(&w, i % outs, place, &at))
                add_to(&out[i], number(plane[at] / (long double)places));
    }
}

static void average_pool2d_gradient(const reference_op *op, const reference_call *call,
                                    uint32_t input, const long double *upstream,
                                    reference_number *out)
{
    reference_shape shape = pool2d_shape(call);
    window w = pool2d_window(call);
    size_t outs = w.out_height * w.out_width, places = w.rows * w.columns, at;
    (void)op, (void)input;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(0);
    for (size_t i = 0; i < reference_size(&shape); i++)
        for (size_t place = 0; place < places; place++)
            if (place_of(&w, i % outs, place, &at))
                add_to(&out[i / outs * w.height * w.width + at],
                       number(upstream[i] / (long double)places));
}

/* ---- normalisation of groups: rows, or channels ---- */

/* Which numbers form a group: `count` of them, and the place of each. */
typedef struct grouping {
    size_t groups, count;
    size_t plane;    /* numbers that follow each other */
    size_t distance; /* from one such plane of a group to the next */
    size_t step;     /* from one group to the next */
} grouping;

static size_t place_in_group(const grouping *g, size_t group, size_t i)
{
    return group * g->step + i / g->plane * g->distance + i % g->plane;
}

static grouping rows_grouping(const reference_call *call)
{
    size_t columns = columns_of(&call->shapes[0]), size = reference_size(&call->shapes[0]);
    if (call->inputs[1] != NULL) columns = reference_size(&call->shapes[1]);
    return (grouping){size / columns, columns, columns, columns, columns};
}

static grouping channels_grouping(const reference_call *call)
{
    const reference_shape *x = &call->shapes[0];
    size_t plane = reference_size(x) / x->dims[0] / x->dims[1];
    return (grouping){x->dims[1], x->dims[0] * plane, plane, x->dims[1] * plane, plane};
}

typedef struct normalisation {
    const reference_call *call;
    grouping g;
    bool by_rows;          /* gamma and beta go along the row, not with the group */
    bool given;            /* mean and variance are inputs */
    reference_number mean; /* of one group */
    long double rate;
} normalisation;

static normalisation normalisation_of(const reference_op *op, const reference_call *call)
{
    bool by_rows = strcmp(op->name, "layer_norm") == 0;
    return (normalisation){
        .call = call,
        .g = by_rows ? rows_grouping(call) : channels_grouping(call),
        .by_rows = by_rows,
        .given = call->inputs[3] != NULL,
    };
}

static void measure_group(normalisation *n, size_t group)
{
    const long double *x = n->call->inputs[0];
    long double variance = 0;
    n->mean = number(0);
    for (size_t i = 0; i < n->g.count; i++)
        add_to(&n->mean, number(x[place_in_group(&n->g, group, i)] / (long double)n->g.count));
    if (n->given) n->mean = number(n->call->inputs[3][group]);
    for (size_t i = 0; i < n->g.count; i++) {
        long double d = x[place_in_group(&n->g, group, i)] - n->mean.value;
        variance += d * d / (long double)n->g.count;
    }
    if (n->given) variance = n->call->inputs[4][group];
    n->rate = 1 / sqrtl(variance + n->call->parameter);
}

static long double weight_of(const normalisation *n, uint32_t input, size_t group, size_t i)
{
    const long double *weights = n->call->inputs[input];
    if (weights == NULL) return input == 1 ? 1 : 0;
    return weights[n->by_rows ? i : group];
}

static reference_number normal_of(const normalisation *n, size_t group, size_t i)
{
    long double x = n->call->inputs[0][place_in_group(&n->g, group, i)];
    return (reference_number){(x - n->mean.value) * n->rate,
                              (fabsl(x) + n->mean.magnitude) * n->rate};
}

static void norm_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    normalisation n = normalisation_of(op, call);
    for (size_t group = 0; group < n.g.groups; group++) {
        measure_group(&n, group);
        for (size_t i = 0; i < n.g.count; i++) {
            reference_number *y = &out[place_in_group(&n.g, group, i)];
            *y = scaled(normal_of(&n, group, i), weight_of(&n, 1, group, i));
            add_to(y, number(weight_of(&n, 2, group, i)));
        }
    }
}

/* rate (Gγ - mean(Gγ) - x̂ mean(Gγ x̂)), without the means where mean and variance are given. */
static void norm_to_x(const normalisation *n, size_t group, const long double *upstream,
                      reference_number *out)
{
    reference_number means[2] = {{0, 0}, {0, 0}};
    for (size_t i = 0; i < n->g.count && !n->given; i++) {
        long double g = upstream[place_in_group(&n->g, group, i)] * weight_of(n, 1, group, i);
        add_to(&means[0], number(g / (long double)n->g.count));
        add_to(&means[1], scaled(normal_of(n, group, i), g / (long double)n->g.count));
    }
    for (size_t i = 0; i < n->g.count; i++) {
        size_t place = place_in_group(&n->g, group, i);
        reference_number normal = normal_of(n, group, i);
        reference_number slope = number(upstream[place] * weight_of(n, 1, group, i));
        add_to(&slope, scaled(means[0], -1));
        add_to(&slope, (reference_number){-normal.value * means[1].value,
                                          normal.magnitude * means[1].magnitude});
        out[place] = scaled(slope, n->rate);
    }
}

static void norm_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                          const long double *upstream, reference_number *out)
{
    normalisation n = normalisation_of(op, call);
    for (size_t i = 0; i < reference_size(&call->shapes[input]) && input > 0; i++)
        out[i] = number(0);
    for (size_t group = 0; group < n.g.groups; group++) {
        measure_group(&n, group);
        if (input == 0) norm_to_x(&n, group, upstream, out);
        for (size_t i = 0; i < n.g.count && input > 0; i++) {
            reference_number of_gamma = normal_of(&n, group, i);
            long double g = upstream[place_in_group(&n.g, group, i)];
            add_to(&out[n.by_rows ? i : group], input == 1 ? scaled(of_gamma, g) : number(g));
        }
    }
}

/* ---- dropout ---- */

static uint32_t dropout_mix(uint32_t x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

/* 0 or 1 / (1 - p). Blocks have keys of their own; their size is the library's. */
static long double dropout_factor(const reference_call *call, size_t i)
{
    size_t size = reference_size(&call->shapes[0]), block = (size + 255) / 256;
    if (block < 4096) block = 4096;
    uint32_t key = call->integers[0] + 0x9e3779b9u * (uint32_t)(i / block);
    uint32_t bits = dropout_mix(dropout_mix((uint32_t)(i % block) ^ key) ^ call->integers[1]);
    bool dropped = (long double)bits < floorl(call->parameter * 0x1p32L);
    return dropped ? 0 : 1 / (1 - call->parameter);
}

static void dropout_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    (void)op;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(call->inputs[0][i] * dropout_factor(call, i));
}

static void dropout_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                             const long double *upstream, reference_number *out)
{
    (void)op, (void)input;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(upstream[i] * dropout_factor(call, i));
}

/* ---- embedding ---- */

static reference_shape embedding_shape(const reference_call *call)
{
    reference_shape shape = call->indices_shape;
    shape.dims[shape.ndims++] = call->shapes[0].dims[1];
    return shape;
}

/* Where in the table the number at a place of the result stands. */
static size_t place_in_table(const reference_call *call, size_t i)
{
    size_t columns = call->shapes[0].dims[1];
    return (size_t)call->indices[i / columns] * columns + i % columns;
}

static void embedding_value(const reference_op *op, const reference_call *call,
                            reference_number *out)
{
    reference_shape shape = embedding_shape(call);
    (void)op;
    for (size_t i = 0; i < reference_size(&shape); i++)
        out[i] = number(call->inputs[0][place_in_table(call, i)]);
}

static void embedding_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                               const long double *upstream, reference_number *out)
{
    reference_shape shape = embedding_shape(call);
    (void)op, (void)input;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(0);
    for (size_t i = 0; i < reference_size(&shape); i++)
        add_to(&out[place_in_table(call, i)], number(upstream[i]));
}

/* ---- the table ---- */

const reference_op references_of_layers[] = {
    FUNCTION(conv2d, conv2d_shape, conv2d, conv2d_terms),
    FUNCTION(max_pool2d, pool2d_shape, max_pool2d, reference_no_float_terms),
    FUNCTION(average_pool2d, pool2d_shape, average_pool2d, reference_no_float_terms),
    FUNCTION(layer_norm, first_shape, norm, reference_no_float_terms),
    FUNCTION(batch_norm, first_shape, norm, reference_no_float_terms),
    FUNCTION(batch_norm_eval, first_shape, norm, reference_no_float_terms),
    FUNCTION(dropout, first_shape, dropout, reference_no_float_terms),
    FUNCTION(embedding, embedding_shape, embedding, reference_no_float_terms),
};

const size_t num_references_of_layers = sizeof references_of_layers / sizeof *references_of_layers;
