/* safetensors.c: reading tensors from a safetensors file. */
#include "config.h"

#include "io/safetensors.h"

#include <string.h>

#include "core/file.h"
#include "core/status.h"

void ag__stored_read(const ag__safetensors *file, const ag__stored *stored, float *out)
{
    ag__elements_to_float(stored->type, stored->size, file->data + stored->begin, out);
}

const ag__stored *ag__safetensors_find(const ag__safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i];
    return NULL;
}

ag_status ag__safetensors_match(const char *function, const char *file_name,
                                const ag__safetensors *file, const char *name,
                                const ag_tensor *tensor)
{
    const ag__stored *stored = ag__safetensors_find(file, name);
    if (stored == NULL)
        return ag__fail(AG_ERROR_ARGUMENT, "%s: %s holds no tensor \"%.80s\"", function, file_name,
                        name);
    bool same = stored->shape.ndims == tensor->ndims &&
                memcmp(stored->shape.dims, tensor->shape, tensor->ndims * sizeof(uint32_t)) == 0;
    if (same) return AG_OK;
    return ag__fail(AG_ERROR_SHAPE, "%s: \"%.80s\" is %s but %s in %s", function, name,
                    ag__tensor_shape_text(tensor).text,
                    ag__shape_to_text(stored->shape.ndims, stored->shape.dims).text, file_name);
}

/* ---- all tensors of a file ---- */

static ag_tensor_file *load(ag_arena *arena, const char *name, const unsigned char *bytes,
                            size_t size)
{
    ag__safetensors file;
    if (ag__safetensors_parse("load_safetensors", arena, name, bytes, size, &file) != AG_OK)
        return NULL;
    ag_tensor_file *loaded = ag_arena_alloc(arena, sizeof *loaded);
    ag_named_tensor *tensors = ag_arena_alloc(arena, (file.count + 1) * sizeof *tensors);
    if (loaded == NULL || tensors == NULL) return NULL;
    for (size_t i = 0; i < file.count; i++) {
        const ag__stored *stored = &file.tensors[i];
        ag_tensor *tensor = ag_tensor_create(arena, stored->shape.ndims, stored->shape.dims);
        if (tensor == NULL) return NULL;
        ag__stored_read(&file, stored, tensor->data);
        tensors[i] = (ag_named_tensor){stored->name, tensor};
    }
    *loaded = (ag_tensor_file){file.count, tensors, file.num_metadata, file.metadata};
    return loaded;
}

ag_tensor_file *ag__safetensors_load(ag_arena *arena, const char *name, const unsigned char *bytes,
                                     size_t size)
{
    ag_mark mark = ag_arena_mark(arena);
    ag_tensor_file *loaded = load(arena, name, bytes, size);
    if (loaded == NULL) ag_arena_rewind(arena, mark);
    return loaded;
}

ag_tensor_file *ag_load_safetensors(ag_arena *arena, const char *path)
{
    if (arena == NULL || path == NULL) {
        ag__fail_null("load_safetensors", arena == NULL ? "arena" : "path");
        return NULL;
    }
    ag__bytes bytes = {0};
    ag_tensor_file *loaded = NULL;
    if (ag__file_read("load_safetensors", path, &bytes) == AG_OK)
        loaded = ag__safetensors_load(arena, ag__file_name(path), bytes.data, bytes.size);
    ag__bytes_free(&bytes);
    return loaded;
}

ag_tensor *ag_tensor_file_find(const ag_tensor_file *file, const char *name)
{
    if (file == NULL || name == NULL) {
        ag__fail_null("tensor_file_find", file == NULL ? "file" : "name");
        return NULL;
    }
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].name, name) == 0) return file->tensors[i].tensor;
    ag__fail(AG_ERROR_ARGUMENT, "tensor_file_find: no tensor \"%.80s\"", name);
    return NULL;
}

/* ---- into tensors that are there ---- */

static ag_status check_named(size_t count, const ag_named_tensor *tensors)
{
    if (tensors == NULL && count > 0) return ag__fail_missing("load_weights", "tensors");
    for (size_t i = 0; i < count; i++) {
        if (tensors[i].name == NULL) return ag__fail_missing("load_weights", "one of the names");
        ag_status status =
            ag__tensor_check("load_weights", "one of the tensors", tensors[i].tensor);
        if (status != AG_OK) return status;
    }
    return AG_OK;
}

static ag_status fill(ag_arena *scratch, const char *name, const ag__bytes *bytes, size_t count,
                      const ag_named_tensor *tensors)
{
    ag__safetensors file;
    ag_status status =
        ag__safetensors_parse("load_weights", scratch, name, bytes->data, bytes->size, &file);
    for (size_t i = 0; i < count && status == AG_OK; i++)
        status =
            ag__safetensors_match("load_weights", name, &file, tensors[i].name, tensors[i].tensor);
    for (size_t i = 0; i < count && status == AG_OK; i++)
        ag__stored_read(&file, ag__safetensors_find(&file, tensors[i].name),
                        tensors[i].tensor->data);
    return status;
}

ag_status ag_load_weights(const char *path, size_t count, const ag_named_tensor *tensors)
{
    if (path == NULL) return ag__fail_missing("load_weights", "path");
    ag_status status = check_named(count, tensors);
    if (status != AG_OK) return status;
    ag__bytes bytes = {0};
    ag_arena *scratch = ag_arena_create(4096);
    if (scratch == NULL) return ag_last_status();
    status = ag__file_read("load_weights", path, &bytes);
    if (status == AG_OK) status = fill(scratch, ag__file_name(path), &bytes, count, tensors);
    ag__bytes_free(&bytes);
    ag_arena_destroy(scratch);
    return status;
}
