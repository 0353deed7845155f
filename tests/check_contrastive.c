/*
 * check_contrastive.c: the losses of whole batches, against references in double that build the whole
 * matrix from the definitions, and whose gradients are differences.
 */
#include "config.h"

#include <autograd/autograd.h>
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"
#include "tensor/contrastive/contrast.h"

#define MOST_ROWS 700
#define MOST_WIDTH 16

static ag_arena *arena, *temp;

static void set_up(void)
{
    arena = ag_arena_create(0);
    temp = ag_arena_create(0);
    ck_assert(arena != NULL && temp != NULL);
}

static void tear_down(void)
{
    ag_set_num_threads(0);
    ag_arena_destroy(arena);
    ag_arena_destroy(temp);
}

/* ---- one way to call them all ---- */

typedef enum kind { PAIRS, HARD, ALL, NCE, CLIP, NT_XENT, SUP_CON, SIGLIP, ARCFACE, KINDS } kind;

static const char *const names[] = {"pairs",   "hard",    "all",    "nce",    "clip",
                                    "nt_xent", "sup_con", "siglip", "arcface"};

typedef struct batch {
    kind kind;
    uint32_t rows, others, width; /* others: rows of a second batch, or 0 */
    float parameter, margin;      /* margin, temperature, scale; ArcFace's margin */
    bool soft;
    ag_divisor divisor;
    ag_similarity similarity;
    ag_reduction reduction;
    ag_tensor *inputs[4]; /* [rows, width], [others, width], scale, bias */
    ag_indices *labels;
} batch;

static uint32_t num_inputs(const batch *b)
{
    static const uint32_t numbers[] = {1, 1, 1, 2, 3, 2, 1, 4, 2};
    return numbers[b->kind];
}

static ag_status call_tensors(const batch *b, ag_tensor *out, ag_tensor *const *grads)
{
    ag_tensor *x = b->inputs[0], *y = b->inputs[1];
    switch (b->kind) {
    case PAIRS:
        return ag_tensor_pair_contrastive_loss_value_and_grad(temp, out, grads[0], x, b->labels,
                                                              b->parameter, b->reduction);
    case HARD:
        return ag_tensor_batch_hard_triplet_loss_value_and_grad(
            temp, out, grads[0], x, b->labels, b->parameter, b->soft, b->reduction);
    case ALL:
        return ag_tensor_batch_all_triplet_loss_value_and_grad(
            temp, out, grads[0], x, b->labels, b->parameter, b->soft, b->divisor, b->reduction);
    case NCE:
        return ag_tensor_info_nce_loss_value_and_grad(temp, out, grads[0], grads[1], x, y,
                                                      b->parameter, b->similarity, b->reduction);
    case CLIP:
        return ag_tensor_clip_loss_value_and_grad(temp, out, grads[0], grads[1], grads[2], x, y,
                                                  b->inputs[2], b->similarity, b->reduction);
    case NT_XENT:
        return ag_tensor_nt_xent_loss_value_and_grad(temp, out, grads[0], grads[1], x, y,
                                                     b->parameter, b->similarity, b->reduction);
    case SUP_CON:
        return ag_tensor_sup_con_loss_value_and_grad(temp, out, grads[0], x, b->labels,
                                                     b->parameter, b->similarity, b->reduction);
    case SIGLIP:
        return ag_tensor_siglip_loss_value_and_grad(temp, out, grads[0], grads[1], grads[2],
                                                    grads[3], x, y, b->inputs[2], b->inputs[3],
                                                    b->similarity, b->reduction);
    case ARCFACE:
        return ag_tensor_arcface_loss_value_and_grad(temp, out, grads[0], grads[1], x, y, b->labels,
                                                     b->parameter, b->margin, b->reduction);
    case KINDS: break;
    }
    return AG_ERROR_ARGUMENT;
}

static ag_variable *call_graph(const batch *b, ag_arena *in, ag_variable *const *v)
{
    switch (b->kind) {
    case PAIRS: return ag_pair_contrastive_loss(in, v[0], b->labels, b->parameter, b->reduction);
    case HARD:
        return ag_batch_hard_triplet_loss(in, v[0], b->labels, b->parameter, b->soft, b->reduction);
    case ALL:
        return ag_batch_all_triplet_loss(in, v[0], b->labels, b->parameter, b->soft, b->divisor,
                                         b->reduction);
    case NCE: return ag_info_nce_loss(in, v[0], v[1], b->parameter, b->similarity, b->reduction);
    case CLIP: return ag_clip_loss(in, v[0], v[1], v[2], b->similarity, b->reduction);
    case NT_XENT: return ag_nt_xent_loss(in, v[0], v[1], b->parameter, b->similarity, b->reduction);
    case SUP_CON:
        return ag_sup_con_loss(in, v[0], b->labels, b->parameter, b->similarity, b->reduction);
    case SIGLIP: return ag_siglip_loss(in, v[0], v[1], v[2], v[3], b->similarity, b->reduction);
    case ARCFACE:
        return ag_arcface_loss(in, v[0], v[1], b->labels, b->parameter, b->margin, b->reduction);
    case KINDS: break;
    }
    return NULL;
}

