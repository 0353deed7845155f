/* op_calls.c: every operation of the table as the tests call it: its forms, shapes, cases and numbers. */
#include "config.h"

#include "op_calls.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The state of the generator that dropout gets; its first 64 bits are the key of dropout_shapes. */
#define DROPOUT_SEED 1

/* ---- functions on variables: function is ag_<name> ---- */

#define GRAPH_pair(function) function(arena, v[0], v[1], a->reduction)
#define GRAPH_pair_parameter(function) function(arena, v[0], v[1], a->parameter, a->reduction)
#define GRAPH_single(function) function(arena, v[0], a->reduction)
#define GRAPH_labelled_pair(function) function(arena, v[0], v[1], v[2], a->parameter, a->reduction)
#define GRAPH_triple(function) function(arena, v[0], v[1], v[2], a->parameter, a->reduction)
#define GRAPH_labels(function) function(arena, v[0], a->indices, a->reduction)
#define GRAPH_labels_parameter(function)                                                           \
    function(arena, v[0], a->indices, a->parameter, a->reduction)
#define GRAPH_moments(function) function(arena, v[0], v[1], v[2], a->reduction)
#define GRAPH_pair_two(function)                                                                   \
    function(arena, v[0], v[1], a->parameter, a->second_parameter, a->reduction)
#define GRAPH_unary(function) function(arena, v[0])
#define GRAPH_unary_parameter(function) function(arena, v[0], a->parameter)
#define GRAPH_binary(function) function(arena, v[0], v[1])
#define GRAPH_matmul(function)                                                                     \
    function(arena, v[0], v[1], (a->transposes & AG__TRANSPOSE_A) != 0,                            \
             (a->transposes & AG__TRANSPOSE_B) != 0)
#define GRAPH_linear(function) function(arena, v[0], v[1], v[2])
#define GRAPH_unary_interval(function) function(arena, v[0], a->parameter, a->second_parameter)
#define GRAPH_dimension(function) function(arena, v[0], (int)a->integers[0], a->integers[1] != 0)
#define GRAPH_permute(function) function(arena, v[0], a->integers)
#define GRAPH_slice(function)                                                                      \
    function(arena, v[0], (int)a->integers[0], a->integers[1], a->integers[2])
#define GRAPH_concat(function) function(arena, 3, v, (int)a->integers[0])
#define GRAPH_reshape(function) function(arena, v[0], a->new_shape->ndims, a->new_shape->dims)
#define GRAPH_conv2d(function) function(arena, v[0], v[1], v[2], a->integers[0], a->integers[1])
#define GRAPH_pool2d(function) function(arena, v[0], a->integers[0], a->integers[1], a->integers[2])

#define GRAPH_layer_norm(function) function(arena, v[0], v[1], v[2], a->parameter)
#define GRAPH_batch_norm(function) function(arena, v[0], v[1], v[2], NULL, NULL, 0.1f, a->parameter)
#define GRAPH_batch_norm_eval(function)                                                            \
    function(arena, v[0], v[1], v[2], data_of(v[3]), data_of(v[4]), a->parameter)
#define GRAPH_dropout(function)                                                                    \
    function(arena, v[0], a->parameter, &(ag_random){{DROPOUT_SEED, 2, 3, 4}})
#define GRAPH_embedding(function) function(arena, v[0], a->indices)

static ag_tensor *data_of(const ag_variable *variable)
{
    return variable != NULL ? variable->data : NULL;
}

#define DEFINE_GRAPH(name, signature)                                                              \
    static ag_variable *graph_##name(ag_arena *arena, const op_arguments *a)                       \
    {                                                                                              \
        ag_variable *const *v = a->variables;                                                      \
        return GRAPH_##signature(ag_##name);                                                       \
    }
AG__OP_TABLE(DEFINE_GRAPH)

/* ---- losses on tensors: function is ag_tensor_<name>, …_grad or …_value_and_grad ---- */

#define VALUE_pair(function) function(out, t[0], t[1], a->reduction)
#define VALUE_pair_parameter(function) function(out, t[0], t[1], a->parameter, a->reduction)
#define VALUE_single(function) function(out, t[0], a->reduction)
#define VALUE_labelled_pair(function) function(out, t[0], t[1], t[2], a->parameter, a->reduction)
#define VALUE_triple(function) function(out, t[0], t[1], t[2], a->parameter, a->reduction)
#define VALUE_labels(function) function(out, t[0], a->indices, a->reduction)
#define VALUE_labels_parameter(function) function(out, t[0], a->indices, a->parameter, a->reduction)

#define VALUE_moments(function) function(out, t[0], t[1], t[2], a->reduction)
#define VALUE_pair_two(function)                                                                   \
    function(out, t[0], t[1], a->parameter, a->second_parameter, a->reduction)

#define GRADIENT_pair(function) function(outs[0], t[0], t[1], grad, a->reduction)
#define GRADIENT_pair_parameter(function)                                                          \
    function(outs[0], t[0], t[1], grad, a->parameter, a->reduction)
#define GRADIENT_single(function) function(outs[0], t[0], grad, a->reduction)
#define GRADIENT_labelled_pair(function)                                                           \
    function(outs[0], outs[1], t[0], t[1], t[2], grad, a->parameter, a->reduction)
#define GRADIENT_triple(function)                                                                  \
    function(outs[0], outs[1], outs[2], t[0], t[1], t[2], grad, a->parameter, a->reduction)
#define GRADIENT_labels(function) function(outs[0], t[0], a->indices, grad, a->reduction)
#define GRADIENT_labels_parameter(function)                                                        \
    function(outs[0], t[0], a->indices, grad, a->parameter, a->reduction)

#define GRADIENT_moments(function) function(outs[0], outs[1], t[0], t[1], t[2], grad, a->reduction)
#define GRADIENT_pair_two(function)                                                                \
    function(outs[0], t[0], t[1], grad, a->parameter, a->second_parameter, a->reduction)

