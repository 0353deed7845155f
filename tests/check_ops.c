/*
 * check_ops.c: what must hold for every operation, tried on each of them: values and gradients
 * agree with the reference, gradients arrive where they are wanted and nowhere else, and threads
 * change no bit. How they refuse bad inputs stands in bad_inputs/.
 */
#include "config.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "op_calls.h"
#include "reference.h"
#include "suite.h"

/* Tests over all operations, or over the losses alone, get the entry's index as _i. */
#define ENTRY (&op_entries[_i])

/* ---- accuracy, gathered over all tests ---- */

typedef struct accuracy {
    long double value, gradient; /* the worst error met, in ulps */
    bool in_float;               /* products are added in float, by sgemm */
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

/*
 * What rounding in double may add, in proportion to the terms that were added: it shows where terms
 * cancel nearly to nothing. Elementary functions are good to 1e-14; 2^-44 is 5.7e-14. Where
 * products are added in float, the bound of k additions and multiplications (N. Higham, Accuracy
 * and Stability of Numerical Algorithms, 2002, section 3.1) with one to spare for adding to an old
 * gradient.
 */
static long double allowance(reference_number exact, size_t float_terms)
{
    long double relative = float_terms > 0 ? (long double)(float_terms + 2) * 0x1p-24L : 0x1p-44L;
    long double result = relative * exact.magnitude / reference_ulp(exact.value);
    return isfinite(result) ? result : 0;
}

/* The error of a float beyond that, in ulps. */
static long double error_of(float actual, reference_number exact, size_t float_terms)
{
    long double ulps = reference_ulps(actual, exact.value);
    if (!isfinite(ulps)) return ulps;
    ulps -= allowance(exact, float_terms);
    return ulps > 0 ? ulps : 0;
}

/* Checks a tensor against the reference. Returns the worst error. */
static long double assert_close(const op_case *c, const char *what, const ag_tensor *actual,
                                const reference_number *exact, size_t float_terms,
                                long double most_ulps)
{
    long double worst = 0;
    for (size_t i = 0; i < actual->size; i++) {
        long double error = error_of(actual->data[i], exact[i], float_terms);
        if (error > worst) worst = error;
        if (error <= most_ulps) continue; /* ck_assert for each element would be slow: it writes */
        ck_abort_msg("%s: %s at %zu is %.9g, but exactly %.12Lg: %.3Lf ulps", op_describe(c).text,
                     what, i, (double)actual->data[i], exact[i].value, error);
    }
    return worst;
}

static void keep_worst(long double *worst, long double error)
{
    if (error > *worst) *worst = error;
}

/* ---- a case, ready to be called ---- */

/* The losses' functions on tensors are public, the others' internal; reshape has none. */
static bool has_tensor_form(const op_entry *entry)
{
    return entry->signature != SIGNATURE_reshape;
}

typedef struct fixture {
    const op_case *spec;
    ag_arena *arena; /* for inputs and expected results */
    ag_arena *graph; /* for the graph alone */
    op_arguments arguments;
    op_oracle oracle;
    ag__shape result_shape;
    ag_tensor *upstream;
    size_t float_terms;
} fixture;

static void set_up(fixture *f, const op_case *c)
{
    ck_assert_msg(reference_find(c->entry->name) != NULL, "%s: no reference in tests/reference*.c",
                  c->entry->name);
    *f = (fixture){.spec = c, .arena = ag_arena_create(0), .graph = ag_arena_create(0)};
    ck_assert(f->arena != NULL && f->graph != NULL);
    f->arguments = op_create_inputs(c, f->arena);
    f->oracle = op_oracle_create(c, &f->arguments);
    f->result_shape = op_result_shape(&f->oracle);
    f->upstream = op_create_upstream(f->arena, &f->result_shape);
    f->float_terms = f->oracle.op->float_terms(&f->oracle.call);
}

static void tear_down(fixture *f)
{
    op_oracle_destroy(&f->oracle);
    ag_arena_destroy(f->arena);
    ag_arena_destroy(f->graph);
}

static void assert_ok(const op_case *c, ag_status status)
{
    ck_assert_msg(status == AG_OK, "%s: %s: %s", op_describe(c).text, ag_status_name(status),
                  ag_last_error());
}

static ag_tensor *create_like(fixture *f, const ag_tensor *tensor)
{
    ag_tensor *result = ag_tensor_create(f->arena, tensor->ndims, tensor->shape);
    ck_assert_ptr_nonnull(result);
    return result;
}

static ag_variable *call_graph(fixture *f)
{
    ag_variable *node = f->spec->entry->graph(f->graph, &f->arguments);
    ck_assert_msg(node != NULL, "%s: %s", op_describe(f->spec).text, ag_last_error());
    return node;
}

/* Makes leaves that want gradients, calls the operation and goes backward from the upstream. */
static ag_variable *call_and_go_back(fixture *f)
{
    op_create_leaves(&f->arguments, f->graph, true);
    ag_variable *node = call_graph(f);
    assert_ok(f->spec, ag_backward_from(f->graph, node, f->upstream));
    return node;
}

static bool same_bits(const ag_tensor *a, const ag_tensor *b)
{
    return ag_tensor_same_shape(a, b) && memcmp(a->data, b->data, a->size * sizeof *a->data) == 0;
}

static void assert_same_bits(const op_case *c, const char *what, const ag_tensor *a,
                             const ag_tensor *b)
{
    ck_assert_msg(a != NULL && b != NULL && same_bits(a, b), "%s: %s differs", op_describe(c).text,
                  what);
}

static bool same_shape(const ag__shape *a, const ag__shape *b)
{
    return a->ndims > 0 && a->ndims == b->ndims &&
           memcmp(a->dims, b->dims, a->ndims * sizeof *a->dims) == 0;
}

static const char *input_name(const op_case *c, uint32_t input)
{
    return c->entry->op->input_names[input];
}

#define FOR_EACH_CASE(c, scale)                                                                    \
    for (size_t case_index = 0; op_case_at(ENTRY, scale, case_index, &(c)); case_index++)

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

/* Richardson's extrapolation of two central differences: the error falls with h⁴. */
static void assert_slope(fixture *f, uint32_t input, size_t i, reference_number exact)
{
    long double *x = &f->oracle.inputs[input][i];
    long double h = (*x == 0 ? 1 : fabsl(*x)) * 0x1p-16L;
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

#define MOST_ULPS_OF_VALUE 2
#define MOST_ULPS_OF_GRADIENT 4

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

/* ---- tensors and variables ---- */

/* Calls the gradient on tensors with one output for each input in `wanted`, a set of bits. */
static void gradients_on_tensors(fixture *f, unsigned wanted, ag_tensor **outs)
{
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
        outs[i] = op_differentiable(f->spec, i) && (wanted >> i & 1)
                      ? create_like(f, f->arguments.tensors[i])
                      : NULL;
    assert_ok(f->spec, f->spec->entry->gradient(outs, f->upstream, &f->arguments));
}

static void check_forms_agree(const op_case *c)
{
    fixture f;
    set_up(&f, c);
    ag_variable *node = call_and_go_back(&f);
    ag_tensor *out = create_like(&f, node->data), *outs[AG__MAX_INPUTS];
    assert_ok(c, c->entry->value(out, &f.arguments));
    assert_same_bits(c, "the value on tensors", out, node->data);
    for (unsigned wanted = 1; wanted < 1u << c->entry->op->num_differentiable; wanted++) {
        if (wanted != 1 && c->entry->op->num_differentiable == 1) break;
        gradients_on_tensors(&f, wanted, outs);
        for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
            if (outs[i] != NULL)
                assert_same_bits(c, input_name(c, i), outs[i], f.arguments.variables[i]->grad);
    }
    tear_down(&f);
}

START_TEST(tensors_and_variables_agree)
{
    op_case c;
    if (!has_tensor_form(ENTRY)) return;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        check_forms_agree(&c);
    }
    FOR_EACH_CASE(c, OP_LARGE)
    {
        check_forms_agree(&c);
    }
}
END_TEST

/* ---- value and gradient in one pass ---- */

/* For each set of wanted gradients: the bits of the value alone and of the gradients alone. */
static void check_one_pass(const op_case *c)
{
    fixture f;
    set_up(&f, c);
    assert_ok(c, ag_tensor_fill(f.upstream, 1));
    ag_tensor *expected = create_like(&f, f.upstream), *alone[AG__MAX_INPUTS];
    assert_ok(c, c->entry->value(expected, &f.arguments));
    gradients_on_tensors(&f, ~0u, alone);
    for (unsigned wanted = 0; wanted < 1u << c->entry->op->num_differentiable; wanted++) {
        if (wanted != 1 && c->entry->op->num_differentiable == 1) continue;
        ag_tensor *out = create_like(&f, expected), *outs[AG__MAX_INPUTS];
        for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
            outs[i] = wanted >> i & 1 ? create_like(&f, alone[i]) : NULL;
        assert_ok(c, c->entry->value_and_gradient(out, outs, &f.arguments));
        assert_same_bits(c, "the value beside the gradient", out, expected);
        for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
            if (outs[i] != NULL) assert_same_bits(c, input_name(c, i), outs[i], alone[i]);
    }
    tear_down(&f);
}

START_TEST(value_and_gradient_are_those_of_two_calls)
{
    static const int numbers[] = {1, 2, 3, 8};
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        check_one_pass(&c);
    }
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
        ck_assert_int_eq(ag_set_num_threads(numbers[n]), AG_OK);
        FOR_EACH_CASE(c, OP_LARGE)
        {
            check_one_pass(&c);
        }
    }
    ag_set_num_threads(0);
}
END_TEST

