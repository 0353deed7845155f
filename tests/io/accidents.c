/* accidents.c: damage to files without a checksum, full disks, kills, links. */
#include "config.h"

#include "io/world.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assertions.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "suite.h"

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

void add_accidents(Suite *suite)
{
    TCase *tests = add_case(suite, "accidents");
    tcase_add_checked_fixture(tests, create_all, destroy_all);
    tcase_add_test(tests, damaged_files_are_refused_or_give_other_data);
    tcase_add_test(tests, a_disk_that_is_full_leaves_the_old_file);
    tcase_add_test(tests, a_device_is_written_to_directly);
    tcase_add_test(tests, a_process_that_is_killed_leaves_one_file_or_the_other);
    tcase_add_test(tests, a_link_and_permissions_survive);
}
