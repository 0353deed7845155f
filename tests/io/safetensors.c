/* safetensors.c: files of named tensors, and models that come back from them. */
#include "config.h"

#include "io/world.h"

#include <stdlib.h>
#include <string.h>

#include "assertions.h"
#include "io/safetensors.h"
#include "suite.h"

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
        ck_assert_str_eq(file->metadata[i].key, two_metadata[i].key);
        ck_assert_str_eq(file->metadata[i].value, two_metadata[i].value);
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

/* Blanks may fill it up; zeros, which other writers have taken for blanks, may not. */
START_TEST(a_header_does_not_end_with_a_zero)
{
    unsigned char bytes[] = "\x0c\0\0\0\0\0\0\0{}          ";
    ck_assert_ptr_nonnull(ag__safetensors_load(arena, "a.st", bytes, 20));
    bytes[19] = '\0';
    ck_assert_ptr_null(ag__safetensors_load(arena, "a.st", bytes, 20));
    assert_last_failure(AG_ERROR_FORMAT, "behind the header's }");
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

void add_safetensors(Suite *suite)
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
    tcase_add_test(tests, a_header_does_not_end_with_a_zero);
    tcase_add_test(tests, names_that_no_file_can_hold_are_refused);
    tcase_add_test(tests, weights_are_loaded_all_or_none);
    tcase_add_test(tests, a_model_comes_back_from_a_file_with_its_statistics);
}