static uint32_t anchors(const batch *b)
{
    return b->kind == NT_XENT ? 2 * b->rows : b->rows;
}

/* A batch of random numbers, with labels from 0 to 3. */
static batch create_batch(kind which, uint32_t rows, uint32_t width, uint64_t seed)
{
    ag_random random = ag_random_create(seed);
    batch b = {.kind = which, .rows = rows, .width = width, .parameter = 0.5f, .margin = 0.5f};
    if (which == PAIRS) b.parameter = 3;
    if (which == ARCFACE) b.parameter = 4;
    b.others = which == ARCFACE ? 4 : which == NCE ? rows + 3 : rows;
    b.inputs[0] = ag_tensor_create(arena, 2, (uint32_t[]){rows, width});
    b.inputs[1] = ag_tensor_create(arena, 2, (uint32_t[]){b.others, width});
    b.inputs[2] = ag_tensor_create_from(arena, 1, (uint32_t[]){1}, (float[]){2.5f});
    b.inputs[3] = ag_tensor_create_from(arena, 1, (uint32_t[]){1}, (float[]){-0.75f});
    ag_tensor_fill_normal(b.inputs[0], &random, 0.25f, 1);
    ag_tensor_fill_normal(b.inputs[1], &random, -0.25f, 1);
    b.labels = ag_indices_create(arena, 1, &rows);
    for (uint32_t i = 0; i < rows; i++)
        b.labels->data[i] = (int32_t)ag_random_below(&random, 4);
    return b;
}

/* ---- the references ---- */

/* Inputs as doubles, so that differences can be taken. */
typedef struct point {
    double x[MOST_ROWS * MOST_WIDTH], y[MOST_ROWS * MOST_WIDTH], scale, bias;
} point;

static double matrix[MOST_ROWS][MOST_ROWS], row_values[MOST_ROWS];
static double terms;

static double similarity(const batch *b, const double *x, const double *y)
{
    double dot = 0, xx = 0, yy = 0;
    for (uint32_t k = 0; k < b->width; k++) {
        dot += x[k] * y[k];
        xx += x[k] * x[k];
        yy += y[k] * y[k];
    }
    bool cosine = b->similarity == AG_SIMILARITY_COSINE || b->kind == ARCFACE;
    return !cosine ? dot : xx == 0 || yy == 0 ? 0 : dot / sqrt(xx * yy);
}

static double distance(const batch *b, const double *x, const double *y)
{
    double sum = 0;
    for (uint32_t k = 0; k < b->width; k++)
        sum += (x[k] - y[k]) * (x[k] - y[k]);
    return sqrt(sum);
}

/* Row i of what is compared, and of what it is compared with. */
static const double *left(const batch *b, const point *p, uint32_t i)
{
    if (b->kind == NT_XENT && i >= b->rows) return p->y + (i - b->rows) * b->width;
    return p->x + i * b->width;
}

static const double *right(const batch *b, const point *p, uint32_t j)
{
    bool cross = b->kind == NCE || b->kind == CLIP || b->kind == SIGLIP || b->kind == ARCFACE;
    return cross ? p->y + j * b->width : left(b, p, j);
}

static double softplus(double z)
{
    return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
}

static double triplet(const batch *b, double positive, double negative)
{
    return b->soft ? softplus(positive - negative)
                   : fmax(0, positive - negative + (double)b->parameter);
}

static double pairs_row(const batch *b, uint32_t i)
{
    double sum = 0, margin = (double)b->parameter;
    for (uint32_t j = 0; j < b->rows; j++) {
        double d = matrix[i][j], missing = fmax(0, margin - d);
        if (j == i) continue;
        sum += b->labels->data[i] == b->labels->data[j] ? d * d / 2 : missing * missing / 2;
        terms += 0.5;
    }
    return sum / 2;
}

static double triplets_row(const batch *b, uint32_t i)
{
    double sum = 0, farthest = -1, nearest = HUGE_VAL, count = 0;
    const int32_t *labels = b->labels->data;
    for (uint32_t p = 0; p < b->rows; p++)
        for (uint32_t n = 0; n < b->rows; n++) {
            if (p == i || labels[p] != labels[i] || labels[n] == labels[i]) continue;
            double term = triplet(b, matrix[i][p], matrix[i][n]);
            farthest = fmax(farthest, matrix[i][p]);
            nearest = fmin(nearest, matrix[i][n]);
            sum += term;
            count += b->divisor != AG_DIVISOR_NONZERO || term > 0;
        }
    terms += b->kind == ALL ? count : count > 0;
    return b->kind == ALL ? sum : count > 0 ? triplet(b, farthest, nearest) : 0;
}

