/*
 * check_options.c: weights, divisors, labels and what else ag_<loss>_with takes, for every loss of the
 * table, and the cases that other libraries' users have reported.
 */
#include "config.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "assertions.h"
#include "op_calls.h"
#include "suite.h"

static ag_arena *arena;

static void set_up(void)
{
    arena = ag_arena_create(0);
}

static void tear_down(void)
{
    ag_arena_destroy(arena);
    ag_set_num_threads(0);
}

#define SHAPE(...)                                                                                 \
    (uint32_t[])                                                                                   \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define NUMBERS(...)                                                                               \
    (float[])                                                                                      \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define LABELS(...)                                                                                \
    (int32_t[])                                                                                    \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static ag_tensor *vector(uint32_t n, const float *values)
{
    return ag_tensor_create_from(arena, 1, SHAPE(n), values);
}

static ag_tensor *matrix(uint32_t rows, uint32_t columns, const float *values)
{
    return ag_tensor_create_from(arena, 2, SHAPE(rows, columns), values);
}

static ag_indices *labels(uint32_t n, const int32_t *values)
{
    return ag_indices_create_from(arena, 1, SHAPE(n), values);
}

static ag_tensor *like(const ag_tensor *tensor)
{
    return ag_tensor_create_zeros(arena, tensor->ndims, tensor->shape);
}

static void assert_near(double actual, double expected, double tolerance)
{
    ck_assert_msg(fabs(actual - expected) <= tolerance * fabs(expected) + 1e-12,
                  "%.12g is not %.12g", actual, expected);
}

static void assert_zeros(const ag_tensor *tensor)
{
    for (size_t i = 0; i < tensor->size; i++)
        ck_assert_msg(tensor->data[i] == 0, "[%zu] is %g", i, (double)tensor->data[i]);
}

/* ---- weights and divisors: every loss, from its values and gradients without options ---- */

#define LOSS (&op_entries[_i])

/* A loss's values alone, and what a weight of each must make of them. */
typedef struct weighted {
    op_arguments arguments;
    size_t num_values; /* elements or rows */
    ag_tensor *values, *weights;
    ag_tensor *outs[3];
} weighted;

static op_case matrix_case(const op_entry *entry, op_scale scale)
{
    op_case c;
    for (size_t i = 0; op_case_at(entry, scale, i, &c); i++)
        if (c.reduction == AG_REDUCTION_NONE && c.shapes[0].ndims == 2 && c.shapes[0].dims[0] > 1 &&
            c.shapes[0].dims[1] > 1)
            return c;
    ck_abort_msg("%s has no such case", entry->name);
    return c;
}

static void draw_weights(ag_tensor *weights)
{
    ag_random random = ag_random_create(11);
    for (size_t i = 0; i < weights->size; i++)
        weights->data[i] = i % 5 == 3 ? 0 : ag_random_uniform(&random, 0.25f, 2);
}

static weighted create_weighted(const op_entry *entry, op_scale scale)
{
    op_case c = matrix_case(entry, scale);
    weighted w = {.arguments = op_create_inputs(&c, arena)};
    const ag_tensor *x = w.arguments.tensors[0];
    w.values = entry->op->by_rows ? ag_tensor_create(arena, 1, x->shape) : like(x);
    w.num_values = w.values->size;
    w.weights = like(w.values);
    draw_weights(w.weights);
    for (uint32_t i = 0; i < entry->op->num_differentiable; i++)
        w.outs[i] = like(w.arguments.tensors[i]);
    ck_assert_int_eq(entry->value(w.values, &w.arguments), AG_OK);
    return w;
}

static double divisor_of(const weighted *w, const ag_loss_options *options)
{
    double count = 0;
    if (options->reduction == AG_REDUCTION_SUM || options->reduction == AG_REDUCTION_NONE) return 1;
    if (options->reduction == AG_REDUCTION_BATCHMEAN) return w->arguments.tensors[0]->shape[0];
    if (options->divisor < AG_DIVISOR_WEIGHTS) return (double)w->num_values;
    for (size_t i = 0; i < w->num_values; i++)
        count += options->divisor == AG_DIVISOR_WEIGHTS          ? (double)w->weights->data[i]
                 : w->weights->data[i] * w->values->data[i] != 0 ? 1
                                                                 : 0;
    return count;
}

static void check_reduction(const op_entry *entry, weighted *w, const ag_loss_options *options)
{
    ag_tensor *out = ag_tensor_create(arena, 1, SHAPE(1)), *outs[3] = {NULL},
              *upstream = like(w->values);
    double sum = 0, size = 0, divisor = divisor_of(w, options);
    for (size_t i = 0; i < w->num_values; i++) {
        double term = (double)w->weights->data[i] * (double)w->values->data[i];
        sum += term;
        size += fabs(term);
        upstream->data[i] = (float)((double)w->weights->data[i] / divisor);
    }
    for (uint32_t k = 0; k < entry->op->num_differentiable; k++)
        outs[k] = like(w->arguments.tensors[k]);
    ck_assert_int_eq(entry->gradient(w->outs, upstream, &w->arguments), AG_OK);
    ck_assert_int_eq(entry->wanted(out, outs, &w->arguments, options), AG_OK);
    ck_assert_msg(fabs((double)out->data[0] - sum / divisor) <= 1.5e-7 * size / divisor,
                  "%s: %.9g is not %.9g", entry->name, (double)out->data[0], sum / divisor);
    for (uint32_t k = 0; k < entry->op->num_differentiable; k++)
        for (size_t i = 0; i < outs[k]->size; i++)
            assert_near((double)outs[k]->data[i], (double)w->outs[k]->data[i], 2.5e-7);
}

