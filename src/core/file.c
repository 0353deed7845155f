/* file.c: whole files in memory; all memory that readers of files allocate is allocated here. */
#include "config.h"

#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/status.h"

enum {
    LONGEST_NAME = 240, /* how much of a path goes into a message */
    FIRST_CAPACITY = 1 << 16
};

/* ---- messages ---- */

const char *ag__file_name(const char *path)
{
    size_t length = strlen(path);
    return length > LONGEST_NAME ? path + length - LONGEST_NAME : path;
}

/* strerror_r returns the text in GNU's version, and an error number in that of POSIX. */
static inline const char *text_of_gnu(const char *text, const char *buffer)
{
    (void)buffer;
    return text;
}

static inline const char *text_of_posix(int error, const char *buffer)
{
    return error == 0 ? buffer : "unknown error";
}

ag_status ag__fail_by_system(const char *function, const char *what, const char *name, int error)
{
    char buffer[128] = "";
    const char *text =
        _Generic(strerror_r(error, buffer, sizeof buffer), int: text_of_posix, char *: text_of_gnu)(
            strerror_r(error, buffer, sizeof buffer), buffer);
    return ag__fail(AG_ERROR_FILE, "%s: cannot %s %s: %s", function, what, name, text);
}

/* ---- memory ---- */

ag_status ag__bytes_reserve(const char *function, const char *name, ag__bytes *bytes,
                            size_t capacity)
{
    if (capacity <= bytes->capacity) return AG_OK;
    unsigned char *grown = realloc(bytes->data, capacity);
    if (grown == NULL)
        return ag__fail(AG_ERROR_MEMORY, "%s: no memory for %zu bytes of %s", function, capacity,
                        name);
    bytes->data = grown;
    bytes->capacity = capacity;
    return AG_OK;
}

void ag__bytes_free(ag__bytes *bytes)
{
    free(bytes->data);
    *bytes = (ag__bytes){0};
}

/* ---- reading ---- */

/* One byte more than the file seems to have, so that its end is seen without growing. */
static size_t first_capacity(int file)
{
    struct stat status;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0 ||
        (uintmax_t)status.st_size >= PTRDIFF_MAX)
        return FIRST_CAPACITY;
    return (size_t)status.st_size + 1;
}

static ag_status read_to_end(const char *function, const char *name, int file, ag__bytes *bytes)
{
    ag_status status = ag__bytes_reserve(function, name, bytes, first_capacity(file));
    while (status == AG_OK) {
        ssize_t got = read(file, bytes->data + bytes->size, bytes->capacity - bytes->size);
        if (got == 0) return AG_OK;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return ag__fail_by_system(function, "read", name, errno);
        bytes->size += (size_t)got;
        if (bytes->size == bytes->capacity)
            status = ag__bytes_reserve(function, name, bytes, 2 * bytes->capacity);
    }
    return status;
}

ag_status ag__file_read(const char *function, const char *path, ag__bytes *bytes)
{
    const char *name = ag__file_name(path);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return ag__fail_by_system(function, "open", name, errno);
    ag_status status = read_to_end(function, name, file, bytes);
    close(file);
    return status;
}