/* log Σ_j e^(scale · s_ij), of row i or, transposed, of column i; without one column. */
static double log_sum(uint32_t i, uint32_t count, double scale, uint32_t without, bool column)
{
    double sum = 0;
    for (uint32_t j = 0; j < count; j++)
        if (j != without) sum += exp(scale * (column ? matrix[j][i] : matrix[i][j]));
    return log(sum);
}

static double softmax_row(const batch *b, const point *p, uint32_t i)
{
    const uint32_t none = UINT32_MAX;
    double scale = 1 / (double)b->parameter, sum = 0, positives = 0;
    terms += 1;
    if (b->kind == NCE) return log_sum(i, b->others, scale, none, false) - scale * matrix[i][i];
    if (b->kind == CLIP)
        return 0.5 * (log_sum(i, b->rows, p->scale, none, false) +
                      log_sum(i, b->rows, p->scale, none, true)) -
               p->scale * matrix[i][i];
    if (b->kind == NT_XENT)
        return log_sum(i, 2 * b->rows, scale, i, false) -
               scale * matrix[i][(i + b->rows) % (2 * b->rows)];
    for (uint32_t j = 0; j < b->rows; j++) {
        if (j == i || b->labels->data[j] != b->labels->data[i]) continue;
        sum += log_sum(i, b->rows, scale, i, false) - scale * matrix[i][j];
        positives++;
    }
    return positives > 0 ? sum / positives : 0;
}

static double siglip_row(const batch *b, const point *p, uint32_t i)
{
    double sum = 0;
    for (uint32_t j = 0; j < b->rows; j++)
        sum += softplus((i == j ? -1 : 1) * (p->scale * matrix[i][j] + p->bias));
    terms += 1;
    return sum;
}

static double arcface_row(const batch *b, uint32_t i)
{
    double scale = (double)b->parameter, margin = (double)b->margin, sum = 0;
    uint32_t own = (uint32_t)b->labels->data[i];
    double angle = acos(matrix[i][own]), pi = acos(-1);
    double logit = angle + margin <= pi ? cos(angle + margin) : cos(angle) - margin * sin(margin);
    for (uint32_t j = 0; j < b->others; j++)
        sum += exp(scale * (j == own ? logit : matrix[i][j]));
    terms += 1;
    return log(sum) - scale * logit;
}

/* The loss of a point; weights, if not NULL, of its rows without reduction. */
static double reference(const batch *b, const point *p, const double *weights)
{
    bool cross = b->kind == NCE || b->kind == ARCFACE;
    uint32_t rows = anchors(b), columns = cross ? b->others : rows;
    double sum = 0, weighted = 0;
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t j = 0; j < columns; j++)
            matrix[i][j] = b->kind <= ALL ? distance(b, left(b, p, i), right(b, p, j))
                                          : similarity(b, left(b, p, i), right(b, p, j));
    terms = 0;
    for (uint32_t i = 0; i < rows; i++) {
        double value = b->kind == PAIRS     ? pairs_row(b, i)
                       : b->kind <= ALL     ? triplets_row(b, i)
                       : b->kind == SIGLIP  ? siglip_row(b, p, i)
                       : b->kind == ARCFACE ? arcface_row(b, i)
                                            : softmax_row(b, p, i);
        row_values[i] = value;
        sum += value;
        weighted += weights != NULL ? weights[i] * value : 0;
    }
    if (weights != NULL) return weighted;
    if (b->reduction == AG_REDUCTION_BATCHMEAN) return sum / b->rows;
    return b->reduction == AG_REDUCTION_MEAN ? sum / (terms > 0 ? terms : 1) : sum;
}

static point point_of(const batch *b)
{
    static point p;
    for (size_t i = 0; i < b->inputs[0]->size; i++)
        p.x[i] = (double)b->inputs[0]->data[i];
    for (size_t i = 0; i < b->inputs[1]->size; i++)
        p.y[i] = (double)b->inputs[1]->data[i];
    p.scale = (double)b->inputs[2]->data[0];
    p.bias = (double)b->inputs[3]->data[0];
    return p;
}

static double *coordinate(point *p, uint32_t input, size_t element)
{
    double *const starts[] = {p->x, p->y, &p->scale, &p->bias};
    return starts[input] + element;
}

static double slope(const batch *b, point *p, uint32_t input, size_t element, const double *weights)
{
    double *x = coordinate(p, input, element), at = *x, h = 1e-5;
    *x = at + h;
    double after = reference(b, p, weights);
    *x = at - h;
    double before = reference(b, p, weights);
    *x = at;
    return (after - before) / (2 * h);
}

