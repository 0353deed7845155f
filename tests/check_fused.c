/*
 * check_fused.c: the fused linear cross-entropy against a reference in double that builds all logits,
 * against PyTorch's results in float64, against the two operations that it replaces, and in the memory
 * that it may take.
 */
#include "config.h"

#include <autograd/autograd.h>
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "tensor/fused/linear_cross_entropy.h"

static ag_arena *arena, *temp;
static ag_random generator;

static void set_up(void)
{
    arena = ag_arena_create(0);
    temp = ag_arena_create(0);
    generator = ag_random_create(7);
}

static void tear_down(void)
{
    ag_set_num_threads(0);
    ag_arena_destroy(arena);
    ag_arena_destroy(temp);
}

/* ---- a call, and its reference ---- */

enum { X, WEIGHT, BIAS, INPUTS };

typedef struct problem {
    uint32_t rows, features, classes;
    ag_tensor *inputs[INPUTS]; /* bias: NULL if there is none */
    ag_indices *labels;
    ag_loss_options options;
} problem;

typedef struct answer {
    ag_tensor *out, *grads[INPUTS];
} answer;

static ag_tensor *create_normal(uint32_t ndims, const uint32_t *shape, float deviation)
{
    ag_tensor *tensor = ag_tensor_create(arena, ndims, shape);
    ck_assert_int_eq(ag_tensor_fill_normal(tensor, &generator, 0, deviation), AG_OK);
    return tensor;
}

static problem create_problem(uint32_t rows, uint32_t features, uint32_t classes, bool bias)
{
    problem p = {.rows = rows, .features = features, .classes = classes};
    p.inputs[X] = create_normal(2, (uint32_t[]){rows, features}, 1);
    p.inputs[WEIGHT] = create_normal(2, (uint32_t[]){classes, features}, 0.5f);
    if (bias) p.inputs[BIAS] = create_normal(1, &classes, 1);
    p.labels = ag_indices_create(arena, 1, &rows);
    for (uint32_t i = 0; i < rows; i++)
        p.labels->data[i] = (int32_t)ag_random_below(&generator, classes);
    return p;
}

static void add_options(problem *p)
{
    ag_tensor *class_weights = ag_tensor_create(arena, 1, &p->classes);
    ag_tensor *weights = ag_tensor_create(arena, 1, &p->rows);
    ag_tensor_fill_uniform(class_weights, &generator, 0, 2);
    ag_tensor_fill_uniform(weights, &generator, 0, 2);
    weights->data[p->rows / 2] = 0;
    p->labels->data[0] = p->labels->data[p->rows - 1] = -100;
    p->options = (ag_loss_options){
        .weights = weights,
        .class_weights = class_weights,
        .has_ignore_index = true,
        .ignore_index = -100,
        .label_smoothing = 0.125f,
        .z_loss = 0.0625f,
    };
}

static answer create_answer(const problem *p)
{
    bool each = p->options.reduction == AG_REDUCTION_NONE;
    answer a = {.out = ag_tensor_create(arena, 1, (uint32_t[]){each ? p->rows : 1})};
    for (int i = 0; i < INPUTS; i++)
        if (p->inputs[i] != NULL)
            a.grads[i] = ag_tensor_create(arena, p->inputs[i]->ndims, p->inputs[i]->shape);
    return a;
}

static answer call(const problem *p)
{
    answer a = create_answer(p);
    ag_status status = ag_tensor_linear_cross_entropy_loss(
        temp, a.out, a.grads[X], a.grads[WEIGHT], a.grads[BIAS], p->inputs[X], p->inputs[WEIGHT],
        p->inputs[BIAS], p->labels, &p->options);
    ck_assert_msg(status == AG_OK, "%s", ag_last_error());
    return a;
}

/* The logits of a row, in double. */
static void logits_of(const problem *p, uint32_t row, double *logits)
{
    const float *x = p->inputs[X]->data + (size_t)row * p->features;
    for (uint32_t c = 0; c < p->classes; c++) {
        const float *w = p->inputs[WEIGHT]->data + (size_t)c * p->features;
        logits[c] = p->inputs[BIAS] != NULL ? (double)p->inputs[BIAS]->data[c] : 0;
        for (uint32_t k = 0; k < p->features; k++)
            logits[c] += (double)x[k] * (double)w[k];
    }
}

