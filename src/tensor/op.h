/*
 * op.h: what an operation is, below the graph: a descriptor, and a call of it.
 *
 * A descriptor is constant data: names for messages, the domain of the inputs, and three functions
 * that a family of operations shares, its driver (elementwise.h, rowwise.h, …). The kernels that
 * tell one operation from its family stand in `law`.
 */
#ifndef AG_TENSOR_OP_H
#define AG_TENSOR_OP_H

#include <autograd/loss.h>

#include <float.h>
#include <math.h>

#include "tensor/op_table.h"
#include "tensor/options.h"
#include "tensor/shape.h"

#define AG__MAX_INPUTS 5
#define AG__MAX_INTEGERS 8

typedef struct ag__op ag__op;

/*
 * One use of an operation: everything that its result depends on. A node of the graph keeps its call,
 * and backward is handed the same one.
 */
struct ag__call {
    const ag__op *op;
    const ag_tensor *inputs[AG__MAX_INPUTS]; /* NULL for an optional input that was left out */
    ag_reduction reduction;
    uint32_t transposes; /* of matmul: AG__TRANSPOSE_A | AG__TRANSPOSE_B */
    float parameter;
    float second_parameter;              /* of clamp: the upper bound */
    uint32_t integers[AG__MAX_INTEGERS]; /* dimensions, strides, …: the operation's own */
    const ag_indices *indices;           /* of embedding; a loss's labels */
    const ag_indices *lengths[2];        /* of ctc: frames and labels of each sequence, or NULL */
    const ag_loss_options *options;      /* of a loss; NULL where all of them are 0 */
    ag_tensor *updated[2]; /* of batch_norm: running statistics, which forward changes; or NULL */
    float rate;            /* of batch_norm: how much of them is new */

    ag_tensor *const *list; /* of an operation that takes a list: its inputs; else NULL */
    uint32_t list_count;

    bool domains_hold; /* every value has been checked, and is not checked again */

    const ag_tensor *result; /* in backward: what forward has computed */
    void *memory;  /* memory_bytes for forward to leave something for backward in; else NULL */
    void *scratch; /* scratch_bytes for a forward or a backward to work in */
};

enum { AG__TRANSPOSE_A = 1, AG__TRANSPOSE_B = 2 };

/* Where one input's gradient goes: nowhere if data is NULL. */
typedef struct ag__sink {
    float *data;
    bool accumulate; /* add to what is there, instead of overwriting it */
    bool stream;     /* write around the caches, which it would only sweep: see ag__large_sink */
} ag__sink;

/* The values that an input may have: any, or an interval for x or for |x|. NaN is always allowed. */
typedef struct ag__domain {
    const char *text; /* "must be in [0, 1]"; NULL where every value is allowed */
    bool magnitude;   /* the interval is for |x| */
    float lowest, highest;
} ag__domain;

/* clang-format off */
#define AG__POSITIVE {.text = "must be greater than 0", .lowest = FLT_TRUE_MIN, .highest = INFINITY}
/* clang-format on */

struct ag__op {
    const char *name;
    uint32_t num_inputs;
    uint32_t num_parents;        /* the first so many inputs become parents in the graph */
    uint32_t num_differentiable; /* the first so many inputs get a gradient */
    uint32_t num_optional;       /* the last so many inputs may be NULL */
    bool takes_list;   /* any number of inputs of one kind, all of them differentiable parents */
    bool labels_rows;  /* of a row loss: the last input holds one value per row */
    bool by_rows;      /* of a row loss */
    bool takes_labels; /* of a row loss: call's indices, the class of each row */
    bool lists_labels; /* of those: any number of classes for each row, up to a -1 */
    const char *input_names[AG__MAX_INPUTS];
    ag__domain domains[AG__MAX_INPUTS];

    const char *parameter_name;        /* NULL where there is none that could be wrong */
    ag__domain parameter_range;        /* without a text: any finite number; NaN is in none */
    const char *second_parameter_name; /* of a loss that has two */

