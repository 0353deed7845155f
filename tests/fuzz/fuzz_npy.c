/* fuzz_npy.c: ag_load_npy on any bytes. */
#include "config.h"

#include "fuzz.h"

static bool load_npy(ag_arena *arena, const char *path)
{
    return fuzz_usable(ag_load_npy(arena, path));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    return fuzz_try(load_npy, bytes, size);
}
