/* graphs.c: losses of whole batches in the graph, on several threads, and in little memory. */
#include "config.h"

#include "contrastive/world.h"

#include "suite.h"
#include "tensor/contrastive/contrast.h"

START_TEST(the_graph_has_the_bits_of_the_tensors)
{
    batch b = create_batch((kind)_i, 150, 4, 5);
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    ag_variable *leaves[4];
    for (uint32_t i = 0; i < 4; i++) {
        grads[i] = empty_like(b.inputs[i]);
        leaves[i] = ag_create_leaf(arena, b.inputs[i], true);
    }
    ck_assert_int_eq(call_tensors(&b, out, grads), AG_OK);
    ag_variable *loss = call_graph(&b, arena, leaves);
    ck_assert_msg(loss != NULL, "%s", ag_last_error());
    ck_assert_int_eq(ag_backward(temp, loss), AG_OK);
    ck_assert_mem_eq(loss->data->data, out->data, sizeof(float));
    for (uint32_t i = 0; i < num_inputs(&b); i++)
        ck_assert_mem_eq(leaves[i]->grad->data, grads[i]->data, grads[i]->size * sizeof(float));
    ck_assert_int_eq(ag_backward(temp, loss), AG_OK); /* adds the same again */
    for (uint32_t i = 0; i < num_inputs(&b); i++)
        for (size_t k = 0; k < grads[i]->size; k++)
            assert_equal(leaves[i]->grad->data[k], 2 * grads[i]->data[k]);
}
END_TEST

static ag_variable *build(ag_arena *in, ag_variable *const *inputs, void *context)
{
    return call_graph(context, in, inputs);
}

START_TEST(gradients_pass_the_check)
{
    static const ag_reduction reductions[] = {AG_REDUCTION_MEAN, AG_REDUCTION_NONE};
    for (int r = 0; r < 2; r++) {
        batch b = create_batch((kind)_i, 12, 3, 21);
        b.reduction = reductions[r];
        if (_i == ALL) b.parameter = 20; /* all triplets fall short of it: no kinks */
        ag_gradcheck_report report;
        ck_assert_int_eq(ag_gradcheck(arena, build, &b, num_inputs(&b), b.inputs, NULL, &report),
                         AG_OK);
        ck_assert_msg(report.passed, "%s: %s", names[_i], report.text);
    }
}
END_TEST

/* One variable in both places has the sum of both gradients. */
START_TEST(a_variable_may_stand_on_both_sides)
{
    static const kind kinds[] = {CLIP, NT_XENT, SIGLIP};
    batch b = create_batch(kinds[_i], 130, 4, 5);
    b.inputs[1] = b.inputs[0];
    ag_variable *leaves[4], *apart[4];
    for (uint32_t i = 0; i < 4; i++) {
        leaves[i] = ag_create_leaf(arena, b.inputs[i], true);
        apart[i] = ag_create_leaf(arena, b.inputs[i], true);
    }
    leaves[1] = leaves[0];
    ck_assert_int_eq(ag_backward(temp, call_graph(&b, arena, leaves)), AG_OK);
    ck_assert_int_eq(ag_backward(temp, call_graph(&b, arena, apart)), AG_OK);
    for (size_t k = 0; k < leaves[0]->grad->size; k++)
        ck_assert_double_eq_tol((double)leaves[0]->grad->data[k],
                                (double)apart[0]->grad->data[k] + (double)apart[1]->grad->data[k],
                                1e-7);
}
END_TEST

/* ---- tiles and threads ---- */

START_TEST(tiles_and_threads_change_no_bit)
{
    static const size_t tiles[] = {1, 2, 3, 8};
    static const int threads[] = {1, 2, 3, 8};
    size_t before = ag__most_grains;
    batch b = create_batch((kind)_i, 650, 32, 11); /* enough for several threads in each part */
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *first[4], *grads[4];
    ag_tensor *other = empty_like(out);
    compute_bits(&b, out, first);
    for (int t = 0; t < 4; t++)
        for (int n = 0; n < 4; n++) {
            ag__most_grains = tiles[t];
            ag_set_num_threads(threads[n]);
            compute_bits(&b, other, grads);
            ck_assert_mem_eq(out->data, other->data, sizeof(float));
            for (uint32_t i = 0; i < num_inputs(&b); i++)
                ck_assert_mem_eq(first[i]->data, grads[i]->data, first[i]->size * sizeof(float));
        }
    ag__most_grains = before;
}
END_TEST

/* ---- memory ---- */

START_TEST(memory_is_less_than_the_matrix_and_stays)
{
    const uint32_t rows = 6000;
    batch b = create_batch((kind)_i, rows, 4, 13);
    if (_i == NT_XENT) b = create_batch(NT_XENT, rows / 2, 4, 13);
    if (_i == ARCFACE) {
        b.inputs[1] = ag_tensor_create(arena, 2, (uint32_t[]){rows, 4});
        ag_random random = ag_random_create(1);
        ag_tensor_fill_normal(b.inputs[1], &random, 0, 1);
    }
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    for (uint32_t i = 0; i < 4; i++)
        grads[i] = empty_like(b.inputs[i]);
    ck_assert_int_eq(call_tensors(&b, out, grads), AG_OK);
    size_t matrix_bytes = (size_t)rows * rows * sizeof(float), bytes = ag_arena_high_water(temp);
    ck_assert_msg(bytes < matrix_bytes / 3, "%s: %zu bytes", names[_i], bytes);
    ck_assert_uint_eq(ag_arena_used(temp), 0);
    ck_assert_int_eq(call_tensors(&b, out, grads), AG_OK);
    ck_assert_uint_eq(ag_arena_high_water(temp), bytes);
}
END_TEST

void add_graphs(Suite *suite)
{
    TCase *tests = add_case(suite, "graphs");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, the_graph_has_the_bits_of_the_tensors, 0, KINDS);
    tcase_add_loop_test(tests, gradients_pass_the_check, 0, KINDS);
    tcase_add_loop_test(tests, a_variable_may_stand_on_both_sides, 0, 3);
    tcase_add_loop_test(tests, tiles_and_threads_change_no_bit, 0, KINDS);
    tcase_add_loop_test(tests, memory_is_less_than_the_matrix_and_stays, 0, KINDS);
}
