/* accuracy.c: values and gradients agree with the reference, which agrees with itself. */
#include "config.h"

#include "ops/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "suite.h"

/* ---- accuracy, gathered over all tests ---- */

typedef struct accuracy {
    long double value, gradient; /* the worst error met, in ulps */
    bool in_float;               /* products are added in float */
} accuracy;

/* Tests run in processes of their own, so this is memory that they share. */
static accuracy *accuracies;

static void share_accuracies(void)
{
    accuracies = mmap(NULL, (size_t)num_op_entries * sizeof *accuracies, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (accuracies == MAP_FAILED) abort();
}

static void print_accuracies(void)
{
    printf("\nworst errors against the exact result, in units in the last place of a float\n");
    printf("%-31s %8s %8s\n", "", "value", "gradient");
    for (int i = 0; i < num_op_entries; i++) {
        const accuracy *worst = &accuracies[i];
        if (worst->in_float)
            printf("%-31s   within the bounds of sums in float\n", op_entries[i].name);
        else
            printf("%-31s %8.3f %8.3f\n", op_entries[i].name, (double)worst->value,
                   (double)worst->gradient);
    }
    printf("\n");
    fflush(stdout);
}

static void keep_worst(long double *worst, long double error)
{
    if (error > *worst) *worst = error;
}

/* ---- the reference itself ---- */

START_TEST(every_operation_has_a_reference)
{
    ck_assert_msg(reference_find(ENTRY->name) != NULL, "%s: no reference in tests/reference*.c",
                  ENTRY->name);
    ck_assert_str_eq(ENTRY->name, ENTRY->op->name);
}
END_TEST

/* Σ upstream · result, of which the gradients are. */
static reference_number weighted_result(fixture *f)
{
    reference_number *values = op_reference_value(&f->oracle), sum = {0, 0};
    for (size_t i = 0; i < f->upstream->size; i++) {
        sum.value += (long double)f->upstream->data[i] * values[i].value;
        sum.magnitude += fabsl((long double)f->upstream->data[i]) * values[i].magnitude;
    }
    free(values);
    return sum;
}

static reference_number weighted_result_at(fixture *f, long double *x, long double value)
{
    long double before = *x;
    *x = value;
    reference_number result = weighted_result(f);
    *x = before;
    return result;
}

static long double central_difference(fixture *f, long double *x, long double h)
{
    return (weighted_result_at(f, x, *x + h).value - weighted_result_at(f, x, *x - h).value) /
           (2 * h);
}

/* Small beside the distance to 0 and ±1, where many functions have their edges. */
static long double step_at(long double x)
{
    long double distance = fminl(fabsl(x), fabsl(1 - fabsl(x)));
    return (distance > 0 ? distance : 1) * 0x1p-16L;
}

/* Richardson's extrapolation of two central differences: the error falls with h⁴. */
static void assert_slope(fixture *f, uint32_t input, size_t i, reference_number exact)
{
    long double *x = &f->oracle.inputs[input][i];
    long double h = step_at(*x);
    long double slope = (4 * central_difference(f, x, h / 2) - central_difference(f, x, h)) / 3;
    long double tolerance =
        weighted_result(f).magnitude * 0x1p-58L / h + (1 + exact.magnitude) * 1e-10L;
    ck_assert_msg(
        fabsl(slope - exact.value) <= tolerance,
        "%s: the reference's gradient to %s at %zu is %.12Lg, but differences give %.12Lg",
        op_describe(f->spec).text, input_name(f->spec, input), i, exact.value, slope);
}

#define MOST_DIFFERENCES 24

static void check_reference_gradient(fixture *f, uint32_t input)
{
    size_t size = f->arguments.tensors[input]->size, step = 1 + (size - 1) / MOST_DIFFERENCES;
    reference_number *exact = op_reference_gradient(&f->oracle, input, f->upstream);
    for (size_t i = 0; i < size; i += step)
        assert_slope(f, input, i, exact[i]);
    free(exact);
}

START_TEST(reference_gradients_are_central_differences)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        if (c.flavour != OP_PLAIN) continue; /* the others sit on kinks, or too close to them */
        fixture f;
        set_up(&f, &c);
        for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
            if (op_differentiable(&c, i)) check_reference_gradient(&f, i);
        tear_down(&f);
    }
}
END_TEST

/* ---- values and gradients against the reference ---- */

static void check_value(const op_case *c, accuracy *worst)
{
    fixture f;
    set_up(&f, c);
    op_create_leaves(&f.arguments, f.graph, false);
    ag_variable *node = call_graph(&f);
    ag__shape shape = ag__shape_of(node->data);
    ck_assert_msg(same_shape(&shape, &f.result_shape), "%s: the result is %s", op_describe(c).text,
                  ag__tensor_shape_text(node->data).text);
    reference_number *exact = op_reference_value(&f.oracle);
    worst->in_float = f.float_terms > 0;
    keep_worst(&worst->value,
               assert_close(c, "value", node->data, exact, f.float_terms, MOST_ULPS_OF_VALUE));
    free(exact);
    tear_down(&f);
}

static void check_gradients(const op_case *c, accuracy *worst)
{
    fixture f;
    set_up(&f, c);
    call_and_go_back(&f);
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++) {
        if (!op_differentiable(c, i)) continue;
        reference_number *exact = op_reference_gradient(&f.oracle, i, f.upstream);
        const ag_tensor *grad = f.arguments.variables[i]->grad;
        ck_assert_msg(grad != NULL, "%s: %s got no gradient", op_describe(c).text,
                      input_name(c, i));
        keep_worst(&worst->gradient, assert_close(c, input_name(c, i), grad, exact, f.float_terms,
                                                  MOST_ULPS_OF_GRADIENT));
        free(exact);
    }
    tear_down(&f);
}

START_TEST(values_are_right)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        check_value(&c, &accuracies[_i]);
    }
    FOR_EACH_CASE(c, OP_LARGE)
    {
        check_value(&c, &accuracies[_i]);
    }
}
END_TEST

START_TEST(gradients_are_right)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        check_gradients(&c, &accuracies[_i]);
    }
    FOR_EACH_CASE(c, OP_LARGE)
    {
        check_gradients(&c, &accuracies[_i]);
    }
}
END_TEST

void add_accuracy(Suite *suite)
{
    TCase *of_reference = add_case(suite, "reference");
    tcase_set_timeout(of_reference, 600);
    ADD_FOR_OPS(of_reference, every_operation_has_a_reference);
    ADD_FOR_OPS(of_reference, reference_gradients_are_central_differences);

    TCase *tests = add_case(suite, "accuracy");
    share_accuracies();
    tcase_set_timeout(tests, 600);
    tcase_add_unchecked_fixture(tests, NULL, print_accuracies);
    ADD_FOR_OPS(tests, values_are_right);
    ADD_FOR_OPS(tests, gradients_are_right);
}
