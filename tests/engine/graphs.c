/* graphs.c: diamonds, chains, cycles. */
#include "config.h"

#include "engine/world.h"

#include <pthread.h>

#include "assertions.h"
#include "suite.h"

/* ---- shapes of graphs ---- */

START_TEST(a_diamond_adds_both_ways)
{
    ag_variable *x = scalar(2);
    ag_variable *left = ag_scale(graph, x, 3), *right = ag_mul(graph, x, x);
    succeed(ag_backward(temp, ag_mul(graph, left, right))); /* 3 x^3 */
    assert_grad(x, 9 * 4);
}
END_TEST

/* There are 2^60 ways through sixty diamonds: each node must be visited once. */
START_TEST(diamonds_in_a_row_do_not_multiply_the_work)
{
    ag_variable *x = scalar(1), *node = x;
    for (int i = 0; i < 60; i++)
        node = ag_add(graph, node, node);
    succeed(ag_backward(temp, node));
    assert_grad(x, 0x1p60f);
}
END_TEST

START_TEST(a_node_waits_for_its_last_consumer)
{
    ag_variable *x = scalar(2), *shared = ag_mul(graph, x, x);
    ag_variable *late = shared;
    for (int i = 0; i < 50; i++)
        late = ag_scale(graph, late, i % 2 == 0 ? 2 : 0.5f);
    succeed(ag_backward(temp, ag_add(graph, shared, ag_mul(graph, late, shared))));
    assert_grad(shared, 1 + 2 * 4); /* s + s² */
    assert_grad(x, 9 * 4);
}
END_TEST

START_TEST(one_variable_in_every_place)
{
    ag_variable *x = scalar(5);
    succeed(ag_backward(temp, ag_mul(graph, x, x)));
    assert_grad(x, 10);
    succeed(ag_zero_grad(x));
    succeed(ag_backward(temp, ag_sub(graph, x, x)));
    assert_grad(x, 0);
    succeed(ag_zero_grad(x));
    succeed(ag_backward(temp, ag_matmul(graph, ag_reshape(graph, x, 2, (uint32_t[]){1, 1}),
                                        ag_reshape(graph, x, 2, (uint32_t[]){1, 1}), true, false)));
    assert_grad(x, 10);
}
END_TEST

START_TEST(a_node_may_have_a_thousand_consumers)
{
    ag_variable *x = scalar(1), *shared = ag_scale(graph, x, 2), *total = NULL;
    for (int i = 1; i <= 1000; i++) {
        ag_variable *term = ag_scale(graph, shared, (float)i);
        total = total == NULL ? term : ag_add(graph, total, term);
    }
    succeed(ag_backward(temp, total));
    assert_grad(shared, 1000 * 1001 / 2);
    assert_grad(x, 1000 * 1001);
    succeed(ag_backward(temp, total));
    assert_grad(shared, 1000 * 1001 / 2);
    assert_grad(x, 2 * 1000 * 1001);
}
END_TEST

#define CHAIN_LENGTH 1000000

static void *go_backward(void *root)
{
    static ag_status status;
    status = ag_backward(temp, root);
    return &status;
}

/* The thread's stack would not even hold a return address for each node. */
START_TEST(a_chain_of_a_million_nodes_needs_no_stack)
{
    ag_variable *x = scalar(3), *node = x;
    for (int i = 0; i < CHAIN_LENGTH && node != NULL; i++)
        node = i % 2 == 0 ? ag_scale(graph, node, -1) : ag_add(graph, node, x);
    ck_assert_ptr_nonnull(node);

    pthread_t thread;
    pthread_attr_t attributes;
    void *status = NULL;
    ck_assert_int_eq(pthread_attr_init(&attributes), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, go_backward, node), 0);
    ck_assert_int_eq(pthread_join(thread, &status), 0);
    ck_assert_int_eq(*(ag_status *)status, AG_OK);
    /* each pair of steps maps s to 1 - s, so the slopes alternate between 0 and 1 */
    assert_grad(x, CHAIN_LENGTH / 2 % 2 == 0 ? 1 : 0);
}
END_TEST

