/*
 * loss_functions.c: the public losses on tensors, ag_tensor_<loss> and its kin, made from the table of
 * operations: one definition for each signature.
 */
#include "config.h"

#include "tensor/op.h"

#define DEFINE(name, signature) DEFINE_##signature(name)

#define DEFINE_pair(name)                                                                          \
    ag_status ag_tensor_##name(ag_tensor *out, const ag_tensor *pred, const ag_tensor *target,     \
                               ag_reduction reduction)                                             \
    {                                                                                              \
        ag__call call = {&ag__op_##name, {pred, target}, .reduction = reduction};                  \
        return ag__call_value(&call, out);                                                         \
    }                                                                                              \
    ag_status ag_tensor_##name##_grad(ag_tensor *out, const ag_tensor *pred,                       \
                                      const ag_tensor *target, const ag_tensor *grad,              \
                                      ag_reduction reduction)                                      \
    {                                                                                              \
        ag__call call = {&ag__op_##name, {pred, target}, .reduction = reduction};                  \
        return ag__call_gradient(&call, grad, &out);                                               \
    }                                                                                              \
    ag_status ag_tensor_##name##_value_and_grad(ag_tensor *out, ag_tensor *out_grad,               \
                                                const ag_tensor *pred, const ag_tensor *target,    \
                                                ag_reduction reduction)                            \
    {                                                                                              \
        ag__call call = {&ag__op_##name, {pred, target}, .reduction = reduction};                  \
        return ag__call_value_and_gradient(&call, out, (ag_tensor *[]){out_grad});                 \
    }                                                                                              \
    ag_status ag_tensor_##name##_with(ag_tensor *out, ag_tensor *out_grad, const ag_tensor *pred,  \
                                      const ag_tensor *target, const ag_loss_options *options)     \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options), .inputs = {pred, target}};              \
        return ag__call_wanted(&call, out, (ag_tensor *[]){out_grad});                             \
    }

#define DEFINE_pair_parameter(name)                                                                \
    ag_status ag_tensor_##name(ag_tensor *out, const ag_tensor *pred, const ag_tensor *target,     \
                               float parameter, ag_reduction reduction)                            \
    {                                                                                              \
        ag__call call = {                                                                          \
            &ag__op_##name, {pred, target}, .reduction = reduction, .parameter = parameter};       \
        return ag__call_value(&call, out);                                                         \
    }                                                                                              \
    ag_status ag_tensor_##name##_grad(ag_tensor *out, const ag_tensor *pred,                       \
                                      const ag_tensor *target, const ag_tensor *grad,              \
                                      float parameter, ag_reduction reduction)                     \
    {                                                                                              \
        ag__call call = {                                                                          \
            &ag__op_##name, {pred, target}, .reduction = reduction, .parameter = parameter};       \
        return ag__call_gradient(&call, grad, &out);                                               \
    }                                                                                              \
    ag_status ag_tensor_##name##_value_and_grad(ag_tensor *out, ag_tensor *out_grad,               \
                                                const ag_tensor *pred, const ag_tensor *target,    \
                                                float parameter, ag_reduction reduction)           \
    {                                                                                              \
        ag__call call = {                                                                          \
            &ag__op_##name, {pred, target}, .reduction = reduction, .parameter = parameter};       \
        return ag__call_value_and_gradient(&call, out, (ag_tensor *[]){out_grad});                 \
    }                                                                                              \
    ag_status ag_tensor_##name##_with(ag_tensor *out, ag_tensor *out_grad, const ag_tensor *pred,  \
                                      const ag_tensor *target, float parameter,                    \
                                      const ag_loss_options *options)                              \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options), .inputs = {pred, target},               \
                         .parameter = parameter};                                                  \
        return ag__call_wanted(&call, out, (ag_tensor *[]){out_grad});                             \
    }

#define DEFINE_single(name)                                                                        \
    ag_status ag_tensor_##name(ag_tensor *out, const ag_tensor *weights, ag_reduction reduction)   \
    {                                                                                              \
        ag__call call = {&ag__op_##name, {weights}, .reduction = reduction};                       \
        return ag__call_value(&call, out);                                                         \
    }                                                                                              \
    ag_status ag_tensor_##name##_grad(ag_tensor *out, const ag_tensor *weights,                    \
                                      const ag_tensor *grad, ag_reduction reduction)               \
    {                                                                                              \
        ag__call call = {&ag__op_##name, {weights}, .reduction = reduction};                       \
        return ag__call_gradient(&call, grad, &out);                                               \
    }                                                                                              \
    ag_status ag_tensor_##name##_value_and_grad(ag_tensor *out, ag_tensor *out_grad,               \
                                                const ag_tensor *weights, ag_reduction reduction)  \
    {                                                                                              \
        ag__call call = {&ag__op_##name, {weights}, .reduction = reduction};                       \
        return ag__call_value_and_gradient(&call, out, (ag_tensor *[]){out_grad});                 \
    }                                                                                              \
    ag_status ag_tensor_##name##_with(ag_tensor *out, ag_tensor *out_grad,                         \
                                      const ag_tensor *weights, const ag_loss_options *options)    \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options), .inputs = {weights}};                   \
        return ag__call_wanted(&call, out, (ag_tensor *[]){out_grad});                             \
    }

