/*
 * tile_level.h: the loops of tile.h for one level of instructions. tile.c includes this once for each,
 * with LEVEL and LANES (see vector.h), and ROWS and TAPS those of a tile.
 */
#define vector AG__LEVEL(vector)

/* `wide` vectors of each row of a result. */
AG__TARGET AG__INLINE void AG__LEVEL(products_across)(size_t wide, size_t depth,
                                                      const float *weights, const float *x,
                                                      const size_t *offsets, const float *start,
                                                      float *out, size_t pitch)
{
    vector sums[ROWS][WIDE];
    AG__UNROLL
    for (size_t r = 0; r < ROWS; r++) {
        AG__UNROLL
        for (size_t v = 0; v < wide; v++)
            sums[r][v] = (vector){0} + start[r];
    }
    for (size_t k = 0; k < depth; k++) {
        const float *row = x + offsets[k], *w = weights + k * ROWS;
        vector values[WIDE];
        AG__UNROLL
        for (size_t v = 0; v < wide; v++)
            values[v] = *(const vector *)(row + v * LANES);
        AG__UNROLL
        for (size_t r = 0; r < ROWS; r++) {
            AG__UNROLL
            for (size_t v = 0; v < wide; v++)
                sums[r][v] += w[r] * values[v];
        }
    }
    AG__UNROLL
    for (size_t r = 0; r < ROWS; r++) {
        AG__UNROLL
        for (size_t v = 0; v < wide; v++)
            *(vector *)(out + r * pitch + v * LANES) = sums[r][v];
    }
}

AG__TARGET static void AG__LEVEL(products)(size_t depth, const float *weights, const float *x,
                                           const size_t *offsets, const float *start, size_t n,
                                           float *out, size_t pitch)
{
    size_t q = 0;
    for (; q + 2 * LANES < n; q += 3 * LANES)
        AG__LEVEL(products_across)(3, depth, weights, x + q, offsets, start, out + q, pitch);
    if (q + LANES < n)
        AG__LEVEL(products_across)(2, depth, weights, x + q, offsets, start, out + q, pitch);
    else if (q < n)
        AG__LEVEL(products_across)(1, depth, weights, x + q, offsets, start, out + q, pitch);
}

/* Adds the upper half of the lanes to the lower. */
AG__TARGET AG__INLINE void AG__LEVEL(fold)(size_t half, float (*sums)[LANES])
{
    for (size_t i = 0; i < AG__DOT_ROWS * TAPS; i++) {
#pragma omp simd
        for (size_t lane = 0; lane < half; lane++)
            sums[i][lane] += sums[i][lane + half];
    }
}

AG__TARGET AG__INLINE void AG__LEVEL(add_lanes)(float (*sums)[LANES], float *out)
{
    if (LANES > 8) AG__LEVEL(fold)(8, sums);
    if (LANES > 4) AG__LEVEL(fold)(4, sums);
    for (size_t i = 0; i < AG__DOT_ROWS * TAPS; i++)
        out[i] = LANES == 1 ? sums[i][0] : (sums[i][0] + sums[i][2]) + (sums[i][1] + sums[i][3]);
}

AG__TARGET static void AG__LEVEL(dots)(size_t images, size_t n, const float *g, size_t g_step,
                                       size_t g_pitch, const float *x, size_t x_step,
                                       const size_t *offsets, float *out)
{
    vector sums[AG__DOT_ROWS][TAPS];
    AG__UNROLL
    for (size_t r = 0; r < AG__DOT_ROWS; r++) {
        AG__UNROLL
        for (size_t j = 0; j < TAPS; j++)
            sums[r][j] = (vector){0};
    }
    for (size_t i = 0; i < images; i++)
        for (size_t q = 0; q < n; q += LANES) {
            const float *from_g = g + i * g_step + q, *from_x = x + i * x_step + q;
            vector upstream[AG__DOT_ROWS];
            AG__UNROLL
            for (size_t r = 0; r < AG__DOT_ROWS; r++)
                upstream[r] = *(const vector *)(from_g + r * g_pitch);
            AG__UNROLL
            for (size_t j = 0; j < TAPS; j++) {
                vector values = *(const vector *)(from_x + offsets[j]);
                AG__UNROLL
                for (size_t r = 0; r < AG__DOT_ROWS; r++)
                    sums[r][j] += upstream[r] * values;
            }
        }
    float lanes[AG__DOT_ROWS * TAPS][LANES];
    AG__UNROLL
    for (size_t r = 0; r < AG__DOT_ROWS; r++) {
        AG__UNROLL
        for (size_t j = 0; j < TAPS; j++)
            *(vector *)lanes[r * TAPS + j] = sums[r][j];
    }
    AG__LEVEL(add_lanes)(lanes, out);
}

#undef vector
#undef LEVEL
#undef ROWS
#undef TAPS
#undef LANES
