/*
 * reference.c: what the references of all operations are made of, and those of the losses that the library
 * began with.
 */
#include "config.h"

#include "reference_parts.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

long double reference_ulp(long double exact)
{
    int exponent = -126;
    if (fabsl(exact) > (long double)FLT_MIN) {
        (void)frexpl(exact, &exponent);
        exponent--;
    }
    return ldexpl(1, exponent - 23);
}

/* The least absolute value that rounds to an infinite float. */
#define FLOAT_OVERFLOW 0x1.ffffffp127L

long double reference_ulps(float actual, long double exact)
{
    if (isnan(exact) || isnan(actual)) return isnan(exact) && isnan(actual) ? 0 : HUGE_VALL;
    if (fabsl(exact) >= FLOAT_OVERFLOW)
        return isinf(actual) && (actual > 0) == (exact > 0) ? 0 : HUGE_VALL;
    if (isinf(actual)) return HUGE_VALL;
    return fabsl((long double)actual - exact) / reference_ulp(exact);
}

/* ---- shapes ---- */

size_t reference_size(const reference_shape *shape)
{
    size_t size = shape->ndims > 0;
    for (uint32_t i = 0; i < shape->ndims; i++)
        size *= shape->dims[i];
    return size;
}

reference_shape reference_elements_shape(const reference_call *call)
{
    return call->reduction == REFERENCE_NONE ? first_shape(call) : scalar_shape(call);
}

reference_shape reference_rows_shape(const reference_call *call)
{
    reference_shape shape = call->shapes[0];
    if (call->reduction != REFERENCE_NONE || shape.ndims == 1) return scalar_shape(call);
    shape.ndims--;
    return shape;
}

size_t reference_no_float_terms(const reference_call *call)
{
    (void)call;
    return 0;
}

/* ---- reductions ---- */

/* N of the reductions, for a loss of so many elements or rows. */
static long double divisor(const reference_call *call, size_t items)
{
    const reference_shape *shape = &call->shapes[0];
    if (call->reduction == REFERENCE_MEAN) return (long double)items;
    if (call->reduction == REFERENCE_BATCHMEAN && shape->ndims > 1) return shape->dims[0];
    return 1;
}

void reference_clear_reduced(const reference_call *call, reference_number *out)
{
    if (call->reduction != REFERENCE_NONE) out[0] = number(0);
}

/* Puts the value of one element or row where the reduction wants it. */
void reference_reduce_into(const reference_call *call, size_t items, size_t item,
                           reference_number term, reference_number *out)
{
    if (call->reduction == REFERENCE_NONE)
        out[item] = term;
    else
        add_to(&out[0], scaled(term, 1 / divisor(call, items)));
}

/* What the gradient of one element or row is multiplied by. */
long double reference_upstream_of(const reference_call *call, size_t items, size_t item,
                                  const long double *upstream)
{
    if (call->reduction == REFERENCE_NONE) return upstream[item];
    return upstream[0] / divisor(call, items);
}

/* ---- losses of elements ---- */

static long double second_at(const reference_call *call, size_t item)
{
    return call->inputs[1] == NULL ? 0 : call->inputs[1][item];
}

void reference_elements_value(const reference_op *op, const reference_call *call,
                              reference_number *out)
{
    size_t size = reference_size(&call->shapes[0]);
    reference_clear_reduced(call, out);
    for (size_t i = 0; i < size; i++) {
        reference_number term =
            op->element(call->inputs[0][i], second_at(call, i), call->parameter);
        reference_reduce_into(call, size, i, term, out);
    }
}

void reference_elements_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                                 const long double *upstream, reference_number *out)
{
    size_t size = reference_size(&call->shapes[0]);
    (void)input;
    for (size_t i = 0; i < size; i++) {
        reference_number slope = op->slope(call->inputs[0][i], second_at(call, i), call->parameter);
        out[i] = scaled(slope, reference_upstream_of(call, size, i, upstream));
    }
}

