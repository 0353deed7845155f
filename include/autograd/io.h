/* io.h: tensors in files that other programs read and write too; checkpoints of a training. */
#ifndef AUTOGRAD_IO_H
#define AUTOGRAD_IO_H

#include <autograd/data.h>
#include <autograd/module.h>
#include <autograd/optim.h>

/*
 * Whatever is written here is written to a temporary file in the same folder, brought to the disk
 * and then given its name: at any moment the old file or the new one is there, whole. After a
 * failure the old one is as it was. A link is followed; a device or a pipe is written to directly.
 *
 * Readers take what they are given for hostile: sizes in a file are believed only as far as the file
 * goes, and a message names the file, the place and what is wrong there.
 */

/** A tensor and the name that it has in a file. */
typedef struct ag_named_tensor {
    const char *name;  /**< UTF-8 */
    ag_tensor *tensor; /**< not copied */
} ag_named_tensor;

/** An entry of a file's metadata: whatever a program wants to note, as UTF-8. */
typedef struct ag_metadata {
    const char *key;   /**< such as "format" */
    const char *value; /**< any text */
} ag_metadata;

/** What a safetensors file holds. */
typedef struct ag_tensor_file {
    size_t count;             /**< of the tensors */
    ag_named_tensor *tensors; /**< in the order of the file's header */
    size_t num_metadata;      /**< how many of them */
    ag_metadata *metadata;    /**< in the order of the file's header */
} ag_tensor_file;

/** A training in progress. Whatever is NULL or 0 is not part of it. */
typedef struct ag_checkpoint {
    size_t num_weights;             /**< how many of them */
    const ag_named_tensor *weights; /**< each is read back into its own memory */
    ag_optimizer *optimizer;        /**< all that it remembers */
    ag_random *random;              /**< its state */
    ag_batches *batches;            /**< saved with their place within the epoch */
    uint64_t step;                  /**< steps taken, or whatever the program counts */
    size_t num_metadata;            /**< how many of them */
    const ag_metadata *metadata; /**< the program's own; keys with a prefix "autograd." are ours */
} ag_checkpoint;

AG_BEGIN_DECLS

/**
 * Reads an array that NumPy saved: versions 1 to 3, floats of 16, 32 or 64 bits, integers of 8 to 64
 * bits with or without sign, bool; of either byte order; row-major. They become float, rounded to
 * nearest where they have more bits. An array without dimensions becomes a tensor of shape [1].
 * @return NULL on failure, with nothing taken from the arena: AG_ERROR_NULL; AG_ERROR_FILE (cannot be
 *         read); AG_ERROR_FORMAT (damaged, or of another kind); AG_ERROR_SHAPE (no elements, or more
 *         than AG_MAX_DIMS dimensions); AG_ERROR_MEMORY.
 */
AG_API ag_tensor *ag_load_npy(ag_arena *arena, const char *path);

/** Writes a tensor as NumPy does: version 1.0, '<f4'. @return AG_ERROR_NULL, _SHAPE, _FILE. */
AG_API ag_status ag_save_npy(const char *path, const ag_tensor *tensor);

/**
 * Writes tensors under their names to a file in the format safetensors, as F32.
 * @param metadata  NULL if num_metadata is 0.
 * @return AG_ERROR_NULL; AG_ERROR_SHAPE; AG_ERROR_ARGUMENT (a name or key that occurs twice, is empty
 *         or no UTF-8, or is "__metadata__"); AG_ERROR_FILE.
 */
AG_API ag_status ag_save_safetensors(const char *path, size_t count, const ag_named_tensor *tensors,
                                     size_t num_metadata, const ag_metadata *metadata);

/**
 * Reads a safetensors file. All its types but the complex and 8-bit floating ones are understood and
 * become float, rounded to nearest where they have more bits; a tensor without dimensions becomes one of shape [1].
 * @param arena  where all of it lives, tensors, names and metadata.
 * @return NULL on failure, with nothing taken from the arena: AG_ERROR_NULL; AG_ERROR_FILE;
 *         AG_ERROR_FORMAT; AG_ERROR_SHAPE (a tensor without elements, or with too many dimensions);
 *         AG_ERROR_MEMORY.
 */
AG_API ag_tensor_file *ag_load_safetensors(ag_arena *arena, const char *path);

/** The tensor of a name, or NULL (AG_ERROR_ARGUMENT) if the file has none. */
AG_API ag_tensor *ag_tensor_file_find(const ag_tensor_file *file, const char *name);

/**
 * Fills tensors with those of the same names in a safetensors file. Others in the file are ignored.
 * @return AG_ERROR_ARGUMENT if the file lacks a name, AG_ERROR_SHAPE if a shape differs, or what
 *         ag_load_safetensors fails with; no tensor has changed then.
 */
AG_API ag_status ag_load_weights(const char *path, size_t count, const ag_named_tensor *tensors);

/**
 * All that a model has learnt, for ag_save_safetensors, ag_load_weights or a checkpoint: the parameters
 * of the module and of all in it and the running statistics of batch_norm, under names such as
 * "2.weight" (see ag_module_parameter_name) and "3.running_mean".
 *     size_t count;
 *     ag_named_tensor *tensors = ag_module_tensors(model, permanent, &count);
 *     ag_save_safetensors("model.safetensors", count, tensors, 0, NULL);
 * @param arena  where names and list live; the tensors are the model's own.
 * @param count  set to their number.
 * @return NULL on failure, with nothing taken from the arena: AG_ERROR_NULL; AG_ERROR_STATE if a parameter
 *         is gone; AG_ERROR_ARGUMENT if there are none; AG_ERROR_MEMORY.
 */
AG_API ag_named_tensor *ag_module_tensors(const ag_module *module, ag_arena *arena, size_t *count);

/**
 * Writes a checkpoint: a safetensors file with a checksum, so that other programs can open it.
 * Weights stand in it under their names, what the optimiser remembers under "optimizer.…", all else in its metadata.
 * A program that loads it and goes on gets the same bits as one that was never interrupted.
 * @return as ag_save_safetensors; AG_ERROR_ARGUMENT also for a weight whose name begins with
 *         "optimizer." and a key that begins with "autograd.".
 */
AG_API ag_status ag_save_checkpoint(const char *path, const ag_checkpoint *checkpoint);

/**
 * Fills weights, optimiser, generator and batches with what a checkpoint holds, and sets step,
 * num_metadata and metadata.
 * @param arena       where the metadata live.
 * @param checkpoint  made as for ag_save_checkpoint, of the same names and shapes, an optimiser of
 *                    the same rule with the same parameters, batches of the same data set. What is NULL in it is left out.
 * @return AG_ERROR_FORMAT for a file that is damaged by even one bit, or no checkpoint;
 *         AG_ERROR_ARGUMENT or AG_ERROR_SHAPE for one that does not fit; AG_ERROR_NULL, _FILE,
 *         _MEMORY. Nothing has changed then.
 */
AG_API ag_status ag_load_checkpoint(ag_arena *arena, const char *path, ag_checkpoint *checkpoint);

AG_END_DECLS

#endif
