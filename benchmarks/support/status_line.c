/* status_line.c: a line on the terminal that says what is being timed. Silent where none is. */
#include "config.h"

#include "support/status_line.h"

#include <stdio.h>
#include <unistd.h>

void show_status(int done, int total, const char *what, const char *where)
{
    if (!isatty(STDERR_FILENO)) return;
    fprintf(stderr, "\r\033[K[%d/%d] %s, %s", done, total, what, where);
    fflush(stderr);
}

void clear_status(void)
{
    if (isatty(STDERR_FILENO)) fprintf(stderr, "\r\033[K");
}
