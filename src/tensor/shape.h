/* shape.h: sizes and texts of shapes. */
#ifndef AG_TENSOR_SHAPE_H
#define AG_TENSOR_SHAPE_H

#include <autograd/tensor.h>

typedef struct ag__shape {
    uint32_t ndims;
    uint32_t dims[AG_MAX_DIMS];
} ag__shape;

/* A shape for a message: "[32, 10]". */
typedef struct ag__shape_text {
    char text[AG_MAX_DIMS * 12 + 4];
} ag__shape_text;

ag__shape ag__shape_of(const ag_tensor *tensor);
ag__shape_text ag__shape_to_text(uint32_t ndims, const uint32_t *dims);
ag__shape_text ag__tensor_shape_text(const ag_tensor *tensor);

/* Checks the shape of something, which messages name, and gives its number of elements. */
ag_status ag__shape_size_of(const char *function, const char *what, uint32_t ndims,
                            const uint32_t *dims, size_t *size);

/* The same for a shape that is itself an argument. */
ag_status ag__shape_size(const char *function, uint32_t ndims, const uint32_t *dims, size_t *size);

/* Checks a tensor that came from a caller: not NULL, and its fields in agreement. */
ag_status ag__tensor_check(const char *function, const char *argument, const ag_tensor *tensor);

/* The same for indices. What they may be depends on what they choose from, and is not checked. */
ag_status ag__indices_check(const char *function, const char *argument, const ag_indices *indices);

/* As ag_tensor_create, of a shape that has been checked and has that size. */
ag_tensor *ag__tensor_create(ag_arena *arena, uint32_t ndims, const uint32_t *shape, size_t size);

/* Writes where an element stands: "[3, 7]". */
ag__shape_text ag__index_text(uint32_t ndims, const uint32_t *shape, size_t offset);

/* Whether a shape holds one value per row of x: [rows], [rows, 1], or x's shape up to its last. */
bool ag__one_per_row(uint32_t ndims, const uint32_t *shape, size_t size, const ag_tensor *x);

/* Whether two tensors share memory. */
bool ag__tensors_overlap(const ag_tensor *a, const ag_tensor *b);

/* Size of the last dimension, and how often it repeats. */
size_t ag__tensor_columns(const ag_tensor *tensor);
size_t ag__tensor_rows(const ag_tensor *tensor);

#endif
