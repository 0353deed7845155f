/*
 * blas.c: sums and dot products.
 *
 * They go through ddot on blocks of doubles, which OpenBLAS computes on the calling thread. (dsdot would
 * spare the conversion, but OpenBLAS adds in float inside of it on most x86 processors.)
 */
#include "config.h"

#include "core/blas.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

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

#ifdef HAVE_OPENBLAS

/* OpenBLAS's own header declares these, but cblas.h may be another library's. */
extern int openblas_get_parallel(void);
extern char *openblas_get_config(void);
extern char *openblas_get_corename(void);

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

const char *ag__blas_info(char *buffer, size_t bytes)
{
    snprintf(buffer, bytes, "CBLAS of %s", BLAS_LIBS);
    return buffer;
}

#endif
