/*
 * source.c: a file read piece by piece, decompressed on the way if gzip has compressed it.
 *
 * zlib's gzopen and the C library's fopen would take memory that the host cannot see, so files are read
 * by the system's read, and decompressed by inflate with memory from an arena.
 */
#include "config.h"

#include "core/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

#include "core/file.h"
#include "core/status.h"

enum {
    BUFFER_BYTES = 1 << 16,
    SCRATCH_BYTES = 1 << 17 /* the buffer, and the 42 KiB that inflate takes */
};

/* ---- the file's own bytes ---- */

static ag_status read_file(ag__source *source, void *bytes, size_t wanted, size_t *got)
{
    ssize_t count;
    do
        count = read(source->file, bytes, wanted);
    while (count < 0 && errno == EINTR);
    *got = count > 0 ? (size_t)count : 0;
    return count >= 0 ? AG_OK : ag__fail_by_system(source->function, "read", source->name, errno);
}

/* Sees to it that so many bytes are in the buffer, or all that there are. */
static ag_status look_ahead(ag__source *source, size_t bytes)
{
    while (source->left < bytes) {
        size_t got;
        memmove(source->buffer, source->next, source->left);
        source->next = source->buffer;
        ag_status status =
            read_file(source, source->buffer + source->left, BUFFER_BYTES - source->left, &got);
        if (status != AG_OK || got == 0) return status;
        source->left += got;
    }
    return AG_OK;
}

/* Looks whether data compressed by gzip begin here. */
static ag_status look_for_gzip(ag__source *source, bool *found)
{
    ag_status status = look_ahead(source, 2);
    *found = source->left >= 2 && source->next[0] == 0x1f && source->next[1] == 0x8b;
    return status;
}

static ag_status read_plain(ag__source *source, unsigned char *bytes, size_t wanted, size_t *got)
{
    while (*got < wanted) {
        ag_status status = look_ahead(source, 1);
        if (status != AG_OK || source->left == 0) return status;
        size_t count = source->left < wanted - *got ? source->left : wanted - *got;
        memcpy(bytes + *got, source->next, count);
        source->next += count;
        source->left -= count;
        *got += count;
    }
    return AG_OK;
}

/* ---- what gzip has compressed ---- */

#ifdef HAVE_ZLIB

static voidpf allocate_for_zlib(voidpf scratch, uInt items, uInt bytes)
{
    return ag_arena_alloc(scratch, (size_t)items * bytes);
}

/* The scratch arena ends with the source. */
static void release_for_zlib(voidpf scratch, voidpf memory)
{
    (void)scratch, (void)memory;
}

static ag_status fail_without_memory(const ag__source *source)
{
    return ag__fail(AG_ERROR_MEMORY, "%s: no memory to decompress %s", source->function,
                    source->name);
}

static ag_status start_inflation(ag__source *source)
{
    z_stream *inflation = ag_arena_alloc(source->scratch, sizeof *inflation);
    if (inflation == NULL) return fail_without_memory(source);
    *inflation = (z_stream){
        .zalloc = allocate_for_zlib,
        .zfree = release_for_zlib,
        .opaque = source->scratch,
    };
    if (inflateInit2(inflation, 16 + MAX_WBITS) != Z_OK) /* 16: with gzip's header and check sum */
        return fail_without_memory(source);
    source->inflation = inflation;
    return AG_OK;
}

/* Compressed data may follow one after the other; what else follows is ignored, as gzip does. */
static ag_status start_next_member(ag__source *source)
{
    bool found = false;
    ag_status status = look_for_gzip(source, &found);
    source->ended = !found;
    if (found) inflateReset(source->inflation);
    return status;
}

/* One call of inflate, which takes from the buffer what it needs. */
static int inflate_piece(ag__source *source, unsigned char *bytes, size_t room, size_t *got)
{
    z_stream *inflation = source->inflation;
    inflation->next_in = source->next;
    inflation->avail_in = (uInt)source->left;
    inflation->next_out = bytes;
    inflation->avail_out = room < UINT_MAX ? (uInt)room : UINT_MAX;
    int result = inflate(inflation, Z_NO_FLUSH);
    source->left = inflation->avail_in;
    source->next = inflation->next_in;
    *got += (size_t)(inflation->next_out - bytes);
    return result;
}

static ag_status fail_to_inflate(const ag__source *source, int result, size_t given)
{
    if (result == Z_MEM_ERROR) return fail_without_memory(source);
    if (result == Z_BUF_ERROR)
        return ag__fail(AG_ERROR_FORMAT,
                        "%s: %s is cut off: its gzip data ends after giving %zu bytes",
                        source->function, source->name, given);
    return ag__fail(AG_ERROR_FORMAT, "%s: the gzip data of %s is damaged", source->function,
                    source->name);
}

static ag_status read_inflated(ag__source *source, unsigned char *bytes, size_t wanted, size_t *got)
{
    while (*got < wanted && !source->ended) {
        ag_status status = look_ahead(source, 1);
        if (status != AG_OK) return status;
        int result = inflate_piece(source, bytes + *got, wanted - *got, got);
        if (result == Z_STREAM_END)
            status = start_next_member(source);
        else if (result != Z_OK)
            status = fail_to_inflate(source, result, source->position + *got);
        if (status != AG_OK) return status;
    }
    return AG_OK;
}

#else

static ag_status start_inflation(ag__source *source)
{
    return ag__fail(AG_ERROR_FILE,
                    "%s: %s is compressed by gzip, but this library was built without zlib",
                    source->function, source->name);
}

static ag_status read_inflated(ag__source *source, unsigned char *bytes, size_t wanted, size_t *got)
{
    return read_plain(source, bytes, wanted, got);
}

#endif

/* ---- both ---- */

static ag_status start(ag__source *source)
{
    bool is_compressed = false;
    source->scratch = ag_arena_create(SCRATCH_BYTES);
    source->buffer = source->next = ag_arena_alloc(source->scratch, BUFFER_BYTES);
    if (source->buffer == NULL)
        return ag__fail(AG_ERROR_MEMORY, "%s: no memory to read %s", source->function,
                        source->name);
    ag_status status = look_for_gzip(source, &is_compressed);
    return status == AG_OK && is_compressed ? start_inflation(source) : status;
}

ag_status ag__source_open(ag__source *source, const char *function, const char *path)
{
    *source = (ag__source){.function = function, .name = ag__file_name(path)};
    source->file = open(path, O_RDONLY | O_CLOEXEC);
    if (source->file < 0) return ag__fail_by_system(function, "open", source->name, errno);
    ag_status status = start(source);
    if (status != AG_OK) ag__source_close(source);
    return status;
}

ag_status ag__source_read(ag__source *source, void *bytes, size_t wanted, size_t *got)
{
    *got = 0;
    ag_status status = source->inflation != NULL ? read_inflated(source, bytes, wanted, got)
                                                 : read_plain(source, bytes, wanted, got);
    source->position += *got;
    return status;
}

void ag__source_close(ag__source *source)
{
    close(source->file);
    ag_arena_destroy(source->scratch);
}
