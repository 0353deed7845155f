/*
 * interchange.c: writes a folder of files for Python to read, and reads those that Python has written,
 * for check_interchange.sh. Prints what it has read.
 */
#include "config.h"

#include <autograd/autograd.h>

#include <stdio.h>
#include <string.h>

static int fail(void)
{
    fprintf(stderr, "interchange: %s\n", ag_last_error());
    return 1;
}

/* One line: the name, the shape, the bits of all elements. */
static int print(const char *name, const ag_tensor *tensor)
{
    if (tensor == NULL) return fail();
    printf("%s", name);
    for (uint32_t i = 0; i < tensor->ndims; i++)
        printf("%c%u", i == 0 ? ' ' : 'x', tensor->shape[i]);
    for (size_t i = 0; i < tensor->size; i++) {
        uint32_t bits;
        memcpy(&bits, &tensor->data[i], sizeof bits);
        printf(" %08x", bits);
    }
    printf("\n");
    return 0;
}

static int read_npy(ag_arena *arena, int count, char **paths)
{
    for (int i = 0; i < count; i++) {
        const char *slash = strrchr(paths[i], '/');
        if (print(slash != NULL ? slash + 1 : paths[i], ag_load_npy(arena, paths[i])) != 0)
            return 1;
    }
    return 0;
}

static int read_safetensors(ag_arena *arena, const char *path)
{
    const ag_tensor_file *file = ag_load_safetensors(arena, path);
    if (file == NULL) return fail();
    for (size_t i = 0; i < file->num_metadata; i++)
        printf("%s=%s\n", file->metadata[i].key, file->metadata[i].value);
    for (size_t i = 0; i < file->count; i++)
        if (print(file->tensors[i].name, file->tensors[i].tensor) != 0) return 1;
    return 0;
}

/* Into a folder: w.npy, w.safetensors, w.checkpoint; what they hold is printed. */
static int write_all(ag_arena *arena, const char *folder)
{
    char npy[512], safetensors[512], checkpoint[512];
    ag_random random = ag_random_create(3);
    ag_tensor *w = ag_tensor_create(arena, 3, (uint32_t[]){2, 3, 5});
    if (ag_tensor_fill_normal(w, &random, 0, 1) != AG_OK) return fail();
    ag_variable *leaf = ag_create_leaf(arena, w, true);
    ag_optimizer *adamw = ag_adamw_create(arena, 1, &leaf, ag_adamw_defaults());
    ag_named_tensor named = {"layer \"0\".w\xc3\xa4ight", w};
    ag_metadata note = {"note", "b\\\xc3\xa4\n"};
    ag_checkpoint all = {.num_weights = 1,
                         .weights = &named,
                         .optimizer = adamw,
                         .random = &random,
                         .step = 12,
                         .num_metadata = 1,
                         .metadata = &note};
    snprintf(npy, sizeof npy, "%s/w.npy", folder);
    snprintf(safetensors, sizeof safetensors, "%s/w.safetensors", folder);
    snprintf(checkpoint, sizeof checkpoint, "%s/w.checkpoint", folder);
    if (ag_save_npy(npy, w) != AG_OK || ag_save_checkpoint(checkpoint, &all) != AG_OK ||
        ag_save_safetensors(safetensors, 1, &named, 1, &note) != AG_OK)
        return fail();
    return print("w", w);
}

int main(int argc, char **argv)
{
    ag_arena *arena = ag_arena_create(0);
    int result = 2;
    if (argc > 2 && strcmp(argv[1], "write") == 0) result = write_all(arena, argv[2]);
    if (argc > 2 && strcmp(argv[1], "npy") == 0) result = read_npy(arena, argc - 2, argv + 2);
    if (argc > 2 && strcmp(argv[1], "safetensors") == 0) result = read_safetensors(arena, argv[2]);
    ag_arena_destroy(arena);
    return result;
}
