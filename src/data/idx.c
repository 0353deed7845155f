/* idx.c: reading IDX files of bytes, plain or compressed by gzip. */
#include "config.h"

#include <autograd/data.h>

#include <errno.h>
#include <stdio.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

#include "core/file.h"
#include "core/status.h"
#include "tensor/shape.h"

enum {
    TYPE_UNSIGNED_BYTE = 0x08, /* the third byte of an IDX file tells its elements' type */
    PIECE_BYTES = 1 << 16
};

typedef struct byte_source {
    const char *name; /* the path, for messages */
    size_t position;  /* bytes read until now */
#ifdef HAVE_ZLIB
    gzFile file;
#else
    FILE *file;
#endif
} byte_source;

#ifdef HAVE_ZLIB

static bool source_open(byte_source *source, const char *path)
{
    source->file = gzopen(path, "rb");
    return source->file != NULL;
}

static void source_close(byte_source *source)
{
    gzclose_r(source->file);
}

static ag_status source_read(byte_source *source, void *bytes, unsigned wanted, size_t *got)
{
    errno = 0;
    int count = gzread(source->file, bytes, wanted);
    int read_error = errno;
    *got = count > 0 ? (size_t)count : 0;
    source->position += *got;
    if (*got == wanted) return AG_OK;

    int status = Z_OK;
    gzerror(source->file, &status);
    switch (status) {
    case Z_OK:
    case Z_STREAM_END: return AG_OK;
    case Z_ERRNO: return ag__fail_by_system("read_idx", "read", source->name, read_error);
    case Z_MEM_ERROR:
        return ag__fail(AG_ERROR_MEMORY, "read_idx: no memory to decompress %s", source->name);
    case Z_BUF_ERROR:
        return ag__fail(AG_ERROR_FORMAT,
                        "read_idx: %s is cut off: its gzip data ends after giving %zu bytes",
                        source->name, source->position);
    default:
        return ag__fail(AG_ERROR_FORMAT, "read_idx: the gzip data of %s is damaged", source->name);
    }
}

#else /* without zlib */

static bool source_open(byte_source *source, const char *path)
{
    source->file = fopen(path, "rb");
    return source->file != NULL;
}

static void source_close(byte_source *source)
{
    fclose(source->file);
}

static ag_status source_read(byte_source *source, void *bytes, unsigned wanted, size_t *got)
{
    errno = 0;
    *got = fread(bytes, 1, wanted, source->file);
    if (*got < wanted && ferror(source->file))
        return ag__fail_by_system("read_idx", "read", source->name, errno);

    const unsigned char *first = bytes;
    bool is_gzip = source->position == 0 && *got >= 2 && first[0] == 0x1f && first[1] == 0x8b;
    source->position += *got;
    if (is_gzip)
        return ag__fail(AG_ERROR_FILE,
                        "read_idx: %s is compressed by gzip, "
                        "but this library was built without zlib",
                        source->name);
    return AG_OK;
}

#endif

static ag_status check_magic(const byte_source *source, const unsigned char magic[4], size_t got)
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
static ag_status read_header(byte_source *source, ag__shape *shape, size_t *count)
{
    unsigned char magic[4];
    unsigned char sizes[AG_MAX_DIMS][4];
    size_t got = 0;
    ag_status status = source_read(source, magic, sizeof magic, &got);
    if (status == AG_OK) status = check_magic(source, magic, got);
    if (status != AG_OK) return status;

    shape->ndims = magic[3];
    status = source_read(source, sizes, 4 * shape->ndims, &got);
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
static ag_status read_elements(byte_source *source, size_t count, ag__bytes *bytes)
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
        unsigned wanted = room < PIECE_BYTES ? (unsigned)room : PIECE_BYTES;
        ag_status status = source_read(source, bytes->data + bytes->size, wanted, &got);
        if (status != AG_OK) return status;
        bytes->size += got;
    }
    return AG_OK;
}

/* Checks that the file held what its header says, and nothing after it. */
static ag_status check_length(byte_source *source, const ag__shape *shape, size_t count,
                              size_t filled)
{
    ag__shape_text text = ag__shape_to_text(shape->ndims, shape->dims);
    if (filled < count)
        return ag__fail(AG_ERROR_FORMAT,
                        "read_idx: %s should hold %zu elements of shape %s, but ends after %zu",
                        source->name, count, text.text, filled);
    unsigned char extra;
    size_t got = 0;
    ag_status status = source_read(source, &extra, 1, &got);
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

static ag_tensor *read_tensor(ag_arena *arena, byte_source *source)
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
    byte_source source = {.name = ag__file_name(path)};
    errno = 0;
    if (!source_open(&source, path)) {
        ag__fail_by_system("read_idx", "open", source.name, errno != 0 ? errno : ENOMEM);
        return NULL;
    }
    ag_tensor *tensor = read_tensor(arena, &source);
    source_close(&source);
    return tensor;
}
