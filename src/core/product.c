/*
 * product.c: products of matrices.
 *
 * They are our own, not BLAS's. sgemm copies both factors, for each tile again where a product is cut for several
 * threads; and OpenBLAS has a number of threads for the whole process, one buffer for all callers in its serial
 * build, and kernels of 2004 for processors that it does not know. Here nothing is shared, and an element is a
 * sum in an order that depends on k, and on whether a is transposed, alone: it has the same bits wherever a
 * product is cut, for any number of threads, and whatever the other rows are.
 *
 * The design is that of K. Goto and R. van de Geijn, "Anatomy of high-performance matrix multiplication",
 * ACM TOMS 34 (2008), with half of its copies: a panel of b, as wide as a tile, is copied to where its
 * rows follow each other, by the first tile that reads it, and serves all rows of a, which are read where they
 * are. The first panel's tiles ask memory for the rows of a that come next.
 */
#include "config.h"

#include "core/product.h"

#include <string.h>

#include "core/parallel.h"
#include "core/vector.h"

/* ---- strips: all rows of a, the columns of one panel of b ---- */

/* c[i, j] = start[i, j] + Σ_k a[i, k] · b[k, j], k < depth. */
typedef struct strip {
    size_t rows, depth;
    const float *a; /* element (i, k) is a[i · a_row + k · a_step] */
    size_t a_row, a_step;
    bool a_from_memory; /* no panel before this one has read it */
    const float *b;
    size_t b_pitch;
    float *panel; /* the first tile copies b to it, and the others read it there; NULL: b is read */
    const float *start; /* may be c */
    size_t start_pitch; /* 0 where all rows start from the same */
    float *c;
    size_t c_pitch;
} strip;

/* A cache line of a is read from the second-level cache in so many steps of a tile. */
#define STEPS_AHEAD 12
/* A row of b that is copied is asked for so many steps before. */
#define ROWS_AHEAD 8

/* The vectors of a tile's row, at the most. Its sums and a row of b fill 16 registers, or 32. */
#define WIDE 3

#define LEVEL baseline
#define LANES AG__BASELINE_LANES
#define ROWS 4
#define LOW 0, 4, 1, 5
#define HIGH 2, 6, 3, 7
#include "core/product_level.h"

#if AG__CPU_COUNT == 3
#define LEVEL v3
#define LANES 8
#define ROWS 4
#define LOW 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH 4, 12, 5, 13, 6, 14, 7, 15
#include "core/product_level.h"

#define LEVEL v4
#define LANES 16
#define ROWS 8
#define LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#include "core/product_level.h"
#endif

typedef struct level {
    size_t lanes, rows;                           /* of a vector, and of a tile */
    void (*multiply_strip[WIDE])(const strip *s); /* of 1, 2 or 3 vectors */
    void (*pack_transposed)(size_t depth, size_t columns, const float *b, size_t b_pitch,
                            float *panel, size_t width);
} level;

