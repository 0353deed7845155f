/* loss.h: the loss functions, on variables and on tensors. */
#ifndef AUTOGRAD_LOSS_H
#define AUTOGRAD_LOSS_H

#include <autograd/variable.h>

/** How the losses of the single elements or rows become the result. */
typedef enum ag_reduction {
    AG_REDUCTION_MEAN,     /**< their sum divided by their number; shape [1] */
    AG_REDUCTION_SUM,      /**< their sum; shape [1] */
    AG_REDUCTION_NONE,     /**< each by itself: the input's shape; for a row loss without its last
                                dimension, [1] if there is no other */
    AG_REDUCTION_BATCHMEAN /**< their sum divided by the size of the first dimension (by 1 for 1-D
                                input); shape [1] */
} ag_reduction;

/** What AG_REDUCTION_MEAN divides by. */
typedef enum ag_divisor {
    AG_DIVISOR_AUTO,  /**< as PyTorch: WEIGHTS for class_weights of labels, otherwise COUNT */
    AG_DIVISOR_COUNT, /**< the number of elements or rows that are not ignored */
    AG_DIVISOR_WEIGHTS, /**< the sum of their weights: of weights, times the class_weights of labels */
    AG_DIVISOR_NONZERO /**< the number of terms that are not 0, such as triplets that are not
                             yet apart */
} ag_divisor;

/**
 * What ag_<loss>_with takes beside its inputs; all of it 0, or NULL instead, is ag_<loss> with
 * AG_REDUCTION_MEAN:
 *
 *     ag_cross_entropy_loss_with(arena, logits, target, &(ag_loss_options){.label_smoothing = 0.1f});
 *
 * A loss's comment names those that it takes beside reduction, divisor and weights, which all take;
 * another that is not 0 is AG_ERROR_ARGUMENT. The struct itself is copied; the tensors must live and
 * keep their values as the inputs do, and get no gradient. A weight is finite and not negative (AG_ERROR_DOMAIN). Where
 * nothing is left to divide by, because every row was ignored or weighs 0, loss and gradients are 0.
 */
typedef struct ag_loss_options {
    ag_reduction reduction;         /**< MEAN is 0 */
    ag_divisor divisor;             /**< of MEAN */
    const ag_tensor *weights;       /**< of each element (the prediction's shape), or of each row; a
                                         mask is 0 and 1. What weighs 0 adds 0, were it NaN */
    const ag_tensor *class_weights; /**< [classes] */
    const ag_tensor *pos_weight;    /**< of t = 1: [1], [classes], or the prediction's shape */
    bool has_ignore_index;          /**< whether ignore_index is meant */
    int32_t ignore_index;           /**< rows of this label count for nothing */
    float label_smoothing;          /**< in [0, 1]: this part of each target goes to all classes */
    float z_loss;                   /**< ≥ 0: adds z_loss · (log Σ e^x)² to each row */
    bool log_target;                /**< the target holds logarithms */
    bool rate_input;                /**< of poisson_nll: the prediction is the rate, not its log */
    bool full;                      /**< add the term that depends on the target alone */
    float epsilon;                  /**< > 0; 0 for the loss's own */
    float alpha;                    /**< in (0, 1): positives weigh alpha, negatives 1 - alpha */
    float norm;                     /**< ≥ 1: the distance's p; 0 for the loss's own */
    bool swap;                      /**< of triplet: the nearer of both to the negative counts */
    bool soft_margin;               /**< log(1 + e^d) instead of max(0, d + margin) */
    size_t *num_correct;            /**< set to the number of rows, neither ignored nor of weight 0,
                                         whose first largest logit is the label's; NULL if not wanted */
} ag_loss_options;

AG_BEGIN_DECLS

/*
 * Every loss comes in these forms:
 *
 *   ag_<loss>(arena, inputs..., reduction)
 *       A node of the graph, in the arena. The inputs must live, and keep their values, until backward
 *       is done. A target never gets a gradient, whatever its requires_grad says. Returns NULL on failure. Where the
 *       gradient of a prediction is empty, its memory is written to here, so that backward has nothing
 *       left to do if the upstream gradient is 1: empty a leaf's gradient before the loss, not after.
 *       So a prediction that requires a gradient is written to by forward, too: two threads must not
 *       make losses of one at the same time (see variable.h for what threads may share).
 *   ag_tensor_<loss>(out, inputs..., reduction)
 *       The value alone; out has the shape that the reduction gives.
 *   ag_tensor_<loss>_grad(out..., inputs..., grad, reduction)
 *       The gradient alone: for each differentiable input an out of its shape, which is overwritten
 *       and may be NULL where several are and this one is not wanted. grad is the upstream gradient,
 *       in the shape that the reduction gives; 1 for the derivative itself.
 *   ag_tensor_<loss>_value_and_grad(out, out_grad..., inputs..., reduction)
 *       Both in one pass over memory, for models that are not of this library: the value, and the
 *       gradient for an upstream gradient of 1 (of ones for AG_REDUCTION_NONE).
 *   ag_<loss>_with(arena, inputs..., options)
 *       As the first, with options in place of the reduction.
 *   ag_tensor_<loss>_with(out, out_grad..., inputs..., options)
 *       As the last but one, with options; out or gradients may be NULL where they are not wanted.
 *
 * Element losses compare tensors of one shape entry by entry. Row losses treat the last dimension as
 * the classes or features of one row; a 1-D tensor is one row. Shapes must be equal: nothing is
 * broadcast. Values are computed in double and rounded once; sums are in double and have the same
 * bits for any number of threads.
 *
 * N is the divisor of the reduction, 1 for SUM and NONE. Gradients are 0 at a kink and where a margin
 * is met exactly. NaN is data: it goes into the loss and its gradient. Infinities give the limit of
 * the formula, or NaN where it has none.
 *
 * Failures leave every output untouched: AG_ERROR_NULL, AG_ERROR_STATE (a variable is gone),
 * AG_ERROR_SHAPE, AG_ERROR_MEMORY, AG_ERROR_ARGUMENT (reduction, delta, margin, options), AG_ERROR_OVERLAP (an out shares memory with another
 * argument) and AG_ERROR_DOMAIN (a value that the loss is not defined for; the message names the
 * input, the first index and the value).
 */

/**
 * Mean squared error: (1/N) Σ (p - t)². An element loss, for regression.
 * Gradient: 2 (p - t) / N. Squares and sums are formed in double, so they do not overflow before a
 * mean that float can hold.
 */
AG_API ag_variable *ag_mse_loss(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                ag_reduction reduction);
AG_API ag_status ag_tensor_mse_loss(ag_tensor *out, const ag_tensor *pred, const ag_tensor *target,
                                    ag_reduction reduction);
AG_API ag_status ag_tensor_mse_loss_grad(ag_tensor *out, const ag_tensor *pred,
                                         const ag_tensor *target, const ag_tensor *grad,
                                         ag_reduction reduction);
AG_API ag_status ag_tensor_mse_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                   const ag_tensor *pred, const ag_tensor *target,
                                                   ag_reduction reduction);
AG_API ag_variable *ag_mse_loss_with(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                     const ag_loss_options *options);
AG_API ag_status ag_tensor_mse_loss_with(ag_tensor *out, ag_tensor *out_grad, const ag_tensor *pred,
                                         const ag_tensor *target, const ag_loss_options *options);

/**
 * Absolute error: (1/N) Σ |p - t|. An element loss, for regression with outliers.
 * Gradient: sign(p - t) / N. Kink at p = t.
 */
