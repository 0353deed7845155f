/* chunk.c: between float and double, a chunk at a time. */
#include "config.h"

#include "tensor/chunk.h"

#include <math.h>
#include <string.h>

#include "core/cpu.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef void widen_kernel(size_t, const float *, double *);
typedef void narrow_kernel(size_t, const double *, float *);
typedef void store_kernel(size_t, const double *, const float *, double, bool, float *);
typedef void scaled_kernel(size_t, const float *, double, bool, float *);

AG__INLINE void widen(size_t n, const float *restrict x, double *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = (double)x[i];
}

AG__INLINE void narrow(size_t n, const double *restrict x, float *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = (float)x[i];
}

/* The four cases are loops of their own: a test in the loop would keep it from being vectorised. */
AG__INLINE void store_few(size_t n, const double *restrict slopes, const float *restrict upstream,
                          double scale, bool accumulate, float *restrict out)
{
    if (upstream == NULL && !accumulate) {
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            out[i] = (float)(scale * slopes[i]);
    } else if (upstream == NULL) {
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            out[i] = (float)((double)out[i] + scale * slopes[i]);
    } else if (!accumulate) {
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            out[i] = (float)(scale * (double)upstream[i] * slopes[i]);
    } else {
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            out[i] = (float)((double)out[i] + scale * (double)upstream[i] * slopes[i]);
    }
}

AG__INLINE void store(size_t n, const double *slopes, const float *upstream, double scale,
                      bool accumulate, float *out)
{
    for (size_t i = 0, few; i < n; i += few) {
        few = n - i < AG__FETCHED ? n - i : AG__FETCHED;
        if (n >= AG__AHEAD && upstream != NULL) ag__fetch_ahead(AG__FETCHED, upstream + i);
        if (n >= AG__AHEAD && accumulate) ag__fetch_ahead(AG__FETCHED, out + i);
        store_few(few, slopes + i, upstream != NULL ? upstream + i : NULL, scale, accumulate,
                  out + i);
    }
}

AG__INLINE void store_scaled(size_t n, const float *restrict slopes, double scale, bool accumulate,
                             float *restrict out)
{
    if (!accumulate) {
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            out[i] = (float)(scale * (double)slopes[i]);
    } else {
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            out[i] = (float)((double)out[i] + scale * (double)slopes[i]);
    }
}

AG__DEFINE_KERNELS(widen_kernels, widen_kernel, widen, (size_t n, const float *x, double *out),
                   (n, x, out))
AG__DEFINE_KERNELS(narrow_kernels, narrow_kernel, narrow, (size_t n, const double *x, float *out),
                   (n, x, out))
AG__DEFINE_KERNELS(store_kernels, store_kernel, store,
                   (size_t n, const double *slopes, const float *upstream, double scale,
                    bool accumulate, float *out),
                   (n, slopes, upstream, scale, accumulate, out))
AG__DEFINE_KERNELS(scaled_kernels, scaled_kernel, store_scaled,
                   (size_t n, const float *slopes, double scale, bool accumulate, float *out),
                   (n, slopes, scale, accumulate, out))

void ag__widen(size_t n, const float *x, double *out)
{
    widen_kernels[ag__cpu()](n, x, out);
}

void ag__narrow(size_t n, const double *x, float *out)
{
    narrow_kernels[ag__cpu()](n, x, out);
}

/* ---- gradients that are too large for the caches ---- */

#ifdef __SSE2__

/* 8 MiB: beyond any second-level cache. Measured: gains 10 to 25 % there, loses below. */
#define STREAM_SIZE ((size_t)1 << 21)

ag__sink ag__large_sink(ag__sink sink, size_t size)
{
    sink.stream = size >= STREAM_SIZE && !sink.accumulate;
    return sink;
}

void ag__end_streaming(const ag__sink *sink)
{
    if (sink->stream) _mm_sfence();
}

/* Vectors are streamed to aligned addresses only; a tensor of somebody else's may begin anywhere. */
void ag__stream(size_t n, const float *from, float *to)
{
    size_t i = 0;
    for (; i < n && (uintptr_t)(to + i) % sizeof(__m128) != 0; i++)
        to[i] = from[i];
    for (; i + 4 <= n; i += 4)
        _mm_stream_ps(to + i, _mm_loadu_ps(from + i));
    for (; i < n; i++)
        to[i] = from[i];
}

#else

ag__sink ag__large_sink(ag__sink sink, size_t size)
{
    (void)size;
    return sink;
}

void ag__end_streaming(const ag__sink *sink)
{
    (void)sink;
}

void ag__stream(size_t n, const float *from, float *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i];
}

#endif

float *ag__place_for(const ag__sink *sink, size_t offset, float buffer[AG__CHUNK])
{
    return sink->accumulate ? NULL : sink->stream ? buffer : sink->data + offset;
}

void ag__hand_on(size_t n, const float *place, const ag__sink *sink, size_t offset)
{
    if (sink->stream) ag__stream(n, place, sink->data + offset);
}

void ag__store_gradient(size_t n, const double *slopes, const float *upstream, double scale,
                        const ag__sink *sink, size_t offset)
{
    float buffer[AG__CHUNK];
    float *out = sink->stream ? buffer : sink->data + offset;
    store_kernels[ag__cpu()](n, slopes, upstream, scale, sink->accumulate, out);
    if (sink->stream) ag__stream(n, buffer, sink->data + offset);
}

void ag__store_scaled(size_t n, const float *slopes, double scale, const ag__sink *sink,
                      size_t offset)
{
    float buffer[AG__CHUNK];
    float *out = sink->stream ? buffer : sink->data + offset;
    scaled_kernels[ag__cpu()](n, slopes, scale, sink->accumulate, out);
    if (sink->stream) ag__stream(n, buffer, sink->data + offset);
}

void ag__store_zero(size_t n, double scale, const ag__sink *sink)
{
    static const float zeros[AG__CHUNK];
    bool nothing = isfinite(scale);
    if (nothing && sink->accumulate) return;
    for (size_t i = 0, length; i < n && nothing && sink->stream; i += length) {
        length = ag__chunk_length(n - i);
        ag__stream(length, zeros, sink->data + i);
    }
    if (nothing && !sink->stream) memset(sink->data, 0, n * sizeof *sink->data);
    for (size_t i = 0; i < n && !nothing; i++)
        sink->data[i] = NAN;
}
