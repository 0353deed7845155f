/* edges.c: batches where care is needed: cancellation, zeros, NaN, margins met exactly, large logits. */
#include "config.h"

#include "contrastive/world.h"

#include <math.h>

#include "suite.h"

/*
 * Rows around a far centre, in tight clusters of two labels each, and a margin of the clusters' size: all
 * depends on distances that |x|² + |y|² - 2 x·y alone has no digits for.
 */
START_TEST(small_distances_keep_their_digits)
{
    const uint32_t width = _i < NCE ? 3 : 19;
    batch b = create_batch((kind)(_i % NCE), 24, width, 17);
    b.parameter = b.kind == PAIRS ? 0.02f : 0.005f;
    for (size_t i = 0; i < b.inputs[0]->size; i++) {
        size_t row = i / width;
        b.labels->data[row] = (int32_t)(row % 10);
        float cluster = (float)(row % 5), noise = b.inputs[0]->data[i];
        b.inputs[0]->data[i] = 1000 + cluster + 0.0009765625f * roundf(4 * noise);
    }
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    compute_bits(&b, out, grads);
    static point p;
    p = point_of(&b);
    double expected = reference(&b, &p, NULL), largest = 0;
    ck_assert_double_gt(expected, 0);
    ck_assert_double_le(fabs((double)out->data[0] - expected), 1e-5 * expected);
    for (size_t i = 0; i < grads[0]->size; i++)
        largest = fmax(largest, fabs((double)grads[0]->data[i]));
    size_t compared = 0;
    for (size_t i = 0; i < grads[0]->size; i++) {
        double at = p.x[i], found = (double)grads[0]->data[i], whole = slope(&b, &p, 0, i, NULL);
        p.x[i] = at + 2e-5; /* a kink is where the slope jumps within a step */
        double beside = slope(&b, &p, 0, i, NULL);
        p.x[i] = at;
        if (fabs(whole - beside) > 0.02 * largest) continue;
        ck_assert_msg(fabs(found - whole) <= 1e-3 * largest, "%s: %zu: %g, not %g", names[b.kind],
                      i, found, whole);
        compared++;
    }
    ck_assert_uint_gt(compared, grads[0]->size / 2);
}
END_TEST

static void assert_close(double found, double expected)
{
    ck_assert_msg(fabs(found - expected) <= 1e-6 * fabs(expected), "%g is not %g", found, expected);
}

/* Products of such small floats have no digits: all depends on differences. */
START_TEST(small_rows_keep_their_digits)
{
    const float rows[] = {0, 3, -1, -2}, gradient[] = {-4, 2, 1, 1};
    ag_tensor *x = ag_tensor_create(arena, 2, (uint32_t[]){4, 1});
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1});
    ag_tensor *grad = ag_tensor_create(arena, 2, (uint32_t[]){4, 1});
    ag_indices *labels = ag_indices_create_from(arena, 1, (uint32_t[]){4}, (int32_t[]){0, 0, 1, 1});
    for (int exponent = 0; exponent >= -118; exponent--) { /* down to 3e-36 */
        float size = ldexpf(1, exponent);                  /* so that equal distances stay so */
        for (int i = 0; i < 4; i++)
            x->data[i] = size * rows[i];
        ck_assert_int_eq(
            ag_tensor_batch_all_triplet_loss_value_and_grad(arena, out, grad, x, labels, 0, false,
                                                            AG_DIVISOR_AUTO, AG_REDUCTION_SUM),
            AG_OK);
        ck_assert_msg(fabsf(out->data[0] / size - 3) < 1e-5f, "2^%d: %g", exponent,
                      (double)(out->data[0] / size));
        for (int i = 0; i < 4; i++)
            ck_assert_msg(fabsf(grad->data[i] - gradient[i]) < 1e-5f, "2^%d: %g", exponent,
                          (double)grad->data[i]);
    }
}
END_TEST

START_TEST(equal_rows_and_rows_of_zeros_have_gradients_that_are_numbers)
{
    batch b = create_batch((kind)_i, 12, 3, 19);
    memset(b.inputs[0]->data, 0, 4 * 3 * sizeof(float));
    memcpy(b.inputs[0]->data + 15, b.inputs[0]->data + 12, 3 * sizeof(float));
    memcpy(b.inputs[0]->data + 18, b.inputs[0]->data + 12, 3 * sizeof(float));
    b.labels->data[4] = b.labels->data[5] = 1;
    b.labels->data[6] = 2;
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    compute_bits(&b, out, grads);
    ck_assert(isfinite(out->data[0]));
    for (uint32_t i = 0; i < num_inputs(&b); i++)
        for (size_t k = 0; k < grads[i]->size; k++)
            ck_assert(isfinite(grads[i]->data[k]));
    for (size_t k = 0; k < 12 && _i > ALL; k++)
        assert_equal(grads[0]->data[k], 0);
}
END_TEST

