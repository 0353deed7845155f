/*
 * box_sum.c: sums over some of a box's dimensions.
 *
 * Few sums are made from parts of the box, whose partial sums are added in order; many sums are made
 * piece by piece. Which it is, and where parts and pieces begin, depends on the sizes alone.
 */
#include "config.h"

#include "tensor/box_sum.h"

#include "core/parallel.h"
#include "tensor/chunk.h"
#include "tensor/reduction.h"

#define MOST_PARTIAL_SUMS 4096
#define FEW_SUMS 1024
#define SUMS_OF_PIECE 256

/* What all threads share. */
typedef struct pass {
    const ag__box_sum *sum;
    double scale;
    const ag__sink *sink;

    size_t num_sums;
    ag__blocks blocks; /* of the box's terms, where there are few sums */
    double partial_sums[MOST_PARTIAL_SUMS];

    uint32_t split;          /* the dimension that is cut into pieces; those before it singly */
    size_t piece, per_split; /* the length of a piece, and how many there are along it */
} pass;

/* Adds the terms from `first` to `stop` of a part of the box. */
static void add_terms(const ag__box_sum *sum, const ag__box *part, const size_t *start,
                      size_t first, size_t stop, double *sums)
{
    double terms[AG__CHUNK];
    for (size_t i = first, n; i < stop; i += n) {
        n = ag__chunk_length(stop - i);
        sum->terms(sum->context, part, start, i, n, terms);
        ag__scatter_add(part, sum->strides, i, n, terms, sums);
    }
}

/* ---- few sums ---- */

static void add_blocks(size_t begin, size_t end, void *context)
{
    pass *p = context;
    static const size_t start[AG_MAX_DIMS];
    for (size_t block = begin; block < end; block++) {
        double *sums = p->partial_sums + block * p->num_sums;
        for (size_t i = 0; i < p->num_sums; i++)
            sums[i] = 0;
        add_terms(p->sum, &p->sum->box, start, ag__block_begin(&p->blocks, block),
                  ag__block_begin(&p->blocks, block + 1), sums);
    }
}

static void sum_blocks(pass *p, double cost)
{
    size_t size = ag__box_size(&p->sum->box), most = MOST_PARTIAL_SUMS / p->num_sums;
    size_t smallest = (size + most - 1) / most;
    p->blocks = ag__split(size, smallest < AG__SMALLEST_BLOCK ? AG__SMALLEST_BLOCK : smallest);
    ag__parallel_for(p->blocks.count, cost, add_blocks, p);
    double *sums = p->partial_sums;
    for (size_t i = p->num_sums; i < p->blocks.count * p->num_sums; i++)
        sums[i % p->num_sums] += sums[i];
    ag__store_gradient(p->num_sums, sums, NULL, p->scale, p->sink, 0);
}

/* ---- many sums ---- */

/* The part of the box whose terms make a piece of the sums. Returns the first of these. */
static size_t part_of_piece(const pass *p, size_t number, ag__box *part, size_t *start)
{
    const ag__box *box = &p->sum->box;
    const size_t *strides = p->sum->strides;
    *part = *box;
    start[p->split] = number % p->per_split * p->piece;
    size_t left = box->dims[p->split] - start[p->split],
           first = start[p->split] * strides[p->split];
    part->dims[p->split] = left < p->piece ? left : p->piece;
    number /= p->per_split;
    for (uint32_t d = p->split; d-- > 0;) {
        if (strides[d] == 0) continue;
        start[d] = number % box->dims[d];
        number /= box->dims[d];
        part->dims[d] = 1;
        first += start[d] * strides[d];
    }
    return first;
}

static void sum_pieces(size_t begin, size_t end, void *context)
{
    const pass *p = context;
    size_t per_index = p->sum->strides[p->split]; /* sums for each index of the split dimension */
    for (size_t number = begin; number < end; number++) {
        double sums[SUMS_OF_PIECE] = {0};
        size_t start[AG_MAX_DIMS] = {0};
        ag__box part;
        size_t first = part_of_piece(p, number, &part, start);
        add_terms(p->sum, &part, start, 0, ag__box_size(&part), sums);
        ag__store_gradient(part.dims[p->split] * per_index, sums, NULL, p->scale, p->sink, first);
    }
}

/* The innermost dimension that, whole, makes more sums than a piece holds is the one to cut. */
static void find_pieces(pass *p)
{
    const ag__box *box = &p->sum->box;
    const size_t *strides = p->sum->strides;
    p->split = box->ndims - 1;
    while (strides[p->split] * box->dims[p->split] <= SUMS_OF_PIECE)
        p->split--;
    p->piece = SUMS_OF_PIECE / strides[p->split];
    p->per_split = (box->dims[p->split] + p->piece - 1) / p->piece;
}

static size_t number_of_pieces(const pass *p)
{
    size_t along_split = p->sum->strides[p->split] * p->sum->box.dims[p->split];
    return p->num_sums / along_split * p->per_split;
}

/* ---- both ---- */

static size_t number_of_sums(const ag__box_sum *sum)
{
    size_t number = 1;
    for (uint32_t d = 0; d < sum->box.ndims; d++)
        if (sum->strides[d] > 0) number *= sum->box.dims[d];
    return number;
}

void ag__sum_box(const ag__box_sum *sum, double scale, const ag__sink *sink)
{
    pass p;
    p.sum = sum;
    p.scale = scale;
    p.sink = sink;
    p.num_sums = number_of_sums(sum);
    double cost = sum->nanoseconds * (double)ag__box_size(&sum->box);
    if (p.num_sums <= FEW_SUMS) {
        sum_blocks(&p, cost);
        return;
    }
    find_pieces(&p);
    ag__parallel_for(number_of_pieces(&p), cost, sum_pieces, &p);
}
