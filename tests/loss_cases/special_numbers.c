/* special_numbers.c: infinities, NaN and denormal numbers in every loss. */
#include "config.h"

#include "loss_cases/example.h"

#include <math.h>
#include <string.h>

#include "suite.h"

/* ---- infinities ---- */

START_TEST(infinite_differences_give_the_limit)
{
    static const char *const losses[] = {"mse_loss", "l1_loss"};
    for (size_t i = 0; i < 2; i++) {
        float slope = i == 0 ? INFINITY : 1;
        result r = pair_of_one(losses[i], INFINITY, 1);
        ck_assert(r.value[0] == INFINITY && r.gradients[0][0] == slope);
        r = pair_of_one(losses[i], 1, INFINITY);
        ck_assert(r.value[0] == INFINITY && r.gradients[0][0] == -slope);
        r = pair_of_one(losses[i], INFINITY, INFINITY);
        ck_assert(isnan(r.value[0]) && isnan(r.gradients[0][0]));
    }
    result r = evaluate(huber(2, NUMBERS(INFINITY, -INFINITY), NUMBERS(0, 0), 0.5f));
    ck_assert(r.value[0] == INFINITY && r.value[1] == INFINITY);
    ck_assert(r.gradients[0][0] == 0.5f && r.gradients[0][1] == -0.5f);
}
END_TEST

START_TEST(infinite_weights_give_the_limit)
{
    result r = evaluate(single("l2_loss", 1, NUMBERS(-INFINITY), AG_REDUCTION_SUM));
    ck_assert(r.value[0] == INFINITY && r.gradients[0][0] == -INFINITY);
    r = evaluate(single("l1_regularization", 1, NUMBERS(-INFINITY), AG_REDUCTION_SUM));
    ck_assert(r.value[0] == INFINITY && r.gradients[0][0] == -1);
}
END_TEST

/* With one infinite component the direction has a limit, with two it has none. */
START_TEST(cosine_of_infinite_components_gives_the_limit)
{
    const float *y = NUMBERS(3, 4);
    result r = evaluate(cosine(2, NUMBERS(INFINITY, 7), y, SIMILAR, 0));
    assert_near(r.value[0], 0.4L);
    assert_all(2, r.gradients[0], 0);
    r = evaluate(cosine(2, NUMBERS(7, -INFINITY), y, SIMILAR, 0));
    assert_near(r.value[0], 1.8L);
    r = evaluate(cosine(2, y, NUMBERS(INFINITY, 7), SIMILAR, 0));
    assert_near(r.value[0], 0.4L);
    assert_all(2, r.gradients[1], 0);
    r = evaluate(cosine(2, NUMBERS(INFINITY, INFINITY), y, SIMILAR, 0));
    ck_assert(isnan(r.value[0]) && isnan(r.gradients[0][0]));
    r = evaluate(cosine(2, y, NUMBERS(INFINITY, INFINITY), SIMILAR, 0));
    ck_assert(isnan(r.value[0]) && isnan(r.gradients[1][0]));
}
END_TEST

START_TEST(triplet_of_infinite_components_gives_the_limit)
{
    const float *a = NUMBERS(0, 0), *far = NUMBERS(INFINITY, 0), *near = NUMBERS(0, 1);
    result r = evaluate(triplet(2, a, far, near, 1));
    ck_assert(r.value[0] == INFINITY);
    ck_assert(r.gradients[1][0] == 1 && r.gradients[1][1] == 0);
    r = evaluate(triplet(2, a, near, far, 1));
    ck_assert(r.value[0] == 0);
    for (size_t k = 0; k < 3; k++)
        assert_all(2, r.gradients[k], 0);
    r = evaluate(triplet(2, a, far, far, 1));
    ck_assert(isnan(r.value[0]));
    /* a second difference is beyond float, but not infinite */
    r = evaluate(triplet(2, NUMBERS(0, 3e38f), NUMBERS(INFINITY, -3e38f), NUMBERS(0, 0), 1));
    ck_assert(r.gradients[1][0] == 1 && r.gradients[1][1] == 0);
}
END_TEST

enum { LONG_ROW = 1100, FAR_IN = 1050 }; /* beyond the pieces in which a row is computed */

/* Two rows: the first of plain numbers, the second with an infinity far in. */
static const float *two_rows(float *rows, float first, float infinity)
{
    for (size_t i = 0; i < 2 * LONG_ROW; i++)
        rows[i] = i < LONG_ROW ? first : 0;
    rows[LONG_ROW + FAR_IN] = infinity;
    return rows;
}

