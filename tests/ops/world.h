/* world.h: a case of an operation, ready to be called, and how near its results must be. */
#ifndef TESTS_OPS_WORLD_H
#define TESTS_OPS_WORLD_H

#include <check.h>

#include "op_calls.h"
#include "reference.h"

/* ---- tests of each operation ---- */

/*
 * Such tests, and those of losses alone, get the entry's index as _i. With names between commas in the
 * variable CHECK_OPS, as in CHECK_OPS=mse_loss,l1_loss, only these operations are tested.
 */
#define ADD_FOR_OPS(tests, test) add_for_entries(tests, test, num_op_entries)
#define ADD_FOR_LOSSES(tests, test) add_for_entries(tests, test, num_loss_entries)
void add_for_entries(TCase *tests, const TTest *test, int count);

/* Ends the program if CHECK_OPS names what is no operation. */
void must_know_chosen_operations(void);
#define ENTRY (&op_entries[_i])

#define FOR_EACH_CASE(c, scale)                                                                    \
    for (size_t case_index = 0; op_case_at(ENTRY, scale, case_index, &(c)); case_index++)

/* ---- a case, ready to be called ---- */

typedef struct fixture {
    const op_case *spec;
    ag_arena *arena; /* for inputs and expected results */
    ag_arena *graph; /* for the graph alone */
    op_arguments arguments;
    op_oracle oracle;
    ag__shape result_shape;
    ag_tensor *upstream;
    size_t float_terms;
} fixture;

void set_up(fixture *f, const op_case *c);
void tear_down(fixture *f);

ag_tensor *create_like(fixture *f, const ag_tensor *tensor);
ag_variable *call_graph(fixture *f);

/* Makes leaves that want gradients, calls the operation and goes backward from the upstream. */
ag_variable *call_and_go_back(fixture *f);

const char *input_name(const op_case *c, uint32_t input);
bool same_shape(const ag__shape *a, const ag__shape *b);

void assert_ok(const op_case *c, ag_status status);
void assert_same_bits(const op_case *c, const char *what, const ag_tensor *a, const ag_tensor *b);

/* ---- how near ---- */

#define MOST_ULPS_OF_VALUE 2
#define MOST_ULPS_OF_GRADIENT 4

/* The error of a float in ulps, beyond what rounding in double may add to terms that cancel. */
long double error_of(float actual, reference_number exact, size_t float_terms);

/* Checks a tensor against the reference. Returns the worst error. */
long double assert_close(const op_case *c, const char *what, const ag_tensor *actual,
                         const reference_number *exact, size_t float_terms, long double most_ulps);

/* ---- the rooms ---- */

void add_accuracy(Suite *suite);
void add_forms(Suite *suite);
void add_graph(Suite *suite);
void add_threads(Suite *suite);

#endif