#define BOTH_pair(function) function(out, outs[0], t[0], t[1], a->reduction)
#define BOTH_pair_parameter(function) function(out, outs[0], t[0], t[1], a->parameter, a->reduction)
#define BOTH_single(function) function(out, outs[0], t[0], a->reduction)
#define BOTH_labelled_pair(function)                                                               \
    function(out, outs[0], outs[1], t[0], t[1], t[2], a->parameter, a->reduction)
#define BOTH_triple(function)                                                                      \
    function(out, outs[0], outs[1], outs[2], t[0], t[1], t[2], a->parameter, a->reduction)
#define BOTH_labels(function) function(out, outs[0], t[0], a->indices, a->reduction)
#define BOTH_labels_parameter(function)                                                            \
    function(out, outs[0], t[0], a->indices, a->parameter, a->reduction)

#define BOTH_moments(function) function(out, outs[0], outs[1], t[0], t[1], t[2], a->reduction)
#define BOTH_pair_two(function)                                                                    \
    function(out, outs[0], t[0], t[1], a->parameter, a->second_parameter, a->reduction)

/* ---- losses with options: function is ag_<name>_with or ag_tensor_<name>_with ---- */

#define GRAPH_WITH_pair(function) function(arena, v[0], v[1], options)
#define GRAPH_WITH_pair_parameter(function) function(arena, v[0], v[1], a->parameter, options)
#define GRAPH_WITH_single(function) function(arena, v[0], options)
#define GRAPH_WITH_labelled_pair(function) function(arena, v[0], v[1], v[2], a->parameter, options)
#define GRAPH_WITH_triple(function) function(arena, v[0], v[1], v[2], a->parameter, options)
#define GRAPH_WITH_labels(function) function(arena, v[0], a->indices, options)
#define GRAPH_WITH_labels_parameter(function)                                                      \
    function(arena, v[0], a->indices, a->parameter, options)

#define GRAPH_WITH_moments(function) function(arena, v[0], v[1], v[2], options)
#define GRAPH_WITH_pair_two(function)                                                              \
    function(arena, v[0], v[1], a->parameter, a->second_parameter, options)

#define WANTED_pair(function) function(out, outs[0], t[0], t[1], options)
#define WANTED_pair_parameter(function) function(out, outs[0], t[0], t[1], a->parameter, options)
#define WANTED_single(function) function(out, outs[0], t[0], options)
#define WANTED_labelled_pair(function)                                                             \
    function(out, outs[0], outs[1], t[0], t[1], t[2], a->parameter, options)
#define WANTED_triple(function)                                                                    \
    function(out, outs[0], outs[1], outs[2], t[0], t[1], t[2], a->parameter, options)
#define WANTED_labels(function) function(out, outs[0], t[0], a->indices, options)
#define WANTED_labels_parameter(function)                                                          \
    function(out, outs[0], t[0], a->indices, a->parameter, options)
#define WANTED_moments(function) function(out, outs[0], outs[1], t[0], t[1], t[2], options)
#define WANTED_pair_two(function)                                                                  \
    function(out, outs[0], t[0], t[1], a->parameter, a->second_parameter, options)

#define DEFINE_LOSS(name, signature)                                                               \
    static ag_status value_##name(ag_tensor *out, const op_arguments *a)                           \
    {                                                                                              \
        ag_tensor *const *t = a->tensors;                                                          \
        return VALUE_##signature(ag_tensor_##name);                                                \
    }                                                                                              \
    static ag_status gradient_##name(ag_tensor *const *outs, const ag_tensor *grad,                \
                                     const op_arguments *a)                                        \
    {                                                                                              \
        ag_tensor *const *t = a->tensors;                                                          \
        return GRADIENT_##signature(ag_tensor_##name##_grad);                                      \
    }                                                                                              \
    static ag_status both_##name(ag_tensor *out, ag_tensor *const *outs, const op_arguments *a)    \
    {                                                                                              \
        ag_tensor *const *t = a->tensors;                                                          \
        return BOTH_##signature(ag_tensor_##name##_value_and_grad);                                \
    }                                                                                              \
    static ag_variable *graph_with_##name(ag_arena *arena, const op_arguments *a,                  \
                                          const ag_loss_options *options)                          \
    {                                                                                              \
        ag_variable *const *v = a->variables;                                                      \
        return GRAPH_WITH_##signature(ag_##name##_with);                                           \
    }                                                                                              \
    static ag_status wanted_##name(ag_tensor *out, ag_tensor *const *outs, const op_arguments *a,  \
                                   const ag_loss_options *options)                                 \
    {                                                                                              \
        ag_tensor *const *t = a->tensors;                                                          \
        return WANTED_##signature(ag_tensor_##name##_with);                                        \
    }
AG__LOSS_TABLE(DEFINE_LOSS)

/* ---- the other functions on tensors, which are internal ---- */

static ag__call internal_call(const ag__op *op, const op_arguments *a)
{
    ag__call call = {.op = op, .reduction = op->reduction, .transposes = a->transposes};
    call.parameter = a->parameter;
    call.second_parameter = a->second_parameter;
    memcpy(call.integers, a->integers, sizeof call.integers);
    call.indices = a->indices;
    for (uint32_t i = 0; i < op->num_inputs; i++)
        call.inputs[i] = a->tensors[i];
    return call;
}

/* Zeroed memory for a call; NULL if it needs none. */
static void *memory_for(size_t (*bytes)(const ag__call *call), const ag__call *call)
{
    size_t count = bytes != NULL ? bytes(call) : 0;
    void *memory = count > 0 ? aligned_alloc(64, (count + 63) / 64 * 64) : NULL;
    if (count > 0 && memory == NULL) abort();
    if (count > 0) memset(memory, 0, count);
    return memory;
}