typedef struct reference {
    double value, *values, *grads[INPUTS];
} reference;

static double class_weight(const problem *p, uint32_t class)
{
    const ag_tensor *weights = p->options.class_weights;
    return weights != NULL ? (double)weights->data[class] : 1;
}

/* PyTorch's formula: the label's part, the smoothed part, and z log² Σ e^x. */
static double reference_row(const problem *p, uint32_t label, const double *logits, double *slopes)
{
    double s = (double)p->options.label_smoothing, z = (double)p->options.z_loss;
    double sum = 0, total = 0, value = 0;
    for (uint32_t c = 0; c < p->classes; c++)
        sum += exp(logits[c]);
    double lse = log(sum);
    for (uint32_t c = 0; c < p->classes; c++) {
        double target = (c == label ? 1 - s : 0) + s / p->classes;
        slopes[c] = -target * class_weight(p, c);
        value += slopes[c] * (logits[c] - lse);
        total -= slopes[c];
    }
    for (uint32_t c = 0; c < p->classes; c++)
        slopes[c] += (total + 2 * z * lse) * exp(logits[c]) / sum;
    return value + z * lse * lse;
}

static double *zeros(size_t n)
{
    return calloc(n, sizeof(double));
}

static double divisor_of(const problem *p)
{
    double sum = 0;
    if (p->options.reduction != AG_REDUCTION_MEAN) return 1;
    for (uint32_t i = 0; i < p->rows; i++) {
        if (p->options.has_ignore_index && p->labels->data[i] == p->options.ignore_index) continue;
        double weight = p->options.weights != NULL ? (double)p->options.weights->data[i] : 1;
        sum += weight * class_weight(p, (uint32_t)p->labels->data[i]);
    }
    return sum;
}

static reference reference_of(const problem *p)
{
    reference r = {.values = zeros(p->rows)};
    double *logits = zeros(p->classes), *slopes = zeros(p->classes), divisor = divisor_of(p);
    for (int i = 0; i < INPUTS; i++)
        r.grads[i] = p->inputs[i] != NULL ? zeros(p->inputs[i]->size) : NULL;
    for (uint32_t i = 0; i < p->rows; i++) {
        if (p->options.has_ignore_index && p->labels->data[i] == p->options.ignore_index) continue;
        double weight = p->options.weights != NULL ? (double)p->options.weights->data[i] : 1;
        logits_of(p, i, logits);
        r.values[i] = weight * reference_row(p, (uint32_t)p->labels->data[i], logits, slopes);
        r.value += r.values[i] / divisor;
        for (uint32_t c = 0; c < p->classes; c++) {
            double slope = weight * slopes[c] / divisor;
            for (uint32_t k = 0; k < p->features; k++) {
                size_t at = (size_t)i * p->features + k, weight_at = (size_t)c * p->features + k;
                r.grads[X][at] += slope * (double)p->inputs[WEIGHT]->data[weight_at];
                r.grads[WEIGHT][weight_at] += slope * (double)p->inputs[X]->data[at];
            }
            if (r.grads[BIAS] != NULL) r.grads[BIAS][c] += slope;
        }
    }
    free(logits);
    free(slopes);
    return r;
}

static void discard(reference *r)
{
    free(r->values);
    for (int i = 0; i < INPUTS; i++)
        free(r->grads[i]);
}

/*
 * Products are sums of floats: their error is that of the largest number, not of each. The reference has
 * an error of its own, of some 1e-16.
 */
static void assert_close(const char *what, const ag_tensor *got, const double *expected)
{
    double largest = 0;
    for (size_t i = 0; i < got->size; i++)
        largest = fmax(largest, fabs(expected[i]));
    for (size_t i = 0; i < got->size; i++)
        ck_assert_msg(fabs((double)got->data[i] - expected[i]) <= 2e-6 * largest + 1e-14,
                      "%s[%zu] is %.9g, not %.9g", what, i, (double)got->data[i], expected[i]);
}

static void check_against(const problem *p, reference *r)
{
    answer a = call(p);
    assert_close("loss", a.out, p->options.reduction == AG_REDUCTION_NONE ? r->values : &r->value);
    assert_close("gradient of x", a.grads[X], r->grads[X]);
    assert_close("gradient of weight", a.grads[WEIGHT], r->grads[WEIGHT]);
    if (p->inputs[BIAS] != NULL) assert_close("gradient of bias", a.grads[BIAS], r->grads[BIAS]);
    discard(r);
}

