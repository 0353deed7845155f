/*
 * soak.c: very many steps of a small model: nothing that a step needs is ever lost, neither memory nor
 * exactness nor time. The steps' data repeat, and so must a step's bits whenever it is taken again from
 * the same parameters. Prints resident memory and the times of steps; fails if memory grows after step
 * 1,000, if the loss is not finite, or if a repeated step has other bits.
 *
 * soak [STEPS]: 20,000 by default.
 */
#include "config.h"

#include <autograd/autograd.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BATCH = 16,
    FEATURES = 20,
    HIDDEN = 24,
    CLASSES = 4,
    PARAMETERS = 4,
    DATA_SETS = 200,       /* 3,200 random labels: more than this model can learn by heart */
    SETTLED = 1000,        /* the step after which memory must not grow */
    RESTORED_EVERY = 5000, /* steps between the repetitions of the first step of all */
    MEASURED_EVERY = 1000, /* steps between looks at memory */
    BUCKETS = 4000         /* of the histogram of times, each 0.1 µs wide */
};

typedef struct soak {
    ag_arena *permanent, *step, *reference;
    ag_tensor *x[DATA_SETS], *y[DATA_SETS];
    ag_variable *parameters[PARAMETERS];
    ag_optimizer *optimizer;
    uint64_t times[BUCKETS];
    double longest;
} soak;

static void fail(const char *what)
{
    fprintf(stderr, "soak: %s: %s\n", what, ag_last_error());
    exit(EXIT_FAILURE);
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* In KiB, without the pages of files, such as code; 0 where the system does not tell. */
static long resident_memory(void)
{
    char line[128];
    long resident = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    if (file == NULL) return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "Anonymous: %ld", &resident) == 1) break;
    fclose(file);
    return resident;
}

/* ---- the model ---- */

static ag_variable *create_parameter(soak *s, ag_random *random, uint32_t ndims,
                                     const uint32_t *shape)
{
    ag_tensor *data = ag_tensor_create(s->permanent, ndims, shape);
    ag_tensor_fill_normal(data, random, 0, 0.2f);
    return ag_create_leaf(s->permanent, data, true);
}

static void create_data(soak *s, ag_random *random, int set)
{
    s->x[set] = ag_tensor_create(s->permanent, 2, (uint32_t[]){BATCH, FEATURES});
    s->y[set] = ag_tensor_create_zeros(s->permanent, 2, (uint32_t[]){BATCH, CLASSES});
    if (ag_tensor_fill_normal(s->x[set], random, 0, 1) != AG_OK || s->y[set] == NULL) fail("data");
    for (size_t row = 0; row < BATCH; row++)
        s->y[set]->data[row * CLASSES + ag_random_below(random, CLASSES)] = 1;
}

static void create_soak(soak *s)
{
    ag_random random = ag_random_create(1);
    const uint32_t w1[] = {HIDDEN, FEATURES}, w2[] = {CLASSES, HIDDEN};
    memset(s->times, 0,
           sizeof s->times); /* its pages become resident now, not when a time is rare */
    s->permanent = ag_arena_create(0);
    s->step = ag_arena_create(0);
    s->reference = ag_arena_create(0);
    for (int set = 0; set < DATA_SETS; set++)
        create_data(s, &random, set);
    s->parameters[0] = create_parameter(s, &random, 2, w1);
    s->parameters[1] = create_parameter(s, &random, 1, w1);
    s->parameters[2] = create_parameter(s, &random, 2, w2);
    s->parameters[3] = create_parameter(s, &random, 1, w2);
    ag_adamw_options options = ag_adamw_defaults();
    options.weight_decay =
        0.05f; /* labels are noise: without decay the weights would grow for ever */
    s->optimizer = ag_adamw_create(s->permanent, PARAMETERS, s->parameters, options);
    if (s->optimizer == NULL) fail("the model");
}

/* Forward and backward, without an update. The graph stays for the caller to give back. */
static float find_gradients(soak *s, long number)
{
    ag_arena *step = s->step;
    ag_variable *x = ag_create_leaf(step, s->x[number % DATA_SETS], false);
    ag_variable *y = ag_create_leaf(step, s->y[number % DATA_SETS], false);
    ag_variable *hidden = ag_linear(step, x, s->parameters[0], s->parameters[1]);
    ag_variable *logits =
        ag_linear(step, ag_gelu(step, hidden), s->parameters[2], s->parameters[3]);
    ag_variable *loss = ag_cross_entropy_loss(step, logits, y, AG_REDUCTION_MEAN);
    ag_optimizer_zero_grad(s->optimizer);
    if (ag_backward(step, loss) != AG_OK) fail("a step");
    return loss->data->data[0];
}

