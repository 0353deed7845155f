/*
 * blas.c: sums and dot products, and matrix products in tiles.
 *
 * Sums go through ddot on blocks of doubles. (dsdot would spare the conversion, but OpenBLAS adds in
 * float inside of it on most x86 processors.)
 *
 * A large product is cut into tiles that depend on the shapes alone (unless ag_set_deterministic says
 * otherwise); our threads take tiles, and each tile is one call of a single-threaded sgemm. So results
 * do not depend on the number of threads, and those of BLAS and OpenMP never spin against each other.
 */
#include "config.h"

#include "core/blas.h"

#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#define OUR_OPENMP true
#else
#define OUR_OPENMP false
#endif

#include "core/parallel.h"

/* ---- sums ---- */

static const double ones[AG__CHUNK] = {
#define ONES_8 1, 1, 1, 1, 1, 1, 1, 1
#define ONES_64 ONES_8, ONES_8, ONES_8, ONES_8, ONES_8, ONES_8, ONES_8, ONES_8
    ONES_64, ONES_64, ONES_64, ONES_64, ONES_64, ONES_64, ONES_64, ONES_64,
};

double ag__sum(size_t n, const double *x)
{
    return cblas_ddot((int)n, x, 1, ones, 1);
}

double ag__dot(size_t n, const double *x, const double *y)
{
    return cblas_ddot((int)n, x, 1, y, 1);
}

/* ---- one thread for each call of BLAS ---- */

#ifdef HAVE_OPENBLAS

/* OpenBLAS's own header declares these, but cblas.h may be another library's. */
extern int openblas_get_parallel(void);
extern int openblas_get_num_threads(void);
extern void openblas_set_num_threads(int threads);
extern char *openblas_get_config(void);
extern char *openblas_get_corename(void);

enum { PARALLEL_NONE, PARALLEL_PTHREADS, PARALLEL_OPENMP };

/* Products of fewer multiplications than this OpenBLAS runs on one thread by itself. */
#define OPENBLAS_SERIAL_LIMIT (64.0 * 64.0 * 64.0)

/*
 * OpenBLAS's number of threads is one for the process. The first of our threads that needs it to be 1
 * keeps the host's setting, the last one puts it back. This lock, which only large products take, is
 * all that threads of a program share in here.
 */
static pthread_mutex_t setting_lock = PTHREAD_MUTEX_INITIALIZER;
static int setting_users, host_setting;

/*
 * An OpenBLAS that was built without threads hands the same work buffer to two callers at once
 * (measured: 5 of 200 products of two threads come out wrong). Such a library is called by one thread
 * at a time.
 */
static pthread_mutex_t call_lock = PTHREAD_MUTEX_INITIALIZER;

/*
 * A thread that changes the setting holds a lock inside OpenBLAS, which a child that is forked at that moment
 * would find locked for ever. So a fork waits for it. (These handlers come after OpenBLAS's own, which its
 * constructor registered: before a fork they run first.)
 */
static void await_setting(void)
{
    pthread_mutex_lock(&setting_lock);
}

static void release_setting(void)
{
    pthread_mutex_unlock(&setting_lock);
}

/* The threads that held a lock or used the setting are not there after a fork. */
static void forget_users_in_child(void)
{
    pthread_mutex_init(&setting_lock, NULL);
    pthread_mutex_init(&call_lock, NULL);
    setting_users = 0;
}

static void watch_forks(void)
{
    pthread_atfork(await_setting, release_setting, forget_users_in_child);
}

typedef struct blas_scope {
    bool alone;  /* no other thread may call BLAS meanwhile */
    bool single; /* BLAS must not start threads of its own meanwhile */
} blas_scope;

static void set_single_threaded(void)
{
    pthread_mutex_lock(&setting_lock);
    if (setting_users++ == 0) {
        host_setting = openblas_get_num_threads();
        if (host_setting != 1) openblas_set_num_threads(1);
    }
    pthread_mutex_unlock(&setting_lock);
}

static void restore_host_setting(void)
{
    pthread_mutex_lock(&setting_lock);
    if (--setting_users == 0 && host_setting != 1) openblas_set_num_threads(host_setting);
    pthread_mutex_unlock(&setting_lock);
}

