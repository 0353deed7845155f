/* behaviour.c: sums, reductions, and what differs from PyTorch or went wrong in the original. */
#include "config.h"

#include "loss_cases/example.h"

#include <dirent.h>
#include <string.h>

#include "suite.h"

/* ---- many elements ---- */

#define MANY ((uint32_t)1 << 25)

/* One float accumulator would give 0.0625. */
START_TEST(mean_of_many_equal_values_is_that_value)
{
    ag_arena *arena = ag_arena_create(0);
    const ag_tensor *weights = create_filled(arena, MANY, 0.1f);
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1});
    for (int threads = 1; threads <= 3; threads++) {
        ag_set_num_threads(threads);
        ck_assert_int_eq(ag_tensor_l1_regularization(out, weights, AG_REDUCTION_MEAN), AG_OK);
        ck_assert(out->data[0] == 0.1f);
        ck_assert_int_eq(ag_tensor_l2_loss(out, weights, AG_REDUCTION_MEAN), AG_OK);
        ck_assert(out->data[0] == (float)(0.5 * (double)0.1f * (double)0.1f));
    }
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(mean_of_many_equal_squares_is_that_square)
{
    ag_arena *arena = ag_arena_create(0);
    const ag_tensor *pred = create_filled(arena, MANY, 0.1f);
    const ag_tensor *target = create_filled(arena, MANY, 0);
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1});
    for (int threads = 1; threads <= 3; threads++) {
        ag_set_num_threads(threads);
        ck_assert_int_eq(ag_tensor_mse_loss(out, pred, target, AG_REDUCTION_MEAN), AG_OK);
        ck_assert(out->data[0] == (float)((double)0.1f * (double)0.1f));
        ck_assert_int_eq(ag_tensor_l1_loss(out, pred, target, AG_REDUCTION_MEAN), AG_OK);
        ck_assert(out->data[0] == 0.1f);
        ck_assert_int_eq(ag_tensor_l1_loss(out, pred, target, AG_REDUCTION_SUM), AG_OK);
        assert_near(out->data[0], (long double)0.1f * MANY);
    }
    ag_arena_destroy(arena);
}
END_TEST

/* ---- reductions ---- */

START_TEST(reductions_divide_by_what_they_say)
{
    example e = matrix_pair("mse_loss", 2, 3, NUMBERS(1, 2, 3, 4, 5, 6), NUMBERS(0, 0, 0, 0, 0, 0),
                            AG_REDUCTION_MEAN);
    static const float divisors[] = {
        [AG_REDUCTION_MEAN] = 6, [AG_REDUCTION_SUM] = 1, [AG_REDUCTION_BATCHMEAN] = 2};
    static const ag_reduction reductions[] = {AG_REDUCTION_MEAN, AG_REDUCTION_SUM,
                                              AG_REDUCTION_BATCHMEAN};
    for (size_t i = 0; i < 3; i++) {
        e.reduction = reductions[i];
        result r = evaluate(e);
        assert_near(r.value[0], 91 / (long double)divisors[reductions[i]]);
        assert_near(r.gradients[0][5], 12 / (long double)divisors[reductions[i]]);
    }
}
END_TEST

START_TEST(none_gives_each_element)
{
    example e = pair("mse_loss", 3, NUMBERS(1, 2, 3), NUMBERS(0, 0, 0), AG_REDUCTION_NONE);
    result r = evaluate(e);
    ck_assert(r.value[0] == 1 && r.value[1] == 4 && r.value[2] == 9);
    ck_assert(r.gradients[0][0] == 2 && r.gradients[0][1] == 4 && r.gradients[0][2] == 6);
}
END_TEST

START_TEST(row_losses_divide_by_rows)
{
    example e = matrix_pair("nll_loss", 2, 3, NUMBERS(-1, -2, -3, -4, -5, -6),
                            NUMBERS(1, 0, 0, 0, 0, 1), AG_REDUCTION_MEAN);
    ck_assert(evaluate(e).value[0] == 3.5f);
    e.reduction = AG_REDUCTION_BATCHMEAN;
    ck_assert(evaluate(e).value[0] == 3.5f);
    e.reduction = AG_REDUCTION_NONE;
    ck_assert(evaluate(e).value[0] == 1 && evaluate(e).value[1] == 6);
}
END_TEST

