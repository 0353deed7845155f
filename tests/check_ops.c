/*
 * check_ops.c: what must hold for every operation, tried on each of them: values and gradients
 * agree with the reference, gradients arrive where they are wanted and nowhere else, threads change
 * no bit, and every misuse is refused in the same manner.
 */
#include "config.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "op_calls.h"
#include "reference.h"

/* Tests over all operations, or over the losses alone, get the entry's index as _i. */
#define ENTRY (&op_entries[_i])

/* ---- accuracy, gathered over all tests ---- */

typedef struct accuracy {
    long double value, gradient; /* the worst error met, in ulps */
    bool in_float;               /* products are added in float, by sgemm */
} accuracy;

/* Tests run in processes of their own, so this is memory that they share. */
static accuracy *accuracies;

static void share_accuracies(void)
{
    accuracies = mmap(NULL, (size_t)num_op_entries * sizeof *accuracies, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (accuracies == MAP_FAILED) abort();
}

static void print_accuracies(void)
{
    printf("\nworst errors against the exact result, in units in the last place of a float\n");
    printf("%-24s %8s %8s\n", "", "value", "gradient");
    for (int i = 0; i < num_op_entries; i++) {
        const accuracy *worst = &accuracies[i];
        if (worst->in_float)
            printf("%-24s   within the bounds of sums in float\n", op_entries[i].name);
        else
            printf("%-24s %8.3f %8.3f\n", op_entries[i].name, (double)worst->value,
                   (double)worst->gradient);
    }
    printf("\n");
    fflush(stdout);
}

/*
 * What rounding in double may add, in proportion to the terms that were added: it shows where terms
 * cancel nearly to nothing. Elementary functions are good to 1e-14; 2^-44 is 5.7e-14. Where
 * products are added in float, the bound of k additions and multiplications (N. Higham, Accuracy
 * and Stability of Numerical Algorithms, 2002, section 3.1) with one to spare for adding to an old
 * gradient.
 */
static long double allowance(reference_number exact, size_t float_terms)
{
    long double relative = float_terms > 0 ? (long double)(float_terms + 2) * 0x1p-24L : 0x1p-44L;
    long double result = relative * exact.magnitude / reference_ulp(exact.value);
    return isfinite(result) ? result : 0;
}

/* The error of a float beyond that, in ulps. */
static long double error_of(float actual, reference_number exact, size_t float_terms)
{
    long double ulps = reference_ulps(actual, exact.value);
    if (!isfinite(ulps)) return ulps;
    ulps -= allowance(exact, float_terms);
    return ulps > 0 ? ulps : 0;
}

/* Checks a tensor against the reference. Returns the worst error. */
static long double assert_close(const op_case *c, const char *what, const ag_tensor *actual,
                                const reference_number *exact, size_t float_terms,
                                long double most_ulps)
{
    long double worst = 0;
    for (size_t i = 0; i < actual->size; i++) {
        long double error = error_of(actual->data[i], exact[i], float_terms);
        if (error > worst) worst = error;
        if (error <= most_ulps) continue; /* ck_assert for each element would be slow: it writes */
        ck_abort_msg("%s: %s at %zu is %.9g, but exactly %.12Lg: %.3Lf ulps", op_describe(c).text,
                     what, i, (double)actual->data[i], exact[i].value, error);
    }
    return worst;
}

static void keep_worst(long double *worst, long double error)
{
    if (error > *worst) *worst = error;
}

/* ---- a case, ready to be called ---- */

/* The losses' functions on tensors are public, the others' internal; reshape has none. */
static bool has_tensor_form(const op_entry *entry)
{
    return entry->signature != SIGNATURE_reshape;
}

typedef struct fixture {
    const op_case *spec;
    ag_arena *arena; /* for inputs and expected results */
    ag_arena *graph; /* for the graph alone */
    op_arguments arguments;
    op_oracle oracle;
    ag__shape result_shape;
    ag_tensor *upstream;
    size_t float_terms;
} fixture;

static void set_up(fixture *f, const op_case *c)
{
    ck_assert_msg(reference_find(c->entry->name) != NULL, "%s: no reference in tests/reference.c",
                  c->entry->name);
    *f = (fixture){.spec = c, .arena = ag_arena_create(0), .graph = ag_arena_create(0)};
    ck_assert(f->arena != NULL && f->graph != NULL);
    f->arguments = op_create_inputs(c, f->arena);
    f->oracle = op_oracle_create(c, &f->arguments);
    f->result_shape = op_result_shape(&f->oracle);
    f->upstream = op_create_upstream(f->arena, &f->result_shape);
    f->float_terms = f->oracle.op->float_terms(&f->oracle.call);
}

static void tear_down(fixture *f)
{
    op_oracle_destroy(&f->oracle);
    ag_arena_destroy(f->arena);
    ag_arena_destroy(f->graph);
}

static void assert_ok(const op_case *c, ag_status status)
{
    ck_assert_msg(status == AG_OK, "%s: %s: %s", op_describe(c).text, ag_status_name(status),
                  ag_last_error());
}

static ag_tensor *create_like(fixture *f, const ag_tensor *tensor)
{
    ag_tensor *result = ag_tensor_create(f->arena, tensor->ndims, tensor->shape);
    ck_assert_ptr_nonnull(result);
    return result;
}

static ag_variable *call_graph(fixture *f)
{
    ag_variable *node = f->spec->entry->graph(f->graph, &f->arguments);
    ck_assert_msg(node != NULL, "%s: %s", op_describe(f->spec).text, ag_last_error());
    return node;
}

/* Makes leaves that want gradients, calls the operation and goes backward from the upstream. */
static ag_variable *call_and_go_back(fixture *f)
{
    op_create_leaves(&f->arguments, f->graph, true);
    ag_variable *node = call_graph(f);
    assert_ok(f->spec, ag_backward_from(f->graph, node, f->upstream));
    return node;
}

static bool same_bits(const ag_tensor *a, const ag_tensor *b)
{
    return ag_tensor_same_shape(a, b) && memcmp(a->data, b->data, a->size * sizeof *a->data) == 0;
}

static void assert_same_bits(const op_case *c, const char *what, const ag_tensor *a,
                             const ag_tensor *b)
{
    ck_assert_msg(a != NULL && b != NULL && same_bits(a, b), "%s: %s differs", op_describe(c).text,
                  what);
}

static bool same_shape(const ag__shape *a, const ag__shape *b)
{
    return a->ndims > 0 && a->ndims == b->ndims &&
           memcmp(a->dims, b->dims, a->ndims * sizeof *a->dims) == 0;
}

static const char *input_name(const op_case *c, uint32_t input)
{
    return c->entry->op->input_names[input];
}

#define FOR_EACH_CASE(c, scale)                                                                    \
    for (size_t case_index = 0; op_case_at(ENTRY, scale, case_index, &(c)); case_index++)

/* ---- the reference itself ---- */

START_TEST(every_operation_has_a_reference)
{
    ck_assert_msg(reference_find(ENTRY->name) != NULL, "%s: no reference in tests/reference.c",
                  ENTRY->name);
    ck_assert_str_eq(ENTRY->name, ENTRY->op->name);
}
END_TEST

/* Σ upstream · result, of which the gradients are. */
static reference_number weighted_result(fixture *f)
{
    reference_number *values = op_reference_value(&f->oracle), sum = {0, 0};
    for (size_t i = 0; i < f->upstream->size; i++) {
        sum.value += (long double)f->upstream->data[i] * values[i].value;
        sum.magnitude += fabsl((long double)f->upstream->data[i]) * values[i].magnitude;
    }
    free(values);
    return sum;
}

static reference_number weighted_result_at(fixture *f, long double *x, long double value)
{
    long double before = *x;
    *x = value;
    reference_number result = weighted_result(f);
    *x = before;
    return result;
}

static long double central_difference(fixture *f, long double *x, long double h)
{
    return (weighted_result_at(f, x, *x + h).value - weighted_result_at(f, x, *x - h).value) /
           (2 * h);
}

/* Richardson's extrapolation of two central differences: the error falls with h⁴. */
static void assert_slope(fixture *f, uint32_t input, size_t i, reference_number exact)
{
    long double *x = &f->oracle.inputs[input][i];
    long double h = (*x == 0 ? 1 : fabsl(*x)) * 0x1p-16L;
    long double slope = (4 * central_difference(f, x, h / 2) - central_difference(f, x, h)) / 3;
    long double tolerance =
        weighted_result(f).magnitude * 0x1p-58L / h + (1 + exact.magnitude) * 1e-10L;
    ck_assert_msg(
        fabsl(slope - exact.value) <= tolerance,
        "%s: the reference's gradient to %s at %zu is %.12Lg, but differences give %.12Lg",
        op_describe(f->spec).text, input_name(f->spec, input), i, exact.value, slope);
}

#define MOST_DIFFERENCES 24

static void check_reference_gradient(fixture *f, uint32_t input)
{
    size_t size = f->arguments.tensors[input]->size, step = 1 + (size - 1) / MOST_DIFFERENCES;
    reference_number *exact = op_reference_gradient(&f->oracle, input, f->upstream);
    for (size_t i = 0; i < size; i += step)
        assert_slope(f, input, i, exact[i]);
    free(exact);
}

START_TEST(reference_gradients_are_central_differences)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        if (c.flavour != OP_PLAIN) continue; /* the others sit on kinks, or too close to them */
        fixture f;
        set_up(&f, &c);
        for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
            if (op_differentiable(&c, i)) check_reference_gradient(&f, i);
        tear_down(&f);
    }
}
END_TEST

