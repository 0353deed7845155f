/*
 * linear_cross_entropy.c: the cross-entropy of a linear layer's outputs, of which a tile of rows is
 * there at a time.
 *
 * A tile is some blocks of rows. A block's logits are made by one product. The law of
 * cross_entropy_labels_loss puts their gradient in their place, and two products carry it to x and to
 * the weight; that to x, whose sums are over the classes, is cut into slices of classes. Blocks and
 * slices depend on the shapes alone, and an element of a product on its factors alone, so that neither
 * tiles nor threads change a bit.
 */
#include "config.h"

#include "tensor/fused/linear_cross_entropy.h"

#include <limits.h>
#include <string.h>

#include "core/blas.h"
#include "core/parallel.h"
#include "core/product.h"
#include "core/status.h"
#include "tensor/loss/labels.h"
#include "tensor/reduction.h"

enum { X, WEIGHT, BIAS };

/*
 * Rows of a block. Each block reads the weight twice, and reads and writes its gradient: with 256 rows
 * that is little beside the products.
 */
enum { BLOCK = 256 };

/* Tiles up to this size have several blocks, so that their rows are shared out at once. */
#define TILE_BYTES ((size_t)1 << 20)

size_t ag__most_blocks = 8;

/* The most slices of the product for x, and the fewest classes that are worth one. */
enum { MAX_SLICES = 32, SMALLEST_SLICE = 512 };

typedef struct sweep {
    const ag__call *call;
    size_t rows, features, classes;
    double divisor;
    double *bias_sums;    /* [classes] */
    float *tile;          /* [tile_rows, classes]: logits; after the law, their gradient */
    double *tile_values;  /* [tile_rows] */
    size_t *tile_correct; /* [tile_rows] */
    float *partials;      /* [slices, BLOCK, features]: of the gradient of x */
    size_t tile_rows;
    size_t slice, slices; /* classes of a slice; how many there are */

    float *values; /* of all rows; NULL if they are summed */
    double sum;
    size_t nonzero, correct;

    const ag__sink *sinks; /* NULL: values alone */
    const float *upstream; /* one number for each row; NULL if it is part of scale */
    double scale;

    size_t tile_first, tile_count; /* rows of this tile, */
    size_t first, count;           /* and of its block */
    float *logits;                 /* of the block */
} sweep;

/* ---- shapes ---- */

static size_t num_classes(const ag__call *call)
{
    return call->inputs[WEIGHT]->shape[0];
}

static ag_status check_layer(const ag__call *call)
{
    const char *name = call->op->name;
    const ag_tensor *x = call->inputs[X], *weight = call->inputs[WEIGHT],
                    *bias = call->inputs[BIAS];
    if (weight->ndims != 2 || weight->shape[1] != ag__tensor_columns(x))
        return ag__fail(AG_ERROR_SHAPE,
                        "%s: x is %s but weight is %s; it must be [classes, features]", name,
                        ag__tensor_shape_text(x).text, ag__tensor_shape_text(weight).text);
    if (weight->shape[0] > INT_MAX || weight->shape[1] > INT_MAX)
        return ag__fail(AG_ERROR_SHAPE, "%s: weight is %s: more rows than this loss takes", name,
                        ag__tensor_shape_text(weight).text);
    if (bias == NULL || (bias->ndims == 1 && bias->size == weight->shape[0])) return AG_OK;
    return ag__fail(AG_ERROR_SHAPE, "%s: weight is %s but bias is %s", name,
                    ag__tensor_shape_text(weight).text, ag__tensor_shape_text(bias).text);
}

static ag_status linear_cross_entropy_infer_shape(const ag__call *call, ag__shape *shape)
{
    ag_status status = check_layer(call);
    if (status == AG_OK) status = ag__labels_check(call, num_classes(call));
    if (status != AG_OK) return status;
    *shape = ag__shape_of(call->inputs[X]);
    if (call->reduction != AG_REDUCTION_NONE || shape->ndims == 1)
        *shape = (ag__shape){.ndims = 1, .dims = {1}};
    else
        shape->ndims--;
    return AG_OK;
}

