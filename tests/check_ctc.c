/*
 * check_ctc.c: connectionist temporal classification against all paths, one by one, and against PyTorch
 * in float64, whose results stand in tests/vectors/ctc.txt.
 */
#include "config.h"

#include <autograd/autograd.h>

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

static ag_arena *arena;

static void set_up(void)
{
    arena = ag_arena_create(0);
}

static void tear_down(void)
{
    ag_arena_destroy(arena);
}

typedef struct ctc {
    ag_tensor *log_probs;
    ag_indices *targets, *frames, *labels;
    uint32_t blank;
    bool zero_infinity;
    ag_reduction reduction;
} ctc;

static ag_indices *indices(uint32_t ndims, const uint32_t *shape)
{
    return ag_indices_create(arena, ndims, shape);
}

static ctc create(uint32_t time, uint32_t batch, uint32_t classes, uint32_t longest)
{
    return (ctc){
        .log_probs = ag_tensor_create(arena, 3, (uint32_t[]){time, batch, classes}),
        .targets = indices(2, (uint32_t[]){batch, longest}),
        .frames = indices(1, &batch),
        .labels = indices(1, &batch),
        .reduction = AG_REDUCTION_NONE,
    };
}

static ag_variable *call(ag_arena *in, ag_variable *x, const ctc *c)
{
    return ag_ctc_loss(in, x, c->targets, c->frames, c->labels, c->blank, c->zero_infinity,
                       c->reduction);
}

typedef struct result {
    ag_tensor *value, *gradient;
} result;

/* By the graph, and by the function on tensors, which must give the same bits. */
static result evaluate(const ctc *c)
{
    ag_variable *x = ag_create_leaf(arena, c->log_probs, true), *loss = call(arena, x, c);
    ck_assert_msg(loss != NULL, "%s", ag_last_error());
    const ag_tensor *value = loss->data;
    ag_tensor *ones = ag_tensor_create(arena, value->ndims, value->shape);
    ag_tensor_fill(ones, 1);
    ck_assert_int_eq(ag_backward_from(arena, loss, ones), AG_OK);
    result r = {ag_tensor_create(arena, value->ndims, value->shape),
                ag_tensor_create(arena, 3, c->log_probs->shape)};
    ck_assert_int_eq(ag_tensor_ctc_loss_value_and_grad(arena, r.value, r.gradient, c->log_probs,
                                                       c->targets, c->frames, c->labels, c->blank,
                                                       c->zero_infinity, c->reduction),
                     AG_OK);
    ck_assert_mem_eq(r.value->data, value->data, value->size * sizeof(float));
    ck_assert_mem_eq(r.gradient->data, x->grad->data, r.gradient->size * sizeof(float));
    return r;
}

/* ---- all paths ---- */

/* Whether a path's classes, merged and without blanks, are the first sequence's labels. */
static bool is_reading(const ctc *c, const uint32_t *path)
{
    int32_t read = 0;
    for (int32_t t = 0; t < c->frames->data[0]; t++) {
        if (path[t] == c->blank || (t > 0 && path[t] == path[t - 1])) continue;
        if (read == c->labels->data[0] || (uint32_t)c->targets->data[read] != path[t]) return false;
        read++;
    }
    return read == c->labels->data[0];
}

/* Adds a path's probability, and to each class it passes its share. */
static void add_path(const ctc *c, const uint32_t *path, long double *sum, long double *shares)
{
    uint32_t classes = c->log_probs->shape[2];
    long double logarithm = 0;
    for (int32_t t = 0; t < c->frames->data[0]; t++)
        logarithm += (long double)c->log_probs->data[(uint32_t)t * classes + path[t]];
    *sum += expl(logarithm);
    for (int32_t t = 0; t < c->frames->data[0]; t++)
        shares[(uint32_t)t * classes + path[t]] += expl(logarithm);
}

static bool next_path(const ctc *c, uint32_t *path)
{
    for (int32_t t = 0; t < c->frames->data[0]; t++) {
        if (++path[t] < c->log_probs->shape[2]) return true;
        path[t] = 0;
    }
    return false;
}

static void compare_with_paths(const ctc *c)
{
    uint32_t path[8] = {0};
    long double sum = 0, *shares = calloc(c->log_probs->size, sizeof *shares);
    do
        if (is_reading(c, path)) add_path(c, path, &sum, shares);
    while (next_path(c, path));
    result r = evaluate(c);
    ck_assert_double_eq_tol((double)r.value->data[0], (double)-logl(sum),
                            0x1.01p-24 * (double)fabsl(logl(sum)) + 1e-14);
    for (size_t i = 0; i < c->log_probs->size; i++)
        ck_assert_double_eq_tol((double)r.gradient->data[i], (double)(-shares[i] / sum),
                                0x1.01p-24 * (double)(shares[i] / sum) + 1e-14);
    free(shares);
}

