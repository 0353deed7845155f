/*
 * watch.h: what AddressSanitizer, where it watches, is told of an arena's memory.
 *
 * What was never handed out, and what rounding up left behind each piece, is not to be touched. What was
 * given back stays open: stamps are read there.
 */
#ifndef AG_CORE_WATCH_H
#define AG_CORE_WATCH_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define AG__WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AG__WATCHED 1
#endif
#endif

#ifdef AG__WATCHED
#include <sanitizer/asan_interface.h>
#endif

static inline void ag__forbid(const void *memory, size_t bytes)
{
#ifdef AG__WATCHED
    __asan_poison_memory_region(memory, bytes);
#else
    (void)memory, (void)bytes;
#endif
}

static inline void ag__allow(const void *memory, size_t bytes)
{
#ifdef AG__WATCHED
    __asan_unpoison_memory_region(memory, bytes);
#else
    (void)memory, (void)bytes;
#endif
}

#endif
