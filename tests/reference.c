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

static reference_shape scalar_shape(const reference_call *call)
{
    (void)call;
    return (reference_shape){.ndims = 1, .dims = {1}};
}

static reference_shape first_shape(const reference_call *call)
{
    return call->shapes[0];
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
    if (call->indices != NULL) result.label = (size_t)call->indices[index];
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

/* ---- functions of elements ---- */

static void map_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    size_t size = reference_size(&call->shapes[0]);
    for (size_t i = 0; i < size; i++)
        out[i] = op->element(call->inputs[0][i], call->second_parameter, call->parameter);
}

static void map_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                         const long double *upstream, reference_number *out)
{
    size_t size = reference_size(&call->shapes[0]);
    (void)input;
    for (size_t i = 0; i < size; i++)
        out[i] = scaled(op->slope(call->inputs[0][i], call->second_parameter, call->parameter),
                        upstream[i]);
}

static reference_number scale_element(long double x, long double unused, long double factor)
{
    (void)unused;
    return number(factor * x);
}

static reference_number scale_slope(long double x, long double unused, long double factor)
{
    (void)x, (void)unused;
    return number(factor);
}

static reference_number relu_element(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(positive_part(x));
}

static reference_number relu_slope(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(x > 0 ? 1 : x <= 0 ? 0 : x);
}

static reference_number sigmoid_element(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(logistic(x));
}

static reference_number sigmoid_slope(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(logistic(x) * logistic(-x));
}

static reference_number tanh_element(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(tanhl(x));
}

static reference_number tanh_slope(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(1 / (coshl(x) * coshl(x)));
}

static const long double square_root_of_half = 0.707106781186547524400844362104849039L;
static const long double square_root_of_two_pi = 2.50662827463100050241576528481104525L;

/* The distribution function and the density of the standard normal distribution. */
static long double normal_below(long double x)
{
    return erfcl(-x * square_root_of_half) / 2;
}

static long double normal_density(long double x)
{
    return expl(-x * x / 2) / square_root_of_two_pi;
}

static reference_number gelu_element(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(product_limit(normal_below(x), x));
}

static reference_number gelu_slope(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return sum_of(normal_below(x), product_limit(normal_density(x), x));
}

#define NAN_L ((long double)NAN)

static reference_number neg_element(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(-x);
}

static reference_number neg_slope(long double x, long double unused, long double unused_too)
{
    (void)x, (void)unused, (void)unused_too;
    return number(-1);
}

static reference_number abs_element(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(fabsl(x));
}

static reference_number abs_slope(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(sign(x));
}

static reference_number exp_element(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(expl(x));
}

static reference_number exp_slope(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(expl(x));
}

static reference_number log_element(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(x < 0 ? NAN_L : logl(x));
}

static reference_number log_slope(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(x < 0 ? NAN_L : 1 / fabsl(x));
}

static reference_number sqrt_element(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(x < 0 ? NAN_L : sqrtl(x));
}

static reference_number sqrt_slope(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(x < 0 ? NAN_L : 1 / (2 * sqrtl(fabsl(x))));
}

static reference_number pow_element(long double x, long double unused, long double exponent)
{
    (void)unused;
    return number(powl(x, exponent));
}

static reference_number pow_slope(long double x, long double unused, long double exponent)
{
    (void)unused;
    return number(exponent == 0 ? 0 : exponent * powl(x, exponent - 1));
}

static reference_number clamp_element(long double x, long double high, long double low)
{
    return number(x < low ? low : x > high ? high : x);
}

static reference_number clamp_slope(long double x, long double high, long double low)
{
    return number(x < low || x > high ? 0 : isnan(x) ? x : 1);
}

static reference_number relu6_element(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(x <= 0 ? 0 : x >= 6 ? 6 : x);
}

static reference_number relu6_slope(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(x <= 0 || x >= 6 ? 0 : isnan(x) ? x : 1);
}

static reference_number leaky_relu_element(long double x, long double unused, long double below)
{
    (void)unused;
    return number(x > 0 ? x : product_limit(below, x));
}

static reference_number leaky_relu_slope(long double x, long double unused, long double below)
{
    (void)unused;
    return number(x > 0 ? 1 : x <= 0 ? below : x);
}

static reference_number elu_element(long double x, long double unused, long double alpha)
{
    (void)unused;
    return number(x > 0 ? x : alpha * expm1l(x));
}

static reference_number elu_slope(long double x, long double unused, long double alpha)
{
    (void)unused;
    return number(x > 0 ? 1 : alpha * expl(x));
}

static const long double selu_alpha = 1.67326324235437728481704342927L;
static const long double selu_scale = 1.05070098735548049341933498530L;

static reference_number selu_element(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(selu_scale * (x > 0 ? x : selu_alpha * expm1l(x)));
}

static reference_number selu_slope(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(selu_scale * (x > 0 ? 1 : selu_alpha * expl(x)));
}

static reference_number silu_element(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(product_limit(logistic(x), x));
}

static reference_number silu_slope(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return sum_of(logistic(x), product_limit(logistic(x) * logistic(-x), x));
}

static reference_number softplus_element(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return sum_of(positive_part(x), log1pl(expl(-fabsl(x))));
}

static reference_number softplus_slope(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(logistic(x));
}

static reference_number hard_sigmoid_element(long double x, long double unused,
                                             long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(x <= -3 ? 0 : x >= 3 ? 1 : (x + 3) / 6);
}

static reference_number hard_sigmoid_slope(long double x, long double unused,
                                           long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(x <= -3 || x >= 3 ? 0 : isnan(x) ? x : 1 / 6.0L);
}

static reference_number hard_swish_element(long double x, long double unused,
                                           long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6);
}

static reference_number hard_swish_slope(long double x, long double unused, long double unused_too)
{
    (void)unused, (void)unused_too;
    return number(x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6);
}

/* ---- softmax and log_softmax ---- */

typedef void write_row(const softmax_row *s, size_t n, const long double *upstream,
                       reference_number *out);