/* ---- values and gradients against the reference ---- */

#define MOST_ULPS_OF_VALUE 2
#define MOST_ULPS_OF_GRADIENT 4

static void check_value(const op_case *c, accuracy *worst)
{
    fixture f;
    set_up(&f, c);
    op_create_leaves(&f.arguments, f.graph, false);
    ag_variable *node = call_graph(&f);
    ag__shape shape = ag__shape_of(node->data);
    ck_assert_msg(same_shape(&shape, &f.result_shape), "%s: the result is %s", op_describe(c).text,
                  ag__tensor_shape_text(node->data).text);
    reference_number *exact = op_reference_value(&f.oracle);
    worst->in_float = f.float_terms > 0;
    keep_worst(&worst->value,
               assert_close(c, "value", node->data, exact, f.float_terms, MOST_ULPS_OF_VALUE));
    free(exact);
    tear_down(&f);
}

static void check_gradients(const op_case *c, accuracy *worst)
{
    fixture f;
    set_up(&f, c);
    call_and_go_back(&f);
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++) {
        if (!op_differentiable(c, i)) continue;
        reference_number *exact = op_reference_gradient(&f.oracle, i, f.upstream);
        const ag_tensor *grad = f.arguments.variables[i]->grad;
        ck_assert_msg(grad != NULL, "%s: %s got no gradient", op_describe(c).text,
                      input_name(c, i));
        keep_worst(&worst->gradient, assert_close(c, input_name(c, i), grad, exact, f.float_terms,
                                                  MOST_ULPS_OF_GRADIENT));
        free(exact);
    }
    tear_down(&f);
}

START_TEST(values_are_right)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        check_value(&c, &accuracies[_i]);
    }
    FOR_EACH_CASE(c, OP_LARGE)
    {
        check_value(&c, &accuracies[_i]);
    }
}
END_TEST

START_TEST(gradients_are_right)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        check_gradients(&c, &accuracies[_i]);
    }
    FOR_EACH_CASE(c, OP_LARGE)
    {
        check_gradients(&c, &accuracies[_i]);
    }
}
END_TEST

/* ---- tensors and variables ---- */

/* Calls the gradient on tensors with one output for each input in `wanted`, a set of bits. */
static void gradients_on_tensors(fixture *f, unsigned wanted, ag_tensor **outs)
{
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
        outs[i] = op_differentiable(f->spec, i) && (wanted >> i & 1)
                      ? create_like(f, f->arguments.tensors[i])
                      : NULL;
    assert_ok(f->spec, f->spec->entry->gradient(outs, f->upstream, &f->arguments));
}

static void check_forms_agree(const op_case *c)
{
    fixture f;
    set_up(&f, c);
    ag_variable *node = call_and_go_back(&f);
    ag_tensor *out = create_like(&f, node->data), *outs[AG__MAX_INPUTS];
    assert_ok(c, c->entry->value(out, &f.arguments));
    assert_same_bits(c, "the value on tensors", out, node->data);
    for (unsigned wanted = 1; wanted < 1u << c->entry->op->num_differentiable; wanted++) {
        if (wanted != 1 && c->entry->op->num_differentiable == 1) break;
        gradients_on_tensors(&f, wanted, outs);
        for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
            if (outs[i] != NULL)
                assert_same_bits(c, input_name(c, i), outs[i], f.arguments.variables[i]->grad);
    }
    tear_down(&f);
}

START_TEST(tensors_and_variables_agree)
{
    op_case c;
    if (!has_tensor_form(ENTRY)) return;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        check_forms_agree(&c);
    }
    FOR_EACH_CASE(c, OP_LARGE)
    {
        check_forms_agree(&c);
    }
}
END_TEST

/* ---- the graph ---- */

START_TEST(node_says_what_it_is)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        fixture f;
        set_up(&f, &c);
        op_create_leaves(&f.arguments, f.graph, true);
        const ag_variable *node = call_graph(&f);
        ck_assert_str_eq(node->op, ENTRY->name);
        ck_assert(!node->is_leaf && node->requires_grad && node->backward_fn != NULL);
        ck_assert_ptr_null(node->grad);
        ck_assert_uint_le(node->num_parents, ENTRY->op->num_parents);
        for (uint32_t i = 0; i < node->num_parents; i++)
            ck_assert_ptr_eq(node->parents[i].node, f.arguments.variables[i]);
        if (ENTRY->is_loss) ck_assert_uint_eq(node->reduction, (uint32_t)c.reduction);
        if (ENTRY->op->parameter_name != NULL) ck_assert(node->metadata_float == c.parameter);
        tear_down(&f);
    }
}
END_TEST

/* Adding a float to itself is exact, so there is no tolerance. */
static void assert_multiple(const op_case *c, uint32_t input, const ag_tensor *actual,
                            const ag_tensor *once, float factor)
{
    for (size_t i = 0; i < actual->size; i++)
        if (actual->data[i] != factor * once->data[i] &&
            !(isnan(actual->data[i]) && isnan(once->data[i])))
            ck_abort_msg("%s: %s at %zu is %.9g, not %g times %.9g", op_describe(c).text,
                         input_name(c, input), i, (double)actual->data[i], (double)factor,
                         (double)once->data[i]);
}

