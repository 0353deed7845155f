/*
 * check_attention.c: the attention module agrees with PyTorch's, whose results on the same inputs stand
 * in tests/vectors/attention.txt; its gradients are right, and a small transformer learns.
 */
#include "config.h"

#include <autograd/autograd.h>
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "torch_results.h"

static ag_arena *arena;
static ag_random generator;

static void set_up(void)
{
    arena = ag_arena_create(0);
    generator = ag_random_create(5);
    ag_clear_error();
}

static void tear_down(void)
{
    ag_arena_destroy(arena);
}

static ag_tensor *create_normal(uint32_t ndims, const uint32_t *shape)
{
    ag_tensor *tensor = ag_tensor_create(arena, ndims, shape);
    ck_assert_int_eq(ag_tensor_fill_normal(tensor, &generator, 0, 1), AG_OK);
    return tensor;
}

static ag_variable *create_input(uint32_t ndims, const uint32_t *shape)
{
    ag_variable *leaf = ag_create_leaf(arena, create_normal(ndims, shape), true);
    ck_assert_ptr_nonnull(leaf);
    return leaf;
}

/* ---- PyTorch's results ---- */

static ag_tensor *to_tensor(const numbers *n)
{
    ag_tensor *tensor = ag_tensor_create(arena, n->shape.ndims, n->shape.dims);
    for (size_t i = 0; i < n->size; i++)
        tensor->data[i] = (float)n->values[i];
    return tensor;
}

/* What is computed through float results is as exact as those, of whose size the largest tells. */
static void assert_close(const char *what, const torch_result *r, const ag_tensor *got,
                         const numbers *expected)
{
    double largest = 0;
    ck_assert_uint_eq(got->size, expected->size);
    for (size_t i = 0; i < expected->size; i++)
        largest = fmax(largest, fabs(expected->values[i]));
    for (size_t i = 0; i < expected->size; i++)
        ck_assert_msg(fabs((double)got->data[i] - expected->values[i]) <= 1e-6 * largest,
                      "%s: %s[%zu] is %.9g, not %.9g", r->label, what, i, (double)got->data[i],
                      expected->values[i]);
}

/* The parameter is the number of heads; the group says whether it is causal. */
static void check_result(const torch_result *r)
{
    bool causal = strcmp(r->group, "causal") == 0;
    uint32_t width = r->inputs[0].shape.dims[2];
    ag_module *module =
        ag_module_attention(arena, &generator, width, (uint32_t)r->parameter, causal);
    ck_assert_ptr_nonnull(module);
    for (uint32_t i = 0; i < module->num_parameters; i++)
        module->parameters[i] = ag_create_leaf(arena, to_tensor(&r->inputs[i + 1]), true);
    ag_variable *x = ag_create_leaf(arena, to_tensor(&r->inputs[0]), true);
    ag_variable *y = ag_module_forward(module, arena, x);
    ck_assert_msg(y != NULL, "%s", ag_last_error());
    ck_assert_int_eq(ag_backward_from(arena, y, to_tensor(&r->upstream)), AG_OK);
    assert_close("value", r, y->data, &r->value[FLOAT64]);
    assert_close("gradient of x", r, x->grad, &r->gradients[0][FLOAT64]);
    for (uint32_t i = 0; i < module->num_parameters; i++)
        assert_close(module->parameter_names[i], r, module->parameters[i]->grad,
                     &r->gradients[i + 1][FLOAT64]);
}

START_TEST(attention_is_as_in_pytorch)
{
    FILE *file = open_vectors("attention.txt");
    ag_arena *read = ag_arena_create(0);
    torch_result result;
    int count = 0;
    for (; torch_read_result(file, read, &result); count++)
        check_result(&result);
    ck_assert_msg(feof(file), "attention.txt is damaged after %s", result.label);
    ck_assert_int_eq(count, 4);
    fclose(file);
    ag_arena_destroy(read);
}
END_TEST

