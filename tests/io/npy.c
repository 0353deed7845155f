/* npy.c: checksums, and files of one tensor. */
#include "config.h"

#include "io/world.h"

#include <math.h>
#include <string.h>

#include "assertions.h"
#include "core/checksum.h"
#include "io/npy.h"
#include "suite.h"

START_TEST(the_checksums_are_those_that_are_published)
{
    ck_assert_uint_eq(ag__crc32(0, "123456789", 9), 0xcbf43926);
    ck_assert_uint_eq(ag__crc32(ag__crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
    ck_assert_uint_eq(ag__adler32(1, "Wikipedia", 9), 0x11e60398);
}
END_TEST

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

void add_npy(Suite *suite)
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
