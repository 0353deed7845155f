/*
 * check_hostile_files.c: files that are cut off, damaged or lie. A reader refuses them, says where and
 * what, takes nothing from the arena, and never asks for much more memory than the file fills.
 */
#include "config.h"

#include <autograd/autograd.h>
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

#include "suite.h"

/* ---- memory that is asked for ---- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_ALLOCATOR_OF_ITS_OWN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_ALLOCATOR_OF_ITS_OWN 1
#endif

static atomic_size_t live_bytes, peak_bytes;

#if defined(__GLIBC__) && !defined(HAS_ALLOCATOR_OF_ITS_OWN)
#define MEASURES_MEMORY true

#include <malloc.h>

/* Defined here, these stand in for the C library's in the whole program. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);
extern void __libc_free(void *memory);

static void *note_taken(void *memory)
{
    size_t live =
        atomic_fetch_add(&live_bytes, malloc_usable_size(memory)) + malloc_usable_size(memory);
    size_t peak = atomic_load(&peak_bytes);
    while (live > peak && !atomic_compare_exchange_weak(&peak_bytes, &peak, live))
        continue;
    return memory;
}

static void note_given_back(void *memory)
{
    atomic_fetch_sub(&live_bytes, malloc_usable_size(memory));
}

void *malloc(size_t bytes)
{
    return note_taken(__libc_malloc(bytes));
}

void *calloc(size_t count, size_t bytes)
{
    return note_taken(__libc_calloc(count, bytes));
}

/* Counted as if old and new memory were both held, as they are when it has to move. */
void *realloc(void *memory, size_t bytes)
{
    size_t before = malloc_usable_size(memory);
    void *moved = __libc_realloc(memory, bytes);
    if (moved == NULL) return NULL;
    note_taken(moved);
    atomic_fetch_sub(&live_bytes, before);
    return moved;
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return note_taken(__libc_memalign(alignment, bytes));
}

void free(void *memory)
{
    note_given_back(memory);
    __libc_free(memory);
}
#else
#define MEASURES_MEMORY false
#endif

/* ---- files ---- */

typedef struct content {
    size_t size;
    unsigned char bytes[4096];
} content;

static char path[] = "/tmp/hostile-XXXXXX";
static ag_arena *arena;

static void set_up(void)
{
    strcpy(path, "/tmp/hostile-XXXXXX");
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    arena = ag_arena_create(64);
    ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
    ag_arena_destroy(arena);
    unlink(path);
}

