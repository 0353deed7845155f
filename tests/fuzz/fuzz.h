/*
 * fuzz.h: fuzz targets for readers of files. A target is one small file: it says how to read, and
 * fuzz.c checks what must hold whatever the file contains. Linked with libFuzzer (`make fuzz`) it is
 * hunted with, linked with replay.c (`make check`) it replays the corpus.
 */
#ifndef AG_TESTS_FUZZ_H
#define AG_TESTS_FUZZ_H

#include <autograd/autograd.h>

/* Reads a file. Returns whether it could, and in the arena has made valid tensors alone. */
typedef bool fuzz_read(ag_arena *arena, const char *path);

/* Whether a reader has made a tensor that can be used; reads every element of it. */
bool fuzz_usable(const ag_tensor *tensor);

/*
 * Has a file of these bytes read, and ends the program if the reader breaks a promise: a failure has
 * a status and a message that names the file, and takes nothing from the arena.
 */
int fuzz_try(fuzz_read *read, const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
