/* json.h: the part of JSON that a safetensors header consists of, strictly. */
#ifndef AG_IO_JSON_H
#define AG_IO_JSON_H

#include <autograd/status.h>

/* A text being read. Strings are unescaped into memory that is as long as the text. */
typedef struct ag__json {
    const char *function; /* for messages */
    const char *name;     /* the file's */
    const unsigned char *bytes;
    size_t at, end;
    char *strings; /* where the next string goes */
} ag__json;

/* Fails with AG_ERROR_FORMAT, the file's name and the present position. */
ag_status ag__json_refuse(const ag__json *json, const char *what);

void ag__json_skip_blanks(ag__json *json);

/* Whether this character comes next, blanks aside; it is passed if so. */
bool ag__json_take(ag__json *json, char c);

/* The same, but it must. */
ag_status ag__json_expect(ag__json *json, char c);

/* A string of valid UTF-8 without a zero in it. */
ag_status ag__json_string(ag__json *json, const char **text);

/* A whole number from 0 to 2^64 - 1. */
ag_status ag__json_whole(ag__json *json, uint64_t *value);

/* How many bytes the UTF-8 sequence that begins here has; 0 if it is invalid or begins with a 0. */
size_t ag__utf8_length(const unsigned char *bytes, size_t left);

#endif