static float take_step(soak *s, long number)
{
    float loss = find_gradients(s, number);
    if (ag_optimizer_step(s->optimizer) != AG_OK) fail("an update");
    ag_arena_reset(s->step);
    return loss;
}

/* ---- what must stay the same ---- */

/* FNV-1a over a step's loss and gradients, from parameters that depend on nothing. */
static uint64_t hash_reference_step(soak *s)
{
    static float kept[HIDDEN * FEATURES];
    uint64_t hash = 0xcbf29ce484222325u;
    ag_tensor *weights = s->parameters[0]->data;
    memcpy(kept, weights->data, sizeof kept);
    ag_random random = ag_random_create(2);
    ag_tensor_fill_normal(weights, &random, 0, 0.2f);
    ag_arena *own = s->reference;
    ag_variable *x = ag_create_leaf(own, s->x[0], false);
    ag_variable *leaf = ag_create_leaf(own, weights, true);
    ag_variable *loss =
        ag_l2_loss(own, ag_tanh(own, ag_linear(own, x, leaf, NULL)), AG_REDUCTION_MEAN);
    if (ag_backward(own, loss) != AG_OK) fail("the reference step");
    const unsigned char *bytes = (const unsigned char *)leaf->grad->data;
    for (size_t i = 0; i < sizeof kept; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    ag_arena_reset(own);
    memcpy(weights->data, kept, sizeof kept);
    return hash;
}

/* The same gradients twice from the same parameters. */
static bool repeats(soak *s, long number)
{
    static float first[HIDDEN * FEATURES];
    float loss = find_gradients(s, number);
    memcpy(first, s->parameters[0]->grad->data, sizeof first);
    ag_arena_reset(s->step);
    bool same = find_gradients(s, number) == loss &&
                memcmp(first, s->parameters[0]->grad->data, sizeof first) == 0;
    ag_arena_reset(s->step);
    return same;
}

/* ---- times ---- */

static void note_time(soak *s, double seconds)
{
    double bucket = seconds * 1e7;
    s->times[bucket < BUCKETS - 1 ? (size_t)bucket : BUCKETS - 1]++;
    s->longest = fmax(s->longest, seconds);
}

/* In microseconds. */
static double quantile(const soak *s, long count, double share)
{
    double below = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        below += (double)s->times[i];
        if (below >= share * (double)count) return 0.1 * (double)(i + 1);
    }
    return 0.1 * BUCKETS;
}

/* ---- the whole ---- */

static int report(const soak *s, long steps, long settled, long at_end, float loss, bool exact)
{
    double median = quantile(s, steps, 0.5), p99 = quantile(s, steps, 0.99);
    printf("%ld steps: loss %.6f at the end, %s\n", steps, (double)loss,
           exact ? "repeated steps have the same bits" : "REPEATED STEPS DIFFER");
    printf("resident memory: %ld KiB after step %d, %ld KiB at the most after it\n", settled,
           SETTLED, at_end);
    printf("a step: median %.1f us, p99 %.1f us (%.2f times the median), longest %.0f us\n", median,
           p99, p99 / median, s->longest * 1e6);
    return exact && isfinite(loss) && at_end <= settled ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static soak s;
    long steps = argc > 1 ? atol(argv[1]) : 20000, settled = 0, most = 0;
    float loss = 0;
    bool exact = true;
    create_soak(&s);
    uint64_t reference = hash_reference_step(&s);
    resident_memory();                                         /* takes its own share once, */
    nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL); /* as do OpenBLAS's threads */
    for (long i = 0; i < steps && exact && isfinite(loss); i++) {
        double started = seconds_now();
        loss = take_step(&s, i);
        note_time(&s, seconds_now() - started);
        if (i % RESTORED_EVERY == SETTLED / 2)
            exact = hash_reference_step(&s) == reference && repeats(&s, i);
        if (i == SETTLED) settled = most = resident_memory();
        if (i > SETTLED && i % MEASURED_EVERY == 0) {
            long now = resident_memory();
            most = now > most ? now : most;
        }
    }
    int status = report(&s, steps, settled, most, loss, exact);
    ag_arena_destroy(s.reference);
    ag_arena_destroy(s.step);
    ag_arena_destroy(s.permanent);
    return status;
}