/* Calls the value, and the gradient too if there is one to compute, as a node of a graph would. */
static ag_status call_internal(const ag__op *op, const op_arguments *a, ag_tensor *out,
                               const ag_tensor *grad, ag_tensor *const *outs)
{
    ag__call call = internal_call(op, a);
    ag__shape shape;
    bool valid = ag__call_check(&call, &shape) == AG_OK;
    if (valid) call.scratch = memory_for(op->scratch_bytes, &call);
    if (valid) call.memory = memory_for(op->memory_bytes, &call);
    ag_arena *arena = ag_arena_create(0);
    if (outs != NULL && valid) {
        ag_tensor *result = ag_tensor_create(arena, shape.ndims, shape.dims);
        if (result == NULL) abort();
        if (op->forward(&call, result) == AG_OK) call.result = result;
    }
    ag_status status =
        outs != NULL ? ag__call_gradient(&call, grad, outs) : ag__call_value(&call, out);
    ag_arena_destroy(arena);
    free(call.scratch);
    free(call.memory);
    return status;
}

#define DEFINE_FUNCTION(name, signature)                                                           \
    static ag_status value_##name(ag_tensor *out, const op_arguments *a)                           \
    {                                                                                              \
        return call_internal(&ag__op_##name, a, out, NULL, NULL);                                  \
    }                                                                                              \
    static ag_status gradient_##name(ag_tensor *const *outs, const ag_tensor *grad,                \
                                     const op_arguments *a)                                        \
    {                                                                                              \
        return call_internal(&ag__op_##name, a, NULL, grad, outs);                                 \
    }
AG__FUNCTION_TABLE(DEFINE_FUNCTION)

/* ---- the table ---- */

#define ENTRY(name_, signature_, is_loss_, both_, graph_with_, wanted_)                            \
    {.name = #name_,                                                                               \
     .op = &ag__op_##name_,                                                                        \
     .signature = SIGNATURE_##signature_,                                                          \
     .is_loss = is_loss_,                                                                          \
     .graph = graph_##name_,                                                                       \
     .value = value_##name_,                                                                       \
     .gradient = gradient_##name_,                                                                 \
     .value_and_gradient = both_,                                                                  \
     .graph_with = graph_with_,                                                                    \
     .wanted = wanted_},
#define LOSS_ENTRY(name, signature)                                                                \
    ENTRY(name, signature, true, both_##name, graph_with_##name, wanted_##name)
#define FUNCTION_ENTRY(name, signature) ENTRY(name, signature, false, NULL, NULL, NULL)

const op_entry op_entries[] = {AG__LOSS_TABLE(LOSS_ENTRY) AG__FUNCTION_TABLE(FUNCTION_ENTRY)};

#define COUNT_ONE(name, signature) +1
const int num_loss_entries = AG__LOSS_TABLE(COUNT_ONE);
const int num_op_entries = AG__OP_TABLE(COUNT_ONE);

const op_entry *op_find(const char *name)
{
    for (int i = 0; i < num_op_entries; i++)
        if (strcmp(op_entries[i].name, name) == 0) return &op_entries[i];
    return NULL;
}

/* ---- shapes of cases ---- */

static const ag__shape small_shapes[] = {
    {1, {1}},    {1, {7}},      {2, {1, 1}},   {2, {4, 1}},     {2, {1, 6}},
    {2, {3, 5}}, {2, {32, 10}}, {2, {17, 32}}, {3, {5, 3, 17}}, {4, {2, 1, 3, 4}}};
static const ag__shape large_shapes[] = {{1, {200003}}, {2, {700, 300}}};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static bool shape_at(op_scale scale, size_t index, ag__shape *shape)
{
    if (index >= (scale == OP_SMALL ? LENGTH(small_shapes) : LENGTH(large_shapes))) return false;
    *shape = scale == OP_SMALL ? small_shapes[index] : large_shapes[index];
    return true;
}

/* m, k and n of a product [m, k] · [k, n]. */
static const uint32_t small_products[][3] = {{1, 1, 1}, {3, 5, 2},    {7, 1, 4},   {1, 9, 1},
                                             {6, 6, 6}, {17, 32, 10}, {64, 33, 65}};
static const uint32_t large_products[][3] = {{300, 257, 311}, {3000, 40, 3}, {5, 3001, 40}};

static ag__shape matrix_shape(uint32_t rows, uint32_t columns, bool transposed)
{
    return (ag__shape){2, {transposed ? columns : rows, transposed ? rows : columns}};
}

static bool matmul_shapes(op_scale scale, size_t variant, op_case *c)
{
    size_t index = variant / 4;
    if (index >= (scale == OP_SMALL ? LENGTH(small_products) : LENGTH(large_products)))
        return false;
    const uint32_t *size = scale == OP_SMALL ? small_products[index] : large_products[index];
    c->transposes = variant % 4;
    c->shapes[0] = matrix_shape(size[0], size[1], (c->transposes & AG__TRANSPOSE_A) != 0);
    c->shapes[1] = matrix_shape(size[1], size[2], (c->transposes & AG__TRANSPOSE_B) != 0);
    return true;
}

/* Four variants of each x: 1 or several outputs, without and with bias. */
static bool linear_shapes(op_scale scale, size_t variant, op_case *c)
{
    static const ag__shape large[] = {{1, {3001}}, {2, {700, 300}}};
    if (!shape_at(scale, variant / 4, &c->shapes[0])) return false;
    if (scale == OP_LARGE) c->shapes[0] = large[variant / 4];
    uint32_t in = c->shapes[0].dims[c->shapes[0].ndims - 1];
    uint32_t out = variant & 1 ? 1 : scale == OP_SMALL ? 6 : 33;
    c->shapes[1] = (ag__shape){2, {out, in}};
    if (variant & 2) c->shapes[2] = (ag__shape){1, {out}};
    return true;
}

static uint32_t elements_of(const ag__shape *shape)
{
    uint32_t size = 1;
    for (uint32_t i = 0; i < shape->ndims; i++)
        size *= shape->dims[i];
    return size;
}

/* Labels are [rows] or [rows, 1]. Large cases have one of both each. */
static bool labelled_pair_shapes(op_scale scale, size_t variant, op_case *c)
{
    if (!shape_at(scale, scale == OP_SMALL ? variant / 2 : variant, &c->shapes[0])) return false;
    uint32_t columns = c->shapes[0].dims[c->shapes[0].ndims - 1];
    c->shapes[1] = c->shapes[0];
    c->shapes[2] = (ag__shape){1 + variant % 2, {elements_of(&c->shapes[0]) / columns, 1}};
    return true;
}

static const ag__shape small_stretched[][2] = {
    {{2, {3, 1}}, {2, {1, 5}}},
    {{1, {1}}, {2, {3, 5}}},
    {{2, {3, 5}}, {1, {1}}},
    {{3, {4, 1, 3}}, {2, {5, 1}}},
    {{2, {2, 3}}, {3, {4, 2, 3}}},
    {{3, {1, 2, 3}}, {2, {2, 3}}},
    {{1, {7}}, {2, {7, 1}}},
    {{3, {5, 3, 17}}, {3, {5, 1, 17}}},
    {{4, {2, 3, 1, 1}}, {3, {1, 4, 5}}},
    {{4, {2, 1, 3, 4}}, {4, {1, 5, 3, 1}}},
    {{8, {2, 1, 2, 1, 2, 1, 2, 1}}, {8, {1, 2, 1, 3, 1, 2, 1, 2}}},
};
/* Few and many sums, along the first, the last and inner dimensions. */
static const ag__shape large_stretched[][2] = {
    {{1, {1}}, {1, {200003}}},
    {{2, {700, 1}}, {2, {1, 300}}},
    {{2, {3000, 1}}, {2, {1, 70}}},
    {{2, {70, 3000}}, {1, {3000}}},
    {{2, {20000, 10}}, {1, {10}}},
    {{3, {50, 1, 2}}, {3, {1, 2000, 1}}},
    {{3, {30, 1, 2000}}, {3, {30, 7, 1}}},
};

/* As above, of classes. */
static bool labels_shapes(op_scale scale, size_t variant, op_case *c)
{
    if (!shape_at(scale, scale == OP_SMALL ? variant / 2 : variant, &c->shapes[0])) return false;
    uint32_t rows = elements_of(&c->shapes[0]) / c->shapes[0].dims[c->shapes[0].ndims - 1];
    c->indices = (ag__shape){1 + variant % 2, {rows, 1}};
    if (c->entry->op->lists_labels) c->indices = c->shapes[0];
    return true;
}

static bool stretched_shapes(op_scale scale, size_t index, op_case *c)
{
    if (index >= (scale == OP_SMALL ? LENGTH(small_stretched) : LENGTH(large_stretched)))
        return false;
    const ag__shape *pair = scale == OP_SMALL ? small_stretched[index] : large_stretched[index];
    c->shapes[0] = pair[0];
    c->shapes[1] = pair[1];
    return true;
}

static size_t number_of_shapes(op_scale scale)
{
    return scale == OP_SMALL ? LENGTH(small_shapes) : LENGTH(large_shapes);
}

/* b is of a's shape or a row; then both are stretched in other ways. */
static bool binary_shapes(op_scale scale, size_t variant, op_case *c)
{
    if (variant / 2 >= number_of_shapes(scale))
        return stretched_shapes(scale, variant - 2 * number_of_shapes(scale), c);
    shape_at(scale, variant / 2, &c->shapes[0]);
    c->shapes[1] = c->shapes[0];
    if (variant % 2) c->shapes[1] = (ag__shape){1, {c->shapes[0].dims[c->shapes[0].ndims - 1]}};
    return true;
}

/* The new shape is flat, or has the dimensions backwards. */
static bool reshape_shapes(op_scale scale, size_t variant, op_case *c)
{
    if (!shape_at(scale, variant / 2, &c->shapes[0])) return false;
    const ag__shape *shape = &c->shapes[0];
    c->new_shape = (ag__shape){1, {elements_of(shape)}};
    if (variant % 2) c->new_shape.ndims = shape->ndims;
    for (uint32_t i = 0; variant % 2 && i < shape->ndims; i++)
        c->new_shape.dims[i] = shape->dims[shape->ndims - 1 - i];
    return true;
}

static bool same_shapes(op_scale scale, size_t variant, op_case *c)
{
    if (!shape_at(scale, variant, &c->shapes[0])) return false;
    for (uint32_t i = 1; i < c->entry->op->num_inputs; i++)
        c->shapes[i] = c->shapes[0];
    return true;
}

/* Of two parameters, which differ. */
static bool pair_two_shapes(op_scale scale, size_t variant, op_case *c)
{
    c->second_parameter = 1 - c->parameter / 2;
    return same_shapes(scale, variant, c);
}

static bool transpose_shapes(op_scale scale, size_t variant, op_case *c)
{
    static const ag__shape small[] = {{2, {1, 1}}, {2, {1, 7}}, {2, {3, 5}}, {2, {70, 33}}};
    if (variant >= (scale == OP_SMALL ? LENGTH(small) : 1)) return false;
    c->shapes[0] = scale == OP_SMALL ? small[variant] : (ag__shape){2, {700, 301}};
    return true;
}

/* Batch, channels, height and width of x; out, height and width of the window; stride, padding. */
static const uint32_t small_images[][9] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 0},  {2, 2, 3, 3, 2, 3, 3, 1, 0}, {3, 2, 6, 5, 3, 3, 3, 1, 1},
    {2, 3, 7, 8, 5, 3, 2, 2, 1},  {5, 1, 9, 4, 9, 2, 2, 3, 0}, {2, 3, 11, 10, 4, 5, 5, 2, 2},
    {1, 9, 4, 23, 2, 1, 1, 2, 0}, {2, 2, 5, 5, 3, 4, 4, 1, 3}};
