/* reference_elements.c: what functions of one element compute, and softmax's of a row. */
#include "config.h"

#include "reference_parts.h"

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

/* ---- the table ---- */

#define MAP(name_)                                                                                 \
    {                                                                                              \
        .name = #name_, .result_shape = first_shape, .value = map_value, .gradient = map_gradient, \
        .float_terms = reference_no_float_terms, .element = name_##_element,                       \
        .slope = name_##_slope                                                                     \
    }

const reference_op references_of_elements[] = {
    MAP(scale),
    MAP(neg),
    MAP(abs),
    MAP(exp),
    MAP(log),
    MAP(sqrt),
    MAP(pow),
    MAP(clamp),
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
};

const size_t num_references_of_elements =
    sizeof references_of_elements / sizeof *references_of_elements;