START_TEST(nan_reaches_value_and_gradient)
{
    batch b = create_batch((kind)_i, 12, 3, 23);
    for (uint32_t input = 0; input < num_inputs(&b); input++) {
        ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
        float kept = b.inputs[input]->data[0];
        b.inputs[input]->data[0] = NAN;
        compute_bits(&b, out, grads);
        ck_assert_msg(isnan(out->data[0]), "%s: value of input %u", names[_i], (unsigned)input);
        ck_assert_msg(isnan(grads[input]->data[0]), "%s: gradient of %u", names[_i],
                      (unsigned)input);
        b.inputs[input]->data[0] = kept;
    }
}
END_TEST

START_TEST(margins_met_exactly_have_no_gradient)
{
    const uint32_t rows = 2;
    batch b = create_batch(PAIRS, rows, 1, 1);
    b.parameter = 2;
    memcpy(b.inputs[0]->data, (float[]){1, 3}, 2 * sizeof(float));
    memcpy(b.labels->data, (int32_t[]){1, 2}, 2 * sizeof(int32_t));
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    compute_bits(&b, out, grads);
    assert_equal(out->data[0], 0);
    assert_equal(grads[0]->data[0], 0);
    assert_equal(grads[0]->data[1], 0);
}
END_TEST

/*
 * Pairs of equal unit vectors, at right angles to all others, so that each row is certain but for
 * m e^(-1/τ), m being the number of the others. Some 0 is all that 1 + that can tell.
 */
START_TEST(certain_pairs_keep_their_digits)
{
    static const float scales[] = {10, 30, 50, 80};
    enum { PAIRED = 4 };
    ag_tensor *rows[2], *out = ag_tensor_create(arena, 1, (uint32_t[]){1});
    for (int i = 0; i < 2; i++) {
        rows[i] = ag_tensor_create_zeros(arena, 2, (uint32_t[]){PAIRED, PAIRED});
        for (int k = 0; k < PAIRED; k++)
            rows[i]->data[k * PAIRED + k] = 1;
    }
    ag_tensor *both = ag_tensor_create_zeros(arena, 2, (uint32_t[]){2 * PAIRED, PAIRED});
    ag_indices *labels = ag_indices_create(arena, 1, (uint32_t[]){2 * PAIRED});
    for (int k = 0; k < 2 * PAIRED; k++) {
        labels->data[k] = k % PAIRED;
        both->data[k * PAIRED + k % PAIRED] = 1;
    }
    ag_tensor *scale = ag_tensor_create(arena, 1, (uint32_t[]){1});
    ag_tensor *of_scale = ag_tensor_create(arena, 1, (uint32_t[]){1});
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        double tail = exp(-(double)scales[i]);
        scale->data[0] = scales[i];
        ck_assert_int_eq(ag_tensor_clip_loss_value_and_grad(arena, out, NULL, NULL, of_scale,
                                                            rows[0], rows[1], scale,
                                                            AG_SIMILARITY_DOT, AG_REDUCTION_MEAN),
                         AG_OK);
        assert_close((double)out->data[0], log1p((PAIRED - 1) * tail));
        assert_close((double)of_scale->data[0], -(PAIRED - 1) * tail / (1 + (PAIRED - 1) * tail));
        ck_assert_int_eq(ag_tensor_sup_con_loss_value_and_grad(arena, out, NULL, both, labels,
                                                               1 / scales[i], AG_SIMILARITY_DOT,
                                                               AG_REDUCTION_MEAN),
                         AG_OK);
        tail = exp(-1 / (double)(1 / scales[i]));
        assert_close((double)out->data[0], log1p(2 * (PAIRED - 1) * tail));
    }
}
END_TEST

START_TEST(large_logits_stay_exact)
{
    batch b = create_batch((kind)_i, 6, 3, 29);
    if (_i == ARCFACE) b.parameter = 3e4f;
    if (_i == NCE || _i == NT_XENT || _i == SUP_CON) b.parameter = 1e-4f;
    b.inputs[2]->data[0] = 1e4f;
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    compute_bits(&b, out, grads);
    ck_assert(isfinite(out->data[0]));
    for (uint32_t i = 0; i < num_inputs(&b); i++)
        for (size_t k = 0; k < grads[i]->size; k++)
            ck_assert(isfinite(grads[i]->data[k]));
}
END_TEST

void add_edges(Suite *suite)
{
    TCase *tests = add_case(suite, "edges");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, small_distances_keep_their_digits, 0, 2 * NCE);
    tcase_add_test(tests, small_rows_keep_their_digits);
    tcase_add_loop_test(tests, equal_rows_and_rows_of_zeros_have_gradients_that_are_numbers, 0,
                        KINDS);
    tcase_add_loop_test(tests, nan_reaches_value_and_gradient, 0, KINDS);
    tcase_add_test(tests, margins_met_exactly_have_no_gradient);
    tcase_add_test(tests, certain_pairs_keep_their_digits);
    tcase_add_loop_test(tests, large_logits_stay_exact, NCE, KINDS);
}
