/* worker.c: the driver's side of the protocol: starts the programs that are compared, asks them. */
#include "config.h"

#include "peers/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * OpenMP's and OpenBLAS's threads spin for up to 30 ms after their work, longer on a busy machine. Who
 * is asked next must not share the cores with them. In nanoseconds; losses are asked far more often.
 */
#define LOSS_PAUSE 40000000L
#define TRAINING_PAUSE 150000000L

struct worker {
    pid_t process;
    FILE *to, *from;
    char description[TEXT_LENGTH];
};

/* ---- starting ---- */

/* Settings of the person who measures that would decide for one side or the other. */
static const char *const cleared[] = {
    "OMP_NUM_THREADS",  "OMP_WAIT_POLICY",        "OMP_PROC_BIND",
    "OMP_DYNAMIC",      "GOMP_SPINCOUNT",         "GOMP_CPU_AFFINITY",
    "GOTO_NUM_THREADS", "OPENBLAS_NUM_THREADS",   "MALLOC_MMAP_MAX_",
    "MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_",
    "MALLOC_TOP_PAD_",  "GLIBC_TUNABLES",         "LD_PRELOAD",
};

static void set_environment(const worker_options *options)
{
    for (size_t i = 0; i < sizeof cleared / sizeof *cleared; i++)
        unsetenv(cleared[i]);
    if (options->tuned_malloc) {
        setenv("MALLOC_MMAP_MAX_", "0", 1);
        setenv("MALLOC_TRIM_THRESHOLD_", "8589934592", 1);
    }
    if (options->threads > 0) {
        char threads[16];
        snprintf(threads, sizeof threads, "%d", options->threads);
        setenv("OMP_NUM_THREADS", threads, 1);
        setenv("OPENBLAS_NUM_THREADS", threads, 1);
    }
    if (options->blas_folder != NULL) setenv("LD_LIBRARY_PATH", options->blas_folder, 1);
}

/* Becomes the worker: a program beside this one, with the pipes as its standard input and output. */
static void become_worker(const worker_options *options, const int requests[2],
                          const int answers[2])
{
    char path[4096], memory[16];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    char *end = NULL;
    if (length > 0) {
        path[length] = '\0';
        end = strrchr(path, '/') + 1;
    }
    if (end == NULL || (size_t)(end - path) + strlen(options->program) >= sizeof path) _exit(127);
    strcpy(end, options->program);
    snprintf(memory, sizeof memory, "%d", options->memory);
    dup2(requests[0], STDIN_FILENO);
    dup2(answers[1], STDOUT_FILENO);
    set_environment(options);
    execl(path, path, memory, (char *)NULL);
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    _exit(127);
}

/* Pipes that no other worker inherits: each must see the end of its own requests. */
static bool open_pipes(int requests[2], int answers[2])
{
    if (pipe(requests) != 0) return false;
    if (pipe(answers) != 0) {
        close(requests[0]);
        close(requests[1]);
        return false;
    }
    for (int i = 0; i < 2; i++) {
        fcntl(requests[i], F_SETFD, FD_CLOEXEC);
        fcntl(answers[i], F_SETFD, FD_CLOEXEC);
    }
    return true;
}

static bool read_line(worker *w, char line[TEXT_LENGTH])
{
    if (fgets(line, TEXT_LENGTH, w->from) == NULL) return false;
    line[strcspn(line, "\n")] = '\0';
    return true;
}

worker *worker_start(worker_options options)
{
    int requests[2], answers[2];
    worker *w = calloc(1, sizeof *w);
    if (w == NULL || !open_pipes(requests, answers)) {
        fprintf(stderr, "bench_peers: %s\n", strerror(errno));
        free(w);
        return NULL;
    }
    fflush(stdout);
    w->process = fork();
    if (w->process == 0) become_worker(&options, requests, answers);
    close(requests[0]);
    close(answers[1]);
    w->to = fdopen(requests[1], "w");
    w->from = fdopen(answers[0], "r");
    if (w->process > 0 && w->to != NULL && w->from != NULL && read_line(w, w->description))
        return w;
    fprintf(stderr, "bench_peers: %s could not be started\n", options.program);
    worker_stop(w);
    return NULL;
}

void worker_stop(worker *w)
{
    if (w == NULL) return;
    if (w->to != NULL) fclose(w->to);
    if (w->from != NULL) fclose(w->from);
    if (w->process > 0) waitpid(w->process, NULL, 0);
    free(w);
}

const char *worker_description(const worker *w)
{
    return w->description;
}

/* ---- asking ---- */

static measurement read_answer(worker *w)
{
    char line[TEXT_LENGTH];
    measurement m = {0};
    fflush(w->to);
    if (!read_line(w, line)) strcpy(line, "the worker has ended");
    m.ok = sscanf(line, "ok %lf %lf %lf", &m.seconds, &m.value, &m.slope) == 3;
    if (!m.ok) strcpy(m.message, line);
    return m;
}

static void pause_for_spinners(long nanoseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = nanoseconds}, NULL);
}

measurement worker_time_loss(worker *w, const loss_cell *cell)
{
    pause_for_spinners(LOSS_PAUSE);
    fprintf(w->to, "loss %s %u %u %.9g %d\n", cell->name, cell->rows, cell->columns,
            cell->parameter, cell->threads);
    return read_answer(w);
}

static measurement ask_about_training(worker *w, const char *kind, const training_cell *cell)
{
    const uint32_t *channels = cell->channels, *widths = cell->widths;
    pause_for_spinners(TRAINING_PAUSE);
    fprintf(w->to, "%s %u %u %u %u %u %u %u %u %u %d\n", kind, channels[0], channels[1], widths[0],
            widths[1], widths[2], widths[3], cell->batch, cell->steps, cell->images, cell->threads);
    return read_answer(w);
}

measurement worker_time_training(worker *w, const training_cell *cell)
{
    return ask_about_training(w, "train", cell);
}

measurement worker_time_products(worker *w, const training_cell *cell)
{
    return ask_about_training(w, "products", cell);
}
