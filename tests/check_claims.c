/*
 * check_claims.c: a loss's forward may write the gradient that backward will want. Whatever happens
 * between the two, the result must be the one that backward would have computed by itself: each story
 * below is lived through twice with each loss, with claims and without, and must leave the same bits.
 */
#include "config.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "assertions.h"
#include "op_calls.h"
#include "suite.h"

/* Tests over all losses get the entry's index as _i. */
#define ENTRY (&op_entries[_i])

/* ---- a world to live a story in ---- */

typedef struct world {
    bool claims; /* whether losses find empty gradients to write in */
    ag_arena *permanent, *graph;
    op_arguments arguments;              /* its variables are what losses are called with */
    ag_variable *leaves[AG__MAX_INPUTS]; /* whose gradients are compared at last */
    uint32_t num_inputs, num_differentiable;
    const op_entry *entry;
    float seen[16]; /* numbers on the way that must agree as well */
    size_t num_seen;
} world;

typedef void story(world *w);

static void see(world *w, float number)
{
    ck_assert_uint_lt(w->num_seen, sizeof w->seen / sizeof *w->seen);
    w->seen[w->num_seen++] = number;
}

static world create_world(const op_case *c, bool claims)
{
    world w = {.claims = claims, .entry = c->entry};
    w.permanent = ag_arena_create(0);
    w.graph = ag_arena_create(0);
    w.arguments = op_create_inputs(c, w.permanent);
    op_create_leaves(&w.arguments, w.permanent, true);
    memcpy(w.leaves, w.arguments.variables, sizeof w.leaves);
    w.num_inputs = c->entry->op->num_inputs;
    w.num_differentiable = c->entry->op->num_differentiable;
    return w;
}

static void destroy_world(world *w)
{
    ag_arena_destroy(w->permanent);
    ag_arena_destroy(w->graph);
}

/* Calls the loss; in a world without claims, while all gradients look as if they were in use. */
static ag_variable *try_loss(world *w, const op_arguments *arguments)
{
    ag_variable *const *variables = arguments->variables;
    ag_tensor *grads[AG__MAX_INPUTS] = {NULL};
    for (uint32_t i = 0; i < w->num_inputs; i++)
        grads[i] = variables[i]->grad;
    for (uint32_t i = 0; i < w->num_inputs && !w->claims; i++)
        if (variables[i]->requires_grad) variables[i]->grad = variables[i]->engine.grad_storage;
    ag_variable *node = w->entry->graph(w->graph, arguments);
    for (uint32_t i = 0; i < w->num_inputs; i++)
        variables[i]->grad = grads[i];
    return node;
}

static ag_variable *loss(world *w)
{
    ag_variable *node = try_loss(w, &w->arguments);
    ck_assert_msg(node != NULL, "%s", ag_last_error());
    see(w, node->data->data[0]);
    return node;
}

/* Another loss of the same predictions. */
static ag_variable *other_loss(world *w)
{
    op_arguments arguments = w->arguments;
    arguments.reduction =
        arguments.reduction == AG_REDUCTION_SUM ? AG_REDUCTION_MEAN : AG_REDUCTION_SUM;
    if (w->arguments.reduction == AG_REDUCTION_NONE) arguments.reduction = AG_REDUCTION_NONE;
    ag_variable *node = try_loss(w, &arguments);
    ck_assert_msg(node != NULL, "%s", ag_last_error());
    see(w, node->data->data[0]);
    return node;
}

static void go_back_from(world *w, ag_variable *root, float seed)
{
    ag_tensor *upstream = ag_tensor_create(w->graph, root->data->ndims, root->data->shape);
    succeed(ag_tensor_fill(upstream, seed));
    succeed(ag_backward_from(w->graph, root, upstream));
}

static void go_back(world *w, ag_variable *root)
{
    if (root->data->size == 1)
        succeed(ag_backward(w->graph, root));
    else
        go_back_from(w, root, 1);
}

static void zero_gradients(world *w)
{
    for (uint32_t i = 0; i < w->num_inputs; i++)
        succeed(ag_zero_grad(w->leaves[i]));
}

/* What the arena's next user finds there is no trace of what was. */
static void start_step(world *w)
{
    size_t used = ag_arena_used(w->graph);
    ag_arena_reset(w->graph);
    if (used > 0) memset(ag_arena_alloc(w->graph, used), 0xff, used);
    ag_arena_reset(w->graph);
}

