/* reference_losses.c: the losses that have joined the first ones: their values and slopes from the definitions. */
#include "config.h"

#include "reference_parts.h"

#include <stdlib.h>

/* ---- losses of elements ---- */

static reference_number smooth_l1_element(long double p, long double t, long double beta)
{
    long double d = fabsl(p - t);
    return number(d < beta ? d * d / (2 * beta) : d - beta / 2);
}

static reference_number smooth_l1_slope(long double p, long double t, long double beta)
{
    long double d = p - t;
    return number(fabsl(d) < beta ? d / beta : sign(d));
}

/* log(1 + e^z). */
static long double softplus(long double z)
{
    return (z > 0 ? z : z <= 0 ? 0 : z) + log1pl(expl(-fabsl(z)));
}

static reference_number soft_margin_element(long double x, long double t, long double unused)
{
    (void)unused;
    return number(softplus(-x * t));
}

static reference_number soft_margin_slope(long double x, long double t, long double unused)
{
    (void)unused;
    return number(-t * logistic(-x * t));
}

static reference_number hinge_embedding_element(long double x, long double t, long double margin)
{
    if (isnan(t) || t > 0) return number(isnan(t) ? t : x);
    return (reference_number){positive_part(margin - x), fabsl(margin) + fabsl(x)};
}

static reference_number hinge_embedding_slope(long double x, long double t, long double margin)
{
    if (isnan(t) || isnan(x)) return number((long double)NAN);
    if (t > 0) return number(1);
    return number(margin > x ? -1 : 0);
}

static reference_number squared_hinge_element(long double p, long double t, long double unused)
{
    (void)unused;
    long double missing = positive_part(1 - p * t);
    return (reference_number){missing * missing, 2 * missing * (1 + fabsl(p))};
}

static reference_number squared_hinge_slope(long double p, long double t, long double unused)
{
    (void)unused;
    return (reference_number){-2 * t * positive_part(1 - p * t), 2 + 2 * fabsl(p)};
}

static reference_number quantile_element(long double p, long double t, long double q)
{
    return number(p < t ? q * (t - p) : (1 - q) * (p - t));
}

static reference_number quantile_slope(long double p, long double t, long double q)
{
    return number(p < t ? -q : p > t ? 1 - q : p - t);
}

/* cosh d = 1 + 2 sinh²(d/2), and e^|d| (1 + e^-2|d|) / 2. */
static reference_number log_cosh_element(long double p, long double t, long double unused)
{
    (void)unused;
    long double d = fabsl(p - t), half_sinh = sinhl(d / 2);
    if (d > 20) return number(d - logl(2) + log1pl(expl(-2 * d)));
    return number(log1pl(2 * half_sinh * half_sinh));
}

static reference_number log_cosh_slope(long double p, long double t, long double unused)
{
    (void)unused;
    return number(tanhl(p - t));
}

static reference_number poisson_nll_element(long double x, long double t, long double unused)
{
    (void)unused;
    return sum_of(expl(x), -product_limit(t, x));
}

static reference_number poisson_nll_slope(long double x, long double t, long double unused)
{
    (void)unused;
    return sum_of(expl(x), -t);
}

/* r = t (1 - σ) + (1 - t) σ: what the prediction misses. */
static long double missed(long double x, long double t)
{
    return t * logistic(-x) + (1 - t) * logistic(x);
}

static long double entropy_of(long double x, long double t)
{
    return product_limit(t, softplus(-x)) + product_limit(1 - t, softplus(x));
}

static reference_number focal_with_logits_element(long double x, long double t, long double gamma)
{
    long double power = powl(missed(x, t), gamma), entropy = entropy_of(x, t);
    return number(isnan(x) || isnan(t) ? (long double)NAN : product_limit(power, entropy));
}

/* σ - t = (1 - t) σ - t (1 - σ). */
static reference_number focal_with_logits_slope(long double x, long double t, long double gamma)
{
    if (isnan(x) || isnan(t)) return number((long double)NAN);
    long double p = logistic(x), q = logistic(-x), r = missed(x, t);
    long double steepness = p * q == 0 || r == 0 ? 0 : (1 - 2 * t) * p * q / r * entropy_of(x, t);
    reference_number sum = sum_of((1 - t) * p, -t * q);
    if (fabsl(x) < 1) sum = sum_of(0.5L - t, 0.5L * tanhl(x / 2));
    add_to(&sum, number(gamma * steepness));
    return scaled(sum, powl(r, gamma));
}