START_TEST(attention_refuses_other_widths)
{
    ag_module *attention = ag_module_attention(arena, &generator, 6, 2, true);
    ck_assert_ptr_null(ag_module_forward(attention, arena, create_input(2, (uint32_t[]){4, 6})));
    ck_assert_str_eq(ag_last_error(), "attention: x is [4, 6] but must be [batch, length, 6]");
    ck_assert_int_eq(ag_last_status(), AG_ERROR_SHAPE);
}
END_TEST

/* ---- gradients, and learning ---- */

START_TEST(causal_attention_does_not_look_ahead)
{
    ag_module *attention = ag_module_attention(arena, &generator, 6, 2, true);
    ag_variable *x = create_input(3, (uint32_t[]){2, 4, 6});
    const ag_variable *before = ag_module_forward(attention, arena, x);
    x->data->data[3 * 6 + 2] += 1; /* the last position of the first sequence */
    const ag_variable *after = ag_module_forward(attention, arena, x);
    ck_assert_mem_eq(before->data->data, after->data->data, 3 * 6 * sizeof(float));
    ck_assert_mem_ne(before->data->data + 18, after->data->data + 18, 6 * sizeof(float));
}
END_TEST

/* x + attention(norm(x)), then x + mlp(norm(x)). */
typedef struct block {
    ag_module *parts[4];
} block;

static ag_variable *transform(ag_arena *step, ag_variable *const *inputs, void *context)
{
    block *b = context;
    ag_variable *x = inputs[0];
    uint32_t next = 1;
    for (int i = 0; i < 4; i++) /* modules compute with the leaves that gradcheck has made */
        for (uint32_t k = 0; k < b->parts[i]->num_parameters; k++)
            b->parts[i]->parameters[k] = inputs[next++];
    for (int i = 0; i < 4; i += 2) {
        ag_variable *change = ag_module_forward(b->parts[i], step, x);
        x = ag_add(step, x, ag_module_forward(b->parts[i + 1], step, change));
    }
    return x;
}

static void check_block(block *b, ag_tensor *x)
{
    ag_tensor *inputs[16] = {x};
    uint32_t count = 1;
    for (int i = 0; i < 4; i++)
        for (uint32_t k = 0; k < b->parts[i]->num_parameters; k++)
            inputs[count++] = b->parts[i]->parameters[k]->data;
    ag_gradcheck_report report;
    ck_assert_int_eq(ag_gradcheck(arena, transform, b, count, inputs, NULL, &report), AG_OK);
    ck_assert_msg(report.passed, "%s", report.text);
}

START_TEST(gradients_of_a_transformer_block_are_right)
{
    for (int causal = 0; causal < 2; causal++) {
        block b = {{ag_module_layer_norm(arena, 6, 1e-5f),
                    ag_module_attention(arena, &generator, 6, 2, causal),
                    ag_module_layer_norm(arena, 6, 1e-5f),
                    ag_module_linear(arena, &generator, 6, 6, true)}};
        check_block(&b, create_normal(3, (uint32_t[]){2, 5, 6}));
    }
}
END_TEST

/* Computes with the leaves that gradcheck has made: x, then the parameters. */
static ag_variable *apply_module(ag_arena *step, ag_variable *const *inputs, void *context)
{
    ag_module *module = context;
    for (uint32_t i = 0; i < module->num_parameters; i++)
        module->parameters[i] = inputs[i + 1];
    return ag_module_forward(module, step, inputs[0]);
}

START_TEST(gradients_of_attention_are_right)
{
    ag_module *attention = ag_module_attention(arena, &generator, 6, 3, true);
    size_t count = ag_module_num_parameters(attention);
    ag_variable **parameters = ag_module_parameters(attention, arena);
    ag_tensor *inputs[32] = {create_normal(3, (uint32_t[]){2, 5, 6})};
    for (size_t i = 0; i < count; i++)
        inputs[i + 1] = parameters[i]->data;
    ag_gradcheck_report report;
    ck_assert_int_eq(
        ag_gradcheck(arena, apply_module, attention, (uint32_t)count + 1, inputs, NULL, &report),
        AG_OK);
    ck_assert_msg(report.passed, "%s", report.text);
}
END_TEST