AG_API ag_variable *ag_l1_loss(ag_arena *arena, ag_variable *pred, ag_variable *target,
                               ag_reduction reduction);
AG_API ag_status ag_tensor_l1_loss(ag_tensor *out, const ag_tensor *pred, const ag_tensor *target,
                                   ag_reduction reduction);
AG_API ag_status ag_tensor_l1_loss_grad(ag_tensor *out, const ag_tensor *pred,
                                        const ag_tensor *target, const ag_tensor *grad,
                                        ag_reduction reduction);
AG_API ag_status ag_tensor_l1_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                  const ag_tensor *pred, const ag_tensor *target,
                                                  ag_reduction reduction);
AG_API ag_variable *ag_l1_loss_with(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                    const ag_loss_options *options);
AG_API ag_status ag_tensor_l1_loss_with(ag_tensor *out, ag_tensor *out_grad, const ag_tensor *pred,
                                        const ag_tensor *target, const ag_loss_options *options);

/**
 * Huber loss (P. Huber 1964): (1/N) Σ of d²/2 where |d| ≤ δ, else δ (|d| - δ/2), with d = p - t.
 * An element loss, between mse_loss / 2 and δ times l1_loss.
 * Gradient: d / N where |d| ≤ δ, else δ sign(d) / N.
 * @param delta  δ > 0; infinity gives d²/2 everywhere.
 */
AG_API ag_variable *ag_huber_loss(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                  float delta, ag_reduction reduction);
AG_API ag_status ag_tensor_huber_loss(ag_tensor *out, const ag_tensor *pred,
                                      const ag_tensor *target, float delta, ag_reduction reduction);
AG_API ag_status ag_tensor_huber_loss_grad(ag_tensor *out, const ag_tensor *pred,
                                           const ag_tensor *target, const ag_tensor *grad,
                                           float delta, ag_reduction reduction);
AG_API ag_status ag_tensor_huber_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                     const ag_tensor *pred, const ag_tensor *target,
                                                     float delta, ag_reduction reduction);
AG_API ag_variable *ag_huber_loss_with(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                       float delta, const ag_loss_options *options);
AG_API ag_status ag_tensor_huber_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                           const ag_tensor *pred, const ag_tensor *target,
                                           float delta, const ag_loss_options *options);

/**
 * Binary cross-entropy of probabilities: -(1/N) Σ [t log p + (1-t) log(1-p)]. An element loss;
 * bce_with_logits_loss is the better choice where logits are at hand.
 * Gradient: (p - t) / (p (1-p)) / N. Each logarithm is floored at -100, and p (1-p) at 1e-12, so both
 * are finite at p = 0 and 1. Domain: p in [0, 1].
 */
AG_API ag_variable *ag_bce_loss(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                ag_reduction reduction);
AG_API ag_status ag_tensor_bce_loss(ag_tensor *out, const ag_tensor *pred, const ag_tensor *target,
                                    ag_reduction reduction);
AG_API ag_status ag_tensor_bce_loss_grad(ag_tensor *out, const ag_tensor *pred,
                                         const ag_tensor *target, const ag_tensor *grad,
                                         ag_reduction reduction);
AG_API ag_status ag_tensor_bce_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                   const ag_tensor *pred, const ag_tensor *target,
                                                   ag_reduction reduction);
AG_API ag_variable *ag_bce_loss_with(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                     const ag_loss_options *options);
AG_API ag_status ag_tensor_bce_loss_with(ag_tensor *out, ag_tensor *out_grad, const ag_tensor *pred,
                                         const ag_tensor *target, const ag_loss_options *options);

/**
 * Binary cross-entropy of logits: (1/N) Σ max(x,0) - x t + log(1 + e^-|x|). An element loss.
 * Gradient: (σ(x) - t) / N. Value and gradient are exact in both tails.
 * Options: pos_weight p, which makes it p t log(1 + e^-x) + (1 - t) log(1 + e^x).
 */
AG_API ag_variable *ag_bce_with_logits_loss(ag_arena *arena, ag_variable *logits,
                                            ag_variable *target, ag_reduction reduction);
AG_API ag_status ag_tensor_bce_with_logits_loss(ag_tensor *out, const ag_tensor *logits,
                                                const ag_tensor *target, ag_reduction reduction);
AG_API ag_status ag_tensor_bce_with_logits_loss_grad(ag_tensor *out, const ag_tensor *logits,
                                                     const ag_tensor *target, const ag_tensor *grad,
                                                     ag_reduction reduction);
AG_API ag_status ag_tensor_bce_with_logits_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                               const ag_tensor *logits,
                                                               const ag_tensor *target,
                                                               ag_reduction reduction);
AG_API ag_variable *ag_bce_with_logits_loss_with(ag_arena *arena, ag_variable *logits,
                                                 ag_variable *target,
                                                 const ag_loss_options *options);
AG_API ag_status ag_tensor_bce_with_logits_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                                     const ag_tensor *logits,
                                                     const ag_tensor *target,
                                                     const ag_loss_options *options);

/**
 * Cross-entropy of logits: (1/N) Σ_rows Σ_c t_c (log Σ_j e^x_j - x_c). A row loss.
 * Shapes: logits and target [..., classes]; target holds probabilities, or a one-hot row.
 * Gradient: (S softmax(x)_c - t_c) / N with S = Σ_c t_c, the true derivative also of rows that do not
 * sum to 1. A class with t_c = 0 adds 0 even where x_c = -∞. Applies log-softmax itself: do not apply
 * softmax before.
 * Options: label_smoothing s and class_weights w, which put w_c ((1-s) t_c + s / classes) in the place of
 * t_c (C. Szegedy et al. 2016); z_loss (A. Chowdhery et al. 2022). With smoothing a logit of -∞ makes the
 * loss infinite, as its limit is; the gradient is finite, and at that class -w_c s / classes / N or less.
 */
AG_API ag_variable *ag_cross_entropy_loss(ag_arena *arena, ag_variable *logits, ag_variable *target,
                                          ag_reduction reduction);
AG_API ag_status ag_tensor_cross_entropy_loss(ag_tensor *out, const ag_tensor *logits,
                                              const ag_tensor *target, ag_reduction reduction);
AG_API ag_status ag_tensor_cross_entropy_loss_grad(ag_tensor *out, const ag_tensor *logits,
                                                   const ag_tensor *target, const ag_tensor *grad,
                                                   ag_reduction reduction);
AG_API ag_status ag_tensor_cross_entropy_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                             const ag_tensor *logits,
                                                             const ag_tensor *target,
                                                             ag_reduction reduction);
AG_API ag_variable *ag_cross_entropy_loss_with(ag_arena *arena, ag_variable *logits,
                                               ag_variable *target, const ag_loss_options *options);
AG_API ag_status ag_tensor_cross_entropy_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                                   const ag_tensor *logits, const ag_tensor *target,
                                                   const ag_loss_options *options);

/**
 * Cross-entropy of logits and classes: (1/N) Σ_rows (log Σ_j e^x_j - x_y), with y the row's label. A
 * row loss: cross_entropy_loss for one-hot rows that nobody has to write.
 * Shapes: logits [..., classes]; labels one per row: [rows], [rows, 1], or the leading dimensions.
 * Gradient: (softmax(x)_c - 1[c = y]) / N. Domain: labels from 0 to classes - 1; of another one, that is
 * not ignored, the message names the first.
 * Options: class_weights, label_smoothing and z_loss as in cross_entropy_loss, for the one-hot row;
 * ignore_index; num_correct. Under AG_DIVISOR_AUTO class_weights make N the sum of the labels' weights.
 * The labels must live, and keep their values, until backward is done.
 */
