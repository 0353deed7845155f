/* contrastive.h: losses of whole batches: every row is compared with every other. */
#ifndef AUTOGRAD_CONTRASTIVE_H
#define AUTOGRAD_CONTRASTIVE_H

#include <autograd/loss.h>

/** What a loss compares embeddings by. */
typedef enum ag_similarity {
    AG_SIMILARITY_COSINE, /**< the inner product of rows that the loss brings to unit length first; a
                               row of zeros has similarity 0 and gradient 0 */
    AG_SIMILARITY_DOT     /**< the inner product of rows as they are */
} ag_similarity;

AG_BEGIN_DECLS

/*
 * Similarities of all pairs are never held at once: they are made some rows at a time, used, and
 * forgotten, so that memory grows with the batch, not with its square. Each loss comes in two forms:
 *
 *   ag_<loss>(arena, inputs..., reduction)
 *       A node of the graph, as every loss of loss.h. Both the loss and ag_backward take memory to
 *       work in from their arenas, and give it back.
 *   ag_tensor_<loss>_value_and_grad(temp_arena, out, out_grad..., inputs..., reduction)
 *       The value, and the gradient for an upstream gradient of 1, for models that are not of this
 *       library. Each out_grad may be NULL if it is not wanted; temp_arena is rewound.
 *
 * Embeddings are matrices [rows, features]. Labels are [rows]; the loss asks only whether two are the
 * same, and they must live, and keep their values, until backward is done. Each row is an anchor with a
 * value of its own, which AG_REDUCTION_NONE gives, [rows]; N is what the comment says for MEAN, 1 for SUM and NONE, and the
 * rows of the first input for BATCHMEAN.
 *
 * Similarities are products in float; all that follows is in double. Distances that are small
 * beside the embeddings are computed from differences instead, in double. Values and gradients have
 * the same bits for any number of threads. Gradients are 0 at a kink, and where a distance is 0. NaN
 * is data. Distances have room from 1e-37 to 1e18, beyond which gradients may be infinite or NaN. Failures
 * leave every output untouched: as in loss.h, and AG_ERROR_DOMAIN for a label that is
 * no class.
 */

/**
 * Contrastive loss of all pairs (R. Hadsell, S. Chopra and Y. LeCun 2006): (1/N) Σ_{i<j} D²/2 where
 * labels are the same, max(0, margin - D)²/2 where they differ; D is the Euclidean distance of the
 * embeddings as they are. N is the number of pairs. A row's own value is half the sum over its pairs.
 * Gradient of a pair to x_i: (x_i - x_j) for equals, -(margin - D) (x_i - x_j)/D within the margin.
 */
AG_API ag_variable *ag_pair_contrastive_loss(ag_arena *arena, ag_variable *embeddings,
                                             const ag_indices *labels, float margin,
                                             ag_reduction reduction);
AG_API ag_status ag_tensor_pair_contrastive_loss_value_and_grad(
    ag_arena *temp_arena, ag_tensor *out, ag_tensor *out_grad, const ag_tensor *embeddings,
    const ag_indices *labels, float margin, ag_reduction reduction);

/**
 * Triplet loss of each row's hardest pairs (A. Hermans, L. Beyer and B. Leibe 2017): max(0, d + margin),
 * or log(1 + e^d) for a soft margin, where d is the largest distance to a row of the same label less
 * the smallest to one of another; Euclidean distances of the embeddings as they are. Of those
 * that float rounds to one distance the first counts. Rows that have no such triplet have value 0; N is the number of the others.
 */
AG_API ag_variable *ag_batch_hard_triplet_loss(ag_arena *arena, ag_variable *embeddings,
                                               const ag_indices *labels, float margin,
                                               bool soft_margin, ag_reduction reduction);
AG_API ag_status ag_tensor_batch_hard_triplet_loss_value_and_grad(
    ag_arena *temp_arena, ag_tensor *out, ag_tensor *out_grad, const ag_tensor *embeddings,
    const ag_indices *labels, float margin, bool soft_margin, ag_reduction reduction);

/**
 * The same of all triplets: a row's value is the sum over all its pairs of one positive and one
 * negative. N is the number of triplets, or, for AG_DIVISOR_NONZERO, of those that are not 0 (Hermans's
 * "batch all ≠ 0"). With P positives and N negatives a row takes (P + N) log P steps after its
 * distances; with a soft margin P N.
 * @param divisor  AG_DIVISOR_AUTO or AG_DIVISOR_COUNT; AG_DIVISOR_NONZERO.
 */
AG_API ag_variable *ag_batch_all_triplet_loss(ag_arena *arena, ag_variable *embeddings,
                                              const ag_indices *labels, float margin,
                                              bool soft_margin, ag_divisor divisor,
                                              ag_reduction reduction);
AG_API ag_status ag_tensor_batch_all_triplet_loss_value_and_grad(
    ag_arena *temp_arena, ag_tensor *out, ag_tensor *out_grad, const ag_tensor *embeddings,
    const ag_indices *labels, float margin, bool soft_margin, ag_divisor divisor,
    ag_reduction reduction);

/**
 * InfoNCE (A. van den Oord, Y. Li and O. Vinyals 2018): (1/N) Σ_i log Σ_j e^(s_ij/τ) - s_ii/τ, the
 * cross-entropy of each query among all keys. Key i belongs to query i; there may be more keys than
 * queries, which are negatives for all. N is the number of queries. CPC compares by AG_SIMILARITY_DOT,
 * MoCo by AG_SIMILARITY_COSINE.
 * @param temperature  τ > 0 and finite.
 */
AG_API ag_variable *ag_info_nce_loss(ag_arena *arena, ag_variable *queries, ag_variable *keys,
                                     float temperature, ag_similarity similarity,
                                     ag_reduction reduction);
