/* idx.c: reading IDX files of bytes, plain or compressed by gzip. */
#include "config.h"

#include <autograd/data.h>

#include "core/file.h"
#include "core/source.h"
#include "core/status.h"
#include "tensor/shape.h"

enum {
    TYPE_UNSIGNED_BYTE = 0x08, /* the third byte of an IDX file tells its elements' type */
    PIECE_BYTES = 1 << 16
};

static ag_status check_magic(const ag__source *source, const unsigned char magic[4], size_t got)
{
    if (got < 4)
        return ag__fail(AG_ERROR_FORMAT, "read_idx: %s holds %zu bytes, less than an IDX header",
                        source->name, got);
    if (magic[0] != 0 || magic[1] != 0)
        return ag__fail(AG_ERROR_FORMAT,
                        "read_idx: %s is no IDX file: it starts with bytes %02x %02x, not 00 00",
                        source->name, magic[0], magic[1]);
    if (magic[2] != TYPE_UNSIGNED_BYTE)
        return ag__fail(AG_ERROR_FORMAT,
                        "read_idx: %s has elements of IDX type 0x%02x; only 0x08, unsigned bytes, "
                        "can be read",
                        source->name, magic[2]);
    if (magic[3] == 0 || magic[3] > AG_MAX_DIMS)
        return ag__fail(AG_ERROR_SHAPE, "read_idx: %s has %d dimensions; a tensor has 1 to %d",
                        source->name, magic[3], AG_MAX_DIMS);
    return AG_OK;
}

/* The header: 00 00, the type, the number of dimensions, then each as 32 bits, high byte first. */
static ag_status read_header(ag__source *source, ag__shape *shape, size_t *count)
{
    unsigned char magic[4];
    unsigned char sizes[AG_MAX_DIMS][4];
    size_t got = 0;
    ag_status status = ag__source_read(source, magic, sizeof magic, &got);
    if (status == AG_OK) status = check_magic(source, magic, got);
    if (status != AG_OK) return status;

    shape->ndims = magic[3];
    status = ag__source_read(source, sizes, 4 * shape->ndims, &got);
    if (status != AG_OK) return status;
    if (got < 4 * shape->ndims)
        return ag__fail(AG_ERROR_FORMAT,
                        "read_idx: %s ends within its header, after %zu of %u bytes", source->name,
                        source->position, 4 + 4 * (unsigned)shape->ndims);
    for (uint32_t i = 0; i < shape->ndims; i++)
        shape->dims[i] = (uint32_t)sizes[i][0] << 24 | (uint32_t)sizes[i][1] << 16 |
                         (uint32_t)sizes[i][2] << 8 | sizes[i][3];
    return ag__shape_size_of("read_idx", source->name, shape->ndims, shape->dims, count);
}

/*
 * Reads up to count bytes into memory that the caller frees, also after a failure. The memory grows
 * with what arrives: a header that promises too much costs no more than twice what the file holds.
 */
static ag_status read_elements(ag__source *source, size_t count, ag__bytes *bytes)
{
    size_t got = 1;
    while (bytes->size < count && got > 0) {
        if (bytes->size == bytes->capacity) {
            size_t capacity = bytes->capacity == 0 ? PIECE_BYTES : 2 * bytes->capacity;
            ag_status status = ag__bytes_reserve("read_idx", source->name, bytes,
                                                 capacity < count ? capacity : count);
            if (status != AG_OK) return status;
        }
        size_t room = bytes->capacity - bytes->size;
        ag_status status = ag__source_read(source, bytes->data + bytes->size,
                                           room < PIECE_BYTES ? room : PIECE_BYTES, &got);
        if (status != AG_OK) return status;
        bytes->size += got;
    }
    return AG_OK;
}

/* Checks that the file held what its header says, and nothing after it. */
static ag_status check_length(ag__source *source, const ag__shape *shape, size_t count,
                              size_t filled)
{
    ag__shape_text text = ag__shape_to_text(shape->ndims, shape->dims);
    if (filled < count)
        return ag__fail(AG_ERROR_FORMAT,
                        "read_idx: %s should hold %zu elements of shape %s, but ends after %zu",
                        source->name, count, text.text, filled);
    unsigned char extra;
    size_t got = 0;
    ag_status status = ag__source_read(source, &extra, 1, &got);
    if (status == AG_OK && got > 0)
        status = ag__fail(AG_ERROR_FORMAT,
                          "read_idx: %s should end after %zu elements of shape %s, but goes on",
                          source->name, count, text.text);
    return status;
}

static ag_tensor *create_from_bytes(ag_arena *arena, const ag__shape *shape,
                                    const unsigned char *bytes)
{
    ag_mark start = ag_arena_mark(arena);
    ag_tensor *tensor = ag_tensor_create(arena, shape->ndims, shape->dims);
    if (tensor == NULL) {
        ag_arena_rewind(arena, start);
        return NULL;
    }
    for (size_t i = 0; i < tensor->size; i++)
        tensor->data[i] = bytes[i];
    return tensor;
}

static ag_tensor *read_tensor(ag_arena *arena, ag__source *source)
{
    ag__shape shape = {0};
    size_t count = 0;
    ag__bytes bytes = {0};
    ag_status status = read_header(source, &shape, &count);
    if (status == AG_OK) status = read_elements(source, count, &bytes);
    if (status == AG_OK) status = check_length(source, &shape, count, bytes.size);
    ag_tensor *tensor = status == AG_OK ? create_from_bytes(arena, &shape, bytes.data) : NULL;
    ag__bytes_free(&bytes);
    return tensor;
}

ag_tensor *ag_read_idx(ag_arena *arena, const char *path)
{
    if (arena == NULL) {
        ag__fail_null("read_idx", "arena");
        return NULL;
    }
    if (path == NULL) {
        ag__fail_missing("read_idx", "path");
        return NULL;
    }
    ag__source source;
    if (ag__source_open(&source, "read_idx", path) != AG_OK) return NULL;
    ag_tensor *tensor = read_tensor(arena, &source);
    ag__source_close(&source);
    return tensor;
}
