/* status_line.h: a line on the terminal that says what is being timed. Silent where none is. */
#ifndef BENCHMARKS_STATUS_LINE_H
#define BENCHMARKS_STATUS_LINE_H

/* Shows "[done/total] what, where". */
void show_status(int done, int total, const char *what, const char *where);

/* Erases it, before a line that stays. */
void clear_status(void);

#endif