static reference_number mse_element(long double p, long double t, long double unused)
{
    (void)unused;
    return number((p - t) * (p - t));
}

static reference_number mse_slope(long double p, long double t, long double unused)
{
    (void)unused;
    return number(2 * (p - t));
}

static reference_number l1_element(long double p, long double t, long double unused)
{
    (void)unused;
    return number(fabsl(p - t));
}

static reference_number l1_slope(long double p, long double t, long double unused)
{
    (void)unused;
    return number(sign(p - t));
}

static reference_number huber_element(long double p, long double t, long double delta)
{
    long double d = fabsl(p - t);
    return number(d <= delta ? d * d / 2 : delta * (d - delta / 2));
}

static reference_number huber_slope(long double p, long double t, long double delta)
{
    long double d = p - t;
    return number(fabsl(d) <= delta ? d : delta * sign(d));
}

static long double floored(long double x, long double floor)
{
    return x < floor ? floor : x;
}

static reference_number bce_element(long double p, long double t, long double unused)
{
    (void)unused;
    return sum_of(-t * floored(logl(p), -100), -(1 - t) * floored(log1pl(-p), -100));
}

static reference_number bce_slope(long double p, long double t, long double unused)
{
    (void)unused;
    return number((p - t) / floored(p * (1 - p), 1e-12L));
}

/* log(1 + e^x) - x t = log(1 + e^-|x|) + (x (1 - t) or -x t). */
static reference_number bce_with_logits_element(long double x, long double t, long double unused)
{
    (void)unused;
    long double linear = product_limit(x > 0 ? 1 - t : -t, x);
    return sum_of(linear, log1pl(expl(-fabsl(x))));
}

static reference_number bce_with_logits_slope(long double x, long double t, long double unused)
{
    (void)unused;
    if (fabsl(x) < 1) return sum_of(0.5L - t, 0.5L * tanhl(x / 2)); /* exact also for t near 1/2 */
    return x > 0 ? sum_of(1 - t, -logistic(-x)) : sum_of(-t, logistic(x));
}

static reference_number kl_div_element(long double p, long double t, long double unused)
{
    (void)unused;
    if (t == 0) return number(isnan(p) ? p : 0);
    return sum_of(t * logl(t), -t * p);
}

static reference_number kl_div_slope(long double p, long double t, long double unused)
{
    (void)p, (void)unused;
    return number(-t);
}

static reference_number hinge_element(long double p, long double t, long double unused)
{
    (void)unused;
    return (reference_number){positive_part(1 - p * t), 1 + fabsl(p * t)};
}

static reference_number hinge_slope(long double p, long double t, long double unused)
{
    (void)unused;
    long double missing = 1 - p * t;
    return number(missing > 0 ? -t : missing <= 0 ? 0 : missing);
}

static reference_number l2_element(long double w, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(w * w / 2);
}

static reference_number l2_slope(long double w, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(w);
}

static reference_number l1_regularization_element(long double w, long double unused,
                                                  long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(fabsl(w));
}

static reference_number l1_regularization_slope(long double w, long double unused,
                                                long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(sign(w));
}

/* ---- losses of rows ---- */

static row row_at(const reference_op *op, const reference_call *call, size_t index)
{
    size_t n = columns_of(&call->shapes[0]);
    row result = {.n = n, .parameter = call->parameter, .second_parameter = call->second_parameter};
    if (call->indices != NULL) {
        size_t each = reference_size(&call->indices_shape) / rows_of(&call->shapes[0]);
        result.labels = call->indices + index * each;
        result.label = (size_t)result.labels[0];
    }
    for (uint32_t i = 0; i < REFERENCE_MAX_INPUTS; i++) {
        size_t stride = op->row_law->last_is_label && i == 2 ? 1 : n;
        if (call->inputs[i] != NULL) result.inputs[i] = call->inputs[i] + index * stride;
    }
    return result;
}