static void assert_near(const batch *b, const char *what, size_t at, double found, double expected)
{
    /* products are in float: each of the terms of a sum may be wrong by some units of its last place */
    double tolerance = 2e-5 * fmax(fabs(expected), 0.05) + 2e-7 * b->rows;
    ck_assert_msg(fabs(found - expected) <= tolerance, "%s, reduction %d: %s %zu is %.9g, not %.9g",
                  names[b->kind], (int)b->reduction, what, at, found, expected);
}

static void assert_equal(float found, float expected)
{
    ck_assert_msg(found == expected, "%g is not %g", (double)found, (double)expected);
}

/* ---- values and gradients ---- */

static ag_tensor *empty_like(const ag_tensor *tensor)
{
    return ag_tensor_create(arena, tensor->ndims, tensor->shape);
}

static void check_gradients(const batch *b, ag_tensor *const *grads, const double *weights)
{
    static point p;
    p = point_of(b);
    for (uint32_t input = 0; input < num_inputs(b); input++)
        for (size_t i = 0; i < grads[input]->size; i++)
            assert_near(b, "gradient", 100000 * input + i, (double)grads[input]->data[i],
                        slope(b, &p, input, i, weights));
}

static void check_tensors(const batch *b)
{
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    for (uint32_t i = 0; i < 4; i++)
        grads[i] = empty_like(b->inputs[i]);
    ck_assert_msg(call_tensors(b, out, grads) == AG_OK, "%s", ag_last_error());
    static point p;
    p = point_of(b);
    assert_near(b, "value", 0, (double)out->data[0], reference(b, &p, NULL));
    check_gradients(b, grads, NULL);
    ag_tensor *alone = empty_like(out), *nowhere[4] = {NULL};
    ck_assert_int_eq(call_tensors(b, alone, nowhere), AG_OK);
    ck_assert_mem_eq(alone->data, out->data, sizeof(float));
}

/* Each anchor by itself, with an upstream gradient of its own. */
static void check_anchors(batch b)
{
    b.reduction = AG_REDUCTION_NONE;
    ag_variable *leaves[4];
    for (uint32_t i = 0; i < 4; i++)
        leaves[i] = ag_create_leaf(arena, b.inputs[i], true);
    ag_variable *loss = call_graph(&b, arena, leaves);
    ck_assert_msg(loss != NULL, "%s", ag_last_error());
    ck_assert_uint_eq(loss->data->shape[0], anchors(&b));
    ag_tensor *seed = empty_like(loss->data), *grads[4];
    double weights[MOST_ROWS];
    for (size_t i = 0; i < seed->size; i++) {
        seed->data[i] = (float)((double)(i % 5) - 1.5);
        weights[i] = (double)seed->data[i];
    }
    ck_assert_int_eq(ag_backward_from(temp, loss, seed), AG_OK);
    for (uint32_t i = 0; i < 4; i++)
        grads[i] = leaves[i]->grad;
    static point p;
    p = point_of(&b);
    reference(&b, &p, NULL);
    for (uint32_t i = 0; i < anchors(&b); i++)
        assert_near(&b, "value of row", i, (double)loss->data->data[i], row_values[i]);
    check_gradients(&b, grads, weights);
}

static void check_batch(batch b)
{
    static const ag_reduction reductions[] = {AG_REDUCTION_MEAN, AG_REDUCTION_SUM,
                                              AG_REDUCTION_BATCHMEAN};
    for (int r = 0; r < 3; r++) {
        b.reduction = reductions[r];
        check_tensors(&b);
    }
    check_anchors(b);
}

START_TEST(values_and_gradients_are_those_of_the_definition)
{
    batch b = create_batch((kind)_i, 13, 3, 1);
    check_batch(b);
    b.similarity = AG_SIMILARITY_DOT;
    check_batch(b);
    b.similarity = AG_SIMILARITY_COSINE;
    b.soft = true;
    if (_i == HARD || _i == ALL) check_batch(b);
    b.soft = false;
    b.divisor = AG_DIVISOR_NONZERO;
    if (_i == ALL) check_batch(b);
}
END_TEST

START_TEST(a_batch_of_two_rows_and_of_one)
{
    check_batch(create_batch((kind)_i, 2, 3, 7));
    check_batch(create_batch((kind)_i, 1, 5, 9));
}
END_TEST

START_TEST(several_grains_add_up)
{
    batch b = create_batch((kind)_i, 291, 2, 3);
    static point p;
    p = point_of(&b);
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    for (uint32_t i = 0; i < 4; i++)
        grads[i] = empty_like(b.inputs[i]);
    b.reduction = AG_REDUCTION_SUM;
    b.divisor = AG_DIVISOR_COUNT;
    ck_assert_int_eq(call_tensors(&b, out, grads), AG_OK);
    if (b.kind == ALL) return; /* the reference would take n³ steps for each difference */
    assert_near(&b, "value", 0, (double)out->data[0], reference(&b, &p, NULL));
    static const size_t some[] = {0, 1, 255, 256, 257, 511, 512, 580};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        assert_near(&b, "gradient", some[i], (double)grads[0]->data[some[i]],
                    slope(&b, &p, 0, some[i], NULL));
}
END_TEST