/* ---- stories: one loss ---- */

static void once(world *w)
{
    go_back(w, loss(w));
}

static void twice_on_one_graph(world *w)
{
    ag_variable *node = loss(w);
    go_back(w, node);
    go_back(w, node);
}

static void three_times_with_other_seeds(world *w)
{
    ag_variable *node = loss(w);
    go_back_from(w, node, 1);
    go_back_from(w, node, 3);
    go_back_from(w, node, 1);
}

static void again_after_zeroing(world *w)
{
    ag_variable *node = loss(w);
    go_back(w, node);
    see(w, w->leaves[0]->grad->data[0]);
    zero_gradients(w);
    go_back(w, node);
}

static void zeroed_between_forward_and_backward(world *w)
{
    ag_variable *node = loss(w);
    zero_gradients(w);
    go_back(w, node);
}

static void zeroed_only_after_forward(world *w)
{
    go_back(w, loss(w));
    ag_variable *node = other_loss(w);
    zero_gradients(w);
    go_back(w, node);
}

static void never_backward(world *w)
{
    loss(w);
}

static void scaled_by_one(world *w)
{
    go_back(w, ag_scale(w->graph, loss(w), 1));
}

static void scaled(world *w)
{
    go_back(w, ag_scale(w->graph, loss(w), 0.3f));
}

static void from_zero(world *w)
{
    go_back_from(w, loss(w), 0);
}

static void from_minus_one(world *w)
{
    go_back_from(w, loss(w), -1);
}

static void from_nan(world *w)
{
    go_back_from(w, loss(w), NAN);
}

static void from_almost_one(world *w)
{
    go_back_from(w, loss(w), nextafterf(1, 2));
}

static void added_to_itself(world *w)
{
    ag_variable *node = loss(w);
    go_back(w, ag_add(w->graph, node, node));
}

static void added_to_half_of_itself(world *w)
{
    ag_variable *node = loss(w), *half = ag_scale(w->graph, node, 0.5f);
    go_back(w, ag_add(w->graph, half, half));
}

/* ---- stories: two losses of one prediction ---- */

static void first_then_second(world *w)
{
    ag_variable *first = loss(w), *second = other_loss(w);
    go_back(w, first);
    go_back(w, second);
}

static void second_then_first(world *w)
{
    ag_variable *first = loss(w), *second = other_loss(w);
    go_back(w, second);
    go_back(w, first);
}

static void first_alone(world *w)
{
    ag_variable *first = loss(w);
    other_loss(w);
    go_back(w, first);
}

static void second_alone(world *w)
{
    loss(w);
    go_back(w, other_loss(w));
}

static void sum_of_both(world *w)
{
    ag_variable *first = loss(w);
    go_back(w, ag_add(w->graph, first, other_loss(w)));
}

static void sum_of_both_swapped(world *w)
{
    ag_variable *first = loss(w);
    go_back(w, ag_add(w->graph, other_loss(w), first));
}

static void one_after_the_other(world *w)
{
    go_back(w, loss(w));
    go_back(w, other_loss(w));
}

static void one_after_the_other_zeroed(world *w)
{
    ag_variable *first = loss(w);
    go_back(w, first);
    see(w, w->leaves[0]->grad->data[0]);
    zero_gradients(w);
    ag_variable *second = other_loss(w);
    go_back(w, first);
    go_back(w, second);
}

static void first_again_over_the_second(world *w)
{
    ag_variable *first = loss(w), *second = other_loss(w);
    go_back(w, first);
    zero_gradients(w);
    go_back(w, second);
    zero_gradients(w);
    go_back(w, first);
}

/* ---- stories: steps ---- */

static void micro_batches(world *w)
{
    for (int i = 0; i < 4; i++) {
        start_step(w);
        go_back(w, i % 2 == 0 ? loss(w) : other_loss(w));
    }
}

static void a_step_without_backward(world *w)
{
    loss(w);
    start_step(w);
    go_back(w, other_loss(w));
}

/* The second node finds the gradient in use, so that the number of the first must not be its own. */
static void a_stale_claim(world *w)
{
    go_back(w, loss(w));
    start_step(w);
    zero_gradients(w);
    loss(w);
    start_step(w);
    for (uint32_t i = 0; i < w->num_differentiable; i++)
        w->leaves[i]->grad = w->leaves[i]->engine.grad_storage;
    ag_variable *node = other_loss(w);
    zero_gradients(w);
    go_back(w, node);
}

