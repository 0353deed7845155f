/* triplets.c: options of triplets. */
#include "config.h"

#include "options/world.h"

#include <math.h>

#include "suite.h"

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

/* Of which the anchor's gradient has one component that is x²/2, and that cancels in the unit vectors. */
START_TEST(weights_cost_no_digits_of_nearly_equal_distances)
{
    const float x = 1e-6f;
    ag_tensor *t[] = {matrix(1, 2, NUMBERS(0, 0)), matrix(1, 2, NUMBERS(1, x)),
                      matrix(1, 2, NUMBERS(1, 0))};
    ag_tensor *outs[] = {matrix(1, 2, NUMBERS(0, 0)), matrix(1, 2, NUMBERS(0, 0)),
                         matrix(1, 2, NUMBERS(0, 0))};
    triplet(t, outs, (ag_loss_options){.weights = vector(1, NUMBERS(1))});
    double expected = (double)x * (double)x / 2;
    assert_near((double)outs[0]->data[0] / expected, 1, 1e-6);
}
END_TEST

START_TEST(distances_are_euclids_if_no_norm_is_given)
{
    ag_tensor *t[] = {matrix(1, 2, NUMBERS(0, 1)), matrix(1, 2, NUMBERS(3, 5)),
                      matrix(1, 2, NUMBERS(2, -1))};
    ag_tensor *outs[] = {like(t[0]), like(t[0]), like(t[0])};
    float given = triplet(t, outs, (ag_loss_options){.swap = true, .norm = 2})->data[0];
    ck_assert(triplet(t, outs, (ag_loss_options){.swap = true})->data[0] == given && given > 0);
}
END_TEST

void add_triplets(Suite *suite)
{
    TCase *tests = add_case(suite, "triplets");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, distances_are_euclids_if_no_norm_is_given);
    tcase_add_test(tests, weights_cost_no_digits_of_nearly_equal_distances);
    tcase_add_test(tests, identical_embeddings);
    tcase_add_test(tests, nonzero_divides_by_the_triplets_that_are_not_yet_apart);
    tcase_add_test(tests, soft_margin_is_the_logarithm);
}
