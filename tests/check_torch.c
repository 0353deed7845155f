/*
 * check_torch.c: losses, functions and optimisers agree with PyTorch's, whose results on the same
 * inputs stand in tests/vectors/torch.txt; and where the library deliberately differs from PyTorch,
 * it does so as documented.
 */
#include "config.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op_calls.h"
#include "reference.h"
#include "suite.h"
#include "torch_results.h"

/* ---- all results, one after the other ---- */

typedef struct vectors {
    FILE *file;
    ag_arena *arena;
    torch_result result;
} vectors;

static vectors open_results(void)
{
    vectors v = {.file = open_vectors("torch.txt"), .arena = ag_arena_create(0)};
    ck_assert_ptr_nonnull(v.arena);
    return v;
}

static void close_results(vectors *v)
{
    fclose(v->file);
    ag_arena_destroy(v->arena);
}

static bool next_result(vectors *v)
{
    bool found = torch_read_result(v->file, v->arena, &v->result);
    ck_assert_msg(found || feof(v->file), "torch.txt is damaged after %s %s", v->result.op,
                  v->result.label);
    return found;
}

/* The first result with a label. Close the vectors when done with it. */
static vectors find_result(const char *op, const char *group, const char *label)
{
    vectors v = open_results();
    while (next_result(&v))
        if (strcmp(v.result.op, op) == 0 && strcmp(v.result.group, group) == 0 &&
            strcmp(v.result.label, label) == 0)
            return v;
    ck_abort_msg("torch.txt has no %s %s %s", op, group, label);
    return v;
}

/* ---- the same call of the library, and of the oracle ---- */

typedef struct call {
    ag_arena *arena;
    op_case spec;
    op_arguments arguments;
    op_oracle oracle;
    size_t float_terms;
    ag_tensor *upstream;
    ag_variable *node; /* NULL if the library refuses the call */
} call;

static ag_tensor *to_tensor(ag_arena *arena, const numbers *n)
{
    ag_tensor *tensor = ag_tensor_create(arena, n->shape.ndims, n->shape.dims);
    ck_assert_ptr_nonnull(tensor);
    for (size_t i = 0; i < n->size; i++)
        tensor->data[i] = (float)n->values[i];
    return tensor;
}

static op_case case_of(const torch_result *r)
{
    op_case c = {
        .entry = op_find(r->op),
        .parameter = r->parameter,
        .reduction = torch_reduction(r),
        .transposes = r->transposes,
    };
    for (uint32_t i = 0; i < c.entry->op->num_inputs; i++)
        c.shapes[i] = r->inputs[i].shape;
    return c;
}

/* All inputs want gradients, targets too. */
static void make_call(call *c, const torch_result *r)
{
    *c = (call){.arena = ag_arena_create(0), .spec = case_of(r)};
    ck_assert_ptr_nonnull(c->arena);
    c->arguments = op_arguments_of(&c->spec);
    for (uint32_t i = 0; i < c->spec.entry->op->num_inputs; i++)
        c->arguments.tensors[i] = to_tensor(c->arena, &r->inputs[i]);
    c->upstream = to_tensor(c->arena, &r->upstream);
    op_create_leaves(&c->arguments, c->arena, true);
    c->node = c->spec.entry->graph(c->arena, &c->arguments);
    if (c->node == NULL) return;
    ck_assert_msg(ag_backward_from(c->arena, c->node, c->upstream) == AG_OK, "%s %s: %s", r->op,
                  r->label, ag_last_error());
    c->oracle = op_oracle_create(&c->spec, &c->arguments);
    c->float_terms = c->oracle.op->float_terms(&c->oracle.call);
}

static void make_successful_call(call *c, const torch_result *r)
{
    make_call(c, r);
    ck_assert_msg(c->node != NULL, "%s %s: %s", r->op, r->label, ag_last_error());
}

static void end_call(call *c)
{
    op_oracle_destroy(&c->oracle);
    ag_arena_destroy(c->arena);
}

static const float *gradient_to(const call *c, uint32_t input)
{
    const ag_tensor *grad = c->arguments.variables[input]->grad;
    ck_assert_msg(grad != NULL, "%s: no gradient to input %u", c->spec.entry->name,
                  (unsigned)input);
    return grad->data;
}

