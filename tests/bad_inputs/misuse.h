/* misuse.h: calling an operation of the table wrongly, in all its forms. */
#ifndef AG_TESTS_MISUSE_H
#define AG_TESTS_MISUSE_H

#include "bad_inputs/bad_inputs.h"
#include "op_calls.h"

/* Tests over all operations, or over the losses alone, get the entry's index as _i. */
#define MISUSED (&op_entries[_i])
#define ADD_FOR_OPS(tests, test) tcase_add_loop_test(tests, test, 0, num_op_entries)
#define ADD_FOR_LOSSES(tests, test) tcase_add_loop_test(tests, test, 0, num_loss_entries)

/* All that the forms of a call need, and outputs full of bytes that must stay. */
typedef struct misuse {
    const op_case *spec;
    ag_arena *arena; /* for inputs and outputs */
    ag_arena *graph;
    op_arguments arguments;
    ag__shape result_shape;
    ag_tensor *upstream;
    ag_tensor *out, *outs[AG__MAX_INPUTS];
    const char *doing; /* for messages */
} misuse;

void set_up_misuse(misuse *m, const op_case *c);
void tear_down_misuse(misuse *m);

/* A case whose first input is a matrix that no transposition leaves the same. */
op_case case_for_misuse(const op_entry *entry, ag_reduction reduction);

/* The losses' functions on tensors are public, the others' internal; reshape has none. */
bool has_tensor_form(const op_entry *entry);
bool is_optional(const op_entry *entry, uint32_t input);
const char *input_name(const op_case *c, uint32_t input);

void fill_with_sentinel(ag_tensor *tensor);

/* A tensor whose values lie in every domain. */
ag_tensor *create_ones(misuse *m, const ag__shape *shape);

/* Each of these is a case: a call that must fail, touch no output and take nothing. */
void graph_must_fail(misuse *m, ag_arena *arena, const op_arguments *arguments, ag_status expected,
                     const char *mentioned);
void value_must_fail(misuse *m, ag_tensor *out, const op_arguments *arguments, ag_status expected,
                     const char *mentioned);
void gradient_must_fail(misuse *m, ag_tensor *const *outs, const ag_tensor *grad,
                        const op_arguments *arguments, ag_status expected, const char *mentioned);
void both_must_fail(misuse *m, ag_tensor *out, ag_tensor *const *outs,
                    const op_arguments *arguments, ag_status expected, const char *mentioned);
/* The forms with options, of which NULL stands for none but the mean. */
void with_options_must_fail(misuse *m, const op_arguments *arguments,
                            const ag_loss_options *options, ag_status expected,
                            const char *mentioned);
void all_forms_must_fail(misuse *m, const op_arguments *arguments, ag_status expected,
                         const char *mentioned);

/* The public name of a form: "ag_tensor_mse_loss_grad". */
typedef struct form_name {
    char text[80];
} form_name;
form_name name_of_form(const op_entry *entry, const char *before, const char *after);

#endif
