/* gradients.c: gradients against differences of values, with all options that a loss takes. */
#include "config.h"

#include "options/world.h"

#include "suite.h"

/* Options of every kind; a loss gets those that its descriptor names. */
static ag_loss_options options_taken(const op_entry *entry, const ag_tensor *x, ag_tensor *weights)
{
    uint32_t classes = x->shape[x->ndims - 1], taken = entry->op->options;
    ag_tensor *of_classes = ag_tensor_create(arena, 1, SHAPE(classes));
    for (size_t i = 0; i < classes; i++)
        of_classes->data[i] = 0.5f + 0.25f * (float)(i % 4);
    return (ag_loss_options){
        .reduction = AG_REDUCTION_MEAN,
        .weights = weights,
        .class_weights = taken & AG__TAKES(class_weights) ? of_classes : NULL,
        .pos_weight = taken & AG__TAKES(pos_weight) ? of_classes : NULL,
        .label_smoothing = taken & AG__TAKES(label_smoothing) ? 0.125f : 0,
        .z_loss = taken & AG__TAKES(z_loss) ? 0.25f : 0,
        .norm = (taken & AG__TAKES(norm)) == 0 ? 0
                : entry->op->takes_labels      ? 2
                                               : 3,
        .epsilon = taken & AG__TAKES(epsilon) ? 0x1p-10f : 0,
        .soft_margin = (taken & AG__TAKES(soft_margin)) != 0,
        .swap = (taken & AG__TAKES(swap)) != 0,
    };
}

typedef struct checked {
    const op_entry *entry;
    const op_arguments *arguments;
    ag_loss_options options;
} checked;

static ag_variable *call_checked(ag_arena *scratch, ag_variable *const *inputs, void *context)
{
    const checked *c = context;
    op_arguments arguments = *c->arguments;
    for (uint32_t i = 0; i < c->entry->op->num_differentiable; i++)
        arguments.variables[i] = inputs[i];
    return c->entry->graph_with(scratch, &arguments, &c->options);
}

/* A step must not leave a domain, which is [0, 1] or all that is not negative. */
static void keep_inside(const ag__domain *domain, ag_tensor *x)
{
    for (size_t i = 0; domain->text != NULL && i < x->size; i++)
        x->data[i] = 0.1f + (domain->highest == 1 ? 0.8f : 1.0f) * x->data[i];
}

START_TEST(gradients_with_options_are_those_of_the_values)
{
    weighted w = create_weighted(LOSS, OP_SMALL);
    for (uint32_t i = 0; i < LOSS->op->num_differentiable; i++)
        keep_inside(&LOSS->op->domains[i], w.arguments.tensors[i]);
    op_create_leaves(&w.arguments, arena, false);
    checked c = {LOSS, &w.arguments, options_taken(LOSS, w.arguments.tensors[0], w.weights)};
    ag_gradcheck_report report;
    ag_status status = ag_gradcheck(arena, call_checked, &c, LOSS->op->num_differentiable,
                                    w.arguments.tensors, NULL, &report);
    ck_assert_msg(status == AG_OK && report.passed, "%s: %s, %g", LOSS->name, ag_last_error(),
                  report.worst);
}
END_TEST

void add_gradients(Suite *suite)
{
    TCase *tests = add_case(suite, "gradients");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    ADD_FOR_LOSSES(tests, gradients_with_options_are_those_of_the_values);
}