START_TEST(weights_multiply_and_divisors_divide)
{
    static const ag_loss_options all[] = {
        {.reduction = AG_REDUCTION_MEAN},
        {.reduction = AG_REDUCTION_SUM},
        {.reduction = AG_REDUCTION_BATCHMEAN},
        {.reduction = AG_REDUCTION_MEAN, .divisor = AG_DIVISOR_COUNT},
        {.reduction = AG_REDUCTION_MEAN, .divisor = AG_DIVISOR_WEIGHTS},
        {.reduction = AG_REDUCTION_MEAN, .divisor = AG_DIVISOR_NONZERO},
    };
    weighted w = create_weighted(LOSS, OP_SMALL);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        ag_loss_options options = all[i];
        options.weights = w.weights;
        check_reduction(LOSS, &w, &options);
    }
}
END_TEST

/* An element loss takes a weight for each row as well: the same as one for each of its elements. */
START_TEST(weights_of_rows_weigh_their_elements)
{
    if (LOSS->op->by_rows) return;
    weighted w = create_weighted(LOSS, OP_SMALL);
    uint32_t rows = w.values->shape[0], columns = w.values->shape[1];
    ag_tensor *of_rows = ag_tensor_create(arena, 2, SHAPE(rows, 1));
    draw_weights(of_rows);
    for (size_t i = 0; i < w.num_values; i++)
        w.weights->data[i] = of_rows->data[i / columns];
    for (int divisor = AG_DIVISOR_COUNT; divisor <= AG_DIVISOR_NONZERO; divisor++)
        check_reduction(LOSS, &w,
                        &(ag_loss_options){.weights = of_rows, .divisor = (ag_divisor)divisor});
}
END_TEST

/* Through the graph too, with another upstream gradient than 1. */
START_TEST(none_is_weighted_item_by_item)
{
    weighted w = create_weighted(LOSS, OP_SMALL);
    op_create_leaves(&w.arguments, arena, true);
    ag_loss_options options = {.reduction = AG_REDUCTION_NONE, .weights = w.weights};
    ag_variable *loss = LOSS->graph_with(arena, &w.arguments, &options);
    ck_assert_msg(loss != NULL, "%s", ag_last_error());
    for (size_t i = 0; i < w.num_values; i++)
        assert_near((double)loss->data->data[i],
                    (double)w.weights->data[i] * (double)w.values->data[i], 1.5e-7);
    ag_tensor *upstream = like(w.values), *product = like(w.values);
    for (size_t i = 0; i < w.num_values; i++) {
        upstream->data[i] = (float)(i % 7) - 3;
        product->data[i] = upstream->data[i] * w.weights->data[i];
    }
    ck_assert_int_eq(ag_backward_from(arena, loss, upstream), AG_OK);
    ck_assert_int_eq(LOSS->gradient(w.outs, product, &w.arguments), AG_OK);
    for (uint32_t k = 0; k < LOSS->op->num_differentiable; k++)
        for (size_t i = 0; i < w.outs[k]->size; i++)
            assert_near((double)w.arguments.variables[k]->grad->data[i], (double)w.outs[k]->data[i],
                        2.5e-7);
}
END_TEST

/* PyTorch multiplies by 0, and 0 · NaN is NaN. */
START_TEST(what_weighs_0_may_be_nan_or_infinite)
{
    weighted w = create_weighted(LOSS, OP_SMALL);
    ag_loss_options options = {.weights = w.weights};
    ag_tensor *out = ag_tensor_create(arena, 1, SHAPE(1)), *before = like(out);
    ag_tensor *expected[3] = {NULL};
    size_t each = w.arguments.tensors[0]->size / w.num_values;
    for (uint32_t k = 0; k < LOSS->op->num_differentiable; k++)
        expected[k] = like(w.arguments.tensors[k]);
    ck_assert_int_eq(LOSS->wanted(before, expected, &w.arguments, &options), AG_OK);
    for (uint32_t k = 0; k < LOSS->op->num_inputs; k++) {
        ag_tensor *input = w.arguments.tensors[k];
        size_t span = input->size == w.num_values ? 1 : each;
        for (size_t i = 0; i < input->size; i++)
            if (w.weights->data[i / span] == 0) input->data[i] = i % 2 ? NAN : INFINITY;
    }
    ck_assert_msg(LOSS->wanted(out, w.outs, &w.arguments, &options) == AG_OK, "%s",
                  ag_last_error());
    ck_assert_mem_eq(out->data, before->data, sizeof(float));
    for (uint32_t k = 0; k < LOSS->op->num_differentiable; k++)
        for (size_t i = 0; i < w.outs[k]->size; i++)
            ck_assert(w.outs[k]->data[i] == expected[k]->data[i]);
}
END_TEST

START_TEST(all_weights_0_is_no_loss)
{
    weighted w = create_weighted(LOSS, OP_SMALL);
    ag_tensor *out = ag_tensor_create_from(arena, 1, SHAPE(1), NUMBERS(7));
    ag_tensor_fill(w.weights, 0);
    for (int divisor = AG_DIVISOR_AUTO; divisor <= AG_DIVISOR_NONZERO; divisor++) {
        ag_loss_options options = {.weights = w.weights, .divisor = (ag_divisor)divisor};
        ck_assert_int_eq(LOSS->wanted(out, w.outs, &w.arguments, &options), AG_OK);
        assert_zeros(out);
        for (uint32_t k = 0; k < LOSS->op->num_differentiable; k++)
            assert_zeros(w.outs[k]);
    }
}
END_TEST