static void each_softmax_row(const reference_call *call, const long double *upstream,
                             write_row *write, reference_number *out)
{
    size_t rows = rows_of(&call->shapes[0]), n = columns_of(&call->shapes[0]);
    for (size_t i = 0; i < rows; i++) {
        softmax_row s = softmax_of(n, call->inputs[0] + i * n);
        write(&s, n, upstream == NULL ? NULL : upstream + i * n, out + i * n);
    }
}

static void write_softmax(const softmax_row *s, size_t n, const long double *unused,
                          reference_number *out)
{
    (void)unused;
    for (size_t c = 0; c < n; c++)
        out[c] = number(softmax_at(s, c));
}

static void write_log_softmax(const softmax_row *s, size_t n, const long double *unused,
                              reference_number *out)
{
    (void)unused;
    for (size_t c = 0; c < n; c++)
        out[c] = number(-log_shortfall(s, c));
}

/*
 * p_c (G_c - Σ_j G_j p_j), where the sum is G_k + Σ_{j ≠ k} (G_j - G_k) p_j with k the largest
 * class: near a certain class nothing cancels.
 */
static void write_softmax_gradient(const softmax_row *s, size_t n, const long double *upstream,
                                   reference_number *out)
{
    long double at_largest = upstream[s->largest];
    reference_number shift = number(0);
    for (size_t j = 0; j < n; j++)
        if (j != s->largest) add_to(&shift, number((upstream[j] - at_largest) * softmax_at(s, j)));
    for (size_t c = 0; c < n; c++) {
        long double p = softmax_at(s, c);
        out[c].value = p * ((upstream[c] - at_largest) - shift.value);
        out[c].magnitude = p * (fabsl(upstream[c]) + fabsl(at_largest) + shift.magnitude);
    }
}

/* G_c - p_c Σ_j G_j. */
static void write_log_softmax_gradient(const softmax_row *s, size_t n, const long double *upstream,
                                       reference_number *out)
{
    reference_number sum = number(0);
    for (size_t j = 0; j < n; j++)
        add_to(&sum, number(upstream[j]));
    for (size_t c = 0; c < n; c++) {
        out[c] = scaled(sum, -softmax_at(s, c));
        add_to(&out[c], number(upstream[c]));
    }
}

static void softmax_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    (void)op;
    each_softmax_row(call, NULL, write_softmax, out);
}

static void softmax_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                             const long double *upstream, reference_number *out)
{
    (void)op, (void)input;
    each_softmax_row(call, upstream, write_softmax_gradient, out);
}

static void log_softmax_value(const reference_op *op, const reference_call *call,
                              reference_number *out)
{
    (void)op;
    each_softmax_row(call, NULL, write_log_softmax, out);
}

static void log_softmax_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                                 const long double *upstream, reference_number *out)
{
    (void)op, (void)input;
    each_softmax_row(call, upstream, write_log_softmax_gradient, out);
}

/* ---- sum and mean ---- */

static long double mean_factor(const reference_op *op, const reference_call *call)
{
    bool is_mean = strcmp(op->name, "mean") == 0;
    return is_mean ? 1 / (long double)reference_size(&call->shapes[0]) : 1;
}

static void sum_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    out[0] = number(0);
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        add_to(&out[0], number(call->inputs[0][i]));
    out[0] = scaled(out[0], mean_factor(op, call));
}

static void sum_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                         const long double *upstream, reference_number *out)
{
    (void)input;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(upstream[0] * mean_factor(op, call));
}

/* ---- reshape and transpose ---- */

static reference_shape reshape_shape(const reference_call *call)
{
    return call->new_shape;
}

static void reshape_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    (void)op;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(call->inputs[0][i]);
}

static void reshape_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                             const long double *upstream, reference_number *out)
{
    (void)op, (void)input;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(upstream[i]);
}

static reference_shape transpose_shape(const reference_call *call)
{
    const uint32_t *dims = call->shapes[0].dims;
    return (reference_shape){.ndims = 2, .dims = {dims[1], dims[0]}};
}

static void write_transposed(const reference_shape *shape, const long double *in, bool back,
                             reference_number *out)
{
    size_t rows = shape->dims[0], columns = shape->dims[1];
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            size_t here = i * columns + j, there = j * rows + i;
            out[back ? here : there] = number(in[back ? there : here]);
        }
    }
}

static void transpose_value(const reference_op *op, const reference_call *call,
                            reference_number *out)
{
    (void)op;
    write_transposed(&call->shapes[0], call->inputs[0], false, out);
}

static void transpose_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                               const long double *upstream, reference_number *out)
{
    (void)op, (void)input;
    write_transposed(&call->shapes[0], upstream, true, out);
}

/* ---- add, sub, mul, div: of the result's elements, which one of a and of b it is made of ---- */

typedef struct binary_law {
    const char *name;
    reference_number (*value)(long double a, long double b);
    long double (*slope)(uint32_t input, long double a, long double b);
} binary_law;

static reference_number add_value(long double a, long double b)
{
    return sum_of(a, b);
}

static reference_number sub_value(long double a, long double b)
{
    return sum_of(a, -b);
}

static reference_number mul_value(long double a, long double b)
{
    return number(a * b);
}

static reference_number div_value(long double a, long double b)
{
    return number(a / b);
}

static long double add_slope(uint32_t input, long double a, long double b)
{
    (void)input, (void)a, (void)b;
    return 1;
}

static long double sub_slope(uint32_t input, long double a, long double b)
{
    (void)a, (void)b;
    return input == 0 ? 1 : -1;
}

static long double mul_slope(uint32_t input, long double a, long double b)
{
    return input == 0 ? b : a;
}

static long double div_slope(uint32_t input, long double a, long double b)
{
    return input == 0 ? 1 / b : -a / (b * b);
}

static const binary_law binary_laws[] = {
    {"add", add_value, add_slope},
    {"sub", sub_value, sub_slope},
    {"mul", mul_value, mul_slope},
    {"div", div_value, div_slope},
};

static const binary_law *binary_law_of(const reference_op *op)
{
    const binary_law *law = binary_laws;
    while (strcmp(law->name, op->name) != 0)
        law++;
    return law;
}

