/* gradcheck.c: testing gradients against differences of values. */
#include "config.h"

#include <autograd/gradcheck.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "autograd/presence.h"
#include "core/status.h"
#include "tensor/shape.h"

/* Rounding a result to float changes it by at most this part, half a unit in the last place. */
#define ROUNDING 0x1p-24
/* Graphs round more than once between input and result. */
#define NOISE_FACTOR 8

typedef struct check {
    ag_arena *arena;
    ag_gradcheck_fn function;
    void *context;
    uint32_t num_inputs;
    ag_tensor *const *inputs;
    ag_gradcheck_options options;
    ag_gradcheck_report *report;

    size_t result_size;
    ag_tensor *upstream;   /* of the result's shape */
    ag_tensor **gradients; /* of each input, zero where none arrived */
    float **points;        /* the inputs' original elements */
    float **directions;    /* of the move that is examined; of each input */
    float *here;           /* the result at the point */
    float *above, *below;  /* and on both sides of it */
} check;

/* ---- evaluation ---- */

static ag_variable *build(const check *c, bool requires_grad, ag_variable **leaves)
{
    for (uint32_t i = 0; i < c->num_inputs; i++) {
        leaves[i] = ag_create_leaf(c->arena, c->inputs[i], requires_grad);
        if (leaves[i] == NULL) return NULL;
    }
    ag_variable *result = c->function(c->arena, leaves, c->context);
    if (ag__variable_check("gradcheck", "the function's result", result) != AG_OK) return NULL;
    return ag__tensor_check("gradcheck", "the function's result", result->data) == AG_OK ? result
                                                                                         : NULL;
}

/* Computes the result at the inputs' present elements. */
static ag_status evaluate(const check *c, float *out)
{
    ag_mark mark = ag_arena_mark(c->arena);
    bool before = ag_set_grad_enabled(false);
    ag_variable **leaves = ag_arena_alloc(c->arena, c->num_inputs * sizeof *leaves);
    ag_variable *result = leaves != NULL ? build(c, false, leaves) : NULL;
    ag_status status = AG_OK;
    if (result == NULL)
        status = ag_last_status();
    else if (result->data->size != c->result_size)
        status = ag__fail(AG_ERROR_ARGUMENT, "gradcheck: the function's result changed its size");
    else
        memcpy(out, result->data->data, c->result_size * sizeof *out);
    ag_set_grad_enabled(before);
    ag_arena_rewind(c->arena, mark);
    return status;
}

/* Sets every input to its original point plus t times the direction. */
static void move_inputs(const check *c, double t)
{
    for (uint32_t i = 0; i < c->num_inputs; i++)
        for (size_t k = 0; k < c->inputs[i]->size; k++)
            if (c->directions[i][k] != 0)
                c->inputs[i]->data[k] =
                    (float)((double)c->points[i][k] + t * (double)c->directions[i][k]);
}

static void restore_inputs(const check *c)
{
    for (uint32_t i = 0; i < c->num_inputs; i++)
        memcpy(c->inputs[i]->data, c->points[i], c->inputs[i]->size * sizeof **c->points);
}

/* ---- derivatives along the direction ---- */

/* Differences of Σ upstream · result at one step, divided by it. */
typedef struct slopes {
    double left, right, central;
    double noise; /* what rounding of the results can make of the central one */
} slopes;

static ag_status measure_slopes(const check *c, double step, slopes *s)
{
    move_inputs(c, step);
    ag_status status = evaluate(c, c->above);
    if (status == AG_OK) {
        move_inputs(c, -step);
        status = evaluate(c, c->below);
    }
    *s = (slopes){0};
    for (size_t i = 0; i < c->result_size && status == AG_OK; i++) {
        double weight = (double)c->upstream->data[i];
        double above = (double)c->above[i], below = (double)c->below[i], here = (double)c->here[i];
        double rounding = weight * ROUNDING * fmax(fabs(above), fabs(below)) / step;
        s->right += weight * (above - here) / step;
        s->left += weight * (here - below) / step;
        s->noise += rounding * rounding;
    }
    s->central = (s->left + s->right) / 2;
    s->noise = NOISE_FACTOR * sqrt(s->noise); /* independent errors add in squares */
    return status;
}

static void describe(const check *c)
{
    ag_gradcheck_report *r = c->report;
    char where[64];
    if (r->input < c->num_inputs)
        snprintf(where, sizeof where, "input %u, element %zu", (unsigned)r->input, r->element);
    else
        snprintf(where, sizeof where, "random direction %zu", r->element);
    snprintf(
        r->text, sizeof r->text,
        "%s: %zu derivatives compared, %zu undecided; worst at %s: analytic %.6g, numeric %.6g, "
        "%.3g of the tolerance",
        r->passed ? "passed" : "FAILED", r->compared, r->undecided, where, r->analytic, r->numeric,
        r->worst);
}

