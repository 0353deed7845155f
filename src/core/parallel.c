/* parallel.c: the one place where threads are used. */
#include "config.h"

#include "core/parallel.h"

#include <stdatomic.h>

#include "core/status.h"

#define MAX_THREADS 1024

static atomic_int chosen_threads; /* 0: as many as OpenMP would use */
static atomic_int
    granted_threads; /* how many the system lets us have; 0: it has refused none yet */

ag_status ag_set_num_threads(int threads)
{
    if (threads < 0 || threads > MAX_THREADS)
        return ag__fail(AG_ERROR_ARGUMENT, "set_num_threads: %d is not between 0 and %d", threads,
                        MAX_THREADS);
    atomic_store_explicit(&chosen_threads, threads, memory_order_relaxed);
    atomic_store_explicit(&granted_threads, 0, memory_order_relaxed);
    return AG_OK;
}

static atomic_bool may_differ;

bool ag_set_deterministic(bool deterministic)
{
    return !atomic_exchange_explicit(&may_differ, !deterministic, memory_order_relaxed);
}

#ifdef _OPENMP

#include <omp.h>
#include <pthread.h>
#include <time.h>

/*
 * Below this much work a region costs more than it saves: waking a team takes 2 to 5 µs while its
 * threads still spin, and many times that when they sleep.
 */
#define WORTHWHILE_NANOSECONDS 20000.0

/* libgomp's threads do not survive a fork, and the next region in the child would wait for them. */
static atomic_bool region_was_opened, threads_were_lost;

static void after_fork_in_child(void)
{
    if (atomic_load(&region_was_opened)) atomic_store(&threads_were_lost, true);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, after_fork_in_child);
}

static void note_region(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    if (!atomic_load_explicit(&region_was_opened, memory_order_relaxed))
        atomic_store(&region_was_opened, true);
}

int ag_get_num_threads(void)
{
    if (atomic_load_explicit(&threads_were_lost, memory_order_relaxed)) return 1;
    int threads = atomic_load_explicit(&chosen_threads, memory_order_relaxed);
    if (threads == 0) threads = omp_get_max_threads();
    int limit = omp_get_thread_limit() < MAX_THREADS ? omp_get_thread_limit() : MAX_THREADS;
    int granted = atomic_load_explicit(&granted_threads, memory_order_relaxed);
    if (granted > 0 && granted < limit) limit = granted;
    return threads < limit ? threads : limit;
}

/*
 * Where the system refuses a thread (a limit on processes, no memory for a stack), OpenMP's runtimes end
 * the process. So before a thread of the host opens its first team of a size, as many threads as that
 * takes are started and ended here, where a refusal is no more than a number: some 20 µs for each.
 */
static _Thread_local int tried_threads;

static void *wait_at_gate(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/* Starts up to so many threads that all exist at once, and ends them. Returns how many there were. */
static int try_threads(int wanted)
{
    pthread_t started[MAX_THREADS];
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    int count = 0;
    pthread_mutex_lock(&gate);
    while (count < wanted && pthread_create(&started[count], NULL, wait_at_gate, &gate) == 0)
        count++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < count; i++)
        pthread_join(started[i], NULL);
    return count;
}

/* How many threads a team may have, the calling one included, of those that are wanted. */
static int grant_threads(int wanted)
{
    if (wanted <= tried_threads) return wanted;
    int granted = 1 + try_threads(wanted - 1);
    tried_threads = granted;
    if (granted < wanted) atomic_store_explicit(&granted_threads, granted, memory_order_relaxed);
    return granted;
}

/*
 * On a machine whose cores are busy with something else, a region can last as long as the scheduler
 * keeps one of its threads waiting: milliseconds, for microseconds of work. When the wait for the
 * team has taken longer than our own share of the work, we go on alone for as long. That is all where
 * the wait came out of the blue, as those do that the host of a virtual machine imposes. If the team is late
 * again soon afterwards, we stay alone for twice as many waits, up to twenty, so that on a busy machine they
 * cost a twentieth of the time at most.
 */
#define NOTABLE_WAIT 0.0005
#define MOST_ALONE_PER_WAIT 20
#define SOON 20 /* waits, after having been alone */

static atomic_int_least64_t alone_until; /* in nanoseconds of now() */
static atomic_int alone_per_wait;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool team_is_late(void)
{
    int_least64_t until = atomic_load_explicit(&alone_until, memory_order_relaxed);
    return until != 0 && now() * 1e9 < (double)until;
}

static void note_region_time(double whole, double own_share)
{
    double wait = whole - own_share;
    if (wait < NOTABLE_WAIT || wait < own_share) return;
    double time = now(),
           last = 1e-9 * (double)atomic_load_explicit(&alone_until, memory_order_relaxed);
    if (time < last) return; /* another of the host's threads has seen the same wait */
    bool again = time - last < SOON * wait;
    int waits = again ? 2 * atomic_load_explicit(&alone_per_wait, memory_order_relaxed) : 1;
    if (waits > MOST_ALONE_PER_WAIT) waits = MOST_ALONE_PER_WAIT;
    double until = (time + waits * wait) * 1e9;
    atomic_store_explicit(&alone_per_wait, waits, memory_order_relaxed);
    atomic_store_explicit(&alone_until, (int_least64_t)until, memory_order_relaxed);
}

static void run_on_team(size_t count, int threads, ag__task *task, void *context)
{
    note_region();
    double started = now(), own_share = 0;
#pragma omp parallel num_threads(threads)
    {
        double share_started = now(); /* the team may have waited for a member before */
        size_t team = (size_t)omp_get_num_threads(), member = (size_t)omp_get_thread_num();
        size_t share = count / team, rest = count % team;
        size_t begin = member * share + (member < rest ? member : rest);
        size_t end = begin + share + (member < rest);
        if (begin < end) task(begin, end, context);
        if (member == 0) own_share = now() - share_started;
    }
    note_region_time(now() - started, own_share);
}

int ag__threads_for(double nanoseconds)
{
    bool worthwhile =
        nanoseconds >= WORTHWHILE_NANOSECONDS && !omp_in_parallel() && !team_is_late();
    return worthwhile ? ag_get_num_threads() : 1;
}

void ag__parallel_for(size_t count, double nanoseconds, ag__task *task, void *context)
{
    int threads = count > 1 ? ag__threads_for(nanoseconds) : 1;
    if ((size_t)threads > count) threads = (int)count;
    if (threads > 1) threads = grant_threads(threads);
    if (threads > 1)
        run_on_team(count, threads, task, context);
    else
        task(0, count, context);
}

#else

int ag_get_num_threads(void)
{
    return 1;
}

int ag__threads_for(double nanoseconds)
{
    (void)nanoseconds;
    return 1;
}

void ag__parallel_for(size_t count, double nanoseconds, ag__task *task, void *context)
{
    (void)nanoseconds;
    task(0, count, context);
}

#endif
