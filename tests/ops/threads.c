/* threads.c: threads change no bit. */
#include "config.h"

#include "ops/world.h"

#include "suite.h"

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

void add_threads(Suite *suite)
{
    TCase *tests = add_case(suite, "threads");
    tcase_set_timeout(tests, 300);
    ADD_FOR_OPS(tests, threads_change_no_bit);
}