static void steps_of_an_optimizer(world *w)
{
    ag_sgd_options options = {.learning_rate = 0.0625f, .momentum = 0.5f};
    ag_optimizer *sgd = ag_sgd_create(w->permanent, w->num_differentiable, w->leaves, options);
    ck_assert_ptr_nonnull(sgd);
    for (int i = 0; i < 3; i++) {
        start_step(w);
        succeed(ag_optimizer_zero_grad(sgd));
        ag_variable *node = try_loss(w, &w->arguments);
        if (node == NULL) return; /* the step has left the domain */
        go_back(w, node);
        succeed(ag_optimizer_step(sgd));
        see(w, w->leaves[0]->data->data[0]);
    }
}

/* ---- stories: predictions that are no leaves ---- */

static void put_nodes_between(world *w)
{
    for (uint32_t i = 0; i < w->num_differentiable; i++)
        w->arguments.variables[i] = ag_scale(w->graph, w->leaves[i], 1);
}

static void through_nodes(world *w)
{
    put_nodes_between(w);
    go_back(w, loss(w));
}

static void through_nodes_twice(world *w)
{
    put_nodes_between(w);
    ag_variable *node = loss(w);
    go_back(w, node);
    go_back(w, node);
}

static void through_nodes_with_two_losses(world *w)
{
    put_nodes_between(w);
    ag_variable *first = loss(w), *second = other_loss(w);
    go_back(w, first);
    go_back(w, second);
    go_back(w, ag_add(w->graph, second, first));
}

static void another_consumer_before(world *w)
{
    put_nodes_between(w);
    ag_variable *node = loss(w);
    if (w->arguments.reduction == AG_REDUCTION_NONE) return;
    go_back(w, ag_add(w->graph, ag_sum(w->graph, w->arguments.variables[0]), node));
}

static void another_consumer_after(world *w)
{
    put_nodes_between(w);
    ag_variable *node = loss(w);
    if (w->arguments.reduction == AG_REDUCTION_NONE) return;
    go_back(w, ag_add(w->graph, node, ag_sum(w->graph, w->arguments.variables[0])));
}

static void the_prediction_as_root(world *w)
{
    put_nodes_between(w);
    ag_variable *node = loss(w);
    go_back_from(w, w->arguments.variables[0], 2);
    go_back(w, node);
}

static void step_without_backward_through_nodes(world *w)
{
    put_nodes_between(w);
    loss(w);
    ag_arena_reset(w->graph);
    put_nodes_between(w);
    go_back(w, other_loss(w));
}

/* ---- stories: who wants a gradient ---- */

static void first_is_frozen(world *w)
{
    w->arguments.variables[0] = ag_detach(w->graph, w->leaves[0]);
    ag_variable *node = loss(w);
    if (node->requires_grad) go_back(w, node);
}

static void last_is_frozen(world *w)
{
    uint32_t last = w->num_differentiable - 1;
    w->arguments.variables[last] = ag_detach(w->graph, w->leaves[last]);
    ag_variable *node = loss(w);
    if (node->requires_grad) go_back(w, node);
}

static void frozen_after_forward(world *w)
{
    ag_variable *node = loss(w);
    w->leaves[0]->requires_grad = false;
    if (w->num_differentiable > 1) w->leaves[1]->requires_grad = true;
    go_back(w, node);
    ck_assert_ptr_null(w->leaves[0]->grad);
}

static void a_detached_loss_between(world *w)
{
    ag_variable *node = loss(w);
    op_arguments arguments = w->arguments;
    for (uint32_t i = 0; i < w->num_inputs; i++)
        arguments.variables[i] = ag_detach(w->graph, w->leaves[i]);
    ck_assert_ptr_nonnull(try_loss(w, &arguments));
    go_back(w, node);
}

static void an_evaluation_between(world *w)
{
    ag_variable *node = loss(w);
    ag_set_grad_enabled(false);
    other_loss(w);
    ag_set_grad_enabled(true);
    go_back(w, node);
}

