/* embeddings.c: losses of pairs and triplets of embeddings. */
#include "config.h"

#include "loss_cases/example.h"

#include <math.h>
#include <string.h>

#include "suite.h"

/* ---- cosine ---- */

START_TEST(cosine_of_a_zero_vector_is_zero)
{
    const float *zero = NUMBERS(0, 0, 0), *other = NUMBERS(1, 2, 3);
    const float *first[] = {zero, other, zero}, *second[] = {other, zero, zero};
    for (size_t i = 0; i < 3; i++) {
        result similar = evaluate(cosine(3, first[i], second[i], SIMILAR, 0));
        result different = evaluate(cosine(3, first[i], second[i], DIFFERENT, -0.5f));
        ck_assert(similar.value[0] == 1 && different.value[0] == 0.5f);
        for (size_t k = 0; k < 2; k++) {
            assert_all(3, similar.gradients[k], 0);
            assert_all(3, different.gradients[k], 0);
        }
    }
}
END_TEST

/* Lengths of 1e-20 and 1e20, whose squares float cannot hold. */
START_TEST(cosine_of_tiny_and_huge_vectors_is_exact)
{
    static const float sizes[] = {1e-20f, 1e20f, 1e-38f, 1e38f, 1e-42f};
    const float base_1[] = {3, 1, -2}, base_2[] = {1, 2, 2};
    for (size_t i = 0; i < 5; i++) {
        for (size_t k = 0; k < 5; k++) {
            float x1[3], x2[3];
            for (size_t j = 0; j < 3; j++) {
                x1[j] = base_1[j] * sizes[i];
                x2[j] = base_2[j] * sizes[k];
            }
            assert_agrees(cosine(3, x1, x2, SIMILAR, 0), 1);
            assert_agrees(cosine(3, x1, x2, DIFFERENT, -0.5f), 1);
        }
    }
}
END_TEST

START_TEST(small_cosines_over_the_margin_are_exact)
{
    assert_agrees(cosine(2, NUMBERS(1, 0), NUMBERS(1e-12f, 1), DIFFERENT, 0), 1);
}
END_TEST

START_TEST(cosine_of_identical_embeddings_has_no_loss)
{
    const float *x = NUMBERS(0.1f, -3.7f, 1e-3f, 42.42f, 7e5f);
    result r = evaluate(cosine(5, x, x, SIMILAR, 0));
    ck_assert(r.value[0] == 0);
    assert_all(5, r.gradients[0], 0);
    assert_all(5, r.gradients[1], 0);
    r = evaluate(cosine(5, x, x, DIFFERENT, 0.25f));
    ck_assert(r.value[0] == 0.75f);
    assert_all(5, r.gradients[0], 0);
    assert_all(5, r.gradients[1], 0);
}
END_TEST

/* y = factor · x without rounding: x has 12 bits, and so has the factor. */
static void check_parallel(uint32_t n, unsigned seed, float factor)
{
    float x[100], y[100];
    for (uint32_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u; /* D. Knuth's linear congruence, modulus 2^32 */
        x[i] = (float)(seed >> 20) - 2048;
        y[i] = factor * x[i];
    }
    result r = evaluate(cosine(n, x, y, SIMILAR, 0));
    ck_assert_msg(r.value[0] == 0, "%.9g for %u features times %g", (double)r.value[0], (unsigned)n,
                  (double)factor);
    assert_all(n, r.gradients[0], 0);
    assert_all(n, r.gradients[1], 0);
}

START_TEST(cosine_of_parallel_embeddings_has_no_loss)
{
    static const float factors[] = {1, 2, 3, 0.5f, 7, 1001, 2047, 0x1.356p20f, 0x1.aaap-30f};
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
        for (uint32_t n = 1; n <= 100; n += 3)
            check_parallel(n, 1000 * n, factors[i]);
}
END_TEST

