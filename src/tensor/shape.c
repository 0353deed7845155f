/* shape.c: sizes and texts of shapes. */
#include "config.h"

#include "tensor/shape.h"

#include <stdio.h>
#include <string.h>

#include "core/status.h"

ag__shape ag__shape_of(const ag_tensor *tensor)
{
    ag__shape shape = {.ndims = tensor->ndims};
    for (uint32_t i = 0; i < tensor->ndims; i++)
        shape.dims[i] = tensor->shape[i];
    return shape;
}

ag__shape_text ag__shape_to_text(uint32_t ndims, const uint32_t *dims)
{
    ag__shape_text shape = {"["};
    size_t length = 1;
    for (uint32_t i = 0; i < ndims && i < AG_MAX_DIMS; i++)
        length += (size_t)snprintf(shape.text + length, sizeof shape.text - length,
                                   i == 0 ? "%u" : ", %u", (unsigned)dims[i]);
    shape.text[length] = ']';
    shape.text[length + 1] = '\0';
    return shape;
}

ag__shape_text ag__tensor_shape_text(const ag_tensor *tensor)
{
    return ag__shape_to_text(tensor->ndims, tensor->shape);
}

ag_status ag__shape_size_of(const char *function, const char *what, uint32_t ndims,
                            const uint32_t *dims, size_t *size)
{
    if (ndims == 0 || ndims > AG_MAX_DIMS)
        return ag__fail(AG_ERROR_SHAPE, "%s: %s has %u dimensions; a tensor has 1 to %d", function,
                        what, (unsigned)ndims, AG_MAX_DIMS);
    size_t product = 1;
    for (uint32_t i = 0; i < ndims; i++) {
        if (dims[i] == 0)
            return ag__fail(AG_ERROR_SHAPE, "%s: dimension %u of %s %s is 0", function, (unsigned)i,
                            what, ag__shape_to_text(ndims, dims).text);
        if (product > PTRDIFF_MAX / sizeof(float) / dims[i])
            return ag__fail(AG_ERROR_SHAPE, "%s: %s %s has more elements than memory can hold",
                            function, what, ag__shape_to_text(ndims, dims).text);
        product *= dims[i];
    }
    *size = product;
    return AG_OK;
}

ag_status ag__shape_size(const char *function, uint32_t ndims, const uint32_t *dims, size_t *size)
{
    if (dims == NULL) return ag__fail_missing(function, "shape");
    return ag__shape_size_of(function, "shape", ndims, dims, size);
}

ag_status ag__tensor_check(const char *function, const char *argument, const ag_tensor *tensor)
{
    if (tensor == NULL) return ag__fail_null(function, argument);
    if (tensor->data == NULL)
        return ag__fail(AG_ERROR_NULL, "%s: %s has no data", function, argument);
    size_t size = 0;
    ag_status status = ag__shape_size_of(function, argument, tensor->ndims, tensor->shape, &size);
    if (status == AG_OK && size != tensor->size)
        status =
            ag__fail(AG_ERROR_SHAPE, "%s: %s says that it has %zu elements, but its shape is %s",
                     function, argument, tensor->size, ag__tensor_shape_text(tensor).text);
    return status;
}

bool ag__tensors_overlap(const ag_tensor *a, const ag_tensor *b)
{
    return (uintptr_t)a->data < (uintptr_t)(b->data + b->size) &&
           (uintptr_t)b->data < (uintptr_t)(a->data + a->size);
}

size_t ag__tensor_columns(const ag_tensor *tensor)
{
    return tensor->shape[tensor->ndims - 1];
}

size_t ag__tensor_rows(const ag_tensor *tensor)
{
    return tensor->size / ag__tensor_columns(tensor);
}

ag__shape_text ag__index_text(uint32_t ndims, const uint32_t *shape, size_t offset)
{
    uint32_t index[AG_MAX_DIMS];
    for (uint32_t i = ndims; i-- > 0;) {
        index[i] = (uint32_t)(offset % shape[i]);
        offset /= shape[i];
    }
    return ag__shape_to_text(ndims, index);
}

bool ag__one_per_row(uint32_t ndims, const uint32_t *shape, size_t size, const ag_tensor *x)
{
    if (size != ag__tensor_rows(x)) return false;
    if (ndims == 1 || (ndims == 2 && shape[1] == 1)) return true;
    uint32_t leading = x->ndims - 1; /* the size leaves only a 1 to follow them */
    return (ndims == leading || ndims == leading + 1) &&
           memcmp(shape, x->shape, leading * sizeof *x->shape) == 0;
}
