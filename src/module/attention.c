/* attention.c: scaled dot-product attention, and the module of several heads. */
#include "config.h"

#include <autograd/activation.h>
#include <autograd/arithmetic.h>
#include <math.h>

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

ag_variable *ag_attention(ag_arena *arena, ag_variable *queries, ag_variable *keys,
                          ag_variable *values, bool causal)
{
    ag_variable *scores = ag_batched_matmul(arena, queries, keys, false, true);
    if (scores == NULL) return NULL;
    double size = (double)ag__tensor_columns(queries->data);
    scores = ag_scale(arena, scores, (float)(1 / sqrt(size)));
    if (causal && scores != NULL) scores = hide_later_keys(arena, scores);
    return ag_batched_matmul(arena, ag_softmax(arena, scores), values, false, false);
}

/* ---- the module ---- */

enum { QUERY, QUERY_BIAS, KEY, KEY_BIAS, VALUE, VALUE_BIAS, OUT, NUM_HEAD_PARAMETERS };

/* One head's part of the result. settings[0]: whether causal. */
static ag_variable *head_forward(ag_module *self, ag_arena *step, ag_variable *x)
{
    ag_variable *const *p = self->parameters;
    ag_variable *queries = ag_linear(step, x, p[QUERY], p[QUERY_BIAS]);
    ag_variable *keys = ag_linear(step, x, p[KEY], p[KEY_BIAS]);
    ag_variable *values = ag_linear(step, x, p[VALUE], p[VALUE_BIAS]);
    return ag_linear(step, ag_attention(step, queries, keys, values, self->settings[0]), p[OUT],
                     NULL);
}

/* What is linear in all heads together is the sum of what is linear in each. */
static ag_variable *attention_forward(ag_module *self, ag_arena *step, ag_variable *x)
{
    ag_variable *sum = ag_module_forward(self->children[0], step, x);
    for (uint32_t i = 1; i < self->num_children; i++)
        sum = ag_add(step, sum, ag_module_forward(self->children[i], step, x));
    return ag_add(step, sum, self->parameters[0]);
}

static ag_module *create_head(ag_arena *arena, ag_random *random, uint32_t width, uint32_t size,
                              bool causal)
{
    static const char *const names[] = {"query", "query_bias", "key", "key_bias",
                                        "value", "value_bias", "out"};
    ag_module *head = ag__module_create(
        arena, (ag_module){.name = "head", .forward = head_forward, .settings = {causal}});
    float bound = 1 / sqrtf((float)width);
    for (int i = 0; i < NUM_HEAD_PARAMETERS && head != NULL; i++) {
        bool bias = i == QUERY_BIAS || i == KEY_BIAS || i == VALUE_BIAS;
        const uint32_t shape[] = {i == OUT ? width : size, i == OUT ? size : width};
        if (!ag__module_add(head, arena, names[i], bias ? 1 : 2, shape, random, bound)) return NULL;
    }
    return head;
}

static ag_module *create_heads(ag_arena *arena, ag_random *random, uint32_t width, uint32_t heads,
                               bool causal)
{
    ag_module *module =
        ag__module_create(arena, (ag_module){.name = "attention", .forward = attention_forward});
    if (module == NULL || !ag__module_add(module, arena, "out_bias", 1, &width, NULL, 0))
        return NULL;
    module->children = ag_arena_alloc(arena, heads * sizeof(ag_module *));
    for (uint32_t i = 0; i < heads && module->children != NULL; i++) {
        ag_module *head = create_head(arena, random, width, width / heads, causal);
        if (head == NULL) return NULL;
        module->children[module->num_children++] = head;
    }
    return module->children != NULL ? module : NULL;
}

ag_module *ag_module_attention(ag_arena *arena, ag_random *random, uint32_t width, uint32_t heads,
                               bool causal)
{
    if (random == NULL) {
        ag__fail_missing("attention", "random");
        return NULL;
    }
    if (ag__module_check_size("attention", "width", width) != AG_OK) return NULL;
    if (ag__module_check_size("attention", "heads", heads) != AG_OK) return NULL;
    if (width % heads != 0) {
        ag__fail(AG_ERROR_ARGUMENT, "attention: width is %u, which %u heads do not divide",
                 (unsigned)width, (unsigned)heads);
        return NULL;
    }
    ag_mark mark = ag_arena_mark(arena);
    ag_module *module = create_heads(arena, random, width, heads, causal);
    if (module == NULL) ag_arena_rewind(arena, mark);
    return module;
}