#define DEFINE_labelled_pair(name)                                                                 \
    ag_status ag_tensor_##name(ag_tensor *out, const ag_tensor *x1, const ag_tensor *x2,           \
                               const ag_tensor *target, float parameter, ag_reduction reduction)   \
    {                                                                                              \
        ag__call call = {                                                                          \
            &ag__op_##name, {x1, x2, target}, .reduction = reduction, .parameter = parameter};     \
        return ag__call_value(&call, out);                                                         \
    }                                                                                              \
    ag_status ag_tensor_##name##_grad(                                                             \
        ag_tensor *out_x1, ag_tensor *out_x2, const ag_tensor *x1, const ag_tensor *x2,            \
        const ag_tensor *target, const ag_tensor *grad, float parameter, ag_reduction reduction)   \
    {                                                                                              \
        ag__call call = {                                                                          \
            &ag__op_##name, {x1, x2, target}, .reduction = reduction, .parameter = parameter};     \
        return ag__call_gradient(&call, grad, (ag_tensor *[]){out_x1, out_x2});                    \
    }                                                                                              \
    ag_status ag_tensor_##name##_value_and_grad(                                                   \
        ag_tensor *out, ag_tensor *out_x1, ag_tensor *out_x2, const ag_tensor *x1,                 \
        const ag_tensor *x2, const ag_tensor *target, float parameter, ag_reduction reduction)     \
    {                                                                                              \
        ag__call call = {                                                                          \
            &ag__op_##name, {x1, x2, target}, .reduction = reduction, .parameter = parameter};     \
        return ag__call_value_and_gradient(&call, out, (ag_tensor *[]){out_x1, out_x2});           \
    }                                                                                              \
    ag_status ag_tensor_##name##_with(ag_tensor *out, ag_tensor *out_x1, ag_tensor *out_x2,        \
                                      const ag_tensor *x1, const ag_tensor *x2,                    \
                                      const ag_tensor *target, float parameter,                    \
                                      const ag_loss_options *options)                              \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options), .inputs = {x1, x2, target},             \
                         .parameter = parameter};                                                  \
        return ag__call_wanted(&call, out, (ag_tensor *[]){out_x1, out_x2});                       \
    }

#define DEFINE_triple(name)                                                                        \
    ag_status ag_tensor_##name(ag_tensor *out, const ag_tensor *anchor, const ag_tensor *positive, \
                               const ag_tensor *negative, float parameter, ag_reduction reduction) \
    {                                                                                              \
        ag__call call = {&ag__op_##name,                                                           \
                         {anchor, positive, negative},                                             \
                         .reduction = reduction,                                                   \
                         .parameter = parameter};                                                  \
        return ag__call_value(&call, out);                                                         \
    }                                                                                              \
    ag_status ag_tensor_##name##_grad(                                                             \
        ag_tensor *out_anchor, ag_tensor *out_positive, ag_tensor *out_negative,                   \
        const ag_tensor *anchor, const ag_tensor *positive, const ag_tensor *negative,             \
        const ag_tensor *grad, float parameter, ag_reduction reduction)                            \
    {                                                                                              \
        ag__call call = {&ag__op_##name,                                                           \
                         {anchor, positive, negative},                                             \
                         .reduction = reduction,                                                   \
                         .parameter = parameter};                                                  \
        return ag__call_gradient(&call, grad,                                                      \
                                 (ag_tensor *[]){out_anchor, out_positive, out_negative});         \
    }                                                                                              \
    ag_status ag_tensor_##name##_value_and_grad(                                                   \
        ag_tensor *out, ag_tensor *out_anchor, ag_tensor *out_positive, ag_tensor *out_negative,   \
        const ag_tensor *anchor, const ag_tensor *positive, const ag_tensor *negative,             \
        float parameter, ag_reduction reduction)                                                   \
    {                                                                                              \
        ag__call call = {&ag__op_##name,                                                           \
                         {anchor, positive, negative},                                             \
                         .reduction = reduction,                                                   \
                         .parameter = parameter};                                                  \
        return ag__call_value_and_gradient(                                                        \
            &call, out, (ag_tensor *[]){out_anchor, out_positive, out_negative});                  \
    }                                                                                              \
    ag_status ag_tensor_##name##_with(                                                             \
        ag_tensor *out, ag_tensor *out_anchor, ag_tensor *out_positive, ag_tensor *out_negative,   \
        const ag_tensor *anchor, const ag_tensor *positive, const ag_tensor *negative,             \
        float parameter, const ag_loss_options *options)                                           \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options), .inputs = {anchor, positive, negative}, \
                         .parameter = parameter};                                                  \
        return ag__call_wanted(&call, out,                                                         \
                               (ag_tensor *[]){out_anchor, out_positive, out_negative});           \
    }