void reference_rows_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    size_t rows = rows_of(&call->shapes[0]);
    reference_clear_reduced(call, out);
    for (size_t i = 0; i < rows; i++) {
        row r = row_at(op, call, i);
        reference_reduce_into(call, rows, i, op->row_law->value(&r), out);
    }
}

void reference_rows_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                             const long double *upstream, reference_number *out)
{
    size_t rows = rows_of(&call->shapes[0]), columns = columns_of(&call->shapes[0]);
    for (size_t i = 0; i < rows; i++) {
        row r = row_at(op, call, i);
        op->row_law->gradient(&r, input, out + i * columns);
        long double factor = reference_upstream_of(call, rows, i, upstream);
        for (size_t c = 0; c < columns; c++)
            out[i * columns + c] = scaled(out[i * columns + c], factor);
    }
}

/* -t l, where an impossible class that is not wanted adds nothing. */
static long double likelihood_term(long double t, long double l)
{
    return t == 0 && l == -HUGE_VALL ? 0 : -t * l;
}

static reference_number cross_entropy_row(const row *r)
{
    softmax_row s = softmax_of(r->n, r->inputs[0]);
    reference_number sum = number(0);
    for (size_t c = 0; c < r->n; c++)
        add_to(&sum, number(likelihood_term(r->inputs[1][c], -log_shortfall(&s, c))));
    return sum;
}

/* S softmax_c - t_c; at the largest class (S - t_c) - S (1 - softmax_c). */
static void cross_entropy_row_gradient(const row *r, uint32_t input, reference_number *out)
{
    softmax_row s = softmax_of(r->n, r->inputs[0]);
    const long double *t = r->inputs[1];
    long double except_largest = 0;
    (void)input;
    for (size_t c = 0; c < r->n; c++)
        if (c != s.largest) except_largest += t[c];
    long double total = except_largest + t[s.largest];
    for (size_t c = 0; c < r->n; c++)
        out[c] = sum_of(-t[c], total * softmax_at(&s, c));
    long double remaining = s.others / (1 + s.others);
    out[s.largest] = sum_of(except_largest, -total * remaining);
}

static reference_number nll_row(const row *r)
{
    reference_number sum = number(0);
    for (size_t c = 0; c < r->n; c++)
        add_to(&sum, number(likelihood_term(r->inputs[1][c], r->inputs[0][c])));
    return sum;
}

static void nll_row_gradient(const row *r, uint32_t input, reference_number *out)
{
    (void)input;
    for (size_t c = 0; c < r->n; c++)
        out[c] = number(-r->inputs[1][c]);
}

/* ---- labels: the same for one-hot rows ---- */

static long double *one_hot_target(const row *r)
{
    long double *target = calloc(r->n, sizeof *target);
    if (target == NULL) abort();
    target[r->label] = 1;
    return target;
}

static reference_number cross_entropy_labels_row(const row *r)
{
    long double *target = one_hot_target(r);
    row one_hot = {.n = r->n, .inputs = {r->inputs[0], target}};
    reference_number result = cross_entropy_row(&one_hot);
    free(target);
    return result;
}

static void cross_entropy_labels_row_gradient(const row *r, uint32_t input, reference_number *out)
{
    long double *target = one_hot_target(r);
    row one_hot = {.n = r->n, .inputs = {r->inputs[0], target}};
    cross_entropy_row_gradient(&one_hot, input, out);
    free(target);
}

static reference_number nll_labels_row(const row *r)
{
    return number(-r->inputs[0][r->label]);
}

static void nll_labels_row_gradient(const row *r, uint32_t input, reference_number *out)
{
    (void)input;
    for (size_t c = 0; c < r->n; c++)
        out[c] = number(c == r->label ? -1 : 0);
}

/* ---- cosine ---- */

typedef struct angle {
    long double dot, xx, yy; /* x·y, |x|², |y|² */
    long double cosine;
    long double one_minus_cosine; /* without cancellation */
    bool zero_vector;
} angle;

/* Longer rows take |x|² |y|² - (x·y)² from a residual in O(n) instead of from all pairs. */
#define MOST_FOR_PAIRS 512