START_TEST(batchmean_of_one_dimension_is_the_sum)
{
    example e = pair("mse_loss", 3, NUMBERS(1, 2, 3), NUMBERS(0, 0, 0), AG_REDUCTION_BATCHMEAN);
    ck_assert(evaluate(e).value[0] == 14);
}
END_TEST

START_TEST(backward_from_an_unreduced_loss_says_what_to_do)
{
    ag_arena *arena = ag_arena_create(0);
    ag_variable *pred = ag_create_leaf(arena, create_filled(arena, 3, 1), true);
    ag_variable *target = ag_create_leaf(arena, create_filled(arena, 3, 0), false);
    ag_variable *loss = ag_mse_loss(arena, pred, target, AG_REDUCTION_NONE);
    ck_assert_int_eq(ag_backward(arena, loss), AG_ERROR_GRAPH);
    ck_assert_ptr_nonnull(strstr(ag_last_error(), "ag_backward_from"));
    ck_assert_ptr_null(pred->grad);
    ag_arena_destroy(arena);
}
END_TEST

/* ---- what differs from PyTorch, and what went wrong in the original ---- */

START_TEST(nothing_is_broadcast)
{
    ag_arena *arena = ag_arena_create(0);
    ag_variable *column =
        ag_create_leaf(arena, ag_tensor_create_zeros(arena, 2, (uint32_t[]){4, 1}), true);
    ag_variable *row =
        ag_create_leaf(arena, ag_tensor_create_zeros(arena, 1, (uint32_t[]){4}), false);
    ck_assert_ptr_null(ag_mse_loss(arena, column, row, AG_REDUCTION_MEAN));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_SHAPE);
    ck_assert_str_eq(ag_last_error(), "mse_loss: pred is [4, 1] but target is [4]");
    ck_assert_ptr_null(column->grad);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(targets_that_want_a_gradient_get_none)
{
    ag_arena *arena = ag_arena_create(0);
    ag_variable *pred = ag_create_leaf(arena, create_filled(arena, 3, 1), true);
    ag_variable *target = ag_create_leaf(arena, create_filled(arena, 3, 0), true);
    ag_variable *loss = ag_mse_loss(arena, pred, target, AG_REDUCTION_SUM);
    ck_assert_int_eq(ag_backward(arena, loss), AG_OK);
    assert_all(3, pred->grad->data, 2);
    ck_assert_ptr_null(target->grad);
    ag_arena_destroy(arena);
}
END_TEST

/* The original's value and gradient had different epsilons; here neither has one. */
START_TEST(values_and_gradients_agree_for_small_numbers)
{
    static const float sizes[] = {1e-3f, 1e-6f, 1e-8f, 1e-12f};
    for (size_t i = 0; i < 4; i++) {
        float s = sizes[i];
        const float *a = NUMBERS(s, 2 * s), *b = NUMBERS(3 * s, -s), *c = NUMBERS(0, s / 2);
        assert_agrees(cosine(2, a, b, SIMILAR, 0), 1);
        assert_agrees(triplet(2, a, b, c, s), 1);
        assert_agrees(pair("bce_loss", 2, a, NUMBERS(1, 0.5f), AG_REDUCTION_MEAN), 1);
    }
}
END_TEST

START_TEST(cosine_gradient_reaches_both)
{
    result r = evaluate(cosine(2, NUMBERS(1, 0), NUMBERS(0, 2), SIMILAR, 0));
    ck_assert(r.value[0] == 1);
    ck_assert(r.gradients[0][0] == 0 && r.gradients[0][1] == -1);
    ck_assert(r.gradients[1][0] == -0.5f && r.gradients[1][1] == 0);
    r = evaluate(cosine(2, NUMBERS(1, 0), NUMBERS(0, 2), DIFFERENT, -0.5f));
    ck_assert(r.value[0] == 0.5f);
    ck_assert(r.gradients[0][1] == 1 && r.gradients[1][0] == 0.5f);
}
END_TEST

START_TEST(second_backward_does_not_count_interior_gradients_twice)
{
    ag_arena *arena = ag_arena_create(0);
    ag_variable *x = ag_create_leaf(arena, create_filled(arena, 4, 1), true);
    ag_variable *target = ag_create_leaf(arena, create_filled(arena, 4, 0), false);
    ag_variable *hidden = ag_scale(arena, ag_scale(arena, x, 3), 2);
    ag_variable *loss = ag_mse_loss(arena, hidden, target, AG_REDUCTION_SUM);
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(ag_backward(arena, loss), AG_OK);
        assert_all(4, x->grad->data, (float)i * 72); /* 2 · 6² */
        assert_all(4, hidden->grad->data, 12);
        ck_assert(loss->grad->data[0] == 1);
    }
    ag_arena_destroy(arena);
}
END_TEST

