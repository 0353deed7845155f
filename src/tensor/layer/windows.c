/* windows.c: the windows that convolution and pooling move over the images of a batch. */
#include "config.h"

#include "tensor/layer/windows.h"

#include "core/status.h"
#include "core/tile.h"

static ag_status check_images(const ag__call *call, const ag_tensor *x)
{
    if (x->ndims == 4) return AG_OK;
    return ag__fail(AG_ERROR_SHAPE, "%s: x is %s but must be [batch, channels, height, width]",
                    call->op->name, ag__tensor_shape_text(x).text);
}

ag_status ag__windows_check(const char *name, const uint32_t window[2], uint32_t stride,
                            uint32_t padding)
{
    if (window[0] == 0 || window[1] == 0)
        return ag__fail(AG_ERROR_ARGUMENT, "%s: window is 0 but must be at least 1", name);
    if (stride == 0)
        return ag__fail(AG_ERROR_ARGUMENT, "%s: stride is 0 but must be at least 1", name);
    if (padding < window[0] && padding < window[1]) return AG_OK;
    return ag__fail(AG_ERROR_ARGUMENT,
                    "%s: padding is %u but must be less than the window, which is %s", name,
                    (unsigned)padding, ag__shape_to_text(2, window).text);
}

ag_status ag__windows_of(const ag__call *call, const uint32_t window[2], uint32_t stride,
                         uint32_t padding, ag__windows *windows)
{
    const ag_tensor *x = call->inputs[0];
    ag_status status = check_images(call, x);
    if (status == AG_OK) status = ag__windows_check(call->op->name, window, stride, padding);
    if (status != AG_OK) return status;
    size_t height = x->shape[2] + 2 * (size_t)padding, width = x->shape[3] + 2 * (size_t)padding;
    if (window[0] > height || window[1] > width)
        return ag__fail(AG_ERROR_SHAPE, "%s: x is %s, smaller than the window, which is %s",
                        call->op->name, ag__tensor_shape_text(x).text,
                        ag__shape_to_text(2, window).text);
    *windows = (ag__windows){
        .batch = x->shape[0],
        .channels = x->shape[1],
        .height = x->shape[2],
        .width = x->shape[3],
        .window_height = window[0],
        .window_width = window[1],
        .stride = stride,
        .padding = padding,
        .out_height = (height - window[0]) / stride + 1,
        .out_width = (width - window[1]) / stride + 1,
    };
    return AG_OK;
}

ag__blocks ag__split_batch(size_t batch, size_t most)
{
    return ag__split(batch, (batch + most - 1) / most);
}

size_t ag__frame_offset(const ag__frame *frame, size_t channel, size_t row, size_t column)
{
    size_t s = frame->stride;
    size_t plane = (channel * s + row % s) * s + column % s;
    return plane * frame->plane + row / s * frame->pitch + column / s;
}

void ag__frame_measure(ag__frame *frame, size_t channels, size_t plane)
{
    frame->plane = plane;
    frame->floats = channels * frame->stride * frame->stride * plane + AG__TILE_LANES;
}

/* The columns of a row that belong to one phase. */
static void fill_phase(const ag__frame *frame, const float *from, size_t phase, float *to)
{
    size_t s = frame->stride;
    size_t first = (phase + s - frame->before % s) % s; /* the first column of this phase */
    to += (first + frame->before) / s;
    for (size_t column = first; column < frame->width; column += s)
        *to++ = from[column];
}

static void fill_by_phases(const ag__frame *frame, const float *image, float *to)
{
    for (size_t channel = 0; channel < frame->channels; channel++)
        for (size_t row = 0; row < frame->height; row++, image += frame->width) {
            float *start = to + ag__frame_offset(frame, channel, frame->above + row, 0);
            for (size_t phase = 0; phase < frame->stride; phase++)
                fill_phase(frame, image, phase, start + phase * frame->plane);
        }
}

void ag__frame_fill(const ag__frame *frame, const float *image, float *to)
{
    if (frame->stride > 1) {
        fill_by_phases(frame, image, to);
        return;
    }
    for (size_t channel = 0; channel < frame->channels; channel++) {
        float *row = to + ag__frame_offset(frame, channel, frame->above, frame->before);
        for (size_t i = 0; i < frame->height; i++, row += frame->pitch, image += frame->width)
            ag__copy_row(frame->width, image, row);
    }
}
