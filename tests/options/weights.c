/* weights.c: weights and divisors of every loss, from its values and gradients without options. */
#include "config.h"

#include "options/world.h"

#include <math.h>

#include "assertions.h"
#include "suite.h"

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

void add_weights(Suite *suite)
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
}
