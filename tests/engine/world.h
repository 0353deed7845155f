/* world.h: arenas, leaves and an operation of one's own for the tests of the engine. */
#ifndef TESTS_ENGINE_WORLD_H
#define TESTS_ENGINE_WORLD_H

#include <autograd/autograd.h>
#include <check.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

extern ag_arena *permanent, *graph, *temp;

void create_arenas(void);
void destroy_arenas(void);

ag_tensor *vector(ag_arena *arena, uint32_t n, const float *values);
ag_variable *leaf(uint32_t n, const float *values, bool requires_grad);
ag_variable *scalar(float value);
ag_variable *random_leaf(uint32_t rows, uint32_t columns, bool requires_grad);
void assert_values(const ag_tensor *tensor, uint32_t n, const float *values);
void assert_grad(const ag_variable *variable, float expected);

/* x³, an operation of one's own. */
ag_status cube_backward(ag_variable *self, ag_arena *temp_arena);
ag_variable *cube(ag_arena *arena, ag_variable *x, ag_backward_fn backward_fn);

void assert_refused(ag_variable *variable);

/* ---- the rooms ---- */

void add_gradients(Suite *suite);
void add_graphs(Suite *suite);
void add_roots(Suite *suite);
void add_outside(Suite *suite);
void add_own_operations(Suite *suite);
void add_hand_made(Suite *suite);
void add_memory(Suite *suite);

#endif
