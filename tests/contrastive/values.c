/* values.c: values and gradients of whole batches are those of the definition and of PyTorch. */
#include "config.h"

#include "contrastive/world.h"

#include <stdio.h>

#include "suite.h"

static void check_gradients(const batch *b, ag_tensor *const *grads, const double *weights)
{
    static point p;
    p = point_of(b);
    for (uint32_t input = 0; input < num_inputs(b); input++)
        for (size_t i = 0; i < grads[input]->size; i++)
            assert_near(b, "gradient", 100000 * input + i, (double)grads[input]->data[i],
                        slope(b, &p, input, i, weights));
}

static void check_tensors(const batch *b)
{
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    for (uint32_t i = 0; i < 4; i++)
        grads[i] = empty_like(b->inputs[i]);
    ck_assert_msg(call_tensors(b, out, grads) == AG_OK, "%s", ag_last_error());
    static point p;
    p = point_of(b);
    assert_near(b, "value", 0, (double)out->data[0], reference(b, &p, NULL));
    check_gradients(b, grads, NULL);
    ag_tensor *alone = empty_like(out), *nowhere[4] = {NULL};
    ck_assert_int_eq(call_tensors(b, alone, nowhere), AG_OK);
    ck_assert_mem_eq(alone->data, out->data, sizeof(float));
}

/* Each anchor by itself, with an upstream gradient of its own. */
static void check_anchors(batch b)
{
    b.reduction = AG_REDUCTION_NONE;
    ag_variable *leaves[4];
    for (uint32_t i = 0; i < 4; i++)
        leaves[i] = ag_create_leaf(arena, b.inputs[i], true);
    ag_variable *loss = call_graph(&b, arena, leaves);
    ck_assert_msg(loss != NULL, "%s", ag_last_error());
    ck_assert_uint_eq(loss->data->shape[0], anchors(&b));
    ag_tensor *seed = empty_like(loss->data), *grads[4];
    double weights[MOST_ROWS];
    for (size_t i = 0; i < seed->size; i++) {
        seed->data[i] = (float)((double)(i % 5) - 1.5);
        weights[i] = (double)seed->data[i];
    }
    ck_assert_int_eq(ag_backward_from(temp, loss, seed), AG_OK);
    for (uint32_t i = 0; i < 4; i++)
        grads[i] = leaves[i]->grad;
    static point p;
    p = point_of(&b);
    reference(&b, &p, NULL);
    for (uint32_t i = 0; i < anchors(&b); i++)
        assert_near(&b, "value of row", i, (double)loss->data->data[i], row_values[i]);
    check_gradients(&b, grads, weights);
}

static void check_batch(batch b)
{
    static const ag_reduction reductions[] = {AG_REDUCTION_MEAN, AG_REDUCTION_SUM,
                                              AG_REDUCTION_BATCHMEAN};
    for (int r = 0; r < 3; r++) {
        b.reduction = reductions[r];
        check_tensors(&b);
    }
    check_anchors(b);
}

START_TEST(values_and_gradients_are_those_of_the_definition)
{
    batch b = create_batch((kind)_i, 13, 3, 1);
    check_batch(b);
    b.similarity = AG_SIMILARITY_DOT;
    check_batch(b);
    b.similarity = AG_SIMILARITY_COSINE;
    b.soft = true;
    if (_i == HARD || _i == ALL) check_batch(b);
    b.soft = false;
    b.divisor = AG_DIVISOR_NONZERO;
    if (_i == ALL) check_batch(b);
}
END_TEST

START_TEST(a_batch_of_two_rows_and_of_one)
{
    check_batch(create_batch((kind)_i, 2, 3, 7));
    check_batch(create_batch((kind)_i, 1, 5, 9));
}
END_TEST

