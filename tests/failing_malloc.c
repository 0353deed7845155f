/*
 * failing_malloc.c: to be preloaded: makes one request for memory fail, or all from one on, in the whole
 * process: the C library's, OpenBLAS's and OpenMP's as well as ours.
 *
 * FAIL_MALLOC_AT: which request fails, from 1; FAIL_MALLOC_FROM: so do all after it; FAIL_MALLOC_LOADING:
 * requests count from the process's first, not from the program's start, when all libraries are loaded;
 * FAIL_MALLOC_COUNT: a file that gets the number of requests at the end.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* glibc's own, by the names under which it also exports them. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

extern char **environ;

static atomic_long requests, failing_request;
static atomic_bool all_after, settings_known, program_started, counts_loading;

/* The first requests come before any constructor has run, and perhaps before there is an environment. */
static void read_settings(void)
{
    if (environ == NULL) return;
    const char *at = getenv("FAIL_MALLOC_AT");
    atomic_store(&failing_request, at != NULL ? atol(at) : 0);
    atomic_store(&all_after, getenv("FAIL_MALLOC_FROM") != NULL);
    atomic_store(&counts_loading, getenv("FAIL_MALLOC_LOADING") != NULL);
    atomic_store(&settings_known, true);
}

static bool fails(void)
{
    if (!atomic_load(&settings_known)) read_settings();
    if (!atomic_load(&program_started) && !atomic_load(&counts_loading)) return false;
    long request = atomic_fetch_add(&requests, 1) + 1, failing = atomic_load(&failing_request);
    bool now =
        failing > 0 && (request == failing || (request > failing && atomic_load(&all_after)));
    if (now) errno = ENOMEM;
    return now;
}

void *malloc(size_t bytes)
{
    return fails() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes)
{
    return fails() ? NULL : __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return fails() ? NULL : __libc_memalign(alignment, bytes);
}

void *memalign(size_t alignment, size_t bytes);
void *memalign(size_t alignment, size_t bytes)
{
    return fails() ? NULL : __libc_memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    void *taken = fails() ? NULL : __libc_memalign(alignment, bytes);
    if (taken != NULL) *memory = taken;
    return taken != NULL ? 0 : ENOMEM;
}

/* What calls main, after the constructors of all libraries. */
typedef int start_main(int (*main)(int, char **, char **), int argc, char **argv,
                       void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                       void *stack_end);

start_main __libc_start_main;

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
    start_main *next = NULL;
    void *found = dlsym(RTLD_NEXT, "__libc_start_main");
    memcpy(&next, &found, sizeof next);
    atomic_store(&program_started, true);
    return next(main, argc, argv, init, fini, rtld_fini, stack_end);
}

__attribute__((destructor)) static void write_count(void)
{
    const char *path = getenv("FAIL_MALLOC_COUNT");
    char text[32];
    int file = path != NULL ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    if (file < 0) return;
    int length = snprintf(text, sizeof text, "%ld\n", atomic_load(&requests));
    if (write(file, text, (size_t)length) != length) _exit(125);
    close(file);
}
