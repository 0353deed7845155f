/*
 * check_api.c: the specification's own calls, compiled as C through <autograd/using.h> against the
 * public headers and the shared library alone.
 */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <autograd/using.h>

#include "suite.h"

static Arena *arena, *graph_arena, *temp_arena;
static Tensor *out, *one; /* a scalar for results, and the upstream gradient 1 */

static void create_arenas(void)
{
    arena = ag_arena_create(0);
    graph_arena = ag_arena_create(0);
    temp_arena = ag_arena_create(0);
    ck_assert(arena != NULL && graph_arena != NULL && temp_arena != NULL);
    uint32_t scalar_shape[1] = {1};
    out = tensor_create_zeros(arena, 1, scalar_shape);
    one = tensor_create_zeros(arena, 1, scalar_shape);
    ck_assert(out != NULL && one != NULL);
    one->data[0] = 1;
}

static void destroy_arenas(void)
{
    ag_arena_destroy(arena);
    ag_arena_destroy(graph_arena);
    ag_arena_destroy(temp_arena);
}

static Tensor *matrix(uint32_t rows, uint32_t columns, const float *values)
{
    uint32_t shape[2] = {rows, columns};
    Tensor *tensor = tensor_create(arena, 2, shape);
    ck_assert_ptr_nonnull(tensor);
    memcpy(tensor->data, values, tensor->size * sizeof *values);
    return tensor;
}

static Variable *input(uint32_t rows, uint32_t columns, const float *values)
{
    Variable *variable = create_leaf(arena, matrix(rows, columns, values), true);
    ck_assert_ptr_nonnull(variable);
    return variable;
}

static Tensor *zeros_like(const Variable *variable)
{
    Tensor *tensor = tensor_create_zeros(arena, variable->data->ndims, variable->data->shape);
    ck_assert_ptr_nonnull(tensor);
    return tensor;
}

static void assert_near(float actual, double expected)
{
    double error = fabs((double)actual - expected);
    ck_assert_msg(error <= 1e-6 * fabs(expected), "%.9g is not %.9g", (double)actual, expected);
}

static void assert_scalar(const Tensor *tensor, double expected)
{
    ck_assert_ptr_nonnull(tensor);
    ck_assert(tensor->ndims == 1 && tensor->shape[0] == 1 && tensor->size == 1);
    assert_near(tensor->data[0], expected);
}

/* Goes backward from a loss and compares its value and the gradient of an input. */
static void assert_loss(Variable *loss, double value, const Variable *parent,
                        const double *gradient)
{
    ck_assert_msg(loss != NULL, "%s", ag_last_error());
    assert_scalar(loss->data, value);
    ck_assert_int_eq(backward(temp_arena, loss), AG_OK);
    assert_scalar(loss->grad, 1);
    ck_assert_ptr_nonnull(parent->grad);
    for (size_t i = 0; i < parent->data->size; i++)
        assert_near(parent->grad->data[i], gradient[i]);
}

/* The functions on tensors give the same numbers, the value in `out`. */
static void assert_same(const Variable *loss, const Variable *parent, const Tensor *gradient)
{
    ck_assert(out->data[0] == loss->data->data[0]);
    ck_assert(gradient != NULL && parent->grad != NULL);
    for (size_t i = 0; i < gradient->size; i++)
        ck_assert(gradient->data[i] == parent->grad->data[i]);
}

/* ---- each loss by its name in the specification, and its function on tensors ---- */

START_TEST(mse)
{
    Variable *pred = input(1, 4, (float[]){1, 2, 3, 4});
    Variable *target = input(1, 4, (float[]){1, 4, 0, 4});
    Variable *loss = mse_loss(graph_arena, pred, target, REDUCTION_MEAN);
    assert_loss(loss, 13.0 / 4, pred, (double[]){0, -1, 1.5, 0});
    ck_assert_ptr_null(target->grad);
    Tensor *grad = zeros_like(pred);
    tensor_mse_loss(out, pred->data, target->data, REDUCTION_MEAN);
    tensor_mse_loss_grad(grad, pred->data, target->data, one, REDUCTION_MEAN);
    assert_same(loss, pred, grad);
}
END_TEST