/* ---- gradients so large that they are written around the caches ---- */

enum { HUGE_ROWS = 2100, HUGE_COLUMNS = 1001, HUGE_PARTS = 3 };

/* A case of more than 2^21 elements. */
static op_case huge_case(const op_entry *entry)
{
    op_case c = {
        .entry = entry, .parameter = 0.75f, .reduction = AG_REDUCTION_SUM, .flavour = OP_PLAIN};
    for (uint32_t i = 0; i < entry->op->num_inputs; i++)
        c.shapes[i] = (ag__shape){2, {HUGE_ROWS, HUGE_COLUMNS}};
    if (entry->op->labels_rows) c.shapes[entry->op->num_inputs - 1] = (ag__shape){1, {HUGE_ROWS}};
    if (entry->op->takes_labels) c.indices = (ag__shape){1, {HUGE_ROWS}};
    if (entry->op->lists_labels) c.indices = c.shapes[0];
    return c;
}

/* A view of some of a tensor's rows. */
static ag_tensor *view_rows(ag_arena *arena, const ag_tensor *tensor, uint32_t first, uint32_t rows)
{
    uint32_t shape[2] = {rows, tensor->shape[1]};
    size_t columns = tensor->ndims == 1 ? 1 : tensor->shape[1];
    ag_tensor *view = ag_tensor_wrap(arena, tensor->ndims, shape, tensor->data + first * columns);
    ck_assert_ptr_nonnull(view);
    return view;
}

