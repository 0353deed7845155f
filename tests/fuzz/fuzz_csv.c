/* fuzz_csv.c: ag_read_csv on any bytes, and every column as numbers and as categories. */
#include "config.h"

#include "fuzz.h"

enum { MOST_COLUMNS = 16 }; /* that are tried */

static bool read_csv(ag_arena *arena, const char *path)
{
    ag_table *table = ag_read_csv(arena, path, &(ag_csv_options){.missing = "?"});
    if (table == NULL) return false;
    for (uint32_t i = 0; i < table->num_columns && i < MOST_COLUMNS; i++) {
        const char *name = table->column_names[i];
        ag_tensor *tensors[] = {ag_table_numbers(arena, table, 1, &name),
                                ag_table_indices(arena, table, name, NULL),
                                ag_table_one_hot(arena, table, name, NULL)};
        for (int k = 0; k < 3; k++)
            if (tensors[k] != NULL) fuzz_usable(tensors[k]);
    }
    ag_table_complete_rows(arena, table, table->num_columns, NULL);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    return fuzz_try(read_csv, bytes, size);
}
