/* functions.c: the public losses of a batch, on tensors. */
#include "config.h"

#include <string.h>

#include "core/status.h"
#include "tensor/contrastive/calls.h"

/* Whether a gradient is wanted at all: a single one is no list of which some may be NULL. */
static bool wants_gradient(const ag__op *op, ag_tensor *const *outs)
{
    for (uint32_t i = 0; i < op->num_differentiable; i++)
        if (outs[i] != NULL) return true;
    return false;
}

/* Checks a call, lends it memory to work in, and computes it. */
static ag_status compute(ag_arena *temp_arena, ag__call call, const ag_tensor *const *inputs,
                         ag_tensor *out, ag_tensor *const *outs)
{
    ag__shape unused;
    memcpy(call.inputs, inputs, call.op->num_inputs * sizeof *inputs);
    if (temp_arena == NULL) return ag__fail_null(call.op->name, "temp_arena");
    ag_status status = ag__call_check(&call, &unused);
    if (status != AG_OK) return status;
    ag_mark mark = ag_arena_mark(temp_arena);
    call.scratch = ag_arena_alloc(temp_arena, ag__contrast_scratch_bytes(&call));
    if (call.scratch == NULL)
        status = ag__fail_in(call.op->name);
    else if (wants_gradient(call.op, outs))
        status = ag__call_value_and_gradient(&call, out, outs);
    else
        status = ag__call_value(&call, out);
    ag_arena_rewind(temp_arena, mark);
    return status;
}

#define INPUTS(...)                                                                                \
    (const ag_tensor *[])                                                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define OUTS(...)                                                                                  \
    (ag_tensor *[])                                                                                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

ag_status ag_tensor_pair_contrastive_loss_value_and_grad(ag_arena *temp_arena, ag_tensor *out,
                                                         ag_tensor *out_grad,
                                                         const ag_tensor *embeddings,
                                                         const ag_indices *labels, float margin,
                                                         ag_reduction reduction)
{
    ag__call call = ag__batch_call(&ag__op_pair_contrastive_loss, reduction, labels, margin);
    return compute(temp_arena, call, INPUTS(embeddings), out, OUTS(out_grad));
}

ag_status ag_tensor_batch_hard_triplet_loss_value_and_grad(ag_arena *temp_arena, ag_tensor *out,
                                                           ag_tensor *out_grad,
                                                           const ag_tensor *embeddings,
                                                           const ag_indices *labels, float margin,
                                                           bool soft_margin, ag_reduction reduction)
{
    ag__call call = ag__triplet_call(&ag__op_batch_hard_triplet_loss, reduction, labels, margin,
                                     soft_margin, AG_DIVISOR_AUTO);
    return compute(temp_arena, call, INPUTS(embeddings), out, OUTS(out_grad));
}

ag_status ag_tensor_batch_all_triplet_loss_value_and_grad(ag_arena *temp_arena, ag_tensor *out,
                                                          ag_tensor *out_grad,
                                                          const ag_tensor *embeddings,
                                                          const ag_indices *labels, float margin,
                                                          bool soft_margin, ag_divisor divisor,
                                                          ag_reduction reduction)
{
    ag__call call = ag__triplet_call(&ag__op_batch_all_triplet_loss, reduction, labels, margin,
                                     soft_margin, divisor);
    return compute(temp_arena, call, INPUTS(embeddings), out, OUTS(out_grad));
}

ag_status ag_tensor_info_nce_loss_value_and_grad(ag_arena *temp_arena, ag_tensor *out,
                                                 ag_tensor *out_queries, ag_tensor *out_keys,
                                                 const ag_tensor *queries, const ag_tensor *keys,
                                                 float temperature, ag_similarity similarity,
                                                 ag_reduction reduction)
{
    ag__call call =
        ag__similarity_call(&ag__op_info_nce_loss, reduction, NULL, temperature, similarity);
    return compute(temp_arena, call, INPUTS(queries, keys), out, OUTS(out_queries, out_keys));
}

ag_status ag_tensor_clip_loss_value_and_grad(ag_arena *temp_arena, ag_tensor *out,
                                             ag_tensor *out_images, ag_tensor *out_texts,
                                             ag_tensor *out_scale, const ag_tensor *images,
                                             const ag_tensor *texts, const ag_tensor *scale,
                                             ag_similarity similarity, ag_reduction reduction)
{
    ag__call call = ag__similarity_call(&ag__op_clip_loss, reduction, NULL, 0, similarity);
    return compute(temp_arena, call, INPUTS(images, texts, scale), out,
                   OUTS(out_images, out_texts, out_scale));
}

ag_status ag_tensor_nt_xent_loss_value_and_grad(ag_arena *temp_arena, ag_tensor *out,
                                                ag_tensor *out_first, ag_tensor *out_second,
                                                const ag_tensor *first, const ag_tensor *second,
                                                float temperature, ag_similarity similarity,
                                                ag_reduction reduction)
{
    ag__call call =
        ag__similarity_call(&ag__op_nt_xent_loss, reduction, NULL, temperature, similarity);
    return compute(temp_arena, call, INPUTS(first, second), out, OUTS(out_first, out_second));
}

ag_status ag_tensor_sup_con_loss_value_and_grad(ag_arena *temp_arena, ag_tensor *out,
                                                ag_tensor *out_grad, const ag_tensor *embeddings,
                                                const ag_indices *labels, float temperature,
                                                ag_similarity similarity, ag_reduction reduction)
{
    ag__call call =
        ag__similarity_call(&ag__op_sup_con_loss, reduction, labels, temperature, similarity);
    return compute(temp_arena, call, INPUTS(embeddings), out, OUTS(out_grad));
}

ag_status ag_tensor_siglip_loss_value_and_grad(ag_arena *temp_arena, ag_tensor *out,
                                               ag_tensor *out_images, ag_tensor *out_texts,
                                               ag_tensor *out_scale, ag_tensor *out_bias,
                                               const ag_tensor *images, const ag_tensor *texts,
                                               const ag_tensor *scale, const ag_tensor *bias,
                                               ag_similarity similarity, ag_reduction reduction)
{
    ag__call call = ag__similarity_call(&ag__op_siglip_loss, reduction, NULL, 0, similarity);
    return compute(temp_arena, call, INPUTS(images, texts, scale, bias), out,
                   OUTS(out_images, out_texts, out_scale, out_bias));
}

ag_status ag_tensor_arcface_loss_value_and_grad(ag_arena *temp_arena, ag_tensor *out,
                                                ag_tensor *out_embeddings, ag_tensor *out_weight,
                                                const ag_tensor *embeddings,
                                                const ag_tensor *weight, const ag_indices *labels,
                                                float scale, float margin, ag_reduction reduction)
{
    ag__call call = ag__arcface_call(reduction, labels, scale, margin);
    return compute(temp_arena, call, INPUTS(embeddings, weight), out,
                   OUTS(out_embeddings, out_weight));
}