static void assert_limit_far_in(float first_anchor, float anchor, float first_other, float other,
                                float expected)
{
    static float a[2 * LONG_ROW], p[2 * LONG_ROW], grads[2][2 * LONG_ROW];
    ag_arena *arena = ag_arena_create(0);
    const uint32_t shape[] = {2, LONG_ROW};
    ag_tensor *anchors = ag_tensor_wrap(arena, 2, shape, a);
    ag_tensor *others = ag_tensor_wrap(arena, 2, shape, p);
    ag_tensor *out = ag_tensor_wrap(arena, 2, shape, grads[0]);
    ag_tensor *same = ag_tensor_wrap(arena, 2, shape, grads[1]), *one = ones_like(arena, out);
    one->size = one->shape[0] = one->ndims = 1;
    two_rows(a, first_anchor, anchor);
    two_rows(p, first_other, other);
    ag_tensor *near = ag_tensor_create_zeros(arena, 2, shape);
    ck_assert_int_eq(ag_tensor_triplet_loss_grad(NULL, out, NULL, anchors, others, near, one, 1,
                                                 AG_REDUCTION_SUM),
                     AG_OK);
    ck_assert_int_eq(ag_tensor_triplet_loss_grad(NULL, NULL, same, anchors, others, others, one, 1,
                                                 AG_REDUCTION_SUM),
                     AG_OK);
    ck_assert_msg(grads[0][LONG_ROW + FAR_IN] == expected, "%g instead of %g",
                  (double)grads[0][LONG_ROW + FAR_IN], (double)expected);
    ck_assert(grads[1][LONG_ROW + FAR_IN] == -expected); /* the loss is NaN, its slopes are not */
    ag_arena_destroy(arena);
}

START_TEST(triplet_finds_an_infinite_component_wherever_it_is)
{
    assert_limit_far_in(-5, INFINITY, 0, 0, -1);
    assert_limit_far_in(5, -INFINITY, 0, 0, 1);
    assert_limit_far_in(-5, 0, 100, -INFINITY, -1);
    assert_limit_far_in(5, 0, -100, INFINITY, 1);
}
END_TEST

START_TEST(nan_label_of_cosine_is_not_masked_by_a_flat_gradient)
{
    static const float zero[] = {0, 0}, x[] = {1, 2}, twice[] = {2, 4}, label = NAN;
    const float *pairs[][2] = {{zero, x}, {x, twice}};
    for (size_t i = 0; i < 2; i++) {
        example e = {"cosine_embedding_loss", 0, 2, {pairs[i][0], pairs[i][1], &label},
                     AG_REDUCTION_SUM,        0};
        result r = evaluate(e);
        ck_assert(isnan(r.value[0]));
        for (size_t k = 0; k < 4; k++)
            ck_assert(isnan(r.gradients[k / 2][k % 2]));
    }
}
END_TEST

/* What a row gives depends on nothing but the row. */
START_TEST(rows_do_not_depend_on_the_rows_around_them)
{
    static const char *const losses[] = {"cross_entropy_loss", "nll_loss", "triplet_loss"};
    enum { ROWS = 5, COLUMNS = 3 };
    float x[3][ROWS * COLUMNS];
    ag_random random = ag_random_create(3);
    for (size_t i = 0; i < 3 * ROWS * COLUMNS; i++)
        x[i / (ROWS * COLUMNS)][i % (ROWS * COLUMNS)] = ag_random_normal(&random, 0, 2);
    for (size_t k = 0; k < 3; k++) {
        example all = {losses[k], ROWS, COLUMNS, {x[0], x[1], x[2]}, AG_REDUCTION_NONE, 1};
        result together = evaluate(all);
        for (size_t row = 0; row < ROWS; row++) {
            size_t at = row * COLUMNS;
            example one = {losses[k],        0, COLUMNS, {x[0] + at, x[1] + at, x[2] + at},
                           AG_REDUCTION_SUM, 1};
            result alone = evaluate(one);
            ck_assert_mem_eq(&alone.value[0], &together.value[row], sizeof(float));
            ck_assert_mem_eq(alone.gradients[0], together.gradients[0] + at,
                             COLUMNS * sizeof(float));
        }
    }
}
END_TEST

/* ---- NaN ---- */

