/* serve.c: the worker's side of the protocol: reads requests, answers them. */
#define _GNU_SOURCE /* dlsym's RTLD_DEFAULT */

#include "peers/protocol.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

measurement failed_measurement(const char *reason)
{
    measurement m = {0};
    snprintf(m.message, sizeof m.message, "%s", reason);
    for (char *c = m.message; *c != '\0'; c++)
        if (*c == '\n') *c = ' ';
    return m;
}

/* The OpenBLAS in this process, with its kernels and threads. */
static void describe(const worker_calls *calls)
{
    static const char *const flavours[] = {"serial", "pthread", "openmp"};
    void *parallel = dlsym(RTLD_DEFAULT, "openblas_get_parallel");
    void *core = dlsym(RTLD_DEFAULT, "openblas_get_corename");
    int (*get_parallel)(void) = NULL;
    const char *(*get_core)(void) = NULL;
    memcpy(&get_parallel, &parallel, sizeof parallel); /* C has no conversion between the two */
    memcpy(&get_core, &core, sizeof core);
    int flavour = get_parallel != NULL ? get_parallel() : -1;
    printf("%s, OpenBLAS %s %s\n", calls->library,
           flavour >= 0 && flavour <= 2 ? flavours[flavour] : "unknown",
           get_core != NULL ? get_core() : "");
}

/* The memory in which the driver writes and workers only read; NULL if there is none. */
static void *map_memory(int descriptor)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0 || status.st_size == 0) return NULL;
    void *memory =
        mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static bool read_training_cell(const char *line, const char *format, training_cell *cell)
{
    uint32_t *c = cell->channels, *w = cell->widths;
    return sscanf(line, format, &c[0], &c[1], &w[0], &w[1], &w[2], &w[3], &cell->batch,
                  &cell->steps, &cell->images, &cell->threads) == NUM_CONVOLUTIONS + NUM_WIDTHS + 4;
}

static measurement answer(const worker_calls *calls, const char *line, void *memory)
{
    loss_cell loss = {0};
    training_cell training = {0};
    if (sscanf(line, "loss %31s %u %u %lf %d", loss.name, &loss.rows, &loss.columns,
               &loss.parameter, &loss.threads) == 5)
        return calls->time_loss(&loss, memory);
    if (read_training_cell(line, "train %u %u %u %u %u %u %u %u %u %d", &training))
        return calls->time_training(&training, memory);
    if (calls->time_products != NULL &&
        read_training_cell(line, "products %u %u %u %u %u %u %u %u %u %d", &training))
        return calls->time_products(&training);
    return failed_measurement("no such request");
}

int serve(const worker_calls *calls, int argc, char **argv)
{
    void *memory = argc == 2 ? map_memory(atoi(argv[1])) : NULL;
    if (memory == NULL) {
        fprintf(stderr, "%s is started by bench_peers\n", argv[0]);
        return 2;
    }
    describe(calls);
    fflush(stdout);
    char line[TEXT_LENGTH];
    while (fgets(line, sizeof line, stdin) != NULL) {
        measurement m = answer(calls, line, memory);
        if (m.ok)
            printf("ok %.9g %.9g %.9g\n", m.seconds, m.value, m.slope);
        else
            printf("%s\n", m.message);
        fflush(stdout);
    }
    return 0;
}