/* ---- comparing ---- */

#define MOST_ULPS_OF_VALUE 2
#define MOST_ULPS_OF_GRADIENT 4

/* The value, or the gradient to one input, from all three. */
typedef struct triple {
    const torch_result *result;
    const char *name;
    const numbers *torch;
    const float *actual;
    reference_number *exact;
    size_t float_terms;
    long double most_ulps;
} triple;

/*
 * What adding products in float may lose, in ulps: the bound of k additions and multiplications
 * (N. Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). 0 for all
 * operations that compute in double and round once.
 */
static long double lost_in_float(const triple *t, size_t i)
{
    if (t->float_terms == 0) return 0;
    long double relative = (long double)(t->float_terms + 1) * 0x1p-24L;
    return relative * t->exact[i].magnitude / reference_ulp(t->exact[i].value);
}

static void assert_near(const triple *t, size_t i, const char *whose, long double expected)
{
    long double ulps = reference_ulps(t->actual[i], expected);
    ck_assert_msg(ulps <= t->most_ulps + lost_in_float(t, i),
                  "%s, %s %s, %s: %s at %zu is %.9g, but %s is %.12Lg: %.3Lf ulps", t->result->op,
                  t->result->group, t->result->label, t->result->reduction, t->name, i,
                  (double)t->actual[i], whose, expected, ulps);
}

/* PyTorch's error in float64, in ulps of a float. */
static long double error_of_torch(const triple *t, size_t i)
{
    long double torch = (long double)t->torch->values[i], exact = t->exact[i].value;
    long double float_max = (long double)FLT_MAX;
    bool both_overflow = fabsl(torch) > float_max && fabsl(exact) > float_max;
    return both_overflow ? 0 : fabsl(torch - exact) / reference_ulp(exact);
}

typedef void visit(const triple *t, void *context);

static void visit_value(const call *c, const torch_result *r, visit *function, void *context)
{
    triple t = {
        .result = r,
        .name = "the value",
        .torch = &r->value[FLOAT64],
        .actual = c->node->data->data,
        .exact = op_reference_value(&c->oracle),
        .float_terms = c->float_terms,
        .most_ulps = MOST_ULPS_OF_VALUE,
    };
    ck_assert_uint_eq(c->node->data->size, t.torch->size);
    function(&t, context);
    free(t.exact);
}

static void visit_gradient(const call *c, const torch_result *r, uint32_t input, visit *function,
                           void *context)
{
    triple t = {
        .result = r,
        .name = c->spec.entry->op->input_names[input],
        .torch = &r->gradients[input][FLOAT64],
        .actual = gradient_to(c, input),
        .exact = op_reference_gradient(&c->oracle, input, c->upstream),
        .float_terms = c->float_terms,
        .most_ulps = MOST_ULPS_OF_GRADIENT,
    };
    ck_assert_uint_eq(r->inputs[input].size, t.torch->size);
    function(&t, context);
    free(t.exact);
}

static void visit_gradients(const call *c, const torch_result *r, visit *function, void *context)
{
    for (uint32_t i = 0; i < c->spec.entry->op->num_differentiable; i++)
        visit_gradient(c, r, i, function, context);
}

static void assert_near_oracle(const triple *t, void *unused)
{
    (void)unused;
    for (size_t i = 0; i < t->torch->size; i++)
        assert_near(t, i, "exactly it", t->exact[i].value);
}

static void assert_near_torch(const triple *t, void *unused)
{
    (void)unused;
    for (size_t i = 0; i < t->torch->size; i++)
        assert_near(t, i, "PyTorch's in float64", (long double)t->torch->values[i]);
}

/* ---- where PyTorch's float64 is no reference for a float ---- */

enum { VALUE = 1, GRADIENT = 2 };

typedef struct imprecision {
    const char *op, *label;
    int where;
    const char *reason;
} imprecision;

static const char epsilon_added[] = "PyTorch adds 1e-12 to both squared norms";
static const char exp_minus_one[] = "e^x - 1 cancels";
static const char log_of_near_1[] = "log(1 + e^-x) forgets e^-x below 2^-53";