START_TEST(the_sum_goes_over_all_paths)
{
    static const int32_t targets[][3] = {{1, 2, 1}, {1, 1, 2}, {2, 2, 2}, {1, 2, 2}};
    ag_random random = ag_random_create((uint64_t)_i);
    for (int labels = 0; labels <= 3; labels++) {
        ctc c = create(6, 1, 3, 3);
        memcpy(c.targets->data, targets[_i], sizeof targets[_i]);
        c.frames->data[0] = labels < 3 ? 5 : 6;
        c.labels->data[0] = labels;
        for (size_t i = 0; i < c.log_probs->size; i++) /* which need not sum to 1 */
            c.log_probs->data[i] = ag_random_normal(&random, -1, 2);
        compare_with_paths(&c);
    }
}
END_TEST

/* ---- PyTorch ---- */

static bool read_integers(FILE *file, ag_indices *into)
{
    bool ok = true;
    for (size_t i = 0; i < into->size; i++) {
        long value;
        ok = ok && fscanf(file, "%ld", &value) == 1;
        into->data[i] = ok ? (int32_t)value : 0;
    }
    return ok;
}

static double read_double(FILE *file)
{
    double value;
    ck_assert_int_eq(fscanf(file, "%lf", &value), 1);
    return value;
}

static bool read_case(FILE *file, ctc *c)
{
    uint32_t n[4], blank;
    char reduction[8];
    if (fscanf(file, "%u %u %u %u %u %7s", &n[0], &n[1], &n[2], &n[3], &blank, reduction) != 6)
        return false;
    *c = create(n[0], n[1], n[2], n[3]);
    c->blank = blank;
    c->zero_infinity = true;
    if (strcmp(reduction, "mean") == 0) c->reduction = AG_REDUCTION_MEAN;
    ck_assert(read_integers(file, c->frames) && read_integers(file, c->labels) &&
              read_integers(file, c->targets));
    for (size_t i = 0; i < c->log_probs->size; i++)
        c->log_probs->data[i] = (float)read_double(file);
    return true;
}

static void compare(FILE *file, const ag_tensor *actual)
{
    for (size_t i = 0; i < actual->size; i++) {
        double expected = read_double(file);
        ck_assert_double_eq_tol((double)actual->data[i], expected,
                                0x1.01p-24 * fabs(expected) + 1e-13);
    }
}

START_TEST(ctc_agrees_with_pytorch)
{
    FILE *file = open_vectors("ctc.txt");
    ctc c;
    int count = 0;
    for (; read_case(file, &c); count++) {
        result r = evaluate(&c);
        compare(file, r.value);
        compare(file, r.gradient);
    }
    fclose(file);
    ck_assert_int_ge(count, 12);
}
END_TEST

/* ---- edges ---- */

START_TEST(labels_that_do_not_fit)
{
    ctc c = create(3, 1, 3, 2);
    memset(c.log_probs->data, 0, c.log_probs->size * sizeof(float));
    memcpy(c.targets->data, (int32_t[]){1, 1}, 2 * sizeof(int32_t));
    c.frames->data[0] = c.labels->data[0] = 2; /* equal labels need a blank between them */
    result r = evaluate(&c);
    ck_assert(isinf(r.value->data[0]) && r.value->data[0] > 0);
    for (size_t i = 0; i < r.gradient->size;
         i++) /* of all classes; the third frame does not count */
        ck_assert(i < 6 ? isnan(r.gradient->data[i]) : r.gradient->data[i] == 0);
    c.zero_infinity = true;
    r = evaluate(&c);
    ck_assert(r.value->data[0] == 0);
    for (size_t i = 0; i < r.gradient->size; i++)
        ck_assert(r.gradient->data[i] == 0);
}
END_TEST

START_TEST(no_frames_and_no_labels)
{
    ctc c = create(2, 2, 2, 1);
    memset(c.log_probs->data, 0, c.log_probs->size * sizeof(float));
    c.targets->data[0] = c.targets->data[1] = 1;
    c.frames->data[0] = c.frames->data[1] = 0;
    c.labels->data[0] = 0;
    c.labels->data[1] = 1;
    result r = evaluate(&c);
    ck_assert(r.value->data[0] == 0 && isinf(r.value->data[1]));
}
END_TEST

START_TEST(an_impossible_class_closes_its_paths)
{
    ctc c = create(4, 1, 3, 1);
    for (size_t i = 0; i < c.log_probs->size; i++)
        c.log_probs->data[i] = i % 3 == 2 || i == 0 ? -INFINITY : -1;
    c.targets->data[0] = 1;
    c.frames->data[0] = 4;
    c.labels->data[0] = 1;
    compare_with_paths(&c);
}
END_TEST

