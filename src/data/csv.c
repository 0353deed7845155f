/*
 * csv.c: reading CSV files into tables of text.
 *
 * The file is gone through twice: first to count rows and cells, then to keep them.
 */
#include "config.h"

#include "data/csv.h"

#include <stdio.h>
#include <string.h>

#include "core/file.h"
#include "core/sort.h"
#include "core/status.h"

/* A file being read. Texts and places are kept where there is memory for them already. */
typedef struct reader {
    const char *name;
    const unsigned char *bytes;
    size_t at, end;
    size_t line_start; /* where the present line begins */
    uint32_t line;     /* its number, from 1 */
    char separator;
    uint32_t num_rows, num_columns;
    size_t num_cells;
    char *text;
    uint32_t text_used;
    uint32_t *cells; /* [num_cells]: where in the text each begins */
    uint32_t *lines; /* [num_rows] */
} reader;

static ag_status refuse(const reader *r, const char *what)
{
    return ag__fail(AG_ERROR_FORMAT, "read_csv: %s, line %u, column %zu: %s", r->name, r->line,
                    r->at - r->line_start + 1, what);
}

/* ---- characters ---- */

static bool at_end_of_line(const reader *r)
{
    if (r->at >= r->end || r->bytes[r->at] == '\n') return true;
    return r->bytes[r->at] == '\r' && r->at + 1 < r->end && r->bytes[r->at + 1] == '\n';
}

static void pass_end_of_line(reader *r)
{
    if (r->at < r->end && r->bytes[r->at] == '\r') r->at++;
    if (r->at < r->end) r->at++;
    r->line++;
    r->line_start = r->at;
}

static bool is_blank(const reader *r, unsigned char c)
{
    return (c == ' ' || c == '\t') && c != (unsigned char)r->separator;
}

static void skip_blanks(reader *r)
{
    while (r->at < r->end && is_blank(r, r->bytes[r->at]))
        r->at++;
}

static void keep(reader *r, unsigned char c)
{
    if (r->text != NULL) r->text[r->text_used++] = (char)c;
}

/* ---- cells ---- */

static ag_status read_quoted(reader *r)
{
    reader start = *r;
    for (r->at++; r->at < r->end; r->at++) {
        unsigned char c = r->bytes[r->at];
        if (c == '\0') return refuse(r, "a byte 0; is this no text, or UTF-16?");
        if (c == '"' && (r->at + 1 == r->end || r->bytes[r->at + 1] != '"')) {
            r->at++;
            skip_blanks(r);
            return AG_OK;
        }
        if (c == '"') r->at++;
        keep(r, c);
        if (c != '\n') continue;
        r->line++;
        r->line_start = r->at + 1;
    }
    return refuse(&start, "this quote has no partner");
}

static ag_status read_plain(reader *r)
{
    size_t start = r->at;
    while (!at_end_of_line(r) && r->bytes[r->at] != (unsigned char)r->separator) {
        unsigned char c = r->bytes[r->at];
        if (c == '\0') return refuse(r, "a byte 0; is this no text, or UTF-16?");
        if (c == '"') return refuse(r, "a quote within a cell that does not begin with one");
        if (c == '\r') return refuse(r, "a carriage return without a line feed");
        r->at++;
    }
    size_t end = r->at;
    while (end > start && is_blank(r, r->bytes[end - 1]))
        end--;
    for (size_t i = start; i < end; i++)
        keep(r, r->bytes[i]);
    return AG_OK;
}

static ag_status read_cell(reader *r)
{
    if (r->cells != NULL) r->cells[r->num_cells] = r->text_used;
    r->num_cells++;
    skip_blanks(r);
    bool quoted = r->at < r->end && r->bytes[r->at] == '"';
    ag_status status = quoted ? read_quoted(r) : read_plain(r);
    keep(r, '\0');
    if (status != AG_OK || at_end_of_line(r) || r->bytes[r->at] == (unsigned char)r->separator)
        return status;
    return refuse(r, "something follows the quote that closes the cell");
}

/* ---- rows ---- */

static ag_status read_row(reader *r)
{
    uint32_t count = 0;
    if (r->lines != NULL) r->lines[r->num_rows] = r->line;
    for (bool more = true; more; count++) {
        if (r->num_rows > 0 && count == r->num_columns)
            return refuse(r, "a cell more than the first line has");
        ag_status status = read_cell(r);
        if (status != AG_OK) return status;
        more = !at_end_of_line(r);
        if (more) r->at++;
    }
    if (r->num_rows == 0) r->num_columns = count;
    r->num_rows++;
    if (count == r->num_columns) return AG_OK;
    return ag__fail(AG_ERROR_FORMAT,
                    "read_csv: %s, line %u, column %zu: the line ends after %u cells, but the "
                    "first one has %u",
                    r->name, r->line, r->at - r->line_start + 1, count, r->num_columns);
}

static ag_status read_rows(reader *r)
{
    static const char mark[] = "\xef\xbb\xbf";
    r->num_rows = r->num_columns = 0;
    r->num_cells = r->text_used = 0;
    r->line = 1;
    r->at = r->end >= 3 && memcmp(r->bytes, mark, 3) == 0 ? 3 : 0;
    r->line_start = r->at;
    while (r->at < r->end) {
        size_t start = r->at;
        skip_blanks(r);
        bool empty = at_end_of_line(r);
        if (!empty) r->at = start;
        ag_status status = empty ? AG_OK : read_row(r);
        if (status != AG_OK) return status;
        pass_end_of_line(r);
    }
    return AG_OK;
}

