/* log.c: rows of numbers in a CSV file, each there as soon as it is known. */
#include "config.h"

#include <autograd/view.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/status.h"
#include "core/text.h"

enum { LONGEST_NUMBER = 26 }; /* "-1.2345678901234567e-308", a comma, and one to spare */

struct ag_csv_log {
    int file;
    uint32_t num_columns;
    const char *name; /* of the file, for messages */
    char *line;       /* [num_columns * LONGEST_NUMBER] */
};

static ag_status write_all(const char *function, const ag_csv_log *log, const char *text,
                           size_t size)
{
    while (size > 0) {
        ssize_t count = write(log->file, text, size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return ag__fail_by_system(function, "write", log->name, errno);
        text += count;
        size -= (size_t)count;
    }
    return AG_OK;
}

/* ---- the first line ---- */

/* Its length with the line feed; written where there is memory for it. A name is quoted if it must be. */
static size_t first_line(uint32_t num_columns, const char *const *names, char *line)
{
    size_t length = 0;
    for (uint32_t i = 0; i < num_columns; i++) {
        bool quoted = strpbrk(names[i], ",\"\r\n") != NULL;
        const char *pieces[] = {quoted ? "\"" : "", names[i], quoted ? "\"" : "",
                                i + 1 < num_columns ? "," : "\n"};
        for (int k = 0; k < 4; k++)
            for (const char *c = pieces[k]; *c != '\0'; c++) {
                bool doubled = k == 1 && *c == '"';
                if (line != NULL) line[length] = *c;
                if (line != NULL && doubled) line[length + 1] = *c;
                length += doubled ? 2 : 1;
            }
    }
    return length;
}

/* Whether the file goes on with this text; true also for an empty file, at whose end it then is. */
static ag_status check_first_line(ag_csv_log *log, const char *line, size_t length, bool *is_empty)
{
    char piece[256];
    for (size_t at = 0; at < length;) {
        size_t wanted = length - at < sizeof piece ? length - at : sizeof piece;
        ssize_t got = read(log->file, piece, wanted);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return ag__fail_by_system("csv_log_open", "read", log->name, errno);
        *is_empty = at == 0 && got == 0;
        if (*is_empty) return AG_OK;
        if (got == 0 || memcmp(piece, line + at, (size_t)got) != 0)
            return ag__fail(AG_ERROR_FORMAT, "csv_log_open: %s, line 1: the columns are others",
                            log->name);
        at += (size_t)got;
    }
    return AG_OK;
}

/* Opens the file and sees to its first line, for which there is memory. */
static ag_status start(ag_csv_log *log, const char *path, bool append, const char *line,
                       size_t length)
{
    bool is_empty = true;
    log->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND | (append ? 0 : O_TRUNC), 0666);
    if (log->file < 0) return ag__fail_by_system("csv_log_open", "open", log->name, errno);
    ag_status status = append ? check_first_line(log, line, length, &is_empty) : AG_OK;
    if (status == AG_OK && is_empty) status = write_all("csv_log_open", log, line, length);
    if (status != AG_OK) close(log->file);
    return status;
}

/* ---- */

static ag_csv_log *create(ag_arena *arena, const char *path, uint32_t num_columns)
{
    ag_csv_log *log = ag_arena_alloc(arena, sizeof *log);
    char *line = ag_arena_alloc(arena, (size_t)num_columns * LONGEST_NUMBER);
    const char *name = ag__file_name(path);
    char *copy = ag_arena_alloc(arena, strlen(name) + 1);
    if (log == NULL || line == NULL || copy == NULL) return NULL;
    *log = (ag_csv_log){.num_columns = num_columns, .name = strcpy(copy, name), .line = line};
    return log;
}

static ag_status check(const ag_arena *arena, const char *path, uint32_t num_columns,
                       const char *const *names)
{
    if (arena == NULL) return ag__fail_null("csv_log_open", "arena");
    if (path == NULL) return ag__fail_missing("csv_log_open", "path");
    if (names == NULL) return ag__fail_missing("csv_log_open", "names");
    if (num_columns == 0) return ag__fail(AG_ERROR_ARGUMENT, "csv_log_open: no columns");
    for (uint32_t i = 0; i < num_columns; i++)
        if (names[i] == NULL) return ag__fail_missing("csv_log_open", "one of names");
    return AG_OK;
}

ag_csv_log *ag_csv_log_open(ag_arena *arena, const char *path, uint32_t num_columns,
                            const char *const *names, bool append)
{
    if (check(arena, path, num_columns, names) != AG_OK) return NULL;
    ag_mark mark = ag_arena_mark(arena);
    ag_csv_log *log = create(arena, path, num_columns);
    size_t length = first_line(num_columns, names, NULL);
    char *line = log != NULL ? ag_arena_alloc(arena, length) : NULL;
    if (line != NULL) first_line(num_columns, names, line);
    if (line != NULL && start(log, path, append, line, length) == AG_OK) return log;
    ag_arena_rewind(arena, mark);
    return NULL;
}

ag_status ag_csv_log_row(ag_csv_log *log, const double *values)
{
    if (log == NULL) return ag__fail_null("csv_log_row", "log");
    if (values == NULL) return ag__fail_missing("csv_log_row", "values");
    if (log->file < 0)
        return ag__fail(AG_ERROR_FILE, "csv_log_row: the log %s is closed", log->name);
    size_t length = 0;
    for (uint32_t i = 0; i < log->num_columns; i++) {
        if (!isnan(values[i]))
            length += (size_t)ag__print(log->line + length, LONGEST_NUMBER, "%.17g", values[i]);
        log->line[length++] = i + 1 < log->num_columns ? ',' : '\n';
    }
    return write_all("csv_log_row", log, log->line, length);
}

ag_status ag_csv_log_close(ag_csv_log *log)
{
    if (log == NULL || log->file < 0) return AG_OK;
    int file = log->file;
    log->file = -1;
    return close(file) == 0 ? AG_OK
                            : ag__fail_by_system("csv_log_close", "close", log->name, errno);
}
