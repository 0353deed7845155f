/* dlpack.c: tensors shared with other libraries. */
#include "config.h"

#include <autograd/dlpack.h>

#include "core/status.h"
#include "tensor/shape.h"

enum { CPU = 1, FLOATING_POINT = 2 };

/* The arena's memory is freed by the arena. */
static void delete_nothing(ag_dl_managed_tensor *self)
{
    (void)self;
}

ag_dl_managed_tensor *ag_tensor_to_dlpack(ag_arena *arena, ag_tensor *tensor)
{
    if (arena == NULL) {
        ag__fail_null("tensor_to_dlpack", "arena");
        return NULL;
    }
    if (ag__tensor_check("tensor_to_dlpack", "tensor", tensor) != AG_OK) return NULL;
    ag_dl_managed_tensor *managed =
        ag_arena_alloc(arena, sizeof *managed + 2 * AG_MAX_DIMS * sizeof(int64_t));
    if (managed == NULL) return NULL;
    int64_t *shape = (int64_t *)(managed + 1), *strides = shape + AG_MAX_DIMS, stride = 1;
    for (uint32_t i = tensor->ndims; i-- > 0;) {
        shape[i] = tensor->shape[i];
        strides[i] = stride;
        stride *= shape[i];
    }
    *managed = (ag_dl_managed_tensor){.dl_tensor = {.data = tensor->data,
                                                    .device = {.device_type = CPU},
                                                    .ndim = (int32_t)tensor->ndims,
                                                    .dtype = {FLOATING_POINT, 32, 1},
                                                    .shape = shape,
                                                    .strides = strides},
                                      .deleter = delete_nothing};
    return managed;
}

static ag_status check_elements(const ag_dl_tensor *t)
{
    if (t->device.device_type != CPU)
        return ag__fail(AG_ERROR_ARGUMENT,
                        "tensor_from_dlpack: the tensor is on a device of type %d, not 1, the CPU",
                        (int)t->device.device_type);
    if (t->dtype.code != FLOATING_POINT || t->dtype.bits != 32 || t->dtype.lanes != 1)
        return ag__fail(AG_ERROR_ARGUMENT,
                        "tensor_from_dlpack: elements are of type code %u with %u bits and %u "
                        "lanes, not float: 2, 32, 1",
                        t->dtype.code, t->dtype.bits, t->dtype.lanes);
    if (t->data == NULL) return ag__fail_missing("tensor_from_dlpack", "data");
    if (t->byte_offset > UINTPTR_MAX - (uintptr_t)t->data)
        return ag__fail(AG_ERROR_ARGUMENT, "tensor_from_dlpack: byte_offset is %llu: beyond memory",
                        (unsigned long long)t->byte_offset);
    if (((uintptr_t)t->data + (uintptr_t)t->byte_offset) % sizeof(float) != 0)
        return ag__fail(AG_ERROR_ARGUMENT, "tensor_from_dlpack: data are not aligned for float");
    return AG_OK;
}

/* A dimension of 1 may have any stride. */
static ag_status check_strides(const ag_dl_tensor *t, const ag__shape *shape)
{
    int64_t expected = 1;
    for (uint32_t i = shape->ndims; i-- > 0; expected *= shape->dims[i])
        if (t->strides != NULL && shape->dims[i] > 1 && t->strides[i] != expected)
            return ag__fail(AG_ERROR_ARGUMENT,
                            "tensor_from_dlpack: stride %u is %lld, not %lld: the tensor is not "
                            "contiguous and row-major",
                            i, (long long)t->strides[i], (long long)expected);
    return AG_OK;
}

static ag_status read_shape(const ag_dl_tensor *t, ag__shape *shape)
{
    if (t->ndim < 0 || t->ndim > AG_MAX_DIMS)
        return ag__fail(AG_ERROR_SHAPE, "tensor_from_dlpack: %d dimensions; a tensor has 1 to %d",
                        (int)t->ndim, AG_MAX_DIMS);
    if (t->ndim > 0 && t->shape == NULL) return ag__fail_missing("tensor_from_dlpack", "shape");
    *shape = (ag__shape){.ndims = 1, .dims = {1}};
    for (int32_t i = 0; i < t->ndim; i++) {
        if (t->shape[i] < 1 || t->shape[i] > UINT32_MAX)
            return ag__fail(AG_ERROR_SHAPE, "tensor_from_dlpack: dimension %d is %lld", (int)i,
                            (long long)t->shape[i]);
        shape->ndims = (uint32_t)i + 1;
        shape->dims[i] = (uint32_t)t->shape[i];
    }
    size_t unused;
    return ag__shape_size("tensor_from_dlpack", shape->ndims, shape->dims, &unused);
}

ag_tensor *ag_tensor_from_dlpack(ag_arena *arena, const ag_dl_managed_tensor *managed)
{
    ag__shape shape;
    if (arena == NULL || managed == NULL) {
        ag__fail_null("tensor_from_dlpack", arena == NULL ? "arena" : "managed");
        return NULL;
    }
    const ag_dl_tensor *t = &managed->dl_tensor;
    if (check_elements(t) != AG_OK || read_shape(t, &shape) != AG_OK ||
        check_strides(t, &shape) != AG_OK)
        return NULL;
    return ag_tensor_wrap(arena, shape.ndims, shape.dims,
                          (float *)((char *)t->data + t->byte_offset));
}
