/*
 * bench_peers.c: compares the library with libtorch, each in processes of its own, asked by turns:
 * forward and backward of every loss, and the training of three networks.
 */
#define _GNU_SOURCE /* memfd_create */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "peers/tables.h"
#include "support/options.h"

shared_memory create_shared_memory(size_t bytes)
{
    shared_memory memory = {.descriptor = memfd_create("bench_peers", 0), .bytes = bytes};
    if (memory.descriptor >= 0 && ftruncate(memory.descriptor, (off_t)bytes) == 0)
        memory.data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory.descriptor, 0);
    if (memory.data == MAP_FAILED) memory.data = NULL;
    if (memory.data == NULL) fprintf(stderr, "bench_peers: %s\n", strerror(errno));
    return memory;
}

void destroy_shared_memory(shared_memory *memory)
{
    if (memory->data != NULL) munmap(memory->data, memory->bytes);
    if (memory->descriptor >= 0) close(memory->descriptor);
}

void write_csv(const comparison *c, const char *what, const char *size, const char *contestant,
               double seconds)
{
    if (c->csv == NULL) return;
    fprintf(c->csv, "%s,\"%s\",\"%s\",%.9g\n", what, size, contestant, seconds);
}

/*
 * OpenBLAS releases that do not know a processor fall back to kernels of 2004; then the table would show how
 * libtorch is with those.
 */
static const char *choose_blas_kernels(void)
{
    const char *wanted = getenv("OPENBLAS_CORETYPE");
#if defined(__GNUC__) && defined(__x86_64__)
    if (wanted == NULL && __builtin_cpu_supports("avx512vl"))
        wanted = "SkylakeX";
    else if (wanted == NULL && __builtin_cpu_supports("avx2"))
        wanted = "Haswell";
#endif
    if (wanted == NULL) return "(not set)";
    setenv("OPENBLAS_CORETYPE", wanted, 1);
    return wanted;
}

static const char help[] =
    "[--csv FILE] [--threads N] [--rounds N] [--only losses|training]\n"
    "       [--size small|middle|large] [LOSS]...\n"
    "Compares the library with libtorch: forward and backward of losses, all or those named, and "
    "the\n"
    "training of three networks, in about six minutes. A cell of losses is the median of N rounds "
    "(5).\n"
    "Run it on a quiet machine; chrt -f 10 keeps others off the cores.\n";

int main(int argc, char **argv)
{
    const char *csv = NULL, *threads = NULL, *rounds = NULL, *only = NULL;
    comparison c = {0};
    const option options[] = {{"--csv", &csv},   {"--threads", &threads},   {"--rounds", &rounds},
                              {"--only", &only}, {"--size", &c.cells.size}, {NULL, NULL}};
    int first_name;
    read_options(argc, argv, options, help, &first_name);
    c.cells.names = argv + first_name;
    c.cells.num_names = argc - first_name;
    if (!selection_is_known(&c.cells, argv[0])) return 2;
    bool losses = only == NULL || strcmp(only, "losses") == 0;
    bool training = only == NULL || strcmp(only, "training") == 0;
    if (!losses && !training) {
        fprintf(stderr, "%s: --only takes losses or training\n", argv[0]);
        return 2;
    }
    c.threads = read_count(argv[0], threads, 1024, ag_get_num_threads());
    c.rounds = read_count(argv[0], rounds, 1000, 5);
    c.csv = open_csv(argv[0], csv);
    signal(SIGPIPE, SIG_IGN); /* a worker that has ended is seen in its answer */
    printf("OPENBLAS_CORETYPE=%s, which matters to libtorch\n\n", choose_blas_kernels());
    if (c.csv != NULL) fprintf(c.csv, "what,size,contestant,seconds\n");
    bool ok = !losses || compare_losses(&c);
    if (losses) printf("\n");
    ok = (!training || compare_training(&c)) && ok;
    if (c.csv != NULL) fclose(c.csv);
    return ok ? 0 : 1;
}