static void check_against_reference(const problem *p)
{
    reference r = reference_of(p);
    check_against(p, &r);
}

/* Fewer rows than a tile, a tile, and several with a rest; few classes and many, one beyond two slices. */
static const uint32_t shapes[][3] = {{1, 1, 1}, {5, 4, 3}, {256, 7, 40}, {600, 16, 1025}};

START_TEST(value_and_gradients_are_those_of_all_logits)
{
    static const ag_reduction reductions[] = {AG_REDUCTION_MEAN, AG_REDUCTION_SUM,
                                              AG_REDUCTION_NONE};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 3; k++) {
            problem p = create_problem(shapes[i][0], shapes[i][1], shapes[i][2], i % 2 == 0);
            p.options.reduction = reductions[k];
            check_against_reference(&p);
        }
}
END_TEST

START_TEST(options_mean_what_they_mean_elsewhere)
{
    for (int i = 1; i < 4; i++)
        for (int each = 0; each < 2; each++) {
            problem p = create_problem(shapes[i][0], shapes[i][1], shapes[i][2], i % 2 == 1);
            add_options(&p);
            p.options.reduction = each ? AG_REDUCTION_NONE : AG_REDUCTION_MEAN;
            check_against_reference(&p);
        }
}
END_TEST

/* The sum, divided by the number of rows that are neither ignored nor weigh nothing. */
START_TEST(a_mean_may_divide_by_the_values_that_are_not_0)
{
    problem p = create_problem(shapes[_i][0], shapes[_i][1], shapes[_i][2], true);
    add_options(&p);
    p.options.reduction = AG_REDUCTION_SUM;
    reference r = reference_of(&p);
    double count = 0;
    for (uint32_t i = 0; i < p.rows; i++)
        count += r.values[i] != 0;
    ck_assert(count > 0 && count < p.rows);
    r.value /= count;
    for (int i = 0; i < INPUTS; i++)
        for (size_t k = 0; k < p.inputs[i]->size; k++)
            r.grads[i][k] /= count;
    p.options.reduction = AG_REDUCTION_MEAN;
    p.options.divisor = AG_DIVISOR_NONZERO;
    check_against(&p, &r);
}
END_TEST

/* ---- PyTorch ---- */

static double *read_numbers(FILE *file, size_t n)
{
    double *numbers = zeros(n);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(fscanf(file, "%lf", &numbers[i]), 1);
    return numbers;
}

static ag_tensor *read_tensor(FILE *file, uint32_t ndims, const uint32_t *shape)
{
    ag_tensor *tensor = ag_tensor_create(arena, ndims, shape);
    double *numbers = read_numbers(file, tensor->size);
    for (size_t i = 0; i < tensor->size; i++)
        tensor->data[i] = (float)numbers[i];
    free(numbers);
    return tensor;
}

static problem read_problem(FILE *file)
{
    problem p = {0};
    int ignored, reduction, bias, weights;
    ck_assert_int_eq(fscanf(file, "%u %u %u %f %d %d %d %d", &p.rows, &p.features, &p.classes,
                            &p.options.label_smoothing, &ignored, &reduction, &bias, &weights),
                     8);
    p.options.has_ignore_index = ignored != 0;
    p.options.ignore_index = ignored;
    p.options.reduction = (ag_reduction)reduction;
    p.inputs[X] = read_tensor(file, 2, (uint32_t[]){p.rows, p.features});
    p.inputs[WEIGHT] = read_tensor(file, 2, (uint32_t[]){p.classes, p.features});
    if (bias) p.inputs[BIAS] = read_tensor(file, 1, &p.classes);
    if (weights) p.options.class_weights = read_tensor(file, 1, &p.classes);
    double *labels = read_numbers(file, p.rows);
    p.labels = ag_indices_create(arena, 1, &p.rows);
    for (uint32_t i = 0; i < p.rows; i++)
        p.labels->data[i] = (int32_t)labels[i];
    free(labels);
    return p;
}

