/* world.c: a folder and an arena for each test of files. */
#include "config.h"

#include "io/world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assertions.h"

ag_arena *arena;
char folder[64];

void create_all(void)
{
    arena = ag_arena_create(0);
    ck_assert_ptr_nonnull(arena);
    strcpy(folder, "/tmp/check_io.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

const char *path_of(const char *name)
{
    static char path[4][512];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

int count_files(void)
{
    int count = 0;
    DIR *listing = opendir(folder);
    ck_assert_ptr_nonnull(listing);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(listing);
    return count;
}

void destroy_all(void)
{
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;)
        if (entry->d_name[0] != '.') unlink(path_of(entry->d_name));
    if (listing != NULL) closedir(listing);
    rmdir(folder);
    ag_arena_destroy(arena);
}

ag__bytes read_all(const char *path)
{
    ag__bytes bytes = {0};
    succeed(ag__file_read("test", path, &bytes));
    return bytes;
}

ag_tensor *special_values(void)
{
    static const uint32_t bits[] = {0x00000000, 0x80000000, 0x00000001, 0x807fffff,
                                    0x7f800000, 0xff800000, 0x7fc12345, 0x3f800001,
                                    0x7f7fffff, 0xc0490fdb, 0x00800000, 0x4b800001};
    ag_tensor *tensor = ag_tensor_create(arena, 3, (uint32_t[]){2, 3, 2});
    ck_assert_ptr_nonnull(tensor);
    memcpy(tensor->data, bits, sizeof bits);
    return tensor;
}

void assert_same(const ag_tensor *a, const ag_tensor *b)
{
    ck_assert_msg(a != NULL && b != NULL, "%s", ag_last_error());
    ck_assert(ag_tensor_same_shape(a, b));
    ck_assert_mem_eq(a->data, b->data, a->size * sizeof(float));
}

const ag_metadata two_metadata[2] = {{"format", "pt"}, {"a \"key\"\n", "\\ \xc3\xa4\x01"}};

void save_two(const char *path)
{
    ag_tensor *vector = ag_tensor_create_from(arena, 1, (uint32_t[]){3}, (float[]){1, 2, 3});
    ag_named_tensor tensors[] = {{"layer.weight", special_values()},
                                 {"layer.\"b\\ias\"\t\xf0\x9f\x98\x80", vector}};
    succeed(ag_save_safetensors(path, 2, tensors, 2, two_metadata));
}
