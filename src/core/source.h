/* source.h: a file read piece by piece, decompressed on the way if gzip has compressed it. */
#ifndef AG_CORE_SOURCE_H
#define AG_CORE_SOURCE_H

#include <autograd/arena.h>

/* All memory that it needs, zlib's too, comes from an arena of its own: about 128 KiB. */
typedef struct ag__source {
    const char *function; /* for messages */
    const char *name;
    size_t position; /* bytes given until now */

    int file;
    ag_arena *scratch;
    unsigned char *buffer; /* what was read from the file … */
    unsigned char *next;   /* … and of that, what is not used yet */
    size_t left;
    struct z_stream_s *inflation; /* NULL for a file that is not compressed */
    bool ended;                   /* the last of the compressed data has been given */
} ag__source;

/* Opens a file on behalf of a function. Close it unless this fails. */
ag_status ag__source_open(ag__source *source, const char *function, const char *path);

/* Reads as many bytes as are wanted, or fewer at the end. */
ag_status ag__source_read(ag__source *source, void *bytes, size_t wanted, size_t *got);

void ag__source_close(ag__source *source);

#endif
