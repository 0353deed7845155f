/*
 * npy.c: arrays as NumPy saves them.
 *
 * A file is "\x93NUMPY", two bytes of version, the length of the header (2 bytes in version 1, 4
 * after), the header, and the elements. The header is a Python dictionary with exactly the keys
 * 'descr', 'fortran_order' and 'shape'.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
#include "config.h"

#include "io/npy.h"

#include <autograd/io.h>

#include <stdio.h>
#include <string.h>

#include "core/file.h"
#include "core/output.h"
#include "io/elements.h"
#include "tensor/shape.h"

static const char magic[] = "\x93NUMPY";

enum { MAGIC_LENGTH = 6, KEYS = 7 /* one bit for each of the three */ };

/* The header, and how far it has been read. */
typedef struct header {
    const char *name;
    const unsigned char *bytes;
    size_t at, end;
    unsigned keys; /* bits of those that were met */
    ag__element type;
    bool column_major;
    ag__shape shape;
} header;

static ag_status refuse(const header *h, const char *what)
{
    return ag__fail(AG_ERROR_FORMAT, "load_npy: %s, byte %zu: %s", h->name, h->at, what);
}

/* ---- the words of a header ---- */

static void skip_blanks(header *h)
{
    while (h->at < h->end && memchr(" \t\r\n", h->bytes[h->at], 4) != NULL)
        h->at++;
}

/* Whether a word comes next; it is passed if so. */
static bool take(header *h, const char *word)
{
    skip_blanks(h);
    size_t length = strlen(word);
    if (h->end - h->at < length || memcmp(h->bytes + h->at, word, length) != 0) return false;
    h->at += length;
    return true;
}

/* A string without escapes, in quotes of either kind. */
static bool take_string(header *h, char text[16])
{
    skip_blanks(h);
    if (h->at >= h->end) return false;
    unsigned char quote = h->bytes[h->at];
    if (quote != '\'' && quote != '"') return false;
    size_t length = 0;
    for (size_t i = h->at + 1; i < h->end && length < 15; i++) {
        if (h->bytes[i] == quote) {
            text[length] = '\0';
            h->at = i + 1;
            return true;
        }
        text[length++] = (char)h->bytes[i];
    }
    return false;
}

static bool take_dimension(header *h, uint32_t *dimension)
{
    skip_blanks(h);
    uint64_t value = 0;
    size_t start = h->at;
    while (h->at < h->end && h->bytes[h->at] >= '0' && h->bytes[h->at] <= '9') {
        value = 10 * value + (uint64_t)(h->bytes[h->at++] - '0');
        if (value > UINT32_MAX) return false;
    }
    *dimension = (uint32_t)value;
    return h->at > start;
}

/* ---- its three values ---- */

/* Such as <f4: byte order, kind, bytes of one element. */
static ag_status read_type(header *h)
{
    static const char kinds[] = "fiub";
    char text[16];
    if (!take_string(h, text))
        return refuse(h, "a type must be a string such as '<f4'; structured ones cannot be read");
    const char *kind = strlen(text) == 3 && text[1] != '\0' ? strchr(kinds, text[1]) : NULL;
    uint32_t bytes =
        kind != NULL && text[2] >= '1' && text[2] <= '8' ? (uint32_t)(text[2] - '0') : 0;
    bool is_order = text[0] != '\0' && strchr("<>|=", text[0]) != NULL;
    bool is_size = (bytes == 1 && text[1] != 'f') || bytes == 2 || bytes == 4 || bytes == 8;
    if (!is_order || !is_size || (text[1] == 'b' && bytes != 1) ||
        (bytes > 1 && text[0] != '<' && text[0] != '>'))
        return refuse(h, "a type that cannot be read; f2 to f8, i1 to i8, u1 to u8 and b1 can");
    h->type = (ag__element){.kind = text[1] == 'f'   ? AG__FLOAT
                                    : text[1] == 'i' ? AG__SIGNED
                                                     : AG__UNSIGNED,
                            .bytes = bytes,
                            .high_first = text[0] == '>'};
    return AG_OK;
}