START_TEST(options_know_no_threads)
{
    weighted w = create_weighted(LOSS, OP_LARGE);
    for (int divisor = AG_DIVISOR_COUNT; divisor <= AG_DIVISOR_NONZERO; divisor++) {
        ag_loss_options options = {.weights = w.weights, .divisor = (ag_divisor)divisor};
        ag_tensor *values[2], *gradients[2][3] = {{NULL}};
        for (int k = 0; k < 2; k++) {
            ag_set_num_threads(k == 0 ? 1 : 4);
            values[k] = ag_tensor_create(arena, 1, SHAPE(1));
            for (uint32_t i = 0; i < LOSS->op->num_differentiable; i++)
                gradients[k][i] = like(w.arguments.tensors[i]);
            ck_assert_int_eq(LOSS->wanted(values[k], gradients[k], &w.arguments, &options), AG_OK);
        }
        ck_assert_mem_eq(values[0]->data, values[1]->data, sizeof(float));
        for (uint32_t i = 0; i < LOSS->op->num_differentiable; i++)
            ck_assert_mem_eq(gradients[0][i]->data, gradients[1][i]->data,
                             gradients[0][i]->size * sizeof(float));
    }
}
END_TEST

/* Nothing but the reduction, or nothing at all, is the loss without options, to the bit. */
/* Elements that are computed together come out as those that are computed alone. */
START_TEST(alpha_is_that_of_the_element)
{
    enum { SIZE = 1100 };
    ag_random random = ag_random_create(5);
    ag_tensor *logits = ag_tensor_create(arena, 1, SHAPE(SIZE)), *target = like(logits);
    ag_tensor *out = like(logits), *grad = like(logits);
    ag_tensor *one_out = vector(1, NUMBERS(0)), *one_grad = like(one_out);
    ag_loss_options options = {.alpha = 0.25f, .reduction = AG_REDUCTION_NONE};
    succeed(ag_tensor_fill_normal(logits, &random, 0, 1));
    for (int i = 0; i < SIZE; i++)
        target->data[i] = ag_random_below(&random, 2) != 0;
    succeed(ag_tensor_focal_with_logits_loss_with(out, grad, logits, target, 2, &options));
    for (int i = 0; i < SIZE; i++) {
        succeed(ag_tensor_focal_with_logits_loss_with(one_out, one_grad,
                                                      vector(1, &logits->data[i]),
                                                      vector(1, &target->data[i]), 2, &options));
        ck_assert_msg(out->data[i] == one_out->data[0] && grad->data[i] == one_grad->data[0],
                      "element %d: %g, %g alone", i, (double)out->data[i],
                      (double)one_out->data[0]);
    }
}
END_TEST

START_TEST(options_of_0_are_none)
{
    op_case c = matrix_case(LOSS, OP_SMALL);
    c.reduction = AG_REDUCTION_MEAN;
    op_arguments arguments = op_create_inputs(&c, arena);
    ag_tensor *plain = ag_tensor_create(arena, 1, SHAPE(1)), *out = like(plain), *none[3] = {NULL};
    ck_assert_int_eq(LOSS->value(plain, &arguments), AG_OK);
    ck_assert_int_eq(LOSS->wanted(out, none, &arguments, &(ag_loss_options){0}), AG_OK);
    ck_assert_mem_eq(out->data, plain->data, sizeof(float));
    out->data[0] = 0;
    ck_assert_int_eq(LOSS->wanted(out, none, &arguments, NULL), AG_OK);
    ck_assert_mem_eq(out->data, plain->data, sizeof(float));
}
END_TEST

/* ---- gradients against differences of values, with all options that a loss takes ---- */

/* Options of every kind; a loss gets those that its descriptor names. */
static ag_loss_options options_taken(const op_entry *entry, const ag_tensor *x, ag_tensor *weights)
{
    uint32_t classes = x->shape[x->ndims - 1], taken = entry->op->options;
    ag_tensor *of_classes = ag_tensor_create(arena, 1, SHAPE(classes));
    for (size_t i = 0; i < classes; i++)
        of_classes->data[i] = 0.5f + 0.25f * (float)(i % 4);
    return (ag_loss_options){
        .reduction = AG_REDUCTION_MEAN,
        .weights = weights,
        .class_weights = taken & AG__TAKES(class_weights) ? of_classes : NULL,
        .pos_weight = taken & AG__TAKES(pos_weight) ? of_classes : NULL,
        .label_smoothing = taken & AG__TAKES(label_smoothing) ? 0.125f : 0,
        .z_loss = taken & AG__TAKES(z_loss) ? 0.25f : 0,
        .norm = (taken & AG__TAKES(norm)) == 0 ? 0
                : entry->op->takes_labels      ? 2
                                               : 3,
        .epsilon = taken & AG__TAKES(epsilon) ? 0x1p-10f : 0,
        .soft_margin = (taken & AG__TAKES(soft_margin)) != 0,
        .swap = (taken & AG__TAKES(swap)) != 0,
    };
}

typedef struct checked {
    const op_entry *entry;
    const op_arguments *arguments;
    ag_loss_options options;
} checked;

static ag_variable *call_checked(ag_arena *scratch, ag_variable *const *inputs, void *context)
{
    const checked *c = context;
    op_arguments arguments = *c->arguments;
    for (uint32_t i = 0; i < c->entry->op->num_differentiable; i++)
        arguments.variables[i] = inputs[i];
    return c->entry->graph_with(scratch, &arguments, &c->options);
}

/* A step must not leave a domain, which is [0, 1] or all that is not negative. */
static void keep_inside(const ag__domain *domain, ag_tensor *x)
{
    for (size_t i = 0; domain->text != NULL && i < x->size; i++)
        x->data[i] = 0.1f + (domain->highest == 1 ? 0.8f : 1.0f) * x->data[i];
}

START_TEST(gradients_with_options_are_those_of_the_values)
{
    weighted w = create_weighted(LOSS, OP_SMALL);
    for (uint32_t i = 0; i < LOSS->op->num_differentiable; i++)
        keep_inside(&LOSS->op->domains[i], w.arguments.tensors[i]);
    op_create_leaves(&w.arguments, arena, false);
    checked c = {LOSS, &w.arguments, options_taken(LOSS, w.arguments.tensors[0], w.weights)};
    ag_gradcheck_report report;
    ag_status status = ag_gradcheck(arena, call_checked, &c, LOSS->op->num_differentiable,
                                    w.arguments.tensors, NULL, &report);
    ck_assert_msg(status == AG_OK && report.passed, "%s: %s, %g", LOSS->name, ag_last_error(),
                  report.worst);
}
END_TEST