/* The size of a dimension, counted from the last, which is 0; 1 beyond the first. */
static uint32_t size_from_last(const reference_shape *shape, uint32_t from_last)
{
    return from_last < shape->ndims ? shape->dims[shape->ndims - 1 - from_last] : 1;
}

static reference_shape stretched_shape(const reference_call *call)
{
    const reference_shape *a = &call->shapes[0], *b = &call->shapes[1];
    reference_shape shape = {.ndims = a->ndims > b->ndims ? a->ndims : b->ndims};
    for (uint32_t k = 0; k < shape.ndims; k++) {
        uint32_t of_a = size_from_last(a, k), of_b = size_from_last(b, k);
        shape.dims[shape.ndims - 1 - k] = of_a > of_b ? of_a : of_b;
    }
    return shape;
}

/* The element of an input that serves element i of the result. */
static size_t serving(const reference_call *call, uint32_t input, size_t i)
{
    reference_shape result = stretched_shape(call);
    size_t offset = 0, stride = 1;
    for (uint32_t k = 0; k < result.ndims; k++) {
        uint32_t size = size_from_last(&call->shapes[input], k),
                 of_result = size_from_last(&result, k);
        if (size > 1) offset += i % of_result * stride;
        i /= of_result;
        stride *= size;
    }
    return offset;
}

static void binary_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    const binary_law *law = binary_law_of(op);
    reference_shape shape = stretched_shape(call);
    for (size_t i = 0; i < reference_size(&shape); i++)
        out[i] =
            law->value(call->inputs[0][serving(call, 0, i)], call->inputs[1][serving(call, 1, i)]);
}

static void binary_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                            const long double *upstream, reference_number *out)
{
    const binary_law *law = binary_law_of(op);
    reference_shape shape = stretched_shape(call);
    for (size_t i = 0; i < reference_size(&call->shapes[input]); i++)
        out[i] = number(0);
    for (size_t i = 0; i < reference_size(&shape); i++) {
        size_t of_a = serving(call, 0, i), of_b = serving(call, 1, i);
        long double slope = law->slope(input, call->inputs[0][of_a], call->inputs[1][of_b]);
        add_to(&out[input == 0 ? of_a : of_b], number(upstream[i] * slope));
    }
}

/* ---- one dimension: a tensor as [outer, length, inner] ---- */

typedef struct along {
    size_t outer, length, inner;
} along;

static uint32_t dimension_of(const reference_call *call)
{
    uint32_t dim = call->integers[0], ndims = call->shapes[0].ndims;
    return dim >= ndims ? dim + ndims : dim; /* -1 is the last */
}

static along along_of(const reference_call *call, const reference_shape *shape)
{
    uint32_t dim = dimension_of(call);
    along a = {1, shape->dims[dim], 1};
    for (uint32_t d = 0; d < shape->ndims; d++) {
        if (d < dim) a.outer *= shape->dims[d];
        if (d > dim) a.inner *= shape->dims[d];
    }
    return a;
}

static reference_shape reduced_shape(const reference_call *call)
{
    reference_shape shape = call->shapes[0], without = {.ndims = shape.ndims - 1};
    uint32_t dim = dimension_of(call);
    shape.dims[dim] = 1;
    if (call->integers[1] != 0 || shape.ndims == 1) return shape;
    for (uint32_t d = 0; d < without.ndims; d++)
        without.dims[d] = shape.dims[d < dim ? d : d + 1];
    return without;
}

/* The numbers of one result, one after the other, and where number k of them came from. */
static size_t place_in(const along *a, size_t result, size_t k)
{
    return (result / a->inner * a->length + k) * a->inner + result % a->inner;
}

static long double *create_lane(size_t n)
{
    long double *lane = malloc(n * sizeof *lane);
    if (lane == NULL) abort();
    return lane;
}

static long double *lane_of(const along *a, const long double *x, size_t result)
{
    long double *lane = create_lane(a->length);
    for (size_t k = 0; k < a->length; k++)
        lane[k] = x[place_in(a, result, k)];
    return lane;
}

/* A result from its n numbers; and the slopes with respect to them. */
typedef struct lane_law {
    const char *name;
    reference_number (*value)(size_t n, const long double *lane);
    void (*slopes)(size_t n, const long double *lane, long double *slopes);
} lane_law;

static reference_number sum_lane(size_t n, const long double *lane)
{
    reference_number sum = number(0);
    for (size_t k = 0; k < n; k++)
        add_to(&sum, number(lane[k]));
    return sum;
}

static void sum_lane_slopes(size_t n, const long double *unused, long double *slopes)
{
    (void)unused;
    for (size_t k = 0; k < n; k++)
        slopes[k] = 1;
}

static reference_number mean_lane(size_t n, const long double *lane)
{
    return scaled(sum_lane(n, lane), 1 / (long double)n);
}

static void mean_lane_slopes(size_t n, const long double *unused, long double *slopes)
{
    (void)unused;
    for (size_t k = 0; k < n; k++)
        slopes[k] = 1 / (long double)n;
}

static reference_number max_lane(size_t n, const long double *lane)
{
    return number(lane[softmax_of(n, lane).largest]);
}

static void max_lane_slopes(size_t n, const long double *lane, long double *slopes)
{
    size_t largest = softmax_of(n, lane).largest;
    for (size_t k = 0; k < n; k++)
        slopes[k] = k == largest;
}

static reference_number logsumexp_lane(size_t n, const long double *lane)
{
    softmax_row s = softmax_of(n, lane);
    return sum_of(lane[s.largest], log1pl(s.others));
}

static void logsumexp_lane_slopes(size_t n, const long double *lane, long double *slopes)
{
    softmax_row s = softmax_of(n, lane);
    for (size_t k = 0; k < n; k++)
        slopes[k] = softmax_at(&s, k);
}

static const lane_law lane_laws[] = {
    {"sum_dim", sum_lane, sum_lane_slopes},
    {"mean_dim", mean_lane, mean_lane_slopes},
    {"max_dim", max_lane, max_lane_slopes},
    {"logsumexp", logsumexp_lane, logsumexp_lane_slopes},
};

static const lane_law *lane_law_of(const reference_op *op)
{
    const lane_law *law = lane_laws;
    while (strcmp(law->name, op->name) != 0)
        law++;
    return law;
}