/* A tensor like another, at an address that no vector is aligned to, between two sentinels. */
static ag_tensor *create_unaligned(ag_arena *arena, const ag_tensor *like, size_t shift)
{
    ag_tensor *room = ag_tensor_create(arena, 1, (uint32_t[]){(uint32_t)like->size + 8});
    ck_assert_ptr_nonnull(room);
    ag_tensor_fill(room, 77);
    ag_tensor *tensor = ag_tensor_wrap(arena, like->ndims, like->shape, room->data + shift);
    ck_assert_ptr_nonnull(tensor);
    return tensor;
}

static void assert_surroundings_untouched(const op_case *c, const ag_tensor *tensor)
{
    ck_assert_msg(tensor->data[-1] == 77 && tensor->data[tensor->size] == 77,
                  "%s: wrote beside a gradient", op_describe(c).text);
}

static ag_indices *indices_of_rows(ag_arena *arena, const ag_indices *indices, uint32_t first,
                                   uint32_t rows)
{
    uint32_t shape[2] = {rows, indices->shape[1]};
    size_t columns = indices->ndims == 1 ? 1 : indices->shape[1];
    return ag_indices_create_from(arena, indices->ndims, shape, indices->data + first * columns);
}

/* Gradients of sums know nothing of other rows, so parts below the size must give the same bits. */
static void assert_made_of_parts(const op_case *c, ag_arena *arena, const op_arguments *whole,
                                 ag_tensor *const *outs)
{
    uint32_t rows = HUGE_ROWS / HUGE_PARTS;
    ag_tensor *one = ag_tensor_create_from(arena, 1, (uint32_t[]){1}, (float[]){1});
    for (uint32_t part = 0; part < HUGE_PARTS; part++) {
        op_arguments arguments = *whole;
        ag_tensor *expected[AG__MAX_INPUTS] = {NULL};
        for (uint32_t i = 0; i < c->entry->op->num_inputs; i++)
            arguments.tensors[i] = view_rows(arena, whole->tensors[i], part * rows, rows);
        if (whole->indices != NULL)
            arguments.indices = indices_of_rows(arena, whole->indices, part * rows, rows);
        for (uint32_t i = 0; i < c->entry->op->num_differentiable; i++)
            expected[i] = ag_tensor_create(arena, 2, (uint32_t[]){rows, HUGE_COLUMNS});
        assert_ok(c, c->entry->gradient(expected, one, &arguments));
        for (uint32_t i = 0; i < c->entry->op->num_differentiable; i++)
            if (outs[i] != NULL)
                assert_same_bits(c, "a part of a streamed gradient",
                                 view_rows(arena, outs[i], part * rows, rows), expected[i]);
    }
}

