/* world.c: losses of whole batches behind one way to call them. */
#include "config.h"

#include "contrastive/world.h"

#include <math.h>

ag_arena *arena, *temp;

void set_up(void)
{
    arena = ag_arena_create(0);
    temp = ag_arena_create(0);
    ck_assert(arena != NULL && temp != NULL);
}

void tear_down(void)
{
    ag_set_num_threads(0);
    ag_arena_destroy(arena);
    ag_arena_destroy(temp);
}

const char *const names[KINDS] = {"pairs",   "hard",    "all",    "nce",    "clip",
                                  "nt_xent", "sup_con", "siglip", "arcface"};

uint32_t num_inputs(const batch *b)
{
    static const uint32_t numbers[] = {1, 1, 1, 2, 3, 2, 1, 4, 2};
    return numbers[b->kind];
}

ag_status call_tensors(const batch *b, ag_tensor *out, ag_tensor *const *grads)
{
    ag_tensor *x = b->inputs[0], *y = b->inputs[1];
    switch (b->kind) {
    case PAIRS:
        return ag_tensor_pair_contrastive_loss_value_and_grad(temp, out, grads[0], x, b->labels,
                                                              b->parameter, b->reduction);
    case HARD:
        return ag_tensor_batch_hard_triplet_loss_value_and_grad(
            temp, out, grads[0], x, b->labels, b->parameter, b->soft, b->reduction);
    case ALL:
        return ag_tensor_batch_all_triplet_loss_value_and_grad(
            temp, out, grads[0], x, b->labels, b->parameter, b->soft, b->divisor, b->reduction);
    case NCE:
        return ag_tensor_info_nce_loss_value_and_grad(temp, out, grads[0], grads[1], x, y,
                                                      b->parameter, b->similarity, b->reduction);
    case CLIP:
        return ag_tensor_clip_loss_value_and_grad(temp, out, grads[0], grads[1], grads[2], x, y,
                                                  b->inputs[2], b->similarity, b->reduction);
    case NT_XENT:
        return ag_tensor_nt_xent_loss_value_and_grad(temp, out, grads[0], grads[1], x, y,
                                                     b->parameter, b->similarity, b->reduction);
    case SUP_CON:
        return ag_tensor_sup_con_loss_value_and_grad(temp, out, grads[0], x, b->labels,
                                                     b->parameter, b->similarity, b->reduction);
    case SIGLIP:
        return ag_tensor_siglip_loss_value_and_grad(temp, out, grads[0], grads[1], grads[2],
                                                    grads[3], x, y, b->inputs[2], b->inputs[3],
                                                    b->similarity, b->reduction);
    case ARCFACE:
        return ag_tensor_arcface_loss_value_and_grad(temp, out, grads[0], grads[1], x, y, b->labels,
                                                     b->parameter, b->margin, b->reduction);
    case KINDS: break;
    }
    return AG_ERROR_ARGUMENT;
}

ag_variable *call_graph(const batch *b, ag_arena *in, ag_variable *const *v)
{
    switch (b->kind) {
    case PAIRS: return ag_pair_contrastive_loss(in, v[0], b->labels, b->parameter, b->reduction);
    case HARD:
        return ag_batch_hard_triplet_loss(in, v[0], b->labels, b->parameter, b->soft, b->reduction);
    case ALL:
        return ag_batch_all_triplet_loss(in, v[0], b->labels, b->parameter, b->soft, b->divisor,
                                         b->reduction);
    case NCE: return ag_info_nce_loss(in, v[0], v[1], b->parameter, b->similarity, b->reduction);
    case CLIP: return ag_clip_loss(in, v[0], v[1], v[2], b->similarity, b->reduction);
    case NT_XENT: return ag_nt_xent_loss(in, v[0], v[1], b->parameter, b->similarity, b->reduction);
    case SUP_CON:
        return ag_sup_con_loss(in, v[0], b->labels, b->parameter, b->similarity, b->reduction);
    case SIGLIP: return ag_siglip_loss(in, v[0], v[1], v[2], v[3], b->similarity, b->reduction);
    case ARCFACE:
        return ag_arcface_loss(in, v[0], v[1], b->labels, b->parameter, b->margin, b->reduction);
    case KINDS: break;
    }
    return NULL;
}

uint32_t anchors(const batch *b)
{
    return b->kind == NT_XENT ? 2 * b->rows : b->rows;
}

batch create_batch(kind which, uint32_t rows, uint32_t width, uint64_t seed)
{
    ag_random random = ag_random_create(seed);
    batch b = {.kind = which, .rows = rows, .width = width, .parameter = 0.5f, .margin = 0.5f};
    if (which == PAIRS) b.parameter = 3;
    if (which == ARCFACE) b.parameter = 4;
    b.others = which == ARCFACE ? 4 : which == NCE ? rows + 3 : rows;
    b.inputs[0] = ag_tensor_create(arena, 2, (uint32_t[]){rows, width});
    b.inputs[1] = ag_tensor_create(arena, 2, (uint32_t[]){b.others, width});
    b.inputs[2] = ag_tensor_create_from(arena, 1, (uint32_t[]){1}, (float[]){2.5f});
    b.inputs[3] = ag_tensor_create_from(arena, 1, (uint32_t[]){1}, (float[]){-0.75f});
    ag_tensor_fill_normal(b.inputs[0], &random, 0.25f, 1);
    ag_tensor_fill_normal(b.inputs[1], &random, -0.25f, 1);
    b.labels = ag_indices_create(arena, 1, &rows);
    for (uint32_t i = 0; i < rows; i++)
        b.labels->data[i] = (int32_t)ag_random_below(&random, 4);
    return b;
}

ag_tensor *empty_like(const ag_tensor *tensor)
{
    return ag_tensor_create(arena, tensor->ndims, tensor->shape);
}

void compute_bits(const batch *b, ag_tensor *out, ag_tensor **grads)
{
    for (uint32_t i = 0; i < 4; i++)
        grads[i] = empty_like(b->inputs[i]);
    ck_assert_int_eq(call_tensors(b, out, grads), AG_OK);
}

void assert_near(const batch *b, const char *what, size_t at, double found, double expected)
{
    /* products are in float: each of the terms of a sum may be wrong by some units of its last place */
    double tolerance = 2e-5 * fmax(fabs(expected), 0.05) + 2e-7 * b->rows;
    ck_assert_msg(fabs(found - expected) <= tolerance, "%s, reduction %d: %s %zu is %.9g, not %.9g",
                  names[b->kind], (int)b->reduction, what, at, found, expected);
}

void assert_equal(float found, float expected)
{
    ck_assert_msg(found == expected, "%g is not %g", (double)found, (double)expected);
}
