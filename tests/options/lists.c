/* lists.c: losses of lists of labels. */
#include "config.h"

#include "options/world.h"

#include "suite.h"

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

void add_lists(Suite *suite)
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
