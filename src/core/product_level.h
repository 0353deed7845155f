/*
 * product_level.h: the inner loops of matrix products for one level of instructions. product.c includes
 * this once for each, with LEVEL and LANES (see vector.h), ROWS of a tile, and LOW and
 * HIGH, which say how the lower and the upper halves of two vectors are interleaved.
 */
#define vector AG__LEVEL(vector)

/*
 * A tile of `rows` rows and `wide` vectors. Its sums are in registers, so that each number that is read
 * counts for several. b is copied to the panel on the way, if that is not NULL. a is fetched ahead, as its
 * rows may lie far apart: its next steps; or all of the next tile, where that may come from memory.
 */
AG__TARGET AG__INLINE void AG__LEVEL(multiply_tile)(size_t rows, size_t wide, const strip *s,
                                                    size_t row, float *panel, bool fetch_next_tile)
{
    const float *a = s->a + row * s->a_row, *b = s->b, *next_tile = a + ROWS * s->a_row;
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
        if (panel != NULL) {
            AG__UNROLL
            for (size_t v = 0; v < wide; v++, panel += LANES) {
                *(vector *)panel = values[v];
                AG__PREFETCH_NEAR(b + ROWS_AHEAD * b_pitch + v * LANES);
            }
        }
        if (!fetch_next_tile)
            AG__PREFETCH_NEAR(a + STEPS_AHEAD * a_step);
        else if (a_row == 1)
            AG__PREFETCH(next_tile + k * a_step);
        else /* the tile's rows by turns */
            AG__PREFETCH(next_tile + k % ROWS * a_row + k / ROWS * ROWS);
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
    strip rest = *s;
    if (s->panel != NULL) {
        AG__LEVEL(multiply_tile)(ROWS, wide, s, row, s->panel, true);
        row = ROWS;
        rest.b = s->panel;
        rest.b_pitch = wide * LANES;
    }
    for (; s->a_from_memory && row + ROWS <= s->rows; row += ROWS)
        AG__LEVEL(multiply_tile)(ROWS, wide, &rest, row, NULL, true);
    for (; row + ROWS <= s->rows; row += ROWS)
        AG__LEVEL(multiply_tile)(ROWS, wide, &rest, row, NULL, false);
    for (; (ROWS) > 4 && row + 4 <= s->rows; row += 4)
        AG__LEVEL(multiply_tile)(4, wide, &rest, row, NULL, false);
    for (; row + 2 <= s->rows; row += 2)
        AG__LEVEL(multiply_tile)(2, wide, &rest, row, NULL, false);
    for (; row < s->rows; row++)
        AG__LEVEL(multiply_tile)(1, wide, &rest, row, NULL, false);
}

/* Functions of their own: within one, the loops would want more registers than there are. */
AG__TARGET static void AG__LEVEL(multiply_strip_1)(const strip *s)
{
    AG__LEVEL(multiply_rows)(1, s);
}

AG__TARGET static void AG__LEVEL(multiply_strip_2)(const strip *s)
{
    AG__LEVEL(multiply_rows)(2, s);
}

AG__TARGET static void AG__LEVEL(multiply_strip_3)(const strip *s)
{
    AG__LEVEL(multiply_rows)(3, s);
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
