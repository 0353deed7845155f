/* labels.c: options of losses of class labels. */
#include "config.h"

#include "options/world.h"

#include <math.h>

#include "suite.h"

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

/* Beyond the first chunk of a row: (1 - s) (lse - 1) + s Σ (lse - x) / n, where only the label's logit is 1. */
START_TEST(smoothing_of_a_long_row)
{
    enum { CLASSES = 1100, LABEL = 1000 };
    ag_tensor *logits = ag_tensor_create_zeros(arena, 2, SHAPE(1, CLASSES));
    logits->data[LABEL] = 1;
    labelled r =
        cross_entropy(logits, labels(1, LABELS(LABEL)), (ag_loss_options){.label_smoothing = 0.5f});
    double sum = CLASSES - 1 + exp(1), spread = 0.5 / CLASSES;
    assert_near(r.value, log(sum) - 0.5 - spread, 1e-7);
    assert_near((double)r.gradient->data[0], 1 / sum - spread, 1e-6);
    assert_near((double)r.gradient->data[LABEL], exp(1) / sum - spread - 0.5, 1e-6);
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
    const float z = _i == 0 ? 0.5f : 1;
    for (uint32_t classes = 3; classes < 80; classes += 70) {
        ag_tensor *logits = ag_tensor_create(arena, 2, SHAPE(2, classes));
        ag_random random = ag_random_create(5);
        ag_tensor_fill_normal(logits, &random, 1, 2);
        labelled r = cross_entropy(logits, labels(2, LABELS(1, 2)),
                                   (ag_loss_options){.z_loss = z, .reduction = AG_REDUCTION_SUM});
        double expected = 0;
        for (uint32_t row = 0; row < 2; row++) {
            const float *x = logits->data + row * classes;
            double sum = 0;
            for (uint32_t c = 0; c < classes; c++)
                sum += exp((double)x[c]);
            double lse = log(sum);
            expected += lse - (double)x[row + 1] + (double)z * lse * lse;
            for (uint32_t c = 0; c < classes; c++)
                assert_near((double)r.gradient->data[row * classes + c],
                            (1 + 2 * (double)z * lse) * exp((double)x[c]) / sum - (c == row + 1),
                            1e-6);
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

void add_labels(Suite *suite)
{
    TCase *tests = add_case(suite, "labels");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, all_rows_ignored);
    tcase_add_test(tests, ignored_rows_count_for_nothing);
    tcase_add_test(tests, label_out_of_range);
    tcase_add_test(tests, labels_of_another_shape);
    tcase_add_test(tests, minus_infinity_logits_with_smoothing);
    tcase_add_test(tests, smoothing_of_1_wants_all_classes_alike);
    tcase_add_test(tests, smoothing_of_a_long_row);
    tcase_add_test(tests, class_weights_of_0_for_all_labels);
    tcase_add_loop_test(tests, z_loss_adds_the_square_of_the_log_sum, 0, 2);
    tcase_add_test(tests, num_correct_takes_the_first_of_equals_and_no_nan);
}