static void lanes_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    along a = along_of(call, &call->shapes[0]);
    for (size_t i = 0; i < a.outer * a.inner; i++) {
        long double *lane = lane_of(&a, call->inputs[0], i);
        out[i] = lane_law_of(op)->value(a.length, lane);
        free(lane);
    }
}

static void lanes_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                           const long double *upstream, reference_number *out)
{
    along a = along_of(call, &call->shapes[0]);
    (void)input;
    for (size_t i = 0; i < a.outer * a.inner; i++) {
        long double *lane = lane_of(&a, call->inputs[0], i), *slopes = create_lane(a.length);
        lane_law_of(op)->slopes(a.length, lane, slopes);
        for (size_t k = 0; k < a.length; k++)
            out[place_in(&a, i, k)] = number(upstream[i] * slopes[k]);
        free(lane);
        free(slopes);
    }
}

/* ---- slice, concat, permute: where each element of the result comes from ---- */

static reference_shape slice_shape(const reference_call *call)
{
    reference_shape shape = call->shapes[0];
    shape.dims[dimension_of(call)] = call->integers[2] - call->integers[1];
    return shape;
}

static reference_shape concat_shape(const reference_call *call)
{
    reference_shape shape = call->shapes[0];
    for (uint32_t i = 1; i < REFERENCE_MAX_INPUTS; i++)
        if (call->inputs[i] != NULL)
            shape.dims[dimension_of(call)] += call->shapes[i].dims[dimension_of(call)];
    return shape;
}

static reference_shape permute_shape(const reference_call *call)
{
    reference_shape shape = call->shapes[0];
    for (uint32_t d = 0; d < shape.ndims; d++)
        shape.dims[d] = call->shapes[0].dims[call->integers[d]];
    return shape;
}

/* An element of an input. */
typedef struct origin {
    uint32_t input;
    size_t at;
} origin;

static origin slice_origin(const reference_call *call, size_t i)
{
    reference_shape shape = slice_shape(call);
    along to = along_of(call, &shape), from = along_of(call, &call->shapes[0]);
    size_t k = i / to.inner % to.length, outer = i / to.inner / to.length;
    return (origin){0, (outer * from.length + call->integers[1] + k) * from.inner + i % to.inner};
}

static origin concat_origin(const reference_call *call, size_t i)
{
    reference_shape shape = concat_shape(call);
    along to = along_of(call, &shape);
    size_t k = i / to.inner % to.length, outer = i / to.inner / to.length;
    uint32_t input = 0, dim = dimension_of(call);
    while (k >= call->shapes[input].dims[dim])
        k -= call->shapes[input++].dims[dim];
    return (origin){input, (outer * call->shapes[input].dims[dim] + k) * to.inner + i % to.inner};
}

static origin permute_origin(const reference_call *call, size_t i)
{
    reference_shape shape = permute_shape(call);
    size_t index[REFERENCE_MAX_DIMS], at = 0;
    for (uint32_t d = shape.ndims; d-- > 0; i /= shape.dims[d])
        index[call->integers[d]] = i % shape.dims[d];
    for (uint32_t d = 0; d < shape.ndims; d++)
        at = at * call->shapes[0].dims[d] + index[d];
    return (origin){0, at};
}

typedef origin origin_of(const reference_call *call, size_t i);

static void moved_value(const reference_call *call, const reference_shape *shape, origin_of *from,
                        reference_number *out)
{
    for (size_t i = 0; i < reference_size(shape); i++)
        out[i] = number(call->inputs[from(call, i).input][from(call, i).at]);
}

static void moved_gradient(const reference_call *call, const reference_shape *shape,
                           origin_of *from, uint32_t input, const long double *upstream,
                           reference_number *out)
{
    for (size_t i = 0; i < reference_size(&call->shapes[input]); i++)
        out[i] = number(0);
    for (size_t i = 0; i < reference_size(shape); i++)
        if (from(call, i).input == input) out[from(call, i).at] = number(upstream[i]);
}

#define DEFINE_MOVED(name)                                                                         \
    static void name##_value(const reference_op *op, const reference_call *call,                   \
                             reference_number *out)                                                \
    {                                                                                              \
        reference_shape shape = name##_shape(call);                                                \
        (void)op;                                                                                  \
        moved_value(call, &shape, name##_origin, out);                                             \
    }                                                                                              \
    static void name##_gradient(const reference_op *op, const reference_call *call,                \
                                uint32_t input, const long double *upstream,                       \
                                reference_number *out)                                             \
    {                                                                                              \
        reference_shape shape = name##_shape(call);                                                \
        (void)op;                                                                                  \
        moved_gradient(call, &shape, name##_origin, input, upstream, out);                         \
    }

DEFINE_MOVED(slice)
DEFINE_MOVED(concat)
DEFINE_MOVED(permute)

/* ---- matmul and linear ---- */

/* A matrix in memory; element (i, j) is at i · row_step + j · column_step. */
typedef struct matrix {
    const long double *data;
    size_t rows, columns, row_step, column_step;
} matrix;

static matrix matrix_of(const long double *data, size_t rows, size_t columns)
{
    return (matrix){data, rows, columns, columns, 1};
}

static matrix transposed(matrix m)
{
    return (matrix){m.data, m.columns, m.rows, m.column_step, m.row_step};
}

/* out = a · b. */
static void multiply(matrix a, matrix b, reference_number *out)
{
    for (size_t i = 0; i < a.rows; i++) {
        for (size_t j = 0; j < b.columns; j++) {
            reference_number sum = number(0);
            for (size_t k = 0; k < a.columns; k++)
                add_to(&sum, number(a.data[i * a.row_step + k * a.column_step] *
                                    b.data[k * b.row_step + j * b.column_step]));
            out[i * b.columns + j] = sum;
        }
    }
}

/* The factors of a matmul as stored, and as they enter the product. */
static matrix stored_factor(const reference_call *call, uint32_t input)
{
    const uint32_t *dims = call->shapes[input].dims;
    return matrix_of(call->inputs[input], dims[0], dims[1]);
}

static matrix factor_of_product(const reference_call *call, uint32_t input)
{
    matrix stored = stored_factor(call, input);
    return (input == 0 ? call->transpose_a : call->transpose_b) ? transposed(stored) : stored;
}

static reference_shape matmul_shape(const reference_call *call)
{
    uint32_t m = (uint32_t)factor_of_product(call, 0).rows;
    uint32_t n = (uint32_t)factor_of_product(call, 1).columns;
    return (reference_shape){.ndims = 2, .dims = {m, n}};
}

static void matmul_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    (void)op;
    multiply(factor_of_product(call, 0), factor_of_product(call, 1), out);
}