static void write_file(const content *c, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(c->bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* The same content, compressed by gzip. */
static content compressed(const unsigned char *bytes, size_t size)
{
    content result = {.size = 0};
#ifdef HAVE_ZLIB
    gzFile file = gzopen(path, "wb9");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(gzwrite(file, bytes, (unsigned)size), (int)size);
    ck_assert_int_eq(gzclose(file), Z_OK);
    FILE *written = fopen(path, "rb");
    ck_assert_ptr_nonnull(written);
    result.size = fread(result.bytes, 1, sizeof result.bytes, written);
    ck_assert_int_ne(feof(written), 0);
    fclose(written);
#else
    (void)bytes;
    (void)size;
#endif
    return result;
}

/* ---- readers, each with a small sample ---- */

typedef struct reader {
    const char *name; /* that messages start with */
    ag_tensor *(*read)(ag_arena *arena, const char *path);
    size_t header_bytes; /* of the sample, in which no bit may be wrong */
    content sample;
} reader;

static const reader readers[] = {
    {"read_idx",
     ag_read_idx,
     12,
     {.size = 18, .bytes = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 1, 127, 128, 254, 255}}},
};

/* Tests over all readers get the reader's index as _i. */
#define READER (&readers[_i])
#define NUM_READERS ((int)(sizeof readers / sizeof *readers))

static ag_tensor *read_original(const reader *r)
{
    write_file(&r->sample, r->sample.size);
    ag_tensor *tensor = r->read(arena, path);
    ck_assert_msg(tensor != NULL, "%s", ag_last_error());
    return tensor;
}

/* Checks that the file is refused as it should be. `doing` is for messages. */
static void assert_refused(const reader *r, const char *doing, size_t where)
{
    size_t used = ag_arena_used(arena);
    ag_clear_error();
    const ag_tensor *tensor = r->read(arena, path);
    ag_status status = ag_last_status();
    ck_assert_msg(tensor == NULL, "%s, %s %zu: was read", r->name, doing, where);
    ck_assert_msg(status == AG_ERROR_FORMAT || status == AG_ERROR_SHAPE, "%s, %s %zu: %s: %s",
                  r->name, doing, where, ag_status_name(status), ag_last_error());
    ck_assert_msg(strncmp(ag_last_error(), r->name, strlen(r->name)) == 0 &&
                      strstr(ag_last_error(), path) != NULL,
                  "%s, %s %zu: \"%s\" does not say who and where", r->name, doing, where,
                  ag_last_error());
    ck_assert_uint_eq(ag_arena_used(arena), used);
}

static size_t count_differences(const ag_tensor *a, const ag_tensor *b)
{
    size_t differences = 0;
    for (size_t i = 0; i < a->size; i++)
        differences += a->data[i] != b->data[i];
    return differences;
}

/* ---- cut off ---- */

static void cut_everywhere(const reader *r, const content *whole, const char *doing)
{
    for (size_t size = 0; size < whole->size; size++) {
        write_file(whole, size);
        assert_refused(r, doing, size);
    }
}

START_TEST(a_file_cut_off_at_any_byte_is_refused)
{
    cut_everywhere(READER, &READER->sample, "cut off at byte");
    content packed = compressed(READER->sample.bytes, READER->sample.size);
    cut_everywhere(READER, &packed, "compressed, cut off at byte");
}
END_TEST

/* ---- one bit wrong ---- */

START_TEST(a_bit_wrong_in_a_header_is_refused_and_in_a_value_changes_that_value)
{
    const ag_tensor *original = read_original(READER);
    content damaged = READER->sample;
    for (size_t bit = 0; bit < 8 * damaged.size; bit++) {
        damaged.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        write_file(&damaged, damaged.size);
        damaged.bytes[bit / 8] = READER->sample.bytes[bit / 8];
        if (bit < 8 * READER->header_bytes) {
            assert_refused(READER, "wrong bit", bit);
            continue;
        }
        const ag_tensor *tensor = READER->read(arena, path);
        ck_assert_msg(tensor != NULL && ag_tensor_same_shape(tensor, original), "wrong bit %zu: %s",
                      bit, ag_last_error());
        ck_assert_uint_eq(count_differences(tensor, original), 1);
    }
}
END_TEST

/* gzip's sum guards all that matters: what is read in spite of a wrong bit is right. */
START_TEST(a_bit_wrong_in_a_compressed_file_never_gives_wrong_values)
{
    const ag_tensor *original = read_original(READER);
    content packed = compressed(READER->sample.bytes, READER->sample.size);
    size_t refused = 0;
    for (size_t bit = 0; bit < 8 * packed.size; bit++) {
        content damaged = packed;
        damaged.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        write_file(&damaged, damaged.size);
        const ag_tensor *tensor = READER->read(arena, path);
        if (tensor == NULL) {
            assert_refused(READER, "compressed, wrong bit", bit);
            refused++;
        } else {
            ck_assert_msg(ag_tensor_same_shape(tensor, original) &&
                              count_differences(tensor, original) == 0,
                          "compressed, wrong bit %zu: other values", bit);
        }
    }
    ck_assert_uint_ge(refused, 4 * packed.size);
}
END_TEST

/* ---- headers that lie ---- */

static content idx_header(uint32_t ndims, const uint32_t *dims)
{
    content c = {.size = 4 + 4 * (size_t)ndims, .bytes = {0, 0, 8, (unsigned char)ndims}};
    for (uint32_t i = 0; i < 4 * ndims; i++)
        c.bytes[4 + i] = (unsigned char)(dims[i / 4] >> (24 - 8 * (i % 4)));
    return c;
}

#define M UINT32_MAX

static const struct {
    uint32_t ndims, dims[9];
    size_t elements; /* that follow */
    ag_status status;
    const char *mentioned;
} lies[] = {
    {1, {7}, 6, AG_ERROR_FORMAT, "should hold 7 elements of shape [7], but ends after 6"},
    {1, {5}, 6, AG_ERROR_FORMAT, "should end after 5 elements of shape [5], but goes on"},
    {2, {2, 4}, 6, AG_ERROR_FORMAT, "should hold 8 elements of shape [2, 4], but ends after 6"},
    {2, {1, 3}, 6, AG_ERROR_FORMAT, "should end after 3 elements of shape [1, 3], but goes on"},
    {1, {1}, 0, AG_ERROR_FORMAT, "should hold 1 elements of shape [1], but ends after 0"},
    {1, {M}, 6, AG_ERROR_FORMAT, "should hold 4294967295 elements of shape [4294967295]"},
    {1, {1u << 31}, 0, AG_ERROR_FORMAT, "should hold 2147483648 elements"},
    {2, {1u << 31, 1u << 29}, 6, AG_ERROR_FORMAT, "should hold 1152921504606846976 elements"},
    {2, {M, M}, 6, AG_ERROR_SHAPE, "[4294967295, 4294967295] has more elements than memory"},
    {8, {M, M, M, M, M, M, M, M}, 6, AG_ERROR_SHAPE, "has more elements than memory can hold"},
    {8, {65536, 65536, 65536, 65536, 1, 1, 1, 1}, 0, AG_ERROR_SHAPE, "more elements than memory"},
    {1, {0}, 0, AG_ERROR_SHAPE, "dimension 0 of"},
    {3, {2, 0, 3}, 6, AG_ERROR_SHAPE, "dimension 1 of"},
    {8, {M, M, M, M, M, M, M, 0}, 0, AG_ERROR_SHAPE, "has more elements than memory can hold"},
    {0, {0}, 6, AG_ERROR_SHAPE, "has 0 dimensions"},
    {9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, 1, AG_ERROR_SHAPE, "has 9 dimensions"},
    {255, {0}, 0, AG_ERROR_SHAPE, "has 255 dimensions"},
};

/* What reading may hold beside three bytes for each element that arrives: its buffers, and zlib's. */
#define BUFFERS ((size_t)256 << 10)

static size_t peak_of_reading(void)
{
    size_t before = atomic_load(&live_bytes);
    atomic_store(&peak_bytes, before);
    assert_refused(&readers[0], "lie", 0);
    return atomic_load(&peak_bytes) - before;
}

static void assert_lie_refused(size_t elements, ag_status status, const char *mentioned)
{
    size_t peak = peak_of_reading();
    ck_assert_int_eq(ag_last_status(), status);
    ck_assert_msg(strstr(ag_last_error(), mentioned) != NULL, "\"%s\" does not mention \"%s\"",
                  ag_last_error(), mentioned);
    ck_assert_msg(peak <= BUFFERS + 3 * elements, "%zu bytes for %zu elements: %s", peak, elements,
                  ag_last_error());
}

START_TEST(sizes_that_lie_are_refused_and_cost_nothing)
{
    content c = idx_header(lies[_i].ndims <= 9 ? lies[_i].ndims : 9, lies[_i].dims);
    c.bytes[3] = (unsigned char)lies[_i].ndims;
    c.size += lies[_i].elements;
    write_file(&c, c.size);
    assert_lie_refused(lies[_i].elements, lies[_i].status, lies[_i].mentioned);
    content packed = compressed(c.bytes, c.size);
    if (packed.size == 0) return;
    write_file(&packed, packed.size);
    assert_lie_refused(lies[_i].elements, lies[_i].status, lies[_i].mentioned);
}
END_TEST

/* A kilobyte that becomes a megabyte, under a header that speaks of two gigabytes. */
START_TEST(what_a_small_file_unpacks_to_bounds_the_memory)
{
    enum { ELEMENTS = 1 << 20 };
    static unsigned char bytes[8 + ELEMENTS];
    content header = idx_header(1, (uint32_t[]){0x7fffffff});
    memcpy(bytes, header.bytes, header.size);
    content packed = compressed(bytes, sizeof bytes);
    if (packed.size == 0) return;
    ck_assert_uint_lt(packed.size, 2048);
    write_file(&packed, packed.size);
    assert_lie_refused(ELEMENTS, AG_ERROR_FORMAT, "but ends after 1048576");
}
END_TEST

START_TEST(the_memory_of_reading_is_measured_at_all)
{
    if (!MEASURES_MEMORY || getenv("AG_UNDER_VALGRIND") != NULL) return;
    atomic_store(&peak_bytes, atomic_load(&live_bytes));
    size_t before = atomic_load(&peak_bytes);
    read_original(&readers[0]);
    ck_assert_uint_ge(atomic_load(&peak_bytes), before + 18);
}
END_TEST

/* A whole file whose tensor does not fit into the arena is an error of memory. */
START_TEST(a_tensor_beyond_the_limit_of_the_arena_takes_nothing)
{
    write_file(&READER->sample, READER->sample.size);
    ck_assert_int_eq(ag_arena_set_limit(arena, 64), AG_OK);
    ck_assert_ptr_null(READER->read(arena, path));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_MEMORY);
    ck_assert_uint_eq(ag_arena_used(arena), 0);
}
END_TEST

