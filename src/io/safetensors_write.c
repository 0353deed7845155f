/* safetensors_write.c: writing safetensors files, with or without a checksum. */
#include "config.h"

#include "io/safetensors.h"

#include <stdio.h>
#include <string.h>

#include "core/output.h"
#include "io/json.h"

/* All that goes into a file. */
typedef struct contents {
    const char *checksum; /* 8 digits, or NULL for none */
    uint64_t header_bytes;
    size_t count;
    const ag_named_tensor *tensors;
    size_t num_metadata;
    const ag_metadata *metadata;
} contents;

static void write_string(ag__output *output, const char *text)
{
    ag__output_text(output, "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            ag__output_format(output, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            ag__output_format(output, "\\u%04x", (unsigned)*text);
        else
            ag__output_bytes(output, text, 1);
    }
    ag__output_text(output, "\"");
}

static void write_pair(ag__output *output, const char *comma, const char *key, const char *value)
{
    ag__output_text(output, comma);
    write_string(output, key);
    ag__output_text(output, ":");
    write_string(output, value);
}

static void write_metadata(ag__output *output, const contents *c)
{
    const char *comma = "";
    ag__output_text(output, "\"__metadata__\":{");
    if (c->checksum != NULL) {
        write_pair(output, comma, AG__CHECKSUM_KEY, c->checksum);
        comma = ",";
    }
    for (size_t i = 0; i < c->num_metadata; i++, comma = ",")
        write_pair(output, comma, c->metadata[i].key, c->metadata[i].value);
    ag__output_text(output, "}");
}

static void write_entry(ag__output *output, const ag_named_tensor *named, uint64_t begin)
{
    const ag_tensor *tensor = named->tensor;
    write_string(output, named->name);
    ag__output_text(output, ":{\"dtype\":\"F32\",\"shape\":[");
    for (uint32_t i = 0; i < tensor->ndims; i++)
        ag__output_format(output, i == 0 ? "%u" : ",%u", (unsigned)tensor->shape[i]);
    ag__output_format(output, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)begin,
                      (unsigned long long)(begin + 4 * (uint64_t)tensor->size));
}

/* Blanks at its end let the tensors begin at a multiple of 8. */
static void write_header(ag__output *output, const contents *c)
{
    uint64_t begin = 0, start = output->position;
    const char *comma = "";
    ag__output_text(output, "{");
    if (c->checksum != NULL || c->num_metadata > 0) {
        write_metadata(output, c);
        comma = ",";
    }
    for (size_t i = 0; i < c->count; i++, comma = ",") {
        ag__output_text(output, comma);
        write_entry(output, &c->tensors[i], begin);
        begin += 4 * (uint64_t)c->tensors[i].tensor->size;
    }
    ag__output_text(output, "}");
    while ((output->position - start) % 8 != 0)
        ag__output_text(output, " ");
}

static void write_file(ag__output *output, const contents *c)
{
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(c->header_bytes >> 8 * i & 255);
    ag__output_bytes(output, length, sizeof length);
    write_header(output, c);
    for (size_t i = 0; i < c->count; i++)
        ag__write_floats(output, c->tensors[i].tensor->size, c->tensors[i].tensor->data);
}

/* ---- checks ---- */

static ag_status check_text(const char *function, const char *what, const char *text)
{
    if (text == NULL) return ag__fail_missing(function, what);
    size_t left = strlen(text);
    for (const unsigned char *next = (const unsigned char *)text; left > 0;) {
        size_t length = ag__utf8_length(next, left);
        if (length == 0)
            return ag__fail(AG_ERROR_ARGUMENT, "%s: %s \"%.80s\" is no valid UTF-8", function, what,
                            text);
        next += length;
        left -= length;
    }
    return AG_OK;
}

static ag_status check_name(const char *function, const contents *c, size_t index)
{
    const char *name = c->tensors[index].name;
    ag_status status = check_text(function, "a tensor's name", name);
    if (status != AG_OK) return status;
    if (name[0] == '\0' || strcmp(name, "__metadata__") == 0)
        return ag__fail(AG_ERROR_ARGUMENT, "%s: \"%s\" cannot be a tensor's name", function, name);
    for (size_t i = 0; i < index; i++)
        if (strcmp(c->tensors[i].name, name) == 0)
            return ag__fail(AG_ERROR_ARGUMENT, "%s: tensors %zu and %zu are both named \"%.80s\"",
                            function, i, index, name);
    return ag__tensor_check(function, "one of the tensors", c->tensors[index].tensor);
}

static ag_status check_metadata(const char *function, const contents *c, size_t index)
{
    const ag_metadata *entry = &c->metadata[index];
    ag_status status = check_text(function, "a metadata key", entry->key);
    if (status == AG_OK && entry->key[0] == '\0')
        status = ag__fail(AG_ERROR_ARGUMENT, "%s: \"\" cannot be a metadata key", function);
    if (status == AG_OK) status = check_text(function, "a metadata value", entry->value);
    for (size_t i = 0; i < index && status == AG_OK; i++)
        if (strcmp(c->metadata[i].key, entry->key) == 0)
            status = ag__fail(AG_ERROR_ARGUMENT,
                              "%s: metadata %zu and %zu both have the key "
                              "\"%.80s\"",
                              function, i, index, entry->key);
    return status;
}

static ag_status check_contents(const char *function, const contents *c)
{
    if (c->tensors == NULL && c->count > 0) return ag__fail_missing(function, "tensors");
    if (c->metadata == NULL && c->num_metadata > 0) return ag__fail_missing(function, "metadata");
    ag_status status = AG_OK;
    for (size_t i = 0; i < c->count && status == AG_OK; i++)
        status = check_name(function, c, i);
    for (size_t i = 0; i < c->num_metadata && status == AG_OK; i++)
        status = check_metadata(function, c, i);
    return status;
}

/* ---- */

/* The length of the header, and the sum of a file whose checksum's digits are all 0. */
static void measure(ag__output *output, contents *c)
{
    ag__output_measure(output);
    write_header(output, c);
    c->header_bytes = output->position;
    if (c->checksum == NULL) return;
    ag__output_measure(output);
    write_file(output, c);
}

ag_status ag__safetensors_write(const char *function, const char *path, bool checksum, size_t count,
                                const ag_named_tensor *tensors, size_t num_metadata,
                                const ag_metadata *metadata)
{
    contents c = {checksum ? "00000000" : NULL, 0, count, tensors, num_metadata, metadata};
    if (path == NULL) return ag__fail_missing(function, "path");
    ag_status status = check_contents(function, &c);
    if (status != AG_OK) return status;
    ag__output output;
    char digits[9];
    measure(&output, &c);
    snprintf(digits, sizeof digits, "%08x", (unsigned)output.crc);
    if (checksum) c.checksum = digits;
    ag__output_open(&output, function, path);
    write_file(&output, &c);
    return ag__output_close(&output);
}

ag_status ag_save_safetensors(const char *path, size_t count, const ag_named_tensor *tensors,
                              size_t num_metadata, const ag_metadata *metadata)
{
    return ag__safetensors_write("save_safetensors", path, false, count, tensors, num_metadata,
                                 metadata);
}
