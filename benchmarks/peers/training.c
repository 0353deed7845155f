/* training.c: the table of training: an epoch of a network with AdamW, ours and libtorch's. */
#include "config.h"

#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "peers/images.h"
#include "peers/tables.h"
#include "support/status_line.h"
#include "support/timing.h"

/*
 * An epoch is timed in so many parts. A step of a network with convolutions takes twenty times as
 * long, so that fewer of them make a part.
 */
enum { PARTS = 8, CONVOLUTION_STEPS = 20 };

static const training_cell networks[] = {
    {.widths = {FEATURES, 256, 128, CLASSES}, .batch = 64},
    {.widths = {FEATURES, 512, 256, CLASSES}, .batch = 256},
    {.channels = {16, 32}, .widths = {FEATURES, 128, 0, CLASSES}, .batch = 64},
};

enum { NUM_NETWORKS = sizeof networks / sizeof *networks };

/* ---- who is compared ---- */

static const char *const flavours[] = {"pthread", "openmp", "serial"};

enum { NUM_FLAVOURS = sizeof flavours / sizeof *flavours, MOST_CONTESTANTS = 4 * NUM_FLAVOURS };

typedef struct contestant {
    char name[64], blas_folder[256];
    const char *flavour; /* NULL: the installed OpenBLAS */
    bool ours, as_it_comes;
    int threads; /* 0: what the library chooses */
    worker *process;
    double samples[PARTS], seconds; /* of an epoch */
    double first_loss, last_loss;   /* mean of the first and the last part */
} contestant;

typedef struct contest {
    contestant list[MOST_CONTESTANTS];
    int count;
} contest;

/* Where Debian keeps a flavour of OpenBLAS; empty if it is not installed. */
static void find_flavour(const char *flavour, size_t bytes, char *folder)
{
    char pattern[128];
    glob_t found;
    folder[0] = '\0';
    snprintf(pattern, sizeof pattern, "/usr/lib/*/openblas-%s/libopenblas.so.0", flavour);
    if (glob(pattern, 0, NULL, &found) != 0) return;
    snprintf(folder, bytes, "%s", found.gl_pathv[0]);
    *strrchr(folder, '/') = '\0';
    globfree(&found);
}

static void name_contestant(contestant *one)
{
    const char *blas = one->flavour != NULL ? one->flavour : "the installed OpenBLAS";
    if (one->ours)
        snprintf(one->name, sizeof one->name, "ours, %s", blas);
    else if (one->as_it_comes)
        snprintf(one->name, sizeof one->name, "libtorch, %s, as it comes", blas);
    else
        snprintf(one->name, sizeof one->name, "libtorch, %s, %d thread%s", blas, one->threads,
                 one->threads > 1 ? "s" : "");
}

static contestant *add_contestant(contest *all, bool ours, const char *flavour, int threads)
{
    contestant *one = &all->list[all->count];
    *one = (contestant){
        .flavour = flavour, .ours = ours, .as_it_comes = threads == 0 && !ours, .threads = threads};
    if (flavour != NULL) {
        find_flavour(flavour, sizeof one->blas_folder, one->blas_folder);
        if (one->blas_folder[0] == '\0') return NULL;
    }
    name_contestant(one);
    all->count++;
    return one;
}

static void add_torch(contest *all, const char *flavour, int threads)
{
    add_contestant(all, false, flavour, threads);
    if (threads > 1) add_contestant(all, false, flavour, 1);
}

/* Ours and libtorch's on the installed OpenBLAS first, then on every flavour that is there. */
static void list_contestants(contest *all, int threads)
{
    add_contestant(all, true, NULL, threads);
    add_contestant(all, false, NULL, 0);
    int before = all->count;
    for (int i = 0; i < NUM_FLAVOURS; i++)
        if (add_contestant(all, true, flavours[i], threads) != NULL)
            add_torch(all, flavours[i], threads);
    if (all->count == before) add_torch(all, NULL, threads);
}

static bool start_contestants(contest *all, int memory)
{
    for (int i = 0; i < all->count; i++) {
        contestant *one = &all->list[i];
        one->process = worker_start((worker_options){
            .program = one->ours ? OUR_WORKER : TORCH_WORKER,
            .blas_folder = one->blas_folder[0] != '\0' ? one->blas_folder : NULL,
            .threads = one->ours ? 0 : one->threads,
            .tuned_malloc = !one->ours && !one->as_it_comes,
            .memory = memory,
        });
        if (one->process == NULL) return false;
        if (one->flavour == NULL || strstr(worker_description(one->process), one->flavour) != NULL)
            continue;
        fprintf(stderr, "%s: got %s\n", one->name, worker_description(one->process));
        return false;
    }
    return true;
}

/* ---- one network ---- */

static bool time_part(contestant *one, training_cell cell, int part)
{
    cell.threads = one->threads;
    measurement m = worker_time_training(one->process, &cell);
    if (!m.ok) {
        clear_status();
        fprintf(stderr, "%s: %s\n", one->name, m.message);
        return false;
    }
    one->samples[part] = m.seconds * cell.images / cell.batch;
    if (part == 0) one->first_loss = m.value;
    one->last_loss = m.value;
    return true;
}

