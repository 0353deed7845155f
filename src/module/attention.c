/* attention.c: scaled dot-product attention, and the module of several heads. */
#include "config.h"

#include <autograd/activation.h>
#include <autograd/arithmetic.h>
#include <math.h>

#include "autograd/presence.h"
#include "core/status.h"
#include "module/module.h"
#include "tensor/shape.h"

/* Adds -∞ to all scores [..., n, m] of keys that come after the query. */
static ag_variable *hide_later_keys(ag_arena *arena, ag_variable *scores)
{
    ag__shape shape = ag__shape_of(scores->data);
    size_t n = shape.dims[shape.ndims - 2], m = shape.dims[shape.ndims - 1];
    if (n * m > UINT32_MAX) {
        ag__fail(AG_ERROR_SHAPE, "attention: %zu queries of %zu keys are too many", n, m);
        return NULL;
    }
    const uint32_t flat[] = {(uint32_t)(scores->data->size / (n * m)), (uint32_t)(n * m)};
    ag_tensor *mask = ag_tensor_create_zeros(arena, 1, &flat[1]);
    for (size_t i = 0; i < n && mask != NULL; i++)
        for (size_t j = i + 1; j < m; j++)
            mask->data[i * m + j] = -INFINITY;
    ag_variable *hidden =
        ag_add(arena, ag_reshape(arena, scores, 2, flat), ag_create_leaf(arena, mask, false));
    return ag_reshape(arena, hidden, shape.ndims, shape.dims);
}

static ag_variable *attend(ag_arena *arena, ag_variable *queries, ag_variable *keys,
                           ag_variable *values, bool causal)
{
    ag_variable *scores = ag_batched_matmul(arena, queries, keys, false, true);
    if (scores == NULL) return NULL;
    double size = (double)ag__tensor_columns(queries->data);
    scores = ag_scale(arena, scores, (float)(1 / sqrt(size)));
    if (causal && scores != NULL) scores = hide_later_keys(arena, scores);
    return ag_batched_matmul(arena, ag_softmax(arena, scores), values, false, false);
}

ag_variable *ag_attention(ag_arena *arena, ag_variable *queries, ag_variable *keys,
                          ag_variable *values, bool causal)
{
    if (arena == NULL) {
        ag__fail_null("attention", "arena");
        return NULL;
    }
    ag_status status = ag__variable_check("attention", "queries", queries);
    if (status == AG_OK) status = ag__variable_check("attention", "keys", keys);
    if (status == AG_OK) status = ag__variable_check("attention", "values", values);
    if (status != AG_OK) return NULL;
    ag_mark mark = ag_arena_mark(arena);
    ag_variable *result = attend(arena, queries, keys, values, causal);
    if (result == NULL) ag_arena_rewind(arena, mark);
    return result;
}

/* ---- the module ---- */

enum { IN_WEIGHT, IN_BIAS, OUT_WEIGHT, OUT_BIAS };
enum { CAUSAL, HEADS }; /* settings */

/* From [batch, length, 3 · width] to [3, batch, heads, length, width / heads]. */
static ag_variable *split_heads(ag_arena *step, ag_variable *projected, uint32_t heads)
{
    if (projected == NULL) return NULL;
    const uint32_t *from = projected->data->shape;
    const uint32_t shape[] = {from[0], from[1], 3, heads, from[2] / 3 / heads};
    const uint32_t order[] = {2, 0, 3, 1, 4};
    return ag_permute(step, ag_reshape(step, projected, 5, shape), order);
}

/* The queries (0), keys (1) or values (2) of what split_heads gives. */
static ag_variable *role(ag_arena *step, ag_variable *all, uint32_t index)
{
    ag_variable *one = ag_slice(step, all, 0, index, index + 1);
    return one != NULL ? ag_reshape(step, one, 4, one->data->shape + 1) : NULL;
}

