/* fuzz_idx.c: ag_read_idx on any bytes, plain or compressed by gzip. */
#include "config.h"

#include "fuzz.h"

static bool read_idx(ag_arena *arena, const char *path)
{
    return fuzz_usable(ag_read_idx(arena, path));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    return fuzz_try(read_idx, bytes, size);
}
