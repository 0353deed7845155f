/* safetensors.h: named tensors in one file: reading its header, its tensors, and writing it. */
#ifndef AG_IO_SAFETENSORS_H
#define AG_IO_SAFETENSORS_H

#include <autograd/io.h>

#include "io/elements.h"
#include "tensor/shape.h"

/* The metadata key of a checkpoint's checksum. */
#define AG__CHECKSUM_KEY "autograd.crc32"

/* A tensor as the header describes it; its offsets have been checked. */
typedef struct ag__stored {
    const char *name;
    ag__element type;
    ag__shape shape;
    size_t size;         /* number of elements */
    uint64_t begin, end; /* of its bytes, from the header's end */
} ag__stored;

typedef struct ag__safetensors {
    const unsigned char *data; /* what follows the header */
    size_t count;
    ag__stored *tensors;
    size_t num_metadata;
    ag_metadata *metadata;
    size_t checksum_at; /* where in the file the checksum's digits are; 0 if it has none */
} ag__safetensors;

/* Reads the header of a file in memory. What it yields lives in the arena and refers to the bytes. */
ag_status ag__safetensors_parse(const char *function, ag_arena *arena, const char *name,
                                const unsigned char *bytes, size_t size, ag__safetensors *file);

/* What ag_load_safetensors does with the bytes of a file of this name. */
ag_tensor_file *ag__safetensors_load(ag_arena *arena, const char *name, const unsigned char *bytes,
                                     size_t size);

/* The tensor of a name, or NULL. */
const ag__stored *ag__safetensors_find(const ag__safetensors *file, const char *name);

/*
 * Checks that a tensor of this name and shape is there, on behalf of a function that reads a file of
 * that name.
 */
ag_status ag__safetensors_match(const char *function, const char *file_name,
                                const ag__safetensors *file, const char *name,
                                const ag_tensor *tensor);

/* Fills a tensor of the right shape. */
void ag__stored_read(const ag__safetensors *file, const ag__stored *stored, float *out);

/* Checks names, keys and tensors, and writes them; with a checksum as the first of the metadata. */
ag_status ag__safetensors_write(const char *function, const char *path, bool checksum, size_t count,
                                const ag_named_tensor *tensors, size_t num_metadata,
                                const ag_metadata *metadata);

#endif