AG_API ag_status ag_tensor_info_nce_loss_value_and_grad(ag_arena *temp_arena, ag_tensor *out,
                                                        ag_tensor *out_queries, ag_tensor *out_keys,
                                                        const ag_tensor *queries,
                                                        const ag_tensor *keys, float temperature,
                                                        ag_similarity similarity,
                                                        ag_reduction reduction);

/**
 * InfoNCE both ways, as CLIP has it (A. Radford et al. 2021): (1/N) Σ_i of half the cross-entropy of
 * image i among the texts, and half that of text i among the images, for logits scale · s_ij. N is the
 * number of images, which is that of the texts. CLIP compares by AG_SIMILARITY_COSINE.
 * @param scale  one number, which gets a gradient too. CLIP learns its logarithm: ag_exp(arena, t).
 */
AG_API ag_variable *ag_clip_loss(ag_arena *arena, ag_variable *images, ag_variable *texts,
                                 ag_variable *scale, ag_similarity similarity,
                                 ag_reduction reduction);
AG_API ag_status ag_tensor_clip_loss_value_and_grad(ag_arena *temp_arena, ag_tensor *out,
                                                    ag_tensor *out_images, ag_tensor *out_texts,
                                                    ag_tensor *out_scale, const ag_tensor *images,
                                                    const ag_tensor *texts, const ag_tensor *scale,
                                                    ag_similarity similarity,
                                                    ag_reduction reduction);

/**
 * NT-Xent, SimCLR's loss (T. Chen et al. 2020): with z the rows of both views, one after the other,
 * (1/N) Σ_i log Σ_{j≠i} e^(s_ij/τ) - s_ip/τ, where p is row i in the other view. N is 2 · rows.
 * SimCLR compares by AG_SIMILARITY_COSINE.
 * @param temperature  τ > 0 and finite.
 */
AG_API ag_variable *ag_nt_xent_loss(ag_arena *arena, ag_variable *first, ag_variable *second,
                                    float temperature, ag_similarity similarity,
                                    ag_reduction reduction);
AG_API ag_status ag_tensor_nt_xent_loss_value_and_grad(ag_arena *temp_arena, ag_tensor *out,
                                                       ag_tensor *out_first, ag_tensor *out_second,
                                                       const ag_tensor *first,
                                                       const ag_tensor *second, float temperature,
                                                       ag_similarity similarity,
                                                       ag_reduction reduction);

/**
 * Supervised contrastive loss (P. Khosla et al. 2020, its L_out): (1/N) Σ_i of the mean, over the other
 * rows p of row i's label, of log Σ_{j≠i} e^(s_ij/τ) - s_ip/τ. A row without positives has value 0,
 * and counts: N is the number of rows. The reference compares rows of unit length,
 * AG_SIMILARITY_COSINE.
 * @param temperature  τ > 0 and finite.
 */
AG_API ag_variable *ag_sup_con_loss(ag_arena *arena, ag_variable *embeddings,
                                    const ag_indices *labels, float temperature,
                                    ag_similarity similarity, ag_reduction reduction);
AG_API ag_status ag_tensor_sup_con_loss_value_and_grad(
    ag_arena *temp_arena, ag_tensor *out, ag_tensor *out_grad, const ag_tensor *embeddings,
    const ag_indices *labels, float temperature, ag_similarity similarity, ag_reduction reduction);

/**
 * SigLIP (X. Zhai et al. 2023): (1/N) Σ_i Σ_j log(1 + e^(-y_ij z_ij)) with z_ij = scale · s_ij + bias and
 * y_ij = 1 for i = j, else -1. N is the number of images, which is that of the texts. SigLIP compares
 * by AG_SIMILARITY_COSINE.
 * @param scale, bias  one number each, which get gradients too. SigLIP learns log scale from log 10,
 *        and bias from -10.
 */
AG_API ag_variable *ag_siglip_loss(ag_arena *arena, ag_variable *images, ag_variable *texts,
                                   ag_variable *scale, ag_variable *bias, ag_similarity similarity,
                                   ag_reduction reduction);
AG_API ag_status ag_tensor_siglip_loss_value_and_grad(
    ag_arena *temp_arena, ag_tensor *out, ag_tensor *out_images, ag_tensor *out_texts,
    ag_tensor *out_scale, ag_tensor *out_bias, const ag_tensor *images, const ag_tensor *texts,
    const ag_tensor *scale, const ag_tensor *bias, ag_similarity similarity,
    ag_reduction reduction);

/**
 * ArcFace (J. Deng et al. 2019): (1/N) Σ_i of the cross-entropy of logits scale · cos θ_ij, where θ_ij is
 * the angle of embedding i to class j, and that to its own class has margin added. The loss brings
 * both to unit length. Where θ + margin > π the logit is scale · (cos θ - margin sin margin), which
 * keeps falling, as the authors' code has it. At θ = 0 the label's angle has no gradient, and gets 0.
 * Shapes: embeddings [rows, features], weight [classes, features], labels [rows] from 0 to classes - 1.
 * N is the number of rows.
 * @param scale   > 0 and finite, often 64; @param margin  in [0, 3], often 0.5.
 */
AG_API ag_variable *ag_arcface_loss(ag_arena *arena, ag_variable *embeddings, ag_variable *weight,
                                    const ag_indices *labels, float scale, float margin,
                                    ag_reduction reduction);
AG_API ag_status ag_tensor_arcface_loss_value_and_grad(
    ag_arena *temp_arena, ag_tensor *out, ag_tensor *out_embeddings, ag_tensor *out_weight,
    const ag_tensor *embeddings, const ag_tensor *weight, const ag_indices *labels, float scale,
    float margin, ag_reduction reduction);

AG_END_DECLS

#endif
