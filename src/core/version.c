/* version.c: what this build of the library is, and what it found on this machine. */
#include "config.h"

#include <autograd/api.h>

#include <pthread.h>
#include <stdio.h>

#ifdef _OPENMP
#include <omp.h>
#endif
#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

#include "core/blas.h"
#include "core/cpu.h"

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "an unknown compiler"
#endif

static char build_info[512];

/* _OPENMP is the date of the standard: 201511 is OpenMP 4.5. */
static const char *openmp_info(char *buffer, size_t bytes)
{
#ifdef _OPENMP
    snprintf(buffer, bytes, "OpenMP %d with %d threads", _OPENMP, omp_get_max_threads());
#else
    snprintf(buffer, bytes, "no OpenMP");
#endif
    return buffer;
}

static const char *zlib_info(void)
{
#ifdef HAVE_ZLIB
    return zlibVersion();
#else
    return "none";
#endif
}

static void write_build_info(void)
{
    char blas[256], openmp[64];
    snprintf(build_info, sizeof build_info, "libautograd %s, %s, %s, %s, zlib %s, %s kernels",
             PACKAGE_VERSION, COMPILER, ag__blas_info(blas, sizeof blas),
             openmp_info(openmp, sizeof openmp), zlib_info(), ag__cpu_name());
}

const char *ag_version(void)
{
    return PACKAGE_VERSION;
}

const char *ag_build_info(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, write_build_info);
    return build_info;
}