static void compare(const check *c, double analytic, double numeric, double noise, uint32_t input,
                    size_t element)
{
    ag_gradcheck_report *r = c->report;
    double size = fmax(fabs(analytic), fabs(numeric));
    double tolerance = c->options.relative_tolerance * size + noise;
    double off = fabs(analytic - numeric);
    double excess = off == 0 ? 0 : off / tolerance;
    if (isnan(analytic) || isnan(numeric)) excess = HUGE_VAL;
    if (r->compared++ > 0 && excess <= r->worst) return;
    r->worst = excess;
    r->input = input;
    r->element = element;
    r->analytic = analytic;
    r->numeric = numeric;
}

/* The derivative along the direction as backward has it. */
static double analytic_slope(const check *c)
{
    double sum = 0;
    for (uint32_t i = 0; i < c->num_inputs; i++)
        for (size_t k = 0; k < c->inputs[i]->size; k++)
            sum += (double)c->gradients[i]->data[k] * (double)c->directions[i][k];
    return sum;
}

/*
 * Left and right differences of a smooth function disagree by h times its curvature, so half as much
 * at half the step. A kink within the smaller step keeps them as far apart; a kink between the two
 * steps is not seen by the smaller one.
 */
static bool has_kink(const check *c, const slopes *coarse, const slopes *fine)
{
    double before = fabs(coarse->right - coarse->left), after = fabs(fine->right - fine->left);
    double size = fmax(fabs(coarse->left), fabs(coarse->right));
    double negligible = c->options.relative_tolerance * size + 4 * fine->noise;
    return before > negligible && fabs(after - before / 2) > before / 4 + fine->noise;
}

static ag_status check_direction(const check *c, double step, uint32_t input, size_t element)
{
    slopes coarse, fine;
    ag_status status = measure_slopes(c, step, &coarse);
    if (status == AG_OK) status = measure_slopes(c, step / 2, &fine);
    restore_inputs(c);
    if (status != AG_OK) return status;
    double numeric = (4 * fine.central - coarse.central) / 3;
    if (has_kink(c, &coarse, &fine))
        c->report->undecided++;
    else
        compare(c, analytic_slope(c), numeric, 2 * fine.noise, input, element);
    return AG_OK;
}

/* ---- which derivatives ---- */

static ag_status check_elements(const check *c, uint32_t input)
{
    size_t size = c->inputs[input]->size;
    size_t count = size < c->options.max_elements ? size : c->options.max_elements;
    ag_status status = AG_OK;
    for (size_t n = 0; n < count && status == AG_OK; n++) {
        size_t element = (size_t)((double)size / (double)count * (double)n);
        double x = fabs((double)c->points[input][element]);
        c->directions[input][element] = 1;
        status = check_direction(c, c->options.step * (x > 1 ? x : 1), input, element);
        c->directions[input][element] = 0;
    }
    return status;
}

static ag_status check_directions(const check *c, ag_random *random)
{
    ag_status status = AG_OK;
    size_t total = 0;
    for (uint32_t i = 0; i < c->num_inputs; i++)
        total += c->inputs[i]->size;
    float length = 1 / sqrtf((float)total);
    for (uint32_t n = 0; n < c->options.num_directions && status == AG_OK; n++) {
        for (uint32_t i = 0; i < c->num_inputs; i++)
            for (size_t k = 0; k < c->inputs[i]->size; k++)
                c->directions[i][k] = ag_random_normal(random, 0, length);
        status = check_direction(c, c->options.step, c->num_inputs, n);
    }
    for (uint32_t i = 0; i < c->num_inputs; i++)
        memset(c->directions[i], 0, c->inputs[i]->size * sizeof **c->directions);
    return status;
}

/* ---- preparation ---- */

static ag_status check_arguments(ag_arena *arena, ag_gradcheck_fn function, uint32_t num_inputs,
                                 ag_tensor *const *inputs, const ag_gradcheck_options *options,
                                 const ag_gradcheck_report *report)
{
    if (arena == NULL) return ag__fail_null("gradcheck", "arena");
    if (function == NULL) return ag__fail_missing("gradcheck", "function");
    if (inputs == NULL) return ag__fail_missing("gradcheck", "inputs");
    if (report == NULL) return ag__fail_missing("gradcheck", "report");
    if (num_inputs == 0) return ag__fail(AG_ERROR_ARGUMENT, "gradcheck: no inputs");
    if (options != NULL && !(options->step >= 0 && isfinite(options->step)))
        return ag__fail(AG_ERROR_ARGUMENT, "gradcheck: step is %g", options->step);
    if (options != NULL && !(options->relative_tolerance >= 0))
        return ag__fail(AG_ERROR_ARGUMENT, "gradcheck: relative_tolerance is %g",
                        options->relative_tolerance);
    for (uint32_t i = 0; i < num_inputs; i++) {
        ag_status status = ag__tensor_check("gradcheck", "one of inputs", inputs[i]);
        if (status != AG_OK) return status;
        for (uint32_t j = 0; j < i; j++)
            if (ag__tensors_overlap(inputs[j], inputs[i]))
                return ag__fail(AG_ERROR_OVERLAP, "gradcheck: inputs %u and %u share memory",
                                (unsigned)j, (unsigned)i);
    }
    return AG_OK;
}