#define DEEP 300000

START_TEST(deep_graphs_do_not_overflow_the_stack)
{
    ag_arena *arena = ag_arena_create(1 << 20);
    ag_variable *x = ag_create_leaf(arena, create_filled(arena, 1, 2), true), *node = x;
    for (int i = 0; i < DEEP; i++)
        node = ag_scale(arena, node, i % 2 == 0 ? 2 : 0.5f);
    ag_variable *loss = ag_l2_loss(arena, node, AG_REDUCTION_SUM);
    ck_assert_ptr_nonnull(loss);
    ck_assert_int_eq(ag_backward(arena, loss), AG_OK);
    ck_assert(x->grad->data[0] == 2);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(running_out_of_memory_is_an_error)
{
    ag_arena *arena = ag_arena_create(0);
    ag_variable *x = ag_create_leaf(arena, create_filled(arena, 1 << 20, 1), true);
    size_t used = ag_arena_used(arena);
    ag_arena_set_limit(arena, ag_arena_capacity(arena));
    ck_assert_ptr_null(ag_relu(arena, x));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_MEMORY);
    ck_assert_uint_eq(ag_arena_used(arena), used);
    ag_arena_destroy(arena);
}
END_TEST

/* The threads of this process as Linux lists them; 0 where it does not. */
static int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    while (tasks != NULL && readdir(tasks) != NULL)
        count++;
    if (tasks != NULL) closedir(tasks);
    return count;
}

/* 8200 elements are several blocks, but less work than waking a thread. */
static void call_mse_of_several_blocks(void)
{
    ag_arena *arena = ag_arena_create(0);
    ag_variable *pred = ag_create_leaf(arena, create_filled(arena, 8200, 1), true);
    ag_variable *target = ag_create_leaf(arena, create_filled(arena, 8200, 0), false);
    ag_variable *loss = ag_mse_loss(arena, pred, target, AG_REDUCTION_MEAN);
    ck_assert_int_eq(ag_backward(arena, loss), AG_OK);
    ag_arena_destroy(arena);
}

START_TEST(small_losses_use_one_thread)
{
    ag_set_num_threads(4);
    int before = count_threads();
    call_mse_of_several_blocks();
    ck_assert_msg(count_threads() == before, "mse_loss started threads");
    for (int i = 0; i < num_loss_entries; i++) {
        op_case c;
        for (size_t k = 0; op_case_at(&op_entries[i], OP_SMALL, k, &c); k++) {
            ag_arena *arena = ag_arena_create(0);
            op_arguments arguments = op_create_inputs(&c, arena);
            op_create_leaves(&arguments, arena, true);
            ag_variable *loss = c.entry->graph(arena, &arguments);
            ck_assert_int_eq(ag_backward_from(arena, loss, ones_like(arena, loss->data)), AG_OK);
            ag_arena_destroy(arena);
        }
        ck_assert_msg(count_threads() == before, "%s started threads", op_entries[i].name);
    }
    ag_set_num_threads(0);
}
END_TEST

void add_behaviour(Suite *suite)
{
    TCase *tests = add_case(suite, "behaviour");
    tcase_add_test(tests, cosine_gradient_reaches_both);
    tcase_add_test(tests, mean_of_many_equal_values_is_that_value);
    tcase_add_test(tests, mean_of_many_equal_squares_is_that_square);
    tcase_add_test(tests, reductions_divide_by_what_they_say);
    tcase_add_test(tests, none_gives_each_element);
    tcase_add_test(tests, row_losses_divide_by_rows);
    tcase_add_test(tests, batchmean_of_one_dimension_is_the_sum);
    tcase_add_test(tests, backward_from_an_unreduced_loss_says_what_to_do);
    tcase_add_test(tests, nothing_is_broadcast);
    tcase_add_test(tests, targets_that_want_a_gradient_get_none);
    tcase_add_test(tests, values_and_gradients_agree_for_small_numbers);
    tcase_add_test(tests, second_backward_does_not_count_interior_gradients_twice);
    tcase_add_test(tests, deep_graphs_do_not_overflow_the_stack);
    tcase_add_test(tests, running_out_of_memory_is_an_error);
    tcase_add_test(tests, small_losses_use_one_thread);
}
