/* limits.h: what memory and sgemm allow on this machine, on as many threads as the library uses. */
#ifndef BENCHMARKS_LIMITS_H
#define BENCHMARKS_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct machine_limits {
    double bytes_per_second; /* two reads and a plain store for each element */
    double flops_per_second; /* of a product of [1024, 1024] matrices */
} machine_limits;

/* Both 0 if memory is out. */
machine_limits measure_limits(void);

/* [m, n] = [m, k] times [k, n]; a transposed factor is stored the other way round. */
typedef struct matrix_product {
    size_t m, n, k;
    bool a_transposed, b_transposed;
} matrix_product;

/*
 * The time of a product in seconds: the best of one thread, and of all of them on equal parts of the
 * rows or columns with one call of a single-threaded sgemm each. 0 if memory is out.
 */
double product_time(matrix_product p);

#endif