AG_API ag_variable *ag_cross_entropy_labels_loss(ag_arena *arena, ag_variable *logits,
                                                 const ag_indices *labels, ag_reduction reduction);
AG_API ag_status ag_tensor_cross_entropy_labels_loss(ag_tensor *out, const ag_tensor *logits,
                                                     const ag_indices *labels,
                                                     ag_reduction reduction);
AG_API ag_status ag_tensor_cross_entropy_labels_loss_grad(ag_tensor *out, const ag_tensor *logits,
                                                          const ag_indices *labels,
                                                          const ag_tensor *grad,
                                                          ag_reduction reduction);
AG_API ag_status ag_tensor_cross_entropy_labels_loss_value_and_grad(ag_tensor *out,
                                                                    ag_tensor *out_grad,
                                                                    const ag_tensor *logits,
                                                                    const ag_indices *labels,
                                                                    ag_reduction reduction);
AG_API ag_variable *ag_cross_entropy_labels_loss_with(ag_arena *arena, ag_variable *logits,
                                                      const ag_indices *labels,
                                                      const ag_loss_options *options);
AG_API ag_status ag_tensor_cross_entropy_labels_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                                          const ag_tensor *logits,
                                                          const ag_indices *labels,
                                                          const ag_loss_options *options);

/**
 * Negative log-likelihood: -(1/N) Σ_rows Σ_c t_c l_c. A row loss on log-probabilities, such as
 * ag_log_softmax gives. Shapes: log_probs and target [..., classes].
 * Gradient: -t_c / N. A class with t_c = 0 adds 0 even where l_c = -∞.
 * Options: class_weights w, which put w_c t_c in the place of t_c.
 */
AG_API ag_variable *ag_nll_loss(ag_arena *arena, ag_variable *log_probs, ag_variable *target,
                                ag_reduction reduction);
AG_API ag_status ag_tensor_nll_loss(ag_tensor *out, const ag_tensor *log_probs,
                                    const ag_tensor *target, ag_reduction reduction);
AG_API ag_status ag_tensor_nll_loss_grad(ag_tensor *out, const ag_tensor *log_probs,
                                         const ag_tensor *target, const ag_tensor *grad,
                                         ag_reduction reduction);
AG_API ag_status ag_tensor_nll_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                   const ag_tensor *log_probs,
                                                   const ag_tensor *target, ag_reduction reduction);
AG_API ag_variable *ag_nll_loss_with(ag_arena *arena, ag_variable *log_probs, ag_variable *target,
                                     const ag_loss_options *options);
AG_API ag_status ag_tensor_nll_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                         const ag_tensor *log_probs, const ag_tensor *target,
                                         const ag_loss_options *options);

/**
 * Negative log-likelihood of classes: -(1/N) Σ_rows l_y, which is nll_loss for one-hot rows. A row loss;
 * shapes, domain and divisor as in cross_entropy_labels_loss.
 * Gradient: -1/N at the label, 0 elsewhere.
 * Options: class_weights, ignore_index, num_correct.
 */
AG_API ag_variable *ag_nll_labels_loss(ag_arena *arena, ag_variable *log_probs,
                                       const ag_indices *labels, ag_reduction reduction);
AG_API ag_status ag_tensor_nll_labels_loss(ag_tensor *out, const ag_tensor *log_probs,
                                           const ag_indices *labels, ag_reduction reduction);
AG_API ag_status ag_tensor_nll_labels_loss_grad(ag_tensor *out, const ag_tensor *log_probs,
                                                const ag_indices *labels, const ag_tensor *grad,
                                                ag_reduction reduction);
AG_API ag_status ag_tensor_nll_labels_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                          const ag_tensor *log_probs,
                                                          const ag_indices *labels,
                                                          ag_reduction reduction);
AG_API ag_variable *ag_nll_labels_loss_with(ag_arena *arena, ag_variable *log_probs,
                                            const ag_indices *labels,
                                            const ag_loss_options *options);
AG_API ag_status ag_tensor_nll_labels_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                                const ag_tensor *log_probs,
                                                const ag_indices *labels,
                                                const ag_loss_options *options);

/**
 * Kullback-Leibler divergence: (1/N) Σ t (log t - p), 0 where t = 0. An element loss; p holds
 * log-probabilities. BATCHMEAN gives the divergence per example.
 * Gradient: -t / N. Domain: t ≥ 0.
 * Options: log_target, with which the target holds log t and may be any number; -∞ adds 0.
 */
AG_API ag_variable *ag_kl_div_loss(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                   ag_reduction reduction);
AG_API ag_status ag_tensor_kl_div_loss(ag_tensor *out, const ag_tensor *pred,
                                       const ag_tensor *target, ag_reduction reduction);
AG_API ag_status ag_tensor_kl_div_loss_grad(ag_tensor *out, const ag_tensor *pred,
                                            const ag_tensor *target, const ag_tensor *grad,
                                            ag_reduction reduction);
AG_API ag_status ag_tensor_kl_div_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                      const ag_tensor *pred,
                                                      const ag_tensor *target,
                                                      ag_reduction reduction);
AG_API ag_variable *ag_kl_div_loss_with(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                        const ag_loss_options *options);
AG_API ag_status ag_tensor_kl_div_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                            const ag_tensor *pred, const ag_tensor *target,
                                            const ag_loss_options *options);

/**
 * Hinge loss: (1/N) Σ max(0, 1 - p t). An element loss, for classification with a margin.
 * Gradient: -t / N where 1 - p t > 0, else 0. Kink at p t = 1. Domain: t is -1 or 1.
 */
AG_API ag_variable *ag_hinge_loss(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                  ag_reduction reduction);
AG_API ag_status ag_tensor_hinge_loss(ag_tensor *out, const ag_tensor *pred,
                                      const ag_tensor *target, ag_reduction reduction);
AG_API ag_status ag_tensor_hinge_loss_grad(ag_tensor *out, const ag_tensor *pred,
                                           const ag_tensor *target, const ag_tensor *grad,
                                           ag_reduction reduction);
AG_API ag_status ag_tensor_hinge_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                     const ag_tensor *pred, const ag_tensor *target,
                                                     ag_reduction reduction);
AG_API ag_variable *ag_hinge_loss_with(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                       const ag_loss_options *options);
AG_API ag_status ag_tensor_hinge_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                           const ag_tensor *pred, const ag_tensor *target,
                                           const ag_loss_options *options);

/**
 * L2 regularisation: (1/N) Σ w²/2. An element loss of one input. With an adaptive optimiser use
 * AdamW's weight decay instead, which does not pass through the scaling by past gradients.
 * Gradient: w / N.
 */
AG_API ag_variable *ag_l2_loss(ag_arena *arena, ag_variable *weights, ag_reduction reduction);
AG_API ag_status ag_tensor_l2_loss(ag_tensor *out, const ag_tensor *weights,
                                   ag_reduction reduction);
AG_API ag_status ag_tensor_l2_loss_grad(ag_tensor *out, const ag_tensor *weights,
                                        const ag_tensor *grad, ag_reduction reduction);
AG_API ag_status ag_tensor_l2_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                  const ag_tensor *weights, ag_reduction reduction);
AG_API ag_variable *ag_l2_loss_with(ag_arena *arena, ag_variable *weights,
                                    const ag_loss_options *options);
AG_API ag_status ag_tensor_l2_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                        const ag_tensor *weights, const ag_loss_options *options);