/* The gradient to a factor as it enters the product, transposed back if the factor was. */
static void matmul_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                            const long double *upstream, reference_number *out)
{
    matrix a = factor_of_product(call, 0), b = factor_of_product(call, 1);
    matrix g = matrix_of(upstream, a.rows, b.columns);
    bool back = input == 0 ? call->transpose_a : call->transpose_b;
    (void)op;
    if (input == 0 && !back) multiply(g, transposed(b), out);
    if (input == 0 && back) multiply(b, transposed(g), out);
    if (input == 1 && !back) multiply(transposed(a), g, out);
    if (input == 1 && back) multiply(transposed(g), a, out);
}

static size_t largest_dimension(const reference_call *call)
{
    size_t largest = 1;
    for (uint32_t i = 0; i < 2; i++) {
        size_t rows = rows_of(&call->shapes[i]), columns = columns_of(&call->shapes[i]);
        if (rows > largest) largest = rows;
        if (columns > largest) largest = columns;
    }
    return largest;
}

static reference_shape linear_shape(const reference_call *call)
{
    reference_shape shape = call->shapes[0];
    shape.dims[shape.ndims - 1] = call->shapes[1].dims[0];
    return shape;
}

static matrix linear_input(const reference_call *call)
{
    return matrix_of(call->inputs[0], rows_of(&call->shapes[0]), columns_of(&call->shapes[0]));
}

static void linear_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    matrix x = linear_input(call), weight = stored_factor(call, 1);
    (void)op;
    multiply(x, transposed(weight), out);
    if (call->inputs[2] == NULL) return;
    for (size_t i = 0; i < x.rows * weight.rows; i++)
        add_to(&out[i], number(call->inputs[2][i % weight.rows]));
}

static void linear_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                            const long double *upstream, reference_number *out)
{
    matrix x = linear_input(call), weight = stored_factor(call, 1);
    matrix g = matrix_of(upstream, x.rows, weight.rows);
    (void)op;
    if (input == 0) multiply(g, weight, out);
    if (input == 1) multiply(transposed(g), x, out);
    if (input != 2) return;
    for (size_t j = 0; j < g.columns; j++)
        out[j] = number(0);
    for (size_t i = 0; i < g.rows * g.columns; i++)
        add_to(&out[i % g.columns], number(upstream[i]));
}

/* ---- convolution and pooling of images ---- */

typedef struct window {
    size_t channels, height, width; /* of an image */
    size_t rows, columns, stride, padding;
    size_t out_height, out_width;
} window;

static window window_of(const reference_call *call, size_t rows, size_t columns, size_t stride,
                        size_t padding)
{
    const uint32_t *x = call->shapes[0].dims;
    return (window){x[1],
                    x[2],
                    x[3],
                    rows,
                    columns,
                    stride,
                    padding,
                    (x[2] + 2 * padding - rows) / stride + 1,
                    (x[3] + 2 * padding - columns) / stride + 1};
}

/* Where in a plane a window's place lies; false if outside. */
static bool place_of(const window *w, size_t out, size_t place, size_t *at)
{
    size_t y = out / w->out_width * w->stride + place / w->columns;
    size_t x = out % w->out_width * w->stride + place % w->columns;
    if (y < w->padding || y - w->padding >= w->height) return false;
    if (x < w->padding || x - w->padding >= w->width) return false;
    *at = (y - w->padding) * w->width + (x - w->padding);
    return true;
}

static window conv2d_window(const reference_call *call)
{
    const uint32_t *weight = call->shapes[1].dims;
    return window_of(call, weight[2], weight[3], call->integers[0], call->integers[1]);
}

static reference_shape conv2d_shape(const reference_call *call)
{
    window w = conv2d_window(call);
    return (reference_shape){4,
                             {call->shapes[0].dims[0], call->shapes[1].dims[0],
                              (uint32_t)w.out_height, (uint32_t)w.out_width}};
}

/* A product that a convolution adds up: which numbers are multiplied, and for which result. */
typedef struct conv2d_term {
    size_t out, x, weight;
} conv2d_term;

typedef void conv2d_visit(const reference_call *call, conv2d_term term, void *context);

/* All products of one output channel of one image. */
static void visit_channel(const reference_call *call, size_t image, size_t channel,
                          conv2d_visit *visit, void *context)
{
    window w = conv2d_window(call);
    size_t outs = w.out_height * w.out_width, places = w.rows * w.columns, at;
    for (size_t out = 0; out < outs; out++)
        for (size_t in = 0; in < w.channels; in++)
            for (size_t place = 0; place < places; place++) {
                if (!place_of(&w, out, place, &at)) continue;
                conv2d_term term = {
                    .out = (image * call->shapes[1].dims[0] + channel) * outs + out,
                    .x = (image * w.channels + in) * w.height * w.width + at,
                    .weight = (channel * w.channels + in) * places + place,
                };
                visit(call, term, context);
            }
}

static void visit_terms(const reference_call *call, conv2d_visit *visit, void *context)
{
    for (size_t image = 0; image < call->shapes[0].dims[0]; image++)
        for (size_t channel = 0; channel < call->shapes[1].dims[0]; channel++)
            visit_channel(call, image, channel, visit, context);
}

static void add_to_result(const reference_call *call, conv2d_term term, void *context)
{
    reference_number *out = context;
    add_to(&out[term.out], number(call->inputs[0][term.x] * call->inputs[1][term.weight]));
}

/* The channel of an element of a tensor [batch, channels, …]. */
static size_t channel_of(const reference_shape *shape, size_t index)
{
    size_t plane = reference_size(shape) / shape->dims[0] / shape->dims[1];
    return index / plane % shape->dims[1];
}