/* ---- labels ---- */

typedef struct labelled {
    double value;
    size_t num_correct;
    ag_tensor *gradient;
} labelled;

static labelled cross_entropy(const ag_tensor *logits, const ag_indices *classes,
                              ag_loss_options options)
{
    labelled result = {.num_correct = 99, .gradient = like(logits)};
    ag_tensor *out = ag_tensor_create(arena, 1, SHAPE(1));
    options.num_correct = &result.num_correct;
    ck_assert_msg(ag_tensor_cross_entropy_labels_loss_with(out, result.gradient, logits, classes,
                                                           &options) == AG_OK,
                  "%s", ag_last_error());
    result.value = (double)out->data[0];
    return result;
}

#define IGNORING(label) .has_ignore_index = true, .ignore_index = label

START_TEST(all_rows_ignored)
{
    ag_tensor *logits = matrix(2, 2, NUMBERS(1, 2, NAN, INFINITY));
    labelled r =
        cross_entropy(logits, labels(2, LABELS(-100, -100)), (ag_loss_options){IGNORING(-100)});
    ck_assert(r.value == 0 && r.num_correct == 0);
    assert_zeros(r.gradient);
}
END_TEST

START_TEST(ignored_rows_count_for_nothing)
{
    ag_tensor *logits = matrix(3, 3, NUMBERS(1, 2, 3, NAN, 0, 0, 3, 1, 0));
    labelled r =
        cross_entropy(logits, labels(3, LABELS(2, 255, 1)), (ag_loss_options){IGNORING(255)});
    double first = log(exp(-2) + exp(-1) + 1), third = log(exp(2) + 1 + exp(-1));
    assert_near(r.value, (first + third) / 2, 1e-7);
    ck_assert_uint_eq(r.num_correct, 1);
    for (size_t i = 3; i < 6; i++)
        ck_assert(r.gradient->data[i] == 0);
}
END_TEST

START_TEST(label_out_of_range)
{
    ag_variable *logits = ag_create_leaf(arena, matrix(4, 10, (float[40]){0}), true);
    ag_indices *wrong = labels(4, LABELS(0, 9, 3, 10));
    ck_assert_ptr_null(ag_cross_entropy_labels_loss(arena, logits, wrong, AG_REDUCTION_MEAN));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_DOMAIN);
    ck_assert_str_eq(ag_last_error(),
                     "cross_entropy_labels_loss: labels[3] is 10 but there are 10 classes");
    wrong->data[3] = -100;
    ck_assert_ptr_null(ag_nll_labels_loss(arena, logits, wrong, AG_REDUCTION_MEAN));
    ck_assert_str_eq(ag_last_error(),
                     "nll_labels_loss: labels[3] is -100 but there are 10 classes");
}
END_TEST

START_TEST(labels_of_another_shape)
{
    ag_variable *logits = ag_create_leaf(arena, matrix(4, 3, (float[12]){0}), true);
    ck_assert_ptr_null(
        ag_cross_entropy_labels_loss(arena, logits, labels(3, LABELS(0, 1, 2)), AG_REDUCTION_MEAN));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_SHAPE);
    ag_clear_error();
    ck_assert_ptr_null(ag_cross_entropy_labels_loss(arena, logits, NULL, AG_REDUCTION_MEAN));
    ck_assert_str_eq(ag_last_error(), "cross_entropy_labels_loss: labels is NULL");
}
END_TEST

/* The limit is +∞; the gradient has one that is finite: that of a class that cannot be reached. */
START_TEST(minus_infinity_logits_with_smoothing)
{
    ag_tensor *logits = matrix(1, 3, NUMBERS(0, 0, -INFINITY));
    labelled r =
        cross_entropy(logits, labels(1, LABELS(0)), (ag_loss_options){.label_smoothing = 0.375f});
    ck_assert(r.value == HUGE_VAL);
    assert_near((double)r.gradient->data[0], 0.5 - 0.625 - 0.125, 1e-6);
    assert_near((double)r.gradient->data[1], 0.5 - 0.125, 1e-6);
    assert_near((double)r.gradient->data[2], -0.125, 1e-6);
    r = cross_entropy(logits, labels(1, LABELS(0)), (ag_loss_options){0});
    assert_near(r.value, log(2), 1e-7);
    ck_assert(r.gradient->data[2] == 0);
}
END_TEST

START_TEST(smoothing_of_1_wants_all_classes_alike)
{
    ag_tensor *logits = matrix(1, 4, NUMBERS(1, 1, 1, 1));
    labelled r =
        cross_entropy(logits, labels(1, LABELS(2)), (ag_loss_options){.label_smoothing = 1});
    assert_near(r.value, log(4), 1e-7);
    for (size_t i = 0; i < 4; i++)
        assert_near((double)r.gradient->data[i], 0, 0);
}
END_TEST

/* PyTorch divides by the sum of the labels' weights, which is 0, and gives NaN. */
START_TEST(class_weights_of_0_for_all_labels)
{
    ag_tensor *logits = matrix(2, 2, NUMBERS(1, 2, 3, 4)), *weights = vector(2, NUMBERS(1, 0));
    labelled r =
        cross_entropy(logits, labels(2, LABELS(1, 1)), (ag_loss_options){.class_weights = weights});
    ck_assert(r.value == 0);
    assert_zeros(r.gradient);
}
END_TEST