/* Inputs and outputs begin `shift` floats off their alignment; gradient `missing` is not wanted. */
static void check_streamed(const op_case *c, size_t shift, uint32_t missing)
{
    ag_arena *arena = ag_arena_create(0);
    op_arguments arguments = op_create_inputs(c, arena);
    uint32_t scalar[] = {1};
    ag_tensor *value = ag_tensor_create(arena, 1, scalar);
    ag_tensor *both_value = ag_tensor_create(arena, 1, scalar);
    ag_tensor *one = ag_tensor_create_from(arena, 1, scalar, (float[]){1});
    ag_tensor *outs[AG__MAX_INPUTS] = {NULL}, *both[AG__MAX_INPUTS] = {NULL};
    for (uint32_t i = 0; i < c->entry->op->num_inputs; i++) {
        ag_tensor *moved = create_unaligned(arena, arguments.tensors[i], shift);
        ag_tensor_copy(moved, arguments.tensors[i]);
        arguments.tensors[i] = moved;
        if (i >= c->entry->op->num_differentiable || i == missing) continue;
        outs[i] = create_unaligned(arena, moved, shift);
        both[i] = create_unaligned(arena, moved, shift + 1);
    }
    assert_ok(c, c->entry->value(value, &arguments));
    assert_ok(c, c->entry->gradient(outs, one, &arguments));
    assert_ok(c, c->entry->value_and_gradient(both_value, both, &arguments));
    assert_same_bits(c, "the value beside the gradient", both_value, value);
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++) {
        if (outs[i] == NULL) continue;
        assert_same_bits(c, input_name(c, i), both[i], outs[i]);
        assert_surroundings_untouched(c, outs[i]);
        assert_surroundings_untouched(c, both[i]);
    }
    assert_made_of_parts(c, arena, &arguments, outs);
    ag_arena_destroy(arena);
}

START_TEST(large_gradients_may_begin_anywhere)
{
    op_case c = huge_case(ENTRY);
    check_streamed(&c, 1, AG__MAX_INPUTS);
    if (ENTRY->op->num_differentiable > 1) check_streamed(&c, 3, (uint32_t)_i % 2);
}
END_TEST

/* ---- the graph ---- */

