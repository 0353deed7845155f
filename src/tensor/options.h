/*
 * options.h: what losses take beside their inputs and their parameter.
 *
 * One table holds the options. From it come the bits with which a descriptor says what it takes, and all
 * checks: a loss's own code finds options that it takes, with values that they may have.
 */
#ifndef AG_TENSOR_OPTIONS_H
#define AG_TENSOR_OPTIONS_H

#include <autograd/loss.h>

#include <float.h>

typedef struct ag__call ag__call;

/*
 * X(member of ag_loss_options, name in messages, kind, lowest, highest, the range in words). The range
 * is a number's, of one that is not 0.
 */
#define AG__OPTION_TABLE(X)                                                                        \
    X(weights, "weights", TENSOR, 0, 0, "")                                                        \
    X(class_weights, "class_weights", TENSOR, 0, 0, "")                                            \
    X(pos_weight, "pos_weight", TENSOR, 0, 0, "")                                                  \
    X(has_ignore_index, "ignore_index", FLAG, 0, 0, "")                                            \
    X(label_smoothing, "label_smoothing", NUMBER, 0, 1, "in [0, 1]")                               \
    X(z_loss, "z_loss", NUMBER, 0, FLT_MAX, "finite and at least 0")                               \
    X(log_target, "log_target", FLAG, 0, 0, "")                                                    \
    X(rate_input, "rate_input", FLAG, 0, 0, "")                                                    \
    X(full, "full", FLAG, 0, 0, "")                                                                \
    X(epsilon, "epsilon", NUMBER, FLT_TRUE_MIN, FLT_MAX, "finite and greater than 0")              \
    X(alpha, "alpha", NUMBER, FLT_TRUE_MIN, 1 - FLT_EPSILON / 2, "in (0, 1)")                      \
    X(norm, "norm", NUMBER, 1, FLT_MAX, "finite and at least 1")                                   \
    X(swap, "swap", FLAG, 0, 0, "")                                                                \
    X(soft_margin, "soft_margin", FLAG, 0, 0, "")                                                  \
    X(num_correct, "num_correct", POINTER, 0, 0, "")

#define AG__NUMBER_OPTION(member, ...) AG__OPTION_##member,
enum { AG__OPTION_TABLE(AG__NUMBER_OPTION) AG__NUM_OPTIONS };
#undef AG__NUMBER_OPTION

/* The bit that says that a loss takes an option; all of them take weights. */
#define AG__TAKES(member) (1u << AG__OPTION_##member)

/* The call of a loss with options; NULL stands for none. */
#define AG__WITH(op_, options_)                                                                    \
    .op = ag__variant(&(op_), options_),                                                           \
    .reduction = (options_) != NULL ? (options_)->reduction : AG_REDUCTION_MEAN,                   \
    .options = ag__beyond_reduction(options_)

/* The descriptor of a loss with these options. */
const struct ag__op *ag__variant(const struct ag__op *op, const ag_loss_options *options);

/* The options; NULL if there are none but the reduction, which lets a call go the plain way. */
const ag_loss_options *ag__beyond_reduction(const ag_loss_options *options);

/* Checks a call's options: that it takes them, their values, and the shapes of tensors. */
ag_status ag__options_check(const ag__call *call);

/*
 * Checks a call's labels: one or a list for each row of the first input, of so many classes or of the
 * number that stands for none.
 */
ag_status ag__labels_check(const ag__call *call, size_t classes);

/* The tensor that an option is, or that the memory of indices is taken for; NULL if there is none. */
#define AG__NUM_OPTION_TENSORS 6
const ag_tensor *ag__option_tensor(const ag__call *call, uint32_t index, ag_tensor *indices,
                                   const char **name);

/* What an element counts for: 0 if it is masked out, or its row is ignored. */
double ag__weight_at(const ag__call *call, const ag_tensor *input, size_t offset);

#endif