/* All paths of the labels 1, 2 in four frames; class 3 stands beside them. */
START_TEST(what_is_no_number_is_not_lost)
{
    const float wrong = _i == 0 ? NAN : INFINITY;
    for (uint32_t t = 0; t < 4; t++)
        for (uint32_t class = 0; class < 4; class ++) {
            ctc c = create(4, 1, 4, 2);
            ag_tensor_fill(c.log_probs, -1);
            c.targets->data[0] = 1;
            c.targets->data[1] = c.labels->data[0] = 2;
            c.frames->data[0] = 4;
            c.log_probs->data[t * 4 + class] = wrong;
            result r = evaluate(&c);
            bool is_lost = class == 3;
            bool leads_nowhere = t == 3 && class == 1; /* the last frame is 2 or blank */
            ck_assert_msg(isnan(r.value->data[0]) == !(is_lost || leads_nowhere), "%u %u", t,
                          class);
            ck_assert_msg(isnan(r.gradient->data[t * 4 + class]) == !is_lost, "%u %u", t, class);
        }
}
END_TEST

START_TEST(ctc_knows_no_threads)
{
    ag_random random = ag_random_create(3);
    ctc c = create(50, 19, 20, 9);
    for (size_t i = 0; i < c.log_probs->size; i++)
        c.log_probs->data[i] = ag_random_normal(&random, -3, 1);
    for (size_t i = 0; i < c.targets->size; i++)
        c.targets->data[i] = 1 + (int32_t)ag_random_below(&random, 19);
    c.frames = c.labels = NULL; /* all of them */
    ag_set_num_threads(1);
    result alone = evaluate(&c);
    ag_set_num_threads(4);
    for (int round = 0; round < 20; round++) {
        result r = evaluate(&c);
        ck_assert_mem_eq(r.value->data, alone.value->data, r.value->size * sizeof(float));
        ck_assert_mem_eq(r.gradient->data, alone.gradient->data, r.gradient->size * sizeof(float));
    }
}
END_TEST

static void must_fail(const ctc *c, ag_status status, const char *message)
{
    ag_variable *x = ag_create_leaf(arena, c->log_probs, true);
    ck_assert_ptr_null(call(arena, x, c));
    ck_assert_int_eq(ag_last_status(), status);
    ck_assert_str_eq(ag_last_error(), message);
}

START_TEST(wrong_lengths_and_labels)
{
    ctc c = create(3, 1, 3, 2);
    memset(c.log_probs->data, 0, c.log_probs->size * sizeof(float));
    memcpy(c.targets->data, (int32_t[]){1, 0}, 2 * sizeof(int32_t));
    c.frames->data[0] = 4;
    c.labels->data[0] = 1; /* the blank behind it is not read */
    must_fail(&c, AG_ERROR_DOMAIN, "ctc_loss: input_lengths[0] is 4 but must be in [0, 3]");
    c.frames->data[0] = 3;
    c.labels->data[0] = -1;
    must_fail(&c, AG_ERROR_DOMAIN, "ctc_loss: target_lengths[0] is -1 but must be in [0, 2]");
    c.labels->data[0] = 2;
    must_fail(&c, AG_ERROR_DOMAIN,
              "ctc_loss: targets[0, 1] is 0 but there are 3 classes, of which 0 is the blank");
    c.blank = 3;
    must_fail(&c, AG_ERROR_ARGUMENT, "ctc_loss: blank is 3 but there are 3 classes");
}
END_TEST

/* An output that would overwrite the lengths while they are read. */
START_TEST(outputs_share_no_memory_with_lengths)
{
    ctc c = create(1, 3, 1, 1);
    c.reduction = AG_REDUCTION_MEAN;
    float value;
    ag_tensor *out = ag_tensor_wrap(arena, 1, (uint32_t[]){1}, &value);
    ag_indices *lengths[] = {c.frames, c.labels};
    const char *names[] = {"input_lengths", "target_lengths"};
    for (int i = 0; i < 2; i++) {
        float *memory = (float *)(void *)lengths[i]->data;
        ag_tensor *gradient = ag_tensor_wrap(arena, 3, (uint32_t[]){1, 3, 1}, memory);
        memset(lengths[1 - i]->data, 0, 3 * sizeof(int32_t));
        memset(memory, 0, 3 * sizeof(float));
        ag_status status =
            ag_tensor_ctc_loss_value_and_grad(arena, out, gradient, c.log_probs, c.targets,
                                              c.frames, c.labels, c.blank, false, c.reduction);
        ck_assert_int_eq(status, AG_ERROR_OVERLAP);
        ck_assert_ptr_nonnull(strstr(ag_last_error(), names[i]));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ctc");
    TCase *tests = add_case(suite, "ctc");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, the_sum_goes_over_all_paths, 0, 4);
    tcase_add_test(tests, ctc_agrees_with_pytorch);
    tcase_add_test(tests, labels_that_do_not_fit);
    tcase_add_test(tests, no_frames_and_no_labels);
    tcase_add_test(tests, an_impossible_class_closes_its_paths);
    tcase_add_loop_test(tests, what_is_no_number_is_not_lost, 0, 2);
    tcase_add_test(tests, ctc_knows_no_threads);
    tcase_add_test(tests, wrong_lengths_and_labels);
    tcase_add_test(tests, outputs_share_no_memory_with_lengths);
    return run_suite(suite);
}