/* Long and short rows; reference: Σ_rows -log softmax + z lse², from its definition. */
START_TEST(z_loss_adds_the_square_of_the_log_sum)
{
    for (uint32_t classes = 3; classes < 80; classes += 70) {
        ag_tensor *logits = ag_tensor_create(arena, 2, SHAPE(2, classes));
        ag_random random = ag_random_create(5);
        ag_tensor_fill_normal(logits, &random, 1, 2);
        labelled r =
            cross_entropy(logits, labels(2, LABELS(1, 2)),
                          (ag_loss_options){.z_loss = 0.5f, .reduction = AG_REDUCTION_SUM});
        double expected = 0;
        for (uint32_t row = 0; row < 2; row++) {
            const float *x = logits->data + row * classes;
            double sum = 0;
            for (uint32_t c = 0; c < classes; c++)
                sum += exp((double)x[c]);
            double lse = log(sum);
            expected += lse - (double)x[row + 1] + 0.5 * lse * lse;
            for (uint32_t c = 0; c < classes; c++)
                assert_near((double)r.gradient->data[row * classes + c],
                            (1 + lse) * exp((double)x[c]) / sum - (c == row + 1), 1e-6);
        }
        assert_near(r.value, expected, 1e-7);
    }
}
END_TEST

START_TEST(num_correct_takes_the_first_of_equals_and_no_nan)
{
    ag_tensor *logits = matrix(5, 3, NUMBERS(0, 0, 0, 0, 0, 0, 1, 2, NAN, -1, -2, -3, 5, 6, 5));
    labelled r = cross_entropy(logits, labels(5, LABELS(0, 1, 1, 0, 1)), (ag_loss_options){0});
    ck_assert_uint_eq(r.num_correct, 3);
    ag_tensor *mask = vector(5, NUMBERS(1, 1, 1, 0, 1));
    r = cross_entropy(logits, labels(5, LABELS(0, 1, 1, 0, 1)), (ag_loss_options){.weights = mask});
    ck_assert_uint_eq(r.num_correct, 2);
}
END_TEST

/* ---- triplets ---- */

static ag_tensor *triplet(ag_tensor *const *t, ag_tensor *const *outs, ag_loss_options options)
{
    ag_tensor *out = ag_tensor_create(arena, 1, SHAPE(1));
    ck_assert_msg(ag_tensor_triplet_loss_with(out, outs[0], outs[1], outs[2], t[0], t[1], t[2], 1,
                                              &options) == AG_OK,
                  "%s", ag_last_error());
    return out;
}

/* PyTorch's gradients of a distance of 0 are NaN without its epsilon. */
START_TEST(identical_embeddings)
{
    ag_tensor *same = matrix(2, 3, NUMBERS(1, 2, 3, 4, 5, 6)), *t[] = {same, same, same};
    ag_tensor *outs[] = {like(same), like(same), like(same)};
    static const float norms[] = {0, 1, 1.5f, 2, 4};
    for (int i = 0; i < 10; i++) {
        ag_loss_options options = {.norm = norms[i / 2], .swap = i % 2 != 0};
        ck_assert(triplet(t, outs, options)->data[0] == 1);
        for (int k = 0; k < 3; k++)
            assert_zeros(outs[k]);
    }
}
END_TEST

START_TEST(nonzero_divides_by_the_triplets_that_are_not_yet_apart)
{
    ag_tensor *t[] = {matrix(3, 1, NUMBERS(0, 0, 0)), matrix(3, 1, NUMBERS(1, 1, 3)),
                      matrix(3, 1, NUMBERS(5, 1.5f, 3))};
    ag_tensor *outs[] = {like(t[0]), like(t[0]), like(t[0])};
    ag_tensor *out = triplet(t, outs, (ag_loss_options){.divisor = AG_DIVISOR_NONZERO});
    ck_assert(out->data[0] == 0.75f); /* (0 + 0.5 + 1) / 2 */
    ck_assert(outs[1]->data[0] == 0 && outs[1]->data[1] == 0.5f && outs[1]->data[2] == 0.5f);
    t[2] = matrix(3, 1, NUMBERS(9, 9, 9));
    ck_assert(triplet(t, outs, (ag_loss_options){.divisor = AG_DIVISOR_NONZERO})->data[0] == 0);
    assert_zeros(outs[0]);
}
END_TEST

START_TEST(soft_margin_is_the_logarithm)
{
    ag_tensor *t[] = {matrix(2, 1, NUMBERS(0, 0)), matrix(2, 1, NUMBERS(1, 60)),
                      matrix(2, 1, NUMBERS(3, 1))};
    ag_tensor *outs[] = {like(t[0]), like(t[0]), like(t[0])};
    ag_loss_options options = {.soft_margin = true, .reduction = AG_REDUCTION_SUM};
    assert_near((double)triplet(t, outs, options)->data[0], log1p(exp(-2)) + 59, 1e-7);
    assert_near((double)outs[1]->data[0], 1 / (1 + exp(2)), 1e-7);
    assert_near((double)outs[2]->data[1], -1, 1e-7);
}
END_TEST

/* ---- what is refused ---- */

static void must_refuse(const op_entry *entry, const op_arguments *arguments,
                        const ag_loss_options *options, ag_status status, const char *message)
{
    char expected[200];
    snprintf(expected, sizeof expected, "%s: %s", entry->name, message);
    ck_assert_ptr_null(entry->graph_with(arena, arguments, options));
    ck_assert_msg(ag_last_status() == status, "%s: %s", entry->name, ag_last_error());
    ck_assert_msg(strncmp(ag_last_error(), expected, strlen(expected)) == 0, "%s, not %s",
                  ag_last_error(), expected);
}