/* ---- readers of whole files: their memory ---- */

static const void *read_npy(const char *file)
{
    return ag_load_npy(arena, file);
}

static const void *read_safetensors(const char *file)
{
    return ag_load_safetensors(arena, file);
}

static const void *read_csv(const char *file)
{
    return ag_read_csv(arena, file, NULL);
}

static const void *read_checkpoint(const char *file)
{
    static ag_checkpoint checkpoint;
    return ag_load_checkpoint(arena, file, &checkpoint) == AG_OK ? &checkpoint : NULL;
}

#define NPY_START "\x93NUMPY\1\0\x40\0{'descr': '<f4', 'fortran_order': False, 'shape': ("
#define LENGTH(n) #n "\0\0\0\0\0\0\0"

/* Sizes that lie. A CSV file has none; commas are what it can do. */
static const struct {
    const void *(*read)(const char *file);
    ag_status status;
    content file;
} greedy[] = {
    {read_npy, AG_ERROR_FORMAT, {80, NPY_START "999999999,)} "}},
    {read_npy, AG_ERROR_FORMAT, {80, NPY_START "4294967295,)}"}},
    {read_npy, AG_ERROR_FORMAT, {12, "\x93NUMPY\2\0\xff\xff\xff\xff"}},
    {read_npy, AG_ERROR_FORMAT, {12, "\x93NUMPY\2\0\0\0\0\x40"}},
    {read_safetensors, AG_ERROR_FORMAT, {16, "\xff\xff\xff\xff\xff\xff\xff\xff{}"}},
    {read_safetensors, AG_ERROR_FORMAT, {16, "\0\0\0\4\0\0\0\0{}"}},
    {read_safetensors,
     AG_ERROR_FORMAT,
     {80, LENGTH(H) "{\"a\":{\"dtype\":\"F32\",\"shape\":[999999999],"
                    "\"data_offsets\":[0,3999999996]}} "}},
    {read_checkpoint, AG_ERROR_FORMAT, {16, "\xff\xff\xff\xff\xff\xff\xff\x7f{}"}},
    {read_csv,
     AG_ERROR_FORMAT,
     {64, "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\n,,,,,,,,,,,,,,,,,"}},
};

