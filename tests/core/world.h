/* world.h: an arena for each test, and tensors of one dimension in it. */
#ifndef TESTS_CORE_WORLD_H
#define TESTS_CORE_WORLD_H

#include <autograd/autograd.h>
#include <check.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

extern ag_arena *arena;

void create_arena(void);
void destroy_arena(void);

ag_tensor *vector(uint32_t n, const float *values);
ag_tensor *zeros(uint32_t n);

/* ---- the rooms ---- */

void add_status(Suite *suite);
void add_tensors(Suite *suite);
void add_random(Suite *suite);
void add_threads(Suite *suite);

#endif