/* ---- PyTorch ---- */

static void read_numbers(FILE *file, size_t count, double *numbers)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(fscanf(file, "%lf", &numbers[i]), 1);
}

static void read_inputs(FILE *file, batch *b)
{
    double numbers[MOST_ROWS];
    read_numbers(file, b->rows, numbers);
    for (uint32_t i = 0; i < b->rows; i++)
        b->labels->data[i] = (int32_t)numbers[i];
    b->inputs[1] = ag_tensor_create(arena, 2, (uint32_t[]){b->others, b->width});
    for (int input = 0; input < 4; input++) {
        read_numbers(file, b->inputs[input]->size, numbers);
        for (size_t i = 0; i < b->inputs[input]->size; i++)
            b->inputs[input]->data[i] = (float)numbers[i];
    }
}

static void compare_with_file(FILE *file, const batch *b)
{
    double numbers[MOST_ROWS];
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    for (uint32_t i = 0; i < 4; i++)
        grads[i] = empty_like(b->inputs[i]);
    ck_assert_msg(call_tensors(b, out, grads) == AG_OK, "%s", ag_last_error());
    read_numbers(file, 1, numbers);
    assert_near(b, "value", 0, (double)out->data[0], numbers[0]);
    for (uint32_t input = 0; input < 4; input++) {
        read_numbers(file, grads[input]->size, numbers);
        for (size_t i = 0; i < grads[input]->size && input < num_inputs(b); i++)
            assert_near(b, "gradient", 100000 * input + i, (double)grads[input]->data[i],
                        numbers[i]);
    }
}

START_TEST(values_and_gradients_are_those_of_pytorch)
{
    FILE *file = open_vectors("contrastive.txt");
    unsigned which, rows, others, width, soft, divisor, compared = 0, by;
    float parameter, margin;
    while (fscanf(file, "%u %u %u %u %f %f %u %u %u", &which, &rows, &others, &width, &parameter,
                  &margin, &soft, &divisor, &by) == 9) {
        batch b = create_batch((kind)which, rows, width, 1);
        b.others = others;
        b.parameter = parameter;
        b.margin = margin;
        b.soft = soft != 0;
        b.divisor = (ag_divisor)divisor;
        b.similarity = (ag_similarity)by;
        read_inputs(file, &b);
        compare_with_file(file, &b);
        compared++;
    }
    fclose(file);
    ck_assert_uint_eq(compared, 17);
}
END_TEST

/* ---- the graph ---- */

START_TEST(the_graph_has_the_bits_of_the_tensors)
{
    batch b = create_batch((kind)_i, 150, 4, 5);
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    ag_variable *leaves[4];
    for (uint32_t i = 0; i < 4; i++) {
        grads[i] = empty_like(b.inputs[i]);
        leaves[i] = ag_create_leaf(arena, b.inputs[i], true);
    }
    ck_assert_int_eq(call_tensors(&b, out, grads), AG_OK);
    ag_variable *loss = call_graph(&b, arena, leaves);
    ck_assert_msg(loss != NULL, "%s", ag_last_error());
    ck_assert_int_eq(ag_backward(temp, loss), AG_OK);
    ck_assert_mem_eq(loss->data->data, out->data, sizeof(float));
    for (uint32_t i = 0; i < num_inputs(&b); i++)
        ck_assert_mem_eq(leaves[i]->grad->data, grads[i]->data, grads[i]->size * sizeof(float));
    ck_assert_int_eq(ag_backward(temp, loss), AG_OK); /* adds the same again */
    for (uint32_t i = 0; i < num_inputs(&b); i++)
        for (size_t k = 0; k < grads[i]->size; k++)
            assert_equal(leaves[i]->grad->data[k], 2 * grads[i]->data[k]);
}
END_TEST

static ag_variable *build(ag_arena *in, ag_variable *const *inputs, void *context)
{
    return call_graph(context, in, inputs);
}

START_TEST(gradients_pass_the_check)
{
    static const ag_reduction reductions[] = {AG_REDUCTION_MEAN, AG_REDUCTION_NONE};
    for (int r = 0; r < 2; r++) {
        batch b = create_batch((kind)_i, 12, 3, 21);
        b.reduction = reductions[r];
        if (_i == ALL) b.parameter = 20; /* all triplets fall short of it: no kinks */
        ag_gradcheck_report report;
        ck_assert_int_eq(ag_gradcheck(arena, build, &b, num_inputs(&b), b.inputs, NULL, &report),
                         AG_OK);
        ck_assert_msg(report.passed, "%s: %s", names[_i], report.text);
    }
}
END_TEST

