/*
 * safetensors_header.c: reading the header of a safetensors file, which trusts nothing in it.
 *
 * A file is the header's length (8 bytes, low one first), the header, and the tensors' bytes. The
 * header is JSON: {"__metadata__": {key: text, …}, name: {"dtype": "F32", "shape": [2, 3],
 * "data_offsets": [begin, end]}, …}, perhaps followed by blanks. The tensors cover the bytes after it
 * without gaps and overlaps. https://github.com/huggingface/safetensors
 */
#include "config.h"

#include "io/safetensors.h"

#include <string.h>

#include "core/sort.h"
#include "core/status.h"
#include "io/json.h"

#define METADATA "__metadata__"

enum {
    LENGTH_BYTES = 8,
    ALL_FIELDS = 7,
    MOST_HEADER_BYTES = 100000000 /* as in the format's own */
};

static const struct {
    const char *name;
    ag__element type;
} types[] = {
    {"F32", {AG__FLOAT, 4, false}},     {"F64", {AG__FLOAT, 8, false}},
    {"F16", {AG__FLOAT, 2, false}},     {"BF16", {AG__BRAIN_FLOAT, 2, false}},
    {"I64", {AG__SIGNED, 8, false}},    {"I32", {AG__SIGNED, 4, false}},
    {"I16", {AG__SIGNED, 2, false}},    {"I8", {AG__SIGNED, 1, false}},
    {"U64", {AG__UNSIGNED, 8, false}},  {"U32", {AG__UNSIGNED, 4, false}},
    {"U16", {AG__UNSIGNED, 2, false}},  {"U8", {AG__UNSIGNED, 1, false}},
    {"BOOL", {AG__UNSIGNED, 1, false}},
};

/* ---- one tensor ---- */

static ag_status read_type(ag__json *json, ag__stored *stored)
{
    const char *text = NULL;
    ag_status status = ag__json_string(json, &text);
    if (status != AG_OK) return status;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, text) != 0) continue;
        stored->type = types[i].type;
        return AG_OK;
    }
    return ag__json_refuse(json, "a dtype that cannot be read");
}

static ag_status read_dimension(ag__json *json, ag__stored *stored)
{
    uint64_t dimension = 0;
    ag_status status = ag__json_whole(json, &dimension);
    if (status != AG_OK) return status;
    if (dimension > UINT32_MAX) return ag__json_refuse(json, "a dimension of 2^32 or more");
    if (stored->shape.ndims == AG_MAX_DIMS)
        return ag__fail(AG_ERROR_SHAPE,
                        "%s: %s, byte %zu: more than %d dimensions, the most of a tensor",
                        json->function, json->name, json->at, AG_MAX_DIMS);
    stored->shape.dims[stored->shape.ndims++] = (uint32_t)dimension;
    return AG_OK;
}

static ag_status read_shape(ag__json *json, ag__stored *stored)
{
    ag_status status = ag__json_expect(json, '[');
    if (status != AG_OK || ag__json_take(json, ']')) return status;
    do
        status = read_dimension(json, stored);
    while (status == AG_OK && ag__json_take(json, ','));
    return status == AG_OK ? ag__json_expect(json, ']') : status;
}

static ag_status read_offsets(ag__json *json, ag__stored *stored)
{
    ag_status status = ag__json_expect(json, '[');
    if (status == AG_OK) status = ag__json_whole(json, &stored->begin);
    if (status == AG_OK) status = ag__json_expect(json, ',');
    if (status == AG_OK) status = ag__json_whole(json, &stored->end);
    if (status == AG_OK) status = ag__json_expect(json, ']');
    return status;
}

static ag_status read_field(ag__json *json, ag__stored *stored, unsigned *met)
{
    static const char *const names[] = {"dtype", "shape", "data_offsets"};
    static ag_status (*const read[])(ag__json *, ag__stored *) = {read_type, read_shape,
                                                                  read_offsets};
    const char *name = NULL;
    ag_status status = ag__json_string(json, &name);
    if (status == AG_OK) status = ag__json_expect(json, ':');
    for (unsigned i = 0; i < 3 && status == AG_OK; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        if ((*met & 1u << i) != 0) return ag__json_refuse(json, "a field that occurred before");
        *met |= 1u << i;
        return read[i](json, stored);
    }
    return status == AG_OK ? ag__json_refuse(json, "a field that tensors have not") : status;
}