static const uint32_t large_images[][9] = {{19, 5, 28, 28, 17, 5, 5, 1, 2},
                                           {33, 6, 30, 17, 8, 3, 3, 2, 1},
                                           {2, 3, 130, 140, 9, 3, 3, 1, 0}};

static const uint32_t *images_at(op_scale scale, size_t index)
{
    if (index >= (scale == OP_SMALL ? LENGTH(small_images) : LENGTH(large_images))) return NULL;
    return scale == OP_SMALL ? small_images[index] : large_images[index];
}

static bool conv2d_shapes(op_scale scale, size_t variant, op_case *c)
{
    const uint32_t *at = images_at(scale, variant / 2);
    if (at == NULL) return false;
    c->shapes[0] = (ag__shape){4, {at[0], at[1], at[2], at[3]}};
    c->shapes[1] = (ag__shape){4, {at[4], at[1], at[5], at[6]}};
    if (variant % 2) c->shapes[2] = (ag__shape){1, {at[4]}};
    c->integers[0] = at[7];
    c->integers[1] = at[8];
    return true;
}

static bool pool2d_shapes(op_scale scale, size_t variant, op_case *c)
{
    static const uint32_t squares[] = {1, 2, 4, 1, 9, 14};
    const uint32_t *at = images_at(scale, variant);
    size_t index = variant - (scale == OP_SMALL ? LENGTH(small_images) : LENGTH(large_images));
    if (at != NULL) {
        c->shapes[0] = (ag__shape){4, {at[0], at[1], at[2], at[3]}};
        c->integers[0] = at[6];
        c->integers[1] = at[7];
        c->integers[2] = at[8] < at[6] ? at[8] : 0;
        return true;
    }
    if (index >= LENGTH(squares)) return false;
    uint32_t many = scale == OP_SMALL ? 1 : 3;
    c->shapes[0] = (ag__shape){4, {3 * many, 2, 2 * many * squares[index], 1 + 2 * squares[index]}};
    c->integers[0] = c->integers[1] = 2;
    return true;
}