/* Puts a node between each leaf and the operation: its gradient must not be counted twice. */
static void put_node_before(fixture *f, ag_variable **leaves)
{
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++) {
        leaves[i] = f->arguments.variables[i];
        if (leaves[i] != NULL) f->arguments.variables[i] = ag_scale(f->graph, leaves[i], 1);
    }
}

static void check_second_backward(const op_case *c, bool with_nodes_between)
{
    fixture f;
    set_up(&f, c);
    op_create_leaves(&f.arguments, f.graph, true);
    ag_variable *leaves[AG__MAX_INPUTS];
    memcpy(leaves, f.arguments.variables, sizeof leaves);
    if (with_nodes_between) put_node_before(&f, leaves);
    ag_variable *node = call_graph(&f);
    assert_ok(c, ag_backward_from(f.graph, node, f.upstream));
    ag_tensor *once[AG__MAX_INPUTS] = {NULL};
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
        if (op_differentiable(c, i)) {
            once[i] = create_like(&f, leaves[i]->grad);
            ag_tensor_copy(once[i], leaves[i]->grad);
        }
    assert_ok(c, ag_backward_from(f.graph, node, f.upstream));
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
        if (once[i] != NULL) assert_multiple(c, i, leaves[i]->grad, once[i], 2);
    tear_down(&f);
}

START_TEST(second_backward_adds_the_same)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        check_second_backward(&c, false);
        check_second_backward(&c, true);
    }
}
END_TEST

/* Goes backward through two graphs over the same leaves, with upstream and with 4 · upstream. */
static void check_accumulation(const op_case *c)
{
    fixture f;
    set_up(&f, c);
    call_and_go_back(&f);
    ag_variable *second = call_graph(&f);
    ag_tensor *fourfold = create_like(&f, f.upstream);
    for (size_t i = 0; i < f.upstream->size; i++)
        fourfold->data[i] = 4 * f.upstream->data[i];
    assert_ok(c, ag_backward_from(f.graph, second, fourfold));
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++) {
        if (!op_differentiable(c, i)) continue;
        const ag_tensor *grad = f.arguments.variables[i]->grad;
        reference_number *exact = op_reference_gradient(&f.oracle, i, f.upstream);
        for (size_t k = 0; k < grad->size; k++)
            exact[k] = (reference_number){5 * exact[k].value, 5 * exact[k].magnitude};
        assert_close(c, input_name(c, i), grad, exact, f.float_terms, MOST_ULPS_OF_GRADIENT);
        free(exact);
    }
    tear_down(&f);
}

START_TEST(gradients_accumulate_over_graphs)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        check_accumulation(&c);
    }
}
END_TEST

static void check_single_parent(const op_case *c, uint32_t chosen)
{
    fixture f;
    set_up(&f, c);
    call_and_go_back(&f);
    const ag_tensor *expected = f.arguments.variables[chosen]->grad;
    op_create_leaves(&f.arguments, f.graph, false);
    f.arguments.variables[chosen] = ag_create_leaf(f.graph, f.arguments.tensors[chosen], true);
    ag_variable *node = call_graph(&f);
    ck_assert(node->requires_grad);
    assert_ok(c, ag_backward_from(f.graph, node, f.upstream));
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++) {
        if (i == chosen || f.arguments.variables[i] == NULL) continue;
        ck_assert_msg(f.arguments.variables[i]->grad == NULL, "%s: %s got a gradient",
                      op_describe(c).text, input_name(c, i));
    }
    assert_same_bits(c, input_name(c, chosen), f.arguments.variables[chosen]->grad, expected);
    tear_down(&f);
}

START_TEST(only_parents_that_want_a_gradient_get_one)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
            if (op_differentiable(&c, i)) check_single_parent(&c, i);
    }
}
END_TEST

/* The first input that is a target: present, and not differentiable. 0 if there is none. */
static uint32_t target_of(const op_case *c)
{
    for (uint32_t i = 1; i < c->entry->op->num_inputs; i++)
        if (c->shapes[i].ndims > 0 && !op_differentiable(c, i)) return i;
    return 0;
}

START_TEST(targets_never_get_a_gradient)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        uint32_t target = target_of(&c);
        if (target == 0) return;
        fixture f;
        set_up(&f, &c);
        call_and_go_back(&f);
        ck_assert(f.arguments.variables[target]->requires_grad);
        ck_assert_ptr_null(f.arguments.variables[target]->grad);
        op_create_leaves(&f.arguments, f.graph, false);
        f.arguments.variables[target] = ag_create_leaf(f.graph, f.arguments.tensors[target], true);
        const ag_variable *node = call_graph(&f);
        ck_assert_msg(!node->requires_grad, "%s: the target made it want a gradient",
                      op_describe(&c).text);
        ck_assert_uint_eq(node->num_parents, 0);
        tear_down(&f);
    }
}
END_TEST

/* A target that is itself the result of operations is left out of the backward pass as well. */
START_TEST(nothing_under_a_target_gets_a_gradient)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        uint32_t target = target_of(&c);
        if (target == 0) return;
        fixture f;
        set_up(&f, &c);
        op_create_leaves(&f.arguments, f.graph, true);
        ag_variable *leaf = f.arguments.variables[target];
        f.arguments.variables[target] = ag_scale(f.graph, leaf, 1);
        ag_variable *node = call_graph(&f);
        assert_ok(&c, ag_backward_from(f.graph, node, f.upstream));
        ck_assert_ptr_null(f.arguments.variables[target]->grad);
        ck_assert_ptr_null(leaf->grad);
        ck_assert_ptr_nonnull(f.arguments.variables[0]->grad);
        tear_down(&f);
    }
}
END_TEST

/* Each role's gradient may be rounded before they are added, so it counts in ulps of each. */
static void assert_sum_of_roles(const fixture *f, const ag_tensor *actual,
                                const reference_number *first, const reference_number *second)
{
    for (size_t k = 0; k < actual->size; k++) {
        reference_number sum = {first[k].value + second[k].value,
                                first[k].magnitude + second[k].magnitude};
        long double unit = reference_ulp(sum.value);
        long double most = MOST_ULPS_OF_GRADIENT +
                           (MOST_ULPS_OF_GRADIENT / unit) *
                               (reference_ulp(first[k].value) + reference_ulp(second[k].value));
        long double error = error_of(actual->data[k], sum, f->float_terms);
        if (!(error <= most))
            ck_abort_msg("%s, one variable in two roles: gradient at %zu is %.9g, not %.9Lg",
                         op_describe(f->spec).text, k, (double)actual->data[k], sum.value);
    }
}

static void check_two_roles(const op_case *c, uint32_t i, uint32_t j)
{
    fixture f;
    set_up(&f, c);
    memcpy(f.arguments.tensors[j]->data, f.arguments.tensors[i]->data,
           f.arguments.tensors[i]->size * sizeof(float));
    op_oracle_destroy(&f.oracle);
    f.oracle = op_oracle_create(c, &f.arguments);
    op_create_leaves(&f.arguments, f.graph, true);
    f.arguments.variables[j] = f.arguments.variables[i];
    ag_variable *node = call_graph(&f);
    assert_ok(c, ag_backward_from(f.graph, node, f.upstream));
    reference_number *first = op_reference_gradient(&f.oracle, i, f.upstream);
    reference_number *second = op_reference_gradient(&f.oracle, j, f.upstream);
    assert_sum_of_roles(&f, f.arguments.variables[i]->grad, first, second);
    free(first);
    free(second);
    tear_down(&f);
}