/* |x|² |y|² - (x·y)², by Lagrange's identity Σ (x_i y_j - x_j y_i)² over all pairs i < j. */
static long double gram_determinant(const row *r, const angle *a)
{
    const long double *x = r->inputs[0], *y = r->inputs[1];
    long double sum = 0;
    if (r->n > MOST_FOR_PAIRS) {
        for (size_t i = 0; i < r->n; i++) {
            long double rest = y[i] - x[i] * (a->dot / a->xx);
            sum += rest * rest;
        }
        return sum * a->xx;
    }
    for (size_t i = 0; i < r->n; i++) {
        for (size_t j = i + 1; j < r->n; j++) {
            long double minor = x[i] * y[j] - x[j] * y[i];
            sum += minor * minor;
        }
    }
    return sum;
}

static angle angle_of(const row *r)
{
    angle a = {0};
    for (size_t i = 0; i < r->n; i++) {
        a.dot += r->inputs[0][i] * r->inputs[1][i];
        a.xx += r->inputs[0][i] * r->inputs[0][i];
        a.yy += r->inputs[1][i] * r->inputs[1][i];
    }
    a.zero_vector = !isnan(a.dot) && (a.xx == 0 || a.yy == 0);
    a.cosine = a.zero_vector ? 0 : a.dot / sqrtl(a.xx * a.yy);
    a.one_minus_cosine = 1 - a.cosine;
    if (a.cosine > 0.5L)
        a.one_minus_cosine = gram_determinant(r, &a) / (a.xx * a.yy) / (1 + a.cosine);
    return a;
}

/* cos - margin: near cos = 1 as the difference of what both lack to 1. */
static long double above_margin(const angle *a, long double margin)
{
    if (a->cosine > 0.5L) return (1 - margin) - a->one_minus_cosine;
    return a->cosine - margin;
}

static reference_number cosine_row(const row *r)
{
    angle a = angle_of(r);
    long double label = r->inputs[2][0];
    if (isnan(label)) return number(label);
    if (label > 0) return number(a.one_minus_cosine);
    return (reference_number){positive_part(above_margin(&a, r->parameter)),
                              fabsl(a.cosine) + fabsl(r->parameter)};
}

/* What ∂cos is multiplied by: -1 for alike pairs, 1 for unlike ones beyond the margin. */
static long double cosine_factor(const row *r, const angle *a)
{
    long double label = r->inputs[2][0], above = above_margin(a, r->parameter);
    if (isnan(label)) return label;
    if (label > 0) return -1;
    return above > 0 ? 1 : above <= 0 ? 0 : above;
}

/* |x|² y_f - x_f (x·y), by pairs Σ_j x_j (x_j y_f - x_f y_j), which does not cancel. */
static long double perpendicular(size_t n, const long double *x, const long double *y, size_t f,
                                 long double dot, long double xx)
{
    if (n > MOST_FOR_PAIRS) return xx * y[f] - x[f] * dot;
    long double sum = 0;
    for (size_t j = 0; j < n; j++)
        if (j != f) sum += x[j] * (x[j] * y[f] - x[f] * y[j]);
    return sum;
}

static void cosine_row_gradient(const row *r, uint32_t input, reference_number *out)
{
    angle a = angle_of(r);
    const long double *x = r->inputs[input], *y = r->inputs[1 - input];
    long double own = input == 0 ? a.xx : a.yy, factor = cosine_factor(r, &a);
    long double scale = factor / (sqrtl(a.xx * a.yy) * own);
    for (size_t f = 0; f < r->n; f++) {
        out[f] = number(isnan(factor) ? factor : 0);
        if (a.zero_vector || factor == 0) continue;
        out[f] = (reference_number){
            .value = scale * perpendicular(r->n, x, y, f, a.dot, own),
            .magnitude = fabsl(scale) * (fabsl(own * y[f]) + fabsl(x[f] * a.dot)),
        };
    }
}