/**
 * L1 regularisation: (1/N) Σ |w|, which pushes weights to exactly 0. An element loss of one input.
 * Gradient: sign(w) / N. Kink at w = 0.
 */
AG_API ag_variable *ag_l1_regularization(ag_arena *arena, ag_variable *weights,
                                         ag_reduction reduction);
AG_API ag_status ag_tensor_l1_regularization(ag_tensor *out, const ag_tensor *weights,
                                             ag_reduction reduction);
AG_API ag_status ag_tensor_l1_regularization_grad(ag_tensor *out, const ag_tensor *weights,
                                                  const ag_tensor *grad, ag_reduction reduction);
AG_API ag_status ag_tensor_l1_regularization_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                            const ag_tensor *weights,
                                                            ag_reduction reduction);
AG_API ag_variable *ag_l1_regularization_with(ag_arena *arena, ag_variable *weights,
                                              const ag_loss_options *options);
AG_API ag_status ag_tensor_l1_regularization_with(ag_tensor *out, ag_tensor *out_grad,
                                                  const ag_tensor *weights,
                                                  const ag_loss_options *options);

/**
 * Cosine embedding loss: (1/N) Σ_rows of 1 - cos(x1, x2) where t = 1, max(0, cos(x1, x2) - margin)
 * where t = -1. A row loss that draws pairs together or apart.
 * Shapes: x1 and x2 [..., features]; target one label per row, [rows] or [rows, 1].
 * Gradient to x1: ∓(x2 - x1 (x1·x2)/|x1|²) / (|x1| |x2|) / N, - for t = 1; to x2 by symmetry; 0 where
 * the margin is kept. A zero vector has cosine 0 and gradient 0. Domain: t is -1 or 1.
 * @param margin  finite, usually in [-1, 1].
 */
AG_API ag_variable *ag_cosine_embedding_loss(ag_arena *arena, ag_variable *x1, ag_variable *x2,
                                             ag_variable *target, float margin,
                                             ag_reduction reduction);
AG_API ag_status ag_tensor_cosine_embedding_loss(ag_tensor *out, const ag_tensor *x1,
                                                 const ag_tensor *x2, const ag_tensor *target,
                                                 float margin, ag_reduction reduction);
AG_API ag_status ag_tensor_cosine_embedding_loss_grad(ag_tensor *out_x1, ag_tensor *out_x2,
                                                      const ag_tensor *x1, const ag_tensor *x2,
                                                      const ag_tensor *target,
                                                      const ag_tensor *grad, float margin,
                                                      ag_reduction reduction);
AG_API ag_status ag_tensor_cosine_embedding_loss_value_and_grad(
    ag_tensor *out, ag_tensor *out_x1, ag_tensor *out_x2, const ag_tensor *x1, const ag_tensor *x2,
    const ag_tensor *target, float margin, ag_reduction reduction);
AG_API ag_variable *ag_cosine_embedding_loss_with(ag_arena *arena, ag_variable *x1, ag_variable *x2,
                                                  ag_variable *target, float margin,
                                                  const ag_loss_options *options);
AG_API ag_status ag_tensor_cosine_embedding_loss_with(ag_tensor *out, ag_tensor *out_x1,
                                                      ag_tensor *out_x2, const ag_tensor *x1,
                                                      const ag_tensor *x2, const ag_tensor *target,
                                                      float margin, const ag_loss_options *options);

/**
 * Triplet loss (F. Schroff et al. 2015): (1/N) Σ_rows max(0, |a - p| - |a - n| + margin), with Euclidean
 * distances. A row loss on embeddings; in the source the distances are squared.
 * Shapes: anchor, positive and negative [..., features].
 * Gradient: (a-p)/|a-p| - (a-n)/|a-n| to the anchor, -(a-p)/|a-p| to the positive, (a-n)/|a-n| to the
 * negative, each / N, where the loss is positive; a distance of 0 adds 0.
 * Options: norm p and epsilon ε, for distances |u - v + ε|_p as PyTorch has them (2 and 0 if they are not
 * given); swap, with which the nearer of anchor and positive to the negative counts (V. Balntas et al.
 * 2016; the anchor if both are equally near); soft_margin, log(1 + e^(|a-p| - |a-n|)), which knows no
 * margin (A. Hermans et al. 2017). AG_DIVISOR_NONZERO divides by the triplets that are not yet apart.
 * For other distances, make them of operations, [rows] each, and say that the one to the negative is to
 * be larger: ag_hinge_loss on their difference with a target of 1 has a margin of 1, ag_softplus of
 * d_positive - d_negative is the soft margin.
 * @param margin  finite, usually positive.
 */
AG_API ag_variable *ag_triplet_loss(ag_arena *arena, ag_variable *anchor, ag_variable *positive,
                                    ag_variable *negative, float margin, ag_reduction reduction);
AG_API ag_status ag_tensor_triplet_loss(ag_tensor *out, const ag_tensor *anchor,
                                        const ag_tensor *positive, const ag_tensor *negative,
                                        float margin, ag_reduction reduction);
AG_API ag_status ag_tensor_triplet_loss_grad(ag_tensor *out_anchor, ag_tensor *out_positive,
                                             ag_tensor *out_negative, const ag_tensor *anchor,
                                             const ag_tensor *positive, const ag_tensor *negative,
                                             const ag_tensor *grad, float margin,
                                             ag_reduction reduction);
AG_API ag_status ag_tensor_triplet_loss_value_and_grad(
    ag_tensor *out, ag_tensor *out_anchor, ag_tensor *out_positive, ag_tensor *out_negative,
    const ag_tensor *anchor, const ag_tensor *positive, const ag_tensor *negative, float margin,
    ag_reduction reduction);
AG_API ag_variable *ag_triplet_loss_with(ag_arena *arena, ag_variable *anchor,
                                         ag_variable *positive, ag_variable *negative, float margin,
                                         const ag_loss_options *options);
AG_API ag_status ag_tensor_triplet_loss_with(ag_tensor *out, ag_tensor *out_anchor,
                                             ag_tensor *out_positive, ag_tensor *out_negative,
                                             const ag_tensor *anchor, const ag_tensor *positive,
                                             const ag_tensor *negative, float margin,
                                             const ag_loss_options *options);

/**
 * Smooth absolute error (R. Girshick 2015): (1/N) Σ of d²/(2β) where |d| < β, else |d| - β/2, with
 * d = p - t. An element loss: huber_loss / β, which tends to l1_loss as β does to 0.
 * Gradient: d / β / N where |d| < β, else sign(d) / N.
 * @param beta  β ≥ 0; 0 gives l1_loss.
 */
AG_API ag_variable *ag_smooth_l1_loss(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                      float beta, ag_reduction reduction);
AG_API ag_status ag_tensor_smooth_l1_loss(ag_tensor *out, const ag_tensor *pred,
                                          const ag_tensor *target, float beta,
                                          ag_reduction reduction);
AG_API ag_status ag_tensor_smooth_l1_loss_grad(ag_tensor *out, const ag_tensor *pred,
                                               const ag_tensor *target, const ag_tensor *grad,
                                               float beta, ag_reduction reduction);
AG_API ag_status ag_tensor_smooth_l1_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                         const ag_tensor *pred,
                                                         const ag_tensor *target, float beta,
                                                         ag_reduction reduction);
AG_API ag_variable *ag_smooth_l1_loss_with(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                           float beta, const ag_loss_options *options);
AG_API ag_status ag_tensor_smooth_l1_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                               const ag_tensor *pred, const ag_tensor *target,
                                               float beta, const ag_loss_options *options);

