/* tensor.c: making tensors, and filling, copying and adding them. */
#include "config.h"

#include <autograd/tensor.h>

#include <string.h>

#include "core/allocator.h"
#include "core/status.h"
#include "tensor/shape.h"

/* What stands before a tensor's data, which must be aligned. */
#define HEADER_BYTES ((sizeof(ag_tensor) + AG__ALIGNMENT - 1) / AG__ALIGNMENT * AG__ALIGNMENT)

ag_tensor *ag__tensor_create(ag_arena *arena, uint32_t ndims, const uint32_t *shape, size_t size)
{
    ag_tensor *tensor = ag_arena_alloc(arena, HEADER_BYTES + size * sizeof *tensor->data);
    if (tensor == NULL) return NULL;
    *tensor = (ag_tensor){.ndims = ndims, .size = size};
    tensor->data = (float *)(void *)((char *)tensor + HEADER_BYTES);
    memcpy(tensor->shape, shape, ndims * sizeof *shape);
    return tensor;
}

static ag_tensor *create(const char *function, ag_arena *arena, uint32_t ndims,
                         const uint32_t *shape)
{
    size_t size = 0;
    if (arena == NULL) {
        ag__fail_null(function, "arena");
        return NULL;
    }
    if (ag__shape_size(function, ndims, shape, &size) != AG_OK) return NULL;
    return ag__tensor_create(arena, ndims, shape, size);
}

ag_tensor *ag_tensor_create(ag_arena *arena, uint32_t ndims, const uint32_t *shape)
{
    return create("tensor_create", arena, ndims, shape);
}

ag_tensor *ag_tensor_create_zeros(ag_arena *arena, uint32_t ndims, const uint32_t *shape)
{
    ag_tensor *tensor = create("tensor_create_zeros", arena, ndims, shape);
    if (tensor != NULL) memset(tensor->data, 0, tensor->size * sizeof *tensor->data);
    return tensor;
}

ag_tensor *ag_tensor_create_from(ag_arena *arena, uint32_t ndims, const uint32_t *shape,
                                 const float *values)
{
    if (values == NULL) {
        ag__fail_missing("tensor_create_from", "values");
        return NULL;
    }
    ag_tensor *tensor = create("tensor_create_from", arena, ndims, shape);
    if (tensor != NULL) memcpy(tensor->data, values, tensor->size * sizeof *values);
    return tensor;
}

ag_tensor *ag_tensor_wrap(ag_arena *arena, uint32_t ndims, const uint32_t *shape, float *data)
{
    size_t size = 0;
    if (arena == NULL || data == NULL) {
        ag__fail_null("tensor_wrap", arena == NULL ? "arena" : "data");
        return NULL;
    }
    if (ag__shape_size("tensor_wrap", ndims, shape, &size) != AG_OK) return NULL;
    ag_tensor *tensor = ag_arena_alloc(arena, sizeof *tensor);
    if (tensor == NULL) return NULL;
    *tensor = (ag_tensor){.ndims = ndims, .size = size, .data = data};
    memcpy(tensor->shape, shape, ndims * sizeof *shape);
    return tensor;
}

bool ag_tensor_same_shape(const ag_tensor *a, const ag_tensor *b)
{
    return a != NULL && b != NULL && a->ndims == b->ndims && a->ndims <= AG_MAX_DIMS &&
           memcmp(a->shape, b->shape, a->ndims * sizeof *a->shape) == 0;
}

static ag_status check_same_shape(const char *function, const ag_tensor *out,
                                  const ag_tensor *tensor, const char *name)
{
    ag_status status = ag__tensor_check(function, "out", out);
    if (status == AG_OK) status = ag__tensor_check(function, name, tensor);
    if (status == AG_OK && !ag_tensor_same_shape(out, tensor))
        status =
            ag__fail(AG_ERROR_SHAPE, "%s: out is %s but %s is %s", function,
                     ag__tensor_shape_text(out).text, name, ag__tensor_shape_text(tensor).text);
    return status;
}

ag_status ag_tensor_fill(ag_tensor *tensor, float value)
{
    ag_status status = ag__tensor_check("tensor_fill", "tensor", tensor);
    if (status != AG_OK) return status;
    for (size_t i = 0; i < tensor->size; i++)
        tensor->data[i] = value;
    return AG_OK;
}

static ag_status check_random_fill(const char *function, const ag_tensor *tensor,
                                   const ag_random *random)
{
    ag_status status = ag__tensor_check(function, "tensor", tensor);
    if (status == AG_OK && random == NULL) status = ag__fail_missing(function, "random");
    return status;
}

ag_status ag_tensor_fill_uniform(ag_tensor *tensor, ag_random *random, float low, float high)
{
    ag_status status = check_random_fill("tensor_fill_uniform", tensor, random);
    if (status != AG_OK) return status;
    for (size_t i = 0; i < tensor->size; i++)
        tensor->data[i] = ag_random_uniform(random, low, high);
    return AG_OK;
}

ag_status ag_tensor_fill_normal(ag_tensor *tensor, ag_random *random, float mean, float stddev)
{
    ag_status status = check_random_fill("tensor_fill_normal", tensor, random);
    if (status != AG_OK) return status;
    for (size_t i = 0; i < tensor->size; i++)
        tensor->data[i] = ag_random_normal(random, mean, stddev);
    return AG_OK;
}

ag_status ag_tensor_copy(ag_tensor *out, const ag_tensor *tensor)
{
    ag_status status = check_same_shape("tensor_copy", out, tensor, "tensor");
    if (status != AG_OK) return status;
    memmove(out->data, tensor->data, tensor->size * sizeof *tensor->data);
    return AG_OK;
}

/* An output may be the input itself, but not share a part of its memory. */
static ag_status check_in_place(const char *function, const ag_tensor *out, const ag_tensor *input,
                                const char *name)
{
    if (out->data == input->data || !ag__tensors_overlap(out, input)) return AG_OK;
    return ag__fail(AG_ERROR_OVERLAP, "%s: out shares a part of its memory with %s", function,
                    name);
}

ag_status ag_tensor_add(ag_tensor *out, const ag_tensor *a, const ag_tensor *b)
{
    ag_status status = check_same_shape("tensor_add", out, a, "a");
    if (status == AG_OK) status = check_same_shape("tensor_add", out, b, "b");
    if (status == AG_OK) status = check_in_place("tensor_add", out, a, "a");
    if (status == AG_OK) status = check_in_place("tensor_add", out, b, "b");
    if (status != AG_OK) return status;
    for (size_t i = 0; i < out->size; i++)
        out->data[i] = a->data[i] + b->data[i];
    return AG_OK;
}
