/* check_engine.c: building graphs and going backward through them. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <autograd/autograd.h>

#include "assertions.h"
#include "suite.h"

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

static ag_arena *permanent, *graph, *temp;

/* Of the operation `identity`: how often it went backward, and what it shall return. */
static int times_called;
static ag_status status_to_give;

static void create_arenas(void)
{
    times_called = 0;
    status_to_give = AG_OK;
    ag_clear_error();
    permanent = ag_arena_create(0);
    graph = ag_arena_create(0);
    temp = ag_arena_create(0);
    ck_assert(permanent != NULL && graph != NULL && temp != NULL);
}

static void destroy_arenas(void)
{
    ag_arena_destroy(permanent);
    ag_arena_destroy(graph);
    ag_arena_destroy(temp);
}

static ag_tensor *vector(ag_arena *arena, uint32_t n, const float *values)
{
    ag_tensor *tensor = ag_tensor_create_from(arena, 1, &n, values);
    ck_assert_ptr_nonnull(tensor);
    return tensor;
}

static ag_variable *leaf(uint32_t n, const float *values, bool requires_grad)
{
    ag_variable *variable = ag_create_leaf(permanent, vector(permanent, n, values), requires_grad);
    ck_assert_ptr_nonnull(variable);
    return variable;
}

static ag_variable *scalar(float value)
{
    return leaf(1, &value, true);
}

static ag_variable *random_leaf(uint32_t rows, uint32_t columns, bool requires_grad)
{
    static ag_random random;
    if (random.state[0] == 0) random = ag_random_create(1);
    ag_tensor *tensor = ag_tensor_create(permanent, 2, (uint32_t[]){rows, columns});
    succeed(ag_tensor_fill_uniform(tensor, &random, -1, 1));
    ag_variable *variable = ag_create_leaf(permanent, tensor, requires_grad);
    ck_assert_ptr_nonnull(variable);
    return variable;
}

static void assert_values(const ag_tensor *tensor, uint32_t n, const float *values)
{
    ck_assert_ptr_nonnull(tensor);
    ck_assert_uint_eq(tensor->size, n);
    for (uint32_t i = 0; i < n; i++)
        ck_assert_msg(tensor->data[i] == values[i], "element %u is %.9g, not %.9g", i,
                      (double)tensor->data[i], (double)values[i]);
}

static void assert_grad(const ag_variable *variable, float expected)
{
    assert_values(variable->grad, 1, &expected);
}

/* ---- nodes ---- */

START_TEST(a_leaf_shares_its_tensor)
{
    ag_tensor *tensor = vector(permanent, 2, (float[]){1, 2});
    for (int requires_grad = 0; requires_grad <= 1; requires_grad++) {
        ag_variable *x = ag_create_leaf(permanent, tensor, requires_grad != 0);
        ck_assert_ptr_nonnull(x);
        ck_assert_ptr_eq(x->data, tensor);
        ck_assert_ptr_null(x->grad);
        ck_assert_int_eq(x->requires_grad, requires_grad);
        ck_assert(x->is_leaf);
        ck_assert_str_eq(x->op, "leaf");
        ck_assert(x->num_parents == 0 && x->num_saved == 0 && x->backward_fn == NULL);
    }
}
END_TEST

START_TEST(an_operation_records_itself)
{
    ag_variable *x = scalar(2), *y = leaf(1, (float[]){3}, false);
    ag_variable *product = ag_mul(graph, x, y);
    ck_assert_ptr_nonnull(product);
    ck_assert_str_eq(product->op, "mul");
    ck_assert(product->requires_grad && !product->is_leaf);
    ck_assert_ptr_null(product->grad);
    ck_assert_uint_eq(product->num_parents, 2);
    ck_assert_ptr_eq(product->parents[0].node, x);
    ck_assert_ptr_eq(product->parents[1].node, y);
    ck_assert(product->backward_fn != NULL);
}
END_TEST

START_TEST(an_operation_on_frozen_leaves_records_nothing)
{
    ag_variable *x = leaf(1, (float[]){2}, false);
    ag_variable *product = ag_mul(graph, x, x);
    ck_assert_ptr_nonnull(product);
    assert_values(product->data, 1, (float[]){4});
    ck_assert(!product->requires_grad && !product->is_leaf);
    ck_assert(product->num_parents == 0 && product->num_saved == 0 && product->backward_fn == NULL);
}
END_TEST

/* ---- gradients ---- */

START_TEST(a_gradient_is_null_until_a_backward_sets_it)
{
    ag_variable *x = leaf(3, (float[]){1, -2, 3}, true);
    ag_variable *root = ag_sum(graph, ag_mul(graph, x, x));
    ck_assert_ptr_null(x->grad);
    ck_assert_ptr_null(root->grad);
    succeed(ag_backward(temp, root));
    assert_values(x->grad, 3, (float[]){2, -4, 6});
    ck_assert(ag_tensor_same_shape(x->grad, x->data));
    assert_grad(root, 1);
    succeed(ag_zero_grad(x));
    ck_assert_ptr_null(x->grad);
    succeed(ag_zero_grad(x));
    succeed(ag_backward(temp, root));
    assert_values(x->grad, 3, (float[]){2, -4, 6});
}
END_TEST

START_TEST(a_gradient_outlives_the_graph)
{
    ag_variable *x = leaf(2, (float[]){1, 2}, true);
    for (int step = 1; step <= 3; step++) {
        succeed(ag_backward(temp, ag_sum(graph, ag_scale(graph, x, 5))));
        ag_arena_reset(graph);
        memset(ag_arena_alloc(graph, 10000), 0xff, 10000);
        ag_arena_reset(graph);
        assert_values(x->grad, 2, (float[]){5 * (float)step, 5 * (float)step});
    }
}
END_TEST

START_TEST(gradients_between_root_and_leaves_can_be_read)
{
    ag_variable *x = scalar(3);
    ag_variable *square = ag_mul(graph, x, x), *six = ag_scale(graph, square, 6);
    ag_variable *root = ag_mul(graph, six, square); /* 6 x^4 */
    succeed(ag_backward(temp, root));
    assert_grad(root, 1);
    assert_grad(six, 9);
    assert_grad(square, 6 * 9 + 6 * 9);
    assert_grad(x, 24 * 27);
}
END_TEST

START_TEST(a_second_backward_adds_exactly_the_same)
{
    ag_variable *x = random_leaf(7, 5, true), *w = random_leaf(3, 5, true);
    ag_variable *hidden = ag_linear(graph, x, w, NULL);
    ag_variable *root = ag_mean(graph, ag_tanh(graph, hidden));
    succeed(ag_backward(temp, root));
    ag_tensor *first = vector(permanent, (uint32_t)x->data->size, x->grad->data);
    ag_tensor *first_hidden = vector(permanent, (uint32_t)hidden->data->size, hidden->grad->data);
    succeed(ag_backward(temp, root));
    for (size_t i = 0; i < first->size; i++)
        ck_assert(x->grad->data[i] == 2 * first->data[i]); /* doubling is exact */
    assert_values(hidden->grad, (uint32_t)first_hidden->size, first_hidden->data);
    assert_grad(root, 1);
    succeed(ag_zero_grad(x));
    succeed(ag_backward(temp, root));
    assert_values(x->grad, (uint32_t)first->size, first->data);
}
END_TEST

