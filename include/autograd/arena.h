/* arena.h: memory that is taken piece by piece and given back all at once. */
#ifndef AUTOGRAD_ARENA_H
#define AUTOGRAD_ARENA_H

#include <autograd/status.h>

AG_BEGIN_DECLS

/*
 * Tensors and graphs live in arenas. An arena grows in chunks; what it has handed out never moves.
 * A training program has two: a permanent one for parameters and optimiser state, and a step arena
 * for the graph of one step, which it rewinds after each step. The chunks of a rewound arena are
 * kept, so a step like the one before calls no malloc.
 *
 * An arena may be used by one thread at a time; different arenas need no coordination.
 */

/** An arena, from ag_arena_create. */
typedef struct ag_arena ag_arena;

/** A place in an arena, from ag_arena_mark. Its fields are the arena's own. */
typedef struct ag_mark {
    const ag_arena *arena; /**< whose mark it is */
    void *chunk;           /**< where the arena was */
    size_t chunk_used;     /**< how far in it */
    size_t total_used;     /**< and in all */
} ag_mark;

/**
 * Stands in something that lives in an arena, so that it is known later whether it still does. Its
 * fields are the arena's own.
 */
typedef struct ag_stamp {
    uint64_t serial; /**< how many were stamped before, and this */
    uint64_t sign;   /**< depends on serial and address; 0 when it is gone */
} ag_stamp;

/**
 * Creates an empty arena.
 * @param chunk_bytes  how much memory to ask the system for at a time; 0 for a default of 1 MiB.
 *                     A larger request gets a chunk of its own size.
 * @return the arena, to be freed with ag_arena_destroy, or NULL (AG_ERROR_MEMORY).
 */
AG_API ag_arena *ag_arena_create(size_t chunk_bytes);

/** Frees the arena and all that lives in it. NULL is allowed and does nothing. */
AG_API void ag_arena_destroy(ag_arena *arena);

/**
 * Takes memory from the arena, aligned to 64 bytes, with unspecified contents.
 * It belongs to the arena, and lives until a rewind to an earlier mark, a reset or the destruction.
 * @return NULL on failure: AG_ERROR_NULL, AG_ERROR_ARGUMENT (0 bytes), AG_ERROR_MEMORY.
 */
AG_API void *ag_arena_alloc(ag_arena *arena, size_t bytes);

/** The arena's present end, for a later ag_arena_rewind. A mark of a NULL arena rewinds nothing. */
AG_API ag_mark ag_arena_mark(const ag_arena *arena);

/**
 * Gives back all that was taken since the mark; the chunks stay for reuse. Of what was there nothing
 * is touched but the stamps of variables, which are gone from now on.
 * Marks taken after this one become invalid.
 * @return AG_ERROR_NULL; AG_ERROR_ARGUMENT if the mark is of another arena, or lies beyond what is
 *         taken now. (An invalid mark that the arena has grown past again cannot be told from a
 *         valid one; the arena stays sound, but what lies behind the mark is given back.)
 */
AG_API ag_status ag_arena_rewind(ag_arena *arena, ag_mark mark);

/** Gives back all that was taken; the chunks stay for reuse. */
AG_API ag_status ag_arena_reset(ag_arena *arena);

/**
 * Sets the most memory, in bytes, that the arena may hold from the system at once; 0 for no limit.
 * What it holds already is kept, even if that is more.
 */
AG_API ag_status ag_arena_set_limit(ag_arena *arena, size_t bytes);

/** Bytes now taken from the arena, alignment included; 0 for NULL. */
AG_API size_t ag_arena_used(const ag_arena *arena);

/** The largest value that ag_arena_used has had; 0 for NULL. */
AG_API size_t ag_arena_high_water(const ag_arena *arena);

/** Bytes that the arena holds from the system; 0 for NULL. */
AG_API size_t ag_arena_capacity(const ag_arena *arena);

AG_END_DECLS

#endif
