/* replay.c: a fuzz target's main without a fuzzer: tries every file of the folders it is given. */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

#define LARGEST (1 << 20)

static bool try_file(const char *folder, const char *name)
{
    static uint8_t bytes[LARGEST];
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    size_t size = fread(bytes, 1, sizeof bytes, file);
    bool whole = feof(file) != 0;
    fclose(file);
    if (whole) LLVMFuzzerTestOneInput(bytes, size);
    return whole;
}

/* Returns how many files were tried; -1 if one could not be read. */
static int try_folder(const char *folder)
{
    DIR *directory = opendir(folder);
    if (directory == NULL) return -1;
    int tried = 0;
    for (struct dirent *each = readdir(directory); each != NULL && tried >= 0;
         each = readdir(directory))
        if (each->d_name[0] != '.') tried = try_file(folder, each->d_name) ? tried + 1 : -1;
    closedir(directory);
    return tried;
}

int main(int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        int tried = try_folder(arguments[i]);
        printf("%s: %d files\n", arguments[i], tried);
        if (tried <= 0) return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