START_TEST(cosine_of_opposite_embeddings_is_minus_one)
{
    const float *x = NUMBERS(1, -2, 3, 5), *opposite = NUMBERS(-7, 14, -21, -35);
    result r = evaluate(cosine(4, x, opposite, SIMILAR, 0));
    ck_assert(r.value[0] == 2);
    assert_all(4, r.gradients[0], 0);
    assert_all(4, r.gradients[1], 0);
    r = evaluate(cosine(4, x, opposite, DIFFERENT, -1));
    ck_assert(r.value[0] == 0);
}
END_TEST

/* 1 - cos is 1e-15 here, and the difference of 1 and the cosine has not one right digit. */
/* Far more features than are worked on at once, the second half of which counts as much. */
START_TEST(cosine_of_long_embeddings_counts_every_feature)
{
    enum { N = 20006 };
    ag_arena *arena = ag_arena_create(0);
    ag_tensor *x1 = ag_tensor_create(arena, 1, (uint32_t[]){N});
    ag_tensor *x2 = ag_tensor_create_zeros(arena, 1, (uint32_t[]){N});
    ag_tensor *label = ag_tensor_create(arena, 1, (uint32_t[]){1});
    ag_tensor_fill(x1, 1);
    ag_tensor_fill(label, SIMILAR);
    for (size_t i = 0; i < N / 2; i++)
        x2->data[i] = 1;
    ag_variable *leaf = ag_create_leaf(arena, x1, true);
    ag_variable *loss =
        ag_cosine_embedding_loss(arena, leaf, ag_create_leaf(arena, x2, false),
                                 ag_create_leaf(arena, label, false), 0, AG_REDUCTION_SUM);
    ck_assert_ptr_nonnull(loss);
    assert_near(loss->data->data[0], 1 - sqrtl(0.5L));
    ck_assert_int_eq(ag_backward(arena, loss), AG_OK);
    assert_near(leaf->grad->data[0], sqrtl(0.5L) / N - sqrtl(2) / N);
    assert_near(leaf->grad->data[N - 1], sqrtl(0.5L) / N);
    ag_arena_destroy(arena);
}
END_TEST

START_TEST(cosine_of_nearly_identical_embeddings_is_exact)
{
    const float x[] = {0.1f, -0.7f, 0.3f, 0.9f};
    for (size_t i = 0; i < 4; i++) {
        float y[4];
        memcpy(y, x, sizeof y);
        y[i] = nextafterf(y[i], 2);
        assert_agrees(cosine(4, x, y, SIMILAR, 0), 2);
        assert_agrees(cosine(4, x, y, DIFFERENT, 0.5f), 2);
    }
}
END_TEST

START_TEST(cosine_sees_the_smallest_angles)
{
    static const float angles[] = {1e-6f, 1e-9f, 1e-12f, 1e-15f, 1e-17f, 1e-18f, 1e-19f, 3e-22f};
    for (size_t i = 0; i < sizeof angles / sizeof *angles; i++)
        assert_agrees(cosine(2, NUMBERS(1, 0), NUMBERS(1, angles[i]), SIMILAR, 0), 2);
}
END_TEST

START_TEST(cosine_stays_between_minus_one_and_one)
{
    for (int i = 0; i < 2000; i++) {
        float x[3], y[3], minus[3];
        for (int j = 0; j < 3; j++) {
            x[j] = (float)((i * 7919 + j * 104729) % 1009 - 504) / 17;
            y[j] = x[j] * (1 + (float)i / 100);
            minus[j] = -y[j];
        }
        float parallel = evaluate(cosine(3, x, y, SIMILAR, 0)).value[0];
        float opposite = evaluate(cosine(3, x, minus, SIMILAR, 0)).value[0];
        ck_assert_msg(parallel >= 0 && parallel < 1e-6f, "1 - cos = %.9g", (double)parallel);
        ck_assert_msg(opposite <= 2 && opposite > 1.999999f, "1 - cos = %.9g", (double)opposite);
    }
}
END_TEST

