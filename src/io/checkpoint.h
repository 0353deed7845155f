/* checkpoint.h: what writing and reading checkpoints share. */
#ifndef AG_IO_CHECKPOINT_H
#define AG_IO_CHECKPOINT_H

#include <autograd/io.h>

#include "io/safetensors.h"

/* Names of what the optimiser remembers, and keys of metadata that are ours. */
#define AG__OPTIMIZER_PREFIX "optimizer."
#define AG__OWN_PREFIX "autograd."
#define AG__VERSION_KEY AG__OWN_PREFIX "checkpoint"
#define AG__STEP_KEY AG__OWN_PREFIX "step"
#define AG__RANDOM_KEY AG__OWN_PREFIX "random"
#define AG__BATCHES_KEY AG__OWN_PREFIX "batches"
#define AG__RULE_KEY AG__OWN_PREFIX "optimizer"
#define AG__RATE_KEY AG__OWN_PREFIX "learning_rate"

/* A key or a name that is put together: a prefix and the name of an ag_optimizer_state. */
typedef struct ag__key {
    char text[80];
} ag__key;

ag__key ag__optimizer_key(const char *prefix, const ag_optimizer_state *state);

/* The generator to save: the checkpoint's, or else that which shuffles its batches. */
ag_random *ag__checkpoint_random(const ag_checkpoint *checkpoint);

/* Checks what both take. */
ag_status ag__checkpoint_check(const char *function, const ag_checkpoint *checkpoint);

/* What ag_load_checkpoint does with the bytes of a file of this name. */
ag_status ag__checkpoint_load(ag_arena *arena, const char *name, const unsigned char *bytes,
                              size_t size, ag_checkpoint *checkpoint);

#endif