/* ---- triplet ---- */

typedef struct distances {
    long double to_positive, to_negative;
    long double loss; /* before max(0, ·) */
} distances;

/*
 * d_ap - d_an is (d_ap² - d_an²) / (d_ap + d_an) with d_ap² - d_an² = Σ (n - p) (2a - p - n), which
 * keeps its digits where positive and negative are near each other.
 */
static distances distances_of(const row *r)
{
    const long double *a = r->inputs[0], *p = r->inputs[1], *n = r->inputs[2];
    long double ap = 0, an = 0, difference = 0;
    for (size_t i = 0; i < r->n; i++) {
        ap += (a[i] - p[i]) * (a[i] - p[i]);
        an += (a[i] - n[i]) * (a[i] - n[i]);
        difference += (n[i] - p[i]) * ((a[i] - p[i]) + (a[i] - n[i]));
    }
    distances d = {.to_positive = sqrtl(ap), .to_negative = sqrtl(an)};
    long double sum = d.to_positive + d.to_negative;
    if (isinf(sum))
        difference = d.to_positive - d.to_negative;
    else if (sum != 0)
        difference /= sum;
    d.loss = difference + r->parameter;
    return d;
}

static reference_number triplet_row(const row *r)
{
    distances d = distances_of(r);
    return (reference_number){positive_part(d.loss),
                              d.to_positive + d.to_negative + fabsl(r->parameter)};
}

/* (x - y) / |x - y|; 0 where the distance is. */
static long double direction(long double x, long double y, long double distance)
{
    return distance == 0 ? 0 : (x - y) / distance;
}

static void triplet_row_gradient(const row *r, uint32_t input, reference_number *out)
{
    distances d = distances_of(r);
    const long double *a = r->inputs[0], *p = r->inputs[1], *n = r->inputs[2];
    for (size_t i = 0; i < r->n; i++) {
        long double from_positive = direction(a[i], p[i], d.to_positive);
        long double from_negative = direction(a[i], n[i], d.to_negative);
        reference_number slopes[] = {sum_of(from_positive, -from_negative), number(-from_positive),
                                     number(from_negative)};
        out[i] = d.loss > 0 ? slopes[input] : number(d.loss <= 0 ? 0 : d.loss);
    }
}

/* ---- the table ---- */

static const reference_op references[] = {
    ELEMENTS(mse_loss, mse),
    ELEMENTS(l1_loss, l1),
    ELEMENTS(huber_loss, huber),
    ELEMENTS(bce_loss, bce),
    ELEMENTS(bce_with_logits_loss, bce_with_logits),
    ROWS(cross_entropy_loss, cross_entropy, false),
    ROWS(nll_loss, nll, false),
    ROWS(cross_entropy_labels_loss, cross_entropy_labels, false),
    ROWS(nll_labels_loss, nll_labels, false),
    ELEMENTS(kl_div_loss, kl_div),
    ELEMENTS(hinge_loss, hinge),
    ELEMENTS(l2_loss, l2),
    ELEMENTS(l1_regularization, l1_regularization),
    ROWS(cosine_embedding_loss, cosine, true),
    ROWS(triplet_loss, triplet, false),
};

static const struct {
    const reference_op *ops;
    const size_t *count;
} others[] = {
    {references_of_losses, &num_references_of_losses},
    {references_of_elements, &num_references_of_elements},
    {references_of_shapes, &num_references_of_shapes},
    {references_of_products, &num_references_of_products},
    {references_of_layers, &num_references_of_layers},
};

static const reference_op *find_in(size_t count, const reference_op *ops, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(ops[i].name, name) == 0) return &ops[i];
    return NULL;
}

const reference_op *reference_find(const char *name)
{
    const reference_op *found = find_in(sizeof references / sizeof *references, references, name);
    for (size_t i = 0; found == NULL && i < sizeof others / sizeof *others; i++)
        found = find_in(*others[i].count, others[i].ops, name);
    return found;
}