/* ---- losses of three elements ---- */

typedef reference_number element_of_three(const long double *x, long double parameter);

typedef struct three_law {
    element_of_three *value, *slopes[2];
} three_law;

static reference_number margin_ranking_value(const long double *x, long double margin)
{
    long double difference = x[0] - x[1];
    return (reference_number){positive_part(margin - x[2] * difference),
                              fabsl(margin) + fabsl(difference)};
}

static reference_number margin_ranking_second(const long double *x, long double margin)
{
    long double missing = margin - x[2] * (x[0] - x[1]);
    return number(missing > 0 ? x[2] : missing <= 0 ? 0 : missing);
}

static reference_number margin_ranking_first(const long double *x, long double margin)
{
    return scaled(margin_ranking_second(x, margin), -1);
}

/* The variance, at least 1e-6 as a float has it. */
static long double variance_of(const long double *x)
{
    return x[1] < (long double)1e-6f ? (long double)1e-6f : x[1];
}

static reference_number gaussian_nll_value(const long double *x, long double unused)
{
    long double d = x[0] - x[2], v = variance_of(x);
    (void)unused;
    return sum_of(logl(v) / 2, d * d / v / 2);
}

static reference_number gaussian_nll_first(const long double *x, long double unused)
{
    (void)unused;
    return number((x[0] - x[2]) / variance_of(x));
}

static reference_number gaussian_nll_second(const long double *x, long double unused)
{
    long double d = x[0] - x[2], v = variance_of(x);
    (void)unused;
    return sum_of(1 / v / 2, -d * d / v / v / 2);
}

static const three_law margin_ranking_law = {margin_ranking_value,
                                             {margin_ranking_first, margin_ranking_second}};
static const three_law gaussian_nll_law = {gaussian_nll_value,
                                           {gaussian_nll_first, gaussian_nll_second}};

static const three_law *law_of(const reference_op *op)
{
    return op->name[0] == 'm' ? &margin_ranking_law : &gaussian_nll_law;
}

static reference_number evaluate(element_of_three *element, const reference_call *call, size_t i)
{
    long double x[3] = {call->inputs[0][i], call->inputs[1][i], call->inputs[2][i]};
    return element(x, call->parameter);
}

static void three_value(const reference_op *op, const reference_call *call, reference_number *out)
{
    size_t size = reference_size(&call->shapes[0]);
    reference_clear_reduced(call, out);
    for (size_t i = 0; i < size; i++)
        reference_reduce_into(call, size, i, evaluate(law_of(op)->value, call, i), out);
}

static void three_gradient(const reference_op *op, const reference_call *call, uint32_t input,
                           const long double *upstream, reference_number *out)
{
    size_t size = reference_size(&call->shapes[0]);
    for (size_t i = 0; i < size; i++)
        out[i] = scaled(evaluate(law_of(op)->slopes[input], call, i),
                        reference_upstream_of(call, size, i, upstream));
}

#define THREE(name_)                                                                               \
    {                                                                                              \
        .name = #name_, .result_shape = reference_elements_shape, .value = three_value,            \
        .gradient = three_gradient, .float_terms = reference_no_float_terms                        \
    }

/* ---- losses of rows ---- */

/* 1 - p of a class, without cancellation. */
static long double shortfall(const softmax_row *s, size_t c)
{
    return c == s->largest ? s->others / (1 + s->others) : 1 - softmax_at(s, c);
}

/* Σ_c t_c f(p_c), with f and -p f' from a function of log p and of 1 - p. */
typedef void class_law(long double log_p, long double q, long double parameter, long double *value,
                       long double *weight);

static reference_number class_value(const row *r, class_law *law)
{
    softmax_row s = softmax_of(r->n, r->inputs[0]);
    reference_number sum = number(0 * s.others);
    for (size_t c = 0; c < r->n; c++) {
        long double value, weight, t = r->inputs[1][c];
        law(-log_shortfall(&s, c), shortfall(&s, c), r->parameter, &value, &weight);
        if (t != 0) add_to(&sum, number(t * value));
    }
    return sum;
}

