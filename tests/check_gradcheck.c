/* check_gradcheck.c: every operation passes ag_gradcheck, and planted bugs do not. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "op_calls.h"
#include "suite.h"

static ag_arena *arena;

static void create_arena(void)
{
    arena = ag_arena_create(0);
    ck_assert_ptr_nonnull(arena);
}

static void destroy_arena(void)
{
    ag_arena_destroy(arena);
}

/* ---- the library's operations ---- */

typedef struct op_check {
    const op_case *at;
    op_arguments arguments; /* with what is not differentiated in its place */
} op_check;

static ag_variable *build_op(ag_arena *scratch, ag_variable *const *inputs, void *context)
{
    const op_check *check = context;
    op_arguments arguments = check->arguments;
    uint32_t next = 0;
    for (uint32_t i = 0; i < check->at->entry->op->num_inputs; i++) {
        if (arguments.tensors[i] == NULL) continue;
        arguments.variables[i] = op_differentiable(check->at, i)
                                     ? inputs[next++]
                                     : ag_create_leaf(scratch, arguments.tensors[i], false);
    }
    return check->at->entry->graph(scratch, &arguments);
}

/* Where differences of values say nothing: next to poles, kinks, and maxima that nearly tie. */
static const struct {
    const char *name;
    enum { POLE_AT_0, KINKS, TIES, DIFFERENCES } kind;
    float kinks[2];
} delicate[] = {
    {"div", POLE_AT_0, {0}},
    {"log", POLE_AT_0, {0}},
    {"sqrt", POLE_AT_0, {0}},
    {"pow", POLE_AT_0, {0}},
    {"relu6", KINKS, {0, 6}},
    {"clamp", KINKS, {-0.75f, 1}},
    {"hard_sigmoid", KINKS, {-3, 3}},
    {"hard_swish", KINKS, {-3, 3}},
    {"max_pool2d", TIES, {0}},
    {"max_dim", TIES, {0}},
    {"multi_margin_loss", DIFFERENCES, {0}},
    {"multilabel_margin_loss", DIFFERENCES, {0}},
};

static float away_from(float x, float kink)
{
    float least = 0.1f;
    return fabsf(x - kink) >= least ? x : kink + (x < kink ? -least : least);
}

/* Moves an input's values to where the operation is smooth. */
static void make_smooth(const char *name, ag_tensor *x)
{
    for (size_t d = 0; d < sizeof delicate / sizeof *delicate; d++) {
        if (strcmp(delicate[d].name, name) != 0) continue;
        for (size_t i = 0; i < x->size; i++) {
            float *value = &x->data[i];
            switch (delicate[d].kind) {
            case POLE_AT_0: *value = 0.5f + fabsf(*value); break;
            case KINKS:
                *value = away_from(away_from(*value, delicate[d].kinks[0]), delicate[d].kinks[1]);
                break;
            case TIES: *value = expf(0.02f * (float)(i * 67 % 331)); break; /* 2 % from the next */
            case DIFFERENCES: *value = roundf(2 * *value) / 2; break; /* 1/4 from a margin of 3/4 */
            }
        }
    }
}

/* A step must not leave a domain, which is [0, 1] or all that is not negative. */
static void keep_inside(const ag__domain *domain, ag_tensor *x)
{
    for (size_t i = 0; domain->text != NULL && i < x->size; i++)
        x->data[i] = 0.1f + (domain->highest == 1 ? 0.8f : 1.0f) * x->data[i];
}

static void check_case(const op_case *at)
{
    op_check check = {.at = at, .arguments = op_create_inputs(at, arena)};
    ag_tensor *inputs[AG__MAX_INPUTS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < at->entry->op->num_inputs; i++) {
        if (check.arguments.tensors[i] == NULL || !op_differentiable(at, i)) continue;
        inputs[count] = check.arguments.tensors[i];
        keep_inside(&at->entry->op->domains[i], inputs[count++]);
    }
    for (uint32_t i = 0; i < count; i++)
        make_smooth(at->entry->name, inputs[i]);
    ag_gradcheck_options options = {.max_elements = 40};
    ag_gradcheck_report report;
    ag_status status = ag_gradcheck(arena, build_op, &check, count, inputs, &options, &report);
    ck_assert_msg(status == AG_OK, "%s: %s", op_describe(at).text, ag_last_error());
    ck_assert_msg(report.passed, "%s: %s", op_describe(at).text, report.text);
}