START_TEST(one_variable_in_two_roles_gets_both_gradients)
{
    op_case c;
    int tried = 0;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        for (uint32_t j = 1; j < AG__MAX_INPUTS; j++)
            for (uint32_t i = 0; i < j; i++)
                if (op_differentiable(&c, i) && op_differentiable(&c, j) &&
                    same_shape(&c.shapes[i], &c.shapes[j])) {
                    check_two_roles(&c, i, j);
                    tried++;
                }
    }
    ck_assert(tried > 0 || ENTRY->op->num_differentiable == 1);
}
END_TEST

static void assert_outside_graph(const op_case *c, const ag_variable *node)
{
    ck_assert_msg(!node->requires_grad && node->num_parents == 0 && node->num_saved == 0 &&
                      node->backward_fn == NULL && node->grad == NULL,
                  "%s: the node is part of the graph", op_describe(c).text);
}

START_TEST(inputs_without_gradient_stay_out_of_the_graph)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        fixture f;
        set_up(&f, &c);
        op_create_leaves(&f.arguments, f.graph, false);
        ag_variable *node = call_graph(&f);
        assert_outside_graph(&c, node);
        ag_clear_error();
        ck_assert_int_eq(ag_backward_from(f.graph, node, f.upstream), AG_ERROR_GRAPH);
        tear_down(&f);
    }
}
END_TEST

START_TEST(nothing_is_recorded_while_gradients_are_off)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        fixture f;
        set_up(&f, &c);
        op_create_leaves(&f.arguments, f.graph, true);
        const ag_variable *recorded = call_graph(&f);
        ck_assert(ag_set_grad_enabled(false));
        const ag_variable *node = call_graph(&f);
        ck_assert(!ag_set_grad_enabled(true));
        assert_outside_graph(&c, node);
        assert_same_bits(&c, "the value with gradients off", node->data, recorded->data);
        tear_down(&f);
    }
}
END_TEST

/* Whatever stops a call for want of memory, it must not leave anything behind. */
START_TEST(running_out_of_memory_is_an_error_and_takes_nothing)
{
    op_case c;
    ck_assert(op_case_at(ENTRY, OP_SMALL, 0, &c));
    fixture f;
    set_up(&f, &c);
    op_create_leaves(&f.arguments, f.arena, true);
    ag_variable *node = NULL;
    int failures = 0;
    for (size_t limit = 64; node == NULL; limit += 64) {
        ag_arena *tight = ag_arena_create(64);
        ck_assert_ptr_nonnull(tight);
        ck_assert_int_eq(ag_arena_set_limit(tight, limit), AG_OK);
        ag_clear_error();
        node = ENTRY->graph(tight, &f.arguments);
        if (node == NULL) {
            failures++;
            ck_assert_int_eq(ag_last_status(), AG_ERROR_MEMORY);
            ck_assert_uint_eq(ag_arena_used(tight), 0);
        }
        ck_assert_uint_lt(limit, 1 << 20);
        ag_arena_destroy(tight);
    }
    ck_assert_int_gt(failures, 0);
    tear_down(&f);
}
END_TEST

/* ---- threads ---- */

static void keep_results(fixture *f, const ag_variable *node, ag_tensor **kept)
{
    kept[AG__MAX_INPUTS] = create_like(f, node->data);
    ag_tensor_copy(kept[AG__MAX_INPUTS], node->data);
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++) {
        if (!op_differentiable(f->spec, i)) continue;
        kept[i] = create_like(f, f->arguments.tensors[i]);
        ag_tensor_copy(kept[i], f->arguments.variables[i]->grad);
    }
}

static void check_threads(const op_case *c)
{
    static const int numbers[] = {1, 2, 3, 8};
    fixture f;
    set_up(&f, c);
    ag_tensor *expected[AG__MAX_INPUTS + 1] = {NULL}; /* gradients, then the value */
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
        ck_assert_int_eq(ag_set_num_threads(numbers[n]), AG_OK);
        ag_arena_reset(f.graph);
        const ag_variable *node = call_and_go_back(&f);
        if (n == 0) keep_results(&f, node, expected);
        assert_same_bits(c, "the value with more threads", node->data, expected[AG__MAX_INPUTS]);
        for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
            if (expected[i] != NULL)
                assert_same_bits(c, "a gradient with more threads", f.arguments.variables[i]->grad,
                                 expected[i]);
    }
    ag_set_num_threads(0);
    tear_down(&f);
}

START_TEST(threads_change_no_bit)
{
    op_case c;
    FOR_EACH_CASE(c, OP_LARGE)
    {
        check_threads(&c);
    }
}
END_TEST

/* ---- misuse ---- */

/* A fixture with all that the three forms need, and outputs full of bytes that must stay. */
typedef struct misuse {
    fixture base;
    ag_tensor *out, *outs[AG__MAX_INPUTS];
    const char *doing; /* for messages */
} misuse;

#define SENTINEL 0x5a

static void fill_with_sentinel(ag_tensor *tensor)
{
    memset(tensor->data, SENTINEL, tensor->size * sizeof *tensor->data);
}

static bool is_untouched(const ag_tensor *tensor)
{
    const unsigned char *bytes = (const unsigned char *)tensor->data;
    for (size_t i = 0; i < tensor->size * sizeof *tensor->data; i++)
        if (bytes[i] != SENTINEL) return false;
    return true;
}

static void set_up_misuse(misuse *m, const op_case *c)
{
    *m = (misuse){.doing = ""};
    set_up(&m->base, c);
    op_create_leaves(&m->base.arguments, m->base.arena, true);
    m->out = create_like(&m->base, m->base.upstream);
    fill_with_sentinel(m->out);
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++) {
        if (!op_differentiable(c, i)) continue;
        m->outs[i] = create_like(&m->base, m->base.arguments.tensors[i]);
        fill_with_sentinel(m->outs[i]);
    }
}

static void tear_down_misuse(misuse *m)
{
    tear_down(&m->base);
}

/* A case whose first input is a matrix that no transposition leaves the same. */
static op_case case_for_misuse(const op_entry *entry, ag_reduction reduction)
{
    op_case c;
    for (size_t i = 0; op_case_at(entry, OP_SMALL, i, &c); i++) {
        const ag__shape *shape = &c.shapes[0];
        bool optional_is_there =
            !entry->op->last_is_optional || c.shapes[entry->op->num_inputs - 1].ndims > 0;
        if (c.flavour == OP_PLAIN && shape->ndims == 2 && shape->dims[0] > 1 &&
            shape->dims[1] > 1 && shape->dims[0] != shape->dims[1] && optional_is_there &&
            (c.reduction == reduction || !entry->op->takes_reduction))
            return c;
    }
    ck_abort_msg("%s: no case to misuse", entry->name);
    return c;
}

