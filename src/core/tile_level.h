/*
 * tile_level.h: the loops of tile.h for one instruction set. tile.c includes this once for each level
 * of cpu.h, with LEVEL its name, ROWS and TAPS those of a tile and LANES those of a
 * vector register.
 *
 * A function that is compiled for a level has to be written for it: a compiler splits vectors that
 * are wider than the level of the function in which they stand, before it inlines anything.
 */
#define JOIN_(name, level) name##_##level
#define JOIN(name, level) JOIN_(name, level)
#define TARGET JOIN(AG__TARGET, LEVEL)
#define vector JOIN(vector, LEVEL)

#if LANES > 1
typedef float vector __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
#else
typedef float vector;
#endif

/* `wide` vectors of each row of a result. */
TARGET AG__INLINE void JOIN(products_across, LEVEL)(size_t wide, size_t depth, const float *weights,
                                                    const float *x, const size_t *offsets,
                                                    const float *start, float *out, size_t pitch)
{
    vector sums[ROWS][WIDE];
    UNROLL
    for (size_t r = 0; r < ROWS; r++) {
        UNROLL
        for (size_t v = 0; v < wide; v++)
            sums[r][v] = (vector){0} + start[r];
    }
    for (size_t k = 0; k < depth; k++) {
        const float *row = x + offsets[k], *w = weights + k * ROWS;
        vector values[WIDE];
        UNROLL
        for (size_t v = 0; v < wide; v++)
            values[v] = *(const vector *)(row + v * LANES);
        UNROLL
        for (size_t r = 0; r < ROWS; r++) {
            UNROLL
            for (size_t v = 0; v < wide; v++)
                sums[r][v] += w[r] * values[v];
        }
    }
    UNROLL
    for (size_t r = 0; r < ROWS; r++) {
        UNROLL
        for (size_t v = 0; v < wide; v++)
            *(vector *)(out + r * pitch + v * LANES) = sums[r][v];
    }
}

TARGET static void JOIN(products, LEVEL)(size_t depth, const float *weights, const float *x,
                                         const size_t *offsets, const float *start, size_t n,
                                         float *out, size_t pitch)
{
    size_t q = 0;
    for (; q + 2 * LANES < n; q += 3 * LANES)
        JOIN(products_across, LEVEL)(3, depth, weights, x + q, offsets, start, out + q, pitch);
    if (q + LANES < n)
        JOIN(products_across, LEVEL)(2, depth, weights, x + q, offsets, start, out + q, pitch);
    else if (q < n)
        JOIN(products_across, LEVEL)(1, depth, weights, x + q, offsets, start, out + q, pitch);
}

/* Adds the upper half of the lanes to the lower. */
TARGET AG__INLINE void JOIN(fold, LEVEL)(size_t half, float (*sums)[LANES])
{
    for (size_t i = 0; i < AG__DOT_ROWS * TAPS; i++) {
#pragma omp simd
        for (size_t lane = 0; lane < half; lane++)
            sums[i][lane] += sums[i][lane + half];
    }
}

TARGET AG__INLINE void JOIN(add_lanes, LEVEL)(float (*sums)[LANES], float *out)
{
    if (LANES > 8) JOIN(fold, LEVEL)(8, sums);
    if (LANES > 4) JOIN(fold, LEVEL)(4, sums);
    for (size_t i = 0; i < AG__DOT_ROWS * TAPS; i++)
        out[i] = LANES == 1 ? sums[i][0] : (sums[i][0] + sums[i][2]) + (sums[i][1] + sums[i][3]);
}

TARGET static void JOIN(dots, LEVEL)(size_t images, size_t n, const float *g, size_t g_step,
                                     size_t g_pitch, const float *x, size_t x_step,
                                     const size_t *offsets, float *out)
{
    vector sums[AG__DOT_ROWS][TAPS];
    UNROLL
    for (size_t r = 0; r < AG__DOT_ROWS; r++) {
        UNROLL
        for (size_t j = 0; j < TAPS; j++)
            sums[r][j] = (vector){0};
    }
    for (size_t i = 0; i < images; i++)
        for (size_t q = 0; q < n; q += LANES) {
            const float *from_g = g + i * g_step + q, *from_x = x + i * x_step + q;
            vector upstream[AG__DOT_ROWS];
            UNROLL
            for (size_t r = 0; r < AG__DOT_ROWS; r++)
                upstream[r] = *(const vector *)(from_g + r * g_pitch);
            UNROLL
            for (size_t j = 0; j < TAPS; j++) {
                vector values = *(const vector *)(from_x + offsets[j]);
                UNROLL
                for (size_t r = 0; r < AG__DOT_ROWS; r++)
                    sums[r][j] += upstream[r] * values;
            }
        }
    float lanes[AG__DOT_ROWS * TAPS][LANES];
    UNROLL
    for (size_t r = 0; r < AG__DOT_ROWS; r++) {
        UNROLL
        for (size_t j = 0; j < TAPS; j++)
            *(vector *)lanes[r * TAPS + j] = sums[r][j];
    }
    JOIN(add_lanes, LEVEL)(lanes, out);
}

#undef JOIN_
#undef JOIN
#undef TARGET
#undef vector
#undef LEVEL
#undef ROWS
#undef TAPS
#undef LANES