START_TEST(two_roots_share_nodes)
{
    ag_variable *x = scalar(2);
    ag_variable *shared = ag_mul(graph, x, x);
    ag_variable *one = ag_scale(graph, shared, 10), *other = ag_scale(graph, shared, 3);
    succeed(ag_backward(temp, one));
    assert_grad(shared, 10);
    assert_grad(x, 40);
    succeed(ag_backward(temp, other));
    assert_grad(shared, 3);
    assert_grad(x, 52);
    assert_grad(one, 1);
    succeed(ag_backward(temp, shared));
    assert_grad(shared, 1);
    assert_grad(x, 56);
}
END_TEST

START_TEST(backward_takes_no_memory)
{
    ag_variable *x = random_leaf(20, 30, true), *w = random_leaf(10, 30, true);
    ag_variable *b = leaf(10, (float[10]){1}, true);
    ag_variable *out = ag_log_softmax(graph, ag_gelu(graph, ag_linear(graph, x, w, b)));
    ag_variable *root = ag_mean(graph, ag_mul(graph, out, out));
    size_t used = ag_arena_used(graph), held = ag_arena_capacity(graph);
    size_t permanently_used = ag_arena_used(permanent);
    succeed(ag_backward(temp, root));
    ck_assert_uint_eq(ag_arena_used(graph), used);
    ck_assert_uint_eq(ag_arena_capacity(graph), held);
    ck_assert_uint_eq(ag_arena_used(permanent), permanently_used);
    ck_assert_uint_eq(ag_arena_capacity(temp), 0);
}
END_TEST

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

/* ---- roots and seeds ---- */

START_TEST(a_leaf_may_be_the_root)
{
    ag_variable *x = scalar(7);
    succeed(ag_backward(temp, x));
    assert_grad(x, 1);
    succeed(ag_backward(temp, x));
    assert_grad(x, 2);
    succeed(ag_backward_from(temp, x, vector(graph, 1, (float[]){-5})));
    assert_grad(x, -3);
}
END_TEST

START_TEST(a_scalar_is_any_tensor_of_one_element)
{
    ag_variable *x = random_leaf(1, 1, true);
    succeed(ag_backward(temp, ag_scale(graph, x, 4)));
    assert_grad(x, 4);
}
END_TEST

START_TEST(a_root_of_several_elements_wants_a_seed)
{
    ag_variable *x = leaf(2, (float[]){1, 2}, true);
    ag_variable *root = ag_mul(graph, x, x);
    ck_assert_int_eq(ag_backward(temp, root), AG_ERROR_GRAPH);
    ck_assert_ptr_nonnull(strstr(ag_last_error(), "mul"));
    assert_last_failure(AG_ERROR_GRAPH, "ag_backward_from");
    ck_assert(x->grad == NULL && root->grad == NULL);
    ck_assert_int_eq(ag_backward(temp, x), AG_ERROR_GRAPH);
    ck_assert_ptr_null(x->grad);
}
END_TEST

START_TEST(a_seed_is_the_upstream_gradient_and_is_copied)
{
    ag_variable *x = leaf(3, (float[]){1, 2, 3}, true);
    ag_variable *root = ag_mul(graph, x, x);
    ag_tensor *seed = vector(graph, 3, (float[]){10, -1, 0});
    succeed(ag_backward_from(temp, root, seed));
    assert_values(x->grad, 3, (float[]){20, -4, 0});
    succeed(ag_tensor_fill(seed, 99));
    assert_values(root->grad, 3, (float[]){10, -1, 0});
    succeed(ag_backward_from(temp, root, root->grad));
    assert_values(root->grad, 3, (float[]){10, -1, 0});
    assert_values(x->grad, 3, (float[]){40, -8, 0});
}
END_TEST

START_TEST(a_seed_must_have_the_shape_of_the_root)
{
    ag_variable *x = leaf(3, (float[]){1, 2, 3}, true);
    ag_variable *root = ag_scale(graph, x, 2);
    ag_tensor *seed = vector(graph, 2, (float[]){1, 1});
    assert_fails(ag_backward_from(temp, root, seed), AG_ERROR_SHAPE,
                 "backward_from: root (scale) is [3] but seed is [2]");
    ck_assert(x->grad == NULL && root->grad == NULL);
}
END_TEST

START_TEST(a_root_without_gradient_is_refused)
{
    ag_variable *frozen = leaf(1, (float[]){1}, false);
    ag_tensor *seed = vector(graph, 1, (float[]){1});
    assert_fails(ag_backward(temp, frozen), AG_ERROR_GRAPH, "root (leaf) requires no gradient");
    assert_fails(ag_backward(temp, ag_scale(graph, frozen, 2)), AG_ERROR_GRAPH,
                 "root (scale) requires no gradient");
    assert_fails(ag_backward_from(temp, frozen, seed), AG_ERROR_GRAPH, "requires no gradient");
    ck_assert_ptr_null(frozen->grad);
}
END_TEST

/* ---- staying out of the graph ---- */

START_TEST(no_grad_mode_computes_values_alone)
{
    ag_variable *x = scalar(3);
    ck_assert(ag_grad_enabled());
    ck_assert(ag_set_grad_enabled(false));
    ck_assert(!ag_grad_enabled());
    ag_variable *y = ag_mul(graph, x, x);
    ag_variable *parameter = ag_create_leaf(graph, x->data, true);
    ck_assert(!ag_set_grad_enabled(false));
    ck_assert(!ag_set_grad_enabled(true));
    ck_assert(ag_grad_enabled());

    assert_values(y->data, 1, (float[]){9});
    ck_assert(!y->requires_grad && y->num_parents == 0 && y->num_saved == 0);
    ck_assert(parameter->requires_grad);
    assert_fails(ag_backward(temp, y), AG_ERROR_GRAPH, "gradients were disabled");
    succeed(ag_backward(temp, ag_mul(graph, x, y)));
    assert_grad(x, 9);
}
END_TEST

START_TEST(no_grad_mode_uses_less_memory)
{
    ag_variable *x = random_leaf(30, 30, true);
    ck_assert_ptr_nonnull(ag_gelu(graph, x));
    size_t with_graph = ag_arena_used(graph);
    ag_arena_reset(graph);
    ag_set_grad_enabled(false);
    ck_assert_ptr_nonnull(ag_gelu(graph, x));
    ag_set_grad_enabled(true);
    ck_assert_uint_lt(ag_arena_used(graph), with_graph);
}
END_TEST

static void *report_grad_mode(void *unused)
{
    (void)unused;
    static bool enabled;
    enabled = ag_grad_enabled();
    ag_set_grad_enabled(false);
    return &enabled;
}

START_TEST(no_grad_mode_belongs_to_a_thread)
{
    pthread_t thread;
    void *enabled = NULL;
    ag_set_grad_enabled(false);
    ck_assert_int_eq(pthread_create(&thread, NULL, report_grad_mode, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, &enabled), 0);
    ck_assert(*(bool *)enabled);
    ag_set_grad_enabled(true);
    ck_assert(ag_grad_enabled());
}
END_TEST

START_TEST(a_detached_variable_cuts_the_graph)
{
    ag_variable *x = scalar(3), *y = ag_mul(graph, x, x);
    ag_variable *detached = ag_detach(graph, y);
    ck_assert_ptr_nonnull(detached);
    ck_assert_ptr_eq(detached->data, y->data);
    ck_assert(detached->is_leaf && !detached->requires_grad);
    succeed(ag_backward(temp, ag_mul(graph, detached, x)));
    assert_grad(x, 9);
    ck_assert(y->grad == NULL && detached->grad == NULL);
    assert_fails(ag_backward(temp, ag_scale(graph, detached, 2)), AG_ERROR_GRAPH, "no gradient");
}
END_TEST

