/* graph.c: gradients arrive where they are wanted and nowhere else. */
#include "config.h"

#include "ops/world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

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

/* Not where one of them must lie in a domain, as a variance. */
static bool may_be_one_variable(const op_case *c, uint32_t i, uint32_t j)
{
    const ag__domain *domains = c->entry->op->domains;
    return op_differentiable(c, i) && op_differentiable(c, j) &&
           domains[i].text == domains[j].text && same_shape(&c->shapes[i], &c->shapes[j]);
}

START_TEST(one_variable_in_two_roles_gets_both_gradients)
{
    op_case c;
    int tried = 0;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        for (uint32_t j = 1; j < AG__MAX_INPUTS; j++)
            for (uint32_t i = 0; i < j; i++)
                if (may_be_one_variable(&c, i, j)) {
                    check_two_roles(&c, i, j);
                    tried++;
                }
    }
    ck_assert(tried > 0 || ENTRY->op->num_differentiable == 1 ||
              ENTRY->signature == SIGNATURE_moments);
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

void add_graph(Suite *suite)
{
    TCase *tests = add_case(suite, "graph");
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