/* cos = 1/2 exactly: |x1| |x2| = 2 x1·x2, though neither length is a whole number. */
START_TEST(cosine_margin_met_exactly_has_gradient_zero)
{
    static const float sizes[] = {1, 3, 5, 7, 11, 13, 1000003, 1e-20f};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        float s = sizes[i];
        result r = evaluate(cosine(3, NUMBERS(1, 1, 0), NUMBERS(s, 0, s), DIFFERENT, 0.5f));
        ck_assert_msg(r.value[0] == 0, "%.9g at size %g", (double)r.value[0], (double)s);
        assert_all(3, r.gradients[0], 0);
        assert_all(3, r.gradients[1], 0);
    }
}
END_TEST

START_TEST(cosine_margin_of_one_is_met_by_parallel_embeddings)
{
    const float *x = NUMBERS(0.1f, 0.2f, 0.3f), *y = NUMBERS(0.4f, 0.8f, 1.2f);
    result r = evaluate(cosine(3, x, y, DIFFERENT, 1));
    ck_assert(r.value[0] == 0);
    assert_all(3, r.gradients[0], 0);
}
END_TEST

START_TEST(cosine_margin_kept_has_no_loss)
{
    result r = evaluate(cosine(2, NUMBERS(1, 0), NUMBERS(0, 1), DIFFERENT, 0.5f));
    ck_assert(r.value[0] == 0);
    assert_all(2, r.gradients[0], 0);
    assert_all(2, r.gradients[1], 0);
}
END_TEST

START_TEST(cosine_refuses_other_labels)
{
    example e = cosine(2, NUMBERS(1, 0), NUMBERS(0, 1), 0, 0.5f);
    ck_assert_int_eq(status_of(e), AG_ERROR_DOMAIN);
    ck_assert_str_eq(ag_last_error(), "cosine_embedding_loss: target[0] is 0 but must be -1 or 1");
}
END_TEST

START_TEST(cosine_of_a_single_feature_has_gradient_zero)
{
    result r = evaluate(cosine(1, NUMBERS(0.3f), NUMBERS(0.7f), SIMILAR, 0));
    ck_assert(r.value[0] == 0 && r.gradients[0][0] == 0 && r.gradients[1][0] == 0);
    r = evaluate(cosine(1, NUMBERS(0.3f), NUMBERS(-0.7f), SIMILAR, 0));
    ck_assert(r.value[0] == 2 && r.gradients[0][0] == 0 && r.gradients[1][0] == 0);
}
END_TEST

/* ---- triplet ---- */

START_TEST(triplet_has_no_epsilon)
{
    result r = evaluate(triplet(2, NUMBERS(0, 0), NUMBERS(3, 4), NUMBERS(5, 12), 10));
    ck_assert(r.value[0] == 2);
    assert_near(r.gradients[0][0], -0.6L + 5.0L / 13);
    assert_near(r.gradients[1][0], 0.6L);
    assert_near(r.gradients[1][1], 0.8L);
    assert_near(r.gradients[2][0], -5.0L / 13);
    assert_near(r.gradients[2][1], -12.0L / 13);
}
END_TEST

START_TEST(triplet_margin_met_exactly_has_gradient_zero)
{
    result r = evaluate(triplet(2, NUMBERS(0, 0), NUMBERS(3, 4), NUMBERS(6, 8), 5));
    ck_assert(r.value[0] == 0);
    for (size_t k = 0; k < 3; k++)
        assert_all(2, r.gradients[k], 0);
}
END_TEST

START_TEST(triplet_distance_of_zero_has_gradient_zero)
{
    const float *a = NUMBERS(1, 2), *n = NUMBERS(1, 1);
    result r = evaluate(triplet(2, a, a, n, 3));
    ck_assert(r.value[0] == 2);
    assert_all(2, r.gradients[1], 0);
    ck_assert(r.gradients[0][0] == 0 && r.gradients[0][1] == -1);
    ck_assert(r.gradients[2][0] == 0 && r.gradients[2][1] == 1);
    r = evaluate(triplet(2, a, a, a, 3));
    ck_assert(r.value[0] == 3);
    for (size_t k = 0; k < 3; k++)
        assert_all(2, r.gradients[k], 0);
}
END_TEST