START_TEST(a_frozen_leaf_is_read_and_never_written)
{
    ag_variable *frozen = leaf(2, (float[]){3, 4}, false), *x = leaf(2, (float[]){1, 2}, true);
    ag_variable before = *frozen;
    ag_variable *root = ag_sum(graph, ag_mul(graph, x, frozen));
    root = ag_add(graph, root, ag_mse_loss(graph, x, frozen, AG_REDUCTION_SUM));
    succeed(ag_backward(temp, root));
    assert_values(x->grad, 2, (float[]){3 - 4, 4 - 4});
    ck_assert_mem_eq(frozen, &before, sizeof before);
}
END_TEST

START_TEST(a_leaf_that_is_frozen_after_all_gets_no_more_gradient)
{
    ag_variable *x = scalar(3), *y = scalar(5);
    ag_variable *root = ag_mul(graph, x, y);
    succeed(ag_backward(temp, root));
    y->requires_grad = false;
    succeed(ag_backward(temp, root));
    assert_grad(x, 10);
    assert_grad(y, 3);
}
END_TEST

typedef struct shared_work {
    ag_variable *frozen;
    float gradient;
} shared_work;

static void *work_on_shared_leaf(void *argument)
{
    shared_work *work = argument;
    ag_arena *own = ag_arena_create(0);
    uint32_t shape[] = {1};
    ag_variable *x = ag_create_leaf(own, ag_tensor_create_from(own, 1, shape, (float[]){2}), true);
    ag_mark mark = ag_arena_mark(own);
    for (int i = 0; i < 1000; i++) {
        ag_zero_grad(x);
        ag_backward(own, ag_mul(own, ag_mul(own, x, work->frozen), x));
        ag_arena_rewind(own, mark);
    }
    work->gradient = x->grad->data[0];
    ag_arena_destroy(own);
    return NULL;
}