/* One variable in both places has the sum of both gradients. */
START_TEST(a_variable_may_stand_on_both_sides)
{
    static const kind kinds[] = {CLIP, NT_XENT, SIGLIP};
    batch b = create_batch(kinds[_i], 130, 4, 5);
    b.inputs[1] = b.inputs[0];
    ag_variable *leaves[4], *apart[4];
    for (uint32_t i = 0; i < 4; i++) {
        leaves[i] = ag_create_leaf(arena, b.inputs[i], true);
        apart[i] = ag_create_leaf(arena, b.inputs[i], true);
    }
    leaves[1] = leaves[0];
    ck_assert_int_eq(ag_backward(temp, call_graph(&b, arena, leaves)), AG_OK);
    ck_assert_int_eq(ag_backward(temp, call_graph(&b, arena, apart)), AG_OK);
    for (size_t k = 0; k < leaves[0]->grad->size; k++)
        ck_assert_double_eq_tol((double)leaves[0]->grad->data[k],
                                (double)apart[0]->grad->data[k] + (double)apart[1]->grad->data[k],
                                1e-7);
}
END_TEST

/* ---- tiles and threads ---- */

static void compute_bits(const batch *b, ag_tensor *out, ag_tensor **grads)
{
    for (uint32_t i = 0; i < 4; i++)
        grads[i] = empty_like(b->inputs[i]);
    ck_assert_int_eq(call_tensors(b, out, grads), AG_OK);
}

START_TEST(tiles_and_threads_change_no_bit)
{
    static const size_t tiles[] = {1, 2, 3, 8};
    static const int threads[] = {1, 2, 3, 8};
    size_t before = ag__most_grains;
    batch b = create_batch((kind)_i, 650, 32, 11); /* enough for several threads in each part */
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *first[4], *grads[4];
    ag_tensor *other = empty_like(out);
    compute_bits(&b, out, first);
    for (int t = 0; t < 4; t++)
        for (int n = 0; n < 4; n++) {
            ag__most_grains = tiles[t];
            ag_set_num_threads(threads[n]);
            compute_bits(&b, other, grads);
            ck_assert_mem_eq(out->data, other->data, sizeof(float));
            for (uint32_t i = 0; i < num_inputs(&b); i++)
                ck_assert_mem_eq(first[i]->data, grads[i]->data, first[i]->size * sizeof(float));
        }
    ag__most_grains = before;
}
END_TEST

/* ---- memory ---- */

START_TEST(memory_is_less_than_the_matrix_and_stays)
{
    const uint32_t rows = 6000;
    batch b = create_batch((kind)_i, rows, 4, 13);
    if (_i == NT_XENT) b = create_batch(NT_XENT, rows / 2, 4, 13);
    if (_i == ARCFACE) {
        b.inputs[1] = ag_tensor_create(arena, 2, (uint32_t[]){rows, 4});
        ag_random random = ag_random_create(1);
        ag_tensor_fill_normal(b.inputs[1], &random, 0, 1);
    }
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    for (uint32_t i = 0; i < 4; i++)
        grads[i] = empty_like(b.inputs[i]);
    ck_assert_int_eq(call_tensors(&b, out, grads), AG_OK);
    size_t matrix_bytes = (size_t)rows * rows * sizeof(float), bytes = ag_arena_high_water(temp);
    ck_assert_msg(bytes < matrix_bytes / 3, "%s: %zu bytes", names[_i], bytes);
    ck_assert_uint_eq(ag_arena_used(temp), 0);
    ck_assert_int_eq(call_tensors(&b, out, grads), AG_OK);
    ck_assert_uint_eq(ag_arena_high_water(temp), bytes);
}
END_TEST

/* ---- where care is needed ---- */

/*
 * Rows around a far centre, in tight clusters of two labels each, and a margin of the clusters' size: all
 * depends on distances that |x|² + |y|² - 2 x·y alone has no digits for.
 */
START_TEST(small_distances_keep_their_digits)
{
    batch b = create_batch((kind)_i, 24, 3, 17);
    b.parameter = _i == PAIRS ? 0.02f : 0.005f;
    for (size_t i = 0; i < b.inputs[0]->size; i++) {
        size_t row = i / 3;
        b.labels->data[row] = (int32_t)(row % 10);
        float cluster = (float)(row % 5), noise = b.inputs[0]->data[i];
        b.inputs[0]->data[i] = 1000 + cluster + 0.0009765625f * roundf(4 * noise);
    }
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    compute_bits(&b, out, grads);
    static point p;
    p = point_of(&b);
    double expected = reference(&b, &p, NULL), largest = 0;
    ck_assert_double_gt(expected, 0);
    ck_assert_double_le(fabs((double)out->data[0] - expected), 1e-5 * expected);
    for (size_t i = 0; i < grads[0]->size; i++)
        largest = fmax(largest, fabs((double)grads[0]->data[i]));
    size_t compared = 0;
    for (size_t i = 0; i < grads[0]->size; i++) {
        double at = p.x[i], found = (double)grads[0]->data[i], whole = slope(&b, &p, 0, i, NULL);
        p.x[i] = at + 2e-5; /* a kink is where the slope jumps within a step */
        double beside = slope(&b, &p, 0, i, NULL);
        p.x[i] = at;
        if (fabs(whole - beside) > 0.02 * largest) continue;
        ck_assert_msg(fabs(found - whole) <= 1e-3 * largest, "%s: %zu: %g, not %g", names[_i], i,
                      found, whole);
        compared++;
    }
    ck_assert_uint_gt(compared, grads[0]->size / 2);
}
END_TEST

