/* progress.h: a bar that shows how far a long loop has come and how long it will take. */
#ifndef SUPPORT_PROGRESS_H
#define SUPPORT_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Start it, update it after each piece of work, finish it with a line that stays. All goes to
 * standard output. Where that is no terminal only the finishing line is written.
 */
typedef struct progress {
    const char *title; /* such as "epoch 2/5" */
    size_t total;      /* in any unit of work */
    double started;    /* seconds, as those of seconds_now */
    double last_drawn; /* 0 before the first time */
    bool is_terminal;
} progress;

/* The title must outlive the bar. */
progress progress_start(const char *title, size_t total);

/* Whether it is time to draw again: more than a few times a second is wasted work. */
bool progress_is_due(const progress *bar);

/* Draws the bar, the details (such as "loss 0.512") and the time left. */
void progress_draw(progress *bar, size_t done, const char *details);

/* Erases the bar, before another message. */
void progress_clear(const progress *bar);

/* Replaces the bar by one line that stays: title, details, time taken. */
void progress_finish(progress *bar, const char *details);

/* Seconds on a clock that only goes forward. */
double seconds_now(void);

#endif