START_TEST(operation_passes)
{
    const op_entry *entry = &op_entries[_i];
    op_case at;
    size_t checked = 0;
    for (size_t i = 0; op_case_at(entry, OP_SMALL, i, &at); i++) {
        if (at.flavour != OP_PLAIN) continue; /* the others are for exactness: full of kinks */
        ag_arena_reset(arena);
        check_case(&at);
        checked++;
    }
    ck_assert_msg(checked > 0, "%s: no case", entry->name);
}
END_TEST

/* ---- planted bugs ---- */

typedef struct planted {
    float factor;        /* of the gradient: 1 is right */
    bool forgets_parent; /* the second factor gets no gradient */
} planted;

static planted bug;

static ag_status product_backward(ag_variable *self, ag_arena *temp_arena)
{
    (void)temp_arena;
    for (uint32_t k = 0; k < self->num_parents; k++) {
        bool accumulate = false;
        ag_tensor *grad = ag_grad_sink(self->parents[k].node, &accumulate);
        if (grad == NULL) continue;
        const float *other = self->saved_tensors[1 - k]->data;
        for (size_t i = 0; i < grad->size; i++)
            grad->data[i] =
                (accumulate ? grad->data[i] : 0) + bug.factor * self->grad->data[i] * other[i];
    }
    return AG_OK;
}

/* a · b, element by element, as a user would write it */
static ag_variable *product(ag_arena *scratch, ag_variable *const *inputs, void *context)
{
    (void)context;
    ag_tensor *a = inputs[0]->data, *b = inputs[1]->data;
    ag_tensor *out = ag_tensor_create(scratch, a->ndims, a->shape);
    if (out == NULL) return NULL;
    for (size_t i = 0; i < out->size; i++)
        out->data[i] = a->data[i] * b->data[i];
    ag_variable *node = ag_create_node(scratch, "product", out, bug.forgets_parent ? 1 : 2, inputs,
                                       product_backward);
    if (node == NULL || ag_save_tensors(scratch, node, 2, (ag_tensor *[]){a, b}) != AG_OK)
        return NULL;
    return node;
}

static ag_gradcheck_report check_product(void)
{
    const uint32_t shape[2] = {4, 5};
    ag_random random = ag_random_create(5);
    ag_tensor *inputs[2];
    for (int i = 0; i < 2; i++) {
        inputs[i] = ag_tensor_create(arena, 2, shape);
        ag_tensor_fill_normal(inputs[i], &random, 0, 1);
    }
    float before[2][20];
    for (int i = 0; i < 2; i++)
        memcpy(before[i], inputs[i]->data, sizeof before[i]);
    size_t used = ag_arena_used(arena);
    ag_gradcheck_report report;
    ck_assert_int_eq(ag_gradcheck(arena, product, NULL, 2, inputs, NULL, &report), AG_OK);
    ck_assert_uint_eq(ag_arena_used(arena), used);
    for (int i = 0; i < 2; i++)
        ck_assert_mem_eq(before[i], inputs[i]->data, sizeof before[i]);
    return report;
}

START_TEST(right_gradient_passes)
{
    bug = (planted){.factor = 1};
    ag_gradcheck_report report = check_product();
    ck_assert_msg(report.passed, "%s", report.text);
    ck_assert_uint_eq(report.compared, 40 + 8);
    ck_assert_uint_eq(report.undecided, 0);
}
END_TEST

START_TEST(wrong_sign_is_found)
{
    bug = (planted){.factor = -1};
    ag_gradcheck_report report = check_product();
    ck_assert(!report.passed);
    ck_assert_double_lt(report.analytic * report.numeric, 0);
}
END_TEST

START_TEST(missing_factor_is_found)
{
    bug = (planted){.factor = 0.5f};
    ag_gradcheck_report report = check_product();
    ck_assert(!report.passed);
    ck_assert_double_lt(fabs(report.numeric / report.analytic - 2), 1e-3);
    ck_assert_ptr_nonnull(strstr(report.text, "FAILED"));
}
END_TEST

START_TEST(small_error_is_found)
{
    bug = (planted){.factor = 1.005f};
    ck_assert(!check_product().passed);
}
END_TEST