START_TEST(options_that_a_loss_does_not_take)
{
    op_case c = matrix_case(LOSS, OP_SMALL);
    op_arguments arguments = op_create_inputs(&c, arena);
    op_create_leaves(&arguments, arena, true);
    size_t count;
    ag_tensor *tensor = vector(1, NUMBERS(1));
    const struct {
        uint32_t bit;
        const char *message;
        ag_loss_options options;
    } all[] = {
        {AG__TAKES(class_weights), "takes no class_weights", {.class_weights = tensor}},
        {AG__TAKES(pos_weight), "takes no pos_weight", {.pos_weight = tensor}},
        {AG__TAKES(has_ignore_index), "takes no ignore_index", {.has_ignore_index = true}},
        {AG__TAKES(label_smoothing), "takes no label_smoothing", {.label_smoothing = 0.5f}},
        {AG__TAKES(z_loss), "takes no z_loss", {.z_loss = 1}},
        {AG__TAKES(log_target), "takes no log_target", {.log_target = true}},
        {AG__TAKES(rate_input), "takes no rate_input", {.rate_input = true}},
        {AG__TAKES(full), "takes no full", {.full = true}},
        {AG__TAKES(epsilon), "takes no epsilon", {.epsilon = 1}},
        {AG__TAKES(alpha), "takes no alpha", {.alpha = 0.5f}},
        {AG__TAKES(norm), "takes no norm", {.norm = 2}},
        {AG__TAKES(swap), "takes no swap", {.swap = true}},
        {AG__TAKES(soft_margin), "takes no soft_margin", {.soft_margin = true}},
        {AG__TAKES(num_correct), "takes no num_correct", {.num_correct = &count}},
    };
    ck_assert_uint_eq(sizeof all / sizeof *all, AG__NUM_OPTIONS - 1);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if ((LOSS->op->options & all[i].bit) == 0)
            must_refuse(LOSS, &arguments, &all[i].options, AG_ERROR_ARGUMENT, all[i].message);
}
END_TEST

START_TEST(weights_that_are_none)
{
    weighted w = create_weighted(LOSS, OP_SMALL);
    op_create_leaves(&w.arguments, arena, true);
    static const float wrong[] = {-1, -0x1p-149f, NAN, INFINITY};
    ag_loss_options options = {.weights = w.weights};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        draw_weights(w.weights);
        w.weights->data[0] = wrong[i];
        must_refuse(LOSS, &w.arguments, &options, AG_ERROR_DOMAIN, "weights[0");
    }
    options.weights = vector(7, (float[7]){0});
    must_refuse(LOSS, &w.arguments, &options, AG_ERROR_SHAPE,
                "weights is [7] but must hold one weight");
    options = (ag_loss_options){.divisor = (ag_divisor)9};
    must_refuse(LOSS, &w.arguments, &options, AG_ERROR_ARGUMENT,
                "divisor is 9, which is no ag_divisor");
}
END_TEST

START_TEST(numbers_out_of_their_range)
{
    const op_entry *entry = op_find("cross_entropy_labels_loss");
    op_arguments a = {.indices = labels(2, LABELS(0, 1)), .tensors = {matrix(2, 2, (float[4]){0})}};
    op_create_leaves(&a, arena, true);
    must_refuse(entry, &a, &(ag_loss_options){.label_smoothing = 1.5f}, AG_ERROR_ARGUMENT,
                "label_smoothing is 1.5 but must be in [0, 1]");
    must_refuse(entry, &a, &(ag_loss_options){.label_smoothing = NAN}, AG_ERROR_ARGUMENT,
                "label_smoothing is nan but must be in [0, 1]");
    must_refuse(entry, &a, &(ag_loss_options){.z_loss = -1}, AG_ERROR_ARGUMENT,
                "z_loss is -1 but must be finite and at least 0");
    must_refuse(entry, &a, &(ag_loss_options){.ignore_index = -100}, AG_ERROR_ARGUMENT,
                "ignore_index is -100 but has_ignore_index is false");
    must_refuse(entry, &a, &(ag_loss_options){.class_weights = vector(3, NUMBERS(1, 1, 1))},
                AG_ERROR_SHAPE, "class_weights is [3] but must hold one weight for each class");
}
END_TEST

START_TEST(the_power_of_a_hinge_is_1_or_2)
{
    const op_entry *entry = op_find("multi_margin_loss");
    op_arguments a = {.indices = labels(2, LABELS(0, 1)), .tensors = {matrix(2, 2, (float[4]){0})}};
    op_create_leaves(&a, arena, true);
    must_refuse(entry, &a, &(ag_loss_options){.norm = 3}, AG_ERROR_ARGUMENT,
                "norm is 3 but must be 1 or 2");
    must_refuse(entry, &a, &(ag_loss_options){.norm = -1}, AG_ERROR_ARGUMENT,
                "norm is -1 but must be 1 or 2");
    must_refuse(entry, &a, &(ag_loss_options){.norm = NAN}, AG_ERROR_ARGUMENT,
                "norm is nan but must be 1 or 2");
}
END_TEST

/* ---- lists of labels ---- */

static ag_variable *multilabel_margin(ag_variable *logits, const int32_t *values)
{
    ag_indices *lists = ag_indices_create_from(arena, 2, logits->data->shape, values);
    return ag_multilabel_margin_loss(arena, logits, lists, 1, AG_REDUCTION_NONE);
}

static ag_variable *two_rows(void)
{
    return ag_create_leaf(arena, matrix(2, 3, NUMBERS(0, 0.5f, 2, 1, 0, 0.25f)), true);
}