/* ---- memory to work in ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t rows_of_tile(size_t rows, size_t classes)
{
    size_t fitting = TILE_BYTES / sizeof(float) / BLOCK / classes;
    return least(rows, BLOCK * least(fitting < 1 ? 1 : fitting, ag__most_blocks));
}

/* How rows and classes are cut, and where the parts behind bias_sums and their end are, in bytes. */
typedef struct layout {
    size_t tile_rows, slice, slices;
    size_t values, correct, tile, partials, end;
} layout;

static layout lay_out(const ag__call *call)
{
    size_t rows = ag__tensor_rows(call->inputs[X]), classes = num_classes(call);
    size_t features = ag__tensor_columns(call->inputs[X]);
    layout l = {
        .tile_rows = rows_of_tile(rows, classes),
        .slice = (classes + MAX_SLICES - 1) / MAX_SLICES,
    };
    if (l.slice < SMALLEST_SLICE) l.slice = SMALLEST_SLICE;
    l.slices = (classes + l.slice - 1) / l.slice;
    l.values = classes * sizeof(double);
    l.correct = l.values + l.tile_rows * sizeof(double);
    l.tile = l.correct + l.tile_rows * sizeof(size_t);
    l.partials = l.tile + l.tile_rows * classes * sizeof(float);
    l.end = l.partials + l.slices * least(rows, BLOCK) * features * sizeof(float);
    return l;
}

static size_t scratch_bytes(const ag__call *call)
{
    return lay_out(call).end;
}

/* ---- a block, and the rows of a tile ---- */

static void make_logits(sweep *s)
{
    const ag_tensor *bias = s->call->inputs[BIAS];
    const float *x = s->call->inputs[X]->data + s->first * s->features;
    const float *weight = s->call->inputs[WEIGHT]->data;
    ag__matmul_plus_row((ag__matrix){x, s->count, s->features, false},
                        (ag__matrix){weight, s->classes, s->features, true},
                        bias != NULL ? bias->data : NULL, s->logits);
}

static double weight_of(const sweep *s, size_t row)
{
    return s->divisor == 0 ? 0 : ag__row_weight(s->call, row);
}

/* The value of a row of the tile, and if wanted the gradient in place of its logits. */
static void compute_row(sweep *s, size_t row)
{
    const ag__rowwise *law = ag__op_cross_entropy_labels_loss.law;
    const ag__call *call = s->call;
    size_t index = s->tile_first + row;
    float *logits = s->tile + row * s->classes;
    double weight = weight_of(s, index);
    double scale = weight * (s->upstream != NULL ? (double)s->upstream[index] : s->scale);
    ag__sink in_place = {.data = logits};
    ag__rows rows = {
        .count = 1,
        .n = s->classes,
        .inputs = {logits},
        .labels = call->indices->data + index,
        .options = call->options,
        .values = &s->tile_values[row],
        .num_correct = &s->tile_correct[row],
        .scales = &scale,
        .sinks = s->sinks != NULL ? &in_place : NULL,
    };
    s->tile_values[row] = 0;
    s->tile_correct[row] = 0;
    if (weight == 0 && ag__row_weight(call, index) != 0) ag__count_correct(&rows);
    if (weight == 0)
        memset(logits, 0, s->classes * sizeof *logits);
    else
        law->compute(&rows);
    s->tile_values[row] *= weight;
}

static void compute_rows(size_t begin, size_t end, void *context)
{
    for (size_t row = begin; row < end; row++)
        compute_row(context, row);
}

static void take_values(sweep *s)
{
    const double *values = s->tile_values + (s->first - s->tile_first);
    const size_t *correct = s->tile_correct + (s->first - s->tile_first);
    for (size_t row = 0; row < s->count; row++) {
        s->nonzero += values[row] != 0;
        s->correct += correct[row];
        if (s->values != NULL) s->values[s->first + row] = (float)values[row];
    }
    s->sum += ag__sum(s->count, values);
}

static void add_bias_columns(size_t begin, size_t end, void *context)
{
    const sweep *s = context;
    for (size_t row = 0; row < s->count; row++)
        for (size_t class = begin; class < end; class ++)
            s->bias_sums[class] += (double)s->logits[row * s->classes + class];
}