static ag_gradcheck_options with_defaults(const ag_gradcheck_options *given)
{
    ag_gradcheck_options o = given != NULL ? *given : (ag_gradcheck_options){0};
    if (o.step == 0) o.step = 0x1p-6;
    if (o.relative_tolerance == 0) o.relative_tolerance = 1e-3;
    if (o.max_elements == 0) o.max_elements = 256;
    if (o.num_directions == 0) o.num_directions = 8;
    if (o.seed == 0) o.seed = 1;
    return o;
}

static ag_status copy_inputs(check *c)
{
    c->points = ag_arena_alloc(c->arena, c->num_inputs * sizeof *c->points);
    c->directions = ag_arena_alloc(c->arena, c->num_inputs * sizeof *c->directions);
    c->gradients = ag_arena_alloc(c->arena, c->num_inputs * sizeof *c->gradients);
    if (c->points == NULL || c->directions == NULL || c->gradients == NULL) return ag_last_status();
    for (uint32_t i = 0; i < c->num_inputs; i++) {
        const ag_tensor *input = c->inputs[i];
        size_t bytes = input->size * sizeof(float);
        c->points[i] = ag_arena_alloc(c->arena, bytes);
        c->directions[i] = ag_arena_alloc(c->arena, bytes);
        c->gradients[i] = ag_tensor_create_zeros(c->arena, input->ndims, input->shape);
        if (c->points[i] == NULL || c->directions[i] == NULL || c->gradients[i] == NULL)
            return ag_last_status();
        memcpy(c->points[i], input->data, bytes);
        memset(c->directions[i], 0, bytes);
    }
    return AG_OK;
}

/* Weights that are neither all alike nor near 0, so that no error cancels or hides. */
static ag_status create_upstream(check *c, const ag_tensor *result, ag_random *random)
{
    c->upstream = ag_tensor_create(c->arena, result->ndims, result->shape);
    if (c->upstream == NULL) return ag_last_status();
    for (size_t i = 0; i < result->size; i++) {
        float size = ag_random_uniform(random, 0.5f, 1.5f);
        c->upstream->data[i] = ag_random_below(random, 2) == 0 ? size : -size;
    }
    return AG_OK;
}

/* Computes result and gradients at the point. */
static ag_status run_backward(check *c, ag_random *random)
{
    ag_variable **leaves = ag_arena_alloc(c->arena, c->num_inputs * sizeof *leaves);
    if (leaves == NULL) return ag_last_status();
    bool before = ag_set_grad_enabled(true);
    ag_variable *result = build(c, true, leaves);
    ag_set_grad_enabled(before);
    if (result == NULL) return ag_last_status();
    c->result_size = result->data->size;
    c->here = ag_arena_alloc(c->arena, c->result_size * sizeof *c->here);
    c->above = ag_arena_alloc(c->arena, c->result_size * sizeof *c->above);
    c->below = ag_arena_alloc(c->arena, c->result_size * sizeof *c->below);
    ag_status status = create_upstream(c, result->data, random);
    if (c->here == NULL || c->above == NULL || c->below == NULL || status != AG_OK)
        return ag_last_status();
    memcpy(c->here, result->data->data, c->result_size * sizeof *c->here);
    /* a function that lost its inputs has no gradient: it is then compared as 0 */
    if (result->requires_grad) status = ag_backward_from(c->arena, result, c->upstream);
    for (uint32_t i = 0; i < c->num_inputs && status == AG_OK; i++)
        if (leaves[i]->grad != NULL) status = ag_tensor_copy(c->gradients[i], leaves[i]->grad);
    return status;
}

static ag_status run_check(check *c)
{
    ag_random random = ag_random_create(c->options.seed);
    ag_status status = copy_inputs(c);
    if (status == AG_OK) status = run_backward(c, &random);
    for (uint32_t i = 0; i < c->num_inputs && status == AG_OK; i++)
        status = check_elements(c, i);
    if (status == AG_OK) status = check_directions(c, &random);
    return status;
}

ag_status ag_gradcheck(ag_arena *arena, ag_gradcheck_fn function, void *context,
                       uint32_t num_inputs, ag_tensor *const *inputs,
                       const ag_gradcheck_options *options, ag_gradcheck_report *report)
{
    ag_status status = check_arguments(arena, function, num_inputs, inputs, options, report);
    if (status != AG_OK) return status;
    ag_gradcheck_report found = {.input = num_inputs};
    check c = {
        .arena = arena,
        .function = function,
        .context = context,
        .num_inputs = num_inputs,
        .inputs = inputs,
        .options = with_defaults(options),
        .report = &found,
    };
    ag_mark mark = ag_arena_mark(arena);
    status = run_check(&c);
    ag_arena_rewind(arena, mark);
    if (status != AG_OK) return status;
    found.passed = found.worst <= 1 && found.compared >= found.undecided && found.compared > 0;
    describe(&c);
    *report = found;
    return AG_OK;
}
