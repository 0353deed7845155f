/* status.h: recording a failure. */
#ifndef AG_CORE_STATUS_H
#define AG_CORE_STATUS_H

#include <autograd/status.h>

#if defined(__GNUC__)
#define AG__PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define AG__PRINTF(text, first)
#endif

/*
 * Records why this thread's call fails, and returns the status. Every failure of the library passes
 * through here: this is the place for a breakpoint.
 */
ag_status ag__fail(ag_status status, const char *format, ...) AG__PRINTF(2, 3);

/* Records that a required argument is NULL: one that is no result of the library's. */
ag_status ag__fail_missing(const char *function, const char *argument);

/*
 * Records that an argument is NULL, unless it can be the result of an earlier failure
 * whose reason is still on record, which is kept. Returns the status on record.
 */
ag_status ag__fail_null(const char *function, const char *argument);

/* Puts a function's name before the reason on record, which a function that it called has given. */
ag_status ag__fail_in(const char *function);

#endif
