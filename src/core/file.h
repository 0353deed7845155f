/* file.h: files as bytes in memory, and what the system says where that fails. */
#ifndef AG_CORE_FILE_H
#define AG_CORE_FILE_H

#include <autograd/status.h>

/* Memory that grows with what arrives. Starts zeroed; free it with ag__bytes_free. */
typedef struct ag__bytes {
    unsigned char *data;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated */
} ag__bytes;

/* Makes room for so many bytes in all, on behalf of a function that reads a file of that name. */
ag_status ag__bytes_reserve(const char *function, const char *name, ag__bytes *bytes,
                            size_t capacity);

void ag__bytes_free(ag__bytes *bytes);

/* Reads a whole file. The caller frees the bytes, also after a failure. */
ag_status ag__file_read(const char *function, const char *path, ag__bytes *bytes);

/* As much of a path, from its end, as goes into a message. */
const char *ag__file_name(const char *path);

/* Fails with AG_ERROR_FILE and a text such as "read_npy: cannot open x.npy: No such file". */
ag_status ag__fail_by_system(const char *function, const char *what, const char *name, int error);

#endif
