/* profile.h: where operations and optimisers say what they have just done, if somebody listens. */
#ifndef AG_CORE_PROFILE_H
#define AG_CORE_PROFILE_H

#include <stddef.h>
#include <stdint.h>

/* Something that this thread has done. */
typedef struct ag__deed {
    const char *name;  /* of the operation or optimiser */
    const char *part;  /* "forward", "backward" or "step" */
    double begin, end; /* as of ag__microseconds_now */
    uint32_t ndims;    /* of the operation's result; 0: there is none */
    const uint32_t *shape;
} ag__deed;

/* Who is told of this thread's deeds; hear is NULL for nobody. */
typedef struct ag__listener {
    void (*hear)(void *context, const ag__deed *deed);
    void *context;
} ag__listener;

extern _Thread_local ag__listener ag__listener_of_thread;

/* Microseconds on a clock that only goes forward, above 0. */
double ag__microseconds_now(void);

/* When a deed begins; 0 if nobody listens, which costs a branch. */
static inline double ag__deed_begins(void)
{
    return ag__listener_of_thread.hear != NULL ? ag__microseconds_now() : 0;
}

/* Tells of a deed that has begun then, unless it is 0; ends it now. */
void ag__tell(double begin, const char *name, const char *part, uint32_t ndims,
              const uint32_t *shape);

#endif