START_TEST(several_grains_add_up)
{
    batch b = create_batch((kind)_i, 523, 2, 3); /* beyond a block of columns */
    static point p;
    p = point_of(&b);
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    for (uint32_t i = 0; i < 4; i++)
        grads[i] = empty_like(b.inputs[i]);
    b.reduction = AG_REDUCTION_SUM;
    b.divisor = AG_DIVISOR_COUNT;
    ck_assert_int_eq(call_tensors(&b, out, grads), AG_OK);
    if (b.kind == ALL) return; /* the reference would take n³ steps for each difference */
    assert_near(&b, "value", 0, (double)out->data[0], reference(&b, &p, NULL));
    static const size_t some[] = {0, 511, 512, 1023, 1045};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        assert_near(&b, "gradient", some[i], (double)grads[0]->data[some[i]],
                    slope(&b, &p, 0, some[i], NULL));
}
END_TEST

/* Rows of several chunks. */
START_TEST(long_rows_add_up)
{
    batch b = create_batch((kind)_i, 5, 1100, 11);
    if (_i == PAIRS) b.parameter = 50; /* distances are near 47 */
    static point p;
    p = point_of(&b);
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    compute_bits(&b, out, grads);
    assert_near(&b, "value", 0, (double)out->data[0], reference(&b, &p, NULL));
    static const size_t some[] = {0, 511, 512, 1023, 1024, 1099, 1100, 1611, 1612, 3299};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        assert_near(&b, "gradient", some[i], (double)grads[0]->data[some[i]],
                    slope(&b, &p, 0, some[i], NULL));
}
END_TEST

/* ---- PyTorch ---- */

static void read_numbers(FILE *file, size_t count, double *numbers)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(fscanf(file, "%lf", &numbers[i]), 1);
}

static void read_inputs(FILE *file, batch *b)
{
    double numbers[MOST_ROWS];
    read_numbers(file, b->rows, numbers);
    for (uint32_t i = 0; i < b->rows; i++)
        b->labels->data[i] = (int32_t)numbers[i];
    b->inputs[1] = ag_tensor_create(arena, 2, (uint32_t[]){b->others, b->width});
    for (int input = 0; input < 4; input++) {
        read_numbers(file, b->inputs[input]->size, numbers);
        for (size_t i = 0; i < b->inputs[input]->size; i++)
            b->inputs[input]->data[i] = (float)numbers[i];
    }
}

static void compare_with_file(FILE *file, const batch *b)
{
    double numbers[MOST_ROWS];
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    for (uint32_t i = 0; i < 4; i++)
        grads[i] = empty_like(b->inputs[i]);
    ck_assert_msg(call_tensors(b, out, grads) == AG_OK, "%s", ag_last_error());
    read_numbers(file, 1, numbers);
    assert_near(b, "value", 0, (double)out->data[0], numbers[0]);
    for (uint32_t input = 0; input < 4; input++) {
        read_numbers(file, grads[input]->size, numbers);
        for (size_t i = 0; i < grads[input]->size && input < num_inputs(b); i++)
            assert_near(b, "gradient", 100000 * input + i, (double)grads[input]->data[i],
                        numbers[i]);
    }
}

START_TEST(values_and_gradients_are_those_of_pytorch)
{
    FILE *file = open_vectors("contrastive.txt");
    unsigned which, rows, others, width, soft, divisor, compared = 0, by;
    float parameter, margin;
    while (fscanf(file, "%u %u %u %u %f %f %u %u %u", &which, &rows, &others, &width, &parameter,
                  &margin, &soft, &divisor, &by) == 9) {
        batch b = create_batch((kind)which, rows, width, 1);
        b.others = others;
        b.parameter = parameter;
        b.margin = margin;
        b.soft = soft != 0;
        b.divisor = (ag_divisor)divisor;
        b.similarity = (ag_similarity)by;
        read_inputs(file, &b);
        compare_with_file(file, &b);
        compared++;
    }
    fclose(file);
    ck_assert_uint_eq(compared, 17);
}
END_TEST

void add_values(Suite *suite)
{
    TCase *tests = add_case(suite, "values");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, values_and_gradients_are_those_of_the_definition, 0, KINDS);
    tcase_add_loop_test(tests, a_batch_of_two_rows_and_of_one, 0, KINDS);
    tcase_add_loop_test(tests, several_grains_add_up, 0, KINDS);
    tcase_add_loop_test(tests, long_rows_add_up, 0, KINDS);
    tcase_add_test(tests, values_and_gradients_are_those_of_pytorch);
}
