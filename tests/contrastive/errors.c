/* errors.c: calls with whole batches that are refused, by name. */
#include "config.h"

#include "contrastive/world.h"

#include <math.h>
#include <string.h>

#include "suite.h"

static void assert_refused(const batch *b, ag_status expected, const char *mentioned)
{
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    out->data[0] = 77;
    for (uint32_t i = 0; i < 4; i++) {
        grads[i] = empty_like(b->inputs[i]);
        ag_tensor_fill(grads[i], 77);
    }
    ck_assert_int_eq(call_tensors(b, out, grads), expected);
    ck_assert_msg(strstr(ag_last_error(), mentioned) != NULL, "\"%s\" does not mention %s",
                  ag_last_error(), mentioned);
    assert_equal(out->data[0], 77);
    for (uint32_t i = 0; i < num_inputs(b); i++)
        assert_equal(grads[i]->data[0], 77);
    ck_assert_uint_eq(ag_arena_used(temp), 0);
    ag_variable *leaves[4];
    for (uint32_t i = 0; i < 4; i++)
        leaves[i] = ag_create_leaf(arena, b->inputs[i], true);
    ck_assert_ptr_null(call_graph(b, arena, leaves));
    ck_assert_int_eq(ag_last_status(), expected);
}

static void refuse_second(batch b)
{
    if (num_inputs(&b) == 1) return;
    b.inputs[1] = ag_tensor_create_zeros(arena, 2, (uint32_t[]){5, 4});
    assert_refused(&b, AG_ERROR_SHAPE, "[6, 3]");
    if (num_inputs(&b) == 2) return;
    b = create_batch(b.kind, 6, 3, 1);
    b.inputs[2] = ag_tensor_create_zeros(arena, 1, (uint32_t[]){2});
    assert_refused(&b, AG_ERROR_SHAPE, "scale is [2]");
}

static void refuse_labels(batch b)
{
    ag_indices labels = *b.labels;
    b.labels = &labels;
    labels.size = labels.shape[0] = 5;
    assert_refused(&b, AG_ERROR_SHAPE, "there are 5 labels of 1 dimensions for 6 rows");
    labels = *create_batch(b.kind, 6, 3, 1).labels;
    labels.data = NULL;
    assert_refused(&b, AG_ERROR_NULL, "labels");
    b.labels = NULL;
    assert_refused(&b, AG_ERROR_NULL, "labels");
}

START_TEST(errors_name_what_is_wrong)
{
    batch b = create_batch((kind)_i, 6, 3, 1);
    if (_i <= ALL || _i == SUP_CON || _i == ARCFACE) refuse_labels(b);
    refuse_second(b);
    batch bad = b;
    bad.inputs[0] = ag_tensor_create_zeros(arena, 1, (uint32_t[]){6});
    assert_refused(&bad, AG_ERROR_SHAPE, "must be [rows, features]");
    bad = b;
    bad.parameter = NAN;
    if (_i != CLIP && _i != SIGLIP) assert_refused(&bad, AG_ERROR_ARGUMENT, "nan");
    bad.parameter = HUGE_VALF;
    if (_i != CLIP && _i != SIGLIP) assert_refused(&bad, AG_ERROR_ARGUMENT, "inf");
    bad = b;
    bad.reduction = (ag_reduction)9;
    assert_refused(&bad, AG_ERROR_ARGUMENT, "reduction is 9");
    bad = b;
    bad.similarity = (ag_similarity)7;
    if (_i > ALL && _i != ARCFACE) assert_refused(&bad, AG_ERROR_ARGUMENT, "similarity is 7");
    bad = b;
    bad.divisor = AG_DIVISOR_WEIGHTS;
    if (_i == ALL) assert_refused(&bad, AG_ERROR_ARGUMENT, "divisor is 2");
    bad = b;
    bad.margin = -1;
    if (_i == ARCFACE) assert_refused(&bad, AG_ERROR_ARGUMENT, "margin is -1");
    bad.margin = 3.25f;
    if (_i == ARCFACE) assert_refused(&bad, AG_ERROR_ARGUMENT, "margin is 3.25");
    if (_i == ARCFACE) {
        b.labels->data[3] = 4;
        assert_refused(&b, AG_ERROR_DOMAIN, "labels[3] is 4 but weight has 4 classes");
    }
}
END_TEST

START_TEST(memory_that_is_refused_is_an_error)
{
    batch b = create_batch((kind)_i, 6, 3, 1);
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4] = {NULL};
    ag_arena_set_limit(temp, 64);
    ck_assert_int_eq(call_tensors(&b, out, grads), AG_ERROR_MEMORY);
    ck_assert_uint_eq(ag_arena_used(temp), 0);
}
END_TEST

void add_errors(Suite *suite)
{
    TCase *tests = add_case(suite, "errors");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, errors_name_what_is_wrong, 0, KINDS);
    tcase_add_loop_test(tests, memory_that_is_refused_is_an_error, 0, KINDS);
}
