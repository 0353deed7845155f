/*
 * operations.c: the public operations on variables, made from the table of operations.
 *
 * There is no arithmetic here, and nothing that belongs to a single operation but its list of
 * arguments: these make a call, of which apply.h makes a node.
 */
#include "config.h"

#include <autograd/activation.h>
#include <autograd/arithmetic.h>
#include <autograd/layer.h>
#include <autograd/loss.h>

#include "autograd/apply.h"
#include "core/status.h"

/* ---- losses ---- */

#define DEFINE(name, signature) DEFINE_##signature(name)

#define DEFINE_pair(name)                                                                          \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *pred, ag_variable *target,                \
                           ag_reduction reduction)                                                 \
    {                                                                                              \
        return ag__apply(arena, (ag__call){&ag__op_##name, .reduction = reduction},                \
                         (ag_variable *[]){pred, target});                                         \
    }                                                                                              \
    ag_variable *ag_##name##_with(ag_arena *arena, ag_variable *pred, ag_variable *target,         \
                                  const ag_loss_options *options)                                  \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options)};                                        \
        return ag__apply(arena, call, (ag_variable *[]){pred, target});                            \
    }

#define DEFINE_pair_parameter(name)                                                                \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *pred, ag_variable *target,                \
                           float parameter, ag_reduction reduction)                                \
    {                                                                                              \
        ag__call call = {&ag__op_##name, .reduction = reduction, .parameter = parameter};          \
        return ag__apply(arena, call, (ag_variable *[]){pred, target});                            \
    }                                                                                              \
    ag_variable *ag_##name##_with(ag_arena *arena, ag_variable *pred, ag_variable *target,         \
                                  float parameter, const ag_loss_options *options)                 \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options), .parameter = parameter};                \
        return ag__apply(arena, call, (ag_variable *[]){pred, target});                            \
    }

#define DEFINE_single(name)                                                                        \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *weights, ag_reduction reduction)          \
    {                                                                                              \
        return ag__apply(arena, (ag__call){&ag__op_##name, .reduction = reduction}, &weights);     \
    }                                                                                              \
    ag_variable *ag_##name##_with(ag_arena *arena, ag_variable *weights,                           \
                                  const ag_loss_options *options)                                  \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options)};                                        \
        return ag__apply(arena, call, (ag_variable *[]){weights});                                 \
    }

#define DEFINE_labelled_pair(name)                                                                 \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *x1, ag_variable *x2, ag_variable *target, \
                           float parameter, ag_reduction reduction)                                \
    {                                                                                              \
        ag__call call = {&ag__op_##name, .reduction = reduction, .parameter = parameter};          \
        return ag__apply(arena, call, (ag_variable *[]){x1, x2, target});                          \
    }                                                                                              \
    ag_variable *ag_##name##_with(ag_arena *arena, ag_variable *x1, ag_variable *x2,               \
                                  ag_variable *target, float parameter,                            \
                                  const ag_loss_options *options)                                  \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options), .parameter = parameter};                \
        return ag__apply(arena, call, (ag_variable *[]){x1, x2, target});                          \
    }

#define DEFINE_triple(name)                                                                        \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *anchor, ag_variable *positive,            \
                           ag_variable *negative, float parameter, ag_reduction reduction)         \
    {                                                                                              \
        ag__call call = {&ag__op_##name, .reduction = reduction, .parameter = parameter};          \
        return ag__apply(arena, call, (ag_variable *[]){anchor, positive, negative});              \
    }                                                                                              \
    ag_variable *ag_##name##_with(ag_arena *arena, ag_variable *anchor, ag_variable *positive,     \
                                  ag_variable *negative, float parameter,                          \
                                  const ag_loss_options *options)                                  \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options), .parameter = parameter};                \
        return ag__apply(arena, call, (ag_variable *[]){anchor, positive, negative});              \
    }

#define DEFINE_labels(name)                                                                        \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *logits, const ag_indices *labels,         \
                           ag_reduction reduction)                                                 \
    {                                                                                              \
        ag__call call = {&ag__op_##name, .reduction = reduction, .indices = labels};               \
        return ag__apply(arena, call, &logits);                                                    \
    }                                                                                              \
    ag_variable *ag_##name##_with(ag_arena *arena, ag_variable *logits, const ag_indices *labels,  \
                                  const ag_loss_options *options)                                  \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options), .indices = labels};                     \
        return ag__apply(arena, call, &logits);                                                    \
    }