START_TEST(node_says_what_it_is)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        fixture f;
        set_up(&f, &c);
        op_create_leaves(&f.arguments, f.graph, true);
        const ag_variable *node = call_graph(&f);
        ck_assert_str_eq(node->op, ENTRY->name);
        ck_assert(!node->is_leaf && node->requires_grad && node->backward_fn != NULL);
        ck_assert_ptr_null(node->grad);
        ck_assert_uint_le(node->num_parents, ENTRY->op->num_parents);
        for (uint32_t i = 0; i < node->num_parents; i++)
            ck_assert_ptr_eq(node->parents[i].node, f.arguments.variables[i]);
        if (ENTRY->is_loss) ck_assert_uint_eq(node->reduction, (uint32_t)c.reduction);
        if (ENTRY->op->parameter_name != NULL) ck_assert(node->metadata_float == c.parameter);
        tear_down(&f);
    }
}
END_TEST

/* Adding a float to itself is exact, so there is no tolerance. */
static void assert_multiple(const op_case *c, uint32_t input, const ag_tensor *actual,
                            const ag_tensor *once, float factor)
{
    for (size_t i = 0; i < actual->size; i++)
        if (actual->data[i] != factor * once->data[i] &&
            !(isnan(actual->data[i]) && isnan(once->data[i])))
            ck_abort_msg("%s: %s at %zu is %.9g, not %g times %.9g", op_describe(c).text,
                         input_name(c, input), i, (double)actual->data[i], (double)factor,
                         (double)once->data[i]);
}

/* Puts a node between each leaf and the operation: its gradient must not be counted twice. */
static void put_node_before(fixture *f, ag_variable **leaves)
{
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++) {
        leaves[i] = f->arguments.variables[i];
        if (leaves[i] != NULL) f->arguments.variables[i] = ag_scale(f->graph, leaves[i], 1);
    }
}

static void check_second_backward(const op_case *c, bool with_nodes_between)
{
    fixture f;
    set_up(&f, c);
    op_create_leaves(&f.arguments, f.graph, true);
    ag_variable *leaves[AG__MAX_INPUTS];
    memcpy(leaves, f.arguments.variables, sizeof leaves);
    if (with_nodes_between) put_node_before(&f, leaves);
    ag_variable *node = call_graph(&f);
    assert_ok(c, ag_backward_from(f.graph, node, f.upstream));
    ag_tensor *once[AG__MAX_INPUTS] = {NULL};
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
        if (op_differentiable(c, i)) {
            once[i] = create_like(&f, leaves[i]->grad);
            ag_tensor_copy(once[i], leaves[i]->grad);
        }
    assert_ok(c, ag_backward_from(f.graph, node, f.upstream));
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
        if (once[i] != NULL) assert_multiple(c, i, leaves[i]->grad, once[i], 2);
    tear_down(&f);
}

START_TEST(second_backward_adds_the_same)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        check_second_backward(&c, false);
        check_second_backward(&c, true);
    }
}
END_TEST

/* Goes backward through two graphs over the same leaves, with upstream and with 4 · upstream. */
static void check_accumulation(const op_case *c)
{
    fixture f;
    set_up(&f, c);
    call_and_go_back(&f);
    ag_variable *second = call_graph(&f);
    ag_tensor *fourfold = create_like(&f, f.upstream);
    for (size_t i = 0; i < f.upstream->size; i++)
        fourfold->data[i] = 4 * f.upstream->data[i];
    assert_ok(c, ag_backward_from(f.graph, second, fourfold));
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++) {
        if (!op_differentiable(c, i)) continue;
        const ag_tensor *grad = f.arguments.variables[i]->grad;
        reference_number *exact = op_reference_gradient(&f.oracle, i, f.upstream);
        for (size_t k = 0; k < grad->size; k++)
            exact[k] = (reference_number){5 * exact[k].value, 5 * exact[k].magnitude};
        assert_close(c, input_name(c, i), grad, exact, f.float_terms, MOST_ULPS_OF_GRADIENT);
        free(exact);
    }
    tear_down(&f);
}

START_TEST(gradients_accumulate_over_graphs)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        check_accumulation(&c);
    }
}
END_TEST

