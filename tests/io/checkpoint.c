/* checkpoint.c: a training resumes where it was saved, and from nothing else. */
#include "config.h"

#include "io/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assertions.h"
#include "core/checksum.h"
#include "io/checkpoint.h"
#include "suite.h"

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

void add_checkpoint(Suite *suite)
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