/* Rows of one dimension or two; without gamma and beta, without beta, with both. */
static bool layer_norm_shapes(op_scale scale, size_t variant, op_case *c)
{
    if (!shape_at(scale, variant / 4, &c->shapes[0])) return false;
    const ag__shape *x = &c->shapes[0];
    uint32_t ndims = variant % 4 == 3 && x->ndims > 1 ? 2 : 1;
    for (uint32_t input = 1; input <= variant % 4 && input < 3; input++) {
        c->shapes[input].ndims = ndims;
        for (uint32_t i = 0; i < ndims; i++)
            c->shapes[input].dims[i] = x->dims[x->ndims - ndims + i];
    }
    return true;
}

static bool batch_norm_shapes(op_scale scale, size_t variant, op_case *c)
{
    static const ag__shape small[] = {{2, {3, 1}}, {2, {32, 5}}, {3, {5, 3, 7}}, {4, {2, 4, 3, 5}}};
    static const ag__shape large[] = {{4, {9, 7, 60, 61}}, {2, {700, 300}}};
    if (variant >= (scale == OP_SMALL ? LENGTH(small) : LENGTH(large))) return false;
    c->shapes[0] = scale == OP_SMALL ? small[variant] : large[variant];
    for (uint32_t i = 1; i < c->entry->op->num_inputs; i++)
        c->shapes[i] = (ag__shape){1, {c->shapes[0].dims[1]}};
    return true;
}

static bool dropout_shapes(op_scale scale, size_t variant, op_case *c)
{
    ag_random generator = {{DROPOUT_SEED, 2, 3, 4}};
    uint64_t key = ag_random_bits(&generator);
    c->integers[0] = (uint32_t)key;
    c->integers[1] = (uint32_t)(key >> 32);
    return shape_at(scale, variant, &c->shapes[0]);
}

static bool embedding_shapes(op_scale scale, size_t variant, op_case *c)
{
    static const ag__shape small_tables[] = {{2, {1, 1}}, {2, {5, 3}}, {2, {40, 2}}};
    static const ag__shape small[] = {{1, {4}}, {2, {3, 7}}, {3, {2, 1, 5}}};
    static const ag__shape large_tables[] = {{2, {3000, 70}}, {2, {20, 600}}};
    static const ag__shape large[] = {{2, {50, 60}}, {1, {900}}};
    if (variant >= (scale == OP_SMALL ? LENGTH(small) : LENGTH(large))) return false;
    c->shapes[0] = scale == OP_SMALL ? small_tables[variant] : large_tables[variant];
    c->indices = scale == OP_SMALL ? small[variant] : large[variant];
    return true;
}

/* As of matmul, with two leading dimensions more, or one. */
static bool batched_matmul_shapes(op_scale scale, size_t variant, op_case *c)
{
    if (!matmul_shapes(scale, variant, c)) return false;
    uint32_t leading = 1 + variant % 2;
    for (uint32_t i = 0; i < 2; i++) {
        ag__shape matrix = c->shapes[i];
        c->shapes[i] = (ag__shape){leading + 2, {3, 2}};
        memcpy(c->shapes[i].dims + leading, matrix.dims, 2 * sizeof *matrix.dims);
    }
    return true;
}

/* The variant's shape, where each has per_dimension of its dimensions; and which of these it is. */
static bool shape_with_dimensions(op_scale scale, size_t *variant, size_t per_dimension,
                                  ag__shape *shape)
{
    static const ag__shape inner = {3, {20, 90, 110}};
    size_t last = number_of_shapes(scale);
    for (size_t index = 0; index <= last; index++) {
        if (index == last && scale == OP_SMALL) return false;
        if (index == last)
            *shape = inner;
        else
            shape_at(scale, index, shape);
        if (*variant < per_dimension * shape->ndims) return true;
        *variant -= per_dimension * shape->ndims;
    }
    return false;
}

/* Each dimension, which stays or goes; where it stays, it is counted from the last. */
static bool dimension_shapes(op_scale scale, size_t variant, op_case *c)
{
    if (!shape_with_dimensions(scale, &variant, 2, &c->shapes[0])) return false;
    uint32_t dim = (uint32_t)variant / 2, keep = variant % 2;
    c->integers[0] = keep ? dim - c->shapes[0].ndims : dim;
    c->integers[1] = keep;
    return true;
}