START_TEST(threads_share_a_frozen_leaf)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    shared_work work[THREADS];
    ag_variable *frozen = leaf(1, (float[]){5}, false);
    for (int i = 0; i < THREADS; i++) {
        work[i] = (shared_work){.frozen = frozen};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work_on_shared_leaf, &work[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert(work[i].gradient == 20);
    }
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

/* ---- operations of one's own ---- */

static ag_status cube_backward(ag_variable *self, ag_arena *temp_arena)
{
    const ag_tensor *x = self->saved_tensors[0];
    ag_tensor *contribution = ag_tensor_create(temp_arena, x->ndims, x->shape);
    if (contribution == NULL) return ag_last_status();
    for (size_t i = 0; i < x->size; i++)
        contribution->data[i] = 3 * x->data[i] * x->data[i] * self->grad->data[i];
    return ag_accumulate_grad(self->parents[0].node, contribution);
}

static ag_status cube_backward_without_temporary(ag_variable *self, ag_arena *temp_arena)
{
    (void)temp_arena;
    const ag_tensor *x = self->saved_tensors[0];
    bool accumulate = false;
    ag_tensor *grad = ag_grad_sink(self->parents[0].node, &accumulate);
    if (grad == NULL) return AG_OK;
    for (size_t i = 0; i < x->size; i++)
        grad->data[i] =
            (accumulate ? grad->data[i] : 0) + 3 * x->data[i] * x->data[i] * self->grad->data[i];
    return AG_OK;
}

static ag_variable *cube(ag_arena *arena, ag_variable *x, ag_backward_fn backward_fn)
{
    ag_tensor *result = ag_tensor_create(arena, x->data->ndims, x->data->shape);
    ck_assert_ptr_nonnull(result);
    for (size_t i = 0; i < x->data->size; i++)
        result->data[i] = x->data->data[i] * x->data->data[i] * x->data->data[i];
    ag_variable *node = ag_create_node(arena, "cube", result, 1, &x, backward_fn);
    ck_assert_ptr_nonnull(node);
    succeed(ag_save_tensors(arena, node, 1, &x->data));
    return node;
}

static const ag_backward_fn cube_backwards[] = {cube_backward, cube_backward_without_temporary};

START_TEST(an_operation_of_ones_own_goes_backward)
{
    ag_variable *x = leaf(3, (float[]){1, -2, 4}, true);
    ag_variable *y = cube(graph, x, cube_backwards[_i]);
    ck_assert_str_eq(y->op, "cube");
    ck_assert(y->requires_grad && !y->is_leaf && y->num_parents == 1 && y->num_saved == 1);
    assert_values(y->data, 3, (float[]){1, -8, 64});
    succeed(ag_backward(temp, ag_sum(graph, y)));
    assert_values(x->grad, 3, (float[]){3, 12, 48});
    succeed(ag_backward_from(temp, y, vector(graph, 3, (float[]){1, 0, -1})));
    assert_values(x->grad, 3, (float[]){6, 12, 0});
}
END_TEST

/* d/dx of x^3 (x^3)^3 + x = 12 x^11 + 1, with three contributions to the first cube's parent. */
START_TEST(an_operation_of_ones_own_adds_to_other_contributions)
{
    ag_variable *x = scalar(2), *y = cube(graph, x, cube_backwards[_i]);
    ag_variable *ninth = cube(graph, y, cube_backwards[_i]);
    succeed(ag_backward(temp, ag_add(graph, ag_mul(graph, y, ninth), x)));
    assert_grad(y, 4 * 512);
    assert_grad(x, 12 * 2048 + 1);
}
END_TEST

START_TEST(an_operation_of_ones_own_may_have_a_frozen_parent)
{
    ag_variable *x = scalar(2), *frozen = leaf(1, (float[]){3}, false);
    ag_variable before = *frozen;
    ag_variable *y = cube(graph, frozen, cube_backwards[_i]);
    ck_assert(!y->requires_grad && y->num_parents == 0 && y->backward_fn == NULL);
    succeed(ag_backward(temp, ag_mul(graph, y, x)));
    assert_grad(x, 27);
    ck_assert_mem_eq(frozen, &before, sizeof before);
}
END_TEST

START_TEST(contributions_set_first_and_then_add)
{
    ag_variable *x = leaf(2, (float[]){0, 0}, true), *frozen = leaf(2, (float[]){0, 0}, false);
    ag_tensor *contribution = vector(graph, 2, (float[]){1, -2});
    bool accumulate = true;
    ag_tensor *sink = ag_grad_sink(x, &accumulate);
    ck_assert_ptr_nonnull(sink);
    ck_assert(!accumulate);
    succeed(ag_tensor_fill(sink, 10));
    succeed(ag_accumulate_grad(x, contribution));
    assert_values(x->grad, 2, (float[]){11, 8});
    ck_assert_ptr_eq(ag_grad_sink(x, &accumulate), x->grad);
    ck_assert(accumulate);
    succeed(ag_zero_grad(x));
    succeed(ag_accumulate_grad(x, contribution));
    assert_values(x->grad, 2, (float[]){1, -2});
    succeed(ag_accumulate_grad(x, x->grad));
    assert_values(x->grad, 2, (float[]){2, -4});

    ck_assert_ptr_null(ag_grad_sink(frozen, &accumulate));
    succeed(ag_accumulate_grad(frozen, contribution));
    ck_assert_ptr_null(frozen->grad);
    ck_assert_int_eq(ag_last_status(), AG_OK);
}
END_TEST

START_TEST(a_contribution_of_another_shape_is_refused)
{
    ag_variable *x = leaf(2, (float[]){0, 0}, true);
    ag_tensor *contribution = vector(graph, 3, (float[]){1, 2, 3});
    assert_fails(ag_accumulate_grad(x, contribution), AG_ERROR_SHAPE,
                 "parent (leaf) is [2] but contribution is [3]");
    ck_assert_ptr_null(x->grad);
}
END_TEST

START_TEST(saving_again_forgets_what_was_saved)
{
    ag_variable *x = scalar(2), *y = cube(graph, x, cube_backward);
    ag_tensor *tensors[] = {y->data, NULL, x->data};
    succeed(ag_save_tensors(graph, y, 3, tensors));
    tensors[0] = NULL;
    ck_assert_uint_eq(y->num_saved, 3);
    ck_assert_ptr_eq(y->saved_tensors[0], y->data);
    ck_assert_ptr_null(y->saved_tensors[1]);
    ck_assert_ptr_eq(y->saved_tensors[2], x->data);
    succeed(ag_save_tensors(graph, y, 0, NULL));
    ck_assert_uint_eq(y->num_saved, 0);
}
END_TEST

START_TEST(a_node_may_have_no_parents)
{
    ag_variable *node =
        ag_create_node(graph, "constant", vector(graph, 1, (float[]){1}), 0, NULL, cube_backward);
    ck_assert_ptr_nonnull(node);
    ck_assert(!node->requires_grad && !node->is_leaf && node->backward_fn == NULL);
}
END_TEST

/* Passes the gradient on, takes scratch memory, and returns what it is told to. */
static ag_status identity_backward(ag_variable *self, ag_arena *temp_arena)
{
    times_called++;
    void *scratch = ag_arena_alloc(temp_arena, 100000);
    if (scratch == NULL) return ag_last_status();
    memset(scratch, 0xff, 100000);
    if (self->metadata_int == 1 && status_to_give != AG_OK) return status_to_give;
    return ag_accumulate_grad(self->parents[0].node, self->grad);
}

static ag_variable *identity(ag_variable *x, bool fails)
{
    ag_variable *node = ag_create_node(graph, "identity", x->data, 1, &x, identity_backward);
    ck_assert_ptr_nonnull(node);
    node->metadata_int = fails ? 1 : 0;
    return node;
}

static const ag_status failures[] = {
    AG_ERROR_NULL,    AG_ERROR_MEMORY, AG_ERROR_SHAPE, AG_ERROR_DOMAIN, AG_ERROR_ARGUMENT,
    AG_ERROR_OVERLAP, AG_ERROR_GRAPH,  AG_ERROR_FILE,  AG_ERROR_FORMAT,
};

START_TEST(an_operation_that_fails_stops_backward)
{
    ag_variable *x = scalar(3), *doubled = ag_scale(graph, x, 2);
    ag_variable *below = identity(doubled, false);
    ag_variable *failing = identity(below, true), *above = identity(failing, false);
    ag_variable *root = ag_scale(graph, above, 5);
    ag_arena_alloc(temp, 64);
    size_t used = ag_arena_used(temp);

    status_to_give = failures[_i];
    ck_assert_int_eq(ag_backward(temp, root), failures[_i]);
    ck_assert_int_eq(times_called, 2);
    ck_assert_uint_eq(ag_arena_used(temp), used);
    assert_grad(above, 5);
    assert_grad(failing, 5);
    ck_assert(below->grad == NULL && doubled->grad == NULL && x->grad == NULL);

    status_to_give = AG_OK;
    succeed(ag_backward(temp, root));
    ck_assert_int_eq(times_called, 5);
    assert_grad(x, 10);
}
END_TEST

START_TEST(contributions_made_before_a_failure_stay)
{
    ag_variable *x = scalar(3), *y = scalar(4);
    ag_variable *failing = identity(ag_scale(graph, y, 2), true);
    ag_variable *root = ag_mul(graph, x, failing);
    succeed(ag_backward(temp, root));
    assert_grad(x, 8);
    assert_grad(y, 6);
    status_to_give = AG_ERROR_DOMAIN;
    ck_assert_int_eq(ag_backward(temp, root), AG_ERROR_DOMAIN);
    assert_grad(x, 16);
    assert_grad(y, 6);
}
END_TEST

START_TEST(scratch_memory_is_rewound_after_each_operation)
{
    ag_variable *x = scalar(1), *node = x;
    for (int i = 0; i < 100; i++)
        node = identity(node, false);
    ag_arena_alloc(temp, 1000);
    size_t used = ag_arena_used(temp);
    succeed(ag_backward(temp, node));
    assert_grad(x, 1);
    ck_assert_int_eq(times_called, 100);
    ck_assert_uint_eq(ag_arena_used(temp), used);
    ck_assert_uint_lt(ag_arena_high_water(temp), used + 2 * 100000);
}
END_TEST

START_TEST(scratch_memory_may_come_from_the_arena_of_the_graph)
{
    ag_variable *x = scalar(2), *node = x;
    for (int i = 0; i < 3; i++)
        node = cube(graph, identity(node, false), cube_backward);
    size_t used = ag_arena_used(graph);
    succeed(ag_backward(graph, node));
    ck_assert_uint_eq(ag_arena_used(graph), used);
    assert_grad(x, 27 * 0x1p26f);
    succeed(ag_backward(graph, node));
    assert_grad(x, 27 * 0x1p27f);
}
END_TEST

START_TEST(scratch_memory_that_runs_out_is_an_error_of_backward)
{
    ag_variable *x = scalar(2), *node = identity(x, false);
    ag_arena_set_limit(temp, 50000);
    assert_fails(ag_backward(temp, node), AG_ERROR_MEMORY, "limit of 50000");
    ck_assert_ptr_null(x->grad);
    ag_arena_set_limit(temp, 0);
    succeed(ag_backward(temp, node));
    assert_grad(x, 1);
}
END_TEST

/* ---- a backward inside of a backward ---- */

static ag_variable *inner_parameter, *running_node;

/* Of x -> w x²: computes it again on a graph of its own, which shares only the leaf w. */
static ag_status recomputing_backward(ag_variable *self, ag_arena *temp_arena)
{
    ag_variable *x = ag_create_leaf(temp_arena, self->saved_tensors[0], true);
    ag_variable *again = ag_mul(temp_arena, inner_parameter, ag_mul(temp_arena, x, x));
    ag_status status = ag_backward_from(temp_arena, again, self->grad);
    return status == AG_OK ? ag_accumulate_grad(self->parents[0].node, x->grad) : status;
}

START_TEST(an_operation_may_go_backward_through_a_graph_of_its_own)
{
    ag_variable *x = scalar(3), *w = scalar(5), *doubled = ag_scale(graph, x, 2);
    inner_parameter = w;
    ag_tensor *result = vector(graph, 1, (float[]){5 * 36});
    ag_variable *node = ag_create_node(graph, "own", result, 1, &doubled, recomputing_backward);
    succeed(ag_save_tensors(graph, node, 1, &doubled->data));
    ag_variable *root = ag_add(graph, ag_mul(graph, node, w), w); /* 4 w² x² + w */
    for (int times = 1; times <= 2; times++) {
        succeed(ag_backward(temp, root));
        assert_grad(doubled, 5 * 5 * 2 * 6);
        assert_grad(x, (float)times * (8 * 25 * 3));
        assert_grad(w, (float)times * (8 * 5 * 9 + 1));
    }
}
END_TEST

static ag_status interfering_backward(ag_variable *self, ag_arena *temp_arena)
{
    assert_fails(ag_backward(temp_arena, running_node), AG_ERROR_GRAPH, "running");
    assert_fails(ag_backward(temp_arena, ag_scale(temp_arena, running_node, 2)), AG_ERROR_GRAPH,
                 "running");
    return ag_accumulate_grad(self->parents[0].node, self->grad);
}

START_TEST(a_graph_that_is_being_gone_through_is_refused)
{
    ag_variable *x = scalar(3), *square = ag_mul(graph, x, x);
    ag_variable *node =
        ag_create_node(graph, "own", square->data, 1, &square, interfering_backward);
    ag_variable *root = ag_scale(graph, node, 7), *candidates[] = {square, node, root};
    for (int i = 0; i < COUNT_OF(candidates); i++) {
        running_node = candidates[i];
        succeed(ag_zero_grad(x));
        succeed(ag_backward(temp, root));
        assert_grad(square, 7);
        assert_grad(x, 42);
    }
    succeed(ag_backward(temp, square));
    assert_grad(x, 48);
}
END_TEST

/* ---- variables that no function of the library made ---- */

/* ---- a backward inside of a backward_fn ---- */

/* y = w · x, computed again when the gradient is wanted: gradient checkpointing. */
static ag_status recompute_backward(ag_variable *self, ag_arena *temp_arena)
{
    ag_variable *w = self->parents[0].node, *x = self->parents[1].node;
    ag_variable *again = ag_create_leaf(temp_arena, x->data, true);
    ag_variable *product = ag_mul(temp_arena, w, again);
    ag_status status = ag_backward_from(temp_arena, product, self->grad);
    return status == AG_OK ? ag_accumulate_grad(x, again->grad) : status;
}

static ag_variable *recomputed_product(ag_variable *w, ag_variable *x)
{
    ag_tensor *out = vector(graph, 1, (float[]){w->data->data[0] * x->data->data[0]});
    ag_variable *node =
        ag_create_node(graph, "recomputed", out, 2, (ag_variable *[]){w, x}, recompute_backward);
    ck_assert_ptr_nonnull(node);
    return node;
}

START_TEST(a_backward_within_a_backward_may_share_leaves)
{
    ag_variable *w = scalar(3), *x = scalar(5);
    ag_variable *outer = ag_mul(graph, w, recomputed_product(w, ag_mul(graph, w, x))); /* w³ x */
    succeed(ag_backward(temp, outer));
    ck_assert(w->grad->data[0] == 3 * 9 * 5);
    ck_assert(x->grad->data[0] == 27);
}
END_TEST

static ag_status backward_from_parent(ag_variable *self, ag_arena *temp_arena)
{
    return ag_backward(temp_arena, self->parents[0].node);
}

START_TEST(a_backward_within_a_backward_may_not_share_nodes)
{
    ag_variable *x = scalar(2), *square = ag_mul(graph, x, x);
    ag_tensor *out = vector(graph, 1, (float[]){4});
    ag_variable *root = ag_create_node(graph, "reenters", out, 1, &square, backward_from_parent);
    assert_fails(ag_backward(temp, root), AG_ERROR_GRAPH, "a backward is running");
    succeed(ag_backward(temp, square)); /* nothing is left behind */
    ck_assert(x->grad->data[0] == 4);
}
END_TEST

/* The time of a backward must not grow with the square of the number of chunks. */
START_TEST(many_small_chunks_take_no_longer)
{
    ag_arena *small_chunks = ag_arena_create(4096);
    ag_variable *node = scalar(1);
    for (int i = 0; i < 300000; i++)
        node = ag_scale(small_chunks, node, 1);
    succeed(ag_backward(small_chunks, node));
    ag_arena_destroy(small_chunks);
}
END_TEST

START_TEST(a_bias_without_data_is_not_left_out)
{
    ag_variable *x = leaf(1, (float[]){1}, true), *empty = leaf(1, (float[]){1}, true);
    ag_variable *weight = ag_reshape(graph, x, 2, (uint32_t[]){1, 1});
    empty->data = NULL;
    ck_assert_ptr_null(ag_linear(graph, x, weight, empty));
    assert_last_failure(AG_ERROR_NULL, "linear: bias has no data");
}
END_TEST

static void assert_refused(ag_variable *variable)
{
    ag_variable *x = scalar(1), *parents[] = {variable};
    ag_tensor *one = vector(graph, 1, (float[]){1});
    bool accumulate = false;
    assert_fails(ag_backward(temp, variable), AG_ERROR_STATE, "backward: root is gone");
    assert_fails(ag_backward_from(temp, variable, one), AG_ERROR_STATE, "root is gone");
    assert_fails(ag_zero_grad(variable), AG_ERROR_STATE, "zero_grad: variable is gone");
    assert_fails(ag_accumulate_grad(variable, one), AG_ERROR_STATE, "parent is gone");
    assert_fails(ag_save_tensors(graph, variable, 1, &one), AG_ERROR_STATE, "node is gone");
    ck_assert_ptr_null(ag_detach(graph, variable));
    assert_last_failure(AG_ERROR_STATE, "detach: variable is gone");
    ck_assert_ptr_null(ag_relu(graph, variable));
    assert_last_failure(AG_ERROR_STATE, "relu: x is gone");
    ck_assert_ptr_null(ag_mse_loss(graph, x, variable, AG_REDUCTION_SUM));
    assert_last_failure(AG_ERROR_STATE, "mse_loss: target is gone");
    ck_assert_ptr_null(ag_concat(graph, 2, (ag_variable *[]){x, variable}, 0));
    assert_last_failure(AG_ERROR_STATE, "concat: inputs[1] is gone");
    ck_assert_ptr_null(ag_grad_sink(variable, &accumulate));
    assert_last_failure(AG_ERROR_STATE, "grad_sink: parent is gone");
    ck_assert_ptr_null(ag_create_node(graph, "own", one, 1, parents, cube_backward));
    assert_last_failure(AG_ERROR_STATE, "create_node: one of parents is gone");
}

START_TEST(a_variable_made_by_hand_is_refused)
{
    ag_variable empty = {0}, filled = {
                                 .data = vector(permanent, 1, (float[]){3}),
                                 .grad = vector(permanent, 1, (float[]){42}),
                                 .requires_grad = true,
                                 .is_leaf = true,
                             };
    assert_refused(&empty);
    assert_refused(&filled);
    ck_assert(filled.grad->data[0] == 42);
}
END_TEST

START_TEST(a_copy_of_a_node_is_refused)
{
    ag_variable *x = scalar(3), copy = *ag_mul(graph, x, x);
    assert_refused(&copy);
    ck_assert_ptr_null(x->grad);
}
END_TEST

/* ---- variables whose memory was given back ---- */

static ag_variable *product_in(ag_arena *arena, ag_variable *x)
{
    ag_variable *y = ag_create_leaf(arena, vector(arena, 1, (float[]){5}), true);
    ag_variable *product = ag_mul(arena, x, y);
    ck_assert_ptr_nonnull(product);
    return product;
}

START_TEST(a_variable_is_gone_with_its_arenas_memory)
{
    ag_arena *step = ag_arena_create(512);
    ag_variable *x = scalar(3), *kept = product_in(step, x);
    ag_mark mark = ag_arena_mark(step);
    ag_variable *gone = product_in(step, kept);
    ck_assert_int_eq(ag_arena_rewind(step, mark), AG_OK);
    assert_refused(gone);
    succeed(ag_backward(temp, kept));
    assert_grad(x, 5);
    succeed(ag_arena_reset(step));
    assert_refused(gone);
    assert_refused(kept);
    assert_grad(x, 5);
    ag_arena_destroy(step);
}
END_TEST

START_TEST(scratch_memory_that_is_given_back_ends_no_variable)
{
    ag_arena *step = ag_arena_create(512);
    ag_variable *x = scalar(3), *kept = product_in(step, x);
    for (size_t bytes = 1; bytes < 3000; bytes += 100) {
        ag_mark mark = ag_arena_mark(step);
        ck_assert_ptr_nonnull(ag_arena_alloc(step, bytes));
        ck_assert_int_eq(ag_arena_rewind(step, mark), AG_OK);
        succeed(ag_zero_grad(x));
        succeed(ag_backward(step, kept));
        assert_grad(x, 5);
        kept = ag_scale(step, kept, 1);
    }
    ag_arena_destroy(step);
}
END_TEST

/* Whatever bytes stand there now; the stamps of other things are among them. */
START_TEST(a_variable_that_was_written_over_is_gone)
{
    ag_arena *step = ag_arena_create(0);
    ag_variable *gone = product_in(step, scalar(3));
    ag_variable image = *gone;
    size_t bytes = ag_arena_used(step);
    for (int byte = 0; byte < 256; byte++) {
        succeed(ag_arena_reset(step));
        memset(ag_arena_alloc(step, bytes), byte, bytes);
        assert_refused(gone);
    }
    for (size_t shift = 1; shift < sizeof image; shift++) {
        memcpy(gone, (char *)&image + shift, sizeof image - shift);
        assert_refused(gone);
    }
    ag_arena_destroy(step);
}
END_TEST

/* Another node may have come to stand where the old one was: the edge knows which it led to. */
START_TEST(an_edge_to_a_node_that_is_gone_is_refused)
{
    ag_arena *step = ag_arena_create(0);
    for (int replaced = 0; replaced < 2; replaced++) {
        succeed(ag_arena_reset(step));
        ag_variable *x = scalar(3), *inner = product_in(step, x), *root = ag_scale(graph, inner, 2);
        ag_variable *other = ag_mul(graph, x, x);
        root = ag_add(graph, other, root);
        succeed(ag_arena_reset(step));
        if (replaced == 1) ck_assert_ptr_eq(product_in(step, x), inner);
        assert_fails(ag_backward(temp, root), AG_ERROR_STATE,
                     "backward: an input of scale under root (add) is gone");
        assert_fails(ag_save_graph(temp, "/dev/null", root, 0, NULL), AG_ERROR_STATE,
                     "save_graph: a node under root is gone");
        ck_assert_ptr_null(x->grad);
        succeed(ag_backward(temp, other));
        assert_grad(x, 6);
    }
    ag_arena_destroy(step);
}
END_TEST

START_TEST(a_frozen_input_that_is_gone_is_refused_too)
{
    ag_arena *step = ag_arena_create(0);
    ag_variable *x = scalar(3);
    ag_variable *frozen = ag_create_leaf(step, vector(permanent, 1, (float[]){2}), false);
    ag_variable *root = ag_mul(graph, x, frozen);
    succeed(ag_arena_reset(step));
    assert_fails(ag_backward(temp, root), AG_ERROR_STATE, "an input of mul under root (mul)");
    ck_assert_ptr_null(x->grad);
    ag_arena_destroy(step);
}
END_TEST

/* The list of stamps goes on behind it: those that are older are seen to be gone too. */
START_TEST(a_variable_that_is_written_over_in_place_harms_nobody)
{
    for (int byte = -1; byte < 256; byte += 64) {
        ag_arena *step = ag_arena_create(0);
        ag_variable *x = scalar(3), *older = product_in(step, x), *spoilt = product_in(step, x);
        ag_variable *later = product_in(step, x);
        if (byte < 0)
            *spoilt = *later;
        else
            memset(spoilt, byte, sizeof *spoilt);
        assert_refused(spoilt);
        succeed(ag_backward(temp, later));
        succeed(ag_backward(temp, older));
        succeed(ag_arena_reset(step));
        assert_refused(later);
        assert_refused(older);
        ck_assert_ptr_nonnull(product_in(step, x));
        succeed(ag_arena_reset(step));
        ag_arena_destroy(step);
    }
}
END_TEST

START_TEST(an_optimiser_sees_that_a_parameter_is_gone)
{
    ag_arena *step = ag_arena_create(0);
    for (int replaced = 0; replaced < 2; replaced++) {
        ag_variable *x = scalar(3), *w = ag_create_leaf(step, x->data, true);
        ag_optimizer *optimizer = ag_sgd_create(permanent, 2, (ag_variable *[]){x, w},
                                                (ag_sgd_options){.learning_rate = 1});
        succeed(ag_accumulate_grad(x, vector(graph, 1, (float[]){1})));
        succeed(ag_arena_reset(step));
        if (replaced == 1) ck_assert_ptr_eq(ag_create_leaf(step, x->data, true), w);
        assert_fails(ag_optimizer_step(optimizer), AG_ERROR_STATE, "optimizer_step: parameter 1");
        assert_fails(ag_optimizer_zero_grad(optimizer), AG_ERROR_STATE, "zero_grad: parameter 1");
        ck_assert(x->data->data[0] == 3 && x->grad != NULL);
        succeed(ag_arena_reset(step));
    }
    ag_arena_destroy(step);
}
END_TEST

START_TEST(an_edge_that_leads_nowhere_does_no_harm)
{
    ag_variable *x = scalar(3), *y = scalar(5);
    ag_variable *root = ag_mul(graph, x, y);
    root->parents[1].node = NULL;
    ck_assert_int_eq(ag_backward(temp, root), ag_last_status()); /* fine, or refused */
    if (ag_last_status() == AG_OK)
        assert_grad(x, 5);
    else
        ck_assert_ptr_null(x->grad);
    ck_assert_ptr_null(y->grad);
}
END_TEST

/* ---- NULL ---- */

/* ---- memory that runs out ---- */

/* What each of them is made from; all of it lives in the permanent arena. */
typedef struct ingredients {
    ag_variable *x, *weight, *bias, *labels, *node;
} ingredients;

static void *make_tensor(ag_arena *arena, const ingredients *in)
{
    return ag_tensor_create_from(arena, 2, in->x->data->shape, in->x->data->data);
}

static void *make_leaf(ag_arena *arena, const ingredients *in)
{
    return ag_create_leaf(arena, in->x->data, true);
}

static void *make_node(ag_arena *arena, const ingredients *in)
{
    return ag_create_node(arena, "own", in->x->data, 2, (ag_variable *[]){in->x, in->weight},
                          cube_backward);
}

static void *save_tensor(ag_arena *arena, const ingredients *in)
{
    return ag_save_tensors(arena, in->node, 1, &in->x->data) == AG_OK ? in->node : NULL;
}

static void *make_linear(ag_arena *arena, const ingredients *in)
{
    return ag_linear(arena, in->x, in->weight, in->bias);
}

static void *make_gelu(ag_arena *arena, const ingredients *in)
{
    return ag_gelu(arena, in->x);
}

static void *make_reshaped(ag_arena *arena, const ingredients *in)
{
    return ag_reshape(arena, in->x, 1, (uint32_t[]){(uint32_t)in->x->data->size});
}

static void *make_cross_entropy(ag_arena *arena, const ingredients *in)
{
    return ag_cross_entropy_loss(arena, in->x, in->labels, AG_REDUCTION_NONE);
}

static void *make_triplet(ag_arena *arena, const ingredients *in)
{
    return ag_triplet_loss(arena, in->x, in->labels, in->x, 1, AG_REDUCTION_MEAN);
}

static void *make_sgd(ag_arena *arena, const ingredients *in)
{
    return ag_sgd_create(arena, 2, (ag_variable *[]){in->x, in->weight},
                         (ag_sgd_options){.learning_rate = 1, .momentum = 0.5f});
}

static void *make_adamw(ag_arena *arena, const ingredients *in)
{
    return ag_adamw_create(arena, 1, (ag_variable *[]){in->x}, ag_adamw_defaults());
}

static const struct {
    void *(*make)(ag_arena *arena, const ingredients *in);
    int allocations; /* that it must take at least, so that each has failed once */
} makers[] = {
    {make_tensor, 2},  {make_leaf, 3}, {make_node, 3},     {save_tensor, 1},
    {make_linear, 6},  {make_gelu, 6}, {make_reshaped, 5}, {make_cross_entropy, 6},
    {make_triplet, 6}, {make_sgd, 4},  {make_adamw, 4},
};

static ingredients create_ingredients(void)
{
    ingredients in = {
        .x = random_leaf(4, 3, true),
        .weight = random_leaf(5, 3, true),
        .bias = leaf(5, (float[]){1, 2, 3, 4, 5}, true),
        .labels = random_leaf(4, 3, false),
    };
    in.node = cube(permanent, in.x, cube_backward);
    return in;
}

/*
 * An arena with something in it and chunks of the least size: each allocation asks the system, so
 * that a limit that grows step by step makes the first one fail, then the second one, …
 */
static ag_arena *create_limited(size_t limit)
{
    ag_arena *arena = ag_arena_create(1);
    ck_assert_ptr_nonnull(arena);
    memset(ag_arena_alloc(arena, 64), 0x5a, 64);
    ag_arena_set_limit(arena, 64 + limit);
    return arena;
}

/* Whether it could be made. If not, nothing may have changed, and without the limit it can be. */
static bool make_within(size_t limit, int maker, const ingredients *in)
{
    ag_arena *arena = create_limited(limit);
    ag_variable x_before = *in->x, node_before = *in->node;
    bool made = makers[maker].make(arena, in) != NULL;
    if (!made) {
        assert_last_failure(AG_ERROR_MEMORY, "limit");
        ck_assert_uint_eq(ag_arena_used(arena), 64);
        ck_assert_mem_eq(in->x, &x_before, sizeof x_before);
        ck_assert_mem_eq(in->node, &node_before, sizeof node_before);
        ag_arena_set_limit(arena, 0);
        ck_assert_ptr_nonnull(makers[maker].make(arena, in));
    }
    ag_arena_destroy(arena);
    return made;
}

START_TEST(an_operation_out_of_memory_takes_nothing)
{
    ingredients in = create_ingredients();
    int failures_seen = 0;
    for (size_t limit = 1; !make_within(limit, _i, &in); limit += 64)
        failures_seen++;
    ck_assert_int_ge(failures_seen, makers[_i].allocations);
}
END_TEST

static bool make_nothing(int way, const ingredients *in)
{
    switch (way) {
    case 0: return ag_add(graph, in->x, in->weight) == NULL; /* shapes */
    case 1: return ag_linear(graph, in->x, in->weight, in->x) == NULL;
    case 2: return ag_reshape(graph, in->x, 1, (uint32_t[]){7}) == NULL;
    case 3: return ag_hinge_loss(graph, in->x, in->labels, AG_REDUCTION_NONE) == NULL; /* domain */
    case 4: return ag_hinge_loss(graph, in->x, in->labels, AG_REDUCTION_MEAN) == NULL;
    case 5: return ag_huber_loss(graph, in->x, in->labels, -1, AG_REDUCTION_MEAN) == NULL;
    case 6: return ag_mse_loss(graph, in->x, in->labels, (ag_reduction)4) == NULL;
    default: return ag_read_idx(graph, "/nonexistent/file") == NULL;
    }
}

START_TEST(an_operation_that_fails_takes_nothing)
{
    ingredients in = create_ingredients();
    unsigned char *before = ag_arena_alloc(graph, 64);
    memset(before, 0x5a, 64);
    size_t used = ag_arena_used(graph);
    ck_assert(make_nothing(_i, &in));
    ck_assert_int_ne(ag_last_status(), AG_OK);
    ck_assert_uint_eq(ag_arena_used(graph), used);
    for (int i = 0; i < 64; i++)
        ck_assert_uint_eq(before[i], 0x5a);
}
END_TEST

/* ---- a training step calls no malloc ---- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define HAS_ALLOCATOR_OF_ITS_OWN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_ALLOCATOR_OF_ITS_OWN 1
#endif

#if defined(__GLIBC__) && !defined(HAS_ALLOCATOR_OF_ITS_OWN)
#define COUNTS_ALLOCATIONS 1
#else
#define COUNTS_ALLOCATIONS 0
#endif

#if COUNTS_ALLOCATIONS

/* Defined here, these stand in for the C library's in the whole program. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);
extern void __libc_free(void *memory);

static atomic_bool counting;
static atomic_int allocator_calls;

static void count_call(void)
{
    if (atomic_load(&counting)) atomic_fetch_add(&allocator_calls, 1);
}

void *malloc(size_t bytes)
{
    count_call();
    return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    count_call();
    return __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes)
{
    count_call();
    return __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    count_call();
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    count_call();
    *memory = __libc_memalign(alignment, bytes);
    return *memory != NULL ? 0 : 12; /* ENOMEM */
}