/**
 * Soft margin: (1/N) Σ log(1 + e^(-x t)). An element loss: logistic regression with labels -1 and 1.
 * Gradient: -t σ(-x t) / N. Value and gradient are exact in both tails. Domain: t is -1 or 1.
 */
AG_API ag_variable *ag_soft_margin_loss(ag_arena *arena, ag_variable *logits, ag_variable *target,
                                        ag_reduction reduction);
AG_API ag_status ag_tensor_soft_margin_loss(ag_tensor *out, const ag_tensor *logits,
                                            const ag_tensor *target, ag_reduction reduction);
AG_API ag_status ag_tensor_soft_margin_loss_grad(ag_tensor *out, const ag_tensor *logits,
                                                 const ag_tensor *target, const ag_tensor *grad,
                                                 ag_reduction reduction);
AG_API ag_status ag_tensor_soft_margin_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                           const ag_tensor *logits,
                                                           const ag_tensor *target,
                                                           ag_reduction reduction);
AG_API ag_variable *ag_soft_margin_loss_with(ag_arena *arena, ag_variable *logits,
                                             ag_variable *target, const ag_loss_options *options);
AG_API ag_status ag_tensor_soft_margin_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                                 const ag_tensor *logits, const ag_tensor *target,
                                                 const ag_loss_options *options);

/**
 * Multilabel soft margin: (1/N) Σ_rows (1/C) Σ_c w_c (log(1 + e^x_c) - x_c t_c) of C classes that may all hold at
 * once. A row loss: each row is the mean of its classes' bce_with_logits_loss.
 * Shapes: logits and target [..., classes]. Gradient: w_c (σ(x_c) - t_c) / C / N. Value and gradient are exact
 * in both tails. Domain: t in [0, 1].
 * Options: class_weights w, 1 each if not given.
 */
AG_API ag_variable *ag_multilabel_soft_margin_loss(ag_arena *arena, ag_variable *logits,
                                                   ag_variable *target, ag_reduction reduction);
AG_API ag_status ag_tensor_multilabel_soft_margin_loss(ag_tensor *out, const ag_tensor *logits,
                                                       const ag_tensor *target,
                                                       ag_reduction reduction);
AG_API ag_status ag_tensor_multilabel_soft_margin_loss_grad(ag_tensor *out, const ag_tensor *logits,
                                                            const ag_tensor *target,
                                                            const ag_tensor *grad,
                                                            ag_reduction reduction);
AG_API ag_status ag_tensor_multilabel_soft_margin_loss_value_and_grad(ag_tensor *out,
                                                                      ag_tensor *out_grad,
                                                                      const ag_tensor *logits,
                                                                      const ag_tensor *target,
                                                                      ag_reduction reduction);
AG_API ag_variable *ag_multilabel_soft_margin_loss_with(ag_arena *arena, ag_variable *logits,
                                                        ag_variable *target,
                                                        const ag_loss_options *options);
AG_API ag_status ag_tensor_multilabel_soft_margin_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                                            const ag_tensor *logits,
                                                            const ag_tensor *target,
                                                            const ag_loss_options *options);

/**
 * Multi-class hinge (K. Crammer and Y. Singer 2001; J. Weston and C. Watkins 1999): (1/N) Σ_rows (1/C) Σ_{c≠y} w_y
 * max(0, m - x_y + x_c)^p, with y the row's label among C classes. A row loss: each class should stay a margin
 * below the right one.
 * Shapes: logits [..., classes]; labels one per row, as in cross_entropy_labels_loss.
 * Gradient: w_y p z^(p-1) / C / N to x_c where z = m - x_y + x_c > 0, and minus their sum to x_y.
 * Options: norm is p, 1 (if not given) or 2; class_weights w, by which AG_DIVISOR_AUTO does not divide, as in
 * PyTorch; ignore_index; num_correct.
 * @param margin  m, finite, usually 1.
 */
AG_API ag_variable *ag_multi_margin_loss(ag_arena *arena, ag_variable *logits,
                                         const ag_indices *labels, float margin,
                                         ag_reduction reduction);
AG_API ag_status ag_tensor_multi_margin_loss(ag_tensor *out, const ag_tensor *logits,
                                             const ag_indices *labels, float margin,
                                             ag_reduction reduction);
AG_API ag_status ag_tensor_multi_margin_loss_grad(ag_tensor *out, const ag_tensor *logits,
                                                  const ag_indices *labels, const ag_tensor *grad,
                                                  float margin, ag_reduction reduction);
AG_API ag_status ag_tensor_multi_margin_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                            const ag_tensor *logits,
                                                            const ag_indices *labels, float margin,
                                                            ag_reduction reduction);
AG_API ag_variable *ag_multi_margin_loss_with(ag_arena *arena, ag_variable *logits,
                                              const ag_indices *labels, float margin,
                                              const ag_loss_options *options);
AG_API ag_status ag_tensor_multi_margin_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                                  const ag_tensor *logits, const ag_indices *labels,
                                                  float margin, const ag_loss_options *options);

/**
 * Multilabel margin: (1/N) Σ_rows (1/C) Σ_{y∈Y} Σ_{c∉Y} max(0, m - x_y + x_c), with Y the row's labels, any number of
 * C classes. A row loss: every class that holds should stand a margin above every one that does not.
 * Shapes: logits [..., classes]; labels of the same shape: those of a row stand first, then a -1, after which nothing
 * counts. As in PyTorch a label that stands twice counts twice; a row without any has the loss 0.
 * Gradient: 1 / C / N to x_c and -1 / C / N to x_y for every pair of which m - x_y + x_c > 0.
 * Domain: labels are -1 or in [0, C).
 * @param margin  m, finite, usually 1.
 */
AG_API ag_variable *ag_multilabel_margin_loss(ag_arena *arena, ag_variable *logits,
                                              const ag_indices *labels, float margin,
                                              ag_reduction reduction);
AG_API ag_status ag_tensor_multilabel_margin_loss(ag_tensor *out, const ag_tensor *logits,
                                                  const ag_indices *labels, float margin,
                                                  ag_reduction reduction);
AG_API ag_status ag_tensor_multilabel_margin_loss_grad(ag_tensor *out, const ag_tensor *logits,
                                                       const ag_indices *labels,
                                                       const ag_tensor *grad, float margin,
                                                       ag_reduction reduction);
AG_API ag_status ag_tensor_multilabel_margin_loss_value_and_grad(
    ag_tensor *out, ag_tensor *out_grad, const ag_tensor *logits, const ag_indices *labels,
    float margin, ag_reduction reduction);
AG_API ag_variable *ag_multilabel_margin_loss_with(ag_arena *arena, ag_variable *logits,
                                                   const ag_indices *labels, float margin,
                                                   const ag_loss_options *options);
AG_API ag_status ag_tensor_multilabel_margin_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                                       const ag_tensor *logits,
                                                       const ag_indices *labels, float margin,
                                                       const ag_loss_options *options);

/**
 * Hinge embedding: (1/N) Σ of x where t = 1, max(0, margin - x) where t = -1. An element loss on distances
 * x of pairs that are alike or not.
 * Gradient: 1/N where t = 1; -1/N where t = -1 and x < margin, else 0. Domain: t is -1 or 1.
 * @param margin  finite, usually 1.
 */
AG_API ag_variable *ag_hinge_embedding_loss(ag_arena *arena, ag_variable *distance,
                                            ag_variable *target, float margin,
                                            ag_reduction reduction);