/* Of each dimension all, the first half, or the last one. */
static bool slice_shapes(op_scale scale, size_t variant, op_case *c)
{
    if (!shape_with_dimensions(scale, &variant, 3, &c->shapes[0])) return false;
    uint32_t dim = (uint32_t)variant / 3, length = c->shapes[0].dims[dim];
    c->integers[0] = variant % 2 ? dim - c->shapes[0].ndims : dim;
    c->integers[1] = variant % 3 == 2 ? length - 1 : 0;
    c->integers[2] = variant % 3 == 1 ? (length + 1) / 2 : length;
    return true;
}

/* Along each dimension: one longer by one, one of length 1. */
static bool concat_shapes(op_scale scale, size_t variant, op_case *c)
{
    if (!shape_with_dimensions(scale, &variant, 1, &c->shapes[0])) return false;
    uint32_t dim = (uint32_t)variant;
    c->integers[0] = variant % 2 ? dim - c->shapes[0].ndims : dim;
    c->shapes[1] = c->shapes[2] = c->shapes[0];
    c->shapes[1].dims[dim]++;
    c->shapes[2].dims[dim] = 1;
    return true;
}

/* Dimensions backwards, moved on by one, or the first two exchanged. */
static bool permute_shapes(op_scale scale, size_t variant, op_case *c)
{
    size_t order = variant % 3;
    variant = variant / 3;
    if (!shape_with_dimensions(scale, &variant, 1, &c->shapes[0])) return false;
    uint32_t ndims = c->shapes[0].ndims;
    for (uint32_t d = 0; d < ndims; d++)
        c->integers[d] = order == 0           ? ndims - 1 - d
                         : order == 1         ? (d + 1) % ndims
                         : d < 2 && ndims > 1 ? 1 - d
                                              : d;
    return true;
}

/* A power for each kind: roots, inverses, odd, even and none. */
static bool pow_shapes(op_scale scale, size_t variant, op_case *c)
{
    static const float exponents[] = {2, 3, -1, -2, 0.5f, 1, 0, -0.3f};
    if (!shape_at(scale, variant / LENGTH(exponents), &c->shapes[0])) return false;
    c->parameter = exponents[variant % LENGTH(exponents)];
    return true;
}

static bool clamp_shapes(op_scale scale, size_t variant, op_case *c)
{
    c->parameter = -c->parameter;
    c->second_parameter = c->flavour == OP_TIES ? 0 : 1;
    return shape_at(scale, variant, &c->shapes[0]);
}

static bool shapes_of_variant(op_scale scale, size_t variant, op_case *c)
{
    if (strcmp(c->entry->name, "transpose") == 0) return transpose_shapes(scale, variant, c);
    if (strcmp(c->entry->name, "batched_matmul") == 0)
        return batched_matmul_shapes(scale, variant, c);
    if (strcmp(c->entry->name, "pow") == 0) return pow_shapes(scale, variant, c);
    switch (c->entry->signature) {
    case SIGNATURE_labels:
    case SIGNATURE_labels_parameter: return labels_shapes(scale, variant, c);
    case SIGNATURE_labelled_pair:
        return c->entry->op->labels_rows ? labelled_pair_shapes(scale, variant, c)
                                         : same_shapes(scale, variant, c);
    case SIGNATURE_pair_two: return pair_two_shapes(scale, variant, c);
    case SIGNATURE_binary: return binary_shapes(scale, variant, c);
    case SIGNATURE_matmul: return matmul_shapes(scale, variant, c);
    case SIGNATURE_linear: return linear_shapes(scale, variant, c);
    case SIGNATURE_unary_interval: return clamp_shapes(scale, variant, c);
    case SIGNATURE_dimension: return dimension_shapes(scale, variant, c);
    case SIGNATURE_reshape: return reshape_shapes(scale, variant, c);
    case SIGNATURE_conv2d: return conv2d_shapes(scale, variant, c);
    case SIGNATURE_pool2d: return pool2d_shapes(scale, variant, c);
    case SIGNATURE_layer_norm: return layer_norm_shapes(scale, variant, c);
    case SIGNATURE_batch_norm:
    case SIGNATURE_batch_norm_eval: return batch_norm_shapes(scale, variant, c);
    case SIGNATURE_dropout: return dropout_shapes(scale, variant, c);
    case SIGNATURE_embedding: return embedding_shapes(scale, variant, c);
    case SIGNATURE_permute: return permute_shapes(scale, variant, c);
    case SIGNATURE_slice: return slice_shapes(scale, variant, c);
    case SIGNATURE_concat: return concat_shapes(scale, variant, c);
    default: return same_shapes(scale, variant, c);
    }
}

/* ---- cases ---- */

static const ag_reduction reductions[] = {AG_REDUCTION_MEAN, AG_REDUCTION_NONE, AG_REDUCTION_SUM,
                                          AG_REDUCTION_BATCHMEAN};

bool op_case_at(const op_entry *entry, op_scale scale, size_t index, op_case *out)
{
    static const float parameters[] = {[OP_PLAIN] = 0.75f, [OP_WIDE] = 0.3f, [OP_TIES] = 0.5f};
    bool reduced = entry->op->takes_reduction;
    size_t num_flavours = scale == OP_SMALL ? 3 : reduced ? 1 : 2;
    size_t num_reductions = reduced ? LENGTH(reductions) : 1;
    size_t flavour = index % num_flavours, reduction = index / num_flavours % num_reductions;
    if (scale == OP_LARGE && reduced) flavour = reduction / 2; /* half of them, to save time */
    *out = (op_case){
        .entry = entry,
        .reduction = reduced ? reductions[reduction] : AG_REDUCTION_NONE,
        .flavour = (op_flavour)flavour,
        .parameter = parameters[flavour],
    };
    return shapes_of_variant(scale, index / num_flavours / num_reductions, out);
}

