/* world.c: parameters, a quadratic to minimise, and all rules behind one way to create them. */
#include "config.h"

#include "optim/world.h"

#include <string.h>

#include "assertions.h"

const char *const rule_names[NUM_RULES] = {"sgd: ", "adamw: ", "adam: ", "rmsprop: ", "adagrad: "};

ag_arena *permanent, *graph;
ag_random numbers;

void create_arenas(void)
{
    permanent = ag_arena_create(0);
    graph = ag_arena_create(0);
    numbers = ag_random_create(1);
    ck_assert(permanent != NULL && graph != NULL);
    memset(ag_arena_alloc(permanent, 100000), 0xff, 100000); /* NaN, where state must start as 0 */
    ag_arena_reset(permanent);
}

void destroy_arenas(void)
{
    ag_arena_destroy(permanent);
    ag_arena_destroy(graph);
}

ag_variable *random_parameter(uint32_t rows, uint32_t columns)
{
    ag_tensor *tensor = ag_tensor_create(permanent, 2, (uint32_t[]){rows, columns});
    succeed(ag_tensor_fill_uniform(tensor, &numbers, -1, 1));
    ag_variable *parameter = ag_create_leaf(permanent, tensor, true);
    ck_assert_ptr_nonnull(parameter);
    return parameter;
}

ag_variable *parameter_of(float value)
{
    uint32_t shape[] = {1};
    ag_variable *parameter =
        ag_create_leaf(permanent, ag_tensor_create_from(permanent, 1, shape, &value), true);
    ck_assert_ptr_nonnull(parameter);
    return parameter;
}

void set_gradient(ag_variable *parameter, float value)
{
    bool unused = false;
    succeed(ag_tensor_fill(ag_grad_sink(parameter, &unused), value));
}

float value_of(const ag_variable *parameter)
{
    return parameter->data->data[0];
}

/* ---- a quadratic ---- */

quadratic create_quadratic(void)
{
    quadratic q = {random_parameter(SIZE, SIZE), random_parameter(1, SIZE)};
    q.matrix->requires_grad = q.row->requires_grad = false;
    for (uint32_t i = 0; i < SIZE; i++) /* far from singular */
        q.matrix->data->data[i * SIZE + i] = i % 2 == 0 ? 5 : -5;
    return q;
}

void compute_gradient(const quadratic *q, ag_variable *w)
{
    ag_variable *rest = ag_add(graph, ag_matmul(graph, w, q->matrix, false, false), q->row);
    succeed(ag_backward(graph, ag_l2_loss(graph, rest, AG_REDUCTION_SUM)));
    ag_arena_reset(graph);
}

/* ---- rules ---- */

ag_optimizer *create_optimizer(int rule, size_t count, ag_variable *const *parameters)
{
    ag_sgd_options sgd = {.learning_rate = 0.1f, .momentum = 0.9f};
    ag_rmsprop_options rmsprop = {
        .learning_rate = 0.1f, .alpha = 0.9f, .epsilon = 1e-3f, .momentum = 0.5f, .centered = true};
    switch (rule) {
    case 0: return ag_sgd_create(permanent, count, parameters, sgd);
    case 1: return ag_adamw_create(permanent, count, parameters, ag_adamw_defaults());
    case 2: return ag_adam_create(permanent, count, parameters, ag_adam_defaults());
    case 3: return ag_rmsprop_create(permanent, count, parameters, rmsprop);
    default: return ag_adagrad_create(permanent, count, parameters, ag_adagrad_defaults());
    }
}