START_TEST(l1)
{
    Variable *pred = input(1, 4, (float[]){1, 2, 3, 4});
    Variable *target = input(1, 4, (float[]){1, 4, 0, 4});
    Variable *loss = l1_loss(graph_arena, pred, target, REDUCTION_SUM);
    assert_loss(loss, 5, pred, (double[]){0, -1, 1, 0});
    Tensor *grad = zeros_like(pred);
    tensor_l1_loss(out, pred->data, target->data, REDUCTION_SUM);
    tensor_l1_loss_grad(grad, pred->data, target->data, one, REDUCTION_SUM);
    assert_same(loss, pred, grad);
}
END_TEST

START_TEST(huber)
{
    Variable *pred = input(1, 4, (float[]){1, 2, 3, 4});
    Variable *target = input(1, 4, (float[]){1, 4, 0, 3.5f});
    Variable *loss = huber_loss(graph_arena, pred, target, 1.0f, REDUCTION_MEAN);
    assert_loss(loss, (1.5 + 2.5 + 0.125) / 4, pred, (double[]){0, -0.25, 0.25, 0.125});
    ck_assert(loss->metadata_float == 1.0f);
    Tensor *grad = zeros_like(pred);
    tensor_huber_loss(out, pred->data, target->data, 1.0f, REDUCTION_MEAN);
    tensor_huber_loss_grad(grad, pred->data, target->data, one, 1.0f, REDUCTION_MEAN);
    assert_same(loss, pred, grad);
}
END_TEST

START_TEST(bce)
{
    Variable *pred = input(1, 2, (float[]){0.75f, 0.5f});
    Variable *target = input(1, 2, (float[]){1, 0});
    Variable *loss = bce_loss(graph_arena, pred, target, REDUCTION_MEAN);
    assert_loss(loss, -(log(0.75) + log(0.5)) / 2, pred, (double[]){-2.0 / 3, 1});
    Tensor *grad = zeros_like(pred);
    tensor_bce_loss(out, pred->data, target->data, REDUCTION_MEAN);
    tensor_bce_loss_grad(grad, pred->data, target->data, one, REDUCTION_MEAN);
    assert_same(loss, pred, grad);
}
END_TEST

START_TEST(bce_with_logits)
{
    Variable *logits = input(1, 2, (float[]){2, -1});
    Variable *target = input(1, 2, (float[]){1, 0});
    Variable *loss = bce_with_logits_loss(graph_arena, logits, target, REDUCTION_SUM);
    assert_loss(loss, log1p(exp(-2)) + log1p(exp(-1)), logits,
                (double[]){-1 / (1 + exp(2)), 1 / (1 + exp(1))});
    Tensor *grad = zeros_like(logits);
    tensor_bce_with_logits_loss(out, logits->data, target->data, REDUCTION_SUM);
    tensor_bce_with_logits_loss_grad(grad, logits->data, target->data, one, REDUCTION_SUM);
    assert_same(loss, logits, grad);
}
END_TEST

START_TEST(cross_entropy)
{
    /* pred: raw logits [batch, num_classes], target: one-hot [batch, num_classes] */
    Variable *pred = input(2, 2, (float[]){1, 0, 2, 5});
    Variable *target = input(2, 2, (float[]){1, 0, 1, 0});
    Variable *loss = cross_entropy_loss(graph_arena, pred, target, REDUCTION_MEAN);
    double first = 1 / (1 + exp(1)), second = 1 / (1 + exp(-3)); /* what the wrong class got */
    assert_loss(loss, -(log(1 - first) + log1p(-second)) / 2, pred,
                (double[]){-first / 2, first / 2, -second / 2, second / 2});
    Tensor *grad = zeros_like(pred);
    tensor_cross_entropy_loss(out, pred->data, target->data, REDUCTION_MEAN);
    tensor_cross_entropy_loss_grad(grad, pred->data, target->data, one, REDUCTION_MEAN);
    assert_same(loss, pred, grad);
}
END_TEST

