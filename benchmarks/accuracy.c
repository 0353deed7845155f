/*
 * accuracy.c: how exact the losses and activations are, and PyTorch's on the same inputs: the worst
 * errors of both in float, against the tests' reference in long double.
 *
 *     accuracy [torch.txt]
 *
 * Fails if a result is less exact than PyTorch's.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op_calls.h"
#include "reference.h"
#include "torch_results.h"

/* ---- the table ---- */

enum { ORDINARY, TAIL, NUM_GROUPS };
enum { VALUE, GRADIENT, NUM_RESULTS };
enum { OURS, TORCH, NUM_LIBRARIES };

#define LOST INFINITY
#define NOTHING (-1.0) /* was compared */

/* One formula of PyTorch's: the worst errors in ulps, or one of these two. */
typedef struct line {
    char op[32], formula[48];
    double worst[NUM_GROUPS][NUM_RESULTS][NUM_LIBRARIES];
} line;

#define MAX_LINES 128

typedef struct table {
    line lines[MAX_LINES];
    int num_lines;
} table;

/* NULL if the table is full. */
static line *line_of(table *t, const torch_result *r)
{
    for (int i = 0; i < t->num_lines; i++)
        if (strcmp(t->lines[i].op, r->op) == 0 && strcmp(t->lines[i].formula, r->formula) == 0)
            return &t->lines[i];
    if (t->num_lines == MAX_LINES) return NULL;
    line *added = &t->lines[t->num_lines++];
    for (int group = 0; group < NUM_GROUPS; group++)
        for (int result = 0; result < NUM_RESULTS; result++)
            added->worst[group][result][OURS] = added->worst[group][result][TORCH] = NOTHING;
    memcpy(added->op, r->op, sizeof added->op);
    memcpy(added->formula, r->formula, sizeof added->formula);
    return added;
}

/* More ulps than this are not counted. */
#define MANY 1000

/* Infinities come from overflow, and from NaN where there should be none or the reverse. */
static double error_of(float actual, long double exact)
{
    double ulps = (double)reference_ulps(actual, exact);
    return isinf(ulps) || (actual == 0 && ulps > MANY) ? (double)LOST : ulps;
}

static void keep_worst(double *worst, float actual, long double exact)
{
    double error = error_of(actual, exact);
    if (error > *worst) *worst = error;
}

static void compare(double *worst, const ag_tensor *ours, const numbers *torch,
                    const reference_number *exact)
{
    for (size_t i = 0; i < ours->size; i++) {
        keep_worst(&worst[OURS], ours->data[i], exact[i].value);
        keep_worst(&worst[TORCH], (float)torch->values[i], exact[i].value);
    }
}

/* ---- from a result to its place in the table ---- */

static void fail(const char *reason)
{
    fprintf(stderr, "accuracy: %s\n", reason);
    exit(EXIT_FAILURE);
}

static void *checked(void *pointer)
{
    if (pointer == NULL) fail(ag_last_error());
    return pointer;
}

static ag_tensor *to_tensor(ag_arena *arena, const numbers *n)
{
    ag_tensor *tensor = checked(ag_tensor_create(arena, n->shape.ndims, n->shape.dims));
    for (size_t i = 0; i < n->size; i++)
        tensor->data[i] = (float)n->values[i];
    return tensor;
}

static void compare_gradients(double *worst, const torch_result *r, const op_arguments *arguments,
                              const op_oracle *oracle, const ag_tensor *upstream)
{
    for (uint32_t k = 0; k < AG__MAX_INPUTS; k++) {
        if (r->gradients[k][FLOAT32].size == 0) continue;
        reference_number *exact = op_reference_gradient(oracle, k, upstream);
        compare(worst, arguments->variables[k]->grad, &r->gradients[k][FLOAT32], exact);
        free(exact);
    }
}

static void add_result(table *t, const torch_result *r, op_case *c, ag_arena *arena)
{
    op_arguments arguments = {
        .parameter = c->parameter,
        .reduction = c->reduction,
        .new_shape = &c->new_shape,
    };
    for (uint32_t i = 0; i < c->entry->op->num_inputs; i++) {
        arguments.tensors[i] = to_tensor(arena, &r->inputs[i]);
        c->shapes[i] = r->inputs[i].shape;
    }
    op_create_leaves(&arguments, arena, true);
    const ag_tensor *upstream = to_tensor(arena, &r->upstream);
    ag_variable *node = checked(c->entry->graph(arena, &arguments));
    if (ag_backward_from(arena, node, upstream) != AG_OK) fail(ag_last_error());

    line *of_formula = line_of(t, r);
    if (of_formula == NULL) fail("there are too many formulas");
    double(*worst)[NUM_LIBRARIES] =
        of_formula->worst[strcmp(r->group, "tail") == 0 ? TAIL : ORDINARY];
    op_oracle oracle = op_oracle_create(c, &arguments);
    reference_number *exact = op_reference_value(&oracle);
    compare(worst[VALUE], node->data, &r->value[FLOAT32], exact);
    compare_gradients(worst[GRADIENT], r, &arguments, &oracle, upstream);
    free(exact);
    op_oracle_destroy(&oracle);
}