/* Whatever stands where the mistake is, what a failed call wrote must not be taken for a gradient. */
static void a_failure_between(world *w)
{
    ag_variable *node = loss(w);
    for (uint32_t i = 0; i < w->num_inputs; i++) {
        float *last = w->arguments.tensors[i]->data + w->arguments.tensors[i]->size - 1;
        float before = *last;
        *last = -7;
        bool has_domain = w->entry->op->domains[i].text != NULL;
        ck_assert(!has_domain || try_loss(w, &w->arguments) == NULL);
        *last = before;
    }
    go_back(w, node);
}

static void a_failure_before(world *w)
{
    for (uint32_t i = 0; i < w->num_inputs; i++) {
        float *last = w->arguments.tensors[i]->data + w->arguments.tensors[i]->size - 1;
        float before = *last;
        *last = -7;
        if (w->entry->op->domains[i].text != NULL) try_loss(w, &w->arguments);
        *last = before;
    }
    loss(w);
    go_back(w, other_loss(w));
}

/* ---- stories: one variable in several roles ---- */

static bool take_roles(world *w, uint32_t from, uint32_t to)
{
    const ag__domain *domains = w->entry->op->domains;
    if (to >= w->num_inputs || to >= w->num_differentiable) return false;
    if (domains[from].text != domains[to].text) return false; /* such as a mean and a variance */
    w->arguments.variables[to] = w->arguments.variables[from];
    return true;
}

static void in_two_roles(world *w)
{
    if (!take_roles(w, 0, 1)) return;
    ag_variable *node = loss(w);
    go_back(w, node);
    go_back(w, node);
}

static void in_the_last_two_roles(world *w)
{
    if (!take_roles(w, 1, 2)) return;
    go_back(w, loss(w));
    go_back(w, ag_scale(w->graph, other_loss(w), 0.5f));
}

static void in_all_roles(world *w)
{
    if (!take_roles(w, 0, 1) || (w->num_differentiable > 2 && !take_roles(w, 0, 2))) return;
    ag_variable *first = loss(w), *second = other_loss(w);
    go_back(w, first);
    go_back(w, second);
}

/* The target's own gradient is never wanted, nor written. */
static void as_its_own_target(world *w)
{
    uint32_t target = w->num_inputs - 1;
    if (target < w->num_differentiable || w->entry->op->labels_rows) return;
    w->arguments.variables[target] = w->leaves[0];
    ag_variable *node = try_loss(w, &w->arguments);
    if (node != NULL) go_back(w, node); /* NULL: a prediction that can be no target */
}

/* ---- stories: gradients that were put there by hand ---- */

static void put_gradient(world *w)
{
    for (uint32_t i = 0; i < w->num_differentiable; i++) {
        const ag_tensor *data = w->leaves[i]->data;
        w->leaves[i]->grad = ag_tensor_create_zeros(w->permanent, data->ndims, data->shape);
        succeed(ag_tensor_fill(w->leaves[i]->grad, 0.25f));
    }
}

static void put_before_forward(world *w)
{
    put_gradient(w);
    go_back(w, loss(w));
}

static void put_between_forward_and_backward(world *w)
{
    ag_variable *node = loss(w);
    put_gradient(w);
    go_back(w, node);
}

static void put_and_taken_away(world *w)
{
    ag_variable *node = loss(w);
    put_gradient(w);
    zero_gradients(w);
    go_back(w, node);
}

/* A gradient of before, kept by its pointer, as the target of the next loss. */
static void the_old_gradient_as_target(world *w)
{
    uint32_t target = w->num_inputs - 1;
    if (target < w->num_differentiable || w->entry->op->labels_rows) return;
    go_back(w, loss(w));
    ag_variable *old = ag_create_leaf(w->permanent, w->leaves[0]->grad, false);
    zero_gradients(w);
    w->arguments.variables[target] = old;
    ag_variable *node = try_loss(w, &w->arguments);
    if (node == NULL) return;
    see(w, node->data->data[0]);
    go_back(w, ag_scale(w->graph, node, 1));
}

/* ---- stories: operations of the user's own ---- */

static world *inner;

/* Computes a loss of the same predictions in the midst of backward. */
static ag_status go_back_with_a_loss(ag_variable *self, ag_arena *temp_arena)
{
    (void)temp_arena;
    try_loss(inner, &inner->arguments);
    bool accumulate;
    ag_tensor *grad = ag_grad_sink(self->parents[0].node, &accumulate);
    grad->data[0] = (accumulate ? grad->data[0] : 0) + self->grad->data[0];
    return AG_OK;
}