/* From [batch, heads, length, width / heads] to [batch, length, width]. */
static ag_variable *join_heads(ag_arena *step, ag_variable *heads)
{
    if (heads == NULL) return NULL;
    const uint32_t *from = heads->data->shape;
    const uint32_t shape[] = {from[0], from[2], from[1] * from[3]};
    return ag_reshape(step, ag_permute(step, heads, (const uint32_t[]){0, 2, 1, 3}), 3, shape);
}

static ag_status check_sizes(uint32_t width, uint32_t heads)
{
    ag_status status = ag__module_check_size("attention", "width", width);
    if (status == AG_OK) status = ag__module_check_size("attention", "heads", heads);
    if (status != AG_OK) return status;
    if (width > UINT32_MAX / 3)
        return ag__fail(AG_ERROR_ARGUMENT, "attention: width is %u, which is too large",
                        (unsigned)width);
    if (width % heads == 0) return AG_OK;
    return ag__fail(AG_ERROR_ARGUMENT, "attention: width is %u, which %u heads do not divide",
                    (unsigned)width, (unsigned)heads);
}

static ag_status check_input(const ag_module *self, const ag_variable *x)
{
    if (x == NULL) return ag__fail_null(self->name, "x");
    if (x->data == NULL) return ag__fail(AG_ERROR_NULL, "%s: x has no data", self->name);
    if (self->num_parameters <= OUT_BIAS)
        return ag__fail(AG_ERROR_ARGUMENT, "%s: the module has %u parameters but must have %d",
                        self->name, (unsigned)self->num_parameters, OUT_BIAS + 1);
    uint32_t width = self->parameters[OUT_BIAS]->data->shape[0];
    ag_status status = check_sizes(width, self->settings[HEADS]);
    if (status != AG_OK) return status;
    if (x->data->ndims == 3 && x->data->shape[2] == width) return AG_OK;
    return ag__fail(AG_ERROR_SHAPE, "%s: x is %s but must be [batch, length, %u]", self->name,
                    ag__tensor_shape_text(x->data).text, (unsigned)width);
}

static ag_variable *attention_forward(ag_module *self, ag_arena *step, ag_variable *x)
{
    if (check_input(self, x) != AG_OK) return NULL;
    ag_variable *const *p = self->parameters;
    ag_variable *all =
        split_heads(step, ag_linear(step, x, p[IN_WEIGHT], p[IN_BIAS]), self->settings[HEADS]);
    ag_variable *queries = role(step, all, 0), *keys = role(step, all, 1);
    ag_variable *seen =
        ag_attention(step, queries, keys, role(step, all, 2), self->settings[CAUSAL]);
    return ag_linear(step, join_heads(step, seen), p[OUT_WEIGHT], p[OUT_BIAS]);
}

static ag_module *create_attention(ag_arena *arena, ag_random *random, uint32_t width,
                                   uint32_t heads, bool causal)
{
    const uint32_t in[] = {3 * width, width}, out[] = {width, width};
    float bound = 1 / sqrtf((float)width);
    ag_module *module = ag__module_create(arena, (ag_module){.name = "attention",
                                                             .forward = attention_forward,
                                                             .settings = {causal, heads}});
    bool complete = module != NULL &&
                    ag__module_add(module, arena, "in_proj_weight", 2, in, random, bound) &&
                    ag__module_add(module, arena, "in_proj_bias", 1, in, NULL, 0) &&
                    ag__module_add(module, arena, "out_proj.weight", 2, out, random, bound) &&
                    ag__module_add(module, arena, "out_proj.bias", 1, out, NULL, 0);
    return complete ? module : NULL;
}

ag_module *ag_module_attention(ag_arena *arena, ag_random *random, uint32_t width, uint32_t heads,
                               bool causal)
{
    if (random == NULL) {
        ag__fail_missing("attention", "random");
        return NULL;
    }
    if (check_sizes(width, heads) != AG_OK) return NULL;
    ag_mark mark = ag_arena_mark(arena);
    ag_random drawn = *random; /* a failure draws nothing */
    ag_module *module = create_attention(arena, &drawn, width, heads, causal);
    if (module != NULL)
        *random = drawn;
    else
        ag_arena_rewind(arena, mark);
    return module;
}