START_TEST(value_and_gradients_are_those_of_pytorch)
{
    FILE *file = open_vectors("fused.txt");
    char word[256];
    int cases = 0;
    for (; fscanf(file, "%255s", word) == 1; ag_arena_reset(arena)) {
        if (word[0] == '#') ck_assert_ptr_nonnull(fgets(word, sizeof word, file));
        if (strcmp(word, "case") != 0) continue;
        problem p = read_problem(file);
        bool each = p.options.reduction == AG_REDUCTION_NONE;
        reference r = {.values = read_numbers(file, each ? p.rows : 1)};
        for (int i = 0; i < INPUTS; i++)
            if (p.inputs[i] != NULL) r.grads[i] = read_numbers(file, p.inputs[i]->size);
        r.value = r.values[0];
        check_against(&p, &r);
        cases++;
    }
    fclose(file);
    ck_assert_int_eq(cases, 48);
}
END_TEST

/* ---- beside the two operations ---- */

static void assert_near(float a, float b)
{
    ck_assert_msg(fabsf(a - b) <= 1e-6f, "%.9g is not %.9g", (double)a, (double)b);
}

static ag_variable *leaf(ag_tensor *tensor)
{
    return tensor != NULL ? ag_create_leaf(arena, tensor, true) : NULL;
}

static void compare_graphs(bool bias)
{
    problem p = create_problem(200, 12, 90, bias);
    size_t correct[2] = {0, 1};
    ag_variable *v[2][INPUTS], *loss[2];
    for (int fused = 0; fused < 2; fused++) {
        for (int i = 0; i < INPUTS; i++)
            v[fused][i] = leaf(p.inputs[i]);
        p.options.num_correct = &correct[fused];
        ag_variable **in = v[fused];
        loss[fused] =
            fused ? ag_linear_cross_entropy_loss(arena, in[X], in[WEIGHT], in[BIAS], p.labels,
                                                 &p.options)
                  : ag_cross_entropy_labels_loss_with(
                        arena, ag_linear(arena, in[X], in[WEIGHT], in[BIAS]), p.labels, &p.options);
        /* scaled, so that gradients of the forward cannot be taken as they are */
        ck_assert_int_eq(ag_backward(arena, ag_scale(arena, loss[fused], 0.75f)), AG_OK);
    }
    assert_near(loss[0]->data->data[0], loss[1]->data->data[0]);
    ck_assert_uint_eq(correct[0], correct[1]);
    for (int i = 0; i < INPUTS; i++)
        for (size_t k = 0; p.inputs[i] != NULL && k < p.inputs[i]->size; k++)
            assert_near(v[0][i]->grad->data[k], v[1][i]->grad->data[k]);
}

START_TEST(the_graph_agrees_with_linear_and_cross_entropy)
{
    compare_graphs(true);
    compare_graphs(false);
}
END_TEST

/* [600, 4] as x and as weight: more rows than one block has. */
START_TEST(one_variable_as_x_and_weight_gets_both_gradients)
{
    ag_variable *v[2], *loss[2];
    ag_tensor *values = create_normal(2, (uint32_t[]){600, 4}, 1);
    ag_indices *labels = ag_indices_create(arena, 1, (uint32_t[]){600});
    ag_loss_options sum = {.reduction = AG_REDUCTION_SUM};
    for (uint32_t i = 0; i < 600; i++)
        labels->data[i] = (int32_t)ag_random_below(&generator, 600);
    for (int i = 0; i < 2; i++)
        v[i] = leaf(values);
    loss[0] = ag_linear_cross_entropy_loss(arena, v[0], v[0], NULL, labels, &sum);
    loss[1] =
        ag_cross_entropy_labels_loss_with(arena, ag_linear(arena, v[1], v[1], NULL), labels, &sum);
    for (int i = 0; i < 2; i++) /* twice: onto nothing, then onto what is there */
        for (int time = 0; time < 2; time++)
            ck_assert_int_eq(ag_backward(arena, ag_scale(arena, loss[i], 2)), AG_OK);
    float largest = 0; /* what sums of floats in another order differ by goes with it */
    for (size_t k = 0; k < values->size; k++)
        largest = fmaxf(largest, fabsf(v[1]->grad->data[k]));
    for (size_t k = 0; k < values->size; k++)
        ck_assert(fabsf(v[0]->grad->data[k] - v[1]->grad->data[k]) <= 1e-6f * largest);
}
END_TEST