#define LEVEL_OF(name, lanes, rows)                                                                \
    {                                                                                              \
        lanes, rows, {multiply_strip_1_##name, multiply_strip_2_##name, multiply_strip_3_##name},  \
            pack_transposed_##name                                                                 \
    }

static const level levels[AG__CPU_COUNT] = {
    LEVEL_OF(baseline, AG__BASELINE_LANES, 4),
#if AG__CPU_COUNT == 3
    LEVEL_OF(v3, 8, 4),
    LEVEL_OF(v4, 16, 8),
#endif
};

enum { MOST_LANES = 16, MOST_ROWS = 8, MOST_WIDTH = WIDE * MOST_LANES };

/* ---- a product on one thread ---- */

/*
 * At most so many steps are summed at once: a panel of b has then 48 KiB, which stay in the first two
 * levels of cache. Of a transposed a, each step reads another cache line, most of which the next tiles need:
 * with half as many steps panel and lines stay in the first level. So many rows use a panel before the next
 * takes its place, and c and a stay within what the processor's translation of addresses remembers.
 */
enum { MOST_DEPTH = 256, MOST_DEPTH_TRANSPOSED = 128, MOST_ROWS_AT_ONCE = 256 };

/* A panel of op(b), with zeros behind its columns: [depth, width]. */
static void pack(const level *l, ag__part b, size_t depth, size_t columns, size_t width,
                 float *panel)
{
    if (columns < width) memset(panel, 0, depth * width * sizeof *panel);
    if (b.transposed)
        l->pack_transposed(depth, columns, b.data, b.pitch, panel, width);
    else
        for (size_t k = 0; k < depth; k++)
            memcpy(panel + k * width, b.data + k * b.pitch, columns * sizeof *panel);
}

/* A strip that does not fill its vectors, by way of a tile that does. */
static void multiply_narrow_strip(const level *l, strip s, size_t wide, size_t columns)
{
    float tile[MOST_ROWS * MOST_WIDTH] = {0};
    size_t width = wide * l->lanes;
    for (size_t row = 0, rows; row < s.rows; row += rows) {
        rows = s.rows - row < l->rows ? s.rows - row : l->rows;
        const float *start = s.start + row * s.start_pitch;
        float *c = s.c + row * s.c_pitch;
        for (size_t r = 0; r < rows; r++)
            memcpy(tile + r * width, start + r * s.start_pitch, columns * sizeof *tile);
        strip part = s;
        part.rows = rows;
        part.a = s.a + row * s.a_row;
        part.start = part.c = tile;
        part.start_pitch = part.c_pitch = width;
        l->multiply_strip[wide - 1](&part);
        for (size_t r = 0; r < rows; r++)
            memcpy(c + r * s.c_pitch, tile + r * width, columns * sizeof *tile);
    }
}

/* Where op(matrix)[row, column] is. */
static const float *element(ag__part matrix, size_t row, size_t column)
{
    return matrix.data +
           (matrix.transposed ? column * matrix.pitch + row : row * matrix.pitch + column);
}

/* The next panel's vectors: four make two panels of two, of which each is faster than one of one. */
static size_t next_wide(const level *l, size_t columns)
{
    size_t vectors = (columns + l->lanes - 1) / l->lanes;
    return vectors == 4 ? 2 : vectors < WIDE ? vectors : WIDE;
}

/* c += a · b of so many rows and a depth that a panel holds. */
static void multiply_block(const level *l, const ag__cut_product *p)
{
    static const float zeros[MOST_WIDTH];
    _Alignas(64) float panel[MOST_DEPTH * MOST_WIDTH];
    for (size_t column = 0, columns; column < p->n; column += columns) {
        size_t wide = next_wide(l, p->n - column), width = wide * l->lanes;
        columns = p->n - column < width ? p->n - column : width;
        ag__part b = {element(p->b, 0, column), p->b.pitch, p->b.transposed};
        bool as_it_is = !b.transposed && columns == width;
        if (!as_it_is) pack(l, b, p->k, columns, width, panel);
        strip s = {
            .rows = p->m,
            .depth = p->k,
            .a = p->a.data,
            .a_row = p->a.transposed ? 1 : p->a.pitch,
            .a_step = p->a.transposed ? p->a.pitch : 1,
            .a_from_memory = column == 0 && p->m > l->rows,
            .b = as_it_is ? b.data : panel,
            .b_pitch = as_it_is ? b.pitch : width,
            .panel = as_it_is && p->m > l->rows ? panel : NULL,
            .start = p->start != NULL ? p->start + column : zeros,
            .start_pitch = p->start != NULL ? p->start_pitch : 0,
            .c = p->c + column,
            .c_pitch = p->c_pitch,
        };
        if (columns == width)
            l->multiply_strip[wide - 1](&s);
        else
            multiply_narrow_strip(l, s, wide, columns);
    }
}

/* So many steps at once that all blocks are nearly alike; multiples of whole vectors. */
static size_t depth_of_blocks(const ag__cut_product *p)
{
    size_t most = p->a.transposed ? MOST_DEPTH_TRANSPOSED : MOST_DEPTH;
    size_t blocks = (p->k + most - 1) / most, depth = (p->k + blocks - 1) / blocks;
    return (depth + MOST_LANES - 1) / MOST_LANES * MOST_LANES;
}

static void multiply(const ag__cut_product *p)
{
    const level *l = &levels[ag__cpu()];
    size_t depth = depth_of_blocks(p);
    for (size_t row = 0; row < p->m; row += MOST_ROWS_AT_ONCE)
        for (size_t k = 0; k < p->k; k += depth) {
            ag__cut_product block = *p;
            block.m = p->m - row < MOST_ROWS_AT_ONCE ? p->m - row : MOST_ROWS_AT_ONCE;
            block.k = p->k - k < depth ? p->k - k : depth;
            block.a.data = element(p->a, row, k);
            block.b.data = element(p->b, k, 0);
            block.c += row * p->c_pitch;
            if (p->start != NULL) block.start += row * p->start_pitch;
            if (k > 0) {
                block.start = block.c;
                block.start_pitch = p->c_pitch;
            }
            multiply_block(l, &block);
        }
}

void ag__multiply_part(size_t m, size_t n, size_t k, ag__part a, ag__part b, bool accumulate,
                       float *c, size_t c_pitch)
{
    multiply(&(ag__cut_product){
        .m = m,
        .n = n,
        .k = k,
        .a = a,
        .b = b,
        .start = accumulate ? c : NULL,
        .start_pitch = c_pitch,
        .c = c,
        .c_pitch = c_pitch,
    });
}

/* ---- products on several threads ---- */

/* About 10 µs on one core of 2024: less is not worth a part of its own. */
#define LEAST_MULTIPLICATIONS 1e6
/* A part begins at a multiple of whole vectors. */
#define EDGE 16

static size_t edge_of_part(size_t whole, size_t parts)
{
    size_t edge = (whole + parts - 1) / parts;
    return (edge + EDGE - 1) / EDGE * EDGE;
}

/* What a part reads of a and copies of b, in so many steps: for each block of rows once. */
static size_t cost_of_part(size_t m, size_t n)
{
    return m + (m + MOST_ROWS_AT_ONCE - 1) / MOST_ROWS_AT_ONCE * n;
}

/* Into at most so many parts, in that way in which a part costs least. */
static void choose_parts(ag__cut_product *p, size_t wanted)
{
    size_t best = 0;
    for (size_t parts_n = 1; parts_n <= wanted; parts_n++) {
        if (wanted % parts_n != 0) continue;
        size_t part_m = edge_of_part(p->m, wanted / parts_n), part_n = edge_of_part(p->n, parts_n);
        size_t cost = cost_of_part(part_m, part_n);
        if (best != 0 && cost > best) continue;
        best = cost;
        p->part_m = part_m;
        p->part_n = part_n;
    }
    p->parts_n = (p->n + p->part_n - 1) / p->part_n;
    p->parts = p->parts_n * ((p->m + p->part_m - 1) / p->part_m);
}

ag__cut_product ag__cut(ag__matrix a, ag__matrix b, bool accumulate, float *c, size_t parts)
{
    size_t n = b.transposed ? b.rows : b.columns;
    ag__cut_product p = {
        .m = a.transposed ? a.columns : a.rows,
        .n = n,
        .k = a.transposed ? a.rows : a.columns,
        .a = {a.data, a.columns, a.transposed},
        .b = {b.data, b.columns, b.transposed},
        .start = accumulate ? c : NULL,
        .start_pitch = n,
        .c = c,
        .c_pitch = n,
    };
    choose_parts(&p, parts);
    return p;
}

void ag__multiply_cut(const ag__cut_product *product, size_t part)
{
    if (part >= product->parts) return;
    size_t row = part / product->parts_n * product->part_m,
           column = part % product->parts_n * product->part_n;
    ag__cut_product p = *product;
    p.m = p.m - row < p.part_m ? p.m - row : p.part_m;
    p.n = p.n - column < p.part_n ? p.n - column : p.part_n;
    p.a.data = element(p.a, row, 0);
    p.b.data = element(p.b, 0, column);
    p.c += row * p.c_pitch + column;
    if (p.start != NULL) p.start += row * p.start_pitch + column;
    multiply(&p);
}

double ag__multiplications(ag__matrix a, ag__matrix b)
{
    size_t lanes = levels[ag__cpu()].lanes, n = b.transposed ? b.rows : b.columns;
    return (double)a.rows * (double)a.columns * (double)((n + lanes - 1) / lanes * lanes);
}

size_t ag__parts_for(double multiplications)
{
    double worthwhile = 1 + multiplications / LEAST_MULTIPLICATIONS;
    size_t threads = (size_t)ag__threads_for(AG__MULTIPLICATION * multiplications);
    return (double)threads > worthwhile ? (size_t)worthwhile : threads;
}

typedef struct batch {
    ag__cut_product first;
    size_t a_step, b_step, c_step; /* from a product's matrices to the next one's */
} batch;

static void multiply_parts(size_t begin, size_t end, void *context)
{
    const batch *t = context;
    for (size_t index = begin; index < end; index++) {
        size_t item = index / t->first.parts;
        ag__cut_product p = t->first;
        p.a.data += item * t->a_step;
        p.b.data += item * t->b_step;
        p.c += item * t->c_step;
        if (p.start != NULL) p.start += item * t->c_step;
        ag__multiply_cut(&p, index % p.parts);
    }
}

static void multiply_all(size_t count, ag__matrix a, ag__matrix b, const float *start,
                         size_t start_pitch, float *c)
{
    double multiplications = (double)count * ag__multiplications(a, b);
    size_t parts = (ag__parts_for(multiplications) + count - 1) / count;
    batch t = {.first = ag__cut(a, b, false, c, parts),
               .a_step = a.rows * a.columns,
               .b_step = b.rows * b.columns};
    t.first.start = start;
    t.first.start_pitch = start_pitch;
    t.c_step = t.first.m * t.first.n;
    ag__parallel_for(count * t.first.parts, AG__MULTIPLICATION * multiplications, multiply_parts,
                     &t);
}

void ag__matmul(ag__matrix a, ag__matrix b, bool accumulate, float *c)
{
    ag__matmul_batch(1, a, b, accumulate, c);
}

void ag__matmul_plus_row(ag__matrix a, ag__matrix b, const float *row, float *c)
{
    multiply_all(1, a, b, row, 0, c);
}

void ag__matmul_batch(size_t count, ag__matrix a, ag__matrix b, bool accumulate, float *c)
{
    size_t n = b.transposed ? b.rows : b.columns;
    multiply_all(count, a, b, accumulate ? c : NULL, n, c);
}