op_case_text op_describe(const op_case *c)
{
    static const char *const reduction_names[] = {"MEAN", "SUM", "NONE", "BATCHMEAN"};
    static const char *const flavour_names[] = {"plain", "wide", "ties"};
    ag__shape_text shapes[AG__MAX_INPUTS] = {{""}};
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
        if (c->shapes[i].ndims > 0)
            shapes[i] = ag__shape_to_text(c->shapes[i].ndims, c->shapes[i].dims);
    op_case_text result;
    snprintf(result.text, sizeof result.text,
             "%s(%.60s %.60s %.60s), %s, transposes %u, %g, %g, %d, %u, %u, %s", c->entry->name,
             shapes[0].text, shapes[1].text, shapes[2].text, reduction_names[c->reduction],
             (unsigned)c->transposes, (double)c->parameter, (double)c->second_parameter,
             (int)c->integers[0], (unsigned)c->integers[1], (unsigned)c->integers[2],
             flavour_names[c->flavour]);
    return result;
}

bool op_differentiable(const op_case *c, uint32_t input)
{
    return input < c->entry->op->num_differentiable && c->shapes[input].ndims > 0;
}

/* ---- numbers ---- */

/* splitmix64 (G. Steele, D. Lea, C. Flood 2014). */
static uint64_t next_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* In (0, 1), a multiple of 2^-25. */
static double uniform(uint64_t *state)
{
    return (double)(next_bits(state) >> 40) * 0x1p-24 + 0x1p-25;
}

/* Nearly normal, and the same on every machine: the sum of 12 uniform numbers has variance 1. */
static double normal(uint64_t *state)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += uniform(state);
    return sum;
}

static double random_sign(uint64_t *state)
{
    return next_bits(state) & 1 ? 1 : -1;
}

/* From 2^lowest to 2^highest, each magnitude equally likely. */
static double log_uniform(uint64_t *state, double lowest, double highest)
{
    return exp2(lowest + (highest - lowest) * uniform(state));
}

static double whole(uint64_t *state, int lowest, int highest)
{
    return lowest + (int)(next_bits(state) % (uint64_t)(highest - lowest + 1));
}

typedef enum input_kind {
    KIND_ANY,
    KIND_NOT_NEGATIVE,
    KIND_PROBABILITY,
    KIND_LOG_PROBABILITY,
    KIND_PROBABILITY_ROW,
    KIND_SIGN
} input_kind;

static double draw_probability(uint64_t *state, op_flavour flavour)
{
    if (flavour == OP_PLAIN) return uniform(state);
    if (flavour == OP_TIES) return whole(state, 0, 4) / 4;
    return next_bits(state) & 1 ? log_uniform(state, -40, 0) : 1 - log_uniform(state, -24, -1);
}

static double draw_magnitude(uint64_t *state, op_flavour flavour)
{
    if (flavour == OP_PLAIN) return 2 * fabs(normal(state));
    if (flavour == OP_TIES) return whole(state, 0, 2) / 2;
    return log_uniform(state, -30, 10);
}

static double draw(uint64_t *state, input_kind kind, op_flavour flavour)
{
    switch (kind) {
    case KIND_SIGN: return random_sign(state);
    case KIND_NOT_NEGATIVE: return draw_magnitude(state, flavour);
    case KIND_LOG_PROBABILITY: return -draw_magnitude(state, flavour);
    case KIND_PROBABILITY:
    case KIND_PROBABILITY_ROW: return draw_probability(state, flavour);
    case KIND_ANY: break;
    }
    return random_sign(state) * draw_magnitude(state, flavour);
}

/* Rows become one-hot and spread out in turn. */
static void make_distributions(uint64_t *state, size_t rows, size_t columns, float *values)
{
    for (size_t i = 0; i < rows; i++) {
        float *row = values + i * columns, sum = 0;
        size_t chosen = (size_t)(next_bits(state) % columns);
        for (size_t c = 0; c < columns; c++)
            sum += row[c];
        for (size_t c = 0; c < columns; c++)
            row[c] = i % 2 == 0 ? (float)(c == chosen) : row[c] / sum;
    }
}

/* What the inputs of some operations are in practice. The domains say what they must be. */
static const struct {
    const char *name;
    uint32_t input;
    input_kind kind;
} usual_kinds[] = {
    {"bce_loss", 1, KIND_PROBABILITY},
    {"bce_with_logits_loss", 1, KIND_PROBABILITY},
    {"cross_entropy_loss", 1, KIND_PROBABILITY_ROW},
    {"focal_loss", 1, KIND_PROBABILITY_ROW},
    {"generalized_cross_entropy_loss", 1, KIND_PROBABILITY_ROW},
    {"nll_loss", 0, KIND_LOG_PROBABILITY},
    {"nll_loss", 1, KIND_PROBABILITY_ROW},
    {"nll_labels_loss", 0, KIND_LOG_PROBABILITY},
    {"kl_div_loss", 0, KIND_LOG_PROBABILITY},
    {"log", 0, KIND_NOT_NEGATIVE},
    {"sqrt", 0, KIND_NOT_NEGATIVE},
    {"pow", 0, KIND_NOT_NEGATIVE},
};

static input_kind kind_of(const op_case *c, uint32_t input)
{
    const ag__domain *domain = &c->entry->op->domains[input];
    if (domain->text != NULL && domain->magnitude) return KIND_SIGN;
    if (domain->text != NULL) return domain->highest > 1 ? KIND_NOT_NEGATIVE : KIND_PROBABILITY;
    for (size_t i = 0; c->flavour != OP_WIDE && i < LENGTH(usual_kinds); i++)
        if (usual_kinds[i].input == input && strcmp(usual_kinds[i].name, c->entry->name) == 0)
            return usual_kinds[i].kind;
    return KIND_ANY;
}

static ag_tensor *create_input(const op_case *c, uint32_t input, uint64_t seed, ag_arena *arena)
{
    const ag__shape *shape = &c->shapes[input];
    ag_tensor *tensor = ag_tensor_create(arena, shape->ndims, shape->dims);
    if (tensor == NULL) abort();
    input_kind kind = kind_of(c, input);
    for (size_t i = 0; i < tensor->size; i++)
        tensor->data[i] = (float)draw(&seed, kind, c->flavour);
    size_t columns = shape->dims[shape->ndims - 1];
    if (kind == KIND_PROBABILITY_ROW && c->flavour == OP_PLAIN)
        make_distributions(&seed, tensor->size / columns, columns, tensor->data);
    return tensor;
}

