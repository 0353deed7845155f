/* categories.c: columns of categories as indices or one-hot rows. */
#include "config.h"

#include <string.h>

#include "core/sort.h"
#include "core/status.h"
#include "core/text.h"
#include "data/table.h"

/* ---- finding the categories of a column ---- */

/* Texts by value if all are numbers, else by their bytes; equal values by their bytes. */
static int compare(const char *a, const char *b, bool numeric)
{
    double x = 0, y = 0;
    if (numeric && ag__parse_number(a, &x) && ag__parse_number(b, &y) && x != y)
        return x < y ? -1 : 1;
    return strcmp(a, b);
}

typedef struct column {
    const ag_table *table;
    uint32_t number;
    bool numeric; /* whether all cells are finite numbers or missing */
} column;

static bool row_before(const void *context, uint32_t a, uint32_t b)
{
    const column *c = context;
    return compare(ag__cell(c->table, a, c->number), ag__cell(c->table, b, c->number), c->numeric) <
           0;
}

static bool is_numeric(const ag_table *table, uint32_t number)
{
    double value = 0;
    for (uint32_t row = 0; row < table->num_rows; row++) {
        const char *text = ag__cell(table, row, number);
        if (!ag__is_missing(table, text) && (!ag__parse_number(text, &value) || value - value != 0))
            return false;
    }
    return true;
}

/* The rows that are not missing, by their texts. */
static uint32_t sort_rows(const column *c, uint32_t *rows)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < c->table->num_rows; row++)
        if (!ag__is_missing(c->table, ag__cell(c->table, row, c->number))) rows[count++] = row;
    ag__sort(count, rows, row_before, c);
    return count;
}

/* Of rows that are sorted, one for each text. */
static uint32_t keep_different(const column *c, uint32_t count, uint32_t *rows)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || row_before(c, rows[kept - 1], rows[i])) rows[kept++] = rows[i];
    return kept;
}

static ag_categories *find_categories(const char *function, ag_arena *arena, const ag_table *table,
                                      uint32_t number)
{
    column c = {table, number, is_numeric(table, number)};
    ag_categories *found = ag_arena_alloc(arena, sizeof *found);
    uint32_t *rows = ag_arena_alloc(arena, table->num_rows * sizeof *rows);
    if (found == NULL || rows == NULL) return NULL;
    uint32_t count = keep_different(&c, sort_rows(&c, rows), rows);
    if (count == 0) {
        ag__fail(AG_ERROR_FORMAT, "%s: %s: column %.60s is missing in every row", function,
                 table->file, table->column_names[number]);
        return NULL;
    }
    const char **names = ag_arena_alloc(arena, count * sizeof *names);
    if (names == NULL) return NULL;
    for (uint32_t i = 0; i < count; i++)
        names[i] = ag__cell(table, rows[i], number);
    *found = (ag_categories){count, names};
    return found;
}

ag_categories *ag_table_categories(ag_arena *arena, const ag_table *table, const char *name)
{
    uint32_t number = 0;
    if (arena == NULL) {
        ag__fail_null("table_categories", "arena");
        return NULL;
    }
    if (ag__table_find("table_categories", table, name, &number) != AG_OK) return NULL;
    ag_mark mark = ag_arena_mark(arena);
    ag_categories *found = find_categories("table_categories", arena, table, number);
    if (found == NULL) ag_arena_rewind(arena, mark);
    return found;
}

/* ---- using them ---- */

/* Categories that a caller gives may come from another column, in another order: by halves would not
 * do, and they are few. */
static ag_status find_index(const char *function, const column *c, uint32_t row,
                            const ag_categories *categories, uint32_t *index)
{
    const char *text = ag__cell(c->table, row, c->number);
    if (ag__is_missing(c->table, text))
        return ag__cell_fail(function, c->table, row, c->number, "is missing");
    for (uint32_t i = 0; i < categories->count; i++) {
        if (strcmp(categories->names[i], text) != 0) continue;
        *index = i;
        return AG_OK;
    }
    return ag__cell_fail(function, c->table, row, c->number, "is none of the categories");
}

static ag_tensor *create_filled(const char *function, ag_arena *arena, const column *c,
                                const ag_categories *categories, bool one_hot)
{
    if (categories == NULL) categories = find_categories(function, arena, c->table, c->number);
    if (categories == NULL) return NULL;
    uint32_t width = one_hot ? categories->count : 1;
    ag_tensor *out = ag_tensor_create_zeros(arena, 2, (uint32_t[]){c->table->num_rows, width});
    for (uint32_t row = 0; out != NULL && row < c->table->num_rows; row++) {
        uint32_t index = 0;
        if (find_index(function, c, row, categories, &index) != AG_OK) return NULL;
        float *cells = out->data + (size_t)row * width;
        cells[one_hot ? index : 0] = one_hot ? 1 : (float)index;
    }
    return out;
}

/* Categories may be those that a caller has filled in. */
static ag_status check_categories(const char *function, const ag_categories *categories)
{
    if (categories->count == 0)
        return ag__fail(AG_ERROR_ARGUMENT, "%s: categories is empty", function);
    if (categories->names == NULL) return ag__fail_missing(function, "the categories' names");
    for (uint32_t i = 0; i < categories->count; i++)
        if (categories->names[i] == NULL) return ag__fail_missing(function, "a category's name");
    return AG_OK;
}

static ag_tensor *create(const char *function, ag_arena *arena, const ag_table *table,
                         const char *name, const ag_categories *categories, bool one_hot)
{
    column c = {.table = table};
    if (arena == NULL) {
        ag__fail_null(function, "arena");
        return NULL;
    }
    if (ag__table_find(function, table, name, &c.number) != AG_OK) return NULL;
    if (categories != NULL && check_categories(function, categories) != AG_OK) return NULL;
    ag_mark mark = ag_arena_mark(arena);
    ag_tensor *out = create_filled(function, arena, &c, categories, one_hot);
    if (out == NULL) ag_arena_rewind(arena, mark);
    return out;
}

ag_tensor *ag_table_indices(ag_arena *arena, const ag_table *table, const char *name,
                            const ag_categories *categories)
{
    return create("table_indices", arena, table, name, categories, false);
}

ag_tensor *ag_table_one_hot(ag_arena *arena, const ag_table *table, const char *name,
                            const ag_categories *categories)
{
    return create("table_one_hot", arena, table, name, categories, true);
}