void free(void *memory)
{
    count_call();
    __libc_free(memory);
}

static void start_counting(void)
{
    atomic_store(&allocator_calls, 0);
    atomic_store(&counting, true);
}

static int stop_counting(void)
{
    atomic_store(&counting, false);
    return atomic_load(&allocator_calls);
}

typedef struct model {
    ag_tensor *images, *labels;
    ag_variable *parameters[4]; /* weights and biases of two layers */
    ag_optimizer *optimizer;
} model;

static const struct {
    uint32_t batch, inputs, hidden, classes;
} model_sizes[] = {{5, 4, 8, 3}, {256, 300, 512, 10}};

static ag_variable *parameter_vector(uint32_t n)
{
    return ag_create_leaf(permanent, ag_tensor_create_zeros(permanent, 1, &n), true);
}

static model create_model(int size)
{
    uint32_t batch = model_sizes[size].batch, hidden = model_sizes[size].hidden;
    uint32_t inputs = model_sizes[size].inputs, classes = model_sizes[size].classes;
    model m = {
        .images = random_leaf(batch, inputs, false)->data,
        .labels = ag_tensor_create_zeros(permanent, 2, (uint32_t[]){batch, classes}),
        .parameters = {random_leaf(hidden, inputs, true), parameter_vector(hidden),
                       random_leaf(classes, hidden, true), parameter_vector(classes)},
    };
    for (uint32_t i = 0; i < batch; i++)
        m.labels->data[i * classes + i % classes] = 1;
    m.optimizer = ag_adamw_create(permanent, 4, m.parameters, ag_adamw_defaults());
    ck_assert_ptr_nonnull(m.optimizer);
    return m;
}