static const imprecision imprecisions[] = {
    {"bce_loss", "near_0", VALUE, "log(1 - p) forgets p below 2^-53"},
    {"bce_with_logits_loss", "certain_30_to_100", VALUE, log_of_near_1},
    {"bce_with_logits_loss", "certain_30_to_100", GRADIENT, "sigmoid(x) - 1 forgets e^-x"},
    {"bce_with_logits_loss", "tiny", GRADIENT, "sigmoid(x) - 1/2 forgets x below 2^-53"},
    {"cross_entropy_loss", "confident_30_to_100", VALUE, log_of_near_1},
    {"cross_entropy_loss", "confident_30_to_100", GRADIENT, "softmax - 1 forgets e^-x"},
    {"cross_entropy_loss", "confident_30_to_100_dense", VALUE, log_of_near_1},
    {"cross_entropy_loss", "confident_30_to_100_dense", GRADIENT, "softmax - 1 forgets e^-x"},
    {"cross_entropy_loss", "sum_of_target_3", GRADIENT, "3 e^(-log 3) - 1 is not exactly 0"},
    {"soft_margin_loss", "right_30_to_100", VALUE, log_of_near_1},
    {"cosine_embedding_loss", "norms_1e-3", GRADIENT, epsilon_added},
    {"cosine_embedding_loss", "norms_1e-20", VALUE | GRADIENT, epsilon_added},
    {"cosine_embedding_loss", "norms_1e-20_unlike", VALUE | GRADIENT, epsilon_added},
    {"cosine_embedding_loss", "norms_1e-20_and_1e20", VALUE | GRADIENT, epsilon_added},
    {"cosine_embedding_loss", "denormal", VALUE | GRADIENT, epsilon_added},
    {"cosine_embedding_loss", "nearly_identical_tiny", VALUE | GRADIENT, epsilon_added},
    {"cosine_embedding_loss", "nearly_identical", VALUE, "1 - cos cancels"},
    {"cosine_embedding_loss", "exactly_parallel", VALUE, "1 - cos cancels"},
    {"cosine_embedding_loss", "nearly_identical", GRADIENT, "x2 - x1 cos cancels"},
    {"cosine_embedding_loss", "nearly_identical_unlike", GRADIENT, "x2 - x1 cos cancels"},
    {"cosine_embedding_loss", "nearly_opposite", GRADIENT, "x2 - x1 cos cancels"},
    {"cosine_embedding_loss", "exactly_parallel", GRADIENT, "x2 - x1 cos cancels"},
    {"sigmoid", "30_to_100", GRADIENT, "σ (1 - σ) forgets e^-x"},
    {"tanh", "8_to_17", GRADIENT, "1 - tanh² cancels"},
    {"tanh", "30_to_100", GRADIENT, "1 - tanh² cancels"},
    {"gelu", "8_to_17", VALUE | GRADIENT, "1 + erf cancels"},
    {"elu", "tiny_1", VALUE, exp_minus_one},
    {"elu", "tiny_0.3", VALUE, exp_minus_one},
    {"selu", "tiny_0", VALUE, exp_minus_one},
    {"softmax", "confident_30_to_100", GRADIENT, "G - Σ G p cancels"},
    {"softmax", "wrong_by_30_to_100", GRADIENT, "G - Σ G p cancels"},
    {"log_softmax", "confident_30_to_100", VALUE, log_of_near_1},
    {"log_softmax", "wrong_by_30_to_100", VALUE, log_of_near_1},
};

#define NUM_IMPRECISIONS (sizeof imprecisions / sizeof *imprecisions)

static bool is_of(const imprecision *place, const torch_result *r)
{
    return strcmp(place->op, r->op) == 0 && strcmp(place->label, r->label) == 0 &&
           strcmp(r->group, "tail") == 0;
}

static bool is_precise(const torch_result *r, int where)
{
    for (size_t i = 0; i < NUM_IMPRECISIONS; i++)
        if (is_of(&imprecisions[i], r) && (imprecisions[i].where & where)) return false;
    return true;
}

