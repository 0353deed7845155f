/* indices.c: making and checking whole numbers that choose rows. */
#include "config.h"

#include <string.h>

#include "core/status.h"
#include "tensor/shape.h"

static ag_indices *create(const char *function, ag_arena *arena, uint32_t ndims,
                          const uint32_t *shape)
{
    size_t size = 0;
    if (arena == NULL) {
        ag__fail_null(function, "arena");
        return NULL;
    }
    if (ag__shape_size(function, ndims, shape, &size) != AG_OK) return NULL;
    ag_mark mark = ag_arena_mark(arena);
    int32_t *data = ag_arena_alloc(arena, size * sizeof *data);
    ag_indices *indices = data != NULL ? ag_arena_alloc(arena, sizeof *indices) : NULL;
    if (indices == NULL) {
        ag_arena_rewind(arena, mark);
        return NULL;
    }
    *indices = (ag_indices){.ndims = ndims, .size = size, .data = data};
    memcpy(indices->shape, shape, ndims * sizeof *shape);
    return indices;
}

ag_indices *ag_indices_create(ag_arena *arena, uint32_t ndims, const uint32_t *shape)
{
    return create("indices_create", arena, ndims, shape);
}

ag_indices *ag_indices_create_from(ag_arena *arena, uint32_t ndims, const uint32_t *shape,
                                   const int32_t *values)
{
    if (values == NULL) {
        ag__fail_missing("indices_create_from", "values");
        return NULL;
    }
    ag_indices *indices = create("indices_create_from", arena, ndims, shape);
    if (indices != NULL) memcpy(indices->data, values, indices->size * sizeof *values);
    return indices;
}

ag_status ag__indices_check(const char *function, const char *argument, const ag_indices *indices)
{
    if (indices == NULL) return ag__fail_null(function, argument);
    if (indices->data == NULL)
        return ag__fail(AG_ERROR_NULL, "%s: %s have no data", function, argument);
    size_t size = 0;
    ag_status status = ag__shape_size(function, indices->ndims, indices->shape, &size);
    if (status == AG_OK && size != indices->size)
        status =
            ag__fail(AG_ERROR_SHAPE, "%s: %s say that there are %zu of them, but their shape is %s",
                     function, argument, indices->size,
                     ag__shape_to_text(indices->ndims, indices->shape).text);
    return status;
}