/* What files.md says: 32 times the file, and the same buffers. */
START_TEST(a_file_that_is_read_whole_bounds_the_memory)
{
    write_file(&greedy[_i].file, greedy[_i].file.size);
    ag_clear_error();
    size_t before = atomic_load(&live_bytes);
    atomic_store(&peak_bytes, before);
    ck_assert_ptr_null(greedy[_i].read(path));
    size_t peak = atomic_load(&peak_bytes) - before;
    ck_assert_msg(ag_last_status() == greedy[_i].status, "%s", ag_last_error());
    ck_assert_msg(strstr(ag_last_error(), path) != NULL, "%s", ag_last_error());
    ck_assert_uint_eq(ag_arena_used(arena), 0);
    ck_assert_msg(peak <= BUFFERS + 32 * greedy[_i].file.size, "%zu bytes: %s", peak,
                  ag_last_error());
}
END_TEST

/* ---- content of another kind ---- */

static const struct {
    content file;
    const char *mentioned;
} strangers[] = {
    {{0, ""}, "holds 0 bytes, less than an IDX header"},
    {{3, "\0\0\x08"}, "holds 3 bytes, less than an IDX header"},
    {{9, "GIF89a..."}, "starts with bytes 47 49, not 00 00"},
    {{8, "\0\1\x08\1\0\0\0\1"}, "starts with bytes 00 01, not 00 00"},
    {{8, "\0\0\x0d\1\0\0\0\1"}, "elements of IDX type 0x0d; only 0x08"},
    {{6, "\0\0\x08\2\0\0"}, "ends within its header, after 6 of 12 bytes"},
};