typedef enum nan_range {
    REACHES_NOTHING,
    REACHES_ELEMENT,
    REACHES_LABEL, /* the element, and of its row the labels; from a label all that are none */
    REACHES_ROW
} nan_range;

/* How far NaN in one input reaches in the gradient to another: what that gradient is made of. */
typedef struct nan_reach {
    const char *loss;
    nan_range reaches[AG__MAX_INPUTS][AG__MAX_INPUTS]; /* [input with NaN][gradient] */
} nan_reach;

static const nan_reach nan_reaches[] = {
    {"mse_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"l1_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"huber_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"bce_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"bce_with_logits_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"cross_entropy_loss", {{REACHES_ROW}, {REACHES_ROW}}},
    {"cross_entropy_labels_loss", {{REACHES_ROW}}},
    {"nll_loss", {{REACHES_NOTHING}, {REACHES_ELEMENT}}},
    {"nll_labels_loss", {{REACHES_NOTHING}}},
    {"kl_div_loss", {{REACHES_NOTHING}, {REACHES_ELEMENT}}},
    {"hinge_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"l2_loss", {{REACHES_ELEMENT}}},
    {"l1_regularization", {{REACHES_ELEMENT}}},
    {"cosine_embedding_loss",
     {{REACHES_ROW, REACHES_ROW}, {REACHES_ROW, REACHES_ROW}, {REACHES_ROW, REACHES_ROW}}},
    {"smooth_l1_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"soft_margin_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"hinge_embedding_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"margin_ranking_loss",
     {{REACHES_ELEMENT, REACHES_ELEMENT},
      {REACHES_ELEMENT, REACHES_ELEMENT},
      {REACHES_ELEMENT, REACHES_ELEMENT}}},
    {"poisson_nll_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"gaussian_nll_loss",
     {{REACHES_ELEMENT, REACHES_ELEMENT},
      {REACHES_ELEMENT, REACHES_ELEMENT},
      {REACHES_ELEMENT, REACHES_ELEMENT}}},
    {"log_cosh_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"quantile_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"squared_hinge_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"focal_with_logits_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"focal_loss", {{REACHES_ROW}, {REACHES_ROW}}},
    {"generalized_cross_entropy_loss", {{REACHES_ROW}, {REACHES_ROW}}},
    {"dice_loss", {{REACHES_ROW}, {REACHES_ROW}}},
    {"tversky_loss", {{REACHES_ROW}, {REACHES_ROW}}},
    {"jensen_shannon_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"distillation_loss", {{REACHES_ROW}, {REACHES_ROW}}},
    {"multilabel_soft_margin_loss", {{REACHES_ELEMENT}, {REACHES_ELEMENT}}},
    {"multi_margin_loss", {{REACHES_LABEL}}},
    {"multilabel_margin_loss", {{REACHES_LABEL}}},
    {"triplet_loss",
     {{REACHES_ROW, REACHES_ROW, REACHES_ROW},
      {REACHES_ROW, REACHES_ROW, REACHES_NOTHING},
      {REACHES_ROW, REACHES_NOTHING, REACHES_ROW}}},
};

static const nan_reach *nan_reach_of(const char *loss)
{
    for (size_t i = 0; i < sizeof nan_reaches / sizeof *nan_reaches; i++)
        if (strcmp(nan_reaches[i].loss, loss) == 0) return &nan_reaches[i];
    ck_abort_msg("%s: where does NaN go in its gradients? Add it to nan_reaches", loss);
    return NULL;
}

static bool is_row_loss(const op_case *c)
{
    op_case none = *c;
    none.reduction = AG_REDUCTION_NONE;
    ag_arena *arena = ag_arena_create(0);
    op_arguments arguments = op_create_inputs(&none, arena);
    op_oracle oracle = op_oracle_create(&none, &arguments);
    bool by_rows = op_result_shape(&oracle).ndims < c->shapes[0].ndims;
    op_oracle_destroy(&oracle);
    ag_arena_destroy(arena);
    return by_rows;
}

typedef struct nan_place {
    const op_case *spec;
    uint32_t input;
    size_t index, row; /* of the NaN */
    const op_arguments *arguments;
    bool by_rows;
} nan_place;

static void assert_nan_in_value(const nan_place *place, const ag_tensor *value)
{
    size_t expected = place->by_rows ? place->row : place->index;
    for (size_t i = 0; i < value->size; i++) {
        bool wanted = value->size == 1 || i == expected;
        ck_assert_msg(isnan(value->data[i]) == wanted, "%s: NaN in %s at %zu: value %zu is %g",
                      op_describe(place->spec).text,
                      place->spec->entry->op->input_names[place->input], place->index, i,
                      (double)value->data[i]);
    }
}

/* Whether an element is of a class that is a label of its row. */
static bool is_labelled(const op_arguments *arguments, size_t index)
{
    const ag_tensor *x = arguments->tensors[0];
    const ag_indices *labels = arguments->indices;
    size_t columns = x->shape[1], each = labels->size / x->shape[0];
    for (size_t k = 0; k < each; k++) {
        int32_t label = labels->data[index / columns * each + k];
        if (label < 0) break;
        if ((size_t)label == index % columns) return true;
    }
    return false;
}

/* Whether one of two elements of a row is a label of it and the other is not. */
static bool are_compared(const op_arguments *arguments, size_t i, size_t j)
{
    return is_labelled(arguments, i) != is_labelled(arguments, j);
}

static void assert_nan_in_gradient(const nan_place *place, uint32_t output, const ag_tensor *grad)
{
    const char *loss = place->spec->entry->name;
    nan_range reach = nan_reach_of(loss)->reaches[place->input][output];
    size_t columns = grad->shape[grad->ndims - 1];
    for (size_t i = 0; i < grad->size; i++) {
        bool in_row = i / columns == place->row;
        bool wanted =
            (reach == REACHES_ELEMENT && i == place->index) || (reach == REACHES_ROW && in_row) ||
            (reach == REACHES_LABEL &&
             (i == place->index || (in_row && are_compared(place->arguments, i, place->index))));
        bool may = reach == REACHES_NOTHING && i / columns == place->row;
        ck_assert_msg(may || isnan(grad->data[i]) == wanted,
                      "%s: NaN in %s at %zu: gradient to %s at %zu is %g",
                      op_describe(place->spec).text,
                      place->spec->entry->op->input_names[place->input], place->index,
                      place->spec->entry->op->input_names[output], i, (double)grad->data[i]);
    }
}

/* The element of the same row that the label chooses. */
static size_t at_label(const op_arguments *arguments, size_t index)
{
    size_t columns = arguments->tensors[0]->shape[1], row = index / columns;
    return row * columns + (size_t)arguments->indices->data[row];
}

static void check_nan_at(const op_case *c, uint32_t input, size_t index)
{
    ag_arena *arena = ag_arena_create(0);
    op_arguments arguments = op_create_inputs(c, arena);
    ag_tensor *tensor = arguments.tensors[input];
    if (strcmp(c->entry->name, "nll_labels_loss") == 0) /* reads no other */
        index = at_label(&arguments, index);
    tensor->data[index] = NAN;
    size_t columns = c->entry->op->labels_rows && input == 2 ? 1 : c->shapes[0].dims[1];
    nan_place place = {c, input, index, index / columns, &arguments, is_row_loss(c)};
    op_create_leaves(&arguments, arena, true);
    ag_variable *loss = c->entry->graph(arena, &arguments);
    ck_assert_msg(loss != NULL, "%s", ag_last_error());
    assert_nan_in_value(&place, loss->data);
    ck_assert_int_eq(ag_backward_from(arena, loss, ones_like(arena, loss->data)), AG_OK);
    for (uint32_t k = 0; k < c->entry->op->num_differentiable; k++)
        assert_nan_in_gradient(&place, k, arguments.variables[k]->grad);
    ag_arena_destroy(arena);
}

START_TEST(nan_in_any_position_goes_into_loss_and_gradient)
{
    op_case c;
    for (size_t k = 0; op_case_at(&op_entries[_i], OP_SMALL, k, &c); k++) {
        if (c.shapes[0].ndims != 2 || c.shapes[0].dims[0] != 3) continue;
        for (uint32_t i = 0; i < c.entry->op->num_inputs; i++) {
            size_t size =
                (size_t)c.shapes[i].dims[0] * (c.shapes[i].ndims > 1 ? c.shapes[i].dims[1] : 1);
            for (size_t index = 0; index < size; index++)
                check_nan_at(&c, i, index);
        }
    }
}
END_TEST

START_TEST(nan_is_not_masked_by_a_margin)
{
    result hinge = pair_of_one("hinge_loss", NAN, 1);
    ck_assert(isnan(hinge.value[0]) && isnan(hinge.gradients[0][0]));
    const float *x = NUMBERS(1, NAN), *y = NUMBERS(-1, 0), *zero = NUMBERS(0, 0);
    result pair = evaluate(cosine(2, x, y, DIFFERENT, 0.9f));
    ck_assert(isnan(pair.value[0]) && isnan(pair.gradients[0][0]) && isnan(pair.gradients[1][1]));
    result with_zero = evaluate(cosine(2, x, zero, SIMILAR, 0));
    ck_assert(isnan(with_zero.value[0]) && isnan(with_zero.gradients[0][0]));
    result three = evaluate(triplet(2, y, y, x, -100));
    ck_assert(isnan(three.value[0]) && isnan(three.gradients[0][0]));
    ck_assert(isnan(three.gradients[2][0]));
}
END_TEST

/* A target of 0 hides an infinite logarithm, but not NaN. */
START_TEST(nan_is_not_masked_by_a_target_of_zero)
{
    ck_assert(isnan(pair_of_one("kl_div_loss", NAN, 0).value[0]));
    const float *logits = NUMBERS(1, NAN, 2), *target = NUMBERS(1, 0, 0);
    ck_assert(isnan(evaluate(cross_entropy(3, logits, target)).value[0]));
    ck_assert(isnan(evaluate(pair("nll_loss", 3, logits, target, AG_REDUCTION_SUM)).value[0]));
    ck_assert(isnan(pair_of_one("bce_with_logits_loss", NAN, 0).value[0]));
    ck_assert(isnan(pair_of_one("bce_loss", NAN, 0).value[0]));
}
END_TEST

/* ---- denormals ---- */

START_TEST(denormal_numbers_keep_their_value)
{
    const float d = 1e-45f, big = 1e-39f;
    ck_assert(pair_of_one("l1_loss", 3 * d, d).value[0] == 2 * d);
    ck_assert(pair_of_one("l1_loss", 3 * d, d).gradients[0][0] == 1);
    ck_assert(pair_of_one("mse_loss", big, 0).gradients[0][0] == 2 * big);
    ck_assert(evaluate(single("l2_loss", 1, &d, AG_REDUCTION_SUM)).gradients[0][0] == d);
    ck_assert(evaluate(single("l1_regularization", 1, &big, AG_REDUCTION_SUM)).value[0] == big);
    ck_assert(pair_of_one("nll_loss", -big, 1).value[0] == big);
    ck_assert(evaluate(huber(1, &big, NUMBERS(0), 1)).gradients[0][0] == big);
    ck_assert(pair_of_one("hinge_loss", 1, 1).value[0] == 0);
    assert_near(pair_of_one("kl_div_loss", 0, big).value[0],
                (long double)big * logl((long double)big));
    ck_assert(pair_of_one("kl_div_loss", 0, big).gradients[0][0] == -big);
    assert_near(pair_of_one("bce_loss", big, 1).value[0], -logl((long double)big));
}
END_TEST

/* 2 · 1.2e-38 / 8 is denormal: it is neither flushed to 0 nor rounded twice. */
START_TEST(gradients_become_denormal)
{
    float pred[8] = {1.2e-38f}, target[8] = {0};
    result r = evaluate(pair("mse_loss", 8, pred, target, AG_REDUCTION_MEAN));
    ck_assert(r.gradients[0][0] == 0.25f * 1.2e-38f);
}
END_TEST

void add_special_numbers(Suite *suite)
{
    TCase *tests = add_case(suite, "special numbers");
    tcase_add_test(tests, infinite_differences_give_the_limit);
    tcase_add_test(tests, infinite_weights_give_the_limit);
    tcase_add_test(tests, cosine_of_infinite_components_gives_the_limit);
    tcase_add_test(tests, triplet_of_infinite_components_gives_the_limit);
    tcase_add_test(tests, triplet_finds_an_infinite_component_wherever_it_is);
    tcase_add_test(tests, nan_label_of_cosine_is_not_masked_by_a_flat_gradient);
    tcase_add_test(tests, rows_do_not_depend_on_the_rows_around_them);
    tcase_add_loop_test(tests, nan_in_any_position_goes_into_loss_and_gradient, 0,
                        num_loss_entries);
    tcase_add_test(tests, nan_is_not_masked_by_a_margin);
    tcase_add_test(tests, nan_is_not_masked_by_a_target_of_zero);
    tcase_add_test(tests, denormal_numbers_keep_their_value);
    tcase_add_test(tests, gradients_become_denormal);
}