START_TEST(triplet_of_equal_distances_is_the_margin)
{
    const float *p = NUMBERS(1.1f, 2.2f), *n = NUMBERS(2.2f, 1.1f);
    result r = evaluate(triplet(2, NUMBERS(0, 0), p, n, 0.2f));
    ck_assert(r.value[0] == 0.2f);
}
END_TEST

START_TEST(triplet_of_nearly_equal_distances_is_exact)
{
    const float a[] = {0.1f, 0.2f, 0.3f}, p[] = {0.5f, -0.7f, 0.9f};
    float n[3];
    memcpy(n, p, sizeof n);
    n[0] = nextafterf(n[0], 0);
    assert_agrees(triplet(3, a, p, n, 0), 1);
    assert_agrees(triplet(3, a, p, n, 1e-8f), 1);
    assert_agrees(triplet(3, a, n, p, 1), 1);
}
END_TEST

START_TEST(triplet_of_tiny_and_huge_distances_is_exact)
{
    static const float sizes[] = {1e-20f, 1e20f, 1e38f, 1e-44f};
    for (size_t i = 0; i < 4; i++) {
        float s = sizes[i];
        assert_agrees(triplet(2, NUMBERS(0, s), NUMBERS(2 * s, 0), NUMBERS(s, s), 0), 1);
    }
}
END_TEST

START_TEST(triplet_gradient_reaches_all_three)
{
    result r = evaluate(triplet(2, NUMBERS(0, 0), NUMBERS(1, 0), NUMBERS(0, 1), 1));
    ck_assert(r.value[0] == 1);
    ck_assert(r.gradients[0][0] == -1 && r.gradients[0][1] == 1);
    ck_assert(r.gradients[1][0] == 1 && r.gradients[1][1] == 0);
    ck_assert(r.gradients[2][0] == 0 && r.gradients[2][1] == -1);
}
END_TEST

void add_embeddings(Suite *suite)
{
    TCase *tests = add_case(suite, "embeddings");
    tcase_add_test(tests, cosine_of_a_zero_vector_is_zero);
    tcase_add_test(tests, cosine_of_tiny_and_huge_vectors_is_exact);
    tcase_add_test(tests, small_cosines_over_the_margin_are_exact);
    tcase_add_test(tests, cosine_of_identical_embeddings_has_no_loss);
    tcase_add_test(tests, cosine_of_parallel_embeddings_has_no_loss);
    tcase_add_test(tests, cosine_of_opposite_embeddings_is_minus_one);
    tcase_add_test(tests, cosine_of_long_embeddings_counts_every_feature);
    tcase_add_test(tests, cosine_of_nearly_identical_embeddings_is_exact);
    tcase_add_test(tests, cosine_sees_the_smallest_angles);
    tcase_add_test(tests, cosine_stays_between_minus_one_and_one);
    tcase_add_test(tests, cosine_margin_met_exactly_has_gradient_zero);
    tcase_add_test(tests, cosine_margin_of_one_is_met_by_parallel_embeddings);
    tcase_add_test(tests, cosine_margin_kept_has_no_loss);
    tcase_add_test(tests, cosine_refuses_other_labels);
    tcase_add_test(tests, cosine_of_a_single_feature_has_gradient_zero);
    tcase_add_test(tests, triplet_has_no_epsilon);
    tcase_add_test(tests, triplet_margin_met_exactly_has_gradient_zero);
    tcase_add_test(tests, triplet_distance_of_zero_has_gradient_zero);
    tcase_add_test(tests, triplet_of_equal_distances_is_the_margin);
    tcase_add_test(tests, triplet_of_nearly_equal_distances_is_exact);
    tcase_add_test(tests, triplet_of_tiny_and_huge_distances_is_exact);
    tcase_add_test(tests, triplet_gradient_reaches_all_three);
}