/* One step of training. Returns the loss; NaN on failure. */
static float train(model *m, ag_mark mark)
{
    ag_variable *x = ag_create_leaf(graph, m->images, false);
    ag_variable *target = ag_create_leaf(graph, m->labels, false);
    ag_variable *hidden = ag_relu(graph, ag_linear(graph, x, m->parameters[0], m->parameters[1]));
    ag_variable *logits = ag_linear(graph, hidden, m->parameters[2], m->parameters[3]);
    ag_variable *loss = ag_cross_entropy_loss(graph, logits, target, AG_REDUCTION_MEAN);
    bool fine = ag_backward(temp, loss) == AG_OK && ag_optimizer_step(m->optimizer) == AG_OK &&
                ag_optimizer_zero_grad(m->optimizer) == AG_OK;
    float value = fine ? loss->data->data[0] : NAN;
    return ag_arena_rewind(graph, mark) == AG_OK ? value : NAN;
}

START_TEST(a_training_step_calls_no_malloc)
{
    model m = create_model(_i);
    ag_mark mark = ag_arena_mark(graph);
    ag_set_num_threads(2);
    float first = train(&m, mark), last = NAN;
    for (int step = 0; step < 5; step++) /* threads and BLAS make themselves at home */
        train(&m, mark);
    start_counting();
    for (int step = 0; step < 20; step++)
        last = train(&m, mark);
    ck_assert_int_eq(stop_counting(), 0);
    ck_assert(last < first);
}
END_TEST