/*
 * A few classes for each row, never the last if there is another, at times one of them twice. Behind the
 * -1 stand others that do not count.
 */
static void draw_lists(uint64_t *seed, uint32_t classes, ag_indices *labels)
{
    uint32_t most = classes < 8 ? classes : 8;
    for (size_t row = 0; row < labels->size; row += classes) {
        uint32_t count = 1 + (uint32_t)(next_bits(seed) % most);
        for (uint32_t k = 0; k < classes; k++)
            labels->data[row + k] =
                k == count ? -1 : (int32_t)(next_bits(seed) % (classes > 1 ? classes - 1 : 1));
    }
}

/* Rows of the table, or classes, some of them often and some never. */
static ag_indices *create_indices(const op_case *c, ag_arena *arena)
{
    ag_indices *indices = ag_indices_create(arena, c->indices.ndims, c->indices.dims);
    if (indices == NULL) abort();
    uint64_t seed = 17;
    const ag__shape *from = &c->shapes[0];
    uint32_t choices = from->dims[c->entry->op->takes_labels ? from->ndims - 1 : 0];
    for (size_t i = 0; i < indices->size; i++)
        indices->data[i] = (int32_t)(next_bits(&seed) % (1 + choices * 2 / 3));
    if (c->entry->op->lists_labels) draw_lists(&seed, choices, indices);
    return indices;
}

op_arguments op_arguments_of(const op_case *c)
{
    op_arguments arguments = {
        .parameter = c->parameter,
        .second_parameter = c->second_parameter,
        .reduction = c->reduction,
        .transposes = c->transposes,
        .new_shape = &c->new_shape,
    };
    memcpy(arguments.integers, c->integers, sizeof arguments.integers);
    return arguments;
}

op_arguments op_create_inputs(const op_case *c, ag_arena *arena)
{
    op_arguments arguments = op_arguments_of(c);
    if (c->indices.ndims > 0) arguments.indices = create_indices(c, arena);
    for (uint32_t i = 0; i < c->entry->op->num_inputs; i++)
        if (c->shapes[i].ndims > 0)
            arguments.tensors[i] = create_input(c, i, 1000 * i + c->shapes[0].dims[0], arena);
    return arguments;
}

void op_create_leaves(op_arguments *arguments, ag_arena *arena, bool requires_grad)
{
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++) {
        if (arguments->tensors[i] == NULL) continue;
        arguments->variables[i] = ag_create_leaf(arena, arguments->tensors[i], requires_grad);
        if (arguments->variables[i] == NULL) abort();
    }
}

ag_tensor *op_create_upstream(ag_arena *arena, const ag__shape *shape)
{
    ag_tensor *tensor = ag_tensor_create(arena, shape->ndims, shape->dims);
    if (tensor == NULL) abort();
    uint64_t seed = 4711;
    for (size_t i = 0; i < tensor->size; i++)
        tensor->data[i] = tensor->size == 1 ? -0.73f : (float)normal(&seed);
    return tensor;
}

/* ---- the reference ---- */

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) abort();
    return memory;
}

static reference_shape to_reference(const ag__shape *shape)
{
    reference_shape result = {.ndims = shape->ndims};
    memcpy(result.dims, shape->dims, sizeof result.dims);
    return result;
}

static long double *widened(size_t size, const float *values)
{
    long double *result = allocate(size, sizeof *result);
    for (size_t i = 0; i < size; i++)
        result[i] = (long double)values[i];
    return result;
}

op_oracle op_oracle_create(const op_case *c, const op_arguments *arguments)
{
    op_oracle oracle = {.op = reference_find(c->entry->name)};
    for (uint32_t i = 0; i < c->entry->op->num_inputs; i++) {
        const ag_tensor *tensor = arguments->tensors[i];
        if (tensor == NULL) continue;
        oracle.inputs[i] = widened(tensor->size, tensor->data);
        oracle.call.inputs[i] = oracle.inputs[i];
        oracle.call.shapes[i] = to_reference(&c->shapes[i]);
    }
    oracle.call.parameter = (long double)arguments->parameter;
    oracle.call.second_parameter = (long double)arguments->second_parameter;
    memcpy(oracle.call.integers, arguments->integers, sizeof oracle.call.integers);
    oracle.call.reduction = (int)arguments->reduction;
    oracle.call.transpose_a = (arguments->transposes & AG__TRANSPOSE_A) != 0;
    oracle.call.transpose_b = (arguments->transposes & AG__TRANSPOSE_B) != 0;
    oracle.call.new_shape = to_reference(arguments->new_shape);
    memcpy(oracle.call.integers, arguments->integers, sizeof oracle.call.integers);
    oracle.call.indices_shape = to_reference(&c->indices);
    if (arguments->indices != NULL) oracle.call.indices = arguments->indices->data;
    return oracle;
}

void op_oracle_destroy(op_oracle *oracle)
{
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
        free(oracle->inputs[i]);
}

ag__shape op_result_shape(const op_oracle *oracle)
{
    reference_shape shape = oracle->op->result_shape(&oracle->call);
    ag__shape result = {.ndims = shape.ndims};
    memcpy(result.dims, shape.dims, sizeof result.dims);
    return result;
}

reference_number *op_reference_value(const op_oracle *oracle)
{
    reference_shape shape = oracle->op->result_shape(&oracle->call);
    reference_number *out = allocate(reference_size(&shape), sizeof *out);
    oracle->op->value(oracle->op, &oracle->call, out);
    return out;
}

reference_number *op_reference_gradient(const op_oracle *oracle, uint32_t input,
                                        const ag_tensor *upstream)
{
    long double *wide_upstream = widened(upstream->size, upstream->data);
    reference_number *out = allocate(reference_size(&oracle->call.shapes[input]), sizeof *out);
    oracle->op->gradient(oracle->op, &oracle->call, input, wide_upstream, out);
    free(wide_upstream);
    return out;
}
