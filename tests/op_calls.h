/*
 * op_calls.h: every operation of the library behind one set of function pointers, with inputs to
 * call it on, so that a test that loops over op_entries covers an operation as soon as it has its
 * line in the table.
 */
#ifndef AG_TESTS_OP_CALLS_H
#define AG_TESTS_OP_CALLS_H

#include <autograd/autograd.h>

#include "reference.h"
#include "tensor/op.h"

typedef enum op_signature {
    SIGNATURE_pair,
    SIGNATURE_pair_parameter,
    SIGNATURE_single,
    SIGNATURE_labelled_pair,
    SIGNATURE_triple,
    SIGNATURE_labels,
    SIGNATURE_labels_parameter,
    SIGNATURE_moments,
    SIGNATURE_pair_two,
    SIGNATURE_unary,
    SIGNATURE_unary_parameter,
    SIGNATURE_binary,
    SIGNATURE_matmul,
    SIGNATURE_linear,
    SIGNATURE_unary_interval,
    SIGNATURE_dimension,
    SIGNATURE_reshape,
    SIGNATURE_permute,
    SIGNATURE_slice,
    SIGNATURE_concat,
    SIGNATURE_conv2d,
    SIGNATURE_pool2d,
    SIGNATURE_layer_norm,
    SIGNATURE_batch_norm,
    SIGNATURE_batch_norm_eval,
    SIGNATURE_dropout,
    SIGNATURE_embedding
} op_signature;

/* What an operation may be called with. Each signature takes what it needs of it. */
typedef struct op_arguments {
    ag_tensor *tensors[AG__MAX_INPUTS];     /* for the functions on tensors */
    ag_variable *variables[AG__MAX_INPUTS]; /* for the functions on variables */
    float parameter, second_parameter;
    ag_reduction reduction;
    uint32_t transposes;
    uint32_t integers[AG__MAX_INTEGERS]; /* as the operation's call has them */
    const ag__shape *new_shape;          /* of reshape */
    const ag_indices *indices;           /* of embedding, and the labels of a loss */
} op_arguments;

typedef struct op_entry {
    const char *name;
    const ag__op *op;
    op_signature signature;
    bool is_loss; /* value and gradient are public functions, those of the others internal ones */
    ag_variable *(*graph)(ag_arena *arena, const op_arguments *arguments);
    ag_status (*value)(ag_tensor *out, const op_arguments *arguments);
    /* outs holds one tensor, or NULL, for each differentiable input */
    ag_status (*gradient)(ag_tensor *const *outs, const ag_tensor *grad,
                          const op_arguments *arguments);
    /* of a loss; NULL for the others */
    ag_status (*value_and_gradient)(ag_tensor *out, ag_tensor *const *outs,
                                    const op_arguments *arguments);
    /* the forms with options, which replace the arguments' reduction; of what is wanted, not NULL */
    ag_variable *(*graph_with)(ag_arena *arena, const op_arguments *arguments,
                               const ag_loss_options *options);
    ag_status (*wanted)(ag_tensor *out, ag_tensor *const *outs, const op_arguments *arguments,
                        const ag_loss_options *options);
} op_entry;

extern const op_entry op_entries[];
extern const int num_op_entries;
extern const int num_loss_entries; /* the losses come first */

/* The entry of an operation; NULL if there is none. */
const op_entry *op_find(const char *name);

/* ---- cases: what to call an operation with ---- */

typedef enum op_flavour {
    OP_PLAIN, /* the numbers that a model would see */
    OP_WIDE,  /* magnitudes from 2^-30 to 2^10, probabilities close to 0 and 1 */
    OP_TIES   /* few different numbers: kinks, zeros, equal rows and margins met exactly abound */
} op_flavour;

typedef enum op_scale {
    OP_SMALL,
    OP_LARGE /* several blocks, and enough work for several threads */
} op_scale;

typedef struct op_case {
    const op_entry *entry;
    ag__shape shapes[AG__MAX_INPUTS]; /* 0 dimensions: no such input, or left out */
    ag__shape new_shape;
    float parameter, second_parameter;
    ag_reduction reduction;
    uint32_t transposes;
    uint32_t integers[AG__MAX_INTEGERS];
    ag__shape indices; /* of embedding and labels */
    op_flavour flavour;
} op_case;

/* The cases of an entry, by index from 0; false past the last one. */
bool op_case_at(const op_entry *entry, op_scale scale, size_t index, op_case *out);

/* A case in words, for the message of a failed test: "mse_loss([3, 5], [3, 5]), MEAN, plain". */
typedef struct op_case_text {
    char text[320];
} op_case_text;
op_case_text op_describe(const op_case *c);

/* Whether the gradient to an input is meant to exist in this case. */
bool op_differentiable(const op_case *c, uint32_t input);

/* What a case gives the call besides its tensors and variables, which are set to NULL. */
op_arguments op_arguments_of(const op_case *c);

/* Fills the tensors of a case, always with the same numbers; the variables are set to NULL. */
op_arguments op_create_inputs(const op_case *c, ag_arena *arena);

/* Wraps the tensors in leaves. */
void op_create_leaves(op_arguments *arguments, ag_arena *arena, bool requires_grad);

/* A gradient for a result of some shape: -0.73 for a scalar, different numbers otherwise. */
ag_tensor *op_create_upstream(ag_arena *arena, const ag__shape *shape);

/* ---- the same call for the reference ---- */

typedef struct op_oracle {
    const reference_op *op;
    reference_call call;
    long double *inputs[AG__MAX_INPUTS];
} op_oracle;

/* Converts a case's inputs. Aborts the program if memory is out. Free with op_oracle_destroy. */
op_oracle op_oracle_create(const op_case *c, const op_arguments *arguments);
void op_oracle_destroy(op_oracle *oracle);

/* The shape that the result must have. */
ag__shape op_result_shape(const op_oracle *oracle);

/* The result and the gradient to an input, to be freed with free. */
reference_number *op_reference_value(const op_oracle *oracle);
reference_number *op_reference_gradient(const op_oracle *oracle, uint32_t input,
                                        const ag_tensor *upstream);

#endif