/* Products of matrices are left out: both libraries add them in float. */
static bool belongs_in_table(const torch_result *r)
{
    bool of_group = strcmp(r->group, "ordinary") == 0 || strcmp(r->group, "tail") == 0;
    bool is_product = strcmp(r->op, "matmul") == 0 || strcmp(r->op, "linear") == 0;
    return of_group && !is_product && op_find(r->op) != NULL;
}

static void fill(table *t, FILE *file)
{
    ag_arena *of_vectors = checked(ag_arena_create(0)), *of_calls = checked(ag_arena_create(0));
    torch_result r;
    while (torch_read_result(file, of_vectors, &r)) {
        if (!belongs_in_table(&r)) continue;
        op_case c = {
            .entry = op_find(r.op),
            .parameter = r.parameter,
            .reduction = torch_reduction(&r),
        };
        add_result(t, &r, &c, of_calls);
        ag_arena_reset(of_calls);
    }
    ag_arena_destroy(of_vectors);
    ag_arena_destroy(of_calls);
}

/* ---- printing ---- */

static void print_head(const char *torch_version)
{
    printf("Worst errors of libautograd %s (ours) and of PyTorch %s (torch) in float32, in units\n"
           "in the last place (ulp) of the exact result: 0.50 is what rounding it costs.\n"
           "Ordinary: numbers that a model would see. Tails: confident, tiny, huge, nearly equal\n"
           "and denormal numbers. lost: 0, infinite or NaN in place of a number that float can "
           "hold.\n"
           "We compute in double: terms that cancel to below 1e-9 of their size cost us more.\n\n",
           ag_version(), torch_version);
    printf("%-77s  %-12s  %-12s  %-12s  %s\n", "", "  ordinary", "  ordinary", "    tails",
           "    tails");
    printf("%-77s  %-12s  %-12s  %-12s  %s\n", "", "   value", "  gradient", "    value",
           "  gradient");
    printf("%-31s %-45s", "", "in PyTorch");
    for (int i = 0; i < NUM_GROUPS * NUM_RESULTS; i++)
        printf("  %5s %6s", "ours", "torch");
    printf("\n");
}

static void print_error(int width, double ulps)
{
    if (isinf(ulps))
        printf(" %*s", width, "lost");
    else if (ulps < 0)
        printf(" %*s", width, "-");
    else if (ulps > MANY)
        printf(" %*s", width, ">1000");
    else
        printf(" %*.*f", width, ulps < 100 ? 2 : 0, ulps);
}

/* What the double in which we compute may add to the rounding. */
#define ROUNDING 0.5005

static bool is_worse(const double *worst)
{
    return worst[OURS] > ROUNDING && worst[OURS] > worst[TORCH];
}

/* Returns whether a result is less exact than PyTorch's. */
static bool print_line(const line *l)
{
    bool worse = false;
    printf("%-31s %-45s", l->op, l->formula);
    for (int group = 0; group < NUM_GROUPS; group++) {
        for (int result = 0; result < NUM_RESULTS; result++) {
            const double *worst = l->worst[group][result];
            print_error(6, worst[OURS]);
            print_error(6, worst[TORCH]);
            worse = worse || is_worse(worst);
        }
    }
    printf("%s\n", worse ? "  worse than PyTorch" : "");
    return worse;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : TESTS_FOLDER "/vectors/torch.txt";
    FILE *file = fopen(path, "r");
    char version[32];
    if (file == NULL || fscanf(file, "# %*[^0-9] %31s", version) != 1) {
        fprintf(stderr, "accuracy: cannot read %s\n", path);
        return EXIT_FAILURE;
    }
    static table t;
    rewind(file);
    fill(&t, file);
    bool complete = feof(file) != 0, worse = false;
    fclose(file);
    print_head(version);
    for (int i = 0; i < t.num_lines; i++)
        worse = print_line(&t.lines[i]) || worse;
    if (!complete) fprintf(stderr, "accuracy: %s is damaged\n", path);
    return complete && !worse ? EXIT_SUCCESS : EXIT_FAILURE;
}
