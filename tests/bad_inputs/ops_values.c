/* ops_values.c: operations with bad reductions, parameters and values. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bad_inputs/misuse.h"

/* ---- what descriptors say decides what other tests try ---- */

START_TEST(losses_take_a_reduction_and_nothing_else_does)
{
    ck_assert_int_eq(MISUSED->op->takes_reduction, MISUSED->is_loss);
}
END_TEST

/*
 * The prediction is a parent, the target is not; only the target beside two inputs with a gradient is one.
 * The statistics of an evaluation are no variables at all.
 */
START_TEST(parents_and_gradients_are_those_of_the_contract)
{
    const ag__op *op = MISUSED->op;
    bool has_target = MISUSED->signature == SIGNATURE_pair ||
                      MISUSED->signature == SIGNATURE_pair_parameter ||
                      MISUSED->signature == SIGNATURE_pair_two;
    bool has_labels =
        MISUSED->signature == SIGNATURE_labelled_pair || MISUSED->signature == SIGNATURE_moments;
    uint32_t statistics = MISUSED->signature == SIGNATURE_batch_norm_eval ? 2 : 0;
    uint32_t variables = op->num_inputs - statistics;
    ck_assert_uint_eq(op->num_parents, variables - has_target);
    ck_assert_uint_eq(op->num_differentiable, variables - (has_target || has_labels));
}
END_TEST

/* ---- reductions and parameters ---- */

START_TEST(unknown_reductions_are_refused)
{
    static const int unknown[] = {4, 99, -1};
    op_case c = case_for_misuse(MISUSED, AG_REDUCTION_MEAN);
    misuse m;
    set_up_misuse(&m, &c);
    m.doing = "reduction";
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        op_arguments arguments = m.arguments;
        arguments.reduction = (ag_reduction)unknown[i];
        all_forms_must_fail(&m, &arguments, AG_ERROR_ARGUMENT, "reduction");
    }
    tear_down_misuse(&m);
}
END_TEST

/* What parameters must not be, first of all the ends of their ranges. */
static const struct {
    const char *name, *parameter;
    float wrong[6];
} wrong_parameters[] = {
    {"huber_loss", "delta", {0, -0.0f, -1, -INFINITY, NAN, NAN}},
    {"cosine_embedding_loss", "margin", {INFINITY, -INFINITY, NAN, NAN, NAN, NAN}},
    {"triplet_loss", "margin", {INFINITY, -INFINITY, NAN, NAN, NAN, NAN}},
    {"pow", "exponent", {INFINITY, -INFINITY, NAN, NAN, NAN, NAN}},
    {"leaky_relu", "negative_slope", {INFINITY, -INFINITY, NAN, NAN, NAN, NAN}},
    {"elu", "alpha", {INFINITY, -INFINITY, NAN, NAN, NAN, NAN}},
    {"layer_norm", "epsilon", {0, -0.0f, -1, -INFINITY, NAN, NAN}},
    {"batch_norm", "epsilon", {0, -0.0f, -1, -INFINITY, NAN, NAN}},
    {"batch_norm_eval", "epsilon", {0, -0.0f, -1, -INFINITY, NAN, NAN}},
    {"smooth_l1_loss", "beta", {-0x1p-149f, -1, INFINITY, -INFINITY, NAN, NAN}},
    {"hinge_embedding_loss", "margin", {INFINITY, -INFINITY, NAN, NAN, NAN, NAN}},
    {"margin_ranking_loss", "margin", {INFINITY, -INFINITY, NAN, NAN, NAN, NAN}},
    {"quantile_loss", "q", {0, 1, -0.0f, 2, INFINITY, NAN}},
    {"focal_with_logits_loss", "gamma", {-0x1p-149f, -1, INFINITY, -INFINITY, NAN, NAN}},
    {"focal_loss", "gamma", {-0x1p-149f, -1, INFINITY, -INFINITY, NAN, NAN}},
    {"generalized_cross_entropy_loss", "q", {0, -0.0f, 0x1.000002p0f, -1, INFINITY, NAN}},
    {"tversky_loss", "alpha", {-0x1p-149f, -1, INFINITY, -INFINITY, NAN, NAN}},
    {"multi_margin_loss", "margin", {INFINITY, -INFINITY, NAN, NAN, NAN, NAN}},
    {"multilabel_margin_loss", "margin", {INFINITY, -INFINITY, NAN, NAN, NAN, NAN}},
    {"distillation_loss", "temperature", {0, -0.0f, -1, INFINITY, -INFINITY, NAN}},
};