/* W p_c - w_c; at the largest class (W - w_c) - W (1 - p_c). */
static void class_gradient(const row *r, class_law *law, reference_number *out)
{
    softmax_row s = softmax_of(r->n, r->inputs[0]);
    long double total = 0, except_largest = 0;
    for (size_t c = 0; c < r->n; c++) {
        long double value, weight, t = r->inputs[1][c];
        law(-log_shortfall(&s, c), shortfall(&s, c), r->parameter, &value, &weight);
        out[c] = number(t == 0 ? 0 : -t * weight);
        total -= out[c].value;
        if (c != s.largest) except_largest -= out[c].value;
    }
    for (size_t c = 0; c < r->n; c++)
        out[c] = sum_of(out[c].value, total * softmax_at(&s, c));
    out[s.largest] = sum_of(except_largest, -total * shortfall(&s, s.largest));
    out[s.largest].magnitude += fabsl(total);
}

static void focal_law(long double log_p, long double q, long double gamma, long double *value,
                      long double *weight)
{
    long double steep = q == 0 ? 1 : -log_p / q, p = expl(log_p);
    *value = powl(q, gamma) * -log_p;
    *weight = powl(q, gamma) * (1 + gamma * (p == 0 ? 0 : p * steep));
}

static reference_number focal_row(const row *r)
{
    return class_value(r, focal_law);
}

static void focal_row_gradient(const row *r, uint32_t input, reference_number *out)
{
    (void)input;
    class_gradient(r, focal_law, out);
}

static void generalized_law(long double log_p, long double unused, long double q,
                            long double *value, long double *weight)
{
    (void)unused;
    *value = -expm1l(q * log_p) / q;
    *weight = expl(q * log_p);
}

static reference_number generalized_cross_entropy_row(const row *r)
{
    return class_value(r, generalized_law);
}

static void generalized_cross_entropy_row_gradient(const row *r, uint32_t input,
                                                   reference_number *out)
{
    (void)input;
    class_gradient(r, generalized_law, out);
}

/* ---- overlaps: hits + s and what is missed, from which both losses follow ---- */

typedef struct overlap {
    long double hits, missed, alpha, beta;
} overlap;

static overlap overlap_of(const row *r, long double alpha, long double beta, long double smoothing)
{
    overlap o = {.hits = smoothing, .alpha = alpha, .beta = beta};
    for (size_t c = 0; c < r->n; c++) {
        long double p = r->inputs[0][c], t = r->inputs[1][c];
        o.hits += p * t;
        o.missed += alpha * p * (1 - t) + beta * (1 - p) * t;
    }
    return o;
}

/* The derivative of 1 - h / (h + m), as a quotient's. */
static void overlap_gradient(const row *r, const overlap *o, reference_number *out)
{
    long double all = o->hits + o->missed;
    for (size_t c = 0; c < r->n; c++) {
        long double t = r->inputs[1][c], miss = o->alpha * (1 - t) - o->beta * t;
        out[c] = sum_of(miss * o->hits / (all * all), -t * o->missed / (all * all));
        if (isnan(r->inputs[0][c])) out[c] = number((long double)NAN);
    }
}

static reference_number dice_row(const row *r)
{
    overlap o = overlap_of(r, 0.5L, 0.5L, 0.5L);
    return number(o.missed / (o.hits + o.missed));
}

static void dice_row_gradient(const row *r, uint32_t input, reference_number *out)
{
    overlap o = overlap_of(r, 0.5L, 0.5L, 0.5L);
    (void)input;
    overlap_gradient(r, &o, out);
}

static reference_number tversky_row(const row *r)
{
    overlap o = overlap_of(r, r->parameter, r->second_parameter, 1);
    return number(o.missed / (o.hits + o.missed));
}

static void tversky_row_gradient(const row *r, uint32_t input, reference_number *out)
{
    overlap o = overlap_of(r, r->parameter, r->second_parameter, 1);
    (void)input;
    overlap_gradient(r, &o, out);
}

/* ---- divergences ---- */

