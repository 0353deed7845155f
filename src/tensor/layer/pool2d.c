/* pool2d.c: what the poolings of images share. */
#include "config.h"

#include "tensor/layer/pool2d.h"

#include "core/parallel.h"

enum { WINDOW, STRIDE, PADDING };

ag_status ag__pool2d_windows(const ag__call *call, ag__windows *windows)
{
    const uint32_t window[] = {call->integers[WINDOW], call->integers[WINDOW]};
    return ag__windows_of(call, window, call->integers[STRIDE], call->integers[PADDING], windows);
}

ag_status ag__pool2d_infer_shape(const ag__call *call, ag__shape *shape)
{
    ag__windows w;
    ag_status status = ag__pool2d_windows(call, &w);
    if (status != AG_OK) return status;
    const ag_tensor *x = call->inputs[0];
    *shape =
        (ag__shape){4, {x->shape[0], x->shape[1], (uint32_t)w.out_height, (uint32_t)w.out_width}};
    return AG_OK;
}

ag__span ag__pool2d_span(const ag__windows *w, size_t place, size_t size, size_t count)
{
    size_t begin = place < w->padding ? (w->padding - place + w->stride - 1) / w->stride : 0;
    size_t end = size + w->padding > place ? (size + w->padding - place - 1) / w->stride + 1 : 0;
    return (ag__span){begin, end < count ? end : count};
}

#define MOST_BLOCKS 64

ag__blocks ag__pool2d_blocks(const ag__windows *w)
{
    return ag__split_batch(w->batch * w->channels, MOST_BLOCKS);
}

size_t ag__pool2d_scratch_bytes(const ag__call *call)
{
    ag__windows w;
    if (ag__pool2d_windows(call, &w) != AG_OK) return 0;
    return ag__pool2d_blocks(&w).count * w.height * w.width * sizeof(double);
}

static void carry_blocks(size_t begin, size_t end, void *context)
{
    const ag__pool2d_backward *pass = context;
    const ag__windows *w = pass->windows;
    ag__blocks blocks = ag__pool2d_blocks(w);
    size_t size = w->height * w->width, stop = ag__block_begin(&blocks, end);
    double *sums = pass->scratch + begin * size;
    for (size_t plane = ag__block_begin(&blocks, begin); plane < stop; plane++) {
        float *to = pass->sink.data + plane * size;
        memset(sums, 0, size * sizeof *sums);
        pass->add(pass->context, plane, sums);
        for (size_t i = 0; i < size; i++)
            to[i] = (float)((pass->sink.accumulate ? (double)to[i] : 0) + sums[i]);
    }
}

void ag__pool2d_carry_back(ag__pool2d_backward *pass, double nanoseconds)
{
    ag__parallel_for(ag__pool2d_blocks(pass->windows).count, nanoseconds, carry_blocks, pass);
}