/* ---- cycles ---- */

/* x, 2x, (2x)², 3 (2x)²: at x = 1 the last has the slope 24. */
typedef struct loop {
    ag_variable *x, *doubled, *square, *root;
} loop;

static loop create_chain(void)
{
    loop l = {.x = scalar(1)};
    l.doubled = ag_scale(graph, l.x, 2);
    l.square = ag_mul(graph, l.doubled, l.doubled);
    l.root = ag_scale(graph, l.square, 3);
    ck_assert_ptr_nonnull(l.root);
    succeed(ag_backward(temp, l.root));
    assert_grad(l.x, 24);
    return l;
}

static void assert_cycle_changes_nothing(loop *l)
{
    ag_tensor *root_grad = l->root->grad, *doubled_grad = l->doubled->grad;
    assert_fails(ag_backward(temp, l->root), AG_ERROR_GRAPH, "depends on itself");
    ck_assert_ptr_eq(l->root->grad, root_grad);
    ck_assert_ptr_eq(l->doubled->grad, doubled_grad);
    assert_grad(l->root, 1);
    assert_grad(l->square, 3);
    assert_grad(l->doubled, 12);
    assert_grad(l->x, 24);
}

static void assert_works_again(loop *l)
{
    succeed(ag_backward(temp, l->root));
    assert_grad(l->x, 48);
    succeed(ag_backward(temp, l->square));
    assert_grad(l->x, 56);
}

static void lead_to(ag_variable *node, uint32_t parent, ag_variable *other)
{
    node->parents[parent] = (ag_edge){other, other->engine.stamp.sign};
}

START_TEST(a_cycle_through_the_root_is_refused)
{
    loop l = create_chain();
    lead_to(l.doubled, 0, l.root);
    assert_cycle_changes_nothing(&l);
    assert_cycle_changes_nothing(&l);
    lead_to(l.doubled, 0, l.x);
    assert_works_again(&l);
}
END_TEST

START_TEST(a_cycle_below_the_root_is_refused)
{
    loop l = create_chain();
    lead_to(l.doubled, 0, l.square);
    assert_cycle_changes_nothing(&l);
    lead_to(l.doubled, 0, l.x);
    assert_works_again(&l);
}
END_TEST

START_TEST(a_node_that_is_its_own_parent_is_refused)
{
    loop l = create_chain();
    lead_to(l.doubled, 0, l.doubled);
    assert_cycle_changes_nothing(&l);
    lead_to(l.doubled, 0, l.x);
    lead_to(l.root, 0, l.root);
    assert_cycle_changes_nothing(&l);
    lead_to(l.root, 0, l.square);
    assert_works_again(&l);
}
END_TEST

START_TEST(a_cycle_beside_a_way_to_the_leaves_is_refused)
{
    loop l = create_chain();
    lead_to(l.square, 1, l.root);
    assert_cycle_changes_nothing(&l);
    lead_to(l.square, 1, l.doubled);
    assert_works_again(&l);
}
END_TEST

void add_graphs(Suite *suite)
{
    TCase *tests = add_case(suite, "graphs");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_test(tests, a_diamond_adds_both_ways);
    tcase_add_test(tests, diamonds_in_a_row_do_not_multiply_the_work);
    tcase_add_test(tests, a_node_waits_for_its_last_consumer);
    tcase_add_test(tests, one_variable_in_every_place);
    tcase_add_test(tests, a_node_may_have_a_thousand_consumers);
    tcase_add_test(tests, a_chain_of_a_million_nodes_needs_no_stack);
    tcase_add_test(tests, a_cycle_through_the_root_is_refused);
    tcase_add_test(tests, a_cycle_below_the_root_is_refused);
    tcase_add_test(tests, a_node_that_is_its_own_parent_is_refused);
    tcase_add_test(tests, a_cycle_beside_a_way_to_the_leaves_is_refused);
}