#define DEFINE_labels(name)                                                                        \
    ag_status ag_tensor_##name(ag_tensor *out, const ag_tensor *logits, const ag_indices *labels,  \
                               ag_reduction reduction)                                             \
    {                                                                                              \
        ag__call call = {&ag__op_##name, {logits}, .indices = labels, .reduction = reduction};     \
        return ag__call_value(&call, out);                                                         \
    }                                                                                              \
    ag_status ag_tensor_##name##_grad(ag_tensor *out, const ag_tensor *logits,                     \
                                      const ag_indices *labels, const ag_tensor *grad,             \
                                      ag_reduction reduction)                                      \
    {                                                                                              \
        ag__call call = {&ag__op_##name, {logits}, .indices = labels, .reduction = reduction};     \
        return ag__call_gradient(&call, grad, &out);                                               \
    }                                                                                              \
    ag_status ag_tensor_##name##_value_and_grad(ag_tensor *out, ag_tensor *out_grad,               \
                                                const ag_tensor *logits, const ag_indices *labels, \
                                                ag_reduction reduction)                            \
    {                                                                                              \
        ag__call call = {&ag__op_##name, {logits}, .indices = labels, .reduction = reduction};     \
        return ag__call_value_and_gradient(&call, out, (ag_tensor *[]){out_grad});                 \
    }                                                                                              \
    ag_status ag_tensor_##name##_with(ag_tensor *out, ag_tensor *out_grad,                         \
                                      const ag_tensor *logits, const ag_indices *labels,           \
                                      const ag_loss_options *options)                              \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options), .inputs = {logits}, .indices = labels}; \
        return ag__call_wanted(&call, out, (ag_tensor *[]){out_grad});                             \
    }

#define DEFINE_labels_parameter(name)                                                              \
    ag_status ag_tensor_##name(ag_tensor *out, const ag_tensor *logits, const ag_indices *labels,  \
                               float parameter, ag_reduction reduction)                            \
    {                                                                                              \
        ag__call call = {&ag__op_##name,                                                           \
                         {logits},                                                                 \
                         .indices = labels,                                                        \
                         .reduction = reduction,                                                   \
                         .parameter = parameter};                                                  \
        return ag__call_value(&call, out);                                                         \
    }                                                                                              \
    ag_status ag_tensor_##name##_grad(ag_tensor *out, const ag_tensor *logits,                     \
                                      const ag_indices *labels, const ag_tensor *grad,             \
                                      float parameter, ag_reduction reduction)                     \
    {                                                                                              \
        ag__call call = {&ag__op_##name,                                                           \
                         {logits},                                                                 \
                         .indices = labels,                                                        \
                         .reduction = reduction,                                                   \
                         .parameter = parameter};                                                  \
        return ag__call_gradient(&call, grad, &out);                                               \
    }                                                                                              \
    ag_status ag_tensor_##name##_value_and_grad(ag_tensor *out, ag_tensor *out_grad,               \
                                                const ag_tensor *logits, const ag_indices *labels, \
                                                float parameter, ag_reduction reduction)           \
    {                                                                                              \
        ag__call call = {&ag__op_##name,                                                           \
                         {logits},                                                                 \
                         .indices = labels,                                                        \
                         .reduction = reduction,                                                   \
                         .parameter = parameter};                                                  \
        return ag__call_value_and_gradient(&call, out, (ag_tensor *[]){out_grad});                 \
    }                                                                                              \
    ag_status ag_tensor_##name##_with(ag_tensor *out, ag_tensor *out_grad,                         \
                                      const ag_tensor *logits, const ag_indices *labels,           \
                                      float parameter, const ag_loss_options *options)             \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options), .inputs = {logits}, .indices = labels,  \
                         .parameter = parameter};                                                  \
        return ag__call_wanted(&call, out, (ag_tensor *[]){out_grad});                             \
    }