START_TEST(equal_rows_and_rows_of_zeros_have_gradients_that_are_numbers)
{
    batch b = create_batch((kind)_i, 12, 3, 19);
    memset(b.inputs[0]->data, 0, 4 * 3 * sizeof(float));
    memcpy(b.inputs[0]->data + 15, b.inputs[0]->data + 12, 3 * sizeof(float));
    memcpy(b.inputs[0]->data + 18, b.inputs[0]->data + 12, 3 * sizeof(float));
    b.labels->data[4] = b.labels->data[5] = 1;
    b.labels->data[6] = 2;
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    compute_bits(&b, out, grads);
    ck_assert(isfinite(out->data[0]));
    for (uint32_t i = 0; i < num_inputs(&b); i++)
        for (size_t k = 0; k < grads[i]->size; k++)
            ck_assert(isfinite(grads[i]->data[k]));
    for (size_t k = 0; k < 12 && _i > ALL; k++)
        assert_equal(grads[0]->data[k], 0);
}
END_TEST

START_TEST(nan_reaches_value_and_gradient)
{
    batch b = create_batch((kind)_i, 12, 3, 23);
    for (uint32_t input = 0; input < num_inputs(&b); input++) {
        ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
        float kept = b.inputs[input]->data[0];
        b.inputs[input]->data[0] = NAN;
        compute_bits(&b, out, grads);
        ck_assert_msg(isnan(out->data[0]), "%s: value of input %u", names[_i], (unsigned)input);
        ck_assert_msg(isnan(grads[input]->data[0]), "%s: gradient of %u", names[_i],
                      (unsigned)input);
        b.inputs[input]->data[0] = kept;
    }
}
END_TEST

START_TEST(margins_met_exactly_have_no_gradient)
{
    const uint32_t rows = 2;
    batch b = create_batch(PAIRS, rows, 1, 1);
    b.parameter = 2;
    memcpy(b.inputs[0]->data, (float[]){1, 3}, 2 * sizeof(float));
    memcpy(b.labels->data, (int32_t[]){1, 2}, 2 * sizeof(int32_t));
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    compute_bits(&b, out, grads);
    assert_equal(out->data[0], 0);
    assert_equal(grads[0]->data[0], 0);
    assert_equal(grads[0]->data[1], 0);
}
END_TEST

START_TEST(large_logits_stay_exact)
{
    batch b = create_batch((kind)_i, 6, 3, 29);
    if (_i == ARCFACE) b.parameter = 3e4f;
    if (_i == NCE || _i == NT_XENT || _i == SUP_CON) b.parameter = 1e-4f;
    b.inputs[2]->data[0] = 1e4f;
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    compute_bits(&b, out, grads);
    ck_assert(isfinite(out->data[0]));
    for (uint32_t i = 0; i < num_inputs(&b); i++)
        for (size_t k = 0; k < grads[i]->size; k++)
            ck_assert(isfinite(grads[i]->data[k]));
}
END_TEST

/* ---- errors ---- */

static void assert_refused(const batch *b, ag_status expected, const char *mentioned)
{
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4];
    out->data[0] = 77;
    for (uint32_t i = 0; i < 4; i++) {
        grads[i] = empty_like(b->inputs[i]);
        ag_tensor_fill(grads[i], 77);
    }
    ck_assert_int_eq(call_tensors(b, out, grads), expected);
    ck_assert_msg(strstr(ag_last_error(), mentioned) != NULL, "\"%s\" does not mention %s",
                  ag_last_error(), mentioned);
    assert_equal(out->data[0], 77);
    for (uint32_t i = 0; i < num_inputs(b); i++)
        assert_equal(grads[i]->data[0], 77);
    ck_assert_uint_eq(ag_arena_used(temp), 0);
    ag_variable *leaves[4];
    for (uint32_t i = 0; i < 4; i++)
        leaves[i] = ag_create_leaf(arena, b->inputs[i], true);
    ck_assert_ptr_null(call_graph(b, arena, leaves));
    ck_assert_int_eq(ag_last_status(), expected);
}