/* Checks that the elements are as many as the offsets say. */
static ag_status check_size(const ag__json *json, ag__stored *stored)
{
    uint64_t bytes = stored->type.bytes;
    for (uint32_t i = 0; i < stored->shape.ndims; i++) {
        uint32_t dimension = stored->shape.dims[i];
        if (dimension > 0 && bytes > UINT64_MAX / dimension) bytes = UINT64_MAX;
        bytes = dimension > 0 && bytes == UINT64_MAX ? bytes : bytes * dimension;
    }
    if (stored->end < stored->begin || stored->end - stored->begin != bytes)
        return ag__json_refuse(json, "the tensor's data_offsets do not fit its shape and dtype");
    if (bytes == 0)
        return ag__fail(AG_ERROR_SHAPE, "%s: %s, byte %zu: the tensor has no elements",
                        json->function, json->name, json->at);
    stored->size = (size_t)(bytes / stored->type.bytes);
    if (stored->shape.ndims == 0) stored->shape = (ag__shape){.ndims = 1, .dims = {1}};
    return AG_OK;
}

static ag_status read_tensor(ag__json *json, ag__stored *stored)
{
    unsigned met = 0;
    char *strings = json->strings;
    ag_status status = ag__json_expect(json, '{');
    do
        if (status == AG_OK) status = read_field(json, stored, &met);
    while (status == AG_OK && ag__json_take(json, ','));
    if (status == AG_OK) status = ag__json_expect(json, '}');
    json->strings = strings; /* the fields' names need not be kept */
    if (status != AG_OK) return status;
    if (met != ALL_FIELDS)
        return ag__json_refuse(json, "the tensor's dtype, shape or data_offsets are missing");
    return check_size(json, stored);
}

/* ---- the header ---- */

static ag_status read_metadata(ag__json *json, ag__safetensors *file)
{
    ag_status status = ag__json_expect(json, '{');
    if (status != AG_OK || ag__json_take(json, '}')) return status;
    do {
        ag_metadata entry = {0};
        status = ag__json_string(json, &entry.key);
        if (status == AG_OK) status = ag__json_expect(json, ':');
        if (status == AG_OK) status = ag__json_string(json, &entry.value);
        if (status != AG_OK) return status;
        if (strcmp(entry.key, AG__CHECKSUM_KEY) == 0)
            file->checksum_at = json->at - 1 - strlen(entry.value);
        if (file->metadata != NULL) file->metadata[file->num_metadata] = entry;
        file->num_metadata++;
    } while (ag__json_take(json, ','));
    return ag__json_expect(json, '}');
}

static ag_status read_entry(ag__json *json, ag__safetensors *file, bool *has_metadata)
{
    ag__stored stored = {0};
    ag_status status = ag__json_string(json, &stored.name);
    if (status == AG_OK) status = ag__json_expect(json, ':');
    if (status != AG_OK) return status;
    if (strcmp(stored.name, METADATA) == 0) {
        if (*has_metadata) return ag__json_refuse(json, "a second " METADATA);
        *has_metadata = true;
        return read_metadata(json, file);
    }
    if (stored.name[0] == '\0') return ag__json_refuse(json, "a tensor without a name");
    status = read_tensor(json, &stored);
    if (status == AG_OK && file->tensors != NULL) file->tensors[file->count] = stored;
    if (status == AG_OK) file->count++;
    return status;
}

/* Counts the tensors and the metadata, and keeps them where there is memory for them already. */
static ag_status read_header(ag__json json, ag__safetensors *file)
{
    bool has_metadata = false;
    file->count = file->num_metadata = 0;
    ag_status status = ag__json_expect(&json, '{');
    if (status == AG_OK && !ag__json_take(&json, '}')) {
        do
            status = read_entry(&json, file, &has_metadata);
        while (status == AG_OK && ag__json_take(&json, ','));
        if (status == AG_OK) status = ag__json_expect(&json, '}');
    }
    if (status != AG_OK) return status;
    ag__json_skip_blanks(&json);
    return json.at == json.end ? AG_OK
                               : ag__json_refuse(&json, "something stands behind the header's }");
}

static ag_status find_header(ag__json *json, size_t size)
{
    if (size < LENGTH_BYTES)
        return ag__fail(AG_ERROR_FORMAT, "%s: %s holds %zu bytes, less than a header's length",
                        json->function, json->name, size);
    uint64_t length = 0;
    for (int i = LENGTH_BYTES; i-- > 0;)
        length = length << 8 | json->bytes[i];
    if (length > size - LENGTH_BYTES || length > MOST_HEADER_BYTES)
        return ag__fail(AG_ERROR_FORMAT,
                        "%s: %s, byte 0: the header should have %llu bytes, but %zu follow and at "
                        "most %d are read",
                        json->function, json->name, (unsigned long long)length, size - LENGTH_BYTES,
                        MOST_HEADER_BYTES);
    json->at = LENGTH_BYTES;
    json->end = LENGTH_BYTES + (size_t)length;
    return AG_OK;
}