static ag_variable *build(ag_arena *step, ag_variable *const *inputs, void *context)
{
    const problem *p = context;
    return ag_linear_cross_entropy_loss(step, inputs[X], inputs[WEIGHT], inputs[BIAS], p->labels,
                                        &p->options);
}

START_TEST(gradients_pass_the_check)
{
    for (int each = 0; each < 2; each++) {
        problem p = create_problem(6, 3, 5, true);
        add_options(&p);
        p.options.reduction = each ? AG_REDUCTION_NONE : AG_REDUCTION_MEAN;
        ag_gradcheck_report report;
        ck_assert_int_eq(ag_gradcheck(arena, build, &p, INPUTS, p.inputs, NULL, &report), AG_OK);
        ck_assert_msg(report.passed, "%s", report.text);
    }
}
END_TEST

/* ---- bits, memory, errors ---- */

static void assert_same_bits(const answer *a, const answer *b)
{
    ck_assert_mem_eq(a->out->data, b->out->data, a->out->size * sizeof(float));
    for (int i = 0; i < INPUTS; i++)
        if (a->grads[i] != NULL)
            ck_assert_mem_eq(a->grads[i]->data, b->grads[i]->data,
                             a->grads[i]->size * sizeof(float));
}

/* Tiles of a part of the rows, and of all; `classes` so few that several blocks are a tile. */
START_TEST(tiles_and_threads_change_no_bit)
{
    static const uint32_t classes[] = {5, 300};
    static const ag_reduction reductions[] = {AG_REDUCTION_MEAN, AG_REDUCTION_NONE};
    size_t before = ag__most_blocks;
    problem p = create_problem(1100, 64, classes[_i % 2], true);
    add_options(&p);
    p.options.reduction = reductions[_i / 2];
    ag_set_num_threads(1);
    ag__most_blocks = 1;
    answer first = call(&p);
    for (size_t blocks = 1; blocks <= 8; blocks += blocks < 3 ? 1 : 5)
        for (int threads = 1; threads <= 5; threads++) {
            ag__most_blocks = blocks;
            ag_set_num_threads(threads);
            answer again = call(&p);
            assert_same_bits(&first, &again);
        }
    ag__most_blocks = before;
}
END_TEST

START_TEST(threads_do_not_change_a_bit_of_many_classes)
{
    problem p = create_problem(600, 64, 3000, true);
    add_options(&p);
    ag_set_num_threads(1);
    answer first = call(&p);
    for (int threads = 2; threads <= 5; threads++) {
        ag_set_num_threads(threads);
        answer again = call(&p);
        assert_same_bits(&first, &again);
    }
}
END_TEST

/* However many blocks there are, a row of a full block comes out the same. */
START_TEST(other_rows_do_not_change_a_bit)
{
    problem p = create_problem(768, 32, 500, true);
    p.options.reduction = AG_REDUCTION_NONE;
    answer all = call(&p);
    p.rows = 256;
    p.inputs[X] = ag_tensor_create_from(arena, 2, (uint32_t[]){256, 32}, p.inputs[X]->data);
    p.labels = ag_indices_create_from(arena, 1, &p.rows, p.labels->data);
    answer some = call(&p);
    ck_assert_mem_eq(all.out->data, some.out->data, some.out->size * sizeof(float));
    ck_assert_mem_eq(all.grads[X]->data, some.grads[X]->data, some.grads[X]->size * sizeof(float));
}
END_TEST

/* What the header of the call promises. */
START_TEST(memory_does_not_grow_with_the_rows)
{
    enum { FEATURES = 8 };
    static const uint32_t sizes[][2] = {{40000, 100}, {20000, 512}, {7000, 513}, {4096, 2000}};
    uint32_t rows = sizes[_i][0], classes = sizes[_i][1];
    size_t promised = 1024 * ((size_t)classes + 32 * FEATURES + 4) + 8 * (size_t)classes;
    if (classes <= 512) promised += 1 << 20;
    problem p = create_problem(rows, FEATURES, classes, true);
    ag_variable *v[INPUTS];
    for (int i = 0; i < INPUTS; i++)
        v[i] = leaf(p.inputs[i]);
    ag_arena *step = ag_arena_create(0);
    ag_variable *loss =
        ag_linear_cross_entropy_loss(step, v[X], v[WEIGHT], v[BIAS], p.labels, &p.options);
    ck_assert_int_eq(ag_backward(step, loss), AG_OK);
    ck_assert_uint_le(ag_arena_high_water(step), promised);
    ck_assert_uint_gt((size_t)rows * classes * sizeof(float), 10 * promised);
    ag_arena_destroy(step);
}
END_TEST