START_TEST(nll)
{
    Variable *log_probs = input(2, 2, (float[]){-1, -0.5f, -2, -0.25f});
    Variable *target = input(2, 2, (float[]){0, 1, 1, 0});
    Variable *loss = nll_loss(graph_arena, log_probs, target, REDUCTION_MEAN);
    assert_loss(loss, 1.25, log_probs, (double[]){0, -0.5, -0.5, 0});
    Tensor *grad = zeros_like(log_probs);
    tensor_nll_loss(out, log_probs->data, target->data, REDUCTION_MEAN);
    tensor_nll_loss_grad(grad, log_probs->data, target->data, one, REDUCTION_MEAN);
    assert_same(loss, log_probs, grad);
}
END_TEST

START_TEST(kl_div)
{
    Variable *pred = input(2, 2, (float[]){-1, -0.5f, -2, -0.25f});
    Variable *target = input(2, 2, (float[]){0.5f, 0.5f, 0, 1});
    Variable *loss = kl_div_loss(graph_arena, pred, target, REDUCTION_BATCHMEAN);
    assert_loss(loss, (log(0.5) + 0.75 + 0.25) / 2, pred, (double[]){-0.25, -0.25, 0, -0.5});
    Tensor *grad = zeros_like(pred);
    tensor_kl_div_loss(out, pred->data, target->data, REDUCTION_BATCHMEAN);
    tensor_kl_div_loss_grad(grad, pred->data, target->data, one, REDUCTION_BATCHMEAN);
    assert_same(loss, pred, grad);
}
END_TEST

START_TEST(hinge)
{
    Variable *pred = input(1, 3, (float[]){0.5f, 2, 0.25f});
    Variable *target = input(1, 3, (float[]){1, 1, -1});
    Variable *loss = hinge_loss(graph_arena, pred, target, REDUCTION_SUM);
    assert_loss(loss, 0.5 + 0 + 1.25, pred, (double[]){-1, 0, 1});
    Tensor *grad = zeros_like(pred);
    tensor_hinge_loss(out, pred->data, target->data, REDUCTION_SUM);
    tensor_hinge_loss_grad(grad, pred->data, target->data, one, REDUCTION_SUM);
    assert_same(loss, pred, grad);
}
END_TEST

START_TEST(l2)
{
    Variable *weights = input(1, 2, (float[]){3, -4});
    Variable *loss = l2_loss(graph_arena, weights, REDUCTION_MEAN);
    assert_loss(loss, 6.25, weights, (double[]){1.5, -2});
    Tensor *grad = zeros_like(weights);
    tensor_l2_loss(out, weights->data, REDUCTION_MEAN);
    tensor_l2_loss_grad(grad, weights->data, one, REDUCTION_MEAN);
    assert_same(loss, weights, grad);
}
END_TEST

START_TEST(l1_regularisation)
{
    Variable *weights = input(1, 3, (float[]){3, -4, 0});
    Variable *loss = l1_regularization(graph_arena, weights, REDUCTION_SUM);
    assert_loss(loss, 7, weights, (double[]){1, -1, 0});
    Tensor *grad = zeros_like(weights);
    tensor_l1_regularization(out, weights->data, REDUCTION_SUM);
    tensor_l1_regularization_grad(grad, weights->data, one, REDUCTION_SUM);
    assert_same(loss, weights, grad);
}
END_TEST