#define DEFINE_moments(name)                                                                       \
    ag_status ag_tensor_##name(ag_tensor *out, const ag_tensor *mean, const ag_tensor *variance,   \
                               const ag_tensor *target, ag_reduction reduction)                    \
    {                                                                                              \
        ag__call call = {&ag__op_##name, {mean, variance, target}, .reduction = reduction};        \
        return ag__call_value(&call, out);                                                         \
    }                                                                                              \
    ag_status ag_tensor_##name##_grad(ag_tensor *out_mean, ag_tensor *out_variance,                \
                                      const ag_tensor *mean, const ag_tensor *variance,            \
                                      const ag_tensor *target, const ag_tensor *grad,              \
                                      ag_reduction reduction)                                      \
    {                                                                                              \
        ag__call call = {&ag__op_##name, {mean, variance, target}, .reduction = reduction};        \
        return ag__call_gradient(&call, grad, (ag_tensor *[]){out_mean, out_variance});            \
    }                                                                                              \
    ag_status ag_tensor_##name##_value_and_grad(                                                   \
        ag_tensor *out, ag_tensor *out_mean, ag_tensor *out_variance, const ag_tensor *mean,       \
        const ag_tensor *variance, const ag_tensor *target, ag_reduction reduction)                \
    {                                                                                              \
        ag__call call = {&ag__op_##name, {mean, variance, target}, .reduction = reduction};        \
        return ag__call_value_and_gradient(&call, out, (ag_tensor *[]){out_mean, out_variance});   \
    }                                                                                              \
    ag_status ag_tensor_##name##_with(                                                             \
        ag_tensor *out, ag_tensor *out_mean, ag_tensor *out_variance, const ag_tensor *mean,       \
        const ag_tensor *variance, const ag_tensor *target, const ag_loss_options *options)        \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options), .inputs = {mean, variance, target}};    \
        return ag__call_wanted(&call, out, (ag_tensor *[]){out_mean, out_variance});               \
    }

#define DEFINE_pair_two(name)                                                                      \
    ag_status ag_tensor_##name(ag_tensor *out, const ag_tensor *pred, const ag_tensor *target,     \
                               float parameter, float second_parameter, ag_reduction reduction)    \
    {                                                                                              \
        ag__call call = {&ag__op_##name,                                                           \
                         {pred, target},                                                           \
                         .reduction = reduction,                                                   \
                         .parameter = parameter,                                                   \
                         .second_parameter = second_parameter};                                    \
        return ag__call_value(&call, out);                                                         \
    }                                                                                              \
    ag_status ag_tensor_##name##_grad(                                                             \
        ag_tensor *out, const ag_tensor *pred, const ag_tensor *target, const ag_tensor *grad,     \
        float parameter, float second_parameter, ag_reduction reduction)                           \
    {                                                                                              \
        ag__call call = {&ag__op_##name,                                                           \
                         {pred, target},                                                           \
                         .reduction = reduction,                                                   \
                         .parameter = parameter,                                                   \
                         .second_parameter = second_parameter};                                    \
        return ag__call_gradient(&call, grad, (ag_tensor *[]){out});                               \
    }                                                                                              \
    ag_status ag_tensor_##name##_value_and_grad(                                                   \
        ag_tensor *out, ag_tensor *out_grad, const ag_tensor *pred, const ag_tensor *target,       \
        float parameter, float second_parameter, ag_reduction reduction)                           \
    {                                                                                              \
        ag__call call = {&ag__op_##name,                                                           \
                         {pred, target},                                                           \
                         .reduction = reduction,                                                   \
                         .parameter = parameter,                                                   \
                         .second_parameter = second_parameter};                                    \
        return ag__call_value_and_gradient(&call, out, (ag_tensor *[]){out_grad});                 \
    }                                                                                              \
    ag_status ag_tensor_##name##_with(ag_tensor *out, ag_tensor *out_grad, const ag_tensor *pred,  \
                                      const ag_tensor *target, float parameter,                    \
                                      float second_parameter, const ag_loss_options *options)      \
    {                                                                                              \
        ag__call call = {AG__WITH(ag__op_##name, options), .inputs = {pred, target},               \
                         .parameter = parameter, .second_parameter = second_parameter};            \
        return ag__call_wanted(&call, out, (ag_tensor *[]){out_grad});                             \
    }

AG__LOSS_TABLE(DEFINE)
