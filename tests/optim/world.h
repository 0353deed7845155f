/* world.h: parameters, a quadratic to minimise, and all rules behind one way to create them. */
#ifndef TESTS_OPTIM_WORLD_H
#define TESTS_OPTIM_WORLD_H

#include <autograd/autograd.h>
#include <check.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* Elements that are worth several threads. */
#define LARGE ((1u << 20) + 37)

extern ag_arena *permanent, *graph;
extern ag_random numbers;

void create_arenas(void);
void destroy_arenas(void);

ag_variable *random_parameter(uint32_t rows, uint32_t columns);
ag_variable *parameter_of(float value);

/* Gives a parameter a gradient that is the same everywhere. */
void set_gradient(ag_variable *parameter, float value);
float value_of(const ag_variable *parameter);

/* ---- a quadratic: ½ |w M + c|², for a matrix M and a row c ---- */

#define SIZE 19 /* no multiple of a vector's length */

typedef struct quadratic {
    ag_variable *matrix, *row;
} quadratic;

quadratic create_quadratic(void);
void compute_gradient(const quadratic *q, ag_variable *w);

/* ---- rules ---- */

#define NUM_RULES 5

extern const char *const rule_names[NUM_RULES];

ag_optimizer *create_optimizer(int rule, size_t count, ag_variable *const *parameters);

/* ---- the rooms ---- */

void add_rules(Suite *suite);
void add_parameters(Suite *suite);
void add_checkpoints(Suite *suite);
void add_groups(Suite *suite);
void add_refusals(Suite *suite);

#endif
