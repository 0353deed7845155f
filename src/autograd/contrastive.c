/* contrastive.c: the public losses of a batch, on variables. */
#include "config.h"

#include "autograd/apply.h"
#include "tensor/contrastive/calls.h"

ag_variable *ag_pair_contrastive_loss(ag_arena *arena, ag_variable *embeddings,
                                      const ag_indices *labels, float margin,
                                      ag_reduction reduction)
{
    ag__call call = ag__batch_call(&ag__op_pair_contrastive_loss, reduction, labels, margin);
    return ag__apply(arena, call, &embeddings);
}

ag_variable *ag_batch_hard_triplet_loss(ag_arena *arena, ag_variable *embeddings,
                                        const ag_indices *labels, float margin, bool soft_margin,
                                        ag_reduction reduction)
{
    ag__call call = ag__triplet_call(&ag__op_batch_hard_triplet_loss, reduction, labels, margin,
                                     soft_margin, AG_DIVISOR_AUTO);
    return ag__apply(arena, call, &embeddings);
}

ag_variable *ag_batch_all_triplet_loss(ag_arena *arena, ag_variable *embeddings,
                                       const ag_indices *labels, float margin, bool soft_margin,
                                       ag_divisor divisor, ag_reduction reduction)
{
    ag__call call = ag__triplet_call(&ag__op_batch_all_triplet_loss, reduction, labels, margin,
                                     soft_margin, divisor);
    return ag__apply(arena, call, &embeddings);
}

ag_variable *ag_info_nce_loss(ag_arena *arena, ag_variable *queries, ag_variable *keys,
                              float temperature, ag_similarity similarity, ag_reduction reduction)
{
    ag__call call =
        ag__similarity_call(&ag__op_info_nce_loss, reduction, NULL, temperature, similarity);
    return ag__apply(arena, call, (ag_variable *[]){queries, keys});
}

ag_variable *ag_clip_loss(ag_arena *arena, ag_variable *images, ag_variable *texts,
                          ag_variable *scale, ag_similarity similarity, ag_reduction reduction)
{
    ag__call call = ag__similarity_call(&ag__op_clip_loss, reduction, NULL, 0, similarity);
    return ag__apply(arena, call, (ag_variable *[]){images, texts, scale});
}

ag_variable *ag_nt_xent_loss(ag_arena *arena, ag_variable *first, ag_variable *second,
                             float temperature, ag_similarity similarity, ag_reduction reduction)
{
    ag__call call =
        ag__similarity_call(&ag__op_nt_xent_loss, reduction, NULL, temperature, similarity);
    return ag__apply(arena, call, (ag_variable *[]){first, second});
}

ag_variable *ag_sup_con_loss(ag_arena *arena, ag_variable *embeddings, const ag_indices *labels,
                             float temperature, ag_similarity similarity, ag_reduction reduction)
{
    ag__call call =
        ag__similarity_call(&ag__op_sup_con_loss, reduction, labels, temperature, similarity);
    return ag__apply(arena, call, &embeddings);
}

ag_variable *ag_siglip_loss(ag_arena *arena, ag_variable *images, ag_variable *texts,
                            ag_variable *scale, ag_variable *bias, ag_similarity similarity,
                            ag_reduction reduction)
{
    ag__call call = ag__similarity_call(&ag__op_siglip_loss, reduction, NULL, 0, similarity);
    return ag__apply(arena, call, (ag_variable *[]){images, texts, scale, bias});
}

ag_variable *ag_arcface_loss(ag_arena *arena, ag_variable *embeddings, ag_variable *weight,
                             const ag_indices *labels, float scale, float margin,
                             ag_reduction reduction)
{
    ag__call call = ag__arcface_call(reduction, labels, scale, margin);
    return ag__apply(arena, call, (ag_variable *[]){embeddings, weight});
}