/* What slices of classes give to the block's rows of x. */
static void multiply_slices(size_t begin, size_t end, void *context)
{
    const sweep *s = context;
    const float *weight = s->call->inputs[WEIGHT]->data;
    for (size_t slice = begin; slice < end; slice++) {
        size_t first = slice * s->slice, left = s->classes - first;
        ag__multiply_part(s->count, s->features, left < s->slice ? left : s->slice,
                          (ag__part){s->logits + first, s->classes, false},
                          (ag__part){weight + first * s->features, s->features, false}, false,
                          s->partials + slice * s->count * s->features, s->features);
    }
}

/* Adds what the slices of classes give to rows of x, in order. */
static void add_partials(size_t begin, size_t end, void *context)
{
    const sweep *s = context;
    const ag__sink *sink = &s->sinks[X];
    size_t size = s->count * s->features;
    for (size_t i = begin * s->features, n; i < end * s->features; i += n) {
        double sums[AG__CHUNK] = {0};
        float *to = sink->data + s->first * s->features + i;
        n = ag__chunk_length(end * s->features - i);
        for (size_t slice = 0; slice < s->slices; slice++)
            for (size_t k = 0; k < n; k++)
                sums[k] += (double)s->partials[slice * size + i + k];
        for (size_t k = 0; k < n; k++)
            to[k] = (float)((sink->accumulate ? (double)to[k] : 0) + sums[k]);
    }
}

static void carry_to_x(sweep *s)
{
    double size = (double)(s->count * s->features);
    ag__parallel_for(s->slices, AG__MULTIPLICATION * size * (double)s->classes, multiply_slices, s);
    ag__parallel_for(s->count, AG__CHEAP * size * (double)s->slices, add_partials, s);
}

/*
 * The block's rows of x; where some weigh 0, a copy in which they are 0, were they NaN. It stands where
 * the partial gradients were.
 */
static const float *rows_that_count(sweep *s)
{
    const float *x = s->call->inputs[X]->data + s->first * s->features;
    bool all = true;
    for (size_t row = 0; row < s->count; row++)
        all = all && weight_of(s, s->first + row) != 0;
    if (all) return x;
    memcpy(s->partials, x, s->count * s->features * sizeof *x);
    for (size_t row = 0; row < s->count; row++)
        if (weight_of(s, s->first + row) == 0)
            memset(s->partials + row * s->features, 0, s->features * sizeof *x);
    return s->partials;
}

static void carry_back(sweep *s)
{
    const ag__sink *sinks = s->sinks;
    if (sinks[X].data != NULL) carry_to_x(s);
    const float *x = rows_that_count(s);
    if (sinks[WEIGHT].data != NULL)
        ag__matmul((ag__matrix){s->logits, s->count, s->classes, true},
                   (ag__matrix){x, s->count, s->features, false},
                   sinks[WEIGHT].accumulate || s->first > 0, sinks[WEIGHT].data);
    if (sinks[BIAS].data != NULL)
        ag__parallel_for(s->classes, AG__CHEAP * (double)(s->count * s->classes), add_bias_columns,
                         s);
}

/* ---- all tiles ---- */

static sweep describe(const ag__call *call)
{
    size_t rows = ag__tensor_rows(call->inputs[X]);
    char *scratch = call->scratch;
    layout l = lay_out(call);
    return (sweep){
        .call = call,
        .rows = rows,
        .features = ag__tensor_columns(call->inputs[X]),
        .classes = num_classes(call),
        .divisor = ag__divisor(call, rows),
        .bias_sums = call->scratch,
        .tile = (float *)(void *)(scratch + l.tile),
        .tile_values = (double *)(void *)(scratch + l.values),
        .tile_correct = (size_t *)(void *)(scratch + l.correct),
        .tile_rows = l.tile_rows,
        .partials = (float *)(void *)(scratch + l.partials),
        .slice = l.slice,
        .slices = l.slices,
    };
}

static void store_bias_gradient(const sweep *s)
{
    const ag__sink *sink = &s->sinks[BIAS];
    for (size_t i = 0; sink->data != NULL && i < s->classes; i++)
        sink->data[i] = (float)((sink->accumulate ? (double)sink->data[i] : 0) + s->bias_sums[i]);
}

