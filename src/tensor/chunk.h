/*
 * chunk.h: work on a chunk of at most AG__CHUNK numbers, which sit in the first-level cache.
 *
 * The drivers walk through tensors chunk by chunk: floats are widened to double, a kernel computes in
 * double, and the result is summed in double or rounded to float once.
 */
#ifndef AG_TENSOR_CHUNK_H
#define AG_TENSOR_CHUNK_H

#include "core/blas.h"
#include "core/cpu.h"
#include "tensor/op.h"

/* out = x, in double. */
void ag__widen(size_t n, const float *x, double *out);

/* out = x, rounded to float. */
void ag__narrow(size_t n, const double *x, float *out);

/*
 * Writes scale · slopes, or scale · upstream · slopes if upstream is not NULL, to a sink at an
 * offset: rounded once, added to what is there if the sink accumulates.
 */
void ag__store_gradient(size_t n, const double *slopes, const float *upstream, double scale,
                        const ag__sink *sink, size_t offset);

/* The same of slopes that are floats: scale · slopes. */
void ag__store_scaled(size_t n, const float *slopes, double scale, const ag__sink *sink,
                      size_t offset);

/*
 * Where to write n ≤ AG__CHUNK finished numbers of a gradient, for ag__hand_on to take them to the sink; NULL if
 * it accumulates.
 */
float *ag__place_for(const ag__sink *sink, size_t offset, float buffer[AG__CHUNK]);
void ag__hand_on(size_t n, const float *place, const ag__sink *sink, size_t offset);

/*
 * The sink of a gradient of so many elements: a large one that is overwritten is streamed, which
 * spares memory the reading of what is overwritten. A task that wrote to such a sink ends with
 * ag__end_streaming, which makes its writes visible to other threads.
 */
ag__sink ag__large_sink(ag__sink sink, size_t size);
void ag__stream(size_t n, const float *from, float *to);
void ag__end_streaming(const ag__sink *sink);

/* The same sink from an offset on; one without data stays so. */
static inline ag__sink ag__sink_at(const ag__sink *sink, size_t offset)
{
    ag__sink moved = *sink;
    if (moved.data != NULL) moved.data += offset;
    return moved;
}

/* Writes scale · 0 to n elements of a sink, or adds it: 0, or NaN if the scale is none or infinite. */
void ag__store_zero(size_t n, double scale, const ag__sink *sink);

_Static_assert(AG__CHUNK >= AG__AHEAD, "a chunk must be long enough to ask for the next one");

/* The lesser of a whole chunk and what is left. */
static inline size_t ag__chunk_length(size_t left)
{
    return left < AG__CHUNK ? left : AG__CHUNK;
}

#endif