/* The token after next is what a position has to say: attention alone can fetch it. */
START_TEST(a_small_transformer_learns)
{
    enum { TOKENS = 6, LENGTH = 5, BATCH = 16, WIDTH = 12 };
    ag_variable *table = create_input(2, (uint32_t[]){TOKENS, WIDTH});
    ag_variable *places = create_input(1, (uint32_t[]){LENGTH * WIDTH});
    ag_module *layers[] = {ag_module_attention(arena, &generator, WIDTH, 2, false),
                           ag_module_layer_norm(arena, WIDTH, 1e-5f),
                           ag_module_linear(arena, &generator, WIDTH, TOKENS, true)};
    ag_module *model = ag_module_sequential(arena, 3, layers);
    size_t count = ag_module_num_parameters(model);
    ag_variable *parameters[32] = {table, places};
    memcpy(parameters + 2, ag_module_parameters(model, arena), count * sizeof *parameters);
    ag_adamw_options options = ag_adamw_defaults();
    options.learning_rate = 0.01f;
    ag_optimizer *optimizer = ag_adamw_create(arena, count + 2, parameters, options);
    ag_indices *tokens = ag_indices_create(arena, 2, (uint32_t[]){BATCH, LENGTH});
    ag_tensor *targets = ag_tensor_create(arena, 2, (uint32_t[]){BATCH * LENGTH, TOKENS});
    ag_variable *target = ag_create_leaf(arena, targets, false);
    ag_arena *step = ag_arena_create(0);
    float loss = 0;
    for (int i = 0; i < 400; i++) {
        ag_tensor_fill(targets, 0);
        for (size_t k = 0; k < tokens->size; k++)
            tokens->data[k] = (int32_t)ag_random_below(&generator, TOKENS);
        for (size_t k = 0; k < tokens->size; k++) {
            size_t source = k / LENGTH * LENGTH + (k % LENGTH + 2) % LENGTH;
            targets->data[k * TOKENS + (size_t)tokens->data[source]] = 1;
        }
        ag_variable *x = ag_embedding(step, table, tokens);
        x = ag_reshape(step, x, 2, (uint32_t[]){BATCH, LENGTH * WIDTH});
        x = ag_reshape(step, ag_add(step, x, places), 3, (uint32_t[]){BATCH, LENGTH, WIDTH});
        x = ag_reshape(step, ag_module_forward(model, step, x), 2, targets->shape);
        ag_variable *node = ag_cross_entropy_loss(step, x, target, AG_REDUCTION_MEAN);
        ck_assert_msg(node != NULL, "%s", ag_last_error());
        ag_optimizer_zero_grad(optimizer);
        ck_assert_int_eq(ag_backward(step, node), AG_OK);
        ck_assert_int_eq(ag_optimizer_step(optimizer), AG_OK);
        loss = node->data->data[0];
        ag_arena_reset(step);
    }
    ag_arena_destroy(step);
    ck_assert_msg(loss < 0.4f, "the loss is %g after 400 steps; guessing gives 1.79", (double)loss);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attention");
    TCase *tests = add_case(suite, "attention");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, attention_is_as_in_pytorch);
    tcase_add_test(tests, attention_refuses_other_widths);
    tcase_add_test(tests, causal_attention_does_not_look_ahead);
    tcase_add_test(tests, gradients_of_a_transformer_block_are_right);
    tcase_add_test(tests, gradients_of_attention_are_right);
    tcase_add_test(tests, a_small_transformer_learns);
    return run_suite(suite);
}
