/* table.h: what turning columns of a table into tensors shares. */
#ifndef AG_DATA_TABLE_H
#define AG_DATA_TABLE_H

#include <autograd/data.h>

/* The text of a cell that is there. */
const char *ag__cell(const ag_table *table, uint32_t row, uint32_t column);

/* Whether a text stands for a missing cell. */
bool ag__is_missing(const ag_table *table, const char *text);

/* Fails with AG_ERROR_FORMAT, the cell's place and its text. */
ag_status ag__cell_fail(const char *function, const ag_table *table, uint32_t row, uint32_t column,
                        const char *what);

/* The number of a column on behalf of a function. */
ag_status ag__table_find(const char *function, const ag_table *table, const char *name,
                         uint32_t *column);

#endif
