/*
 * vector.h: vectors of floats for loops that are written once and compiled for each level of cpu.h.
 *
 * A function that is compiled for a level has to be written for it: a compiler splits vectors that
 * are wider than the level of the function in which they stand, before it inlines anything. So such loops
 * stand in a file *_level.h, which is included once for each level, with LEVEL its name and LANES the floats
 * of a vector; AG__LEVEL(name) is then the name of what is made for it. Vectors may lie at any address of a float.
 */
#ifndef AG_CORE_VECTOR_H
#define AG_CORE_VECTOR_H

#include "core/cpu.h"

#if defined(__GNUC__)
#define AG__BASELINE_LANES 4
#define AG__DEFINE_VECTOR(level, lanes)                                                            \
    typedef float vector_##level                                                                   \
        __attribute__((vector_size((lanes) * sizeof(float)), aligned(4), may_alias));
#else
#define AG__BASELINE_LANES 1
#define AG__DEFINE_VECTOR(level, lanes) typedef float vector_##level;
#endif

AG__DEFINE_VECTOR(baseline, AG__BASELINE_LANES)
#if AG__CPU_COUNT == 3
AG__DEFINE_VECTOR(v3, 8)
AG__DEFINE_VECTOR(v4, 16)
#endif

#define AG__JOIN_(name, level) name##_##level
#define AG__JOIN(name, level) AG__JOIN_(name, level)
#define AG__LEVEL(name) AG__JOIN(name, LEVEL)
#define AG__TARGET AG__JOIN(AG__TARGET, LEVEL)

/* Whether the compiler has __builtin_shufflevector. */
#if defined(__GNUC__) && defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define AG__CAN_SHUFFLE
#endif
#endif

#endif
