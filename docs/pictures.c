/*
 * pictures.c: makes the documentation's pictures and worked examples, by the library itself.
 *
 *     docs/pictures FOLDER
 *
 * For each loss and each function of one element NAME.svg shows value and slope (curves.c); for each loss
 * NAME.txt is a call with its numbers (worked_examples.c). All loop over the table of operations, so that a
 * new one has them.
 */
#include "config.h"

#include "pictures.h"

#include <math.h>
#include <stdio.h>

#include "tensor/elementwise_three.h"

#define REFERENCE(name, ...) &ag__op_##name,
static const ag__op *const losses[] = {AG__LOSS_TABLE(REFERENCE)};
static const ag__op *const functions[] = {AG__FUNCTION_TABLE(REFERENCE)};

bool is_elementwise(const ag__op *op)
{
    return op->infer_shape == ag__infer_same_shape &&
           (op->forward == ag__elementwise_forward || op->forward == ag__three_forward);
}

float fit(const ag__op *op, uint32_t input, float x)
{
    const ag__domain *domain = &op->domains[input];
    if (domain->text == NULL) return x;
    if (!domain->magnitude) return fminf(fmaxf(x, domain->lowest), domain->highest);
    return copysignf(fminf(fmaxf(fabsf(x), domain->lowest), domain->highest), x > 0 ? 1 : -1);
}

ag__call call_of(const ag__op *op)
{
    return (ag__call){
        .op = op, .reduction = AG_REDUCTION_NONE, .parameter = 0.5f, .second_parameter = 0.25f};
}

/* 1 for an operation that these programs do not understand, which is named. */
static int fault(const ag__op *op, const char *what, ag_status status)
{
    if (status != AG_OK) fprintf(stderr, "no %s of %s: %s\n", what, op->name, ag_last_error());
    ag_clear_error();
    return status != AG_OK;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";
    int faults = 0;
    ag_arena *arena = ag_arena_create(0);
    if (arena == NULL) return 1;
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        faults += fault(losses[i], "picture", draw(arena, folder, losses[i]));
        faults += fault(losses[i], "example", write_example(arena, folder, losses[i]));
        ag_arena_reset(arena);
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (is_elementwise(functions[i]) && functions[i]->num_inputs == 1)
            faults += fault(functions[i], "picture", draw(arena, folder, functions[i]));
    ag_arena_destroy(arena);
    return faults > 0;
}
