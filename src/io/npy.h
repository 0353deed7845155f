/* npy.h: NumPy's file format, in memory. */
#ifndef AG_IO_NPY_H
#define AG_IO_NPY_H

#include <autograd/tensor.h>

/* What ag_load_npy does with the bytes of a file of this name. */
ag_tensor *ag__npy_parse(ag_arena *arena, const char *name, const unsigned char *bytes,
                         size_t size);

#endif