static void keep_worst(const triple *t, void *worst)
{
    long double *kept = worst;
    for (size_t i = 0; i < t->torch->size; i++) {
        long double error = error_of_torch(t, i) / t->most_ulps;
        if (error > *kept) *kept = error;
    }
}

/* A place that has become precise must leave the list. */
START_TEST(listed_imprecisions_exist)
{
    const imprecision *place = &imprecisions[_i];
    long double of_value = 0, of_gradient = 0; /* in what is allowed */
    vectors v = open_results();
    while (next_result(&v)) {
        if (!is_of(place, &v.result)) continue;
        call c;
        make_successful_call(&c, &v.result);
        visit_value(&c, &v.result, keep_worst, &of_value);
        visit_gradients(&c, &v.result, keep_worst, &of_gradient);
        end_call(&c);
    }
    close_results(&v);
    ck_assert_msg(!(place->where & VALUE) || of_value > 1, "%s %s: the value is precise, not: %s",
                  place->op, place->label, place->reason);
    ck_assert_msg(!(place->where & GRADIENT) || of_gradient > 1,
                  "%s %s: the gradients are precise, not: %s", place->op, place->label,
                  place->reason);
}
END_TEST

/* ---- losses and functions ---- */

static void check_result(const torch_result *r)
{
    call c;
    make_successful_call(&c, r);
    visit_value(&c, r, assert_near_oracle, NULL);
    visit_gradients(&c, r, assert_near_oracle, NULL);
    if (is_precise(r, VALUE)) visit_value(&c, r, assert_near_torch, NULL);
    if (is_precise(r, GRADIENT)) visit_gradients(&c, r, assert_near_torch, NULL);
    end_call(&c);
}

static bool is_compared(const torch_result *r)
{
    return strcmp(r->group, "differs") != 0 && strcmp(r->group, "trajectory") != 0;
}

static void check_results(const char *op, int *count)
{
    vectors v = open_results();
    while (next_result(&v)) {
        if (strcmp(v.result.op, op) != 0 || !is_compared(&v.result)) continue;
        check_result(&v.result);
        count[torch_reduction(&v.result)]++;
    }
    close_results(&v);
}

#define NUM_REDUCTIONS (AG_REDUCTION_BATCHMEAN + 1)

START_TEST(losses_agree)
{
    int count[NUM_REDUCTIONS] = {0};
    if (op_entries[_i].op->takes_labels) return; /* check_torch_options.c compares them */
    check_results(op_entries[_i].name, count);
    ck_assert_msg(count[AG_REDUCTION_MEAN] > 2 && count[AG_REDUCTION_SUM] > 2 &&
                      count[AG_REDUCTION_NONE] > 2,
                  "torch.txt has too little of %s", op_entries[_i].name);
}
END_TEST

/* Those of which there is more to know than that they copy. */
static const char *const functions[] = {
    "matmul", "linear",     "relu", "sigmoid", "tanh", "gelu",     "softmax",      "log_softmax",
    "relu6",  "leaky_relu", "elu",  "selu",    "silu", "softplus", "hard_sigmoid", "hard_swish",
    "exp",    "log",        "sqrt", "pow",     "add",  "sub",      "mul",          "div"};

#define NUM_FUNCTIONS (sizeof functions / sizeof *functions)

START_TEST(functions_agree)
{
    int count[NUM_REDUCTIONS] = {0};
    check_results(functions[_i], count);
    ck_assert_int_gt(count[AG_REDUCTION_NONE], 2);
}
END_TEST

/* ---- optimisers ---- */

#define NUM_STEPS 100
#define PATH_TOLERANCE 1e-5 /* relative to the largest parameter: others pass through 0 */

enum { INPUT_X, INPUT_Y, INPUT_WEIGHT, INPUT_BIAS, INPUT_SETTINGS };

static ag_optimizer *create_optimizer(const torch_result *r, ag_arena *arena,
                                      ag_variable *const *parameters)
{
    float s[MAX_TENSORS];
    for (size_t i = 0; i < r->inputs[INPUT_SETTINGS].size; i++)
        s[i] = (float)r->inputs[INPUT_SETTINGS].values[i];
    if (strcmp(r->op, "sgd") == 0)
        return ag_sgd_create(arena, 2, parameters, (ag_sgd_options){s[0], s[1], s[2], s[3] != 0});
    ag_adamw_options options = {s[0], s[1], s[2], s[3], s[4]};
    return ag_adamw_create(arena, 2, parameters, options);
}

