/* status.h: how a call says that it failed, and why. */
#ifndef AUTOGRAD_STATUS_H
#define AUTOGRAD_STATUS_H

#include <autograd/api.h>

/* Every status: its constant, its value (part of the ABI) and what it means. */
#define AG_STATUS_LIST(X)                                                                          \
    X(AG_OK, 0, "success")                                                                         \
    X(AG_ERROR_NULL, 1, "a required argument is NULL")                                             \
    X(AG_ERROR_MEMORY, 2, "out of memory, or the arena's limit is reached")                        \
    X(AG_ERROR_SHAPE, 3, "the shape of a tensor does not fit")                                     \
    X(AG_ERROR_DOMAIN, 4, "a value in a tensor lies outside the function's domain")                \
    X(AG_ERROR_ARGUMENT, 5, "an argument has a value that is not allowed")                         \
    X(AG_ERROR_OVERLAP, 6, "an output shares memory with an input or another output")              \
    X(AG_ERROR_GRAPH, 7, "the graph cannot be differentiated from here")                           \
    X(AG_ERROR_FILE, 8, "a file cannot be read or written")                                        \
    X(AG_ERROR_FORMAT, 9, "the content of a file is damaged or not of the expected format")        \
    X(AG_ERROR_STATE, 10, "a variable is gone: its arena was reset or rewound")

/** How a call ended. */
typedef enum ag_status {
#define AG_STATUS_ENUMERATOR(name, value, text) name = value,
    AG_STATUS_LIST(AG_STATUS_ENUMERATOR)
#undef AG_STATUS_ENUMERATOR
} ag_status;

AG_BEGIN_DECLS

/*
 * A function of this library that can fail returns an ag_status, or a pointer that is NULL on
 * failure. The reason is kept per thread until the next failure or ag_clear_error; success does
 * not change it, as with errno. A function that is handed NULL in place of the result of an earlier
 * failed call keeps that first reason, so that a chain of calls needs one check, at its end.
 */

/** The status of this thread's last failure; AG_OK if there was none since ag_clear_error. */
AG_API ag_status ag_last_status(void);

/**
 * What went wrong in this thread's last failure, for people, such as
 * "mse_loss: pred is [32, 10] but target is [32, 9]"; "" if nothing did.
 * The text belongs to the library and is overwritten by the thread's next failure.
 */
AG_API const char *ag_last_error(void);

/** Forgets this thread's last failure. */
AG_API void ag_clear_error(void);

/** The name of a status, such as "AG_ERROR_SHAPE"; "AG_ERROR_UNKNOWN" for any other number. */
AG_API const char *ag_status_name(ag_status status);

/** What a status means, in a few words. */
AG_API const char *ag_status_text(ag_status status);

AG_END_DECLS

#endif
