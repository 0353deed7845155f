/* check_io.c: files of tensors and checkpoints: round trips, damage, full disks, resuming. */
#include "config.h"

#include <check.h>
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <autograd/autograd.h>

#include "assertions.h"
#include "core/checksum.h"
#include "core/file.h"
#include "io/checkpoint.h"
#include "io/npy.h"
#include "suite.h"

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

static ag_arena *arena;
static char folder[64];

static void create_all(void)
{
    arena = ag_arena_create(0);
    ck_assert_ptr_nonnull(arena);
    strcpy(folder, "/tmp/check_io.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static const char *path_of(const char *name)
{
    static char path[4][512];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

static int count_files(void)
{
    int count = 0;
    DIR *listing = opendir(folder);
    ck_assert_ptr_nonnull(listing);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(listing);
    return count;
}

static void destroy_all(void)
{
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;)
        if (entry->d_name[0] != '.') unlink(path_of(entry->d_name));
    if (listing != NULL) closedir(listing);
    rmdir(folder);
    ag_arena_destroy(arena);
}

static ag__bytes read_all(const char *path)
{
    ag__bytes bytes = {0};
    succeed(ag__file_read("test", path, &bytes));
    return bytes;
}

/* The values that are easily lost: signed zeros, subnormal numbers, infinities, a NaN with a payload. */
static ag_tensor *special_values(void)
{
    static const uint32_t bits[] = {0x00000000, 0x80000000, 0x00000001, 0x807fffff,
                                    0x7f800000, 0xff800000, 0x7fc12345, 0x3f800001,
                                    0x7f7fffff, 0xc0490fdb, 0x00800000, 0x4b800001};
    ag_tensor *tensor = ag_tensor_create(arena, 3, (uint32_t[]){2, 3, 2});
    ck_assert_ptr_nonnull(tensor);
    memcpy(tensor->data, bits, sizeof bits);
    return tensor;
}

static void assert_same(const ag_tensor *a, const ag_tensor *b)
{
    ck_assert_msg(a != NULL && b != NULL, "%s", ag_last_error());
    ck_assert(ag_tensor_same_shape(a, b));
    ck_assert_mem_eq(a->data, b->data, a->size * sizeof(float));
}

/* ---- building blocks ---- */

START_TEST(the_checksums_are_those_that_are_published)
{
    ck_assert_uint_eq(ag__crc32(0, "123456789", 9), 0xcbf43926);
    ck_assert_uint_eq(ag__crc32(ag__crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
    ck_assert_uint_eq(ag__adler32(1, "Wikipedia", 9), 0x11e60398);
}
END_TEST

/* ---- npy ---- */

START_TEST(npy_gives_the_same_bits_back)
{
    ag_tensor *tensor = special_values();
    succeed(ag_save_npy(path_of("a.npy"), tensor));
    assert_same(ag_load_npy(arena, path_of("a.npy")), tensor);
    ck_assert_int_eq(count_files(), 1);
}
END_TEST

START_TEST(npy_files_are_those_that_numpy_writes)
{
    static const char header[] =
        "\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
    ag_tensor *tensor = ag_tensor_create_from(arena, 1, (uint32_t[]){2}, (float[]){1, -2});
    succeed(ag_save_npy(path_of("a.npy"), tensor));
    ag__bytes bytes = read_all(path_of("a.npy"));
    ck_assert_uint_eq(bytes.size, 128 + 8);
    ck_assert_mem_eq(bytes.data, header, sizeof header - 1);
    for (size_t i = sizeof header - 1; i < 127; i++)
        ck_assert_int_eq(bytes.data[i], ' ');
    ck_assert_mem_eq(bytes.data + 127, "\n\0\0\x80\x3f\0\0\0\xc0", 9);
    ag__bytes_free(&bytes);
}
END_TEST

/* A file of version 1 with this header and these elements. */
static ag_tensor *parse_npy(const char *header, const void *elements, size_t size)
{
    unsigned char bytes[512] = "\x93NUMPY\x01";
    size_t length = strlen(header);
    bytes[8] = (unsigned char)length;
    memcpy(bytes + 10, header, length);
    memcpy(bytes + 10 + length, elements, size);
    return ag__npy_parse(arena, "a.npy", bytes, 10 + length + size);
}

#define NPY(type, shape) "{'descr': '" type "', 'fortran_order': False, 'shape': " shape ", }"

static const struct {
    const char *header;
    const char *elements;
    size_t size;
    float expected[2];
} npy_types[] = {
    {NPY("<f4", "(2,)"), "\0\0\x80\x3f\0\0\0\xc0", 8, {1, -2}},
    {NPY(">f4", "(2,)"), "\x3f\x80\0\0\xc0\0\0\0", 8, {1, -2}},
    {NPY("<f8", "(1, 2)"), "\0\0\0\0\0\0\xf0\x3f\x9a\x99\x99\x99\x99\x99\xb9\x3f", 16, {1, 0.1f}},
    {NPY("<f2", "(2,)"), "\0\x3c\x01\x80", 4, {1, -0x1p-24f}},
    {NPY(">f2", "(2,)"), "\x7b\xff\xfc\0", 4, {65504, -INFINITY}},
    {NPY("|u1", "(2,)"), "\0\xff", 2, {0, 255}},
    {NPY("|i1", "(2,)"), "\x80\x7f", 2, {-128, 127}},
    {NPY("|b1", "(2,)"), "\0\x01", 2, {0, 1}},
    {NPY("<i2", "(2,)"), "\xff\xff\0\x80", 4, {-1, -32768}},
    {NPY(">u4", "(2,)"), "\xff\xff\xff\xff\0\0\0\x02", 8, {4294967296.0f, 2}},
    {NPY("<i8", "(2,)"),
     "\0\0\0\0\0\0\0\x80\xfe\xff\xff\xff\xff\xff\xff\xff",
     16,
     {-9223372036854775808.0f, -2}},
    {"{ \"shape\":(2,),'fortran_order':True,'descr':\"<u2\" }\n", "\x01\0\0\x01", 4, {1, 256}},
};

START_TEST(npy_elements_of_every_type_become_floats)
{
    ag_tensor *tensor = parse_npy(npy_types[_i].header, npy_types[_i].elements, npy_types[_i].size);
    ck_assert_msg(tensor != NULL, "%s", ag_last_error());
    ck_assert_mem_eq(tensor->data, npy_types[_i].expected, 8);
}
END_TEST

START_TEST(npy_without_dimensions_is_one_number)
{
    ag_tensor *tensor = parse_npy(NPY("<f4", "()"), "\0\0\x80\x3f", 4);
    ck_assert(tensor != NULL && tensor->ndims == 1 && tensor->size == 1 && tensor->data[0] == 1);
}
END_TEST

static const struct {
    const char *header;
    ag_status status;
    const char *fragment;
} bad_npy[] = {
    {NPY("<f4", "(3,)"), AG_ERROR_FORMAT, "3 elements of 4 bytes for shape [3]"},
    {NPY("<f8", "(2,)"), AG_ERROR_FORMAT, "but 8 bytes do"},
    {NPY("<f4", "(1,)"), AG_ERROR_FORMAT, "but 8 bytes do"},
    {NPY("<f4", "(0,)"), AG_ERROR_SHAPE, "shape [0]"},
    {NPY("<f4", "(4294967295, 4294967295, 4294967295)"), AG_ERROR_SHAPE, "cannot be a tensor's"},
    {NPY("<f4", "(4000000000,)"), AG_ERROR_FORMAT, "4000000000 elements"},
    {NPY("<f4", "(4294967296,)"), AG_ERROR_FORMAT, "below 2^32"},
    {NPY("<f4", "(1, 1, 1, 1, 1, 1, 1, 1, 2)"), AG_ERROR_SHAPE, "more than 8 dimensions"},
    {NPY("<f4", "(2)"), AG_ERROR_FORMAT, "must be a tuple"},
    {NPY("<f4", "(-2,)"), AG_ERROR_FORMAT, "must be a tuple"},
    {NPY("<c8", "(1,)"), AG_ERROR_FORMAT, "a type that cannot be read"},
    {NPY("<f3", "(1,)"), AG_ERROR_FORMAT, "a type that cannot be read"},
    {NPY("|O", "(1,)"), AG_ERROR_FORMAT, "a type that cannot be read"},
    {NPY("|f4", "(2,)"), AG_ERROR_FORMAT, "a type that cannot be read"},
    {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", AG_ERROR_FORMAT,
     "structured"},
    {"{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2)}", AG_ERROR_FORMAT, "column-major"},
    {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", AG_ERROR_FORMAT, "True or False"},
    {"{'descr': '<f4', 'fortran_order': False}", AG_ERROR_FORMAT, "is missing"},
    {"{'descr': '<f4', 'descr': '<f4'}", AG_ERROR_FORMAT, "occurred before"},
    {"{'descr' '<f4'}", AG_ERROR_FORMAT, "byte 19: a colon"},
    {"{'descr': '<f4' 'shape': (2,)}", AG_ERROR_FORMAT, "a comma must"},
    {"{'color': '<f4'}", AG_ERROR_FORMAT, "a key that no array has"},
    {NPY("<f4", "(2,)") "x", AG_ERROR_FORMAT, "behind the header's }"},
    {"", AG_ERROR_FORMAT, "must begin with {"},
};

START_TEST(npy_headers_that_are_wrong_are_refused)
{
    size_t before = ag_arena_used(arena);
    ck_assert_ptr_null(parse_npy(bad_npy[_i].header, "\0\0\x80\x3f\0\0\0\xc0", 8));
    ck_assert_msg(strstr(ag_last_error(), "load_npy: ") != NULL, "%s", ag_last_error());
    assert_last_failure(bad_npy[_i].status, bad_npy[_i].fragment);
    ck_assert_uint_eq(ag_arena_used(arena), before);
}
END_TEST

START_TEST(npy_names_what_is_missing)
{
    ck_assert_ptr_null(ag_load_npy(arena, path_of("none.npy")));
    assert_last_failure(AG_ERROR_FILE, "none.npy: No such file");
    ck_assert_ptr_null(ag_load_npy(arena, folder));
    assert_last_failure(AG_ERROR_FILE, "Is a directory");
    ck_assert_ptr_null(ag_load_npy(NULL, "a"));
    assert_last_failure(AG_ERROR_NULL, "arena");
    ck_assert_int_eq(ag_save_npy(NULL, special_values()), AG_ERROR_NULL);
    assert_last_failure(AG_ERROR_NULL, "path");
    ck_assert_int_eq(ag_save_npy(path_of("a.npy"), NULL), AG_ERROR_NULL);
    ag_clear_error();
    ck_assert_int_eq(ag_save_npy(path_of("no/a.npy"), special_values()), AG_ERROR_FILE);
    assert_last_failure(AG_ERROR_FILE, "cannot create a temporary file beside");
    ck_assert_int_eq(count_files(), 0);
}
END_TEST

/* ---- safetensors ---- */

static const ag_metadata some_metadata[] = {{"format", "pt"}, {"a \"key\"\n", "\\ \xc3\xa4\x01"}};

static void save_two(const char *path)
{
    ag_tensor *vector = ag_tensor_create_from(arena, 1, (uint32_t[]){3}, (float[]){1, 2, 3});
    ag_named_tensor tensors[] = {{"layer.weight", special_values()},
                                 {"layer.\"b\\ias\"\t\xf0\x9f\x98\x80", vector}};
    succeed(ag_save_safetensors(path, 2, tensors, 2, some_metadata));
}

START_TEST(safetensors_give_the_same_bits_back)
{
    save_two(path_of("a.safetensors"));
    ag_tensor_file *file = ag_load_safetensors(arena, path_of("a.safetensors"));
    ck_assert_msg(file != NULL, "%s", ag_last_error());
    ck_assert_uint_eq(file->count, 2);
    ck_assert_str_eq(file->tensors[0].name, "layer.weight");
    assert_same(file->tensors[0].tensor, special_values());
    ag_tensor *vector = ag_tensor_file_find(file, "layer.\"b\\ias\"\t\xf0\x9f\x98\x80");
    ck_assert(vector != NULL && vector->size == 3 && vector->data[2] == 3);
    ck_assert_uint_eq(file->num_metadata, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(file->metadata[i].key, some_metadata[i].key);
        ck_assert_str_eq(file->metadata[i].value, some_metadata[i].value);
    }
    ck_assert_ptr_null(ag_tensor_file_find(file, "nothing"));
    assert_last_failure(AG_ERROR_ARGUMENT, "no tensor \"nothing\"");
}
END_TEST

START_TEST(a_safetensors_file_has_the_published_layout)
{
    static const char expected[] = "8\0\0\0\0\0\0\0"
                                   "{\"w\":{\"dtype\":\"F32\",\"shape\":[1,2],"
                                   "\"data_offsets\":[0,8]}}"
                                   "\0\0\x80\x3f\0\0\0\xc0";
    ag_tensor *w = ag_tensor_create_from(arena, 2, (uint32_t[]){1, 2}, (float[]){1, -2});
    succeed(ag_save_safetensors(path_of("a"), 1, &(ag_named_tensor){"w", w}, 0, NULL));
    ag__bytes bytes = read_all(path_of("a"));
    ck_assert_uint_eq(bytes.size, sizeof expected - 1);
    ck_assert_mem_eq(bytes.data, expected, bytes.size);
    ag__bytes_free(&bytes);
}
END_TEST

static ag_tensor_file *parse_safetensors(const char *header, const void *data, size_t size)
{
    unsigned char bytes[1024] = {0};
    size_t length = strlen(header);
    bytes[0] = (unsigned char)(length & 255);
    bytes[1] = (unsigned char)(length >> 8);
    memcpy(bytes + 8, header, length);
    memcpy(bytes + 8 + length, data, size);
    return ag__safetensors_load(arena, "a.st", bytes, 8 + length + size);
}

#define ENTRY(name, type, shape, offsets)                                                          \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

START_TEST(safetensors_of_other_types_become_floats)
{
    static const char header[] =
        " {" ENTRY("h", "F16", "[1]", "[0,2]") "," ENTRY("b", "BF16", "[]", "[2,4]") ",\n" ENTRY(
            "d", "F64", "[1,1]", "[4, 12]") ",\"__metadata__\":{}," ENTRY("i", "I64", "[1]",
                                                                          "[12,20]") "}  ";
    static const char data[] = "\0\xbc\x40\x40\0\0\0\0\0\0\xe0\x3f\xfd\xff\xff\xff\xff\xff\xff\xff";
    ag_tensor_file *file = parse_safetensors(header, data, 20);
    ck_assert_msg(file != NULL, "%s", ag_last_error());
    static const float expected[] = {-1, 3, 0.5f, -3};
    for (size_t i = 0; i < 4; i++)
        ck_assert(file->tensors[i].tensor->data[0] == expected[i]);
    ck_assert_uint_eq(file->tensors[1].tensor->ndims, 1);
}
END_TEST

START_TEST(a_safetensors_file_may_list_its_tensors_in_any_order)
{
    ag_tensor_file *file = parse_safetensors(
        "{" ENTRY("b", "F32", "[1]", "[4,8]") "," ENTRY("a", "F32", "[1]", "[0,4]") "}",
        "\0\0\x80\x3f\0\0\0\xc0", 8);
    ck_assert_msg(file != NULL, "%s", ag_last_error());
    ck_assert(ag_tensor_file_find(file, "a")->data[0] == 1);
    ck_assert(ag_tensor_file_find(file, "b")->data[0] == -2);
}
END_TEST

static const struct {
    const char *header;
    ag_status status;
    const char *fragment;
} bad_headers[] = {
    {"", AG_ERROR_FORMAT, "byte 8: the header's JSON should go on with '{'"},
    {"[]", AG_ERROR_FORMAT, "should go on with '{'"},
    {"{}", AG_ERROR_FORMAT, "tensors end at byte 0 of 8"},
    {"{" ENTRY("a", "F32", "[1]", "[0,4]") "}", AG_ERROR_FORMAT, "end at byte 4 of 8"},
    {"{" ENTRY("a", "F32", "[2]", "[0,8]"), AG_ERROR_FORMAT, "go on with '}'"},
    {"{" ENTRY("a", "F32", "[2]", "[0,8]") "}x", AG_ERROR_FORMAT, "behind the header's }"},
    {"{" ENTRY("a", "F32", "[2]", "[0,8]") ",}", AG_ERROR_FORMAT, "go on with '\"'"},
    {"{" ENTRY("a", "F32", "[3]", "[0,8]") "}", AG_ERROR_FORMAT, "do not fit its shape"},
    {"{" ENTRY("a", "F64", "[2]", "[0,8]") "}", AG_ERROR_FORMAT, "do not fit its shape"},
    {"{" ENTRY("a", "F32", "[2]", "[8,0]") "}", AG_ERROR_FORMAT, "do not fit its shape"},
    {"{" ENTRY("a", "F32", "[4]", "[0,16]") "}", AG_ERROR_FORMAT, "claims 0 to 16 of 8"},
    {"{" ENTRY("a", "F32", "[1]", "[4,8]") "}", AG_ERROR_FORMAT, "should take the bytes from 0"},
    {"{" ENTRY("a", "F32", "[2]", "[0,8]") "," ENTRY("b", "F32", "[1]", "[4,8]") "}",
     AG_ERROR_FORMAT, "\"b\" should take the bytes from 8"},
    {"{" ENTRY("a", "F32", "[1]", "[0,4]") "," ENTRY("a", "F32", "[1]", "[4,8]") "}",
     AG_ERROR_FORMAT, "\"a\" occurs twice"},
    {"{" ENTRY("a", "F32", "[4294967295,4294967295,4294967295]", "[0,8]") "}", AG_ERROR_FORMAT,
     "do not fit its shape"},
    {"{" ENTRY("a", "F32", "[0,4294967295,4294967295]", "[0,8]") "}", AG_ERROR_FORMAT,
     "do not fit its shape"},
    {"{" ENTRY("a", "F32", "[4294967296]", "[0,8]") "}", AG_ERROR_FORMAT, "2^32 or more"},
    {"{" ENTRY("a", "F32", "[2]", "[0,18446744073709551616]") "}", AG_ERROR_FORMAT,
     "beyond 64 bits"},
    {"{" ENTRY("a", "F32", "[02]", "[0,8]") "}", AG_ERROR_FORMAT, "begins with 0"},
    {"{" ENTRY("a", "F32", "[2.0]", "[0,8]") "}", AG_ERROR_FORMAT, "go on with ']'"},
    {"{" ENTRY("a", "F32", "[-2]", "[0,8]") "}", AG_ERROR_FORMAT, "a whole number should"},
    {"{" ENTRY("a", "F32", "[0]", "[0,0]") "}", AG_ERROR_SHAPE, "has no elements"},
    {"{" ENTRY("a", "F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]") "}", AG_ERROR_SHAPE, "more than 8"},
    {"{" ENTRY("a", "C64", "[1]", "[0,8]") "}", AG_ERROR_FORMAT, "a dtype that cannot be read"},
    {"{" ENTRY("", "F32", "[2]", "[0,8]") "}", AG_ERROR_FORMAT, "without a name"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", AG_ERROR_FORMAT, "are missing"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", AG_ERROR_FORMAT, "occurred before"},
    {"{\"a\":{\"strides\":[1]}}", AG_ERROR_FORMAT, "that tensors have not"},
    {"{\"a\":{}}", AG_ERROR_FORMAT, "go on with '\"'"},
    {"{\"__metadata__\":{\"k\":1}}", AG_ERROR_FORMAT, "go on with '\"'"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", AG_ERROR_FORMAT, "a second __metadata__"},
    {"{\"__metadata__\":{\"k\":\"\",\"k\":\"\"}," ENTRY("a", "F32", "[2]", "[0,8]") "}",
     AG_ERROR_FORMAT, "metadata \"k\" occur twice"},
    {"{\"\\u0000\":1}", AG_ERROR_FORMAT, "that a name cannot have"},
    {"{\"\\ud800x\":1}", AG_ERROR_FORMAT, "half of a surrogate pair"},
    {"{\"\\udc00\":1}", AG_ERROR_FORMAT, "that a name cannot have"},
    {"{\"\\u12g4\":1}", AG_ERROR_FORMAT, "four hexadecimal digits"},
    {"{\"\\x\":1}", AG_ERROR_FORMAT, "an escape that JSON has not"},
    {"{\"\xff\":1}", AG_ERROR_FORMAT, "no valid UTF-8"},
    {"{\"\xc0\x80\":1}", AG_ERROR_FORMAT, "no valid UTF-8"},
    {"{\"\xed\xa0\x80\":1}", AG_ERROR_FORMAT, "no valid UTF-8"},
    {"{\"\n\":1}", AG_ERROR_FORMAT, "no valid UTF-8"},
    {"{\"abc", AG_ERROR_FORMAT, "ends within a string"},
};

START_TEST(safetensors_headers_that_are_wrong_are_refused)
{
    size_t before = ag_arena_used(arena);
    ck_assert_ptr_null(parse_safetensors(bad_headers[_i].header, "\0\0\x80\x3f\0\0\0\xc0", 8));
    assert_last_failure(bad_headers[_i].status, bad_headers[_i].fragment);
    ck_assert_uint_eq(ag_arena_used(arena), before);
}
END_TEST

START_TEST(a_header_may_escape_any_character)
{
    ag_tensor_file *file = parse_safetensors(
        "{" ENTRY("\\u00e4\\ud83d\\uDE00\\/\\\\\\\"\\b\\f\\n\\r\\t", "F32", "[2]", "[0,8]") "}",
        "\0\0\x80\x3f\0\0\0\xc0", 8);
    ck_assert_msg(file != NULL, "%s", ag_last_error());
    ck_assert_str_eq(file->tensors[0].name, "\xc3\xa4\xf0\x9f\x98\x80/\\\"\b\f\n\r\t");
}
END_TEST

START_TEST(a_header_that_claims_to_be_long_is_refused)
{
    unsigned char bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0x80};
    ck_assert_ptr_null(ag__safetensors_load(arena, "a.st", bytes, 16));
    assert_last_failure(AG_ERROR_FORMAT, "should have 9223372036854775808 bytes, but 8 follow");
    ck_assert_ptr_null(ag__safetensors_load(arena, "a.st", bytes, 7));
    assert_last_failure(AG_ERROR_FORMAT, "holds 7 bytes");
}
END_TEST

START_TEST(names_that_no_file_can_hold_are_refused)
{
    ag_tensor *t = special_values();
    const ag_named_tensor same[] = {{"a", t}, {"a", t}}, empty = {"", t}, none = {NULL, t},
                          reserved = {"__metadata__", t}, invalid = {"\xff", t},
                          hollow = {"a", NULL};
    const char *path = path_of("a");
    ck_assert_int_ne(ag_save_safetensors(path, 2, same, 0, NULL), AG_OK);
    assert_last_failure(AG_ERROR_ARGUMENT, "tensors 0 and 1 are both named \"a\"");
    ck_assert_int_ne(ag_save_safetensors(path, 1, &empty, 0, NULL), AG_OK);
    assert_last_failure(AG_ERROR_ARGUMENT, "cannot be a tensor's name");
    ck_assert_int_ne(ag_save_safetensors(path, 1, &reserved, 0, NULL), AG_OK);
    assert_last_failure(AG_ERROR_ARGUMENT, "cannot be a tensor's name");
    ck_assert_int_ne(ag_save_safetensors(path, 1, &invalid, 0, NULL), AG_OK);
    assert_last_failure(AG_ERROR_ARGUMENT, "no valid UTF-8");
    ck_assert_int_ne(ag_save_safetensors(path, 1, &none, 0, NULL), AG_OK);
    assert_last_failure(AG_ERROR_NULL, "name is NULL");
    ck_assert_int_ne(ag_save_safetensors(path, 1, &hollow, 0, NULL), AG_OK);
    assert_last_failure(AG_ERROR_NULL, "one of the tensors");
    const ag_metadata twice[] = {{"k", ""}, {"k", ""}};
    ck_assert_int_ne(ag_save_safetensors(path, 1, same, 2, twice), AG_OK);
    assert_last_failure(AG_ERROR_ARGUMENT, "metadata 0 and 1 both have the key \"k\"");
    ck_assert_int_eq(count_files(), 0);
}
END_TEST

START_TEST(weights_are_loaded_all_or_none)
{
    save_two(path_of("a"));
    ag_tensor *right = ag_tensor_create_zeros(arena, 3, (uint32_t[]){2, 3, 2});
    ag_tensor *wrong = ag_tensor_create_zeros(arena, 2, (uint32_t[]){2, 6});
    const ag_named_tensor good = {"layer.weight", right},
                          misshapen[] = {{"layer.weight", right}, {"layer.weight", wrong}},
                          absent[] = {{"layer.weight", right}, {"other", wrong}};
    ck_assert_int_ne(ag_load_weights(path_of("a"), 2, misshapen), AG_OK);
    assert_last_failure(AG_ERROR_SHAPE, "\"layer.weight\" is [2, 6] but [2, 3, 2] in");
    ck_assert_int_ne(ag_load_weights(path_of("a"), 2, absent), AG_OK);
    assert_last_failure(AG_ERROR_ARGUMENT, "holds no tensor \"other\"");
    for (size_t i = 0; i < right->size; i++)
        ck_assert(right->data[i] == 0);
    succeed(ag_load_weights(path_of("a"), 1, &good));
    assert_same(right, special_values());
}
END_TEST

/* A linear layer, and within a module of its own another and a batch_norm. */
static ag_module *create_model(uint64_t seed)
{
    ag_random random = ag_random_create(seed);
    ag_module *inner[] = {ag_module_linear(arena, &random, 4, 3, false),
                          ag_module_activation(arena, "relu", ag_relu),
                          ag_module_batch_norm(arena, 3, 0.1f, 1e-5f)};
    ag_module *outer[] = {ag_module_linear(arena, &random, 5, 4, true),
                          ag_module_sequential(arena, 3, inner)};
    return ag_module_sequential(arena, 2, outer);
}

static ag_tensor *answer_of(ag_module *model)
{
    ag_random random = ag_random_create(5);
    ag_tensor *x = ag_tensor_create(arena, 2, (uint32_t[]){6, 5});
    ag_tensor_fill_normal(x, &random, 0, 1);
    return ag_module_forward(model, arena, ag_create_leaf(arena, x, false))->data;
}

START_TEST(a_model_comes_back_from_a_file_with_its_statistics)
{
    static const char *const names[] = {"0.weight",       "0.bias",   "1.0.weight",
                                        "1.2.gamma",      "1.2.beta", "1.2.running_mean",
                                        "1.2.running_var"};
    ag_module *model = create_model(1), *other = create_model(2);
    answer_of(model); /* which changes the statistics */
    ag_module_set_training(model, false);
    ag_module_set_training(other, false);
    size_t count = 0, other_count = 0;
    ag_named_tensor *tensors = ag_module_tensors(model, arena, &count);
    ck_assert_uint_eq(count, sizeof names / sizeof *names);
    for (size_t i = 0; i < count; i++)
        ck_assert_str_eq(tensors[i].name, names[i]);
    ck_assert_ptr_eq(tensors[0].tensor, model->children[0]->parameters[0]->data);
    succeed(ag_save_safetensors(path_of("model"), count, tensors, 0, NULL));
    ag_named_tensor *others = ag_module_tensors(other, arena, &other_count);
    succeed(ag_load_weights(path_of("model"), other_count, others));
    assert_same(answer_of(other), answer_of(model));
}
END_TEST

/* ---- a training that is saved ---- */

/* A perceptron that learns from random numbers: all that a checkpoint holds. */
typedef struct training {
    ag_named_tensor weights[2];
    ag_variable *variables[2];
    ag_random random;
    ag_batches *batches;
    ag_optimizer *optimizer;
    ag_checkpoint checkpoint;
} training;

static void create_training(training *t, bool adam)
{
    ag_random fixed = ag_random_create(99);
    ag_tensor *x = ag_tensor_create(arena, 2, (uint32_t[]){23, 5});
    ag_tensor *y = ag_tensor_create(arena, 2, (uint32_t[]){23, 2});
    ag_tensor_fill_normal(x, &fixed, 0, 1);
    ag_tensor_fill_normal(y, &fixed, 0, 1);
    t->random = ag_random_create(7);
    t->weights[0] = (ag_named_tensor){"weight", ag_tensor_create(arena, 2, (uint32_t[]){2, 5})};
    t->weights[1] = (ag_named_tensor){"bias", ag_tensor_create(arena, 1, (uint32_t[]){2})};
    for (int i = 0; i < 2; i++) {
        ag_tensor_fill_normal(t->weights[i].tensor, &t->random, 0, 1);
        t->variables[i] = ag_create_leaf(arena, t->weights[i].tensor, true);
    }
    t->batches = ag_batches_create(arena, ag_dataset_create(arena, x, y), 4, &t->random);
    ag_sgd_options sgd = {.learning_rate = 0.05f, .momentum = 0.9f, .nesterov = true};
    t->optimizer = adam ? ag_adamw_create(arena, 2, t->variables, ag_adamw_defaults())
                        : ag_sgd_create(arena, 2, t->variables, sgd);
    ck_assert_msg(t->optimizer != NULL && t->batches != NULL, "%s", ag_last_error());
    t->checkpoint = (ag_checkpoint){.num_weights = 2,
                                    .weights = t->weights,
                                    .optimizer = t->optimizer,
                                    .random = &t->random,
                                    .batches = t->batches};
}

static void train(training *t, int steps)
{
    ag_arena *step = ag_arena_create(0);
    for (int i = 0; i < steps; i++) {
        if (!ag_next_batch(t->batches)) ck_assert(ag_next_batch(t->batches));
        ag_variable *x = ag_create_leaf(step, t->batches->features, false);
        ag_variable *y = ag_create_leaf(step, t->batches->targets, false);
        ag_variable *pred = ag_linear(step, x, t->variables[0], t->variables[1]);
        ag_variable *loss = ag_mse_loss(step, pred, y, AG_REDUCTION_MEAN);
        ag_optimizer_zero_grad(t->optimizer);
        succeed(ag_backward(step, loss));
        succeed(ag_optimizer_step(t->optimizer));
        /* noise, so that the generator's state matters between epochs too */
        t->weights[1].tensor->data[0] += ag_random_normal(&t->random, 0, 1e-3f);
        t->checkpoint.step++;
        ag_arena_reset(step);
    }
    ag_arena_destroy(step);
}

static const ag_metadata note = {"note", "half way"};

/* Steps before the checkpoint: in the middle of an epoch of 6 batches, at its last, at the next one's start. */
static const int halves[] = {0, 1, 4, 5, 6, 7, 12, 17};

START_TEST(a_training_resumes_from_a_checkpoint_bit_for_bit)
{
    bool adam = _i % 2 == 0;
    int half = halves[_i / 2];
    training whole, first, second;
    create_training(&whole, adam);
    train(&whole, 20);
    create_training(&first, adam);
    train(&first, half);
    ag_optimizer_set_learning_rate(first.optimizer, ag_optimizer_learning_rate(whole.optimizer));
    first.checkpoint.num_metadata = 1;
    first.checkpoint.metadata = &note;
    succeed(ag_save_checkpoint(path_of("half"), &first.checkpoint));

    create_training(&second, adam);
    train(&second, 3); /* all of which is forgotten */
    succeed(ag_load_checkpoint(arena, path_of("half"), &second.checkpoint));
    ck_assert_uint_eq(second.checkpoint.step, (uint64_t)half);
    ck_assert_uint_eq(second.checkpoint.num_metadata, 1);
    ck_assert_str_eq(second.checkpoint.metadata[0].key, "note");
    ck_assert_str_eq(second.checkpoint.metadata[0].value, "half way");
    train(&second, 20 - half);
    second.checkpoint.num_metadata = 0;
    succeed(ag_save_checkpoint(path_of("whole"), &whole.checkpoint));
    succeed(ag_save_checkpoint(path_of("second"), &second.checkpoint));
    ag__bytes a = read_all(path_of("whole")), b = read_all(path_of("second"));
    ck_assert_uint_eq(a.size, b.size);
    ck_assert_mem_eq(a.data, b.data, a.size);
    ag__bytes_free(&a);
    ag__bytes_free(&b);
}
END_TEST

START_TEST(a_checkpoint_is_a_safetensors_file)
{
    training t;
    create_training(&t, true);
    train(&t, 3);
    succeed(ag_save_checkpoint(path_of("c"), &t.checkpoint));
    ag_tensor_file *file = ag_load_safetensors(arena, path_of("c"));
    ck_assert_msg(file != NULL, "%s", ag_last_error());
    assert_same(ag_tensor_file_find(file, "weight"), t.weights[0].tensor);
    ck_assert_ptr_nonnull(ag_tensor_file_find(file, "optimizer.0.exp_avg"));
    ck_assert_str_eq(file->metadata[0].key, "autograd.crc32");
}
END_TEST

/* Everything that a load may change. */
static uint32_t fingerprint(training *t)
{
    uint32_t crc = 0;
    for (int i = 0; i < 2; i++)
        crc = ag__crc32(crc, t->weights[i].tensor->data, t->weights[i].tensor->size * 4);
    for (size_t i = 0; i < ag_optimizer_num_state(t->optimizer); i++) {
        ag_optimizer_state state;
        succeed(ag_optimizer_state_at(t->optimizer, i, &state));
        if (state.counter != NULL) crc = ag__crc32(crc, state.counter, sizeof *state.counter);
        if (state.tensor != NULL) crc = ag__crc32(crc, state.tensor->data, state.tensor->size * 4);
    }
    crc = ag__crc32(crc, &t->random, sizeof t->random);
    crc = ag__crc32(crc, &t->batches->epoch_random, sizeof t->batches->epoch_random);
    crc = ag__crc32(crc, &t->batches->position, sizeof t->batches->position);
    return ag__crc32(crc, &t->checkpoint.step, sizeof t->checkpoint.step);
}

START_TEST(a_checkpoint_with_any_bit_flipped_or_byte_missing_is_refused)
{
    training t, other;
    create_training(&t, true);
    train(&t, 5);
    succeed(ag_save_checkpoint(path_of("c"), &t.checkpoint));
    create_training(&other, true);
    uint32_t before = fingerprint(&other);
    ag__bytes bytes = read_all(path_of("c"));
    for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
        bytes.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        ag_status status =
            ag__checkpoint_load(arena, "c", bytes.data, bytes.size, &other.checkpoint);
        if (status != AG_ERROR_FORMAT) ck_abort_msg("bit %zu: %s", bit, ag_last_error());
        bytes.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (size_t size = 0; size < bytes.size; size++)
        if (ag__checkpoint_load(arena, "c", bytes.data, size, &other.checkpoint) != AG_ERROR_FORMAT)
            ck_abort_msg("%zu bytes: %s", size, ag_last_error());
    ck_assert_uint_eq(fingerprint(&other), before);
    succeed(ag__checkpoint_load(arena, "c", bytes.data, bytes.size, &other.checkpoint));
    ck_assert_uint_eq(fingerprint(&other), fingerprint(&t));
    ag__bytes_free(&bytes);
}
END_TEST

START_TEST(a_checkpoint_that_does_not_fit_changes_nothing)
{
    training adam, sgd;
    create_training(&adam, true);
    create_training(&sgd, false);
    train(&adam, 5);
    succeed(ag_save_checkpoint(path_of("c"), &adam.checkpoint));
    uint32_t before = fingerprint(&sgd);
    ck_assert_int_ne(ag_load_checkpoint(arena, path_of("c"), &sgd.checkpoint), AG_OK);
    assert_last_failure(AG_ERROR_ARGUMENT, "its optimiser is adamw");
    ag_named_tensor renamed = {"other", sgd.weights[0].tensor};
    ag_checkpoint one = {.num_weights = 1, .weights = &renamed};
    ck_assert_int_ne(ag_load_checkpoint(arena, path_of("c"), &one), AG_OK);
    assert_last_failure(AG_ERROR_ARGUMENT, "holds no tensor \"other\"");
    ag_checkpoint fewer = {.optimizer =
                               ag_adamw_create(arena, 1, sgd.variables, ag_adamw_defaults())};
    ck_assert_int_ne(ag_load_checkpoint(arena, path_of("c"), &fewer), AG_OK);
    assert_last_failure(AG_ERROR_ARGUMENT, "other parameters or options");
    ck_assert_uint_eq(fingerprint(&sgd), before);

    succeed(ag_save_checkpoint(path_of("bare"), &(ag_checkpoint){.step = 3}));
    ag_checkpoint random = {.random = &sgd.random}, batches = {.batches = sgd.batches},
                  optimizer = {.optimizer = sgd.optimizer}, bare = {.step = 1};
    ck_assert_int_ne(ag_load_checkpoint(arena, path_of("bare"), &random), AG_OK);
    assert_last_failure(AG_ERROR_ARGUMENT, "holds no generator");
    ck_assert_int_ne(ag_load_checkpoint(arena, path_of("bare"), &batches), AG_OK);
    assert_last_failure(AG_ERROR_ARGUMENT, "holds no generator");
    ck_assert_int_ne(ag_load_checkpoint(arena, path_of("bare"), &optimizer), AG_OK);
    assert_last_failure(AG_ERROR_ARGUMENT, "holds no optimiser");
    succeed(ag_load_checkpoint(arena, path_of("bare"), &bare));
    ck_assert_uint_eq(bare.step, 3);
    save_two(path_of("plain"));
    ck_assert_int_ne(ag_load_checkpoint(arena, path_of("plain"), &bare), AG_OK);
    assert_last_failure(AG_ERROR_FORMAT, "no checkpoint");
}
END_TEST

/* What stands behind a key in a sound checkpoint is exchanged for another byte. */
static const struct {
    const char *key;
    char wrong;
    const char *message;
} wrong_metadata[] = {
    {"\"autograd.checkpoint\":\"", '2', "no checkpoint of version 1"},
    {"\"autograd.step\":\"", 'x', "autograd.step is missing or no number"},
    {"\"autograd.random\":\"", 'g', "autograd.random is no state of a generator"},
    {"\"autograd.batches\":\"", 'g', "autograd.batches is no state of batches"},
    {"\"autograd.learning_rate\":\"", 'g', "autograd.learning_rate is missing or no number"},
    {"\"autograd.learning_rate\":\"", 'f', "autograd.learning_rate is no learning rate"},
};

/* The place right behind a text that is there. */
static unsigned char *behind(const ag__bytes *bytes, const char *text)
{
    size_t length = strlen(text);
    for (size_t at = 0; at + length < bytes->size; at++)
        if (memcmp(bytes->data + at, text, length) == 0) return bytes->data + at + length;
    ck_abort_msg("there is no %s", text);
    return NULL;
}

START_TEST(a_checkpoint_with_a_right_sum_and_wrong_metadata_is_refused)
{
    training t;
    create_training(&t, true);
    train(&t, 5);
    succeed(ag_save_checkpoint(path_of("c"), &t.checkpoint));
    uint32_t before = fingerprint(&t);
    ag__bytes bytes = read_all(path_of("c"));
    *behind(&bytes, wrong_metadata[_i].key) = (unsigned char)wrong_metadata[_i].wrong;
    unsigned char *sum = behind(&bytes, "\"autograd.crc32\":\"");
    char digits[9];
    memcpy(sum, "00000000", 8);
    snprintf(digits, sizeof digits, "%08x", (unsigned)ag__crc32(0, bytes.data, bytes.size));
    memcpy(sum, digits, 8);
    ck_assert_int_ne(ag__checkpoint_load(arena, "c", bytes.data, bytes.size, &t.checkpoint), AG_OK);
    assert_last_failure(AG_ERROR_FORMAT, wrong_metadata[_i].message);
    ck_assert_uint_eq(fingerprint(&t), before);
    ag__bytes_free(&bytes);
}
END_TEST

START_TEST(names_of_the_librarys_own_are_refused)
{
    ag_named_tensor weight = {"optimizer.0.exp_avg", special_values()};
    ag_metadata own = {"autograd.step", "1"};
    ck_assert_int_ne(
        ag_save_checkpoint(path_of("c"), &(ag_checkpoint){.num_weights = 1, .weights = &weight}),
        AG_OK);
    assert_last_failure(AG_ERROR_ARGUMENT, "names with \"optimizer.\" are the optimiser's");
    ck_assert_int_ne(
        ag_save_checkpoint(path_of("c"), &(ag_checkpoint){.num_metadata = 1, .metadata = &own}),
        AG_OK);
    assert_last_failure(AG_ERROR_ARGUMENT, "keys with \"autograd.\" are the library's");
    ck_assert_int_ne(ag_save_checkpoint(path_of("c"), NULL), AG_OK);
    assert_last_failure(AG_ERROR_NULL, "checkpoint is NULL");
}
END_TEST

/* ---- damage to files without a checksum ---- */

static void *load_npy(const unsigned char *bytes, size_t size)
{
    return ag__npy_parse(arena, "a", bytes, size);
}

static void *load_safetensors(const unsigned char *bytes, size_t size)
{
    return ag__safetensors_load(arena, "a", bytes, size);
}

/* Damage is refused or leads to other data: it never takes more memory than the file explains. */
static void damage(const char *path, void *(*load)(const unsigned char *, size_t))
{
    ag__bytes bytes = read_all(path);
    size_t allowed = 64 * bytes.size + 4096;
    for (size_t size = 0; size < bytes.size; size++) {
        unsigned char *part = malloc(size + 1); /* of its own size, for the address sanitizer */
        memcpy(part, bytes.data, size);
        ag_clear_error();
        ck_assert_msg(load(part, size) == NULL, "%zu bytes", size);
        ck_assert(ag_last_status() == AG_ERROR_FORMAT && ag_last_error()[0] != '\0');
        free(part);
    }
    for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
        bytes.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        ag_mark mark = ag_arena_mark(arena);
        size_t used = ag_arena_used(arena);
        void *loaded = load(bytes.data, bytes.size);
        ck_assert(loaded != NULL || ag_arena_used(arena) == used);
        ck_assert_uint_le(ag_arena_used(arena) - used, allowed);
        ag_arena_rewind(arena, mark);
        bytes.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    ag__bytes_free(&bytes);
}

START_TEST(damaged_files_are_refused_or_give_other_data)
{
    succeed(ag_save_npy(path_of("a.npy"), special_values()));
    damage(path_of("a.npy"), load_npy);
    save_two(path_of("a.st"));
    damage(path_of("a.st"), load_safetensors);
}
END_TEST

/* ---- full disks and kills ---- */

START_TEST(a_disk_that_is_full_leaves_the_old_file)
{
    training t, read;
    create_training(&t, true);
    create_training(&read, true);
    succeed(ag_save_checkpoint(path_of("c"), &t.checkpoint));
    ag__bytes old = read_all(path_of("c"));
    uint32_t expected = fingerprint(&t);
    train(&t, 1);
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t limit = 0; limit < old.size; limit += 97) {
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, RLIM_INFINITY});
        ck_assert_int_eq(ag_save_checkpoint(path_of("c"), &t.checkpoint), AG_ERROR_FILE);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
        assert_last_failure(AG_ERROR_FILE, "save_checkpoint: cannot write");
        ag__bytes now = read_all(path_of("c"));
        ck_assert_uint_eq(now.size, old.size);
        ck_assert_mem_eq(now.data, old.data, old.size);
        ag__bytes_free(&now);
        ck_assert_int_eq(count_files(), 1);
    }
    ag__bytes_free(&old);
    succeed(ag_load_checkpoint(arena, path_of("c"), &read.checkpoint));
    ck_assert_uint_eq(fingerprint(&read), expected);
}
END_TEST

START_TEST(a_device_is_written_to_directly)
{
    if (access("/dev/full", W_OK) != 0) return;
    ck_assert_int_eq(ag_save_npy("/dev/full", special_values()), AG_ERROR_FILE);
    assert_last_failure(AG_ERROR_FILE, "cannot write /dev/full: No space left");
    succeed(ag_save_npy("/dev/null", special_values()));
    struct stat status;
    ck_assert_int_eq(stat("/dev/null", &status), 0);
    ck_assert(S_ISCHR(status.st_mode));
}
END_TEST

START_TEST(a_process_that_is_killed_leaves_one_file_or_the_other)
{
    training t;
    create_training(&t, true);
    succeed(ag_save_checkpoint(path_of("c"), &t.checkpoint));
    ag_random delays = ag_random_create(5);
    for (int round = 0; round < 30; round++) {
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        while (child == 0) {
            t.checkpoint.step++;
            if (ag_save_checkpoint(path_of("c"), &t.checkpoint) != AG_OK) _exit(1);
        }
        usleep(ag_random_below(&delays, 8000));
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        succeed(ag_load_checkpoint(arena, path_of("c"), &t.checkpoint));
    }
}
END_TEST

START_TEST(a_link_and_permissions_survive)
{
    ag_tensor *tensor = special_values();
    succeed(ag_save_npy(path_of("real"), tensor));
    ck_assert_int_eq(chmod(path_of("real"), 0640), 0);
    ck_assert_int_eq(symlink("real", path_of("link")), 0);
    tensor->data[0] = 5;
    succeed(ag_save_npy(path_of("link"), tensor));
    assert_same(ag_load_npy(arena, path_of("real")), tensor);
    struct stat status;
    ck_assert_int_eq(lstat(path_of("link"), &status), 0);
    ck_assert(S_ISLNK(status.st_mode));
    ck_assert_int_eq(stat(path_of("real"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0640);
}
END_TEST

/* ---- */

static void add_npy(Suite *suite)
{
    TCase *tests = add_case(suite, "npy");
    tcase_add_checked_fixture(tests, create_all, destroy_all);
    tcase_add_test(tests, the_checksums_are_those_that_are_published);
    tcase_add_test(tests, npy_gives_the_same_bits_back);
    tcase_add_test(tests, npy_files_are_those_that_numpy_writes);
    tcase_add_loop_test(tests, npy_elements_of_every_type_become_floats, 0, COUNT_OF(npy_types));
    tcase_add_test(tests, npy_without_dimensions_is_one_number);
    tcase_add_loop_test(tests, npy_headers_that_are_wrong_are_refused, 0, COUNT_OF(bad_npy));
    tcase_add_test(tests, npy_names_what_is_missing);
}

static void add_safetensors(Suite *suite)
{
    TCase *tests = add_case(suite, "safetensors");
    tcase_add_checked_fixture(tests, create_all, destroy_all);
    tcase_add_test(tests, safetensors_give_the_same_bits_back);
    tcase_add_test(tests, a_safetensors_file_has_the_published_layout);
    tcase_add_test(tests, safetensors_of_other_types_become_floats);
    tcase_add_test(tests, a_safetensors_file_may_list_its_tensors_in_any_order);
    tcase_add_loop_test(tests, safetensors_headers_that_are_wrong_are_refused, 0,
                        COUNT_OF(bad_headers));
    tcase_add_test(tests, a_header_may_escape_any_character);
    tcase_add_test(tests, a_header_that_claims_to_be_long_is_refused);
    tcase_add_test(tests, names_that_no_file_can_hold_are_refused);
    tcase_add_test(tests, weights_are_loaded_all_or_none);
    tcase_add_test(tests, a_model_comes_back_from_a_file_with_its_statistics);
}

static void add_checkpoint(Suite *suite)
{
    TCase *tests = add_case(suite, "checkpoint");
    tcase_add_checked_fixture(tests, create_all, destroy_all);
    tcase_add_loop_test(tests, a_training_resumes_from_a_checkpoint_bit_for_bit, 0,
                        2 * COUNT_OF(halves));
    tcase_add_test(tests, a_checkpoint_is_a_safetensors_file);
    tcase_add_test(tests, a_checkpoint_with_any_bit_flipped_or_byte_missing_is_refused);
    tcase_add_test(tests, a_checkpoint_that_does_not_fit_changes_nothing);
    tcase_add_loop_test(tests, a_checkpoint_with_a_right_sum_and_wrong_metadata_is_refused, 0,
                        COUNT_OF(wrong_metadata));
    tcase_add_test(tests, names_of_the_librarys_own_are_refused);
}

static void add_accident(Suite *suite)
{
    TCase *tests = add_case(suite, "accidents");
    tcase_add_checked_fixture(tests, create_all, destroy_all);
    tcase_add_test(tests, damaged_files_are_refused_or_give_other_data);
    tcase_add_test(tests, a_disk_that_is_full_leaves_the_old_file);
    tcase_add_test(tests, a_device_is_written_to_directly);
    tcase_add_test(tests, a_process_that_is_killed_leaves_one_file_or_the_other);
    tcase_add_test(tests, a_link_and_permissions_survive);
}

int main(void)
{
    Suite *suite = suite_create("io");
    add_npy(suite);
    add_safetensors(suite);
    add_checkpoint(suite);
    add_accident(suite);
    return run_suite(suite);
}