static void a_loss_within_backward(world *w)
{
    inner = w;
    ag_variable *node = loss(w);
    if (w->arguments.reduction == AG_REDUCTION_NONE) return;
    ag_variable *own = ag_create_node(w->graph, "own", node->data, 1, &node, go_back_with_a_loss);
    ag_variable *second = other_loss(w);
    go_back(w, ag_add(w->graph, second, own));
    go_back(w, ag_add(w->graph, own, second));
}

/* ---- both worlds must end alike ---- */

static const struct {
    const char *name;
    story *tell;
    bool large; /* tell it of large tensors too, which have several blocks for several threads */
} stories[] = {
#define STORY(name)                                                                                \
    {                                                                                              \
#name, name, false                                                                         \
    }
#define LARGE_STORY(name)                                                                          \
    {                                                                                              \
#name, name, true                                                                          \
    }
    LARGE_STORY(once),
    STORY(twice_on_one_graph),
    STORY(three_times_with_other_seeds),
    STORY(again_after_zeroing),
    STORY(zeroed_between_forward_and_backward),
    STORY(zeroed_only_after_forward),
    STORY(never_backward),
    STORY(scaled_by_one),
    STORY(scaled),
    STORY(from_zero),
    STORY(from_minus_one),
    STORY(from_nan),
    STORY(from_almost_one),
    LARGE_STORY(added_to_itself),
    STORY(added_to_half_of_itself),
    STORY(first_then_second),
    STORY(second_then_first),
    STORY(first_alone),
    STORY(second_alone),
    STORY(sum_of_both),
    STORY(sum_of_both_swapped),
    STORY(one_after_the_other),
    STORY(one_after_the_other_zeroed),
    STORY(first_again_over_the_second),
    STORY(micro_batches),
    STORY(a_step_without_backward),
    STORY(a_stale_claim),
    STORY(steps_of_an_optimizer),
    STORY(through_nodes),
    STORY(through_nodes_twice),
    STORY(through_nodes_with_two_losses),
    STORY(another_consumer_before),
    STORY(another_consumer_after),
    STORY(the_prediction_as_root),
    STORY(step_without_backward_through_nodes),
    STORY(first_is_frozen),
    STORY(last_is_frozen),
    STORY(frozen_after_forward),
    STORY(a_detached_loss_between),
    STORY(an_evaluation_between),
    LARGE_STORY(a_failure_between),
    STORY(a_failure_before),
    STORY(in_two_roles),
    STORY(in_the_last_two_roles),
    LARGE_STORY(in_all_roles),
    STORY(as_its_own_target),
    STORY(put_before_forward),
    STORY(put_between_forward_and_backward),
    STORY(put_and_taken_away),
    STORY(the_old_gradient_as_target),
    STORY(a_loss_within_backward),
#undef STORY
#undef LARGE_STORY

};

#define NUM_STORIES (sizeof stories / sizeof *stories)

static bool same_gradient(const ag_variable *a, const ag_variable *b)
{
    if (a->grad == NULL || b->grad == NULL) return a->grad == b->grad;
    return memcmp(a->grad->data, b->grad->data, a->grad->size * sizeof *a->grad->data) == 0;
}

static void assert_alike(const op_case *c, const char *name, const world *a, const world *b)
{
    ck_assert_msg(a->num_seen == b->num_seen &&
                      memcmp(a->seen, b->seen, a->num_seen * sizeof *a->seen) == 0,
                  "%s: %s: values differ", op_describe(c).text, name);
    for (uint32_t i = 0; i < a->num_inputs; i++)
        ck_assert_msg(same_gradient(a->leaves[i], b->leaves[i]), "%s: %s: gradient %u differs",
                      op_describe(c).text, name, (unsigned)i);
}

static void compare_worlds(const op_case *c, size_t index)
{
    world with = create_world(c, true), without = create_world(c, false);
    stories[index].tell(&with);
    stories[index].tell(&without);
    assert_alike(c, stories[index].name, &with, &without);
    destroy_world(&with);
    destroy_world(&without);
}

