/*
 * protocol.h: what the driver of `make bench-peers` asks of the programs that it compares, one line
 * each way over pipes, and the memory in which it hands them the numbers. Also for C++.
 *
 * Each library works in a process of its own: their threads, allocators and BLAS flavours cannot
 * disturb one another, and all of them see the same inputs.
 */
#ifndef BENCHMARKS_PROTOCOL_H
#define BENCHMARKS_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Seconds of measuring that make one sample of a loss. */
#define LOSS_SECONDS 0.02

/* Of a convolution, in pixels. */
enum { CONVOLUTION_WINDOW = 3 };

/* Of ctc_loss: its rows are those of so many sequences, which have a label for so many frames. */
enum { CTC_SEQUENCES = 16, CTC_FRAMES_PER_LABEL = 4 };

/* Steps before those of a training that count. */
enum { WARM_STEPS = 5 };

enum { NUM_WIDTHS = 4, NUM_CONVOLUTIONS = 2, TEXT_LENGTH = 200 };

/* One loss, mean-reduced; its inputs follow one another in the shared memory. */
typedef struct loss_cell {
    char name[32];
    uint32_t rows, columns; /* of its first input */
    double parameter;       /* the margin or delta of a loss that has one */
    int threads;
} loss_cell;

/*
 * One part of an epoch of a network: convolutions with windows of CONVOLUTION_WINDOW, which keep the
 * image's size, each with a ReLU and a maximum pooling that halves it; then linear layers with ReLUs
 * between them.
 */
typedef struct training_cell {
    uint32_t channels[NUM_CONVOLUTIONS]; /* after each convolution; 0: there are none */
    uint32_t widths[NUM_WIDTHS];         /* inputs, hidden layers (0: there is none), classes */
    uint32_t batch, steps;
    uint32_t images; /* in the shared memory */
    int threads;     /* 0: what the library chooses */
} training_cell;

/*
 * An answer. Of a loss: the time of forward and backward, its value, and the sum of its gradients'
 * magnitudes. Of a training: the time of a step, and the mean loss of the steps. Of products: the
 * time of all matrix products of a step.
 */
typedef struct measurement {
    bool ok;
    double seconds, value, slope;
    char message[TEXT_LENGTH]; /* why not ok */
} measurement;

/* The training data in the shared memory. */
typedef struct training_data {
    int64_t *labels; /* [images]: class numbers */
    float *targets;  /* [images, classes]: the same, one-hot */
    float *images;   /* [images, features] */
} training_data;

/* The bytes that they take, and where they are. */
size_t training_data_bytes(const training_cell *cell);
training_data locate_training_data(const training_cell *cell, void *memory);

/* ---- the driver's side ---- */

typedef struct worker worker; /* a process that times one library */

/* What a worker is started with. */
typedef struct worker_options {
    const char *program;     /* its name, in the folder of the driver */
    const char *blas_folder; /* where its OpenBLAS is; NULL: the one that is installed */
    int threads;             /* that its OpenMP and OpenBLAS may use; 0: nothing is said */
    bool tuned_malloc;       /* freed memory is kept, see worker.c */
    int memory;              /* file descriptor of the shared memory */
} worker_options;

/* NULL on failure, with the reason on standard error. */
worker *worker_start(worker_options options);
void worker_stop(worker *w); /* may be NULL */

/* The library and its version, and the BLAS that it got. */
const char *worker_description(const worker *w);

measurement worker_time_loss(worker *w, const loss_cell *cell);
measurement worker_time_training(worker *w, const training_cell *cell);
measurement worker_time_products(worker *w, const training_cell *cell);

/* ---- the worker's side ---- */

/* What a worker can do; a function that it lacks is NULL. */
typedef struct worker_calls {
    const char *library; /* name, version */
    measurement (*time_loss)(const loss_cell *cell, float *memory);
    measurement (*time_training)(const training_cell *cell, void *memory);
    measurement (*time_products)(const training_cell *cell);
} worker_calls;

/* Answers requests until the driver closes the pipe. Returns the exit status. */
int serve(const worker_calls *calls, int argc, char **argv);

/* A failed measurement, with its reason. */
measurement failed_measurement(const char *reason);

#ifdef __cplusplus
}
#endif

#endif
