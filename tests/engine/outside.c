/* outside.c: what stays out of the graph. */
#include "config.h"

#include "engine/world.h"

#include <pthread.h>

#include "assertions.h"
#include "suite.h"

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

void add_outside(Suite *suite)
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
