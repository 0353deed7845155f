/* data.h: reading data sets. */
#ifndef AUTOGRAD_DATA_H
#define AUTOGRAD_DATA_H

#include <autograd/tensor.h>

AG_BEGIN_DECLS

/**
 * Reads an IDX file of unsigned bytes, the format of MNIST and its kin: a header with the
 * dimensions, then the elements in row-major order. Files compressed by gzip are recognised and
 * decompressed where the library was built with zlib.
 * @param arena  where the tensor lives, with one float from 0 to 255 for each byte.
 * @return NULL on failure, with nothing taken from the arena: AG_ERROR_NULL; AG_ERROR_FILE (cannot be
 *         opened or read; compressed, and there is no zlib); AG_ERROR_FORMAT (no IDX of bytes,
 *         shorter or longer than its header says); AG_ERROR_SHAPE; AG_ERROR_MEMORY.
 */
AG_API ag_tensor *ag_read_idx(ag_arena *arena, const char *path);

AG_END_DECLS

#endif