static void take_step(ag_arena *arena, ag_variable *const *leaves, ag_optimizer *optimizer)
{
    ag_mark mark = ag_arena_mark(arena);
    ag_optimizer_zero_grad(optimizer);
    ag_variable *predicted =
        ag_linear(arena, leaves[INPUT_X], leaves[INPUT_WEIGHT], leaves[INPUT_BIAS]);
    ag_variable *loss = ag_mse_loss(arena, predicted, leaves[INPUT_Y], AG_REDUCTION_MEAN);
    ck_assert_msg(ag_backward(arena, loss) == AG_OK, "%s", ag_last_error());
    ck_assert(ag_optimizer_step(optimizer) == AG_OK);
    ag_arena_rewind(arena, mark);
}

static double largest(const double *values, size_t size)
{
    double result = 0;
    for (size_t i = 0; i < size; i++)
        result = fmax(result, fabs(values[i]));
    return result;
}

/* expected: where PyTorch is, weight and bias one after the other. */
static void assert_position(const torch_result *r, uint32_t step, ag_variable *const *leaves,
                            const double *expected, size_t size)
{
    double tolerance = PATH_TOLERANCE * largest(expected, size);
    for (int k = INPUT_WEIGHT; k <= INPUT_BIAS; k++) {
        const ag_tensor *actual = leaves[k]->data;
        for (size_t i = 0; i < actual->size; i++, expected++)
            ck_assert_msg(fabs((double)actual->data[i] - *expected) <= tolerance,
                          "%s %s: after %u steps element %zu of parameter %d is %.9g, not %.9g",
                          r->op, r->label, (unsigned)step, i, k - INPUT_WEIGHT,
                          (double)actual->data[i], *expected);
    }
}

static void check_trajectory(const torch_result *r)
{
    ag_arena *permanent = ag_arena_create(0), *steps = ag_arena_create(0);
    ag_variable *leaves[INPUT_BIAS + 1];
    for (int k = INPUT_X; k <= INPUT_BIAS; k++)
        leaves[k] =
            ag_create_leaf(permanent, to_tensor(permanent, &r->inputs[k]), k >= INPUT_WEIGHT);
    ag_optimizer *optimizer = create_optimizer(r, permanent, &leaves[INPUT_WEIGHT]);
    ck_assert_msg(optimizer != NULL, "%s", ag_last_error());
    const numbers *path = &r->value[FLOAT64];
    uint32_t rows = path->shape.dims[0], columns = path->shape.dims[1];
    for (uint32_t step = 1; step <= NUM_STEPS; step++) {
        take_step(steps, leaves, optimizer);
        uint32_t steps_per_row = NUM_STEPS / rows, row = step / steps_per_row;
        if (step % steps_per_row == 0)
            assert_position(r, step, leaves, path->values + (row - 1) * columns, columns);
    }
    ag_arena_destroy(permanent);
    ag_arena_destroy(steps);
}

START_TEST(optimisers_take_the_same_path)
{
    static const char *const optimisers[] = {"sgd", "adamw"};
    int count = 0;
    vectors v = open_results();
    while (next_result(&v))
        if (strcmp(v.result.group, "trajectory") == 0 && strcmp(v.result.op, optimisers[_i]) == 0) {
            check_trajectory(&v.result);
            count++;
        }
    close_results(&v);
    ck_assert_int_ge(count, 3);
}
END_TEST

/*
 * ---- where the library deliberately differs ----
 *
 * Each test shows both what PyTorch gives, in the vectors, and what the library gives on the same
 * inputs.
 */

static bool all_are(const numbers *n, double value)
{
    bool same = n->size > 0;
    for (size_t i = 0; i < n->size; i++)
        same = same && n->values[i] == value;
    return same;
}

static void assert_exact(const call *c, const torch_result *r)
{
    visit_value(c, r, assert_near_oracle, NULL);
    visit_gradients(c, r, assert_near_oracle, NULL);
}

