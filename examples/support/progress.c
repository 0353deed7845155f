/* progress.c: a bar that shows how far a long loop has come and how long it will take. */
#include "config.h"

#include "support/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define REDRAW_SECONDS 0.1
#define LONGEST_TIME 359999.0 /* seconds: 99:59:59 */

enum { LINE_LENGTH = 256, LONGEST_BAR = 40, SHORTEST_BAR = 6 };

double seconds_now(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Whether standard output is a terminal that can erase a line. */
static bool can_redraw(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

static int terminal_columns(void)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col < LINE_LENGTH ? size.ws_col : LINE_LENGTH - 1;
}

/* "0:07", "12:30", "1:02:03". */
static const char *time_text(double seconds, char text[32])
{
    unsigned long whole = (unsigned long)(fmin(fmax(seconds, 0.0), LONGEST_TIME) + 0.5);
    unsigned long hours = whole / 3600, minutes = whole / 60 % 60;
    if (hours > 0)
        snprintf(text, 32, "%lu:%02lu:%02lu", hours, minutes, whole % 60);
    else
        snprintf(text, 32, "%lu:%02lu", minutes, whole % 60);
    return text;
}

progress progress_start(const char *title, size_t total)
{
    return (progress){.title = title,
                      .total = total > 0 ? total : 1,
                      .started = seconds_now(),
                      .is_terminal = can_redraw()};
}

bool progress_is_due(const progress *bar)
{
    return bar->is_terminal && seconds_now() - bar->last_drawn >= REDRAW_SECONDS;
}

/* "[=====>    ] ", as wide as the room allows, or "50 %" where there is too little. */
static const char *bar_text(double share, int room, char text[LONGEST_BAR + 1])
{
    int inside = (room < LONGEST_BAR ? room : LONGEST_BAR) - 3;
    if (inside < SHORTEST_BAR) {
        snprintf(text, LONGEST_BAR + 1, "%.0f %%  ", 100.0 * share);
        return text;
    }
    int filled = (int)(share * inside);
    text[0] = '[';
    for (int i = 0; i < inside; i++)
        text[1 + i] = i < filled ? '=' : i == filled ? '>' : ' ';
    memcpy(text + 1 + inside, "] ", 3);
    return text;
}

void progress_draw(progress *bar, size_t done, const char *details)
{
    if (!bar->is_terminal) return;
    bar->last_drawn = seconds_now();
    double share = done < bar->total ? (double)done / (double)bar->total : 1.0;
    double elapsed = bar->last_drawn - bar->started;
    char left[32] = "?";
    if (share > 0.0) time_text(elapsed / share - elapsed, left);

    char numbers[LINE_LENGTH];
    int length = snprintf(numbers, sizeof numbers, "%s  %s left", details, left);
    int columns = terminal_columns();
    char drawing[LONGEST_BAR + 1];
    char line[2 * LINE_LENGTH];
    int room = columns - 1 - (int)strlen(bar->title) - 2 - length;
    snprintf(line, sizeof line, "%s  %s%s", bar->title, bar_text(share, room, drawing), numbers);
    printf("\r%.*s\033[K", columns - 1, line);
    fflush(stdout);
}

void progress_clear(const progress *bar)
{
    if (bar->is_terminal) printf("\r\033[K");
    fflush(stdout);
}

void progress_finish(progress *bar, const char *details)
{
    char taken[32];
    progress_clear(bar);
    printf("%s  %s  %s\n", bar->title, details, time_text(seconds_now() - bar->started, taken));
    fflush(stdout);
}