#define NUM_WRONG (sizeof wrong_parameters / sizeof *wrong_parameters)

START_TEST(bad_parameters_are_refused)
{
    size_t known = 0;
    while (known < NUM_WRONG && strcmp(wrong_parameters[known].name, MISUSED->name) != 0)
        known++;
    ck_assert_msg((known < NUM_WRONG) == (MISUSED->op->parameter_name != NULL),
                  "%s: what must its parameter not be? Add it to wrong_parameters", MISUSED->name);
    if (known == NUM_WRONG) return;
    ck_assert_str_eq(MISUSED->op->parameter_name, wrong_parameters[known].parameter);
    op_case c = case_for_misuse(MISUSED, AG_REDUCTION_MEAN);
    misuse m;
    set_up_misuse(&m, &c);
    m.doing = "parameter";
    for (size_t i = 0; i < 6; i++) {
        op_arguments arguments = m.arguments;
        arguments.parameter = wrong_parameters[known].wrong[i];
        all_forms_must_fail(&m, &arguments, AG_ERROR_ARGUMENT, MISUSED->op->parameter_name);
    }
    tear_down_misuse(&m);
}
END_TEST

/* ---- domains ---- */

static void check_value_outside(misuse *m, uint32_t input, size_t index, float value)
{
    ag_tensor *tensor = m->arguments.tensors[input];
    float before = tensor->data[index];
    tensor->data[index] = value;
    if (index + 1 < tensor->size) tensor->data[tensor->size - 1] = value; /* the first one counts */
    char at[64], is[64];
    size_t columns = tensor->shape[tensor->ndims - 1];
    if (tensor->ndims == 2)
        snprintf(at, sizeof at, "%s[%zu, %zu]", input_name(m->spec, input), index / columns,
                 index % columns);
    else
        snprintf(at, sizeof at, "%s[%zu]", input_name(m->spec, input), index);
    snprintf(is, sizeof is, " %.9g ", (double)value);
    all_forms_must_fail(m, &m->arguments, AG_ERROR_DOMAIN, at);
    all_forms_must_fail(m, &m->arguments, AG_ERROR_DOMAIN, is);
    tensor->data[index] = before;
    tensor->data[tensor->size - 1] = before;
}

/* Values just outside of a domain, and far outside. */
static size_t values_outside(const ag__domain *domain, float *values)
{
    static const float not_one[] = {0, -0.0f, 0.99999994f, 1.0000001f, -2, INFINITY, -INFINITY};
    if (domain->magnitude) {
        memcpy(values, not_one, sizeof not_one);
        return sizeof not_one / sizeof *not_one;
    }
    size_t count = 0;
    values[count++] = nextafterf(domain->lowest, -INFINITY);
    values[count++] = -INFINITY;
    values[count++] = domain->lowest - 1;
    if (!isfinite(domain->highest)) return count;
    values[count++] = nextafterf(domain->highest, INFINITY);
    values[count++] = INFINITY;
    return count;
}

static void check_domain(const op_entry *entry, uint32_t input, ag_reduction reduction)
{
    op_case c = case_for_misuse(entry, reduction);
    misuse m;
    float values[8];
    set_up_misuse(&m, &c);
    m.doing = "domain";
    size_t count = values_outside(&entry->op->domains[input], values);
    size_t size = m.arguments.tensors[input]->size;
    for (size_t i = 0; i < count; i++) {
        check_value_outside(&m, input, 0, values[i]);
        check_value_outside(&m, input, size / 2, values[i]);
        check_value_outside(&m, input, size - 1, values[i]);
    }
    tear_down_misuse(&m);
}

START_TEST(values_outside_the_domain_are_refused)
{
    for (uint32_t i = 0; i < MISUSED->op->num_inputs; i++) {
        if (MISUSED->op->domains[i].text == NULL) continue;
        for (int reduction = 0; reduction < 4; reduction++)
            check_domain(MISUSED, i, (ag_reduction)reduction);
    }
}
END_TEST

/* A value in the middle of a tensor of several blocks is found by whichever thread meets it. */
START_TEST(values_outside_the_domain_are_found_in_large_tensors)
{
    op_case c;
    for (size_t at = 0; op_case_at(MISUSED, OP_LARGE, at, &c); at++) {
        for (uint32_t i = 0; i < MISUSED->op->num_inputs; i++) {
            if (MISUSED->op->domains[i].text == NULL) continue;
            misuse m;
            set_up_misuse(&m, &c);
            m.doing = "domain";
            m.arguments.tensors[i]->data[m.arguments.tensors[i]->size / 3] = -7;
            all_forms_must_fail(&m, &m.arguments, AG_ERROR_DOMAIN, input_name(&c, i));
            tear_down_misuse(&m);
        }
    }
}
END_TEST