START_TEST(cosine_embedding)
{
    /* metric learning: x1 and x2 should be similar (target=1) or dissimilar (target=-1) */
    Variable *x1 = input(2, 2, (float[]){1, 0, 3, 4}), *x2 = input(2, 2, (float[]){3, 4, 0, 2});
    Variable *target = input(2, 1, (float[]){1, -1});
    Variable *loss =
        cosine_embedding_loss(graph_arena, x1, x2, target, /*margin=*/0.5f, REDUCTION_MEAN);
    /* cosines 3/5 and 4/5 */
    assert_loss(loss, (0.4 + 0.3) / 2, x1,
                (double[]){0, -0.5 * 4 / 5, -0.5 * 12 / 125, 0.5 * 9 / 125});
    ck_assert_ptr_nonnull(x2->grad);
    ck_assert_ptr_null(target->grad);
    ck_assert_uint_eq(loss->num_parents, 3);
    Tensor *grad = zeros_like(x1), *grad2 = zeros_like(x2);
    tensor_cosine_embedding_loss(out, x1->data, x2->data, target->data, 0.5f, REDUCTION_MEAN);
    tensor_cosine_embedding_loss_grad(grad, grad2, x1->data, x2->data, target->data, one, 0.5f,
                                      REDUCTION_MEAN);
    assert_same(loss, x1, grad);
    assert_same(loss, x2, grad2);
}
END_TEST

START_TEST(triplet)
{
    Variable *anchor = input(1, 2, (float[]){0, 0});
    Variable *positive = input(1, 2, (float[]){3, 4}), *negative = input(1, 2, (float[]){0, -5});
    Variable *loss =
        triplet_loss(graph_arena, anchor, positive, negative, /*margin=*/1.0f, REDUCTION_MEAN);
    assert_loss(loss, 1, anchor, (double[]){-0.6, -0.8 - 1});
    assert_near(positive->grad->data[1], 0.8);
    assert_near(negative->grad->data[1], 1);
    ck_assert_uint_eq(loss->num_parents, 3);
    ck_assert(loss->metadata_float == 1.0f);
    Tensor *grad = zeros_like(anchor), *grad2 = zeros_like(anchor), *grad3 = zeros_like(anchor);
    tensor_triplet_loss(out, anchor->data, positive->data, negative->data, 1.0f, REDUCTION_MEAN);
    tensor_triplet_loss_grad(grad, grad2, grad3, anchor->data, positive->data, negative->data, one,
                             1.0f, REDUCTION_MEAN);
    assert_same(loss, anchor, grad);
    assert_same(loss, positive, grad2);
    assert_same(loss, negative, grad3);
}
END_TEST

/* ---- the common structure ---- */

START_TEST(a_loss_records_what_the_specification_says)
{
    Variable *pred = input(1, 2, (float[]){1, 2}), *target = input(1, 2, (float[]){0, 0});
    Variable *loss = mse_loss(arena, pred, target, REDUCTION_SUM);
    Edge edge = loss->parents[0];
    ck_assert(loss->requires_grad == pred->requires_grad && !loss->is_leaf);
    ck_assert_uint_eq(loss->num_parents, 1);
    ck_assert_ptr_eq(edge.node, pred);
    ck_assert_uint_eq(loss->num_saved, 2);
    ck_assert_ptr_eq(loss->saved_tensors[0], pred->data);
    ck_assert_ptr_eq(loss->saved_tensors[1], target->data);
    ck_assert_uint_eq(loss->reduction, (uint32_t)REDUCTION_SUM);
    ck_assert((Reduction)loss->reduction == AG_REDUCTION_SUM);
}
END_TEST

