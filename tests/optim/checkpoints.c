/* checkpoints.c: what an optimiser remembers. */
#include "config.h"

#include "optim/world.h"

#include <string.h>

#include "assertions.h"
#include "suite.h"

#define MAX_CHECKPOINT 16

typedef struct checkpoint {
    float weights[SIZE];
    float tensors[MAX_CHECKPOINT][SIZE];
    uint64_t counters[MAX_CHECKPOINT];
} checkpoint;

/* Copies what the optimiser remembers to the checkpoint, or back. */
static void exchange(ag_optimizer *optimizer, checkpoint *c, bool restore)
{
    size_t count = ag_optimizer_num_state(optimizer);
    ck_assert(0 < count && count <= MAX_CHECKPOINT);
    for (size_t i = 0; i < count; i++) {
        ag_optimizer_state state;
        succeed(ag_optimizer_state_at(optimizer, i, &state));
        ck_assert((state.tensor == NULL) != (state.counter == NULL));
        void *own = state.tensor != NULL ? (void *)state.tensor->data : (void *)state.counter;
        void *copy = state.tensor != NULL ? (void *)c->tensors[i] : (void *)&c->counters[i];
        size_t bytes = state.tensor != NULL ? state.tensor->size * sizeof(float) : sizeof(uint64_t);
        memcpy(restore ? own : copy, restore ? copy : own, bytes);
    }
}

static void train(const quadratic *q, ag_optimizer *optimizer, ag_variable *w, int steps)
{
    for (int step = 0; step < steps; step++) {
        compute_gradient(q, w);
        succeed(ag_optimizer_step(optimizer));
        succeed(ag_optimizer_zero_grad(optimizer));
    }
}

START_TEST(what_an_optimizer_remembers_is_enough_to_resume)
{
    quadratic q = create_quadratic();
    ag_variable *w = random_parameter(1, SIZE), *resumed = random_parameter(1, SIZE);
    ag_optimizer *first = create_optimizer(_i, 1, &w);
    ag_optimizer *second = create_optimizer(_i, 1, &resumed);
    checkpoint c;
    train(&q, first, w, 7);
    exchange(first, &c, false);
    succeed(ag_tensor_copy(resumed->data, w->data));
    train(&q, first, w, 7);
    exchange(second, &c, true);
    train(&q, second, resumed, 7);
    ck_assert_int_eq(memcmp(w->data->data, resumed->data->data, SIZE * sizeof(float)), 0);
}
END_TEST

START_TEST(what_an_optimizer_remembers_has_names_and_shapes)
{
    ag_variable *parameters[] = {parameter_of(1), random_parameter(2, 3)};
    ag_optimizer *optimizer = create_optimizer(1, 2, parameters);
    static const char *const names[] = {"0.step", "0.exp_avg", "0.exp_avg_sq",
                                        "1.step", "1.exp_avg", "1.exp_avg_sq"};
    ck_assert_str_eq(ag_optimizer_name(optimizer), "adamw");
    ck_assert_uint_eq(ag_optimizer_num_state(optimizer), 6);
    ag_optimizer_state state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        succeed(ag_optimizer_state_at(optimizer, i, &state));
        ck_assert_str_eq(state.name, names[i]);
        if (state.tensor != NULL)
            ck_assert(ag_tensor_same_shape(state.tensor, parameters[i / 3]->data));
    }
    ck_assert_int_eq(ag_optimizer_state_at(optimizer, 6, &state), AG_ERROR_ARGUMENT);
    assert_last_failure(AG_ERROR_ARGUMENT, "optimizer_state_at: index is 6 but must be below 6");
}
END_TEST

void add_checkpoints(Suite *suite)
{
    TCase *tests = add_case(suite, "checkpoints");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_loop_test(tests, what_an_optimizer_remembers_is_enough_to_resume, 0, NUM_RULES);
    tcase_add_test(tests, what_an_optimizer_remembers_has_names_and_shapes);
}
