/*
 * cpu.h: kernels compiled for several levels of instruction sets, one chosen when the program runs.
 *
 * A kernel is an always-inlined function. AG__DEFINE_KERNELS wraps it in one function per level,
 * compiled for that level, and in a table of them, indexed by ag__cpu(). Where the compiler
 * cannot do that there is the baseline alone.
 */
#ifndef AG_CORE_CPU_H
#define AG_CORE_CPU_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) && defined(HAVE_X86_LEVELS) && !defined(ONE_KERNEL)
/* What of the levels of the x86-64 psABI serves numbers: AVX2 with FMA of v3, AVX-512 of v4. */
#define AG__TARGET_baseline
#define AG__TARGET_v3 __attribute__((target("avx2,fma,bmi,bmi2")))
#define AG__TARGET_v4                                                                              \
    __attribute__((target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")))
#define AG__EACH_CPU(X, ...) X(baseline, __VA_ARGS__) X(v3, __VA_ARGS__) X(v4, __VA_ARGS__)
#define AG__CPU_LIST(name) name##_baseline, name##_v3, name##_v4
#define AG__CPU_COUNT 3
#else
#define AG__TARGET_baseline
#define AG__EACH_CPU(X, ...) X(baseline, __VA_ARGS__)
#define AG__CPU_LIST(name) name##_baseline
#define AG__CPU_COUNT 1
#endif

#if defined(__GNUC__)
#define AG__INLINE static inline __attribute__((always_inline))
#else
#define AG__INLINE static inline
#endif

/* Before a loop over registers, of at most 16 rounds: unrolled, or they would be an array in memory. */
#if defined(__clang__)
#define AG__UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define AG__UNROLL _Pragma("GCC unroll 16")
#else
#define AG__UNROLL
#endif

/* Has the cache line at an address read, which will be needed soon, or very soon. */
#if defined(__GNUC__)
#define AG__PREFETCH(address) __builtin_prefetch(address, 0, 2)
#define AG__PREFETCH_NEAR(address) __builtin_prefetch(address, 0, 3)
#else
#define AG__PREFETCH(address) ((void)(address))
#define AG__PREFETCH_NEAR(address) ((void)(address))
#endif

/*
 * Loops over much memory ask for it AG__AHEAD floats before they read it. Processors do the same by
 * themselves, but begin anew with each 4 KiB. (Measured: losses of 16 million elements take 0.6 to 0.9 of
 * the time with their gradients, 0.4 to 0.9 without; what is in a near cache takes up to 1.1 of it.) A
 * loop of AG__CHUNK elements asks for what the next chunk will read.
 */
#define AG__AHEAD ((size_t)512)
/* So many floats of each array at once: with 512, half of the gain was lost. */
#define AG__FETCHED ((size_t)128)
/* Tensors of at least so many floats, 4 MiB, are in no near cache as a whole. */
#define AG__FROM_MEMORY ((size_t)1 << 20)
#define AG__FLOATS_OF_A_LINE ((size_t)16)

AG__INLINE void ag__fetch_ahead(size_t n, const float *x)
{
    /* perhaps beyond what x points into */
    uintptr_t address = (uintptr_t)x + AG__AHEAD * sizeof *x;
    for (size_t i = 0; i < n; i += AG__FLOATS_OF_A_LINE)
        AG__PREFETCH_NEAR((const void *)(address + i * sizeof *x));
}

/*
 * Defines `table[AG__CPU_COUNT]` of functions of type `type`, one for each level, all with
 * `parameters` and calling the always-inlined `kernel` with `arguments`.
 */
#define AG__DEFINE_KERNELS(table, type, kernel, parameters, arguments)                             \
    AG__EACH_CPU(AG__DEFINE_KERNEL, table, kernel, parameters, arguments)                          \
    static type *const table[AG__CPU_COUNT] = {AG__CPU_LIST(table)};
#define AG__DEFINE_KERNEL(level, table, kernel, parameters, arguments)                             \
    AG__TARGET_##level static void table##_##level parameters                                      \
    {                                                                                              \
        kernel arguments;                                                                          \
    }

/* The level of this machine, an index into tables of kernels; the same for the process's life. */
int ag__cpu(void);

/* The level's name, such as "x86-64-v3". */
const char *ag__cpu_name(void);

#endif