static ag_status read_order(header *h)
{
    h->column_major = take(h, "True");
    if (!h->column_major && !take(h, "False"))
        return refuse(h, "'fortran_order' must be True or False");
    return AG_OK;
}

/* (), (3,) or (3, 4); a lone number is no tuple. */
static ag_status read_shape(header *h)
{
    bool comma = true;
    if (!take(h, "(")) return refuse(h, "'shape' must begin with (");
    h->shape.ndims = 0;
    while (!take(h, ")")) {
        uint32_t dimension = 0;
        if (!comma || !take_dimension(h, &dimension))
            return refuse(h, "'shape' must be a tuple of whole numbers below 2^32");
        if (h->shape.ndims == AG_MAX_DIMS)
            return ag__fail(AG_ERROR_SHAPE,
                            "load_npy: %s, byte %zu: more than %d dimensions, the most of a tensor",
                            h->name, h->at, AG_MAX_DIMS);
        h->shape.dims[h->shape.ndims++] = dimension;
        comma = take(h, ",");
    }
    if (h->shape.ndims == 1 && !comma) return refuse(h, "'shape' must be a tuple");
    if (h->shape.ndims == 0) h->shape = (ag__shape){.ndims = 1, .dims = {1}};
    return AG_OK;
}

static ag_status read_entry(header *h)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    static ag_status (*const read[])(header *) = {read_type, read_order, read_shape};
    char key[16];
    if (!take_string(h, key)) return refuse(h, "a key in quotes must come here");
    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(key, keys[i]) != 0) continue;
        if ((h->keys & 1u << i) != 0) return refuse(h, "a key that occurred before");
        h->keys |= 1u << i;
        return take(h, ":") ? read[i](h) : refuse(h, "a colon must follow the key");
    }
    return refuse(h, "a key that no array has");
}

static ag_status read_dictionary(header *h)
{
    bool comma = true;
    if (!take(h, "{")) return refuse(h, "the header must begin with {");
    while (!take(h, "}")) {
        ag_status status = comma ? read_entry(h) : refuse(h, "a comma must come here");
        if (status != AG_OK) return status;
        comma = take(h, ",");
    }
    skip_blanks(h);
    if (h->at < h->end) return refuse(h, "something stands behind the header's }");
    if (h->keys != KEYS) return refuse(h, "'descr', 'fortran_order' or 'shape' is missing");
    return AG_OK;
}

/* ---- the file ---- */

/* Finds where the header begins and ends. */
static ag_status read_preamble(header *h, size_t size)
{
    const unsigned char *b = h->bytes;
    if (size < MAGIC_LENGTH || memcmp(b, magic, MAGIC_LENGTH) != 0)
        return refuse(h, "no NumPy file: it does not begin with \\x93NUMPY");
    h->at = MAGIC_LENGTH;
    unsigned version = size > MAGIC_LENGTH ? b[MAGIC_LENGTH] : 0;
    size_t length_bytes = version == 1 ? 2 : 4;
    if (version < 1 || version > 3 || size <= MAGIC_LENGTH + 1 || b[MAGIC_LENGTH + 1] != 0)
        return refuse(h, "a version that cannot be read; 1.0, 2.0 and 3.0 can");
    h->at = MAGIC_LENGTH + 2;
    if (size - h->at < length_bytes) return refuse(h, "the file ends within its header");
    size_t length = 0;
    for (size_t i = length_bytes; i-- > 0;)
        length = length << 8 | b[h->at + i];
    h->at += length_bytes;
    if (length > size - h->at)
        return ag__fail(
            AG_ERROR_FORMAT,
            "load_npy: %s, byte %zu: the header should have %zu bytes, but %zu are left", h->name,
            h->at, length, size - h->at);
    h->end = h->at + length;
    return AG_OK;
}