/* ---- the table ---- */

static bool name_before(const void *context, uint32_t a, uint32_t b)
{
    const char *const *names = context;
    return strcmp(names[a], names[b]) < 0;
}

static ag_status check_names(ag_arena *arena, const reader *r, const char *const *names)
{
    ag_mark mark = ag_arena_mark(arena);
    uint32_t *order = ag_arena_alloc(arena, r->num_columns * sizeof *order);
    if (order == NULL) return ag_last_status();
    ag_status status = AG_OK;
    for (uint32_t i = 0; i < r->num_columns; i++)
        order[i] = i;
    ag__sort(r->num_columns, order, name_before, names);
    for (uint32_t i = 1; i < r->num_columns && status == AG_OK; i++)
        if (names[order[i]][0] != '\0' && !name_before(names, order[i - 1], order[i]))
            status = ag__fail(AG_ERROR_FORMAT,
                              "read_csv: %s, line %u, column %u: a second column named \"%.80s\"",
                              r->name, r->lines[0], order[i] + 1, names[order[i]]);
    ag_arena_rewind(arena, mark);
    return status;
}

static const char **create_names(ag_arena *arena, const reader *r, bool no_header)
{
    enum { LONGEST_NUMBER = 12 };
    const char **names = ag_arena_alloc(arena, r->num_columns * sizeof *names);
    char *numbers =
        no_header ? ag_arena_alloc(arena, (size_t)r->num_columns * LONGEST_NUMBER) : NULL;
    if (names == NULL || (no_header && numbers == NULL)) return NULL;
    for (uint32_t i = 0; i < r->num_columns; i++) {
        char *number = no_header ? numbers + (size_t)i * LONGEST_NUMBER : NULL;
        if (no_header) snprintf(number, LONGEST_NUMBER, "%u", i + 1);
        names[i] = no_header ? number : r->text + r->cells[i];
    }
    return no_header || check_names(arena, r, names) == AG_OK ? names : NULL;
}

static const char *copy_text(ag_arena *arena, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = ag_arena_alloc(arena, bytes);
    return copy != NULL ? memcpy(copy, text, bytes) : NULL;
}

static ag_table *create_table(ag_arena *arena, const reader *r, const ag_csv_options *options)
{
    ag_table *table = ag_arena_alloc(arena, sizeof *table);
    const char *file = copy_text(arena, r->name);
    const char *missing = copy_text(arena, options->missing != NULL ? options->missing : "");
    const char **names = create_names(arena, r, options->no_header);
    if (table == NULL || file == NULL || missing == NULL || names == NULL) return NULL;
    uint32_t first = options->no_header ? 0 : 1;
    *table = (ag_table){.file = file,
                        .num_rows = r->num_rows - first,
                        .num_columns = r->num_columns,
                        .column_names = names,
                        .missing = missing,
                        .text = r->text,
                        .cells = r->cells + (size_t)first * r->num_columns,
                        .lines = r->lines + first};
    return table;
}

static ag_table *parse(ag_arena *arena, reader *r, const ag_csv_options *options)
{
    if (r->end >= UINT32_MAX) {
        ag__fail(AG_ERROR_FORMAT, "read_csv: %s has 4 GiB or more", r->name);
        return NULL;
    }
    if (read_rows(r) != AG_OK) return NULL;
    if (r->num_rows < (options->no_header ? 1 : 2)) {
        refuse(r, "the file has no rows of data");
        return NULL;
    }
    r->text = ag_arena_alloc(arena, r->end + 2);
    r->cells = ag_arena_alloc(arena, r->num_cells * sizeof *r->cells);
    r->lines = ag_arena_alloc(arena, r->num_rows * sizeof *r->lines);
    if (r->text == NULL || r->cells == NULL || r->lines == NULL || read_rows(r) != AG_OK)
        return NULL;
    return create_table(arena, r, options);
}

ag_table *ag__csv_parse(ag_arena *arena, const char *name, const unsigned char *bytes, size_t size,
                        const ag_csv_options *options)
{
    static const ag_csv_options usual = {0};
    if (options == NULL) options = &usual;
    char separator = options->separator != '\0' ? options->separator : ',';
    if (strchr("\"\r\n ", separator) != NULL) {
        ag__fail(AG_ERROR_ARGUMENT, "read_csv: cells cannot be separated by character %d",
                 separator);
        return NULL;
    }
    reader r = {.name = name, .bytes = bytes, .end = size, .separator = separator};
    ag_mark mark = ag_arena_mark(arena);
    ag_table *table = parse(arena, &r, options);
    if (table == NULL) ag_arena_rewind(arena, mark);
    return table;
}

ag_table *ag_read_csv(ag_arena *arena, const char *path, const ag_csv_options *options)
{
    if (arena == NULL || path == NULL) {
        ag__fail_null("read_csv", arena == NULL ? "arena" : "path");
        return NULL;
    }
    ag__bytes bytes = {0};
    ag_table *table = NULL;
    if (ag__file_read("read_csv", path, &bytes) == AG_OK)
        table = ag__csv_parse(arena, ag__file_name(path), bytes.data, bytes.size, options);
    ag__bytes_free(&bytes);
    return table;
}