/* log(p/m) for m = (p + t)/2, as log(1 + (p - t)/(p + t)) unless p is small. */
static long double log_share(long double p, long double t)
{
    return p < t / 4 ? logl(2 * p / (p + t)) : log1pl((p - t) / (p + t));
}

/* ½ (p log(p/m) + t log(t/m)); of nearly equal numbers (p - t)²/(4 (p + t)) and terms of the fourth order. */
static reference_number jensen_shannon_row(const row *r)
{
    reference_number sum = number(0);
    for (size_t c = 0; c < r->n; c++) {
        long double p = r->inputs[0][c], t = r->inputs[1][c], u = (p - t) / (p + t), u2 = u * u;
        long double term = 0;
        if (isnan(p + t)) term = (long double)NAN;
        if (p > 0) term += p * log_share(p, t) / 2;
        if (t > 0) term += t * log_share(t, p) / 2;
        if (fabsl(u) < 0x1p-9L) term = (p + t) * u2 / 4 * (1 + u2 / 6 + u2 * u2 / 15);
        add_to(&sum, number(term));
    }
    return sum;
}

static void jensen_shannon_row_gradient(const row *r, uint32_t input, reference_number *out)
{
    (void)input;
    for (size_t c = 0; c < r->n; c++) {
        long double p = r->inputs[0][c], t = r->inputs[1][c];
        out[c] = number(p == 0 && t == 0 ? 0 : log_share(p, t) / 2);
    }
}

/* A row divided by the temperature, to be freed. */
static long double *tempered(const row *r, uint32_t input)
{
    long double *x = calloc(r->n, sizeof *x);
    if (x == NULL) abort();
    for (size_t c = 0; c < r->n; c++)
        x[c] = r->inputs[input][c] / r->parameter;
    return x;
}

/* Both sides' log p at a class, and the difference of the probabilities by either of two formulas. */
typedef struct class_pair {
    long double log_student, log_teacher, difference;
} class_pair;

static class_pair pair_at(const softmax_row *student, const softmax_row *teacher, size_t c)
{
    class_pair pair = {-log_shortfall(student, c), -log_shortfall(teacher, c), 0};
    long double delta = pair.log_student - pair.log_teacher;
    if (fabsl(delta) < 1)
        pair.difference = softmax_at(teacher, c) * expm1l(delta);
    else
        pair.difference = softmax_at(student, c) - softmax_at(teacher, c);
    return pair;
}

/* Σ p_t (e^δ - 1 - δ), with its series for small δ = log p_s - log p_t. */
static reference_number distillation_row(const row *r)
{
    long double *s = tempered(r, 0), *t = tempered(r, 1);
    softmax_row student = softmax_of(r->n, s), teacher = softmax_of(r->n, t);
    reference_number sum = number(0);
    for (size_t c = 0; c < r->n; c++) {
        class_pair pair = pair_at(&student, &teacher, c);
        long double d = pair.log_student - pair.log_teacher, p = softmax_at(&teacher, c);
        long double excess = expm1l(d) - d, term = p * excess;
        if (fabsl(d) < 1e-4L) term = p * d * d * (0.5L + d / 6 + d * d / 24 + d * d * d / 120);
        if (fabsl(d) >= 1) term = pair.difference - (p == 0 ? 0 : p * d);
        add_to(&sum, (reference_number){term, fabsl(term) + p * fabsl(d) * 1e-3L});
    }
    free(s);
    free(t);
    return scaled(sum, r->parameter * r->parameter);
}

static void distillation_row_gradient(const row *r, uint32_t input, reference_number *out)
{
    long double *s = tempered(r, 0), *t = tempered(r, 1);
    softmax_row student = softmax_of(r->n, s), teacher = softmax_of(r->n, t);
    (void)input;
    for (size_t c = 0; c < r->n; c++) {
        long double difference = pair_at(&student, &teacher, c).difference;
        out[c] = (reference_number){r->parameter * difference,
                                    r->parameter * (fabsl(difference) + softmax_at(&teacher, c))};
    }
    free(s);
    free(t);
}

/* ---- many labels of a row, and the margins of one ---- */

static reference_number multilabel_soft_margin_row(const row *r)
{
    reference_number sum = number(0);
    for (size_t c = 0; c < r->n; c++)
        add_to(&sum, number(entropy_of(r->inputs[0][c], r->inputs[1][c])));
    return scaled(sum, 1 / (long double)r->n);
}

