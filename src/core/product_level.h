/*
 * product_level.h: the inner loops of matrix products for one level of instructions. product.c includes
 * this once for each, with LEVEL and LANES (see vector.h), ROWS of a tile, and LOW and
 * HIGH, which say how the lower and the upper halves of two vectors are interleaved.
 */
#define vector AG__LEVEL(vector)

/*
 * A tile of `rows` rows and `wide` vectors. Its sums are in registers, so that each number that is read
 * counts for several. a is fetched ahead: its rows may lie far apart.
 */
AG__TARGET AG__INLINE void AG__LEVEL(multiply_tile)(size_t rows, size_t wide, const strip *s,
                                                    size_t row)
{
    const float *a = s->a + row * s->a_row, *b = s->b;
    const float *start = s->start + row * s->start_pitch;
    float *c = s->c + row * s->c_pitch;
    size_t a_row = s->a_row, a_step = s->a_step, b_pitch = s->b_pitch;
    vector sums[ROWS][WIDE];
    AG__UNROLL
    for (size_t r = 0; r < rows; r++) {
        AG__UNROLL
        for (size_t v = 0; v < wide; v++) {
            sums[r][v] = (vector){0};
        }
    }
    for (size_t k = 0; k < s->depth; k++, a += a_step, b += b_pitch) {
        vector values[WIDE];
        AG__UNROLL
        for (size_t v = 0; v < wide; v++)
            values[v] = *(const vector *)(b + v * LANES);
        AG__PREFETCH_NEAR(a + STEPS_AHEAD * a_step);
        AG__UNROLL
        for (size_t r = 0; r < rows; r++) {
            AG__UNROLL
            for (size_t v = 0; v < wide; v++)
                sums[r][v] += a[r * a_row] * values[v];
        }
    }
    AG__UNROLL
    for (size_t r = 0; r < rows; r++) {
        AG__UNROLL
        for (size_t v = 0; v < wide; v++)
            *(vector *)(c + r * s->c_pitch + v * LANES) =
                *(const vector *)(start + r * s->start_pitch + v * LANES) + sums[r][v];
    }
}

AG__TARGET AG__INLINE void AG__LEVEL(multiply_rows)(size_t wide, const strip *s)
{
    size_t row = 0;
    for (; row + ROWS <= s->rows; row += ROWS)
        AG__LEVEL(multiply_tile)(ROWS, wide, s, row);
    for (; (ROWS) > 4 && row + 4 <= s->rows; row += 4)
        AG__LEVEL(multiply_tile)(4, wide, s, row);
    for (; row + 2 <= s->rows; row += 2)
        AG__LEVEL(multiply_tile)(2, wide, s, row);
    for (; row < s->rows; row++)
        AG__LEVEL(multiply_tile)(1, wide, s, row);
}

AG__TARGET static void AG__LEVEL(multiply_strip)(size_t wide, const strip *s)
{
    if (wide == WIDE)
        AG__LEVEL(multiply_rows)(WIDE, s);
    else if (wide == 2)
        AG__LEVEL(multiply_rows)(2, s);
    else
        AG__LEVEL(multiply_rows)(1, s);
}

/* panel[k][j] = b[k][j] of so many vectors. */
AG__TARGET static void AG__LEVEL(pack_rows)(size_t depth, size_t wide, const float *b,
                                            size_t b_pitch, float *panel)
{
    for (size_t k = 0; k < depth; k++, b += b_pitch)
        for (size_t v = 0; v < wide; v++, panel += LANES)
            *(vector *)panel = *(const vector *)(b + v * LANES);
}

#ifdef AG__CAN_SHUFFLE
/* to[k][j] = from[j][k] of LANES × LANES numbers: interleaving halves so often puts rows for columns. */
AG__TARGET AG__INLINE void AG__LEVEL(transpose)(const float *from, size_t pitch, float *to,
                                                size_t to_pitch)
{
    vector rows[LANES], next[LANES];
    AG__UNROLL
    for (size_t i = 0; i < LANES; i++)
        rows[i] = *(const vector *)(from + i * pitch);
    AG__UNROLL
    for (size_t done = 1; done < LANES; done *= 2) {
        AG__UNROLL
        for (size_t i = 0; i < LANES / 2; i++) {
            next[2 * i] = __builtin_shufflevector(rows[i], rows[i + LANES / 2], LOW);
            next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + LANES / 2], HIGH);
        }
        AG__UNROLL
        for (size_t i = 0; i < LANES; i++)
            rows[i] = next[i];
    }
    AG__UNROLL
    for (size_t i = 0; i < LANES; i++)
        *(vector *)(to + i * to_pitch) = rows[i];
}
#else
AG__TARGET AG__INLINE void AG__LEVEL(transpose)(const float *from, size_t pitch, float *to,
                                                size_t to_pitch)
{
    for (size_t k = 0; k < LANES; k++)
        for (size_t j = 0; j < LANES; j++)
            to[k * to_pitch + j] = from[j * pitch + k];
}
#endif

/* panel[k][j] = b[j][k] for so many columns j of the panel, which are rows of b. */
AG__TARGET static void AG__LEVEL(pack_transposed)(size_t depth, size_t columns, const float *b,
                                                  size_t b_pitch, float *panel, size_t width)
{
    size_t whole_depth = depth - depth % LANES, whole_columns = columns - columns % LANES;
    for (size_t j = 0; j < whole_columns; j += LANES)
        for (size_t k = 0; k < whole_depth; k += LANES)
            AG__LEVEL(transpose)(b + j * b_pitch + k, b_pitch, panel + k * width + j, width);
    for (size_t j = 0; j < columns; j++)
        for (size_t k = j < whole_columns ? whole_depth : 0; k < depth; k++)
            panel[k * width + j] = b[j * b_pitch + k];
}

#undef vector
#undef LEVEL
#undef LANES
#undef ROWS
#undef LOW
#undef HIGH