static ag_status check_elements(const header *h, size_t size, size_t *count)
{
    ag_status status = ag__shape_size("load_npy", h->shape.ndims, h->shape.dims, count);
    if (status != AG_OK)
        return ag__fail(status, "load_npy: %s: shape %s cannot be a tensor's", h->name,
                        ag__shape_to_text(h->shape.ndims, h->shape.dims).text);
    size_t left = size - h->end;
    if (left % h->type.bytes != 0 || left / h->type.bytes != *count)
        return ag__fail(AG_ERROR_FORMAT,
                        "load_npy: %s, byte %zu: %zu elements of %u bytes for shape %s should "
                        "follow, but %zu bytes do",
                        h->name, h->end, *count, h->type.bytes,
                        ag__shape_to_text(h->shape.ndims, h->shape.dims).text, left);
    if (h->column_major && h->shape.ndims > 1 && *count > 1)
        return ag__fail(AG_ERROR_FORMAT,
                        "load_npy: %s is column-major (fortran_order); save "
                        "numpy.ascontiguousarray(array) instead",
                        h->name);
    return AG_OK;
}

ag_tensor *ag__npy_parse(ag_arena *arena, const char *name, const unsigned char *bytes, size_t size)
{
    header h = {.name = name, .bytes = bytes};
    size_t count = 0;
    if (read_preamble(&h, size) != AG_OK || read_dictionary(&h) != AG_OK ||
        check_elements(&h, size, &count) != AG_OK)
        return NULL;
    ag_tensor *tensor = ag_tensor_create(arena, h.shape.ndims, h.shape.dims);
    if (tensor != NULL) ag__elements_to_float(h.type, count, bytes + h.end, tensor->data);
    return tensor;
}

ag_tensor *ag_load_npy(ag_arena *arena, const char *path)
{
    if (arena == NULL || path == NULL) {
        ag__fail_null("load_npy", arena == NULL ? "arena" : "path");
        return NULL;
    }
    ag__bytes bytes = {0};
    ag_tensor *tensor = NULL;
    if (ag__file_read("load_npy", path, &bytes) == AG_OK)
        tensor = ag__npy_parse(arena, ag__file_name(path), bytes.data, bytes.size);
    ag__bytes_free(&bytes);
    return tensor;
}

/* The header is padded with blanks so that the elements begin at a multiple of 64. */
static void write_header(ag__output *output, const ag_tensor *tensor)
{
    char shape[AG_MAX_DIMS * 12 + 4], text[256];
    int length = 0;
    for (uint32_t i = 0; i < tensor->ndims; i++)
        length += snprintf(shape + length, sizeof shape - (size_t)length, i == 0 ? "%u" : ", %u",
                           tensor->shape[i]);
    length =
        snprintf(text, sizeof text, "{'descr': '<f4', 'fortran_order': False, 'shape': (%s%s), }",
                 shape, tensor->ndims == 1 ? "," : "");
    int padded = (MAGIC_LENGTH + 4 + length + 1 + 63) / 64 * 64 - MAGIC_LENGTH - 4;
    unsigned char size[] = {1, 0, (unsigned char)(padded & 255), (unsigned char)(padded >> 8)};
    ag__output_bytes(output, magic, MAGIC_LENGTH);
    ag__output_bytes(output, size, sizeof size);
    ag__output_format(output, "%-*s\n", padded - 1, text);
}

ag_status ag_save_npy(const char *path, const ag_tensor *tensor)
{
    if (path == NULL) return ag__fail_missing("save_npy", "path");
    ag_status status = ag__tensor_check("save_npy", "tensor", tensor);
    if (status != AG_OK) return status;
    ag__output output;
    ag__output_open(&output, "save_npy", path);
    write_header(&output, tensor);
    ag__write_floats(&output, tensor->size, tensor->data);
    return ag__output_close(&output);
}