static void must_fail(const problem *p, ag_status status, const char *message)
{
    answer a = create_answer(p);
    a.out->data[0] = 42;
    ck_assert_int_eq(ag_tensor_linear_cross_entropy_loss(
                         temp, a.out, a.grads[X], a.grads[WEIGHT], a.grads[BIAS], p->inputs[X],
                         p->inputs[WEIGHT], p->inputs[BIAS], p->labels, &p->options),
                     status);
    ck_assert_str_eq(ag_last_error(), message);
    ck_assert(a.out->data[0] == 42);
}

START_TEST(what_does_not_fit_is_named)
{
    problem p = create_problem(4, 3, 5, true);
    p.labels->data[2] = 5;
    must_fail(&p, AG_ERROR_DOMAIN,
              "linear_cross_entropy_loss: labels[2] is 5 but there are 5 classes");
    p.labels->data[2] = -1;
    must_fail(&p, AG_ERROR_DOMAIN,
              "linear_cross_entropy_loss: labels[2] is -1 but there are 5 classes");
    p.labels->data[2] = 0;
    p.options.log_target = true;
    must_fail(&p, AG_ERROR_ARGUMENT, "linear_cross_entropy_loss: takes no log_target");
    p.options.log_target = false;
    p.inputs[BIAS] = create_normal(1, (uint32_t[]){4}, 1);
    must_fail(&p, AG_ERROR_SHAPE, "linear_cross_entropy_loss: weight is [5, 3] but bias is [4]");
    p.inputs[BIAS] = NULL;
    p.inputs[WEIGHT] = create_normal(2, (uint32_t[]){5, 2}, 1);
    must_fail(&p, AG_ERROR_SHAPE,
              "linear_cross_entropy_loss: x is [4, 3] but weight is [5, 2]; it must be "
              "[classes, features]");
}
END_TEST

START_TEST(a_row_that_weighs_nothing_may_hold_anything)
{
    problem p = create_problem(5, 40, 3, true);
    add_options(&p);
    float *row = p.inputs[X]->data + p.rows / 2 * 40;
    memset(row, 0, 40 * sizeof *row);
    answer of_zeros = call(&p);
    for (int i = 0; i < 40; i++)
        row[i] = NAN;
    answer of_nan = call(&p);
    assert_same_bits(&of_zeros, &of_nan);
}
END_TEST

START_TEST(all_rows_ignored_is_zero)
{
    problem p = create_problem(5, 3, 4, true);
    p.options.has_ignore_index = true;
    p.options.ignore_index = -1;
    for (int i = 0; i < 5; i++)
        p.labels->data[i] = -1;
    p.inputs[X]->data[4] = NAN;
    answer a = call(&p);
    ck_assert(a.out->data[0] == 0);
    for (size_t k = 0; k < a.grads[X]->size; k++)
        ck_assert(a.grads[X]->data[k] == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fused");
    TCase *tests = add_case(suite, "fused");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, value_and_gradients_are_those_of_all_logits);
    tcase_add_test(tests, options_mean_what_they_mean_elsewhere);
    tcase_add_loop_test(tests, a_mean_may_divide_by_the_values_that_are_not_0, 1, 4);
    tcase_add_test(tests, value_and_gradients_are_those_of_pytorch);
    tcase_add_test(tests, the_graph_agrees_with_linear_and_cross_entropy);
    tcase_add_test(tests, one_variable_as_x_and_weight_gets_both_gradients);
    tcase_add_test(tests, gradients_pass_the_check);
    tcase_add_loop_test(tests, tiles_and_threads_change_no_bit, 0, 4);
    tcase_add_test(tests, threads_do_not_change_a_bit_of_many_classes);
    tcase_add_test(tests, other_rows_do_not_change_a_bit);
    tcase_add_loop_test(tests, memory_does_not_grow_with_the_rows, 0, 4);
    tcase_add_test(tests, what_does_not_fit_is_named);
    tcase_add_test(tests, a_row_that_weighs_nothing_may_hold_anything);
    tcase_add_test(tests, all_rows_ignored_is_zero);
    return run_suite(suite);
}