/* The specification's forward and backward by hand, on the functions for tensors. */
START_TEST(the_common_structure_compiles_and_computes)
{
    Variable *pred = input(1, 2, (float[]){1, 2}), *target = input(1, 2, (float[]){0, 4});
    Reduction reduction = REDUCTION_SUM;

    uint32_t scalar_shape[1] = {1};
    Tensor *out_data = tensor_create_zeros(arena, 1, scalar_shape);
    ck_assert_int_eq(tensor_mse_loss(out_data, pred->data, target->data, reduction), AG_OK);
    assert_scalar(out_data, 5);

    Variable *self = mse_loss(graph_arena, pred, target, reduction);
    ck_assert_int_eq(backward(temp_arena, self), AG_OK);

    Variable *parent = self->parents[0].node;
    ck_assert(parent->requires_grad);
    Tensor *local_grad = tensor_create_zeros(temp_arena, parent->grad->ndims, parent->grad->shape);
    ck_assert_int_eq(tensor_mse_loss_grad(local_grad, self->saved_tensors[0],
                                          self->saved_tensors[1], self->grad,
                                          (Reduction)self->reduction),
                     AG_OK);
    ck_assert(local_grad->data[0] == 2 && local_grad->data[1] == -4);
    ck_assert_int_eq(tensor_add(parent->grad, parent->grad, local_grad), AG_OK);
    ck_assert(pred->grad->data[0] == 4 && pred->grad->data[1] == -8);
}
END_TEST

START_TEST(the_rest_of_the_bare_names_work)
{
    Variable *x = input(1, 2, (float[]){1, 2});
    Variable *cut = detach(graph_arena, x);
    Variable *each = mse_loss(graph_arena, x, cut, REDUCTION_NONE);
    ck_assert(!cut->requires_grad);
    ck_assert_uint_eq(each->data->size, 2);
    ck_assert_int_eq(backward_from(temp_arena, l2_loss(graph_arena, x, REDUCTION_NONE),
                                   matrix(1, 2, (float[]){10, 100})),
                     AG_OK);
    ck_assert(x->grad->data[0] == 10 && x->grad->data[1] == 200);
    ck_assert_int_eq(zero_grad(x), AG_OK);
    ck_assert_ptr_null(x->grad);
}
END_TEST

/* ---- the library about itself ---- */

START_TEST(the_library_says_what_it_is)
{
    ck_assert_str_eq(ag_version(), PACKAGE_VERSION);
    const char *info = ag_build_info();
    ck_assert_ptr_nonnull(info);
    ck_assert_ptr_nonnull(strstr(info, ag_version()));
    ck_assert_ptr_nonnull(strstr(info, "libautograd"));
    ck_assert_ptr_nonnull(strstr(info, "BLAS"));
    ck_assert_ptr_nonnull(strstr(info, "kernels"));
    ck_assert_ptr_nonnull(strstr(info, "OpenMP"));
    ck_assert_ptr_nonnull(strstr(info, "zlib"));
    ck_assert_ptr_eq(ag_build_info(), info);
}
END_TEST

START_TEST(headers_and_library_are_of_one_version)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", AG_VERSION_MAJOR, AG_VERSION_MINOR, AG_VERSION_PATCH);
    ck_assert_str_eq(text, PACKAGE_VERSION);
}
END_TEST

static void add_losses(Suite *suite)
{
    TCase *tests = add_case(suite, "losses");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_test(tests, mse);
    tcase_add_test(tests, l1);
    tcase_add_test(tests, huber);
    tcase_add_test(tests, bce);
    tcase_add_test(tests, bce_with_logits);
    tcase_add_test(tests, cross_entropy);
    tcase_add_test(tests, nll);
    tcase_add_test(tests, kl_div);
    tcase_add_test(tests, hinge);
    tcase_add_test(tests, l2);
    tcase_add_test(tests, l1_regularisation);
    tcase_add_test(tests, cosine_embedding);
    tcase_add_test(tests, triplet);
}

static void add_structure(Suite *suite)
{
    TCase *tests = add_case(suite, "structure");
    tcase_add_checked_fixture(tests, create_arenas, destroy_arenas);
    tcase_add_test(tests, a_loss_records_what_the_specification_says);
    tcase_add_test(tests, the_common_structure_compiles_and_computes);
    tcase_add_test(tests, the_rest_of_the_bare_names_work);
    tcase_add_test(tests, the_library_says_what_it_is);
    tcase_add_test(tests, headers_and_library_are_of_one_version);
}

int main(void)
{
    Suite *suite = suite_create("api");
    add_losses(suite);
    add_structure(suite);
    return run_suite(suite);
}