AG_API ag_status ag_tensor_hinge_embedding_loss(ag_tensor *out, const ag_tensor *distance,
                                                const ag_tensor *target, float margin,
                                                ag_reduction reduction);
AG_API ag_status ag_tensor_hinge_embedding_loss_grad(ag_tensor *out, const ag_tensor *distance,
                                                     const ag_tensor *target, const ag_tensor *grad,
                                                     float margin, ag_reduction reduction);
AG_API ag_status ag_tensor_hinge_embedding_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                               const ag_tensor *distance,
                                                               const ag_tensor *target,
                                                               float margin,
                                                               ag_reduction reduction);
AG_API ag_variable *ag_hinge_embedding_loss_with(ag_arena *arena, ag_variable *distance,
                                                 ag_variable *target, float margin,
                                                 const ag_loss_options *options);
AG_API ag_status ag_tensor_hinge_embedding_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                                     const ag_tensor *distance,
                                                     const ag_tensor *target, float margin,
                                                     const ag_loss_options *options);

/**
 * Margin ranking: (1/N) Σ max(0, margin - t (x1 - x2)). An element loss on scores: x1 is to rank above x2
 * where t = 1, below it where t = -1.
 * Gradient where the loss is positive: -t / N to x1, t / N to x2. Domain: t is -1 or 1.
 * @param margin  finite, usually not negative.
 */
AG_API ag_variable *ag_margin_ranking_loss(ag_arena *arena, ag_variable *x1, ag_variable *x2,
                                           ag_variable *target, float margin,
                                           ag_reduction reduction);
AG_API ag_status ag_tensor_margin_ranking_loss(ag_tensor *out, const ag_tensor *x1,
                                               const ag_tensor *x2, const ag_tensor *target,
                                               float margin, ag_reduction reduction);
AG_API ag_status ag_tensor_margin_ranking_loss_grad(ag_tensor *out_x1, ag_tensor *out_x2,
                                                    const ag_tensor *x1, const ag_tensor *x2,
                                                    const ag_tensor *target, const ag_tensor *grad,
                                                    float margin, ag_reduction reduction);
AG_API ag_status ag_tensor_margin_ranking_loss_value_and_grad(
    ag_tensor *out, ag_tensor *out_x1, ag_tensor *out_x2, const ag_tensor *x1, const ag_tensor *x2,
    const ag_tensor *target, float margin, ag_reduction reduction);
AG_API ag_variable *ag_margin_ranking_loss_with(ag_arena *arena, ag_variable *x1, ag_variable *x2,
                                                ag_variable *target, float margin,
                                                const ag_loss_options *options);
AG_API ag_status ag_tensor_margin_ranking_loss_with(ag_tensor *out, ag_tensor *out_x1,
                                                    ag_tensor *out_x2, const ag_tensor *x1,
                                                    const ag_tensor *x2, const ag_tensor *target,
                                                    float margin, const ag_loss_options *options);

/**
 * Negative log-likelihood of counts: (1/N) Σ e^x - t x, with x the logarithm of a Poisson distribution's
 * rate. An element loss.
 * Gradient: (e^x - t) / N. Domain: t ≥ 0.
 * Options: rate_input takes the rate r itself: r - t log(r + epsilon), with gradient 1 - t / (r + epsilon);
 * r ≥ 0 then, and epsilon is 1e-8 if it is not given. full adds Stirling's t log t - t + ½ log(2π t) where
 * t > 1.
 */
AG_API ag_variable *ag_poisson_nll_loss(ag_arena *arena, ag_variable *log_rate, ag_variable *target,
                                        ag_reduction reduction);
AG_API ag_status ag_tensor_poisson_nll_loss(ag_tensor *out, const ag_tensor *log_rate,
                                            const ag_tensor *target, ag_reduction reduction);
AG_API ag_status ag_tensor_poisson_nll_loss_grad(ag_tensor *out, const ag_tensor *log_rate,
                                                 const ag_tensor *target, const ag_tensor *grad,
                                                 ag_reduction reduction);
AG_API ag_status ag_tensor_poisson_nll_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                           const ag_tensor *log_rate,
                                                           const ag_tensor *target,
                                                           ag_reduction reduction);
AG_API ag_variable *ag_poisson_nll_loss_with(ag_arena *arena, ag_variable *log_rate,
                                             ag_variable *target, const ag_loss_options *options);
AG_API ag_status ag_tensor_poisson_nll_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                                 const ag_tensor *log_rate, const ag_tensor *target,
                                                 const ag_loss_options *options);

/**
 * Negative log-likelihood of normal distributions (D. Nix and A. Weigend 1994): (1/N) Σ ½ (log v +
 * (t - m)²/v). An element loss of predicted mean m and variance v.
 * Gradient: (m - t) / v / N to the mean, ½ (1 - (m - t)²/v) / v / N to the variance. A variance below
 * epsilon is taken for epsilon, in value and gradient, as PyTorch does. Domain: v ≥ 0.
 * Options: epsilon, 1e-6 if it is not given; full adds ½ log(2π).
 */
AG_API ag_variable *ag_gaussian_nll_loss(ag_arena *arena, ag_variable *mean, ag_variable *variance,
                                         ag_variable *target, ag_reduction reduction);
AG_API ag_status ag_tensor_gaussian_nll_loss(ag_tensor *out, const ag_tensor *mean,
                                             const ag_tensor *variance, const ag_tensor *target,
                                             ag_reduction reduction);
AG_API ag_status ag_tensor_gaussian_nll_loss_grad(ag_tensor *out_mean, ag_tensor *out_variance,
                                                  const ag_tensor *mean, const ag_tensor *variance,
                                                  const ag_tensor *target, const ag_tensor *grad,
                                                  ag_reduction reduction);
AG_API ag_status ag_tensor_gaussian_nll_loss_value_and_grad(
    ag_tensor *out, ag_tensor *out_mean, ag_tensor *out_variance, const ag_tensor *mean,
    const ag_tensor *variance, const ag_tensor *target, ag_reduction reduction);
AG_API ag_variable *ag_gaussian_nll_loss_with(ag_arena *arena, ag_variable *mean,
                                              ag_variable *variance, ag_variable *target,
                                              const ag_loss_options *options);
AG_API ag_status ag_tensor_gaussian_nll_loss_with(ag_tensor *out, ag_tensor *out_mean,
                                                  ag_tensor *out_variance, const ag_tensor *mean,
                                                  const ag_tensor *variance,
                                                  const ag_tensor *target,
                                                  const ag_loss_options *options);

/**
 * Log-cosh: (1/N) Σ log cosh(p - t). An element loss, d²/2 for small d = p - t and |d| - log 2 for large ones.
 * Gradient: tanh(p - t) / N. Exact for the smallest and the largest differences.
 */
AG_API ag_variable *ag_log_cosh_loss(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                     ag_reduction reduction);
AG_API ag_status ag_tensor_log_cosh_loss(ag_tensor *out, const ag_tensor *pred,
                                         const ag_tensor *target, ag_reduction reduction);
AG_API ag_status ag_tensor_log_cosh_loss_grad(ag_tensor *out, const ag_tensor *pred,
                                              const ag_tensor *target, const ag_tensor *grad,
                                              ag_reduction reduction);
AG_API ag_status ag_tensor_log_cosh_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                        const ag_tensor *pred,
                                                        const ag_tensor *target,
                                                        ag_reduction reduction);