static blas_scope enter_single_threaded(double multiplications)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int flavour = openblas_get_parallel();
    bool foreign_openmp = flavour == PARALLEL_OPENMP && !OUR_OPENMP;
    bool threads_of_its_own = flavour == PARALLEL_PTHREADS || foreign_openmp;
    blas_scope scope = {
        .alone = flavour == PARALLEL_NONE || foreign_openmp,
        .single = threads_of_its_own && multiplications >= OPENBLAS_SERIAL_LIMIT,
    };
    if (scope.alone || scope.single) pthread_once(&once, watch_forks);
    if (scope.alone) pthread_mutex_lock(&call_lock);
    if (scope.single) set_single_threaded();
    return scope;
}

static void leave_single_threaded(blas_scope scope)
{
    if (scope.alone) pthread_mutex_unlock(&call_lock);
    if (scope.single) restore_host_setting();
}

const char *ag__blas_info(char *buffer, size_t bytes)
{
    static const char *const threading[] = {"no threads", "pthreads", "OpenMP"};
    const char *config = openblas_get_config();
    int version = (int)strcspn(config, " ");
    if (config[version] == ' ') version += 1 + (int)strcspn(config + version + 1, " ");
    int parallel = openblas_get_parallel();
    snprintf(buffer, bytes, "%.*s %s, %s", version, config, openblas_get_corename(),
             parallel >= 0 && parallel <= 2 ? threading[parallel] : "unknown threading");
    return buffer;
}

#else

/* Another CBLAS: whatever threads it uses are its own affair. */
typedef struct blas_scope {
    bool alone;
} blas_scope;

static blas_scope enter_single_threaded(double multiplications)
{
    (void)multiplications;
    return (blas_scope){.alone = false};
}

static void leave_single_threaded(blas_scope scope)
{
    (void)scope;
}

const char *ag__blas_info(char *buffer, size_t bytes)
{
    snprintf(buffer, bytes, "CBLAS of %s", BLAS_LIBS);
    return buffer;
}

#endif

/*
 * OpenBLAS's OpenMP flavour asks OpenMP how many threads the calling one may have, before it looks at
 * its own setting; to change that while another thread is inside of it makes both wait for ever. So
 * that number is 1 during our calls. Returns what to hand to allow_openmp.
 */
#if defined(_OPENMP) && defined(HAVE_OPENBLAS)

static int forbid_openmp(void)
{
    int before = omp_get_max_threads();
    if (before == 1 || openblas_get_parallel() != PARALLEL_OPENMP) return 1;
    omp_set_num_threads(1);
    return before;
}

static void allow_openmp(int before)
{
    if (before != 1) omp_set_num_threads(before);
}

#else

static int forbid_openmp(void)
{
    return 1;
}

static void allow_openmp(int before)
{
    (void)before;
}

#endif

/* ---- products ---- */

/* About 70 µs of work on one core; tiles have at least half of it. */
#define TILE_MULTIPLICATIONS 5.6e6
/*
 * sgemm copies its operands into an order of its own, each once for every tile that needs it: beyond a
 * few tiles, for as many cores, only those are cut that stay wide enough for that to cost little.
 */
#define FEW_TILES 8
#define WIDE_EDGE 512
/* Enough to keep dozens of cores busy; more would make tiles thin and sgemm slow. */
#define MAX_TILES 64.0
/* Tile edges are multiples of what sgemm's inner kernels work on. */
#define EDGE_UNIT 16

/* sgemm on one core of 2020: 40 multiplications in a nanosecond. */
#define NANOSECONDS_PER_MULTIPLICATION 0.025

typedef struct product {
    ag__matrix a, b;
    bool accumulate;
    float *c;
    size_t m, n, k;
    size_t tile_m, tile_n;
    size_t tiles; /* of one of a batch of products */
} product;