    bool
        counts_rows; /* of a loss of labels: MEAN divides by rows also where class_weights are given */
    uint32_t options; /* of a loss: those that it takes beside weights, as AG__TAKES has them */
    float epsilon;    /* of a loss that takes epsilon: the one it has where options give none */
    size_t (*num_classes)(const ag__call *call); /* NULL: the first input's last dimension */
    /* The descriptor in whose place options put another, of other laws or domains; NULL: itself. */
    const ag__op *(*variant)(const ag_loss_options *options);

    bool takes_reduction;
    ag_reduction reduction; /* of an op that takes none */

    /* Checks that the inputs' shapes fit, and gives the result's. */
    ag_status (*infer_shape)(const ag__call *call, ag__shape *shape);
    /* How much a graph's forward leaves for backward, such as where maxima stood; NULL: nothing. */
    size_t (*memory_bytes)(const ag__call *call);
    /* How much a forward or a backward needs to work in; NULL: nothing. */
    size_t (*scratch_bytes)(const ag__call *call);
    /* Computes the result. Leaves it untouched on failure (AG_ERROR_DOMAIN). */
    ag_status (*forward)(const ag__call *call, ag_tensor *out);
    /*
     * Of a loss: the result and, in the same pass over memory, its gradients for an upstream gradient
     * of ones. On failure the sinks may hold anything.
     */
    ag_status (*forward_with_gradients)(const ag__call *call, ag_tensor *out,
                                        const ag__sink *sinks);
    /*
     * Carries the upstream gradient to the inputs. The call has passed the checks. Of a loss, grad may
     * be NULL for ones.
     */
    void (*backward)(const ag__call *call, const ag_tensor *grad, const ag__sink *sinks);

    const void *law;
    double nanoseconds; /* rough cost of an element on one core, to decide whether threads pay */
};

/* Rough costs of an element on one core, in nanoseconds. */
#define AG__CHEAP 0.4
#define AG__TRANSCENDENTAL 2.0

#define AG__DECLARE_OP(name, signature) extern const ag__op ag__op_##name;
AG__OP_TABLE(AG__DECLARE_OP)
#undef AG__DECLARE_OP

/* The inputs of a call, whether they stand in a list or not, and their names: "x", "inputs[3]". */
static inline uint32_t ag__num_inputs(const ag__call *call)
{
    return call->list != NULL ? call->list_count : call->op->num_inputs;
}

static inline const ag_tensor *ag__input(const ag__call *call, uint32_t input)
{
    return call->list != NULL ? call->list[input] : call->inputs[input];
}

typedef struct ag__input_text {
    char text[24];
} ag__input_text;
ag__input_text ag__input_name(const ag__call *call, uint32_t input);

/* Checks a parameter that an operation is to be called with. */
ag_status ag__op_check_parameter(const ag__op *op, float parameter);

/* The epsilon of a call: that of the options, or the loss's own. */
static inline float ag__epsilon(const ag__call *call)
{
    bool given = call->options != NULL && call->options->epsilon != 0;
    return given ? call->options->epsilon : call->op->epsilon;
}

/* Checks inputs, parameter and reduction, and gives the shape of the result. */
ag_status ag__call_check(const ag__call *call, ag__shape *shape);

/*
 * The public functions on tensors: check all arguments, then compute. Those that write gradients beside a
 * value note in the call that its domains hold.
 */
ag_status ag__call_value(const ag__call *call, ag_tensor *out);
ag_status ag__call_gradient(const ag__call *call, const ag_tensor *grad, ag_tensor *const *outs);
ag_status ag__call_value_and_gradient(ag__call *call, ag_tensor *out, ag_tensor *const *outs);

/* The same for the value, the gradients of an upstream gradient of ones, or both: NULL is not wanted. */
ag_status ag__call_wanted(ag__call *call, ag_tensor *out, ag_tensor *const *outs);

/* ag__call_wanted with memory to work in, from an arena that is rewound. */
ag_status ag__call_with_scratch(ag_arena *temp_arena, ag__call call, ag_tensor *out,
                                ag_tensor *const *outs);

/* Whether n values all lie in a domain. */
bool ag__in_domain(const ag__domain *domain, size_t n, const float *x);

/* Checks that every value of the inputs lies in its domain. */
ag_status ag__call_check_domains(const ag__call *call);

#endif
