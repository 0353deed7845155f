/* world.c: arenas, leaves and an operation of one's own for the tests of the engine. */
#include "config.h"

#include "engine/world.h"

#include "assertions.h"

ag_arena *permanent, *graph, *temp;

void create_arenas(void)
{
    ag_clear_error();
    permanent = ag_arena_create(0);
    graph = ag_arena_create(0);
    temp = ag_arena_create(0);
    ck_assert(permanent != NULL && graph != NULL && temp != NULL);
}

void destroy_arenas(void)
{
    ag_arena_destroy(permanent);
    ag_arena_destroy(graph);
    ag_arena_destroy(temp);
}

ag_tensor *vector(ag_arena *arena, uint32_t n, const float *values)
{
    ag_tensor *tensor = ag_tensor_create_from(arena, 1, &n, values);
    ck_assert_ptr_nonnull(tensor);
    return tensor;
}

ag_variable *leaf(uint32_t n, const float *values, bool requires_grad)
{
    ag_variable *variable = ag_create_leaf(permanent, vector(permanent, n, values), requires_grad);
    ck_assert_ptr_nonnull(variable);
    return variable;
}

ag_variable *scalar(float value)
{
    return leaf(1, &value, true);
}

ag_variable *random_leaf(uint32_t rows, uint32_t columns, bool requires_grad)
{
    static ag_random random;
    if (random.state[0] == 0) random = ag_random_create(1);
    ag_tensor *tensor = ag_tensor_create(permanent, 2, (uint32_t[]){rows, columns});
    succeed(ag_tensor_fill_uniform(tensor, &random, -1, 1));
    ag_variable *variable = ag_create_leaf(permanent, tensor, requires_grad);
    ck_assert_ptr_nonnull(variable);
    return variable;
}

void assert_values(const ag_tensor *tensor, uint32_t n, const float *values)
{
    ck_assert_ptr_nonnull(tensor);
    ck_assert_uint_eq(tensor->size, n);
    for (uint32_t i = 0; i < n; i++)
        ck_assert_msg(tensor->data[i] == values[i], "element %u is %.9g, not %.9g", i,
                      (double)tensor->data[i], (double)values[i]);
}

void assert_grad(const ag_variable *variable, float expected)
{
    assert_values(variable->grad, 1, &expected);
}

ag_status cube_backward(ag_variable *self, ag_arena *temp_arena)
{
    const ag_tensor *x = self->saved_tensors[0];
    ag_tensor *contribution = ag_tensor_create(temp_arena, x->ndims, x->shape);
    if (contribution == NULL) return ag_last_status();
    for (size_t i = 0; i < x->size; i++)
        contribution->data[i] = 3 * x->data[i] * x->data[i] * self->grad->data[i];
    return ag_accumulate_grad(self->parents[0].node, contribution);
}

ag_variable *cube(ag_arena *arena, ag_variable *x, ag_backward_fn backward_fn)
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

void assert_refused(ag_variable *variable)
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
