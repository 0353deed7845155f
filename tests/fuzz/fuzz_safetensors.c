/* fuzz_safetensors.c: ag_load_safetensors on any bytes. */
#include "config.h"

#include "fuzz.h"

#include <string.h>

static bool load_safetensors(ag_arena *arena, const char *path)
{
    ag_tensor_file *file = ag_load_safetensors(arena, path);
    if (file == NULL) return false;
    volatile size_t lengths = 0;
    for (size_t i = 0; i < file->num_metadata; i++)
        lengths += strlen(file->metadata[i].key) + strlen(file->metadata[i].value);
    for (size_t i = 0; i < file->count; i++) {
        lengths += strlen(file->tensors[i].name);
        if (!fuzz_usable(file->tensors[i].tensor)) return false;
    }
    return lengths < SIZE_MAX; /* read, so that no compiler leaves the loops out */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    return fuzz_try(load_safetensors, bytes, size);
}
