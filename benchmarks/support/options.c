/* options.c: the command line: options that have a value each, then names. */
#include "config.h"

#include "support/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *program, const char *word)
{
    fprintf(stderr, "%s: '%s' is unknown or needs a proper value; see --help\n", program, word);
    exit(2);
}

void read_options(int argc, char **argv, const option *table, const char *help, int *first_name)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i += 2) {
        if (strcmp(argv[i], "--help") == 0) {
            printf("Usage: %s %s", argv[0], help);
            exit(0);
        }
        const option *o = table;
        while (o->name != NULL && strcmp(o->name, argv[i]) != 0)
            o++;
        if (o->name == NULL || argv[i + 1] == NULL) fail(argv[0], argv[i]);
        *o->value = argv[i + 1];
    }
    *first_name = i;
}

int read_count(const char *program, const char *value, int most, int otherwise)
{
    if (value == NULL) return otherwise;
    char *end;
    long count = strtol(value, &end, 10);
    if (*value == '\0' || *end != '\0' || count < 1 || count > most) fail(program, value);
    return (int)count;
}

FILE *open_csv(const char *program, const char *path)
{
    if (path == NULL) return NULL;
    FILE *file = fopen(path, "w");
    if (file != NULL) return file;
    fprintf(stderr, "%s: %s: %s\n", program, path, strerror(errno));
    exit(1);
}