START_TEST(missing_parent_is_found)
{
    bug = (planted){.factor = 1, .forgets_parent = true};
    ag_gradcheck_report report = check_product();
    ck_assert(!report.passed);
    ck_assert_uint_ge(report.input, 1);
    ck_assert_double_ne(report.numeric, 0);
}
END_TEST

/* ---- kinks and failures ---- */

static ag_variable *relu(ag_arena *scratch, ag_variable *const *inputs, void *context)
{
    (void)context;
    return ag_relu(scratch, inputs[0]);
}

START_TEST(kinks_are_left_undecided)
{
    const uint32_t shape[1] = {4};
    ag_tensor *x = ag_tensor_create_from(arena, 1, shape, (float[]){-1, 0, 1, 2});
    ag_gradcheck_report report;
    ag_gradcheck_options options = {.num_directions = 1};
    ck_assert_int_eq(ag_gradcheck(arena, relu, NULL, 1, &x, &options, &report), AG_OK);
    ck_assert_msg(report.passed, "%s", report.text);
    ck_assert_uint_eq(report.undecided, 2); /* the element at 0, and the direction through it */
    ck_assert_uint_eq(report.compared, 3);
}
END_TEST

static ag_variable *fails(ag_arena *scratch, ag_variable *const *inputs, void *context)
{
    (void)context;
    return ag_reshape(scratch, inputs[0], 1, (uint32_t[]){99});
}

START_TEST(failures_are_passed_on)
{
    const uint32_t shape[1] = {4};
    ag_tensor *x = ag_tensor_create_zeros(arena, 1, shape);
    ag_gradcheck_report report = {.compared = 77};
    size_t used = ag_arena_used(arena);
    ck_assert_int_eq(ag_gradcheck(arena, fails, NULL, 1, &x, NULL, &report), AG_ERROR_SHAPE);
    ck_assert_uint_eq(report.compared, 77);
    ck_assert_uint_eq(ag_arena_used(arena), used);
    ag_clear_error();
    ck_assert_int_eq(ag_gradcheck(NULL, relu, NULL, 1, &x, NULL, &report), AG_ERROR_NULL);
    ag_clear_error();
    ck_assert_int_eq(ag_gradcheck(arena, NULL, NULL, 1, &x, NULL, &report), AG_ERROR_NULL);
    ag_clear_error();
    ck_assert_int_eq(ag_gradcheck(arena, relu, NULL, 1, NULL, NULL, &report), AG_ERROR_NULL);
    ag_clear_error();
    ck_assert_int_eq(ag_gradcheck(arena, relu, NULL, 1, &x, NULL, NULL), AG_ERROR_NULL);
    ck_assert_int_eq(ag_gradcheck(arena, relu, NULL, 0, &x, NULL, &report), AG_ERROR_ARGUMENT);
    ag_gradcheck_options options = {.step = -1};
    ck_assert_int_eq(ag_gradcheck(arena, relu, NULL, 1, &x, &options, &report), AG_ERROR_ARGUMENT);
    options = (ag_gradcheck_options){.relative_tolerance = (double)NAN};
    ck_assert_int_eq(ag_gradcheck(arena, relu, NULL, 1, &x, &options, &report), AG_ERROR_ARGUMENT);
    ck_assert_uint_eq(ag_arena_used(arena), used);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gradcheck");
    TCase *ours = add_case(suite, "operations");
    TCase *planted_bugs = add_case(suite, "planted bugs");
    tcase_set_timeout(ours, 300);
    tcase_add_checked_fixture(ours, create_arena, destroy_arena);
    tcase_add_loop_test(ours, operation_passes, 0, num_op_entries);
    tcase_add_checked_fixture(planted_bugs, create_arena, destroy_arena);
    tcase_add_test(planted_bugs, right_gradient_passes);
    tcase_add_test(planted_bugs, wrong_sign_is_found);
    tcase_add_test(planted_bugs, missing_factor_is_found);
    tcase_add_test(planted_bugs, small_error_is_found);
    tcase_add_test(planted_bugs, missing_parent_is_found);
    tcase_add_test(planted_bugs, kinks_are_left_undecided);
    tcase_add_test(planted_bugs, failures_are_passed_on);

    return run_suite(suite);
}
