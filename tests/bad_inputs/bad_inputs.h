/*
 * bad_inputs.h: the matrix of bad inputs: every public function with everything that can be wrong
 * about its arguments. Each case knows the status and what the message must name.
 */
#ifndef AG_TESTS_BAD_INPUTS_H
#define AG_TESTS_BAD_INPUTS_H

#include <autograd/autograd.h>
#include <check.h>
#include <stdbool.h>

/* Counts a case, over all processes in which tests run, and remembers which function it was of. */
void bad_input_counted(const char *function);

/* How many cases there were; whether one was of a function. */
int bad_inputs_counted(void);
bool bad_input_was_tried(const char *function);

/*
 * Checks how a call failed: its status, the function's name in front of the message, and what the
 * message must mention. `doing` says what was wrong.
 */
void bad_input_assert(const char *function, const char *doing, ag_status status, ag_status expected,
                      const char *mentioned);

/* The tests of each room. */
void add_calls(Suite *suite);
void add_op_memory(Suite *suite);
void add_op_shapes(Suite *suite);
void add_op_values(Suite *suite);

#endif