#define DEFINE_labels_parameter(name)                                                              \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *logits, const ag_indices *labels,         \
                           float parameter, ag_reduction reduction)                                \
    {                                                                                              \
        ag__call call = {&ag__op_##name, .reduction = reduction, .indices = labels,                \
                         .parameter = parameter};                                                  \
        return ag__apply(arena, call, &logits);                                                    \
    }                                                                                              \
    ag_variable *ag_##name##_with(ag_arena *arena, ag_variable *logits, const ag_indices *labels,  \
                                  float parameter, const ag_loss_options *options)                 \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options), .indices = labels,                      \
                         .parameter = parameter};                                                  \
        return ag__apply(arena, call, &logits);                                                    \
    }

#define DEFINE_moments(name)                                                                       \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *mean, ag_variable *variance,              \
                           ag_variable *target, ag_reduction reduction)                            \
    {                                                                                              \
        ag__call call = {&ag__op_##name, .reduction = reduction};                                  \
        return ag__apply(arena, call, (ag_variable *[]){mean, variance, target});                  \
    }                                                                                              \
    ag_variable *ag_##name##_with(ag_arena *arena, ag_variable *mean, ag_variable *variance,       \
                                  ag_variable *target, const ag_loss_options *options)             \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options)};                                        \
        return ag__apply(arena, call, (ag_variable *[]){mean, variance, target});                  \
    }

#define DEFINE_pair_two(name)                                                                      \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *pred, ag_variable *target,                \
                           float parameter, float second_parameter, ag_reduction reduction)        \
    {                                                                                              \
        ag__call call = {&ag__op_##name, .reduction = reduction, .parameter = parameter,           \
                         .second_parameter = second_parameter};                                    \
        return ag__apply(arena, call, (ag_variable *[]){pred, target});                            \
    }                                                                                              \
    ag_variable *ag_##name##_with(ag_arena *arena, ag_variable *pred, ag_variable *target,         \
                                  float parameter, float second_parameter,                         \
                                  const ag_loss_options *options)                                  \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options), .parameter = parameter,                 \
                         .second_parameter = second_parameter};                                    \
        return ag__apply(arena, call, (ag_variable *[]){pred, target});                            \
    }

AG__LOSS_TABLE(DEFINE)

/* ---- the other functions ---- */

/* What an operation that takes no reduction reduces by is part of its descriptor. */
#define CALL(name, ...)                                                                            \
    (ag__call)                                                                                     \
    {                                                                                              \
        .op = &ag__op_##name, .reduction = ag__op_##name.reduction, __VA_ARGS__                    \
    }

#define DEFINE_unary(name)                                                                         \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *x)                                        \
    {                                                                                              \
        return ag__apply(arena, CALL(name, .transposes = 0), &x);                                  \
    }

#define DEFINE_unary_parameter(name)                                                               \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *x, float parameter)                       \
    {                                                                                              \
        return ag__apply(arena, CALL(name, .parameter = parameter), &x);                           \
    }

#define DEFINE_unary_interval(name)                                                                \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *x, float low, float high)                 \
    {                                                                                              \
        return ag__apply(arena, CALL(name, .parameter = low, .second_parameter = high), &x);       \
    }

#define DEFINE_dimension(name)                                                                     \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *x, int dim, bool keep_dim)                \
    {                                                                                              \
        return ag__apply(arena, CALL(name, .integers = {(uint32_t)dim, keep_dim}), &x);            \
    }

#define DEFINE_slice(name)                                                                         \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *x, int dim, uint32_t start,               \
                           uint32_t stop)                                                          \
    {                                                                                              \
        return ag__apply(arena, CALL(name, .integers = {(uint32_t)dim, start, stop}), &x);         \
    }

#define DEFINE_permute(name)                                                                       \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *x, const uint32_t *order)                 \
    {                                                                                              \
        if (order == NULL) {                                                                       \
            ag__fail_missing(#name, "order");                                                      \
            return NULL;                                                                           \
        }                                                                                          \
        ag__call call = CALL(name, .transposes = 0);                                               \
        uint32_t ndims = x != NULL && x->data != NULL ? x->data->ndims : 0;                        \
        for (uint32_t d = 0; d < ndims && d < AG_MAX_DIMS; d++)                                    \
            call.integers[d] = order[d];                                                           \
        return ag__apply(arena, call, &x);                                                         \
    }

#define DEFINE_concat(name)                                                                        \
    ag_variable *ag_##name(ag_arena *arena, uint32_t num_inputs, ag_variable *const *inputs,       \
                           int dim)                                                                \
    {                                                                                              \
        ag__call call = CALL(name, .list_count = num_inputs, .integers = {(uint32_t)dim});         \
        return ag__apply_list(arena, call, inputs);                                                \
    }

