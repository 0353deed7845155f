/* stamp.h: whether what was made in an arena is still there. */
#ifndef AG_CORE_STAMP_H
#define AG_CORE_STAMP_H

#include <autograd/arena.h>

/*
 * An arena keeps a list of its stamps, the newest first, and when memory is given back it takes the
 * sign from those that stood there. The list is made of records behind the stamps, out of reach of a
 * caller that writes over what is stamped. What is written over stamps later holds the sign of its address
 * only by a chance of 2^-63. Chunks are kept until the arena is destroyed, so that reading
 * a stamp that is gone is safe until then.
 *
 * No two stamps have the same sign at the same address: whoever has kept a sign knows whether it is
 * still the same thing that stands there.
 */

/* What stands right behind a stamp, which is the last of what its owner has. */
typedef struct ag__stamp_record {
    struct ag__stamp_record *before; /* that of the arena's stamp of before */
    size_t place;                    /* of the arena's end, when this was stamped */
} ag__stamp_record;

/* Stamps what was taken last from an arena, with room for a record behind the stamp. */
void ag__arena_stamp(ag_arena *arena, ag_stamp *stamp);

/* The sign of a stamp of this serial at this address: never even, and so never 0. */
static inline uint64_t ag__stamp_sign(const ag_stamp *stamp)
{
    uint64_t address = (uint64_t)(uintptr_t)stamp;
    return ((address ^ stamp->serial * 0x9e3779b97f4a7c15u) * 0xd1b54a32d192ed03u) | 1;
}

/* Whether what was stamped is there. */
static inline bool ag__stamp_holds(const ag_stamp *stamp)
{
    return stamp->sign == ag__stamp_sign(stamp);
}

#endif
