/* tensor.h: dense arrays of float, contiguous and row-major. */
#ifndef AUTOGRAD_TENSOR_H
#define AUTOGRAD_TENSOR_H

#include <autograd/arena.h>
#include <autograd/random.h>

/** The most dimensions that a tensor can have. */
#define AG_MAX_DIMS 8

/**
 * A tensor. Its elements lie contiguously in row-major order: the last index runs fastest.
 * Every dimension is at least 1, and size is the product of shape[0] … shape[ndims - 1].
 */
typedef struct ag_tensor {
    uint32_t ndims;              /**< 1 to AG_MAX_DIMS */
    uint32_t shape[AG_MAX_DIMS]; /**< the first ndims are its dimensions */
    size_t size;                 /**< number of elements */
    float *data;                 /**< row-major, without gaps */
} ag_tensor;

/** Whole numbers that choose rows of a tensor; laid out as a tensor is. */
typedef struct ag_indices {
    uint32_t ndims;              /**< 1 to AG_MAX_DIMS */
    uint32_t shape[AG_MAX_DIMS]; /**< the first ndims are its dimensions */
    size_t size;                 /**< number of elements */
    int32_t *data;               /**< row-major, without gaps */
} ag_indices;

AG_BEGIN_DECLS

/**
 * Creates a tensor with unset values; tensor and data live in the arena.
 * @return NULL on failure: AG_ERROR_NULL; AG_ERROR_SHAPE for 0 or more than AG_MAX_DIMS dimensions,
 *         a dimension of 0, or a size in bytes beyond size_t; AG_ERROR_MEMORY.
 */
AG_API ag_tensor *ag_tensor_create(ag_arena *arena, uint32_t ndims, const uint32_t *shape);

/** As ag_tensor_create, with all values 0. */
AG_API ag_tensor *ag_tensor_create_zeros(ag_arena *arena, uint32_t ndims, const uint32_t *shape);

/** As ag_tensor_create, with values copied from an array in row-major order. */
AG_API ag_tensor *ag_tensor_create_from(ag_arena *arena, uint32_t ndims, const uint32_t *shape,
                                        const float *values);

/**
 * As ag_tensor_create, around memory of the caller's: nothing is copied, only the tensor itself
 * lives in the arena. The memory must hold all elements and outlive the tensor.
 */
AG_API ag_tensor *ag_tensor_wrap(ag_arena *arena, uint32_t ndims, const uint32_t *shape,
                                 float *data);

/** Sets every element to a value. */
AG_API ag_status ag_tensor_fill(ag_tensor *tensor, float value);

/** Fills a tensor with ag_random_uniform, in order of memory. */
AG_API ag_status ag_tensor_fill_uniform(ag_tensor *tensor, ag_random *random, float low,
                                        float high);

/** Fills a tensor with ag_random_normal, in order of memory. */
AG_API ag_status ag_tensor_fill_normal(ag_tensor *tensor, ag_random *random, float mean,
                                       float stddev);

/** Copies the elements of one tensor to another of the same shape. They may be the same tensor. */
AG_API ag_status ag_tensor_copy(ag_tensor *out, const ag_tensor *tensor);

/** out = a + b, element by element; all three of one shape. out may be a or b, but
 * not overlap them otherwise (AG_ERROR_OVERLAP). */
AG_API ag_status ag_tensor_add(ag_tensor *out, const ag_tensor *a, const ag_tensor *b);

/**
 * Where the largest element stands along one dimension, counted from 0, or backwards from -1: the
 * first of several, or the first NaN. Writes as many indices as x has elements, divided by the size of
 * that dimension, in the order of ag_max_dim's result. AG_ERROR_NULL; AG_ERROR_ARGUMENT for a dimension
 * that x has not.
 */
AG_API ag_status ag_tensor_argmax(const ag_tensor *x, int dim, uint32_t *indices);

/** Whether two tensors have the same shape; false if either is NULL. */
AG_API bool ag_tensor_same_shape(const ag_tensor *a, const ag_tensor *b);

/** Creates indices with unset values, as ag_tensor_create does a tensor. */
AG_API ag_indices *ag_indices_create(ag_arena *arena, uint32_t ndims, const uint32_t *shape);

/** As ag_indices_create, with values copied from an array in row-major order. */
AG_API ag_indices *ag_indices_create_from(ag_arena *arena, uint32_t ndims, const uint32_t *shape,
                                          const int32_t *values);

AG_END_DECLS

#endif
