#include "config.h"

#include "reference_parts.h"

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
    if (isnan(t) || isnan(x)) return number(NAN);
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
    return number(isnan(x) || isnan(t) ? NAN : product_limit(power, entropy));
}

/* σ - t = (1 - t) σ - t (1 - σ). */
static reference_number focal_with_logits_slope(long double x, long double t, long double gamma)
{
    if (isnan(x) || isnan(t)) return number(NAN);
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
};

const size_t num_references_of_losses = sizeof references_of_losses / sizeof *references_of_losses;