/* ---- what must hold for all tensors together ---- */

static bool name_before(const void *context, uint32_t a, uint32_t b)
{
    const ag__safetensors *file = context;
    return strcmp(file->tensors[a].name, file->tensors[b].name) < 0;
}

static bool key_before(const void *context, uint32_t a, uint32_t b)
{
    const ag__safetensors *file = context;
    return strcmp(file->metadata[a].key, file->metadata[b].key) < 0;
}

static bool data_before(const void *context, uint32_t a, uint32_t b)
{
    const ag__safetensors *file = context;
    return file->tensors[a].begin < file->tensors[b].begin;
}

static void sort(size_t count, uint32_t *order, ag__before *before, const ag__safetensors *file)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    ag__sort(count, order, before, file);
}

static ag_status check_names(const ag__json *json, const ag__safetensors *file, uint32_t *order)
{
    sort(file->count, order, name_before, file);
    for (size_t i = 1; i < file->count; i++)
        if (!name_before(file, order[i - 1], order[i]))
            return ag__fail(AG_ERROR_FORMAT, "%s: %s: the tensor \"%.80s\" occurs twice",
                            json->function, json->name, file->tensors[order[i]].name);
    sort(file->num_metadata, order, key_before, file);
    for (size_t i = 1; i < file->num_metadata; i++)
        if (!key_before(file, order[i - 1], order[i]))
            return ag__fail(AG_ERROR_FORMAT, "%s: %s: the metadata \"%.80s\" occur twice",
                            json->function, json->name, file->metadata[order[i]].key);
    return AG_OK;
}

/* The tensors must lie one behind the other, and fill what is left of the file. */
static ag_status check_offsets(const ag__json *json, const ag__safetensors *file, uint32_t *order,
                               size_t data_bytes)
{
    uint64_t covered = 0;
    sort(file->count, order, data_before, file);
    for (size_t i = 0; i < file->count; i++) {
        const ag__stored *stored = &file->tensors[order[i]];
        if (stored->begin != covered || stored->end > data_bytes)
            return ag__fail(AG_ERROR_FORMAT,
                            "%s: %s: tensor \"%.80s\" should take the bytes from %llu on, but "
                            "claims %llu to %llu of %zu",
                            json->function, json->name, stored->name, (unsigned long long)covered,
                            (unsigned long long)stored->begin, (unsigned long long)stored->end,
                            data_bytes);
        covered = stored->end;
    }
    if (covered == data_bytes) return AG_OK;
    return ag__fail(AG_ERROR_FORMAT, "%s: %s: tensors end at byte %llu of %zu after the header",
                    json->function, json->name, (unsigned long long)covered, data_bytes);
}

static ag_status check_all(ag_arena *arena, const ag__json *json, const ag__safetensors *file,
                           size_t data_bytes)
{
    size_t most = file->count > file->num_metadata ? file->count : file->num_metadata;
    ag_mark mark = ag_arena_mark(arena);
    uint32_t *order = ag_arena_alloc(arena, (most + 1) * sizeof *order);
    if (order == NULL) return ag_last_status();
    ag_status status = check_names(json, file, order);
    if (status == AG_OK) status = check_offsets(json, file, order, data_bytes);
    ag_arena_rewind(arena, mark);
    return status;
}

ag_status ag__safetensors_parse(const char *function, ag_arena *arena, const char *name,
                                const unsigned char *bytes, size_t size, ag__safetensors *file)
{
    ag__json json = {.function = function, .name = name, .bytes = bytes};
    *file = (ag__safetensors){0};
    ag_status status = find_header(&json, size);
    if (status != AG_OK) return status;
    json.strings = ag_arena_alloc(arena, json.end - json.at + 1);
    if (json.strings == NULL) return ag_last_status();
    status = read_header(json, file);
    if (status != AG_OK) return status;
    file->tensors = ag_arena_alloc(arena, (file->count + 1) * sizeof *file->tensors);
    file->metadata = ag_arena_alloc(arena, (file->num_metadata + 1) * sizeof *file->metadata);
    if (file->tensors == NULL || file->metadata == NULL) return ag_last_status();
    status = read_header(json, file);
    file->data = bytes + json.end;
    return status == AG_OK ? check_all(arena, &json, file, size - json.end) : status;
}