START_TEST(domains_are_those_of_the_contract)
{
    static const struct {
        const char *name;
        uint32_t input;
        float inside[2], outside[2];
    } expected[] = {
        {"bce_loss", 0, {0, 1}, {-1e-6f, 1.0000001f}},
        {"kl_div_loss", 1, {0, INFINITY}, {-1e-30f, -INFINITY}},
        {"hinge_loss", 1, {-1, 1}, {0, 2}},
        {"cosine_embedding_loss", 2, {-1, 1}, {0, 2}},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const ag__domain *domain = &op_find(expected[i].name)->op->domains[expected[i].input];
        ck_assert_msg(domain->text != NULL && ag__in_domain(domain, 2, expected[i].inside) &&
                          !ag__in_domain(domain, 1, &expected[i].outside[0]) &&
                          !ag__in_domain(domain, 1, &expected[i].outside[1]),
                      "%s has another domain", expected[i].name);
    }
}
END_TEST

/* ---- NaN and infinities: data, unless a domain excludes them ---- */

static bool allows(const ag__domain *domain, float value)
{
    return domain->text == NULL || ag__in_domain(domain, 1, &value);
}

/* All forms take the value: they succeed, and all that they give is written. */
static void all_forms_must_take(misuse *m, const op_arguments *arguments)
{
    const op_entry *entry = m->spec->entry;
    ag_variable *node = entry->graph(m->graph, arguments);
    ck_assert_msg(node != NULL, "%s, %s: %s", op_describe(m->spec).text, m->doing, ag_last_error());
    ck_assert_int_eq(ag_backward_from(m->graph, node, m->upstream), AG_OK);
    if (!has_tensor_form(entry)) return;
    ck_assert_int_eq(entry->value(m->out, arguments), AG_OK);
    ck_assert_int_eq(entry->gradient(m->outs, m->upstream, arguments), AG_OK);
    if (entry->value_and_gradient != NULL)
        ck_assert_int_eq(entry->value_and_gradient(m->out, m->outs, arguments), AG_OK);
    ck_assert_mem_eq(m->out->data, node->data->data, m->out->size * sizeof(float));
    fill_with_sentinel(m->out);
    for (uint32_t i = 0; i < entry->op->num_differentiable; i++)
        if (m->outs[i] != NULL) fill_with_sentinel(m->outs[i]);
}

static void check_special_value(misuse *m, uint32_t input, float value)
{
    ag_tensor *tensor = m->arguments.tensors[input];
    float before = tensor->data[tensor->size / 2];
    tensor->data[tensor->size / 2] = value;
    if (allows(&m->spec->entry->op->domains[input], value)) {
        all_forms_must_take(m, &m->arguments);
        bad_input_counted(name_of_form(m->spec->entry, "", "").text);
    } else {
        all_forms_must_fail(m, &m->arguments, AG_ERROR_DOMAIN, input_name(m->spec, input));
    }
    tensor->data[tensor->size / 2] = before;
}

START_TEST(nan_and_infinities_are_data)
{
    static const float values[] = {NAN, INFINITY, -INFINITY};
    op_case c = case_for_misuse(MISUSED, AG_REDUCTION_MEAN);
    misuse m;
    set_up_misuse(&m, &c);
    m.doing = "NaN or infinity";
    for (uint32_t i = 0; i < MISUSED->op->num_inputs; i++)
        for (size_t k = 0; k < sizeof values / sizeof *values && c.shapes[i].ndims > 0; k++)
            check_special_value(&m, i, values[k]);
    tear_down_misuse(&m);
}
END_TEST

void add_op_values(Suite *suite)
{
    TCase *tests = tcase_create("values of operations");
    tcase_set_timeout(tests, 120);
    ADD_FOR_OPS(tests, losses_take_a_reduction_and_nothing_else_does);
    ADD_FOR_OPS(tests, parents_and_gradients_are_those_of_the_contract);
    ADD_FOR_LOSSES(tests, unknown_reductions_are_refused);
    ADD_FOR_OPS(tests, bad_parameters_are_refused);
    ADD_FOR_OPS(tests, values_outside_the_domain_are_refused);
    ADD_FOR_OPS(tests, values_outside_the_domain_are_found_in_large_tensors);
    tcase_add_test(tests, domains_are_those_of_the_contract);
    ADD_FOR_OPS(tests, nan_and_infinities_are_data);
    suite_add_tcase(suite, tests);
}
