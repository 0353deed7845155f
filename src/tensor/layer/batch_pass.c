/* batch_pass.c: what batch_norm with the batch's own statistics and with given ones share. */
#include "config.h"

#include "tensor/layer/batch_norm.h"

#include "core/blas.h"
#include "core/status.h"

ag__batch_pass ag__batch_pass_of(const ag__call *call)
{
    const ag_tensor *x = call->inputs[AG__BATCH_X];
    return (ag__batch_pass){
        .call = call,
        .batch = x->shape[0],
        .channels = x->shape[1],
        .plane = x->size / x->shape[0] / x->shape[1],
        .moments = call->memory,
    };
}

ag_status ag__batch_check_row(const ag__call *call, const char *name, const ag_tensor *row)
{
    const ag_tensor *x = call->inputs[AG__BATCH_X];
    if (row->ndims == 1 && row->shape[0] == x->shape[1]) return AG_OK;
    return ag__fail(AG_ERROR_SHAPE, "%s: x is %s but %s is %s; it must have one number per channel",
                    call->op->name, ag__tensor_shape_text(x).text, name,
                    ag__tensor_shape_text(row).text);
}

ag_status ag__batch_infer_shape(const ag__call *call, ag__shape *shape)
{
    const ag_tensor *x = call->inputs[AG__BATCH_X];
    if (x->ndims < 2)
        return ag__fail(AG_ERROR_SHAPE, "%s: x is %s but must be [batch, channels, ...]",
                        call->op->name, ag__tensor_shape_text(x).text);
    ag_status status = AG_OK;
    for (uint32_t i = 1; i < call->op->num_inputs && status == AG_OK; i++)
        status = ag__batch_check_row(call, call->op->input_names[i], call->inputs[i]);
    *shape = ag__shape_of(x);
    return status;
}

/* Where a channel of an image begins. */
static size_t plane_at(const ag__batch_pass *p, size_t image, size_t channel)
{
    return (image * p->channels + channel) * p->plane;
}

/*
 * The numbers of a channel are worked on in pieces: planes, or, where planes are as short as the single
 * numbers of x [batch, channels], what is put together from many of them.
 */
#define SHORT_PLANE 16

static size_t piece_at(const ag__batch_pass *p, size_t first)
{
    size_t left = p->batch * p->plane - first;
    if (p->plane >= SHORT_PLANE) return p->plane;
    return left < AG__CHUNK ? left : AG__CHUNK;
}

/* A piece, where it lies or in the buffer. Nothing is written to it. */
static const float *get_piece(const ag__batch_pass *p, size_t channel, size_t first, size_t n,
                              const float *tensor, float *buffer)
{
    if (p->plane >= SHORT_PLANE) return tensor + plane_at(p, first / p->plane, channel);
    size_t image = first / p->plane, offset = first % p->plane;
    for (size_t i = 0; i < n; i++) {
        buffer[i] = tensor[plane_at(p, image, channel) + offset];
        if (++offset < p->plane) continue;
        offset = 0;
        image++;
    }
    return buffer;
}

/* Puts a piece that was written to the buffer to its places; elsewhere it was written there. */
static void put_piece(const ag__batch_pass *p, size_t channel, size_t first, size_t n,
                      const float *buffer, float *tensor)
{
    if (p->plane >= SHORT_PLANE) return;
    size_t image = first / p->plane, offset = first % p->plane;
    for (size_t i = 0; i < n; i++) {
        tensor[plane_at(p, image, channel) + offset] = buffer[i];
        if (++offset < p->plane) continue;
        offset = 0;
        image++;
    }
}

/* Where a piece is to be written: its place, or the buffer. */
static float *target_of(const ag__batch_pass *p, size_t channel, size_t first, float *tensor,
                        float *buffer)
{
    return p->plane >= SHORT_PLANE ? tensor + plane_at(p, first / p->plane, channel) : buffer;
}

#define FOR_EACH_PIECE(p, first, n)                                                                \
    for (size_t first = 0, n = 0; first < (p)->batch * (p)->plane && (n = piece_at(p, first)) > 0; \
         first += n)

void ag__batch_add_moments(const ag__batch_pass *p, size_t channel, double shift, ag__sums *sums)
{
    float buffer[AG__CHUNK];
    const float *x = p->call->inputs[AG__BATCH_X]->data;
    FOR_EACH_PIECE(p, first, n)
    ag__norm_add_moments(n, get_piece(p, channel, first, n, x, buffer), shift, sums);
}

void ag__batch_write(const ag__batch_pass *p, size_t channel, ag__moments moments)
{
    float in[AG__CHUNK], out[AG__CHUNK];
    double gamma = (double)p->call->inputs[AG__BATCH_GAMMA]->data[channel];
    double beta = (double)p->call->inputs[AG__BATCH_BETA]->data[channel];
    const float *x = p->call->inputs[AG__BATCH_X]->data;
    FOR_EACH_PIECE(p, first, n)
    {
        ag__norm_plane(n, get_piece(p, channel, first, n, x, in), moments.mean,
                       moments.rate * gamma, beta, target_of(p, channel, first, p->out, out));
        put_piece(p, channel, first, n, out, p->out);
    }
}

static void store(ag__sink sink, size_t channel, double gradient)
{
    if (sink.data == NULL) return;
    double before = sink.accumulate ? (double)sink.data[channel] : 0;
    sink.data[channel] = (float)(before + gradient);
}

/* Carries a channel's gradient to x. */
static void carry_to_x(const ag__batch_pass *p, size_t channel, ag__moments moments, ag__sums means)
{
    float in[AG__CHUNK], upstream[AG__CHUNK], out[AG__CHUNK];
    const float *x = p->call->inputs[AG__BATCH_X]->data;
    ag__sink sink = p->sinks[AG__BATCH_X];
    double factor = moments.rate * (double)p->call->inputs[AG__BATCH_GAMMA]->data[channel];
    FOR_EACH_PIECE(p, first, n)
    {
        if (sink.accumulate) get_piece(p, channel, first, n, sink.data, out);
        float *to = target_of(p, channel, first, sink.data, out);
        ag__norm_carry_back(n, get_piece(p, channel, first, n, x, in),
                            get_piece(p, channel, first, n, p->grad, upstream), NULL, moments,
                            means, factor, (ag__sink){.data = to, .accumulate = sink.accumulate});
        put_piece(p, channel, first, n, out, sink.data);
    }
}

void ag__batch_carry(const ag__batch_pass *p, size_t channel, ag__moments moments, bool own_moments)
{
    float in[AG__CHUNK], upstream[AG__CHUNK];
    ag__sums sums = {0}, means = {0};
    const float *x = p->call->inputs[AG__BATCH_X]->data;
    FOR_EACH_PIECE(p, first, n)
    ag__norm_add_slopes(n, get_piece(p, channel, first, n, x, in),
                        get_piece(p, channel, first, n, p->grad, upstream), NULL, moments, &sums);
    double count = (double)p->batch * (double)p->plane;
    if (own_moments) means = (ag__sums){sums.first / count, sums.second / count};
    if (p->sinks[AG__BATCH_X].data != NULL) carry_to_x(p, channel, moments, means);
    store(p->sinks[AG__BATCH_GAMMA], channel, sums.second);
    store(p->sinks[AG__BATCH_BETA], channel, sums.first);
}

double ag__batch_cost(const ag__call *call)
{
    return call->op->nanoseconds * (double)call->inputs[AG__BATCH_X]->size;
}