static bool time_network(contest *all, const training_cell *cell, int done)
{
    /* Who is the first to see the images of a part reads them from memory, others from the cache. */
    for (int part = 0; part < PARTS; part++)
        for (int turn = 0; turn < all->count; turn++) {
            contestant *one = &all->list[(part + turn) % all->count];
            show_status(done * PARTS + part, NUM_NETWORKS * PARTS, "training", one->name);
            if (!time_part(one, *cell, part)) return false;
        }
    for (int i = 0; i < all->count; i++)
        all->list[i].seconds = median_of(all->list[i].samples, PARTS);
    clear_status();
    return true;
}

/* Of all products of an epoch, NaN if it has other work too; of our first contestant, whose BLAS threads do not matter. */
static double limit_of(const contest *all, training_cell cell, int threads)
{
    cell.threads = threads;
    measurement m = worker_time_products(all->list[0].process, &cell);
    return m.ok ? m.seconds * cell.images / cell.batch : (double)NAN;
}

/* ---- the table ---- */

static void name_network(const training_cell *cell, size_t bytes, char *name)
{
    const uint32_t *c = cell->channels, *w = cell->widths;
    if (c[0] > 0)
        snprintf(name, bytes, "%u-conv %u-conv %u-%u-%u, batch %u", w[0], c[0], c[1], w[1], w[3],
                 cell->batch);
    else
        snprintf(name, bytes, "%u-%u-%u-%u, batch %u", w[0], w[1], w[2], w[3], cell->batch);
}

static void print_network(const comparison *c, const contest *all, const training_cell *cell)
{
    char size[64];
    name_network(cell, sizeof size, size);
    printf("%s\n  %-46s %9s %9s %9s %7s %17s\n", size, "", "s/epoch", "least", "most", "/ ours",
           "loss first, last");
    for (int i = 0; i < all->count; i++) {
        const contestant *one = &all->list[i]; /* its samples are sorted */
        printf("  %-46s %9.3f %9.3f %9.3f %7.2f %8.3f %8.3f\n", one->name, one->seconds,
               one->samples[0], one->samples[PARTS - 1], one->seconds / all->list[0].seconds,
               one->first_loss, one->last_loss);
        write_csv(c, "training", size, one->name, one->seconds);
    }
}

static void print_verdict(const contest *all, double limit)
{
    double ours = all->list[0].seconds, least = ours, most = ours;
    const contestant *best = &all->list[1]; /* libtorch as it comes */
    for (int i = 1; i < all->count; i++) {
        const contestant *one = &all->list[i];
        if (one->ours) {
            least = fmin(least, one->seconds);
            most = fmax(most, one->seconds);
        } else if (one->seconds < best->seconds) {
            best = one;
        }
    }
    printf("  %.2f times as fast as libtorch at its best (%s), %.2f as it comes;\n"
           "  ours differs by %.0f %% over the flavours of OpenBLAS",
           best->seconds / ours, best->name, all->list[1].seconds / ours, 100 * (most / least - 1));
    if (isfinite(limit))
        printf(
            ", and takes %.3f s where the matrix\n  products alone take %.3f: %.0f %% of the limit",
            ours, limit, 100 * limit / ours);
    printf("\n\n");
}

/* Ours must learn the same, whatever the BLAS. */
static bool check_agreement(const contest *all)
{
    bool ok = true;
    for (int i = 1; i < all->count; i++) {
        const contestant *one = &all->list[i];
        if (!one->ours || fabs(one->last_loss / all->list[0].last_loss - 1) < 0.02) continue;
        fprintf(stderr, "%s: a loss of %.3f in the end, but %.3f with %s\n", one->name,
                one->last_loss, all->list[0].last_loss, all->list[0].name);
        ok = false;
    }
    return ok;
}

static bool compare_networks(const comparison *c, contest *all, const char *data)
{
    printf("== Training: one epoch of %s in batches, ReLU, AdamW ==\n\n"
           "Median of %d parts of an epoch, by turns; batches are slices of the same memory.\n"
           "libtorch as it comes: nothing is set; otherwise its allocator keeps what is freed.\n"
           "First of ours:     %s\nlibtorch as it comes: %s\n\n",
           data, PARTS, worker_description(all->list[0].process),
           worker_description(all->list[1].process));
    bool ok = true;
    for (int i = 0; i < NUM_NETWORKS; i++) {
        training_cell cell = networks[i];
        cell.images = IMAGES;
        cell.steps = cell.channels[0] > 0 ? CONVOLUTION_STEPS : IMAGES / cell.batch / PARTS;
        if (!time_network(all, &cell, i)) return false;
        print_network(c, all, &cell);
        print_verdict(all, limit_of(all, cell, c->threads));
        fflush(stdout);
        ok = check_agreement(all) && ok;
    }
    return ok;
}

bool compare_training(const comparison *c)
{
    static contest all;
    training_cell cell = networks[0];
    cell.images = IMAGES;
    shared_memory memory = create_shared_memory(training_data_bytes(&cell));
    if (memory.data == NULL) return false;
    const char *data = write_images(&cell, memory.data);
    list_contestants(&all, c->threads);
    bool ok = start_contestants(&all, memory.descriptor) && compare_networks(c, &all, data);
    for (int i = 0; i < all.count; i++)
        worker_stop(all.list[i].process);
    destroy_shared_memory(&memory);
    return ok;
}
