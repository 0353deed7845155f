/* version.c: what this build of the library is. */
#include "config.h"

#include <autograd/api.h>

#include <pthread.h>
#include <stdio.h>

#include "core/blas.h"
#include "core/cpu.h"

static char build_info[256];

static void write_build_info(void)
{
    char blas[128];
#ifdef _OPENMP
    static const char openmp[] = "OpenMP";
#else
    static const char openmp[] = "no OpenMP";
#endif
    snprintf(build_info, sizeof build_info, "libautograd %s, %s, %s, %s kernels", PACKAGE_VERSION,
             ag__blas_info(blas, sizeof blas), openmp, ag__cpu_name());
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