AG_API ag_variable *ag_log_cosh_loss_with(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                          const ag_loss_options *options);
AG_API ag_status ag_tensor_log_cosh_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                              const ag_tensor *pred, const ag_tensor *target,
                                              const ag_loss_options *options);

/**
 * Quantile or pinball loss (R. Koenker and G. Bassett 1978): (1/N) Σ of q (t - p) where p < t, (1 - q)(p - t)
 * where p > t. An element loss, least where p is the q-quantile of t.
 * Gradient: -q / N where p < t, (1 - q) / N where p > t, 0 where they are equal.
 * @param q  in (0, 1); ½ gives half of l1_loss.
 */
AG_API ag_variable *ag_quantile_loss(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                     float q, ag_reduction reduction);
AG_API ag_status ag_tensor_quantile_loss(ag_tensor *out, const ag_tensor *pred,
                                         const ag_tensor *target, float q, ag_reduction reduction);
AG_API ag_status ag_tensor_quantile_loss_grad(ag_tensor *out, const ag_tensor *pred,
                                              const ag_tensor *target, const ag_tensor *grad,
                                              float q, ag_reduction reduction);
AG_API ag_status ag_tensor_quantile_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                        const ag_tensor *pred,
                                                        const ag_tensor *target, float q,
                                                        ag_reduction reduction);
AG_API ag_variable *ag_quantile_loss_with(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                          float q, const ag_loss_options *options);
AG_API ag_status ag_tensor_quantile_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                              const ag_tensor *pred, const ag_tensor *target,
                                              float q, const ag_loss_options *options);

/**
 * Squared hinge: (1/N) Σ max(0, 1 - p t)². An element loss, for classification with a margin.
 * Gradient: -2 t max(0, 1 - p t) / N. Domain: t is -1 or 1.
 */
AG_API ag_variable *ag_squared_hinge_loss(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                          ag_reduction reduction);
AG_API ag_status ag_tensor_squared_hinge_loss(ag_tensor *out, const ag_tensor *pred,
                                              const ag_tensor *target, ag_reduction reduction);
AG_API ag_status ag_tensor_squared_hinge_loss_grad(ag_tensor *out, const ag_tensor *pred,
                                                   const ag_tensor *target, const ag_tensor *grad,
                                                   ag_reduction reduction);
AG_API ag_status ag_tensor_squared_hinge_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                             const ag_tensor *pred,
                                                             const ag_tensor *target,
                                                             ag_reduction reduction);
AG_API ag_variable *ag_squared_hinge_loss_with(ag_arena *arena, ag_variable *pred,
                                               ag_variable *target, const ag_loss_options *options);
AG_API ag_status ag_tensor_squared_hinge_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                                   const ag_tensor *pred, const ag_tensor *target,
                                                   const ag_loss_options *options);

/**
 * Focal loss of logits (T.-Y. Lin et al. 2017): (1/N) Σ r^γ (log(1 + e^x) - x t), with
 * r = t (1 - σ(x)) + (1 - t) σ(x). An element loss: bce_with_logits_loss in which what is right already
 * counts for less.
 * Gradient: r^γ (σ - t + γ (1 - 2t) σ (1 - σ) c / r) / N, with c the cross-entropy. Value and gradient are
 * exact in both tails and finite for every γ. Domain: t in [0, 1].
 * Options: alpha weighs positives with alpha and negatives with 1 - alpha, a target between them with
 * alpha t + (1 - alpha)(1 - t).
 * @param gamma  γ ≥ 0, usually 2; 0 gives bce_with_logits_loss.
 */
AG_API ag_variable *ag_focal_with_logits_loss(ag_arena *arena, ag_variable *logits,
                                              ag_variable *target, float gamma,
                                              ag_reduction reduction);
AG_API ag_status ag_tensor_focal_with_logits_loss(ag_tensor *out, const ag_tensor *logits,
                                                  const ag_tensor *target, float gamma,
                                                  ag_reduction reduction);
AG_API ag_status ag_tensor_focal_with_logits_loss_grad(ag_tensor *out, const ag_tensor *logits,
                                                       const ag_tensor *target,
                                                       const ag_tensor *grad, float gamma,
                                                       ag_reduction reduction);
AG_API ag_status ag_tensor_focal_with_logits_loss_value_and_grad(
    ag_tensor *out, ag_tensor *out_grad, const ag_tensor *logits, const ag_tensor *target,
    float gamma, ag_reduction reduction);
AG_API ag_variable *ag_focal_with_logits_loss_with(ag_arena *arena, ag_variable *logits,
                                                   ag_variable *target, float gamma,
                                                   const ag_loss_options *options);
AG_API ag_status ag_tensor_focal_with_logits_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                                       const ag_tensor *logits,
                                                       const ag_tensor *target, float gamma,
                                                       const ag_loss_options *options);

/**
 * Focal loss of a softmax: -(1/N) Σ_rows Σ_c t_c (1 - p_c)^γ log p_c, with p = softmax(x). A row loss:
 * cross_entropy_loss in which rows that are right already count for less (T.-Y. Lin et al. 2017).
 * Shapes: logits and target [..., classes]; target holds probabilities, or a one-hot row.
 * Gradient: (W p_c - w_c) / N, with w_c = t_c ((1 - p_c)^γ - γ p_c (1 - p_c)^(γ - 1) log p_c) and W = Σ w.
 * Value and gradient are exact where a class is nearly certain, and finite for every γ.
 * Options: class_weights.
 * @param gamma  γ ≥ 0, usually 2; 0 gives cross_entropy_loss.
 */
AG_API ag_variable *ag_focal_loss(ag_arena *arena, ag_variable *logits, ag_variable *target,
                                  float gamma, ag_reduction reduction);
AG_API ag_status ag_tensor_focal_loss(ag_tensor *out, const ag_tensor *logits,
                                      const ag_tensor *target, float gamma, ag_reduction reduction);
AG_API ag_status ag_tensor_focal_loss_grad(ag_tensor *out, const ag_tensor *logits,
                                           const ag_tensor *target, const ag_tensor *grad,
                                           float gamma, ag_reduction reduction);
AG_API ag_status ag_tensor_focal_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                     const ag_tensor *logits,
                                                     const ag_tensor *target, float gamma,
                                                     ag_reduction reduction);
AG_API ag_variable *ag_focal_loss_with(ag_arena *arena, ag_variable *logits, ag_variable *target,
                                       float gamma, const ag_loss_options *options);
AG_API ag_status ag_tensor_focal_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                           const ag_tensor *logits, const ag_tensor *target,
                                           float gamma, const ag_loss_options *options);

/**
 * Generalised cross-entropy (Z. Zhang and M. Sabuncu 2018): (1/N) Σ_rows Σ_c t_c (1 - p_c^q) / q, with
 * p = softmax(x). A row loss for labels of which some are wrong: cross_entropy_loss as q tends to 0, the
 * absolute error of the probability at q = 1.
 * Shapes: logits and target [..., classes]. Gradient: (W p_c - w_c) / N, with w_c = t_c p_c^q and W = Σ w.
 * Exact where a class is nearly certain. Options: class_weights.
 * @param q  in (0, 1], usually 0.7.
 */
AG_API ag_variable *ag_generalized_cross_entropy_loss(ag_arena *arena, ag_variable *logits,
                                                      ag_variable *target, float q,
                                                      ag_reduction reduction);
AG_API ag_status ag_tensor_generalized_cross_entropy_loss(ag_tensor *out, const ag_tensor *logits,
                                                          const ag_tensor *target, float q,
                                                          ag_reduction reduction);