#define DEFINE_binary(name)                                                                        \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *a, ag_variable *b)                        \
    {                                                                                              \
        return ag__apply(arena, CALL(name, .transposes = 0), (ag_variable *[]){a, b});             \
    }

#define DEFINE_matmul(name)                                                                        \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *a, ag_variable *b, bool transpose_a,      \
                           bool transpose_b)                                                       \
    {                                                                                              \
        uint32_t transposes =                                                                      \
            (transpose_a ? AG__TRANSPOSE_A : 0u) | (transpose_b ? AG__TRANSPOSE_B : 0u);           \
        return ag__apply(arena, CALL(name, .transposes = transposes), (ag_variable *[]){a, b});    \
    }

#define DEFINE_linear(name)                                                                        \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *x, ag_variable *weight,                   \
                           ag_variable *bias)                                                      \
    {                                                                                              \
        return ag__apply(arena, CALL(name, .transposes = 0), (ag_variable *[]){x, weight, bias});  \
    }

#define DEFINE_conv2d(name)                                                                        \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *x, ag_variable *weight,                   \
                           ag_variable *bias, uint32_t stride, uint32_t padding)                   \
    {                                                                                              \
        ag__call call = CALL(name, .integers = {stride, padding});                                 \
        return ag__apply(arena, call, (ag_variable *[]){x, weight, bias});                         \
    }

#define DEFINE_pool2d(name)                                                                        \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *x, uint32_t window, uint32_t stride,      \
                           uint32_t padding)                                                       \
    {                                                                                              \
        return ag__apply(arena, CALL(name, .integers = {window, stride, padding}), &x);            \
    }

#define DEFINE_layer_norm(name)                                                                    \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *x, ag_variable *gamma, ag_variable *beta, \
                           float epsilon)                                                          \
    {                                                                                              \
        return ag__apply(arena, CALL(name, .parameter = epsilon),                                  \
                         (ag_variable *[]){x, gamma, beta});                                       \
    }

#define DEFINE_batch_norm(name)                                                                    \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *x, ag_variable *gamma, ag_variable *beta, \
                           ag_tensor *running_mean, ag_tensor *running_variance, float momentum,   \
                           float epsilon)                                                          \
    {                                                                                              \
        ag__call call = CALL(name, .updated = {running_mean, running_variance}, .rate = momentum,  \
                             .parameter = epsilon);                                                \
        return ag__apply(arena, call, (ag_variable *[]){x, gamma, beta});                          \
    }

/* The statistics are no variables. */
#define DEFINE_batch_norm_eval(name)                                                               \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *x, ag_variable *gamma, ag_variable *beta, \
                           ag_tensor *mean, ag_tensor *variance, float epsilon)                    \
    {                                                                                              \
        return ag__apply(arena,                                                                    \
                         CALL(name, .inputs = {[3] = mean, variance}, .parameter = epsilon),       \
                         (ag_variable *[]){x, gamma, beta, NULL, NULL});                           \
    }

/* The generator gives the key; without one nothing is dropped. */
#define DEFINE_dropout(name)                                                                       \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *x, float probability, ag_random *random)  \
    {                                                                                              \
        if (random == NULL && x != NULL) return x;                                                 \
        ag_random drawn = random != NULL ? *random : (ag_random){0}; /* a failure draws nothing */ \
        uint64_t key = ag_random_bits(&drawn);                                                     \
        ag__call call = CALL(name, .parameter = probability,                                       \
                             .integers = {(uint32_t)key, (uint32_t)(key >> 32)});                  \
        ag_variable *node = ag__apply(arena, call, &x);                                            \
        if (node != NULL) *random = drawn;                                                         \
        return node;                                                                               \
    }

#define DEFINE_embedding(name)                                                                     \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *table, const ag_indices *indices)         \
    {                                                                                              \
        return ag__apply(arena, CALL(name, .indices = indices), &table);                           \
    }

/* Nothing is computed: the result is the input's memory under another shape. */
#define DEFINE_reshape(name)                                                                       \
    ag_variable *ag_##name(ag_arena *arena, ag_variable *x, uint32_t ndims, const uint32_t *shape) \
    {                                                                                              \
        return ag__apply_view(arena, CALL(name, .transposes = 0), x, ndims, shape);                \
    }

AG__FUNCTION_TABLE(DEFINE)