static void multilabel_soft_margin_row_gradient(const row *r, uint32_t input, reference_number *out)
{
    (void)input;
    for (size_t c = 0; c < r->n; c++) /* that of the focal loss for γ = 0 */
        out[c] = scaled(focal_with_logits_slope(r->inputs[0][c], r->inputs[1][c], 0),
                        1 / (long double)r->n);
}

/* What class c is nearer to the right one than the margin allows. */
static reference_number intrusion(const row *r, size_t c)
{
    const long double *x = r->inputs[0];
    if (c == r->label) return number(0);
    return (reference_number){positive_part(r->parameter + x[c] - x[r->label]),
                              fabsl(r->parameter) + fabsl(x[c]) + fabsl(x[r->label])};
}

static reference_number multi_margin_row(const row *r)
{
    reference_number sum = number(0);
    for (size_t c = 0; c < r->n; c++)
        add_to(&sum, intrusion(r, c));
    return scaled(sum, 1 / (long double)r->n);
}

static void multi_margin_row_gradient(const row *r, uint32_t input, reference_number *out)
{
    (void)input;
    long double intruders = 0;
    for (size_t c = 0; c < r->n; c++) {
        long double slope = sign(intrusion(r, c).value);
        out[c] = number(slope / (long double)r->n);
        intruders += slope;
    }
    out[r->label] = number(-intruders / (long double)r->n);
}

static bool is_label(const row *r, size_t class)
{
    for (size_t k = 0; k < r->n && r->labels[k] >= 0; k++)
        if ((size_t)r->labels[k] == class) return true;
    return false;
}

static reference_number multilabel_margin_row(const row *r)
{
    reference_number sum = number(0);
    for (size_t k = 0; k < r->n && r->labels[k] >= 0; k++) {
        row of_label = *r;
        of_label.label = (size_t)r->labels[k];
        for (size_t c = 0; c < r->n; c++)
            if (!is_label(r, c)) add_to(&sum, intrusion(&of_label, c));
    }
    return scaled(sum, 1 / (long double)r->n);
}

static void multilabel_margin_row_gradient(const row *r, uint32_t input, reference_number *out)
{
    (void)input;
    for (size_t c = 0; c < r->n; c++)
        out[c] = number(0);
    for (size_t k = 0; k < r->n && r->labels[k] >= 0; k++) {
        row of_label = *r;
        of_label.label = (size_t)r->labels[k];
        for (size_t c = 0; c < r->n; c++) {
            if (is_label(r, c)) continue;
            long double slope = sign(intrusion(&of_label, c).value) / (long double)r->n;
            add_to(&out[c], number(slope));
            add_to(&out[of_label.label], (reference_number){-slope, fabsl(slope)});
        }
    }
}

/* ---- the table ---- */

const reference_op references_of_losses[] = {
    ELEMENTS(smooth_l1_loss, smooth_l1),
    ELEMENTS(soft_margin_loss, soft_margin),
    ELEMENTS(hinge_embedding_loss, hinge_embedding),
    THREE(margin_ranking_loss),
    ELEMENTS(poisson_nll_loss, poisson_nll),
    THREE(gaussian_nll_loss),
    ELEMENTS(log_cosh_loss, log_cosh),
    ELEMENTS(quantile_loss, quantile),
    ELEMENTS(squared_hinge_loss, squared_hinge),
    ELEMENTS(focal_with_logits_loss, focal_with_logits),
    ROWS(focal_loss, focal, false),
    ROWS(generalized_cross_entropy_loss, generalized_cross_entropy, false),
    ROWS(dice_loss, dice, false),
    ROWS(tversky_loss, tversky, false),
    ROWS(jensen_shannon_loss, jensen_shannon, false),
    ROWS(distillation_loss, distillation, false),
    ROWS(multilabel_soft_margin_loss, multilabel_soft_margin, false),
    ROWS(multi_margin_loss, multi_margin, false),
    ROWS(multilabel_margin_loss, multilabel_margin, false),
};

const size_t num_references_of_losses = sizeof references_of_losses / sizeof *references_of_losses;
