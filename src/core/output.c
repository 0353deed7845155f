/* output.c: writing to a temporary file that takes the place of the old one at the end. */
#include "config.h"

#include "core/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/checksum.h"
#include "core/file.h"
#include "core/text.h"

#ifdef PATH_MAX
_Static_assert(AG__LONGEST_PATH >= PATH_MAX, "realpath writes up to PATH_MAX bytes");
#endif

static void fail(ag__output *output, const char *what, int error)
{
    output->status = ag__fail_by_system(output->function, what, output->name, error);
}

/* ---- opening ---- */

/* Creates a file of a name that nobody else has, with the permissions of the file to be replaced. */
static void create_temporary(ag__output *output, const struct stat *old)
{
    static atomic_uint counter;
    for (int attempt = 0; attempt < 100; attempt++) {
        snprintf(output->temporary_path, sizeof output->temporary_path, "%s.%ld-%u.tmp",
                 output->path, (long)getpid(), atomic_fetch_add(&counter, 1));
        output->file = open(output->temporary_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (output->file >= 0 || errno != EEXIST) break; /* one that a killed process left */
    }
    if (output->file < 0)
        fail(output, "create a temporary file beside", errno);
    else
        output->is_temporary = true;
    if (output->file >= 0 && old != NULL) (void)fchmod(output->file, old->st_mode & 07777);
}

/* A link is followed, so that it is its file that is replaced. */
static bool find_target(ag__output *output, const char *path)
{
    struct stat link;
    if (lstat(path, &link) == 0 && S_ISLNK(link.st_mode) && realpath(path, output->path) != NULL)
        return true;
    if (strlen(path) >= sizeof output->path) {
        fail(output, "write", ENAMETOOLONG);
        return false;
    }
    strcpy(output->path, path);
    return true;
}

static void start(ag__output *output, const char *function, const char *name)
{
    output->function = function;
    output->name = name;
    output->status = AG_OK;
    output->file = -1;
    output->is_temporary = false;
    output->position = 0;
    output->crc = 0;
    output->filled = 0;
}

void ag__output_measure(ag__output *output)
{
    start(output, "", "");
}

void ag__output_open(ag__output *output, const char *function, const char *path)
{
    struct stat old;
    start(output, function, ag__file_name(path));
    if (!find_target(output, path)) return;
    bool exists = stat(output->path, &old) == 0;
    if (!exists || S_ISREG(old.st_mode)) {
        create_temporary(output, exists ? &old : NULL);
        return;
    }
    output->file = open(output->path, O_WRONLY | O_CLOEXEC);
    if (output->file < 0) fail(output, "open", errno);
}

/* ---- writing ---- */

static void flush(ag__output *output)
{
    size_t written = 0;
    while (output->file >= 0 && output->status == AG_OK && written < output->filled) {
        ssize_t count = write(output->file, output->buffer + written, output->filled - written);
        if (count < 0 && errno != EINTR) fail(output, "write", errno);
        if (count > 0) written += (size_t)count;
    }
    output->filled = 0;
}

void ag__output_bytes(ag__output *output, const void *bytes, size_t size)
{
    const char *next = bytes;
    if (output->status != AG_OK) return;
    output->position += size;
    if (output->file < 0) {
        output->crc = ag__crc32(output->crc, bytes, size);
        return;
    }
    while (size > 0) {
        size_t room = sizeof output->buffer - output->filled;
        size_t count = size < room ? size : room;
        memcpy(output->buffer + output->filled, next, count);
        output->filled += count;
        next += count;
        size -= count;
        if (output->filled == sizeof output->buffer) flush(output);
    }
}

void ag__output_text(ag__output *output, const char *text)
{
    ag__output_bytes(output, text, strlen(text));
}

/* What is formatted is short: a few numbers. */
void ag__output_format(ag__output *output, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = ag__format(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length > 0)
        ag__output_bytes(output, text,
                         (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

/* ---- closing ---- */

/* A new name is on the disk only when its folder is. Some file systems cannot say so. */
static void sync_folder(ag__output *output)
{
    char *slash = strrchr(output->path, '/');
    if (slash != NULL) slash[slash == output->path ? 1 : 0] = '\0';
    int folder = open(slash != NULL ? output->path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return; /* a folder may be one that can be written to and not be read */
    if (fsync(folder) != 0 && errno != EINVAL && errno != ENOTSUP)
        fail(output, "bring to the disk the folder of", errno);
    close(folder);
}

static void finish(ag__output *output)
{
    flush(output);
    if (output->is_temporary && output->status == AG_OK && fsync(output->file) != 0)
        fail(output, "bring to the disk", errno);
    if (close(output->file) != 0 && output->status == AG_OK) fail(output, "close", errno);
    if (!output->is_temporary) return;
    if (output->status == AG_OK && rename(output->temporary_path, output->path) != 0)
        fail(output, "replace", errno);
    if (output->status == AG_OK)
        sync_folder(output);
    else
        unlink(output->temporary_path);
}

ag_status ag__output_close(ag__output *output)
{
    if (output->file >= 0) finish(output);
    output->file = -1;
    return output->status;
}
