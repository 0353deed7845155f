/* output.h: writing a file that is there as a whole or not at all. */
#ifndef AG_CORE_OUTPUT_H
#define AG_CORE_OUTPUT_H

#include "core/status.h"

enum { AG__LONGEST_PATH = 4096 };

/*
 * A file being written. What is written goes to a temporary file in the same folder, which takes the
 * place of the old one when the output is closed. The first failure is kept and ends the writing, so
 * that one check, at the close, is enough. Nothing is allocated.
 */
typedef struct ag__output {
    const char *function; /* for messages */
    const char *name;
    ag_status status;
    int file;          /* -1: nothing is written, only counted and summed */
    bool is_temporary; /* false for a device or a pipe, which is written to directly */
    uint64_t position; /* bytes written until now */
    uint32_t crc;      /* of all of them, where they are only measured */
    size_t filled;
    char path[AG__LONGEST_PATH];
    char temporary_path[AG__LONGEST_PATH + 64];
    char buffer[8192];
} ag__output;

/* Starts an output. A failure is kept as any later one. */
void ag__output_open(ag__output *output, const char *function, const char *path);

/* Starts an output that only counts and sums what would be written. */
void ag__output_measure(ag__output *output);

void ag__output_bytes(ag__output *output, const void *bytes, size_t size);
void ag__output_text(ag__output *output, const char *text);
void ag__output_format(ag__output *output, const char *format, ...) AG__PRINTF(2, 3);

/*
 * Ends the output: the bytes reach the disk, then the file gets its name. Gives the first failure
 * of all, after which the old file is as it was and the temporary one is gone.
 */
ag_status ag__output_close(ag__output *output);

#endif