START_TEST(allocations_are_counted_at_all)
{
    if (getenv("AG_UNDER_VALGRIND") != NULL) return; /* which takes our allocator's place */
    start_counting();
    ag_arena_destroy(ag_arena_create(0));
    ck_assert_int_eq(stop_counting(), 2);
}
END_TEST

#endif

/* ---- */

static void add_gradients(Suite *suite)
{
    TCase *tests = add_case(suite, "gradients");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_test(tests, a_leaf_shares_its_tensor);
    tcase_add_test(tests, an_operation_records_itself);
    tcase_add_test(tests, an_operation_on_frozen_leaves_records_nothing);
    tcase_add_test(tests, a_gradient_is_null_until_a_backward_sets_it);
    tcase_add_test(tests, a_gradient_outlives_the_graph);
    tcase_add_test(tests, gradients_between_root_and_leaves_can_be_read);
    tcase_add_test(tests, a_second_backward_adds_exactly_the_same);
    tcase_add_test(tests, two_roots_share_nodes);
    tcase_add_test(tests, backward_takes_no_memory);
}

static void add_graphs(Suite *suite)
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

static void add_roots(Suite *suite)
{
    TCase *tests = add_case(suite, "roots");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_test(tests, a_leaf_may_be_the_root);
    tcase_add_test(tests, a_scalar_is_any_tensor_of_one_element);
    tcase_add_test(tests, a_root_of_several_elements_wants_a_seed);
    tcase_add_test(tests, a_seed_is_the_upstream_gradient_and_is_copied);
    tcase_add_test(tests, a_seed_must_have_the_shape_of_the_root);
    tcase_add_test(tests, a_root_without_gradient_is_refused);
}