static void conv2d_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    reference_shape shape = conv2d_shape(call);
    (void)op;
    for (size_t i = 0; i < reference_size(&shape); i++)
        out[i] = number(call->inputs[2] != NULL ? call->inputs[2][channel_of(&shape, i)] : 0);
    visit_terms(call, add_to_result, out);
}

typedef struct conv2d_slopes {
    uint32_t input;
    const long double *upstream;
    reference_number *out;
} conv2d_slopes;

static void add_to_slope(const reference_call *call, conv2d_term term, void *context)
{
    const conv2d_slopes *s = context;
    size_t own = s->input == 0 ? term.x : term.weight, other = s->input == 0 ? term.weight : term.x;
    add_to(&s->out[own], number(s->upstream[term.out] * call->inputs[1 - s->input][other]));
}

static void conv2d_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                            const long double *upstream, reference_number *out)
{
    reference_shape shape = conv2d_shape(call);
    (void)op;
    for (size_t i = 0; i < reference_size(&call->shapes[input]); i++)
        out[i] = number(0);
    if (input < 2) visit_terms(call, add_to_slope, &(conv2d_slopes){input, upstream, out});
    for (size_t i = 0; input == 2 && i < reference_size(&shape); i++)
        add_to(&out[channel_of(&shape, i)], number(upstream[i]));
}

/* Products of a result, of a number of x, and of a weight: whichever are most. */
static size_t conv2d_terms(const reference_call *call)
{
    const uint32_t *weight = call->shapes[1].dims;
    window w = conv2d_window(call);
    size_t places = w.rows * w.columns, of_result = weight[1] * places, of_x = weight[0] * places;
    size_t of_weight = call->shapes[0].dims[0] * w.out_height * w.out_width;
    size_t most = of_result > of_x ? of_result : of_x;
    return most > of_weight ? most : of_weight;
}

static window pool2d_window(const reference_call *call)
{
    const uint32_t *n = call->integers;
    return window_of(call, n[0], n[0], n[1], n[2]);
}

static reference_shape pool2d_shape(const reference_call *call)
{
    window w = pool2d_window(call);
    const uint32_t *x = call->shapes[0].dims;
    return (reference_shape){4, {x[0], x[1], (uint32_t)w.out_height, (uint32_t)w.out_width}};
}

/* The first of the largest numbers that a window sees. */
static size_t largest_in(const window *w, const long double *plane, size_t out)
{
    size_t largest = SIZE_MAX, at;
    for (size_t place = 0; place < w->rows * w->columns; place++)
        if (place_of(w, out, place, &at) && (largest == SIZE_MAX || plane[at] > plane[largest]))
            largest = at;
    return largest;
}

static void max_pool2d_value(const reference_op *op, const reference_call *call,
                             reference_number *out)
{
    reference_shape shape = pool2d_shape(call);
    window w = pool2d_window(call);
    size_t outs = w.out_height * w.out_width;
    (void)op;
    for (size_t i = 0; i < reference_size(&shape); i++) {
        const long double *plane = call->inputs[0] + i / outs * w.height * w.width;
        out[i] = number(plane[largest_in(&w, plane, i % outs)]);
    }
}

static void max_pool2d_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                                const long double *upstream, reference_number *out)
{
    reference_shape shape = pool2d_shape(call);
    window w = pool2d_window(call);
    size_t outs = w.out_height * w.out_width;
    (void)op, (void)input;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(0);
    for (size_t i = 0; i < reference_size(&shape); i++) {
        size_t plane = i / outs * w.height * w.width;
        size_t at = largest_in(&w, call->inputs[0] + plane, i % outs);
        add_to(&out[plane + at], number(upstream[i]));
    }
}

static void average_pool2d_value(const reference_op *op, const reference_call *call,
                                 reference_number *out)
{
    reference_shape shape = pool2d_shape(call);
    window w = pool2d_window(call);
    size_t outs = w.out_height * w.out_width, places = w.rows * w.columns, at;
    (void)op;
    for (size_t i = 0; i < reference_size(&shape); i++) {
        const long double *plane = call->inputs[0] + i / outs * w.height * w.width;
        out[i] = number(0);
        for (size_t place = 0; place < places; place++)
            if (place_of(&w, i % outs, place, &at))
                add_to(&out[i], number(plane[at] / (long double)places));
    }
}

static void average_pool2d_gradient(const reference_op *op, const reference_call *call,
                                    uint32_t input, const long double *upstream,
                                    reference_number *out)
{
    reference_shape shape = pool2d_shape(call);
    window w = pool2d_window(call);
    size_t outs = w.out_height * w.out_width, places = w.rows * w.columns, at;
    (void)op, (void)input;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(0);
    for (size_t i = 0; i < reference_size(&shape); i++)
        for (size_t place = 0; place < places; place++)
            if (place_of(&w, i % outs, place, &at))
                add_to(&out[i / outs * w.height * w.width + at],
                       number(upstream[i] / (long double)places));
}

/* ---- normalisation of groups: rows, or channels ---- */

/* Which numbers form a group: `count` of them, and the place of each. */
typedef struct grouping {
    size_t groups, count;
    size_t plane;    /* numbers that follow each other */
    size_t distance; /* from one such plane of a group to the next */
    size_t step;     /* from one group to the next */
} grouping;

static size_t place_in_group(const grouping *g, size_t group, size_t i)
{
    return group * g->step + i / g->plane * g->distance + i % g->plane;
}

static grouping rows_grouping(const reference_call *call)
{
    size_t columns = columns_of(&call->shapes[0]), size = reference_size(&call->shapes[0]);
    if (call->inputs[1] != NULL) columns = reference_size(&call->shapes[1]);
    return (grouping){size / columns, columns, columns, columns, columns};
}

static grouping channels_grouping(const reference_call *call)
{
    const reference_shape *x = &call->shapes[0];
    size_t plane = reference_size(x) / x->dims[0] / x->dims[1];
    return (grouping){x->dims[1], x->dims[0] * plane, plane, x->dims[1] * plane, plane};
}

