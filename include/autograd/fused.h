/* fused.h: losses together with the layer before them, whose results are never all there at once. */
#ifndef AUTOGRAD_FUSED_H
#define AUTOGRAD_FUSED_H

#include <autograd/loss.h>

AG_BEGIN_DECLS

/**
 * Cross-entropy of a linear layer's outputs: cross_entropy_labels_loss(x · weightᵀ + bias, labels), for
 * vocabularies whose logits [rows, classes] are too large to hold. They are made for some rows at a
 * time, used, and forgotten: beside inputs and gradients the call works in at most
 * 1024 · (classes + 32 · features + 4) + 8 · classes bytes, for 50,000 classes of 512 features 68 MB,
 * and in 1 MiB more where there are at most 512 classes, whatever the number of rows.
 * Shapes: x [..., features]; weight [classes, features]; bias [classes] or NULL; labels one per row of
 * x: [rows], [rows, 1], or x's leading dimensions. The result is [1], or has x's leading dimensions for
 * AG_REDUCTION_NONE.
 * Gradients go to x, weight and bias. A reduced loss makes them in its forward, as all losses do whose
 * inputs' gradients are empty: three matrix products in all. Where backward has to compute them
 * (AG_REDUCTION_NONE, or an upstream gradient that is not 1), the logits are made once more.
 * Values and gradients have the same bits for any number of threads, and a row's own depend on nothing
 * of the other rows but their number. Products are in float; all that follows is in double.
 * Options: those of cross_entropy_labels_loss, class_weights, label_smoothing, z_loss, ignore_index and
 * num_correct, beside reduction, divisor and weights of rows; NULL for none.
 * The tensors and labels must live, and keep their values, until backward is done. Both the loss and
 * ag_backward take memory to work in from their arenas, and give it back.
 * After the chunked losses of Liger Kernel (P. Hsu and others 2024, arXiv 2410.10989).
 */
AG_API ag_variable *ag_linear_cross_entropy_loss(ag_arena *arena, ag_variable *x,
                                                 ag_variable *weight, ag_variable *bias,
                                                 const ag_indices *labels,
                                                 const ag_loss_options *options);

/**
 * The same for models that are not of this library: the value, and the gradients for an upstream
 * gradient of 1 (of ones for AG_REDUCTION_NONE).
 * @param temp_arena  gives memory to work in, and is rewound.
 * @param out, out_x, out_weight, out_bias  the value and the gradients to the inputs, in their shapes;
 *     NULL where one is not wanted. out_bias must be NULL if bias is.
 */
AG_API ag_status ag_tensor_linear_cross_entropy_loss(ag_arena *temp_arena, ag_tensor *out,
                                                     ag_tensor *out_x, ag_tensor *out_weight,
                                                     ag_tensor *out_bias, const ag_tensor *x,
                                                     const ag_tensor *weight, const ag_tensor *bias,
                                                     const ag_indices *labels,
                                                     const ag_loss_options *options);

AG_END_DECLS

#endif
