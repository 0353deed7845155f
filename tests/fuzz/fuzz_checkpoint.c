/*
 * fuzz_checkpoint.c: ag_load_checkpoint on any bytes. Where they have a checksum it is made right
 * first, so that what lies behind it is reached.
 */
#include "config.h"

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checksum.h"

static bool load_checkpoint(ag_arena *arena, const char *path)
{
    ag_random random;
    ag_checkpoint checkpoint = {.random = &random};
    if (ag_load_checkpoint(arena, path, &checkpoint) == AG_OK) return true;
    if (ag_last_status() != AG_ERROR_ARGUMENT) return false;
    /* a sound checkpoint without a generator does not fit */
    return ag_load_checkpoint(arena, path, &(ag_checkpoint){.random = NULL}) == AG_OK;
}

static void correct_sum(uint8_t *bytes, size_t size)
{
    static const char key[] = "\"autograd.crc32\":\"";
    for (size_t at = sizeof key - 1; at + 8 <= size; at++) {
        if (memcmp(bytes + at - (sizeof key - 1), key, sizeof key - 1) != 0) continue;
        char digits[9];
        memcpy(bytes + at, "00000000", 8);
        snprintf(digits, sizeof digits, "%08x", (unsigned)ag__crc32(0, bytes, size));
        memcpy(bytes + at, digits, 8);
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t *corrected = malloc(size + 1);
    if (corrected == NULL) return 0;
    memcpy(corrected, bytes, size);
    correct_sum(corrected, size);
    fuzz_try(load_checkpoint, bytes, size);
    fuzz_try(load_checkpoint, corrected, size);
    free(corrected);
    return 0;
}
