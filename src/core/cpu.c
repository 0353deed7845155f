/* cpu.c: which level of instructions this machine has. */
#include "config.h"

#include "core/cpu.h"

#include <stdatomic.h>

#if AG__CPU_COUNT == 3

static int detect(void)
{
    __builtin_cpu_init();
    int v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    int v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
    return v4 ? 2 : v3 ? 1 : 0;
}

#else

static int detect(void)
{
    return 0;
}

#endif

int ag__cpu(void)
{
    static atomic_int detected = -1;
    int level = atomic_load_explicit(&detected, memory_order_relaxed);
    if (level < 0) {
        level = detect();
        atomic_store_explicit(&detected, level, memory_order_relaxed);
    }
    return level;
}

const char *ag__cpu_name(void)
{
#if AG__CPU_COUNT == 3
    static const char *const names[] = {"x86-64 baseline", "x86-64-v3", "x86-64-v4"};
#else
    static const char *const names[] = {"baseline"};
#endif
    return names[ag__cpu()];
}