AG_API ag_status ag_tensor_generalized_cross_entropy_loss_grad(ag_tensor *out,
                                                               const ag_tensor *logits,
                                                               const ag_tensor *target,
                                                               const ag_tensor *grad, float q,
                                                               ag_reduction reduction);
AG_API ag_status ag_tensor_generalized_cross_entropy_loss_value_and_grad(
    ag_tensor *out, ag_tensor *out_grad, const ag_tensor *logits, const ag_tensor *target, float q,
    ag_reduction reduction);
AG_API ag_variable *ag_generalized_cross_entropy_loss_with(ag_arena *arena, ag_variable *logits,
                                                           ag_variable *target, float q,
                                                           const ag_loss_options *options);
AG_API ag_status ag_tensor_generalized_cross_entropy_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                                               const ag_tensor *logits,
                                                               const ag_tensor *target, float q,
                                                               const ag_loss_options *options);

/**
 * Dice loss (F. Milletari et al. 2016): (1/N) Σ_rows 1 - (2 Σ p t + s) / (Σ p + Σ t + s), with sums over the
 * last dimension and s the smoothing. A row loss on probabilities: for a whole picture per row, reshape to
 * [batch, pixels], which copies nothing.
 * Gradient: tversky_loss's, for α = β = ½ and half the smoothing. A perfect prediction has loss 0 exactly.
 * Domain: p and t in [0, 1].
 * Options: epsilon is the smoothing s, 1 if it is not given.
 */
AG_API ag_variable *ag_dice_loss(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                 ag_reduction reduction);
AG_API ag_status ag_tensor_dice_loss(ag_tensor *out, const ag_tensor *pred, const ag_tensor *target,
                                     ag_reduction reduction);
AG_API ag_status ag_tensor_dice_loss_grad(ag_tensor *out, const ag_tensor *pred,
                                          const ag_tensor *target, const ag_tensor *grad,
                                          ag_reduction reduction);
AG_API ag_status ag_tensor_dice_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                    const ag_tensor *pred, const ag_tensor *target,
                                                    ag_reduction reduction);
AG_API ag_variable *ag_dice_loss_with(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                      const ag_loss_options *options);
AG_API ag_status ag_tensor_dice_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                          const ag_tensor *pred, const ag_tensor *target,
                                          const ag_loss_options *options);

/**
 * Tversky loss (S. Salehi et al. 2017): (1/N) Σ_rows 1 - (TP + s) / (TP + α FP + β FN + s), with TP = Σ p t,
 * FP = Σ p (1 - t), FN = Σ (1 - p) t over the last dimension and s the smoothing. A row loss on probabilities;
 * α weighs false alarms, β what was missed.
 * Gradient: (M' (TP + s) - M t) / (TP + M + s)² / N, with M = α FP + β FN and M' = α (1 - t) - β t.
 * Domain: p and t in [0, 1].
 * Options: epsilon is the smoothing s, 1 if it is not given.
 * @param alpha  α ≥ 0, finite.
 * @param beta   β ≥ 0, finite; α = β = ½ gives dice_loss with half its smoothing.
 */
AG_API ag_variable *ag_tversky_loss(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                    float alpha, float beta, ag_reduction reduction);
AG_API ag_status ag_tensor_tversky_loss(ag_tensor *out, const ag_tensor *pred,
                                        const ag_tensor *target, float alpha, float beta,
                                        ag_reduction reduction);
AG_API ag_status ag_tensor_tversky_loss_grad(ag_tensor *out, const ag_tensor *pred,
                                             const ag_tensor *target, const ag_tensor *grad,
                                             float alpha, float beta, ag_reduction reduction);
AG_API ag_status ag_tensor_tversky_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                       const ag_tensor *pred,
                                                       const ag_tensor *target, float alpha,
                                                       float beta, ag_reduction reduction);
AG_API ag_variable *ag_tversky_loss_with(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                         float alpha, float beta, const ag_loss_options *options);
AG_API ag_status ag_tensor_tversky_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                             const ag_tensor *pred, const ag_tensor *target,
                                             float alpha, float beta,
                                             const ag_loss_options *options);

/**
 * Jensen-Shannon divergence: (1/N) Σ_rows Σ_c ½ (p log(2p/(p + t)) + t log(2t/(p + t))). A row loss of two
 * rows of probabilities; from 0, exact where they are equal or nearly so, to log 2.
 * Shapes: pred and target [..., classes]. Gradient to pred: ½ log(2 p_c/(p_c + t_c)) / N; -∞ where p_c = 0
 * and t_c is not, 0 where both are 0. Domain: p and t in [0, 1].
 */
AG_API ag_variable *ag_jensen_shannon_loss(ag_arena *arena, ag_variable *pred, ag_variable *target,
                                           ag_reduction reduction);
AG_API ag_status ag_tensor_jensen_shannon_loss(ag_tensor *out, const ag_tensor *pred,
                                               const ag_tensor *target, ag_reduction reduction);
AG_API ag_status ag_tensor_jensen_shannon_loss_grad(ag_tensor *out, const ag_tensor *pred,
                                                    const ag_tensor *target, const ag_tensor *grad,
                                                    ag_reduction reduction);
AG_API ag_status ag_tensor_jensen_shannon_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                              const ag_tensor *pred,
                                                              const ag_tensor *target,
                                                              ag_reduction reduction);
AG_API ag_variable *ag_jensen_shannon_loss_with(ag_arena *arena, ag_variable *pred,
                                                ag_variable *target,
                                                const ag_loss_options *options);
AG_API ag_status ag_tensor_jensen_shannon_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                                    const ag_tensor *pred, const ag_tensor *target,
                                                    const ag_loss_options *options);

/**
 * Distillation (G. Hinton, O. Vinyals, J. Dean 2015): (1/N) Σ_rows T² KL(softmax(teacher / T) ‖
 * softmax(student / T)). A row loss of two rows of logits, in one node: no probabilities are stored or
 * rounded. Value and gradient are exact where student and teacher nearly agree and where they are nearly
 * certain.
 * Shapes: student and teacher [..., classes]. Gradient to the student:
 * T (softmax(student / T)_c - softmax(teacher / T)_c) / N.
 * @param temperature  T > 0, finite.
 */
AG_API ag_variable *ag_distillation_loss(ag_arena *arena, ag_variable *student,
                                         ag_variable *teacher, float temperature,
                                         ag_reduction reduction);
AG_API ag_status ag_tensor_distillation_loss(ag_tensor *out, const ag_tensor *student,
                                             const ag_tensor *teacher, float temperature,
                                             ag_reduction reduction);
AG_API ag_status ag_tensor_distillation_loss_grad(ag_tensor *out, const ag_tensor *student,
                                                  const ag_tensor *teacher, const ag_tensor *grad,
                                                  float temperature, ag_reduction reduction);
AG_API ag_status ag_tensor_distillation_loss_value_and_grad(ag_tensor *out, ag_tensor *out_grad,
                                                            const ag_tensor *student,
                                                            const ag_tensor *teacher,
                                                            float temperature,
                                                            ag_reduction reduction);
AG_API ag_variable *ag_distillation_loss_with(ag_arena *arena, ag_variable *student,
                                              ag_variable *teacher, float temperature,
                                              const ag_loss_options *options);
AG_API ag_status ag_tensor_distillation_loss_with(ag_tensor *out, ag_tensor *out_grad,
                                                  const ag_tensor *student,
                                                  const ag_tensor *teacher, float temperature,
                                                  const ag_loss_options *options);

AG_END_DECLS

#endif