static void assert_refused(const torch_result *r, ag_status status)
{
    call c;
    make_call(&c, r);
    ck_assert_ptr_null(c.node);
    ck_assert_int_eq(ag_last_status(), status);
    end_call(&c);
}

START_TEST(a_shape_mismatch_is_an_error)
{
    vectors v = find_result("mse_loss", "differs", "broadcast");
    /* the target, [2], was subtracted from each row of [2, 2] */
    ck_assert(all_are(&v.result.value[FLOAT64], 2));
    assert_refused(&v.result, AG_ERROR_SHAPE);
    close_results(&v);
}
END_TEST

/* Exchanges the last two of three dimensions. */
static numbers exchanged(const numbers *n, ag_arena *arena)
{
    const uint32_t *dims = n->shape.dims;
    numbers result = {.shape = {3, {dims[0], dims[2], dims[1]}}, .size = n->size};
    result.values = ag_arena_alloc(arena, n->size * sizeof *n->values);
    for (size_t i = 0; i < n->size; i++) {
        size_t k = i % dims[2], j = i / dims[2] % dims[1], matrix = i / dims[2] / dims[1];
        result.values[(matrix * dims[2] + k) * dims[1] + j] = n->values[i];
    }
    return result;
}

START_TEST(row_losses_have_their_classes_in_the_last_dimension)
{
    vectors v = find_result("cross_entropy_loss", "differs", "class_dimension");
    const ag__shape *torch_shape = &v.result.value[FLOAT64].shape;
    ck_assert(torch_shape->ndims == 2 && torch_shape->dims[0] == 2 && torch_shape->dims[1] == 4);
    torch_result same_rows = v.result;
    for (int k = 0; k < 2; k++)
        same_rows.inputs[k] = exchanged(&v.result.inputs[k], v.arena);
    same_rows.gradients[0][FLOAT64] = exchanged(&v.result.gradients[0][FLOAT64], v.arena);
    check_result(&same_rows);

    call c;
    v.result.upstream.shape = (ag__shape){2, {2, 3}};
    v.result.upstream.size = 6;
    make_successful_call(&c, &v.result);
    ck_assert(c.node->data->ndims == 2 && c.node->data->shape[1] == 3);
    end_call(&c);
    close_results(&v);
}
END_TEST

static void check_margin_met(const char *op)
{
    vectors v = find_result(op, "differs", "margin_met_exactly");
    call c;
    make_successful_call(&c, &v.result);
    ck_assert(all_are(&v.result.value[FLOAT64], 0) && c.node->data->data[0] == 0);
    for (uint32_t k = 0; k < c.spec.entry->op->num_differentiable; k++) {
        ck_assert(!all_are(&v.result.gradients[k][FLOAT64], 0));
        for (size_t i = 0; i < v.result.inputs[k].size; i++)
            ck_assert(gradient_to(&c, k)[i] == 0);
    }
    assert_exact(&c, &v.result);
    end_call(&c);
    close_results(&v);
}

START_TEST(a_margin_met_exactly_gives_no_gradient)
{
    check_margin_met("cosine_embedding_loss");
    check_margin_met("triplet_loss");
}
END_TEST

static void check_without_epsilon(const char *op, const char *label)
{
    long double of_torch = 0; /* in what is allowed */
    vectors v = find_result(op, "differs", label);
    call c;
    make_successful_call(&c, &v.result);
    visit_gradients(&c, &v.result, keep_worst, &of_torch);
    ck_assert(of_torch > 1);
    assert_exact(&c, &v.result);
    end_call(&c);
    close_results(&v);
}

START_TEST(distances_and_norms_have_no_epsilon)
{
    check_without_epsilon("cosine_embedding_loss", "epsilon");
    check_without_epsilon("cosine_embedding_loss", "epsilon_zero_vector");
    check_without_epsilon("triplet_loss", "epsilon");
}
END_TEST

START_TEST(a_cosine_target_must_be_a_sign)
{
    vectors v = find_result("cosine_embedding_loss", "differs", "label_0");
    ck_assert(all_are(&v.result.value[FLOAT64], 0));
    assert_refused(&v.result, AG_ERROR_DOMAIN);
    close_results(&v);
}
END_TEST

