/* limits.c: what memory and sgemm allow on this machine, on as many threads as the library uses. */
#include "config.h"

#include "support/limits.h"

#include <autograd/parallel.h>

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "support/timing.h"

#ifdef HAVE_OPENBLAS
/* OpenBLAS's own header declares these, but cblas.h may be another library's. */
extern int openblas_get_num_threads(void);
extern void openblas_set_num_threads(int threads);
extern int openblas_get_parallel(void);
#endif

enum { STREAM_ELEMENTS = 1 << 24, SQUARE = 1024 };

/* Many runs of 5 ms each, so that the median is a quiet machine's. */
#define STREAM_SECONDS 0.6
#define PRODUCT_SECONDS 0.03

typedef struct buffers {
    float *a, *b, *out;
} buffers;

static float *create_numbers(size_t count)
{
    float *numbers = malloc(count * sizeof *numbers);
    for (size_t i = 0; numbers != NULL && i < count; i++)
        numbers[i] = (float)(i % 7) - 3;
    return numbers;
}

static bool create_buffers(buffers *s, size_t a, size_t b, size_t out)
{
    *s = (buffers){create_numbers(a), create_numbers(b), create_numbers(out)};
    return s->a != NULL && s->b != NULL && s->out != NULL;
}

static void destroy_buffers(buffers *s)
{
    free(s->a);
    free(s->b);
    free(s->out);
}

/* ---- memory ---- */

static void stream(void *context)
{
    const buffers *s = context;
    const float *a = s->a, *b = s->b;
    float *out = s->out;
#pragma omp parallel for simd num_threads(ag_get_num_threads()) schedule(static)
    for (size_t i = 0; i < STREAM_ELEMENTS; i++)
        out[i] = a[i] - b[i];
}

static double measure_bytes_per_second(void)
{
    buffers s;
    double seconds = (double)INFINITY;
    if (create_buffers(&s, STREAM_ELEMENTS, STREAM_ELEMENTS, STREAM_ELEMENTS))
        seconds = median_time(stream, &s, STREAM_SECONDS);
    destroy_buffers(&s);
    return 12.0 * STREAM_ELEMENTS / seconds;
}

/* ---- products ---- */

typedef enum split { SPLIT_NOT, SPLIT_ROWS, SPLIT_COLUMNS, NUM_SPLITS } split;

typedef struct product_work {
    matrix_product p;
    split way;
    buffers s;
} product_work;

static void multiply_part(const product_work *w, size_t part, size_t parts)
{
    const matrix_product *p = &w->p;
    size_t first_row = 0, end_row = p->m, first_column = 0, end_column = p->n;
    if (w->way == SPLIT_ROWS) {
        first_row = p->m * part / parts;
        end_row = p->m * (part + 1) / parts;
    } else if (w->way == SPLIT_COLUMNS) {
        first_column = p->n * part / parts;
        end_column = p->n * (part + 1) / parts;
    }
    size_t a_columns = p->a_transposed ? p->m : p->k, b_columns = p->b_transposed ? p->k : p->n;
    cblas_sgemm(CblasRowMajor, p->a_transposed ? CblasTrans : CblasNoTrans,
                p->b_transposed ? CblasTrans : CblasNoTrans, (int)(end_row - first_row),
                (int)(end_column - first_column), (int)p->k, 1,
                w->s.a + first_row * (p->a_transposed ? 1 : a_columns), (int)a_columns,
                w->s.b + first_column * (p->b_transposed ? b_columns : 1), (int)b_columns, 0,
                w->s.out + first_row * p->n + first_column, (int)p->n);
}

static void multiply(void *context)
{
    const product_work *w = context;
    int parts = w->way == SPLIT_NOT ? 1 : ag_get_num_threads();
#pragma omp parallel for num_threads(parts) schedule(static)
    for (int part = 0; part < parts; part++)
        multiply_part(w, (size_t)part, (size_t)parts);
}

/* Makes each call of BLAS run on one thread. Returns what to hand to restore_blas_threads. */
static int use_one_blas_thread(void)
{
#ifdef HAVE_OPENBLAS
    int before = openblas_get_num_threads();
    openblas_set_num_threads(1);
    return before;
#else
    return 1;
#endif
}

static void restore_blas_threads(int before)
{
#ifdef HAVE_OPENBLAS
    openblas_set_num_threads(before);
#else
    (void)before;
#endif
}

/* Debian's serial flavour of OpenBLAS takes one call at a time: two share a buffer. */
static bool can_be_split(void)
{
#ifdef HAVE_OPENBLAS
    return ag_get_num_threads() > 1 && openblas_get_parallel() != 0;
#else
    return ag_get_num_threads() > 1;
#endif
}

double product_time(matrix_product p)
{
    product_work w = {.p = p};
    double best = 0;
    if (create_buffers(&w.s, p.m * p.k, p.k * p.n, p.m * p.n)) {
        int blas_threads = use_one_blas_thread();
        best = median_time(multiply, &w, PRODUCT_SECONDS);
        for (w.way = SPLIT_ROWS; can_be_split() && w.way < NUM_SPLITS; w.way++)
            best = fmin(best, median_time(multiply, &w, PRODUCT_SECONDS));
        restore_blas_threads(blas_threads);
    }
    destroy_buffers(&w.s);
    return best;
}

machine_limits measure_limits(void)
{
    double seconds = product_time((matrix_product){.m = SQUARE, .n = SQUARE, .k = SQUARE});
    return (machine_limits){
        .bytes_per_second = measure_bytes_per_second(),
        .flops_per_second = seconds > 0 ? 2.0 * SQUARE * SQUARE * SQUARE / seconds : 0,
    };
}
