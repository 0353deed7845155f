/* errors.c: options that are refused. */
#include "config.h"

#include "options/world.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

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

void add_errors(Suite *suite)
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