static void take_block(sweep *s)
{
    take_values(s);
    if (s->sinks != NULL) carry_back(s);
}

static void for_each_block(sweep *s, void (*visit)(sweep *s))
{
    size_t end = s->tile_first + s->tile_count;
    for (s->first = s->tile_first; s->first < end; s->first += s->count) {
        s->count = least(end - s->first, BLOCK);
        s->logits = s->tile + (s->first - s->tile_first) * s->classes;
        visit(s);
    }
}

static void run(sweep *s)
{
    if (s->sinks != NULL) memset(s->bias_sums, 0, s->classes * sizeof *s->bias_sums);
    for (s->tile_first = 0; s->tile_first < s->rows; s->tile_first += s->tile_count) {
        s->tile_count = least(s->rows - s->tile_first, s->tile_rows);
        for_each_block(s, make_logits);
        ag__parallel_for(s->tile_count, AG__TRANSCENDENTAL * (double)(s->tile_count * s->classes),
                         compute_rows, s);
        for_each_block(s, take_block);
    }
    if (s->sinks != NULL) store_bias_gradient(s);
}

/* Where the divisor is the number of values that are not 0, they are computed before the rest. */
static sweep prepare(const ag__call *call)
{
    sweep s = describe(call);
    if (!ag__divides_by_nonzero(call)) return s;
    run(&s);
    size_t nonzero = s.nonzero;
    s = describe(call);
    s.divisor = (double)nonzero;
    return s;
}

static ag_status linear_cross_entropy_both(const ag__call *call, ag_tensor *out,
                                           const ag__sink *sinks)
{
    sweep s = prepare(call);
    bool reduced = call->reduction != AG_REDUCTION_NONE;
    s.values = reduced ? NULL : out->data;
    s.sinks = sinks;
    s.scale = ag__gradient_scale(call, NULL, s.divisor);
    run(&s);
    if (reduced) out->data[0] = ag__reduce(&(ag__blocks){.count = 1}, &s.sum, s.divisor);
    if (call->options != NULL && call->options->num_correct != NULL)
        *call->options->num_correct = s.correct;
    return AG_OK;
}

static ag_status linear_cross_entropy_forward(const ag__call *call, ag_tensor *out)
{
    return linear_cross_entropy_both(call, out, NULL);
}

/*
 * A variable that stands for x and weight has one gradient, to which blocks of rows add by turns: so it
 * begins with zeros.
 */
static void begin_shared_gradient(const ag__call *call, ag__sink *sinks)
{
    if (sinks[X].data == NULL || sinks[X].data != sinks[WEIGHT].data || sinks[X].accumulate) return;
    memset(sinks[X].data, 0, call->inputs[X]->size * sizeof *sinks[X].data);
    sinks[X].accumulate = true;
}

static void linear_cross_entropy_backward(const ag__call *call, const ag_tensor *grad,
                                          const ag__sink *sinks)
{
    sweep s = prepare(call);
    bool each = grad != NULL && call->reduction == AG_REDUCTION_NONE;
    ag__sink own[] = {sinks[X], sinks[WEIGHT], sinks[BIAS]};
    begin_shared_gradient(call, own);
    s.upstream = each ? grad->data : NULL;
    s.scale = ag__gradient_scale(call, grad, s.divisor);
    s.sinks = own;
    run(&s);
}

const ag__op ag__op_linear_cross_entropy_loss = {
    .name = "linear_cross_entropy_loss",
    .num_inputs = 3,
    .num_parents = 3,
    .num_differentiable = 3,
    .num_optional = 1,
    .by_rows = true,
    .takes_labels = true,
    .input_names = {"x", "weight", "bias"},
    .takes_reduction = true,
    .options = AG__TAKES(class_weights) | AG__TAKES(label_smoothing) | AG__TAKES(z_loss) |
               AG__TAKES(has_ignore_index) | AG__TAKES(num_correct),
    .num_classes = num_classes,
    .infer_shape = linear_cross_entropy_infer_shape,
    .scratch_bytes = scratch_bytes,
    .forward = linear_cross_entropy_forward,
    .forward_with_gradients = linear_cross_entropy_both,
    .backward = linear_cross_entropy_backward,
    .nanoseconds = AG__TRANSCENDENTAL,
};