/* Checks how a call failed: the status, the operation's name in front, and what is to blame. */
static void assert_failure(const misuse *m, ag_status status, ag_status expected,
                           const char *mentioned)
{
    const op_case *c = m->base.spec;
    const char *message = ag_last_error(), *name = c->entry->name;
    ck_assert_msg(status == expected && ag_last_status() == expected,
                  "%s, %s: status %s (%s) instead of %s", op_describe(c).text, m->doing,
                  ag_status_name(status), message, ag_status_name(expected));
    ck_assert_msg(
        strncmp(message, name, strlen(name)) == 0 && strncmp(message + strlen(name), ": ", 2) == 0,
        "%s, %s: \"%s\" does not start with the operation", op_describe(c).text, m->doing, message);
    ck_assert_msg(strstr(message + strlen(name), mentioned) != NULL,
                  "%s, %s: \"%s\" does not mention %s", op_describe(c).text, m->doing, message,
                  mentioned);
}

static void assert_outputs_untouched(const misuse *m)
{
    bool untouched = is_untouched(m->out);
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
        untouched = untouched && (m->outs[i] == NULL || is_untouched(m->outs[i]));
    ck_assert_msg(untouched, "%s, %s: an output was touched", op_describe(m->base.spec).text,
                  m->doing);
}

static void graph_must_fail(misuse *m, ag_arena *arena, const op_arguments *arguments,
                            ag_status expected, const char *mentioned)
{
    size_t used = ag_arena_used(arena);
    ag_clear_error();
    const ag_variable *node = m->base.spec->entry->graph(arena, arguments);
    ck_assert_msg(node == NULL, "%s, %s: got a node", op_describe(m->base.spec).text, m->doing);
    assert_failure(m, ag_last_status(), expected, mentioned);
    ck_assert_msg(ag_arena_used(arena) == used, "%s, %s: the arena is fuller than before",
                  op_describe(m->base.spec).text, m->doing);
}

static void value_must_fail(misuse *m, ag_tensor *out, const op_arguments *arguments,
                            ag_status expected, const char *mentioned)
{
    if (!has_tensor_form(m->base.spec->entry)) return;
    ag_clear_error();
    assert_failure(m, m->base.spec->entry->value(out, arguments), expected, mentioned);
    assert_outputs_untouched(m);
}

static void gradient_must_fail(misuse *m, ag_tensor *const *outs, const ag_tensor *grad,
                               const op_arguments *arguments, ag_status expected,
                               const char *mentioned)
{
    if (!has_tensor_form(m->base.spec->entry)) return;
    ag_clear_error();
    assert_failure(m, m->base.spec->entry->gradient(outs, grad, arguments), expected, mentioned);
    assert_outputs_untouched(m);
}

static void all_forms_must_fail(misuse *m, const op_arguments *arguments, ag_status expected,
                                const char *mentioned)
{
    graph_must_fail(m, m->base.graph, arguments, expected, mentioned);
    value_must_fail(m, m->out, arguments, expected, mentioned);
    gradient_must_fail(m, m->outs, m->base.upstream, arguments, expected, mentioned);
}

/* ---- misuse: NULL ---- */

static bool is_optional(const op_entry *entry, uint32_t input)
{
    return entry->op->last_is_optional && input == entry->op->num_inputs - 1;
}

START_TEST(null_is_refused)
{
    op_case c = case_for_misuse(ENTRY, AG_REDUCTION_MEAN);
    misuse m;
    set_up_misuse(&m, &c);
    m.doing = "NULL";
    graph_must_fail(&m, NULL, &m.base.arguments, AG_ERROR_NULL, "arena");
    value_must_fail(&m, NULL, &m.base.arguments, AG_ERROR_NULL, "out");
    gradient_must_fail(&m, m.outs, NULL, &m.base.arguments, AG_ERROR_NULL, "grad");
    ag_tensor *no_outs[AG__MAX_INPUTS] = {NULL};
    if (ENTRY->op->num_differentiable == 1)
        gradient_must_fail(&m, no_outs, m.base.upstream, &m.base.arguments, AG_ERROR_NULL, "out");
    for (uint32_t i = 0; i < ENTRY->op->num_inputs; i++) {
        if (is_optional(ENTRY, i)) continue;
        op_arguments arguments = m.base.arguments;
        arguments.tensors[i] = NULL;
        arguments.variables[i] = NULL;
        all_forms_must_fail(&m, &arguments, AG_ERROR_NULL, input_name(&c, i));
    }
    tear_down_misuse(&m);
}
END_TEST

/* The input of a chain of calls may be the NULL of an earlier failure, whose reason stays. */
START_TEST(null_keeps_the_first_reason)
{
    op_case c = case_for_misuse(ENTRY, AG_REDUCTION_MEAN);
    misuse m;
    set_up_misuse(&m, &c);
    for (uint32_t i = 0; i < ENTRY->op->num_inputs; i++) {
        if (is_optional(ENTRY, i)) continue;
        op_arguments arguments = m.base.arguments;
        ag_clear_error();
        arguments.variables[i] =
            ag_reshape(m.base.graph, arguments.variables[0], 0, c.shapes[0].dims);
        ck_assert_ptr_null(arguments.variables[i]);
        char reason[256];
        snprintf(reason, sizeof reason, "%s", ag_last_error());
        ck_assert_int_eq(ag_last_status(), AG_ERROR_SHAPE);
        ck_assert_ptr_null(ENTRY->graph(m.base.graph, &arguments));
        ck_assert_int_eq(ag_last_status(), AG_ERROR_SHAPE);
        ck_assert_str_eq(ag_last_error(), reason);
    }
    tear_down_misuse(&m);
}
END_TEST

/* ---- misuse: shapes ---- */

#define MOST_WRONG_SHAPES 8

typedef struct shape_list {
    size_t count;
    ag__shape shapes[MOST_WRONG_SHAPES];
} shape_list;

static void add_shape(shape_list *list, uint32_t ndims, uint32_t first, uint32_t second,
                      uint32_t third)
{
    list->shapes[list->count++] = (ag__shape){ndims, {first, second, third}};
}

/* Shapes that a tensor of shape [m, n], m ≠ n, must not be confused with. */
static shape_list unlike(const ag__shape *shape)
{
    uint32_t m = shape->dims[0], n = shape->dims[1];
    shape_list list = {0};
    add_shape(&list, 2, m, n + 1, 0);
    add_shape(&list, 2, m + 1, n, 0);
    add_shape(&list, 2, n, m, 0);
    add_shape(&list, 1, m * n, 0, 0);
    add_shape(&list, 3, m, n, 1);
    add_shape(&list, 3, 1, m, n);
    add_shape(&list, 2, m, 1, 0); /* what broadcasting would accept */
    return list;
}

/* What labels of m rows of n features must not be. */
static shape_list unlike_labels(const ag__shape *shape)
{
    uint32_t m = shape->dims[0], n = shape->dims[1];
    shape_list list = {0};
    add_shape(&list, 1, m + 1, 0, 0);
    add_shape(&list, 1, 1, 0, 0);
    add_shape(&list, 2, 1, m, 0);
    add_shape(&list, 2, m, 2, 0);
    add_shape(&list, 2, m, n, 0);
    return list;
}

/* What does not stretch to [m, n]. */
static shape_list not_stretching(const ag__shape *shape)
{
    uint32_t m = shape->dims[0], n = shape->dims[1];
    shape_list list = {0};
    add_shape(&list, 1, n + 1, 0, 0);
    add_shape(&list, 1, m, 0, 0);
    add_shape(&list, 1, m * n, 0, 0);
    add_shape(&list, 2, m + 1, n, 0);
    add_shape(&list, 2, m + 1, 1, 0);
    add_shape(&list, 2, n, m, 0);
    add_shape(&list, 3, m, n, 1);
    add_shape(&list, 3, 2, m, n + 1);
    return list;
}