static void check_single_parent(const op_case *c, uint32_t chosen)
{
    fixture f;
    set_up(&f, c);
    call_and_go_back(&f);
    const ag_tensor *expected = f.arguments.variables[chosen]->grad;
    op_create_leaves(&f.arguments, f.graph, false);
    f.arguments.variables[chosen] = ag_create_leaf(f.graph, f.arguments.tensors[chosen], true);
    ag_variable *node = call_graph(&f);
    ck_assert(node->requires_grad);
    assert_ok(c, ag_backward_from(f.graph, node, f.upstream));
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++) {
        if (i == chosen || f.arguments.variables[i] == NULL) continue;
        ck_assert_msg(f.arguments.variables[i]->grad == NULL, "%s: %s got a gradient",
                      op_describe(c).text, input_name(c, i));
    }
    assert_same_bits(c, input_name(c, chosen), f.arguments.variables[chosen]->grad, expected);
    tear_down(&f);
}

START_TEST(only_parents_that_want_a_gradient_get_one)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
            if (op_differentiable(&c, i)) check_single_parent(&c, i);
    }
}
END_TEST

/* The first input that is a target: present, and not differentiable. 0 if there is none. */
static uint32_t target_of(const op_case *c)
{
    for (uint32_t i = 1; i < c->entry->op->num_inputs; i++)
        if (c->shapes[i].ndims > 0 && !op_differentiable(c, i)) return i;
    return 0;
}

START_TEST(targets_never_get_a_gradient)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        uint32_t target = target_of(&c);
        if (target == 0) return;
        fixture f;
        set_up(&f, &c);
        call_and_go_back(&f);
        ck_assert(f.arguments.variables[target]->requires_grad);
        ck_assert_ptr_null(f.arguments.variables[target]->grad);
        op_create_leaves(&f.arguments, f.graph, false);
        f.arguments.variables[target] = ag_create_leaf(f.graph, f.arguments.tensors[target], true);
        const ag_variable *node = call_graph(&f);
        ck_assert_msg(!node->requires_grad, "%s: the target made it want a gradient",
                      op_describe(&c).text);
        ck_assert_uint_eq(node->num_parents, 0);
        tear_down(&f);
    }
}
END_TEST

/* A target that is itself the result of operations is left out of the backward pass as well. */
START_TEST(nothing_under_a_target_gets_a_gradient)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        uint32_t target = target_of(&c);
        if (target == 0) return;
        fixture f;
        set_up(&f, &c);
        op_create_leaves(&f.arguments, f.graph, true);
        ag_variable *leaf = f.arguments.variables[target];
        f.arguments.variables[target] = ag_scale(f.graph, leaf, 1);
        ag_variable *node = call_graph(&f);
        assert_ok(&c, ag_backward_from(f.graph, node, f.upstream));
        ck_assert_ptr_null(f.arguments.variables[target]->grad);
        ck_assert_ptr_null(leaf->grad);
        ck_assert_ptr_nonnull(f.arguments.variables[0]->grad);
        tear_down(&f);
    }
}
END_TEST

/* Each role's gradient may be rounded before they are added, so it counts in ulps of each. */
static void assert_sum_of_roles(const fixture *f, const ag_tensor *actual,
                                const reference_number *first, const reference_number *second)
{
    for (size_t k = 0; k < actual->size; k++) {
        reference_number sum = {first[k].value + second[k].value,
                                first[k].magnitude + second[k].magnitude};
        long double unit = reference_ulp(sum.value);
        long double most = MOST_ULPS_OF_GRADIENT +
                           (MOST_ULPS_OF_GRADIENT / unit) *
                               (reference_ulp(first[k].value) + reference_ulp(second[k].value));
        long double error = error_of(actual->data[k], sum, f->float_terms);
        if (!(error <= most))
            ck_abort_msg("%s, one variable in two roles: gradient at %zu is %.9g, not %.9Lg",
                         op_describe(f->spec).text, k, (double)actual->data[k], sum.value);
    }
}