static void add_outside(Suite *suite)
{
    TCase *tests = add_case(suite, "outside the graph");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_test(tests, no_grad_mode_computes_values_alone);
    tcase_add_test(tests, no_grad_mode_uses_less_memory);
    tcase_add_test(tests, no_grad_mode_belongs_to_a_thread);
    tcase_add_test(tests, a_detached_variable_cuts_the_graph);
    tcase_add_test(tests, a_frozen_leaf_is_read_and_never_written);
    tcase_add_test(tests, a_leaf_that_is_frozen_after_all_gets_no_more_gradient);
    tcase_add_test(tests, threads_share_a_frozen_leaf);
}

static void add_own_operations(Suite *suite)
{
    TCase *tests = add_case(suite, "operations of one's own");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    int ways = COUNT_OF(cube_backwards);
    tcase_add_loop_test(tests, an_operation_of_ones_own_goes_backward, 0, ways);
    tcase_add_loop_test(tests, an_operation_of_ones_own_adds_to_other_contributions, 0, ways);
    tcase_add_loop_test(tests, an_operation_of_ones_own_may_have_a_frozen_parent, 0, ways);
    tcase_add_test(tests, contributions_set_first_and_then_add);
    tcase_add_test(tests, a_contribution_of_another_shape_is_refused);
    tcase_add_test(tests, saving_again_forgets_what_was_saved);
    tcase_add_test(tests, a_node_may_have_no_parents);
    tcase_add_loop_test(tests, an_operation_that_fails_stops_backward, 0, COUNT_OF(failures));
    tcase_add_test(tests, contributions_made_before_a_failure_stay);
    tcase_add_test(tests, scratch_memory_is_rewound_after_each_operation);
    tcase_add_test(tests, scratch_memory_may_come_from_the_arena_of_the_graph);
    tcase_add_test(tests, scratch_memory_that_runs_out_is_an_error_of_backward);
    tcase_add_test(tests, an_operation_may_go_backward_through_a_graph_of_its_own);
    tcase_add_test(tests, a_graph_that_is_being_gone_through_is_refused);
}

static void add_hand_made(Suite *suite)
{
    TCase *tests = add_case(suite, "hand-made and NULL");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_test(tests, a_backward_within_a_backward_may_share_leaves);
    tcase_add_test(tests, a_backward_within_a_backward_may_not_share_nodes);
    tcase_add_test(tests, many_small_chunks_take_no_longer);
    tcase_add_test(tests, a_bias_without_data_is_not_left_out);
    tcase_add_test(tests, a_variable_made_by_hand_is_refused);
    tcase_add_test(tests, a_copy_of_a_node_is_refused);
    tcase_add_test(tests, a_variable_is_gone_with_its_arenas_memory);
    tcase_add_test(tests, scratch_memory_that_is_given_back_ends_no_variable);
    tcase_add_test(tests, a_variable_that_was_written_over_is_gone);
    tcase_add_test(tests, an_edge_to_a_node_that_is_gone_is_refused);
    tcase_add_test(tests, a_frozen_input_that_is_gone_is_refused_too);
    tcase_add_test(tests, a_variable_that_is_written_over_in_place_harms_nobody);
    tcase_add_test(tests, an_optimiser_sees_that_a_parameter_is_gone);
    tcase_add_test(tests, an_edge_that_leads_nowhere_does_no_harm);
}

static void add_memory(Suite *suite)
{
    TCase *tests = add_case(suite, "memory");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_loop_test(tests, an_operation_out_of_memory_takes_nothing, 0, COUNT_OF(makers));
    tcase_add_loop_test(tests, an_operation_that_fails_takes_nothing, 0, 8);
#if COUNTS_ALLOCATIONS
    tcase_add_test(tests, allocations_are_counted_at_all);
    tcase_add_loop_test(tests, a_training_step_calls_no_malloc, 0, COUNT_OF(model_sizes));
#endif
}

int main(void)
{
    Suite *suite = suite_create("engine");
    add_gradients(suite);
    add_graphs(suite);
    add_roots(suite);
    add_outside(suite);
    add_own_operations(suite);
    add_hand_made(suite);
    add_memory(suite);
    return run_suite(suite);
}