/* What does not continue [m, n] along a dimension. */
static shape_list not_continuing(const ag__shape *shape, uint32_t dim)
{
    uint32_t m = shape->dims[0], n = shape->dims[1];
    shape_list list = {0};
    add_shape(&list, 1, m, 0, 0);
    add_shape(&list, 1, n, 0, 0);
    add_shape(&list, 2, dim == 0 ? m : m + 1, dim == 0 ? n + 1 : n, 0);
    add_shape(&list, 2, dim == 0 ? m : 1, dim == 0 ? 1 : n, 0);
    add_shape(&list, 3, 1, m, n);
    add_shape(&list, 3, m, n, 1);
    return list;
}

/* No matrix, or one whose inner dimension does not fit. */
static shape_list unlike_matrix(const ag__shape *shape)
{
    uint32_t m = shape->dims[0], n = shape->dims[1];
    shape_list list = {0};
    add_shape(&list, 1, m * n, 0, 0);
    add_shape(&list, 3, m, n, 1);
    add_shape(&list, 3, 1, m, n);
    return list;
}

static shape_list wrong_shapes(const op_case *c, uint32_t input)
{
    shape_list none = {0};
    const ag__shape *own = &c->shapes[input], *first = &c->shapes[0];
    switch (c->entry->signature) {
    case SIGNATURE_pair:
    case SIGNATURE_pair_parameter:
    case SIGNATURE_triple: return input > 0 ? unlike(own) : none;
    case SIGNATURE_labelled_pair:
        return input == 1 ? unlike(own) : input == 2 ? unlike_labels(first) : none;
    case SIGNATURE_binary: return not_stretching(first);
    case SIGNATURE_concat: return not_continuing(own, c->integers[0]);
    case SIGNATURE_matmul: {
        shape_list list = unlike_matrix(own);
        bool transposed = c->transposes & (input == 0 ? AG__TRANSPOSE_A : AG__TRANSPOSE_B);
        bool inner_first = (input == 0) == transposed;
        add_shape(&list, 2, own->dims[0] + inner_first, own->dims[1] + !inner_first, 0);
        return list;
    }
    case SIGNATURE_linear: {
        shape_list list = input == 1 ? unlike_matrix(own) : none;
        if (input == 1) add_shape(&list, 2, own->dims[1] + 1, own->dims[0], 0);
        if (input == 2) add_shape(&list, 1, own->dims[0] + 1, 0, 0);
        if (input == 2) add_shape(&list, 2, 1, own->dims[0], 0);
        return list;
    }
    default: return strcmp(c->entry->name, "transpose") == 0 ? unlike_matrix(own) : none;
    }
}

/* A tensor of a wrong shape whose values lie in every domain. */
static ag_tensor *create_ones(misuse *m, const ag__shape *shape)
{
    ag_tensor *tensor = ag_tensor_create(m->base.arena, shape->ndims, shape->dims);
    ck_assert_ptr_nonnull(tensor);
    ck_assert_int_eq(ag_tensor_fill(tensor, 1), AG_OK);
    return tensor;
}

static void check_wrong_shape(misuse *m, uint32_t input, const ag__shape *shape)
{
    op_arguments arguments = m->base.arguments;
    arguments.tensors[input] = create_ones(m, shape);
    arguments.variables[input] = ag_create_leaf(m->base.arena, arguments.tensors[input], true);
    ag__shape_text text = ag__shape_to_text(shape->ndims, shape->dims);
    m->doing = text.text;
    all_forms_must_fail(m, &arguments, AG_ERROR_SHAPE, text.text);
    all_forms_must_fail(m, &arguments, AG_ERROR_SHAPE, input_name(m->base.spec, input));
}

static void check_wrong_shapes(const op_entry *entry, ag_reduction reduction)
{
    op_case c = case_for_misuse(entry, reduction);
    misuse m;
    set_up_misuse(&m, &c);
    size_t tried = 0;
    for (uint32_t i = 0; i < entry->op->num_inputs; i++) {
        shape_list list = wrong_shapes(&c, i);
        for (size_t k = 0; k < list.count; k++)
            check_wrong_shape(&m, i, &list.shapes[k]);
        tried += list.count;
    }
    ck_assert_msg(tried > 0 || entry->op->num_inputs == 1, "%s: no wrong shapes known",
                  entry->name);
    tear_down_misuse(&m);
}

START_TEST(wrong_shapes_of_inputs_are_refused)
{
    for (int reduction = 0; reduction < 4; reduction++)
        check_wrong_shapes(ENTRY, (ag_reduction)reduction);
}
END_TEST

START_TEST(wrong_shapes_of_outputs_are_refused)
{
    op_case c = case_for_misuse(ENTRY, AG_REDUCTION_MEAN);
    misuse m;
    set_up_misuse(&m, &c);
    m.doing = "wrong output";
    ag__shape shape = m.base.result_shape;
    ag__shape wrong[] = {shape, shape};
    wrong[0].dims[0]++;
    wrong[1].dims[wrong[1].ndims++] = 1;
    for (size_t k = 0; k < 2; k++) {
        ag_tensor *tensor = create_ones(&m, &wrong[k]);
        value_must_fail(&m, tensor, &m.base.arguments, AG_ERROR_SHAPE, "out");
        gradient_must_fail(&m, m.outs, tensor, &m.base.arguments, AG_ERROR_SHAPE, "grad");
    }
    for (uint32_t i = 0; i < ENTRY->op->num_differentiable; i++) {
        ag__shape input = c.shapes[i];
        input.dims[input.ndims++] = 1;
        ag_tensor *outs[AG__MAX_INPUTS];
        memcpy(outs, m.outs, sizeof outs);
        outs[i] = create_ones(&m, &input);
        gradient_must_fail(&m, outs, m.base.upstream, &m.base.arguments, AG_ERROR_SHAPE, "out");
    }
    tear_down_misuse(&m);
}
END_TEST

START_TEST(reshape_refuses_shapes_of_another_size)
{
    static const ag__shape wrong[] = {
        {1, {14}}, {2, {5, 4}}, {0, {15}}, {9, {15, 1, 1, 1, 1, 1, 1, 1}}, {2, {15, 0}}};
    if (ENTRY->signature != SIGNATURE_reshape) return;
    op_case c = case_for_misuse(ENTRY, AG_REDUCTION_NONE);
    misuse m;
    set_up_misuse(&m, &c);
    m.doing = "new shape";
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        op_arguments arguments = m.base.arguments;
        arguments.new_shape = &wrong[i];
        graph_must_fail(&m, m.base.graph, &arguments, AG_ERROR_SHAPE, " ");
    }
    tear_down_misuse(&m);
}
END_TEST

START_TEST(the_message_gives_both_shapes)
{
    ag_arena *arena = ag_arena_create(0);
    ag_variable *pred =
        ag_create_leaf(arena, ag_tensor_create_zeros(arena, 2, (uint32_t[]){32, 10}), true);
    ag_variable *target =
        ag_create_leaf(arena, ag_tensor_create_zeros(arena, 2, (uint32_t[]){32, 9}), false);
    ck_assert_ptr_null(ag_mse_loss(arena, pred, target, AG_REDUCTION_MEAN));
    ck_assert_int_eq(ag_last_status(), AG_ERROR_SHAPE);
    ck_assert_str_eq(ag_last_error(), "mse_loss: pred is [32, 10] but target is [32, 9]");
    ag_arena_destroy(arena);
}
END_TEST