static void check_two_roles(const op_case *c, uint32_t i, uint32_t j)
{
    fixture f;
    set_up(&f, c);
    memcpy(f.arguments.tensors[j]->data, f.arguments.tensors[i]->data,
           f.arguments.tensors[i]->size * sizeof(float));
    op_oracle_destroy(&f.oracle);
    f.oracle = op_oracle_create(c, &f.arguments);
    op_create_leaves(&f.arguments, f.graph, true);
    f.arguments.variables[j] = f.arguments.variables[i];
    ag_variable *node = call_graph(&f);
    assert_ok(c, ag_backward_from(f.graph, node, f.upstream));
    reference_number *first = op_reference_gradient(&f.oracle, i, f.upstream);
    reference_number *second = op_reference_gradient(&f.oracle, j, f.upstream);
    assert_sum_of_roles(&f, f.arguments.variables[i]->grad, first, second);
    free(first);
    free(second);
    tear_down(&f);
}

/* Not where one of them must lie in a domain, as a variance. */
static bool may_be_one_variable(const op_case *c, uint32_t i, uint32_t j)
{
    const ag__domain *domains = c->entry->op->domains;
    return op_differentiable(c, i) && op_differentiable(c, j) &&
           domains[i].text == domains[j].text && same_shape(&c->shapes[i], &c->shapes[j]);
}

START_TEST(one_variable_in_two_roles_gets_both_gradients)
{
    op_case c;
    int tried = 0;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        for (uint32_t j = 1; j < AG__MAX_INPUTS; j++)
            for (uint32_t i = 0; i < j; i++)
                if (may_be_one_variable(&c, i, j)) {
                    check_two_roles(&c, i, j);
                    tried++;
                }
    }
    ck_assert(tried > 0 || ENTRY->op->num_differentiable == 1 ||
              ENTRY->signature == SIGNATURE_moments);
}
END_TEST

static void assert_outside_graph(const op_case *c, const ag_variable *node)
{
    ck_assert_msg(!node->requires_grad && node->num_parents == 0 && node->num_saved == 0 &&
                      node->backward_fn == NULL && node->grad == NULL,
                  "%s: the node is part of the graph", op_describe(c).text);
}

START_TEST(inputs_without_gradient_stay_out_of_the_graph)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        fixture f;
        set_up(&f, &c);
        op_create_leaves(&f.arguments, f.graph, false);
        ag_variable *node = call_graph(&f);
        assert_outside_graph(&c, node);
        ag_clear_error();
        ck_assert_int_eq(ag_backward_from(f.graph, node, f.upstream), AG_ERROR_GRAPH);
        tear_down(&f);
    }
}
END_TEST

START_TEST(nothing_is_recorded_while_gradients_are_off)
{
    op_case c;
    FOR_EACH_CASE(c, OP_SMALL)
    {
        fixture f;
        set_up(&f, &c);
        op_create_leaves(&f.arguments, f.graph, true);
        const ag_variable *recorded = call_graph(&f);
        ck_assert(ag_set_grad_enabled(false));
        const ag_variable *node = call_graph(&f);
        ck_assert(!ag_set_grad_enabled(true));
        assert_outside_graph(&c, node);
        assert_same_bits(&c, "the value with gradients off", node->data, recorded->data);
        tear_down(&f);
    }
}
END_TEST

/* Whatever stops a call for want of memory, it must not leave anything behind. */
START_TEST(running_out_of_memory_is_an_error_and_takes_nothing)
{
    op_case c;
    ck_assert(op_case_at(ENTRY, OP_SMALL, 0, &c));
    fixture f;
    set_up(&f, &c);
    op_create_leaves(&f.arguments, f.arena, true);
    ag_variable *node = NULL;
    int failures = 0;
    for (size_t limit = 64; node == NULL; limit += 64) {
        ag_arena *tight = ag_arena_create(64);
        ck_assert_ptr_nonnull(tight);
        ck_assert_int_eq(ag_arena_set_limit(tight, limit), AG_OK);
        ag_clear_error();
        node = ENTRY->graph(tight, &f.arguments);
        if (node == NULL) {
            failures++;
            ck_assert_int_eq(ag_last_status(), AG_ERROR_MEMORY);
            ck_assert_uint_eq(ag_arena_used(tight), 0);
        }
        ck_assert_uint_lt(limit, 1 << 20);
        ag_arena_destroy(tight);
    }
    ck_assert_int_gt(failures, 0);
    tear_down(&f);
}
END_TEST

