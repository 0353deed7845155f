/*
 * dlpack.h: handing tensors to other libraries and taking theirs, without copying.
 *
 * The structures are those of DLPack 0.8 (https://dmlc.github.io/dlpack), declared under names of our
 * own: pass the pointer as a DLManagedTensor *.
 */
#ifndef AUTOGRAD_DLPACK_H
#define AUTOGRAD_DLPACK_H

#include <autograd/tensor.h>

/** DLDevice. */
typedef struct ag_dl_device {
    int32_t device_type; /**< 1: memory of the CPU */
    int32_t device_id;   /**< 0 */
} ag_dl_device;

/** DLDataType. */
typedef struct ag_dl_data_type {
    uint8_t code;   /**< 2: floating point */
    uint8_t bits;   /**< 32 */
    uint16_t lanes; /**< 1 */
} ag_dl_data_type;

/** DLTensor. */
typedef struct ag_dl_tensor {
    void *data;            /**< where its memory begins */
    ag_dl_device device;   /**< where it is */
    int32_t ndim;          /**< number of dimensions */
    ag_dl_data_type dtype; /**< what an element is */
    int64_t *shape;        /**< [ndim] */
    int64_t *strides;      /**< in elements; NULL: row-major */
    uint64_t byte_offset;  /**< from data to the first element */
} ag_dl_tensor;

/** DLManagedTensor. */
typedef struct ag_dl_managed_tensor {
    ag_dl_tensor dl_tensor;                             /**< the tensor */
    void *manager_ctx;                                  /**< the owner's own */
    void (*deleter)(struct ag_dl_managed_tensor *self); /**< NULL: there is nothing to free */
} ag_dl_managed_tensor;

AG_BEGIN_DECLS

/**
 * A tensor as DLPack sees it. Nothing is copied: who takes it reads and writes the tensor's own
 * memory. The structure lives in the arena and its deleter does nothing, so that it may be called or
 * not: both structure and elements are valid as long as the arena and the tensor's memory are, which must be
 * longer than the other library uses them.
 * @return NULL on failure: AG_ERROR_NULL, AG_ERROR_SHAPE, AG_ERROR_MEMORY.
 */
AG_API ag_dl_managed_tensor *ag_tensor_to_dlpack(ag_arena *arena, ag_tensor *tensor);

/**
 * A tensor around the memory of another library's. Nothing is copied, only the tensor itself lives in
 * the arena. The other one stays the caller's: when the tensor is used no more, call its deleter.
 * @return NULL on failure: AG_ERROR_NULL; AG_ERROR_SHAPE (too many dimensions, one of 0 or beyond 32
 *         bits); AG_ERROR_ARGUMENT (not in the CPU's memory, no 32-bit floats, not contiguous and
 *         row-major, not aligned for float); AG_ERROR_MEMORY.
 */
AG_API ag_tensor *ag_tensor_from_dlpack(ag_arena *arena, const ag_dl_managed_tensor *managed);

AG_END_DECLS

#endif
