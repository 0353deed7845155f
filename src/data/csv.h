/* csv.h: tables of text, in memory. */
#ifndef AG_DATA_CSV_H
#define AG_DATA_CSV_H

#include <autograd/data.h>

/* What ag_read_csv does with the bytes of a file of this name. */
ag_table *ag__csv_parse(ag_arena *arena, const char *name, const unsigned char *bytes, size_t size,
                        const ag_csv_options *options);

#endif