/* ---- misuse: tensors whose fields contradict each other ---- */

typedef struct damage {
    const char *name;
    ag_status expected;
    void (*apply)(ag_tensor *tensor);
} damage;

static void without_data(ag_tensor *tensor)
{
    tensor->data = NULL;
}

static void with_wrong_size(ag_tensor *tensor)
{
    tensor->size++;
}

static void without_dimensions(ag_tensor *tensor)
{
    tensor->ndims = 0;
}

static void with_nine_dimensions(ag_tensor *tensor)
{
    tensor->ndims = AG_MAX_DIMS + 1;
}

static void with_an_empty_dimension(ag_tensor *tensor)
{
    tensor->shape[0] = 0;
}

static const damage damages[] = {
    {"no data", AG_ERROR_NULL, without_data},
    {"wrong size", AG_ERROR_SHAPE, with_wrong_size},
    {"0 dimensions", AG_ERROR_SHAPE, without_dimensions},
    {"9 dimensions", AG_ERROR_SHAPE, with_nine_dimensions},
    {"empty dimension", AG_ERROR_SHAPE, with_an_empty_dimension},
};

static void check_damage(misuse *m, const damage *harm)
{
    const op_entry *entry = m->base.spec->entry;
    m->doing = harm->name;
    for (uint32_t i = 0; i < entry->op->num_inputs; i++) {
        op_arguments arguments = m->base.arguments;
        ag_tensor damaged = *arguments.tensors[i];
        ag_variable variable = *arguments.variables[i];
        harm->apply(&damaged);
        variable.data = &damaged;
        arguments.tensors[i] = &damaged;
        arguments.variables[i] = &variable;
        all_forms_must_fail(m, &arguments, harm->expected, "");
    }
    ag_tensor out = *m->out, grad = *m->base.upstream;
    harm->apply(&out);
    harm->apply(&grad);
    value_must_fail(m, &out, &m->base.arguments, harm->expected, "");
    gradient_must_fail(m, m->outs, &grad, &m->base.arguments, harm->expected, "");
}

START_TEST(damaged_tensors_are_refused)
{
    op_case c = case_for_misuse(ENTRY, AG_REDUCTION_MEAN);
    misuse m;
    set_up_misuse(&m, &c);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++)
        check_damage(&m, &damages[i]);
    tear_down_misuse(&m);
}
END_TEST

/* ---- misuse: reductions and parameters ---- */

START_TEST(unknown_reductions_are_refused)
{
    static const int unknown[] = {4, 99, -1};
    op_case c = case_for_misuse(ENTRY, AG_REDUCTION_MEAN);
    misuse m;
    set_up_misuse(&m, &c);
    m.doing = "reduction";
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        op_arguments arguments = m.base.arguments;
        arguments.reduction = (ag_reduction)unknown[i];
        all_forms_must_fail(&m, &arguments, AG_ERROR_ARGUMENT, "reduction");
    }
    tear_down_misuse(&m);
}
END_TEST

START_TEST(bad_parameters_are_refused)
{
    static const float not_positive[] = {0, -0.0f, -1, -INFINITY, NAN};
    static const float not_finite[] = {INFINITY, -INFINITY, NAN};
    const ag__op *op = ENTRY->op;
    if (op->parameter_name == NULL) return;
    size_t count = op->parameter_positive ? 5 : 3;
    op_case c = case_for_misuse(ENTRY, AG_REDUCTION_MEAN);
    misuse m;
    set_up_misuse(&m, &c);
    m.doing = "parameter";
    for (size_t i = 0; i < count; i++) {
        op_arguments arguments = m.base.arguments;
        arguments.parameter = op->parameter_positive ? not_positive[i] : not_finite[i];
        all_forms_must_fail(&m, &arguments, AG_ERROR_ARGUMENT, op->parameter_name);
    }
    tear_down_misuse(&m);
}
END_TEST

START_TEST(parameters_that_may_be_wrong_are_known)
{
    static const char *const names[] = {"huber_loss", "cosine_embedding_loss", "triplet_loss"};
    static const char *const parameters[] = {"delta", "margin", "margin"};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_ptr_nonnull(op_find(names[i]));
        ck_assert_str_eq(op_find(names[i])->op->parameter_name, parameters[i]);
        ck_assert_int_eq(op_find(names[i])->op->parameter_positive, i == 0);
    }
}
END_TEST

/* ---- misuse: domains ---- */

static void check_value_outside(misuse *m, uint32_t input, size_t index, float value)
{
    ag_tensor *tensor = m->base.arguments.tensors[input];
    float before = tensor->data[index];
    tensor->data[index] = value;
    if (index + 1 < tensor->size) tensor->data[tensor->size - 1] = value; /* the first one counts */
    char at[64], is[64];
    size_t columns = tensor->shape[tensor->ndims - 1];
    if (tensor->ndims == 2)
        snprintf(at, sizeof at, "%s[%zu, %zu]", input_name(m->base.spec, input), index / columns,
                 index % columns);
    else
        snprintf(at, sizeof at, "%s[%zu]", input_name(m->base.spec, input), index);
    snprintf(is, sizeof is, " %.9g ", (double)value);
    all_forms_must_fail(m, &m->base.arguments, AG_ERROR_DOMAIN, at);
    all_forms_must_fail(m, &m->base.arguments, AG_ERROR_DOMAIN, is);
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
    size_t size = m.base.arguments.tensors[input]->size;
    for (size_t i = 0; i < count; i++) {
        check_value_outside(&m, input, 0, values[i]);
        check_value_outside(&m, input, size / 2, values[i]);
        check_value_outside(&m, input, size - 1, values[i]);
    }
    tear_down_misuse(&m);
}

START_TEST(values_outside_the_domain_are_refused)
{
    for (uint32_t i = 0; i < ENTRY->op->num_inputs; i++) {
        if (ENTRY->op->domains[i].text == NULL) continue;
        for (int reduction = 0; reduction < 4; reduction++)
            check_domain(ENTRY, i, (ag_reduction)reduction);
    }
}
END_TEST

