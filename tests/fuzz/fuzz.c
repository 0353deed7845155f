/* fuzz.c: what every reader must keep to, whatever a file contains. */
#include "config.h"

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than any corpus needs, and little enough that a file which asks for more is noticed. */
#define ARENA_LIMIT ((size_t)64 << 20)

static char path[] = "/tmp/fuzzed-XXXXXX";
static int file = -1;

static void require(bool kept, const char *promise)
{
    if (kept) return;
    fprintf(stderr, "broken promise: %s (%s: %s)\n", promise, ag_status_name(ag_last_status()),
            ag_last_error());
    abort();
}

static void remove_file(void)
{
    unlink(path);
}

/* One file for the program's life, with other content each time. */
static void write_file(const uint8_t *bytes, size_t size)
{
    if (file < 0) {
        file = mkstemp(path);
        require(file >= 0, "a temporary file can be made");
        atexit(remove_file);
    }
    bool written = ftruncate(file, 0) == 0 && pwrite(file, bytes, size, 0) == (ssize_t)size;
    require(written, "a temporary file can be written");
}

static void check_failure(const ag_arena *arena)
{
    ag_status status = ag_last_status();
    require(status == AG_ERROR_FILE || status == AG_ERROR_FORMAT || status == AG_ERROR_SHAPE ||
                status == AG_ERROR_MEMORY,
            "a failure has a status that fits");
    bool named = strstr(ag_last_error(), path) != NULL;
    require(named || status == AG_ERROR_MEMORY, "a failure's message names the file");
    require(ag_arena_used(arena) == 0, "a failure takes nothing from the arena");
}

bool fuzz_usable(const ag_tensor *tensor)
{
    if (tensor == NULL) return false;
    size_t size = 1;
    require(tensor->ndims >= 1 && tensor->ndims <= AG_MAX_DIMS, "a tensor has 1 to 8 dimensions");
    for (uint32_t i = 0; i < tensor->ndims; i++)
        size *= tensor->shape[i];
    require(size > 0 && size == tensor->size, "a tensor's size is that of its shape");
    volatile float last = 0;
    for (size_t i = 0; i < tensor->size; i++)
        last = tensor->data[i];
    (void)last;
    return true;
}

int fuzz_try(fuzz_read *read, const uint8_t *bytes, size_t size)
{
    ag_arena *arena = ag_arena_create(64);
    require(arena != NULL && ag_arena_set_limit(arena, ARENA_LIMIT) == AG_OK,
            "an arena can be made");
    write_file(bytes, size);
    ag_clear_error();
    if (!read(arena, path)) check_failure(arena);
    ag_arena_destroy(arena);
    return 0;
}
