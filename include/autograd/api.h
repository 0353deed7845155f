/* api.h: how the library's symbols are declared, for C and C++ alike, and its version. */
#ifndef AUTOGRAD_API_H
#define AUTOGRAD_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define AG_API __attribute__((visibility("default")))
#else
#define AG_API
#endif

#ifdef __cplusplus
#define AG_BEGIN_DECLS extern "C" {
#define AG_END_DECLS }
#else
#define AG_BEGIN_DECLS
#define AG_END_DECLS
#endif

/* The version of these headers, for the preprocessor; ag_version has that of the library that is running. */
#define AG_VERSION_MAJOR 0 /**< goes up when programs must be changed */
#define AG_VERSION_MINOR 1 /**< goes up when something is added */
#define AG_VERSION_PATCH 0 /**< goes up when something is mended */

AG_BEGIN_DECLS

/** The version of the library that is running, such as "0.1.0". Never NULL; do not free. */
AG_API const char *ag_version(void);

/**
 * One line on how the running library was built and what it found on this machine: version, compiler,
 * BLAS with its kernels and its threading, OpenMP with the number of threads at the first call, zlib,
 * and the instruction set chosen for this CPU. What a bug report needs. Never NULL; do not free.
 */
AG_API const char *ag_build_info(void);

AG_END_DECLS

#endif