/* Row 0: 1 - 0 + 0.5 and 1 - 0 + 2; row 1: 1 - 1 + 0 is neither loss nor slope, 1 - 1 + 0.25. */
START_TEST(labels_end_at_minus_1)
{
    ag_variable *logits = two_rows();
    ag_variable *loss = multilabel_margin(logits, LABELS(0, -1, 2, 0, -1, 1));
    ck_assert_msg(loss != NULL, "%s", ag_last_error());
    ck_assert(loss->data->data[0] == 1.5f && loss->data->data[1] == (float)(0.25 / 3));
    ag_tensor *ones = like(loss->data);
    ag_tensor_fill(ones, 1);
    ck_assert_int_eq(ag_backward_from(arena, loss, ones), AG_OK);
    static const float counts[6] = {-2, 1, 1, -1, 0, 1};
    for (size_t i = 0; i < 6; i++)
        ck_assert(logits->grad->data[i] == (float)((double)counts[i] / 3));
}
END_TEST

START_TEST(a_label_that_stands_twice_counts_twice)
{
    ag_variable *once = multilabel_margin(two_rows(), LABELS(0, -1, -1, 1, -1, -1));
    ag_variable *twice = multilabel_margin(two_rows(), LABELS(0, 0, -1, 1, 1, -1));
    ck_assert(once->data->data[0] == 1.5f && twice->data->data[0] == 3);
    ck_assert(once->data->data[1] > 1 && twice->data->data[1] == 2 * once->data->data[1]);
}
END_TEST

START_TEST(rows_without_labels_or_without_others_have_no_loss)
{
    ag_variable *logits = two_rows();
    ag_variable *loss = multilabel_margin(logits, LABELS(-1, 0, 1, 2, 1, 0));
    ag_tensor *ones = like(loss->data);
    ag_tensor_fill(ones, 1);
    ck_assert(loss->data->data[0] == 0 && loss->data->data[1] == 0);
    ck_assert_int_eq(ag_backward_from(arena, loss, ones), AG_OK);
    for (size_t i = 0; i < 6; i++)
        ck_assert(logits->grad->data[i] == 0);
}
END_TEST

/* Beside logits of 1e17 a margin of 1 is below what double resolves, but not their difference. */
START_TEST(margins_count_beside_huge_logits)
{
    ag_variable *logits = ag_create_leaf(arena, matrix(1, 2, NUMBERS(1e17f, 1e17f)), true);
    ag_variable *single =
        ag_multi_margin_loss(arena, logits, labels(1, LABELS(0)), 1, AG_REDUCTION_SUM);
    ag_variable *listed = multilabel_margin(logits, LABELS(0, -1));
    ck_assert_msg(single != NULL && listed != NULL, "%s", ag_last_error());
    ck_assert(single->data->data[0] == 0.5f && listed->data->data[0] == 0.5f);
    ck_assert_int_eq(ag_backward(arena, single), AG_OK);
    ck_assert_int_eq(ag_backward(arena, listed), AG_OK);
    ck_assert(logits->grad->data[0] == -1 && logits->grad->data[1] == 1);
}
END_TEST

/*
 * More classes and labels than are taken at once: the first half of 1,300 classes are labels, twice, and a
 * logit of c / 8 leaves each of them to the 650 others. The gradients of labels are -650 / 1300, twice.
 */
START_TEST(lists_of_many_labels)
{
    enum { CLASSES = 1300, HALF = CLASSES / 2 };
    const uint32_t shape[] = {1, CLASSES};
    ag_tensor *x = ag_tensor_create(arena, 2, shape);
    ag_indices *lists = ag_indices_create(arena, 2, shape);
    for (int c = 0; c < CLASSES; c++) {
        x->data[c] = (float)c / 8;
        lists->data[c] = c % HALF;
    }
    ag_variable *logits = ag_create_leaf(arena, x, true);
    ag_variable *loss = ag_multilabel_margin_loss(arena, logits, lists, 1, AG_REDUCTION_SUM);
    ck_assert_msg(loss != NULL, "%s", ag_last_error());
    ck_assert_int_eq(ag_backward(arena, loss), AG_OK);
    for (int c = 0; c < CLASSES; c++)
        ck_assert(logits->grad->data[c] == (c < HALF ? -1.0f : 1.0f));
}
END_TEST