static void refuse_second(batch b)
{
    if (num_inputs(&b) == 1) return;
    b.inputs[1] = ag_tensor_create_zeros(arena, 2, (uint32_t[]){5, 4});
    assert_refused(&b, AG_ERROR_SHAPE, "[6, 3]");
    if (num_inputs(&b) == 2) return;
    b = create_batch(b.kind, 6, 3, 1);
    b.inputs[2] = ag_tensor_create_zeros(arena, 1, (uint32_t[]){2});
    assert_refused(&b, AG_ERROR_SHAPE, "scale is [2]");
}

static void refuse_labels(batch b)
{
    ag_indices labels = *b.labels;
    b.labels = &labels;
    labels.size = labels.shape[0] = 5;
    assert_refused(&b, AG_ERROR_SHAPE, "there are 5 labels of 1 dimensions for 6 rows");
    labels = *create_batch(b.kind, 6, 3, 1).labels;
    labels.data = NULL;
    assert_refused(&b, AG_ERROR_NULL, "labels");
    b.labels = NULL;
    assert_refused(&b, AG_ERROR_NULL, "labels");
}

START_TEST(errors_name_what_is_wrong)
{
    batch b = create_batch((kind)_i, 6, 3, 1);
    if (_i <= ALL || _i == SUP_CON || _i == ARCFACE) refuse_labels(b);
    refuse_second(b);
    batch bad = b;
    bad.inputs[0] = ag_tensor_create_zeros(arena, 1, (uint32_t[]){6});
    assert_refused(&bad, AG_ERROR_SHAPE, "must be [rows, features]");
    bad = b;
    bad.parameter = NAN;
    if (_i != CLIP && _i != SIGLIP) assert_refused(&bad, AG_ERROR_ARGUMENT, "nan");
    bad.parameter = HUGE_VALF;
    if (_i != CLIP && _i != SIGLIP) assert_refused(&bad, AG_ERROR_ARGUMENT, "inf");
    bad = b;
    bad.reduction = (ag_reduction)9;
    assert_refused(&bad, AG_ERROR_ARGUMENT, "reduction is 9");
    bad = b;
    bad.similarity = (ag_similarity)7;
    if (_i > ALL && _i != ARCFACE) assert_refused(&bad, AG_ERROR_ARGUMENT, "similarity is 7");
    bad = b;
    bad.divisor = AG_DIVISOR_WEIGHTS;
    if (_i == ALL) assert_refused(&bad, AG_ERROR_ARGUMENT, "divisor is 2");
    bad = b;
    bad.margin = -1;
    if (_i == ARCFACE) assert_refused(&bad, AG_ERROR_ARGUMENT, "margin is -1");
    if (_i == ARCFACE) {
        b.labels->data[3] = 4;
        assert_refused(&b, AG_ERROR_DOMAIN, "labels[3] is 4 but weight has 4 classes");
    }
}
END_TEST

START_TEST(memory_that_is_refused_is_an_error)
{
    batch b = create_batch((kind)_i, 6, 3, 1);
    ag_tensor *out = ag_tensor_create(arena, 1, (uint32_t[]){1}), *grads[4] = {NULL};
    ag_arena_set_limit(temp, 64);
    ck_assert_int_eq(call_tensors(&b, out, grads), AG_ERROR_MEMORY);
    ck_assert_uint_eq(ag_arena_used(temp), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("contrastive");
    TCase *tests = add_case(suite, "losses of batches");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, values_and_gradients_are_those_of_the_definition, 0, KINDS);
    tcase_add_loop_test(tests, a_batch_of_two_rows_and_of_one, 0, KINDS);
    tcase_add_loop_test(tests, several_grains_add_up, 0, KINDS);
    tcase_add_test(tests, values_and_gradients_are_those_of_pytorch);
    tcase_add_loop_test(tests, the_graph_has_the_bits_of_the_tensors, 0, KINDS);
    tcase_add_loop_test(tests, gradients_pass_the_check, 0, KINDS);
    tcase_add_loop_test(tests, a_variable_may_stand_on_both_sides, 0, 3);
    tcase_add_loop_test(tests, tiles_and_threads_change_no_bit, 0, KINDS);
    tcase_add_loop_test(tests, memory_is_less_than_the_matrix_and_stays, 0, KINDS);
    tcase_add_loop_test(tests, small_distances_keep_their_digits, 0, NCE);
    tcase_add_loop_test(tests, equal_rows_and_rows_of_zeros_have_gradients_that_are_numbers, 0,
                        KINDS);
    tcase_add_loop_test(tests, nan_reaches_value_and_gradient, 0, KINDS);
    tcase_add_test(tests, margins_met_exactly_have_no_gradient);
    tcase_add_loop_test(tests, large_logits_stay_exact, NCE, KINDS);
    tcase_add_loop_test(tests, errors_name_what_is_wrong, 0, KINDS);
    tcase_add_loop_test(tests, memory_that_is_refused_is_an_error, 0, KINDS);
    return run_suite(suite);
}