START_TEST(another_kind_of_file_is_named_as_what_it_is)
{
    write_file(&strangers[_i].file, strangers[_i].file.size);
    assert_refused(&readers[0], "stranger", (size_t)_i);
    ck_assert_int_eq(ag_last_status(), AG_ERROR_FORMAT);
    ck_assert_msg(strstr(ag_last_error(), strangers[_i].mentioned) != NULL,
                  "\"%s\" does not mention \"%s\"", ag_last_error(), strangers[_i].mentioned);
}
END_TEST

START_TEST(what_is_no_readable_file_is_an_error_of_the_file)
{
    static const struct {
        const char *path, *mentioned;
    } places[] = {
        {"/nowhere/at/all", "cannot open /nowhere/at/all: No such file"},
        {"", "cannot open"},
        {"/", "cannot read /: Is a directory"},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        ag_clear_error();
        ck_assert_ptr_null(READER->read(arena, places[i].path));
        ck_assert_int_eq(ag_last_status(), AG_ERROR_FILE);
        ck_assert_msg(strstr(ag_last_error(), places[i].mentioned) != NULL,
                      "\"%s\" does not mention \"%s\"", ag_last_error(), places[i].mentioned);
    }
}
END_TEST

/* Of a path longer than a message the end is shown. */
START_TEST(a_long_path_leaves_room_for_the_reason)
{
    char longest[2000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    memcpy(longest + sizeof longest - 8, "/the.end", 7);
    ck_assert_ptr_null(READER->read(arena, longest));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_FILE);
    ck_assert_ptr_nonnull(strstr(ag_last_error(), "x/the.en: "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hostile files");
    TCase *tests = add_case(suite, "files");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_file_cut_off_at_any_byte_is_refused, 0, NUM_READERS);
    tcase_add_loop_test(tests, a_bit_wrong_in_a_header_is_refused_and_in_a_value_changes_that_value,
                        0, NUM_READERS);
    tcase_add_loop_test(tests, a_bit_wrong_in_a_compressed_file_never_gives_wrong_values, 0,
                        NUM_READERS);
    tcase_add_loop_test(tests, sizes_that_lie_are_refused_and_cost_nothing, 0,
                        (int)(sizeof lies / sizeof *lies));
    tcase_add_test(tests, what_a_small_file_unpacks_to_bounds_the_memory);
    tcase_add_test(tests, the_memory_of_reading_is_measured_at_all);
    tcase_add_loop_test(tests, a_tensor_beyond_the_limit_of_the_arena_takes_nothing, 0,
                        NUM_READERS);
    tcase_add_loop_test(tests, a_file_that_is_read_whole_bounds_the_memory, 0,
                        (int)(sizeof greedy / sizeof *greedy));
    tcase_add_loop_test(tests, another_kind_of_file_is_named_as_what_it_is, 0,
                        (int)(sizeof strangers / sizeof *strangers));
    tcase_add_loop_test(tests, what_is_no_readable_file_is_an_error_of_the_file, 0, NUM_READERS);
    tcase_add_loop_test(tests, a_long_path_leaves_room_for_the_reason, 0, NUM_READERS);
    return run_suite(suite);
}