/* ---- threads ---- */

static void keep_results(fixture *f, const ag_variable *node, ag_tensor **kept)
{
    kept[AG__MAX_INPUTS] = create_like(f, node->data);
    ag_tensor_copy(kept[AG__MAX_INPUTS], node->data);
    for (uint32_t i = 0; i < AG__MAX_INPUTS; i++) {
        if (!op_differentiable(f->spec, i)) continue;
        kept[i] = create_like(f, f->arguments.tensors[i]);
        ag_tensor_copy(kept[i], f->arguments.variables[i]->grad);
    }
}

static void check_threads(const op_case *c)
{
    static const int numbers[] = {1, 2, 3, 8};
    fixture f;
    set_up(&f, c);
    ag_tensor *expected[AG__MAX_INPUTS + 1] = {NULL}; /* gradients, then the value */
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
        ck_assert_int_eq(ag_set_num_threads(numbers[n]), AG_OK);
        ag_arena_reset(f.graph);
        const ag_variable *node = call_and_go_back(&f);
        if (n == 0) keep_results(&f, node, expected);
        assert_same_bits(c, "the value with more threads", node->data, expected[AG__MAX_INPUTS]);
        for (uint32_t i = 0; i < AG__MAX_INPUTS; i++)
            if (expected[i] != NULL)
                assert_same_bits(c, "a gradient with more threads", f.arguments.variables[i]->grad,
                                 expected[i]);
    }
    ag_set_num_threads(0);
    tear_down(&f);
}

START_TEST(threads_change_no_bit)
{
    op_case c;
    FOR_EACH_CASE(c, OP_LARGE)
    {
        check_threads(&c);
    }
}
END_TEST

/* ---- the suite ---- */

#define ADD_FOR_OPS(tests, test) tcase_add_loop_test(tests, test, 0, num_op_entries)
#define ADD_FOR_LOSSES(tests, test) tcase_add_loop_test(tests, test, 0, num_loss_entries)

static void add_accuracy(Suite *suite)
{
    TCase *tests = add_case(suite, "accuracy");
    tcase_set_timeout(tests, 600);
    tcase_add_unchecked_fixture(tests, NULL, print_accuracies);
    ADD_FOR_OPS(tests, every_operation_has_a_reference);
    ADD_FOR_OPS(tests, reference_gradients_are_central_differences);
    ADD_FOR_OPS(tests, values_are_right);
    ADD_FOR_OPS(tests, gradients_are_right);
}

static void add_graph(Suite *suite)
{
    TCase *tests = add_case(suite, "graph");
    ADD_FOR_OPS(tests, tensors_and_variables_agree);
    ADD_FOR_LOSSES(tests, value_and_gradient_are_those_of_two_calls);
    ADD_FOR_OPS(tests, node_says_what_it_is);
    ADD_FOR_OPS(tests, second_backward_adds_the_same);
    ADD_FOR_OPS(tests, gradients_accumulate_over_graphs);
    ADD_FOR_OPS(tests, only_parents_that_want_a_gradient_get_one);
    ADD_FOR_OPS(tests, targets_never_get_a_gradient);
    ADD_FOR_OPS(tests, nothing_under_a_target_gets_a_gradient);
    ADD_FOR_OPS(tests, one_variable_in_two_roles_gets_both_gradients);
    ADD_FOR_OPS(tests, inputs_without_gradient_stay_out_of_the_graph);
    ADD_FOR_OPS(tests, nothing_is_recorded_while_gradients_are_off);
    ADD_FOR_OPS(tests, running_out_of_memory_is_an_error_and_takes_nothing);
}

static void add_threads(Suite *suite)
{
    TCase *tests = add_case(suite, "threads");
    tcase_set_timeout(tests, 300);
    ADD_FOR_OPS(tests, threads_change_no_bit);
    ADD_FOR_LOSSES(tests, large_gradients_may_begin_anywhere);
}

int main(void)
{
    Suite *suite = suite_create("operations");
    share_accuracies();
    add_graph(suite);
    add_threads(suite);
    add_accuracy(suite);
    return run_suite(suite);
}
