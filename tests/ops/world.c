/* world.c: a case of an operation, ready to be called, and how near its results must be. */
#include "config.h"

#include "ops/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether a name is the word before a comma or the end. */
static bool is_word(const char *name, const char *words)
{
    size_t length = strcspn(words, ",");
    return length == strlen(name) && strncmp(words, name, length) == 0;
}

static const char *after_word(const char *words)
{
    words += strcspn(words, ",");
    return *words == ',' ? words + 1 : words;
}

static const char *chosen_names(void)
{
    const char *names = getenv("CHECK_OPS");
    return names != NULL ? names : "";
}

static bool is_chosen(const op_entry *entry)
{
    const char *names = chosen_names();
    if (*names == '\0') return true;
    for (; *names != '\0'; names = after_word(names))
        if (is_word(entry->name, names)) return true;
    return false;
}

void must_know_chosen_operations(void)
{
    for (const char *names = chosen_names(); *names != '\0'; names = after_word(names)) {
        int i = 0;
        while (i < num_op_entries && !is_word(op_entries[i].name, names))
            i++;
        if (i < num_op_entries) continue;
        fprintf(stderr, "CHECK_OPS: there is no operation %.*s\n", (int)strcspn(names, ","), names);
        exit(EXIT_FAILURE);
    }
}

void add_for_entries(TCase *tests, const TTest *test, int count)
{
    for (int i = 0; i < count; i++)
        if (is_chosen(&op_entries[i])) tcase_add_loop_test(tests, test, i, i + 1);
}

void set_up(fixture *f, const op_case *c)
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

void tear_down(fixture *f)
{
    op_oracle_destroy(&f->oracle);
    ag_arena_destroy(f->arena);
    ag_arena_destroy(f->graph);
}

void assert_ok(const op_case *c, ag_status status)
{
    ck_assert_msg(status == AG_OK, "%s: %s: %s", op_describe(c).text, ag_status_name(status),
                  ag_last_error());
}

ag_tensor *create_like(fixture *f, const ag_tensor *tensor)
{
    ag_tensor *result = ag_tensor_create(f->arena, tensor->ndims, tensor->shape);
    ck_assert_ptr_nonnull(result);
    return result;
}

ag_variable *call_graph(fixture *f)
{
    ag_variable *node = f->spec->entry->graph(f->graph, &f->arguments);
    ck_assert_msg(node != NULL, "%s: %s", op_describe(f->spec).text, ag_last_error());
    return node;
}

ag_variable *call_and_go_back(fixture *f)
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

void assert_same_bits(const op_case *c, const char *what, const ag_tensor *a, const ag_tensor *b)
{
    ck_assert_msg(a != NULL && b != NULL && same_bits(a, b), "%s: %s differs", op_describe(c).text,
                  what);
}

bool same_shape(const ag__shape *a, const ag__shape *b)
{
    return a->ndims > 0 && a->ndims == b->ndims &&
           memcmp(a->dims, b->dims, a->ndims * sizeof *a->dims) == 0;
}

const char *input_name(const op_case *c, uint32_t input)
{
    return c->entry->op->input_names[input];
}

/* ---- how near ---- */

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

long double error_of(float actual, reference_number exact, size_t float_terms)
{
    long double ulps = reference_ulps(actual, exact.value);
    if (!isfinite(ulps)) return ulps;
    ulps -= allowance(exact, float_terms);
    return ulps > 0 ? ulps : 0;
}

long double assert_close(const op_case *c, const char *what, const ag_tensor *actual,
                         const reference_number *exact, size_t float_terms, long double most_ulps)
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