typedef struct normalisation {
    const reference_call *call;
    grouping g;
    bool by_rows;          /* gamma and beta go along the row, not with the group */
    bool given;            /* mean and variance are inputs */
    reference_number mean; /* of one group */
    long double rate;
} normalisation;

static normalisation normalisation_of(const reference_op *op, const reference_call *call)
{
    bool by_rows = strcmp(op->name, "layer_norm") == 0;
    return (normalisation){
        .call = call,
        .g = by_rows ? rows_grouping(call) : channels_grouping(call),
        .by_rows = by_rows,
        .given = call->inputs[3] != NULL,
    };
}

static void measure_group(normalisation *n, size_t group)
{
    const long double *x = n->call->inputs[0];
    long double variance = 0;
    n->mean = number(0);
    for (size_t i = 0; i < n->g.count; i++)
        add_to(&n->mean, number(x[place_in_group(&n->g, group, i)] / (long double)n->g.count));
    if (n->given) n->mean = number(n->call->inputs[3][group]);
    for (size_t i = 0; i < n->g.count; i++) {
        long double d = x[place_in_group(&n->g, group, i)] - n->mean.value;
        variance += d * d / (long double)n->g.count;
    }
    if (n->given) variance = n->call->inputs[4][group];
    n->rate = 1 / sqrtl(variance + n->call->parameter);
}

static long double weight_of(const normalisation *n, uint32_t input, size_t group, size_t i)
{
    const long double *weights = n->call->inputs[input];
    if (weights == NULL) return input == 1 ? 1 : 0;
    return weights[n->by_rows ? i : group];
}

static reference_number normal_of(const normalisation *n, size_t group, size_t i)
{
    long double x = n->call->inputs[0][place_in_group(&n->g, group, i)];
    return (reference_number){(x - n->mean.value) * n->rate,
                              (fabsl(x) + n->mean.magnitude) * n->rate};
}

static void norm_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    normalisation n = normalisation_of(op, call);
    for (size_t group = 0; group < n.g.groups; group++) {
        measure_group(&n, group);
        for (size_t i = 0; i < n.g.count; i++) {
            reference_number *y = &out[place_in_group(&n.g, group, i)];
            *y = scaled(normal_of(&n, group, i), weight_of(&n, 1, group, i));
            add_to(y, number(weight_of(&n, 2, group, i)));
        }
    }
}

/* rate (Gγ - mean(Gγ) - x̂ mean(Gγ x̂)), without the means where mean and variance are given. */
static void norm_to_x(const normalisation *n, size_t group, const long double *upstream,
                      reference_number *out)
{
    reference_number means[2] = {{0, 0}, {0, 0}};
    for (size_t i = 0; i < n->g.count && !n->given; i++) {
        long double g = upstream[place_in_group(&n->g, group, i)] * weight_of(n, 1, group, i);
        add_to(&means[0], number(g / (long double)n->g.count));
        add_to(&means[1], scaled(normal_of(n, group, i), g / (long double)n->g.count));
    }
    for (size_t i = 0; i < n->g.count; i++) {
        size_t place = place_in_group(&n->g, group, i);
        reference_number normal = normal_of(n, group, i);
        reference_number slope = number(upstream[place] * weight_of(n, 1, group, i));
        add_to(&slope, scaled(means[0], -1));
        add_to(&slope, (reference_number){-normal.value * means[1].value,
                                          normal.magnitude * means[1].magnitude});
        out[place] = scaled(slope, n->rate);
    }
}

static void norm_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                          const long double *upstream, reference_number *out)
{
    normalisation n = normalisation_of(op, call);
    for (size_t i = 0; i < reference_size(&call->shapes[input]) && input > 0; i++)
        out[i] = number(0);
    for (size_t group = 0; group < n.g.groups; group++) {
        measure_group(&n, group);
        if (input == 0) norm_to_x(&n, group, upstream, out);
        for (size_t i = 0; i < n.g.count && input > 0; i++) {
            reference_number of_gamma = normal_of(&n, group, i);
            long double g = upstream[place_in_group(&n.g, group, i)];
            add_to(&out[n.by_rows ? i : group], input == 1 ? scaled(of_gamma, g) : number(g));
        }
    }
}

/* ---- dropout ---- */

static uint32_t dropout_mix(uint32_t x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

/* 0 or 1 / (1 - p). Blocks have keys of their own; their size is the library's. */
static long double dropout_factor(const reference_call *call, size_t i)
{
    size_t size = reference_size(&call->shapes[0]), block = (size + 255) / 256;
    if (block < 4096) block = 4096;
    uint32_t key = call->integers[0] + 0x9e3779b9u * (uint32_t)(i / block);
    uint32_t bits = dropout_mix(dropout_mix((uint32_t)(i % block) ^ key) ^ call->integers[1]);
    bool dropped = (long double)bits < floorl(call->parameter * 0x1p32L);
    return dropped ? 0 : 1 / (1 - call->parameter);
}

static void dropout_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    (void)op;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(call->inputs[0][i] * dropout_factor(call, i));
}

static void dropout_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                             const long double *upstream, reference_number *out)
{
    (void)op, (void)input;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(upstream[i] * dropout_factor(call, i));
}

/* ---- embedding ---- */

static reference_shape embedding_shape(const reference_call *call)
{
    reference_shape shape = call->indices_shape;
    shape.dims[shape.ndims++] = call->shapes[0].dims[1];
    return shape;
}

/* Where in the table the number at a place of the result stands. */
static size_t place_in_table(const reference_call *call, size_t i)
{
    size_t columns = call->shapes[0].dims[1];
    return (size_t)call->indices[i / columns] * columns + i % columns;
}

static void embedding_value(const reference_op *op, const reference_call *call,
                            reference_number *out)
{
    reference_shape shape = embedding_shape(call);
    (void)op;
    for (size_t i = 0; i < reference_size(&shape); i++)
        out[i] = number(call->inputs[0][place_in_table(call, i)]);
}

