/* table.c: the cells of tables, and columns of numbers. */
#include "config.h"

#include "data/table.h"

#include <math.h>
#include <string.h>

#include "core/status.h"
#include "core/text.h"

const char *ag__cell(const ag_table *table, uint32_t row, uint32_t column)
{
    return table->text + table->cells[(size_t)row * table->num_columns + column];
}

bool ag__is_missing(const ag_table *table, const char *text)
{
    static const char *const usual[] = {"", "NA", "N/A", "null", "nan", "NaN"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (strcmp(text, usual[i]) == 0) return true;
    return strcmp(text, table->missing) == 0;
}

ag_status ag__cell_fail(const char *function, const ag_table *table, uint32_t row, uint32_t column,
                        const char *what)
{
    return ag__fail(AG_ERROR_FORMAT, "%s: %s, line %u, column %u (%.60s): \"%.60s\" %s", function,
                    table->file, table->lines[row], column + 1, table->column_names[column],
                    ag__cell(table, row, column), what);
}

ag_status ag__table_find(const char *function, const ag_table *table, const char *name,
                         uint32_t *column)
{
    if (table == NULL) return ag__fail_null(function, "table");
    if (name == NULL) return ag__fail_missing(function, "the column's name");
    for (uint32_t i = 0; i < table->num_columns; i++) {
        if (strcmp(table->column_names[i], name) != 0) continue;
        *column = i;
        return AG_OK;
    }
    return ag__fail(AG_ERROR_ARGUMENT, "%s: %s has no column \"%.80s\"", function, table->file,
                    name);
}

ag_status ag_table_column(const ag_table *table, const char *name, uint32_t *column)
{
    if (column == NULL) return ag__fail_missing("table_column", "column");
    return ag__table_find("table_column", table, name, column);
}

const char *ag_table_cell(const ag_table *table, uint32_t row, uint32_t column)
{
    if (table == NULL) {
        ag__fail_null("table_cell", "table");
        return NULL;
    }
    if (row < table->num_rows && column < table->num_columns) return ag__cell(table, row, column);
    ag__fail(AG_ERROR_ARGUMENT, "table_cell: row %u, column %u of a table of %u and %u", row,
             column, table->num_rows, table->num_columns);
    return NULL;
}

/* ---- columns by name ---- */

/* Which columns are meant; scratch memory that the caller gives back. */
static uint32_t *find_all(const char *function, ag_arena *arena, const ag_table *table,
                          uint32_t count, const char *const *names)
{
    if (arena == NULL || table == NULL) {
        ag__fail_null(function, arena == NULL ? "arena" : "table");
        return NULL;
    }
    if (count == 0 || (names == NULL && count > table->num_columns)) {
        ag__fail(AG_ERROR_ARGUMENT, "%s: %u columns of a table of %u", function, count,
                 table->num_columns);
        return NULL;
    }
    uint32_t *columns = ag_arena_alloc(arena, count * sizeof *columns);
    if (columns == NULL) return NULL;
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = i;
        if (names != NULL && ag__table_find(function, table, names[i], &columns[i]) != AG_OK)
            return NULL;
    }
    return columns;
}

static ag_status read_number(const ag_table *table, uint32_t row, uint32_t column, float *out)
{
    double value = (double)NAN;
    const char *text = ag__cell(table, row, column);
    if (!ag__is_missing(table, text) && !ag__parse_number(text, &value))
        return ag__cell_fail("table_numbers", table, row, column, "is no number");
    *out = (float)value;
    return AG_OK;
}

static ag_status fill_numbers(const ag_table *table, uint32_t count, const uint32_t *columns,
                              float *out)
{
    ag_status status = AG_OK;
    for (uint32_t row = 0; row < table->num_rows && status == AG_OK; row++)
        for (uint32_t i = 0; i < count && status == AG_OK; i++)
            status = read_number(table, row, columns[i], out++);
    return status;
}

ag_tensor *ag_table_numbers(ag_arena *arena, const ag_table *table, uint32_t count,
                            const char *const *names)
{
    ag_mark mark = ag_arena_mark(arena);
    uint32_t *columns = find_all("table_numbers", arena, table, count, names);
    ag_tensor *numbers =
        columns != NULL ? ag_tensor_create(arena, 2, (uint32_t[]){table->num_rows, count}) : NULL;
    if (numbers != NULL && fill_numbers(table, count, columns, numbers->data) == AG_OK)
        return numbers;
    if (arena != NULL) ag_arena_rewind(arena, mark);
    return NULL;
}

/* ---- rows without missing cells ---- */

static bool is_complete(const ag_table *table, uint32_t row, uint32_t count,
                        const uint32_t *columns)
{
    for (uint32_t i = 0; i < count; i++)
        if (ag__is_missing(table, ag__cell(table, row, columns[i]))) return false;
    return true;
}

/* Copies the places of the complete rows; returns how many there are. */
static uint32_t select_rows(const ag_table *table, uint32_t count, const uint32_t *columns,
                            uint32_t *cells, uint32_t *lines)
{
    uint32_t kept = 0;
    size_t width = table->num_columns;
    for (uint32_t row = 0; row < table->num_rows; row++) {
        if (!is_complete(table, row, count, columns)) continue;
        memcpy(cells + kept * width, table->cells + row * width, width * sizeof *cells);
        lines[kept++] = table->lines[row];
    }
    return kept;
}

static ag_table *complete_rows(ag_arena *arena, const ag_table *table, uint32_t count,
                               const char *const *names)
{
    uint32_t *columns = find_all("table_complete_rows", arena, table, count, names);
    if (columns == NULL) return NULL;
    size_t size = (size_t)table->num_rows * table->num_columns;
    ag_table *complete = ag_arena_alloc(arena, sizeof *complete);
    uint32_t *cells = ag_arena_alloc(arena, size * sizeof *cells);
    uint32_t *lines = ag_arena_alloc(arena, table->num_rows * sizeof *lines);
    if (complete == NULL || cells == NULL || lines == NULL) return NULL;
    *complete = *table;
    complete->num_rows = select_rows(table, count, columns, cells, lines);
    complete->cells = cells;
    complete->lines = lines;
    if (complete->num_rows > 0) return complete;
    ag__fail(AG_ERROR_FORMAT, "table_complete_rows: %s has no row in which nothing is missing",
             table->file);
    return NULL;
}

ag_table *ag_table_complete_rows(ag_arena *arena, const ag_table *table, uint32_t count,
                                 const char *const *names)
{
    ag_mark mark = ag_arena_mark(arena);
    ag_table *complete = complete_rows(arena, table, count, names);
    if (complete == NULL && arena != NULL) ag_arena_rewind(arena, mark);
    return complete;
}