/* A value in the middle of a tensor of several blocks is found by whichever thread meets it. */
START_TEST(values_outside_the_domain_are_found_in_large_tensors)
{
    op_case c;
    FOR_EACH_CASE(c, OP_LARGE)
    {
        for (uint32_t i = 0; i < ENTRY->op->num_inputs; i++) {
            if (ENTRY->op->domains[i].text == NULL) continue;
            misuse m;
            set_up_misuse(&m, &c);
            m.doing = "domain";
            m.base.arguments.tensors[i]->data[m.base.arguments.tensors[i]->size / 3] = -7;
            all_forms_must_fail(&m, &m.base.arguments, AG_ERROR_DOMAIN, input_name(&c, i));
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

/* ---- misuse: overlap ---- */

/* A tensor of a shape around memory of another one, from an element on. */
static ag_tensor *over(misuse *m, const ag__shape *shape, const ag_tensor *other, size_t offset)
{
    ag_tensor *tensor =
        ag_tensor_wrap(m->base.arena, shape->ndims, shape->dims, other->data + offset);
    ck_assert_ptr_nonnull(tensor);
    return tensor;
}

/* Moves an input to the end of a larger piece of memory, so that an output can begin before it. */
static ag_tensor *with_room_before(misuse *m, uint32_t input)
{
    ag_tensor *tensor = m->base.arguments.tensors[input];
    ag_tensor *room = create_ones(m, &(ag__shape){1, {(uint32_t)tensor->size + 4096}});
    float *data = room->data + 4096;
    memcpy(data, tensor->data, tensor->size * sizeof *data);
    tensor->data = data;
    return room;
}

static void check_overlap_of_value(misuse *m, uint32_t input)
{
    const ag_tensor *room = with_room_before(m, input);
    const ag_tensor *tensor = m->base.arguments.tensors[input];
    const ag__shape *shape = &m->base.result_shape;
    const char *name = input_name(m->base.spec, input);
    ag_tensor *at_start = over(m, shape, tensor, 0);
    ag_tensor *at_end = over(m, shape, tensor, tensor->size - 1);
    ag_tensor *just_into = over(m, shape, room, 4096 - at_start->size + 1);
    value_must_fail(m, at_start, &m->base.arguments, AG_ERROR_OVERLAP, name);
    value_must_fail(m, at_end, &m->base.arguments, AG_ERROR_OVERLAP, name);
    value_must_fail(m, just_into, &m->base.arguments, AG_ERROR_OVERLAP, name);
    ag_tensor *just_before = over(m, shape, room, 4096 - at_start->size);
    assert_ok(m->base.spec, m->base.spec->entry->value(just_before, &m->base.arguments));
}

static void gradient_overlaps(misuse *m, uint32_t output, ag_tensor *out, const ag_tensor *grad,
                              const char *name)
{
    ag_tensor *outs[AG__MAX_INPUTS];
    memcpy(outs, m->outs, sizeof outs);
    if (out != NULL) outs[output] = out;
    gradient_must_fail(m, outs, grad, &m->base.arguments, AG_ERROR_OVERLAP, name);
}

static void check_overlap_of_gradient(misuse *m, uint32_t output)
{
    const op_case *c = m->base.spec;
    const ag__shape *shape = &c->shapes[output];
    for (uint32_t i = 0; i < c->entry->op->num_inputs; i++) {
        const ag_tensor *input = m->base.arguments.tensors[i];
        gradient_overlaps(m, output, over(m, shape, input, 0), m->base.upstream, input_name(c, i));
        gradient_overlaps(m, output, over(m, shape, input, input->size - 1), m->base.upstream,
                          input_name(c, i));
    }
    const ag_tensor *grad = over(m, &m->base.result_shape, m->outs[output], 0);
    gradient_overlaps(m, output, NULL, grad, "grad");
    for (uint32_t i = 0; i < c->entry->op->num_differentiable; i++)
        if (i != output)
            gradient_overlaps(m, output, over(m, shape, m->outs[i], m->outs[i]->size - 1),
                              m->base.upstream, "out");
}

static void check_overlap(const op_entry *entry, ag_reduction reduction)
{
    op_case c = case_for_misuse(entry, reduction);
    misuse m;
    set_up_misuse(&m, &c);
    m.doing = "overlap";
    for (uint32_t i = 0; i < entry->op->num_inputs; i++)
        check_overlap_of_value(&m, i);
    fill_with_sentinel(m.out);
    for (uint32_t i = 0; i < entry->op->num_differentiable; i++)
        check_overlap_of_gradient(&m, i);
    tear_down_misuse(&m);
}

START_TEST(outputs_that_share_memory_are_refused)
{
    if (!has_tensor_form(ENTRY)) return;
    for (int reduction = 0; reduction < 4; reduction++)
        check_overlap(ENTRY, (ag_reduction)reduction);
}
END_TEST

/* ---- the suite ---- */

static TCase *add_case(Suite *suite, const char *name, double timeout_seconds)
{
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, timeout_seconds);
    suite_add_tcase(suite, tests);
    return tests;
}

#define ADD_FOR_OPS(tests, test) tcase_add_loop_test(tests, test, 0, num_op_entries)
#define ADD_FOR_LOSSES(tests, test) tcase_add_loop_test(tests, test, 0, num_loss_entries)

static void add_accuracy(Suite *suite)
{
    TCase *tests = add_case(suite, "accuracy", 600);
    tcase_add_unchecked_fixture(tests, NULL, print_accuracies);
    ADD_FOR_OPS(tests, every_operation_has_a_reference);
    ADD_FOR_OPS(tests, reference_gradients_are_central_differences);
    ADD_FOR_OPS(tests, values_are_right);
    ADD_FOR_OPS(tests, gradients_are_right);
}

static void add_graph(Suite *suite)
{
    TCase *tests = add_case(suite, "graph", 120);
    ADD_FOR_OPS(tests, tensors_and_variables_agree);
    ADD_FOR_OPS(tests, node_says_what_it_is);
    ADD_FOR_OPS(tests, second_backward_adds_the_same);
    ADD_FOR_OPS(tests, gradients_accumulate_over_graphs);
    ADD_FOR_OPS(tests, only_parents_that_want_a_gradient_get_one);
    ADD_FOR_OPS(tests, targets_never_get_a_gradient);
    ADD_FOR_OPS(tests, nothing_under_a_target_gets_a_gradient);
    ADD_FOR_OPS(tests, one_variable_in_two_roles_gets_both_gradients);
    ADD_FOR_OPS(tests, inputs_without_gradient_stay_out_of_the_graph);
    ADD_FOR_OPS(tests, nothing_is_recorded_while_gradients_are_off);
    ADD_FOR_OPS(tests, running_out_of_memory_is_an_error_and_takes_nothing);
}

static void add_threads(Suite *suite)
{
    TCase *tests = add_case(suite, "threads", 300);
    ADD_FOR_OPS(tests, threads_change_no_bit);
}

static void add_misuse(Suite *suite)
{
    TCase *tests = add_case(suite, "misuse", 120);
    ADD_FOR_OPS(tests, null_is_refused);
    ADD_FOR_OPS(tests, null_keeps_the_first_reason);
    ADD_FOR_OPS(tests, wrong_shapes_of_inputs_are_refused);
    ADD_FOR_OPS(tests, wrong_shapes_of_outputs_are_refused);
    ADD_FOR_OPS(tests, reshape_refuses_shapes_of_another_size);
    tcase_add_test(tests, the_message_gives_both_shapes);
    ADD_FOR_OPS(tests, damaged_tensors_are_refused);
    ADD_FOR_LOSSES(tests, unknown_reductions_are_refused);
    ADD_FOR_OPS(tests, bad_parameters_are_refused);
    tcase_add_test(tests, parameters_that_may_be_wrong_are_known);
    ADD_FOR_OPS(tests, values_outside_the_domain_are_refused);
    ADD_FOR_OPS(tests, values_outside_the_domain_are_found_in_large_tensors);
    tcase_add_test(tests, domains_are_those_of_the_contract);
    ADD_FOR_OPS(tests, outputs_that_share_memory_are_refused);
}

int main(void)
{
    Suite *suite = suite_create("operations");
    share_accuracies();
    add_graph(suite);
    add_threads(suite);
    add_misuse(suite);
    add_accuracy(suite);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