/* Every fifth case is one of each flavour, reduction and shape before long; all would take minutes. */
START_TEST(claims_change_no_bit)
{
    op_case c;
    for (size_t k = 0; k < NUM_STORIES; k++) {
        for (size_t i = k % 5; op_case_at(ENTRY, OP_SMALL, i, &c); i += 5)
            compare_worlds(&c, k);
        for (size_t i = 0; stories[k].large && op_case_at(ENTRY, OP_LARGE, i, &c); i += 3)
            compare_worlds(&c, k);
    }
}
END_TEST

/* ---- and what that end is ---- */

/* The gradients for an upstream gradient of ones, by the function on tensors. */
static void find_gradients(const op_case *c, world *w, ag_tensor **outs)
{
    ag_tensor *ones = ag_tensor_create(w->permanent, 1, (uint32_t[]){1});
    if (c->reduction == AG_REDUCTION_NONE) {
        const ag_tensor *value = c->entry->graph(w->permanent, &w->arguments)->data;
        ones = ag_tensor_create(w->permanent, value->ndims, value->shape);
    }
    succeed(ag_tensor_fill(ones, 1));
    for (uint32_t i = 0; i < w->num_differentiable; i++)
        outs[i] = ag_tensor_create(w->permanent, c->shapes[i].ndims, c->shapes[i].dims);
    succeed(c->entry->gradient(outs, ones, &w->arguments));
}

static void check_against_tensors(const op_case *c)
{
    world w = create_world(c, true);
    ag_tensor *expected[AG__MAX_INPUTS];
    find_gradients(c, &w, expected);
    ag_variable *node = loss(&w);
    for (int times = 1; times <= 2; times++) {
        go_back(&w, node);
        for (uint32_t i = 0; i < w.num_differentiable; i++)
            for (size_t k = 0; k < expected[i]->size; k++) {
                float actual = w.leaves[i]->grad->data[k];
                float wanted = (float)times * expected[i]->data[k]; /* exact */
                if (memcmp(&actual, &wanted, sizeof actual) != 0)
                    ck_abort_msg("%s: %d times backward: gradient %u at %zu is %.9g, not %.9g",
                                 op_describe(c).text, times, (unsigned)i, k, (double)actual,
                                 (double)wanted);
            }
    }
    destroy_world(&w);
}

START_TEST(gradients_are_those_of_the_functions_on_tensors)
{
    op_case c;
    for (size_t i = 0; op_case_at(ENTRY, OP_SMALL, i, &c); i++)
        check_against_tensors(&c);
    for (size_t i = 0; op_case_at(ENTRY, OP_LARGE, i, &c); i++)
        check_against_tensors(&c);
}
END_TEST

/* A mark in the memory of the gradient is still there if, and only if, backward has not computed it. */
#define MARK 12345.0f

static bool keeps_mark(world *w, float seed)
{
    ag_variable *node = loss(w);
    for (uint32_t i = 0; i < w->num_differentiable; i++)
        w->leaves[i]->engine.grad_storage->data[0] = MARK;
    go_back_from(w, node, seed);
    bool all = true, none = true;
    for (uint32_t i = 0; i < w->num_differentiable; i++) {
        bool kept = w->leaves[i]->grad->data[0] == MARK;
        all = all && kept;
        none = none && !kept;
    }
    ck_assert(all || none);
    zero_gradients(w);
    return all;
}

START_TEST(backward_computes_what_forward_has_not)
{
    op_case c;
    for (size_t i = 0; op_case_at(ENTRY, OP_SMALL, i, &c); i++) {
        world with = create_world(&c, true), without = create_world(&c, false);
        ck_assert_int_eq(keeps_mark(&with, 1), c.reduction != AG_REDUCTION_NONE);
        ck_assert(!keeps_mark(&with, 2));
        ck_assert(!keeps_mark(&without, 1));
        destroy_world(&with);
        destroy_world(&without);
    }
}
END_TEST

/* ---- the suite ---- */

int main(void)
{
    Suite *suite = suite_create("claims");
    TCase *tests = add_case(suite, "stories");
    tcase_add_loop_test(tests, claims_change_no_bit, 0, num_loss_entries);
    tests = add_case(suite, "gradients");
    tcase_add_loop_test(tests, gradients_are_those_of_the_functions_on_tensors, 0,
                        num_loss_entries);
    tcase_add_loop_test(tests, backward_computes_what_forward_has_not, 0, num_loss_entries);
    return run_suite(suite);
}