/* Behind the -1, too, and as PyTorch has it. */
START_TEST(listed_labels_out_of_range)
{
    static const struct {
        int32_t values[6];
        const char *message;
    } wrong[] = {
        {{0, 1, -1, 0, 3, -1}, "multilabel_margin_loss: labels[1, 1] is 3 but there are 3 classes"},
        {{-1, 0, -2, 0, 1, -1},
         "multilabel_margin_loss: labels[0, 2] is -2 but there are 3 classes"},
        {{INT32_MIN, 0, 0, 0, 1, 2},
         "multilabel_margin_loss: labels[0, 0] is -2147483648 but there are 3 classes"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_ptr_null(multilabel_margin(two_rows(), wrong[i].values));
        ck_assert_int_eq(ag_last_status(), AG_ERROR_DOMAIN);
        ck_assert_str_eq(ag_last_error(), wrong[i].message);
    }
}
END_TEST

START_TEST(lists_of_another_shape)
{
    op_arguments a = {.indices = labels(2, LABELS(0, 1)), .tensors = {two_rows()->data}};
    op_create_leaves(&a, arena, true);
    must_refuse(op_find("multilabel_margin_loss"), &a, NULL, AG_ERROR_SHAPE,
                "labels is [2] but must have the shape of logits, [2, 3]");
    a.indices = ag_indices_create_from(arena, 2, SHAPE(3, 2), LABELS(0, 1, 0, 1, 0, 1));
    must_refuse(op_find("multilabel_margin_loss"), &a, NULL, AG_ERROR_SHAPE,
                "labels is [3, 2] but must have the shape of logits, [2, 3]");
    a.indices = NULL;
    ag_clear_error();
    must_refuse(op_find("multilabel_margin_loss"), &a, NULL, AG_ERROR_NULL, "labels is NULL");
}
END_TEST

/* Three classes a row, of which no weight is meant: the divisor is the sum of the rows' weights. */
START_TEST(rows_of_lists_are_weighted_once)
{
    ag_indices *lists = ag_indices_create_from(arena, 2, SHAPE(2, 3), LABELS(0, -1, 2, 0, -1, 1));
    ag_loss_options options = {.divisor = AG_DIVISOR_WEIGHTS, .weights = vector(2, NUMBERS(3, 1))};
    ag_variable *loss = ag_multilabel_margin_loss_with(arena, two_rows(), lists, 1, &options);
    ck_assert_msg(loss != NULL, "%s", ag_last_error());
    ck_assert(loss->data->data[0] == (float)((3 * 1.5 + 0.25 / 3) / 4));
}
END_TEST

/* Gradients are written where they will be wanted, unless that is memory that options name. */
START_TEST(weights_may_be_a_gradient_of_before)
{
    ag_variable *x = ag_create_leaf(arena, matrix(2, 2, NUMBERS(1, 2, 3, 4)), true);
    ag_variable *target = ag_create_leaf(arena, like(x->data), false);
    ag_variable *loss = ag_mse_loss(arena, x, target, AG_REDUCTION_SUM);
    ck_assert_int_eq(ag_backward(arena, loss), AG_OK);
    ag_loss_options options = {.reduction = AG_REDUCTION_SUM, .weights = x->grad};
    ck_assert_int_eq(ag_zero_grad(x), AG_OK);
    for (size_t i = 0; i < 4; i++)
        options.weights->data[i] = 2;
    loss = ag_mse_loss_with(arena, x, target, &options);
    ck_assert_msg(loss != NULL, "%s", ag_last_error());
    ck_assert(loss->data->data[0] == 60 && options.weights->data[3] == 2);
    ag_tensor *out = ag_tensor_create(arena, 1, SHAPE(1));
    ag_tensor *weights = like(x->data);
    options.weights = weights;
    ck_assert_int_eq(ag_tensor_mse_loss_with(out, weights, x->data, target->data, &options),
                     AG_ERROR_OVERLAP);
    ck_assert_str_eq(ag_last_error(), "mse_loss: out_grad shares memory with weights");
}
END_TEST

START_TEST(something_must_be_wanted)
{
    op_case c = matrix_case(LOSS, OP_SMALL);
    op_arguments arguments = op_create_inputs(&c, arena);
    ag_tensor *none[3] = {NULL};
    ck_assert_int_eq(LOSS->wanted(NULL, none, &arguments, NULL), AG_ERROR_NULL);
}
END_TEST

/* ---- the suite ---- */

#define ADD_FOR_LOSSES(tests, test) tcase_add_loop_test(tests, test, 0, num_loss_entries)

static void add_weights(Suite *suite)
{
    TCase *tests = add_case(suite, "weights");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    ADD_FOR_LOSSES(tests, weights_multiply_and_divisors_divide);
    ADD_FOR_LOSSES(tests, weights_of_rows_weigh_their_elements);
    ADD_FOR_LOSSES(tests, none_is_weighted_item_by_item);
    ADD_FOR_LOSSES(tests, what_weighs_0_may_be_nan_or_infinite);
    ADD_FOR_LOSSES(tests, all_weights_0_is_no_loss);
    ADD_FOR_LOSSES(tests, options_know_no_threads);
    ADD_FOR_LOSSES(tests, options_of_0_are_none);
    tcase_add_test(tests, alpha_is_that_of_the_element);
    ADD_FOR_LOSSES(tests, gradients_with_options_are_those_of_the_values);
}

static void add_lists(Suite *suite)
{
    TCase *tests = add_case(suite, "lists of labels");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, labels_end_at_minus_1);
    tcase_add_test(tests, a_label_that_stands_twice_counts_twice);
    tcase_add_test(tests, rows_without_labels_or_without_others_have_no_loss);
    tcase_add_test(tests, margins_count_beside_huge_logits);
    tcase_add_test(tests, lists_of_many_labels);
    tcase_add_test(tests, listed_labels_out_of_range);
    tcase_add_test(tests, lists_of_another_shape);
    tcase_add_test(tests, rows_of_lists_are_weighted_once);
}

static void add_labels(Suite *suite)
{
    TCase *tests = add_case(suite, "labels");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, all_rows_ignored);
    tcase_add_test(tests, ignored_rows_count_for_nothing);
    tcase_add_test(tests, label_out_of_range);
    tcase_add_test(tests, labels_of_another_shape);
    tcase_add_test(tests, minus_infinity_logits_with_smoothing);
    tcase_add_test(tests, smoothing_of_1_wants_all_classes_alike);
    tcase_add_test(tests, class_weights_of_0_for_all_labels);
    tcase_add_test(tests, z_loss_adds_the_square_of_the_log_sum);
    tcase_add_test(tests, num_correct_takes_the_first_of_equals_and_no_nan);
}

static void add_triplets(Suite *suite)
{
    TCase *tests = add_case(suite, "triplets");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, identical_embeddings);
    tcase_add_test(tests, nonzero_divides_by_the_triplets_that_are_not_yet_apart);
    tcase_add_test(tests, soft_margin_is_the_logarithm);
}

static void add_errors(Suite *suite)
{
    TCase *tests = add_case(suite, "errors");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    ADD_FOR_LOSSES(tests, options_that_a_loss_does_not_take);
    ADD_FOR_LOSSES(tests, weights_that_are_none);
    ADD_FOR_LOSSES(tests, something_must_be_wanted);
    tcase_add_test(tests, numbers_out_of_their_range);
    tcase_add_test(tests, the_power_of_a_hinge_is_1_or_2);
    tcase_add_test(tests, weights_may_be_a_gradient_of_before);
}

int main(void)
{
    Suite *suite = suite_create("options of losses");
    add_weights(suite);
    add_labels(suite);
    add_lists(suite);
    add_triplets(suite);
    add_errors(suite);
    return run_suite(suite);
}