static void embedding_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                               const long double *upstream, reference_number *out)
{
    reference_shape shape = embedding_shape(call);
    (void)op, (void)input;
    for (size_t i = 0; i < reference_size(&call->shapes[0]); i++)
        out[i] = number(0);
    for (size_t i = 0; i < reference_size(&shape); i++)
        add_to(&out[place_in_table(call, i)], number(upstream[i]));
}

/* ---- batched_matmul: the same as matmul, pair by pair ---- */

static reference_shape pair_shape(const reference_shape *shape)
{
    return (reference_shape){2, {shape->dims[shape->ndims - 2], shape->dims[shape->ndims - 1]}};
}

static reference_call pair_of(const reference_call *call, size_t index)
{
    reference_call pair = *call;
    for (uint32_t i = 0; i < 2; i++) {
        pair.shapes[i] = pair_shape(&call->shapes[i]);
        pair.inputs[i] = call->inputs[i] + index * reference_size(&pair.shapes[i]);
    }
    return pair;
}

static size_t pairs_of(const reference_call *call)
{
    reference_shape pair = pair_shape(&call->shapes[0]);
    return reference_size(&call->shapes[0]) / reference_size(&pair);
}

static reference_shape batched_matmul_shape(const reference_call *call)
{
    reference_call pair = pair_of(call, 0);
    reference_shape product = matmul_shape(&pair), shape = call->shapes[0];
    shape.dims[shape.ndims - 2] = product.dims[0];
    shape.dims[shape.ndims - 1] = product.dims[1];
    return shape;
}

static void batched_matmul_value(const reference_op *op, const reference_call *call,
                                 reference_number *out)
{
    for (size_t i = 0; i < pairs_of(call); i++) {
        reference_call pair = pair_of(call, i);
        reference_shape product = matmul_shape(&pair);
        matmul_value(op, &pair, out + i * reference_size(&product));
    }
}

static void batched_matmul_gradient(const reference_op *op, const reference_call *call,
                                    uint32_t input, const long double *upstream,
                                    reference_number *out)
{
    for (size_t i = 0; i < pairs_of(call); i++) {
        reference_call pair = pair_of(call, i);
        reference_shape product = matmul_shape(&pair);
        matmul_gradient(op, &pair, input, upstream + i * reference_size(&product),
                        out + i * reference_size(&pair.shapes[input]));
    }
}

static size_t largest_of_pair(const reference_call *call)
{
    reference_call pair = pair_of(call, 0);
    return largest_dimension(&pair);
}

/* ---- the table ---- */

#define MAP(name_)                                                                                 \
    {                                                                                              \
        .name = #name_, .result_shape = first_shape, .value = map_value, .gradient = map_gradient, \
        .float_terms = reference_no_float_terms, .element = name_##_element,                       \
        .slope = name_##_slope                                                                     \
    }
#define FUNCTION(name_, shape, family, terms)                                                      \
    {                                                                                              \
        .name = #name_, .result_shape = shape, .value = family##_value,                            \
        .gradient = family##_gradient, .float_terms = terms                                        \
    }

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
    FUNCTION(matmul, matmul_shape, matmul, largest_dimension),
    FUNCTION(linear, linear_shape, linear, largest_dimension),
    FUNCTION(add, stretched_shape, binary, reference_no_float_terms),
    FUNCTION(sub, stretched_shape, binary, reference_no_float_terms),
    FUNCTION(mul, stretched_shape, binary, reference_no_float_terms),
    FUNCTION(div, stretched_shape, binary, reference_no_float_terms),
    MAP(scale),
    MAP(neg),
    MAP(abs),
    MAP(exp),
    MAP(log),
    MAP(sqrt),
    MAP(pow),
    MAP(clamp),
    FUNCTION(sum, scalar_shape, sum, reference_no_float_terms),
    FUNCTION(mean, scalar_shape, sum, reference_no_float_terms),
    FUNCTION(sum_dim, reduced_shape, lanes, reference_no_float_terms),
    FUNCTION(mean_dim, reduced_shape, lanes, reference_no_float_terms),
    FUNCTION(max_dim, reduced_shape, lanes, reference_no_float_terms),
    FUNCTION(logsumexp, reduced_shape, lanes, reference_no_float_terms),
    FUNCTION(reshape, reshape_shape, reshape, reference_no_float_terms),
    FUNCTION(transpose, transpose_shape, transpose, reference_no_float_terms),
    FUNCTION(permute, permute_shape, permute, reference_no_float_terms),
    FUNCTION(slice, slice_shape, slice, reference_no_float_terms),
    FUNCTION(concat, concat_shape, concat, reference_no_float_terms),
    MAP(relu),
    MAP(sigmoid),
    MAP(tanh),
    MAP(relu6),
    MAP(leaky_relu),
    MAP(elu),
    MAP(selu),
    MAP(gelu),
    MAP(silu),
    MAP(softplus),
    MAP(hard_sigmoid),
    MAP(hard_swish),
    FUNCTION(softmax, first_shape, softmax, reference_no_float_terms),
    FUNCTION(log_softmax, first_shape, log_softmax, reference_no_float_terms),
    FUNCTION(conv2d, conv2d_shape, conv2d, conv2d_terms),
    FUNCTION(max_pool2d, pool2d_shape, max_pool2d, reference_no_float_terms),
    FUNCTION(average_pool2d, pool2d_shape, average_pool2d, reference_no_float_terms),
    FUNCTION(layer_norm, first_shape, norm, reference_no_float_terms),
    FUNCTION(batch_norm, first_shape, norm, reference_no_float_terms),
    FUNCTION(batch_norm_eval, first_shape, norm, reference_no_float_terms),
    FUNCTION(dropout, first_shape, dropout, reference_no_float_terms),
    FUNCTION(embedding, embedding_shape, embedding, reference_no_float_terms),
    FUNCTION(batched_matmul, batched_matmul_shape, batched_matmul, largest_of_pair),
};

const reference_op *reference_find(const char *name)
{
    for (size_t i = 0; i < sizeof references / sizeof *references; i++)
        if (strcmp(references[i].name, name) == 0) return &references[i];
    for (size_t i = 0; i < num_references_of_losses; i++)
        if (strcmp(references_of_losses[i].name, name) == 0) return &references_of_losses[i];
    return NULL;
}