static void check_impossible_class(const char *op)
{
    vectors v = find_result(op, "differs", "impossible_class");
    call c;
    make_successful_call(&c, &v.result);
    ck_assert(isnan(v.result.value[FLOAT64].values[0]));
    assert_exact(&c, &v.result);
    for (size_t i = 0; i < c.node->data->size; i++)
        ck_assert(isfinite(c.node->data->data[i]));
    end_call(&c);
    close_results(&v);
}

START_TEST(an_impossible_class_that_is_not_wanted_adds_nothing)
{
    check_impossible_class("kl_div_loss");
    check_impossible_class("cross_entropy_loss");
}
END_TEST

/* In PyTorch's float32 the value is 0, and so is the gradient to the right class. */
static void check_certain(const char *op, size_t columns)
{
    vectors v = find_result(op, "differs", "certain");
    ck_assert(all_are(&v.result.value[FLOAT32], 0));
    call c;
    make_successful_call(&c, &v.result);
    assert_exact(&c, &v.result);
    for (size_t i = 0; i < c.node->data->size; i++) {
        size_t class = i * columns + (columns > 1 ? i : 0);
        ck_assert(v.result.gradients[0][FLOAT32].values[class] == 0);
        ck_assert(c.node->data->data[i] > 0 && gradient_to(&c, 0)[class] != 0);
    }
    end_call(&c);
    close_results(&v);
}

START_TEST(tails_are_exact)
{
    check_certain("bce_with_logits_loss", 1);
    check_certain("cross_entropy_loss", 2);
}
END_TEST

START_TEST(a_target_never_gets_a_gradient)
{
    vectors v = find_result("mse_loss", "differs", "gradient_of_target");
    ck_assert(!all_are(&v.result.gradients[1][FLOAT64], 0));
    call c;
    make_successful_call(&c, &v.result);
    ck_assert(c.arguments.variables[1]->requires_grad);
    ck_assert_ptr_null(c.arguments.variables[1]->grad);
    end_call(&c);
    close_results(&v);
}
END_TEST

/* PyTorch's batchmean divides by the size of the first dimension of any input. */
START_TEST(one_row_is_one_example_of_a_batch)
{
    vectors v = find_result("kl_div_loss", "differs", "batchmean_of_one_row");
    call c;
    make_successful_call(&c, &v.result);
    assert_exact(&c, &v.result);
    long double size = (long double)v.result.inputs[0].size;
    long double expected = (long double)v.result.value[FLOAT64].values[0] * size;
    ck_assert(reference_ulps(c.node->data->data[0], expected) <= MOST_ULPS_OF_VALUE);
    end_call(&c);
    close_results(&v);
}
END_TEST

/* ---- the suite ---- */

static void add_agreement(Suite *suite)
{
    TCase *tests = add_case(suite, "agreement");
    tcase_add_loop_test(tests, losses_agree, 0, num_loss_entries);
    tcase_add_loop_test(tests, functions_agree, 0, NUM_FUNCTIONS);
    tcase_add_loop_test(tests, listed_imprecisions_exist, 0, NUM_IMPRECISIONS);
    tcase_add_loop_test(tests, optimisers_take_the_same_path, 0, 2);
}

static void add_differences(Suite *suite)
{
    TCase *tests = add_case(suite, "differences");
    tcase_add_test(tests, a_shape_mismatch_is_an_error);
    tcase_add_test(tests, row_losses_have_their_classes_in_the_last_dimension);
    tcase_add_test(tests, a_margin_met_exactly_gives_no_gradient);
    tcase_add_test(tests, distances_and_norms_have_no_epsilon);
    tcase_add_test(tests, a_cosine_target_must_be_a_sign);
    tcase_add_test(tests, an_impossible_class_that_is_not_wanted_adds_nothing);
    tcase_add_test(tests, tails_are_exact);
    tcase_add_test(tests, a_target_never_gets_a_gradient);
    tcase_add_test(tests, one_row_is_one_example_of_a_batch);
}

int main(void)
{
    Suite *suite = suite_create("PyTorch");
    add_agreement(suite);
    add_differences(suite);
    return run_suite(suite);
}