static size_t ceiling_divide(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

static atomic_bool nondeterministic;

bool ag_set_deterministic(bool deterministic)
{
    return !atomic_exchange_explicit(&nondeterministic, !deterministic, memory_order_relaxed);
}

static double most_tiles(void)
{
    if (!atomic_load_explicit(&nondeterministic, memory_order_relaxed)) return MAX_TILES;
    int threads = ag_get_num_threads();
    return threads == 1 ? 1 : 2.0 * threads;
}

static bool may_halve(const product *p, size_t parts)
{
    size_t longer = p->tile_m > p->tile_n ? p->tile_m : p->tile_n;
    return longer > EDGE_UNIT && (parts < FEW_TILES || longer >= WIDE_EDGE);
}

/* Halves the longer edge until there are tiles enough. */
static void choose_tiles(product *p, size_t count)
{
    double wanted = (double)p->m * (double)p->n * (double)p->k / TILE_MULTIPLICATIONS;
    wanted = fmin(wanted, most_tiles() / (double)count);
    size_t parts_m = 1, parts_n = 1;
    p->tile_m = p->m;
    p->tile_n = p->n;
    while ((double)(parts_m * parts_n) < wanted && may_halve(p, parts_m * parts_n)) {
        size_t *parts = p->tile_m > p->tile_n ? &parts_m : &parts_n;
        *parts *= 2;
        p->tile_m = ceiling_divide(ceiling_divide(p->m, parts_m), EDGE_UNIT) * EDGE_UNIT;
        p->tile_n = ceiling_divide(ceiling_divide(p->n, parts_n), EDGE_UNIT) * EDGE_UNIT;
    }
}

/* Where row (or, of a transposed matrix, column) `index` of op(matrix) starts. */
static size_t from_row(ag__matrix matrix, size_t index)
{
    return matrix.transposed ? index : index * matrix.columns;
}

static size_t from_column(ag__matrix matrix, size_t index)
{
    return matrix.transposed ? index * matrix.columns : index;
}

static void multiply_tiles(size_t begin, size_t end, void *context)
{
    const product *p = context;
    int openmp_threads = forbid_openmp();
    size_t tiles_n = ceiling_divide(p->n, p->tile_n);
    for (size_t index = begin; index < end; index++) {
        size_t item = index / p->tiles, tile = index % p->tiles;
        const float *a = p->a.data + item * p->a.rows * p->a.columns;
        const float *b = p->b.data + item * p->b.rows * p->b.columns;
        float *c = p->c + item * p->m * p->n;
        size_t row = tile / tiles_n * p->tile_m, column = tile % tiles_n * p->tile_n;
        size_t rows = p->m - row < p->tile_m ? p->m - row : p->tile_m;
        size_t columns = p->n - column < p->tile_n ? p->n - column : p->tile_n;
        cblas_sgemm(CblasRowMajor, p->a.transposed ? CblasTrans : CblasNoTrans,
                    p->b.transposed ? CblasTrans : CblasNoTrans, (int)rows, (int)columns, (int)p->k,
                    1.0f, a + from_row(p->a, row), (int)p->a.columns, b + from_column(p->b, column),
                    (int)p->b.columns, p->accumulate ? 1.0f : 0.0f, c + row * p->n + column,
                    (int)p->n);
    }
    allow_openmp(openmp_threads);
}

void ag__matmul(ag__matrix a, ag__matrix b, bool accumulate, float *c)
{
    ag__matmul_batch(1, a, b, accumulate, c);
}

void ag__matmul_batch(size_t count, ag__matrix a, ag__matrix b, bool accumulate, float *c)
{
    product p = {
        .a = a,
        .b = b,
        .accumulate = accumulate,
        .c = c,
        .m = a.transposed ? a.columns : a.rows,
        .n = b.transposed ? b.rows : b.columns,
        .k = a.transposed ? a.rows : a.columns,
    };
    choose_tiles(&p, count);
    p.tiles = ceiling_divide(p.m, p.tile_m) * ceiling_divide(p.n, p.tile_n);
    double multiplications = (double)p.m * (double)p.n * (double)p.k;
    blas_scope scope = enter_single_threaded(multiplications / (double)p.tiles);
    double nanoseconds = multiplications * (double)count * NANOSECONDS_PER_MULTIPLICATION;
    if (scope.alone)
        multiply_tiles(0, count * p.tiles, &p);
    else
        ag__parallel_for(count * p.tiles, nanoseconds, multiply_tiles, &p);
    leave_single_threaded(scope);
}

void ag__multiply_part(size_t m, size_t n, size_t k, ag__part a, ag__part b, bool accumulate,
                       float *c, size_t c_pitch)
{
    blas_scope scope = enter_single_threaded((double)m * (double)n * (double)k);
    int openmp_threads = forbid_openmp();
    cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
                b.transposed ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k, 1.0f, a.data,
                (int)a.pitch, b.data, (int)b.pitch, accumulate ? 1.0f : 0.0f, c, (int)c_pitch);
    allow_openmp(openmp_threads);
    leave_single_threaded(scope);
}
