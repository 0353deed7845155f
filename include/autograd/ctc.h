/* ctc.h: the loss of sequences whose labels are not aligned with their frames. */
#ifndef AUTOGRAD_CTC_H
#define AUTOGRAD_CTC_H

#include <autograd/loss.h>

AG_BEGIN_DECLS

/**
 * Connectionist temporal classification (A. Graves and others 2006): for each sequence -log Σ_paths Π_t p_t, over
 * all paths of a class per frame that become the sequence's labels once repeated classes are merged and
 * blanks removed. Computed by the forward-backward algorithm, on logarithms in double.
 * Shapes: log_probs [time, batch, classes], such as log_softmax gives; targets [batch, longest], of which what
 * lies beyond a sequence's length is not read; lengths [batch]. The result is [1], or [batch] for
 * AG_REDUCTION_NONE. As in PyTorch, AG_REDUCTION_MEAN divides each sequence's loss by its number of labels (by 1
 * where there are none), and their sum by batch; AG_REDUCTION_BATCHMEAN divides by batch alone.
 * Gradient: the true derivative, minus the share of paths through class c at frame t; frames beyond a
 * sequence's length get 0. PyTorch adds e^log_probs, which log_softmax takes out again: through log_softmax
 * the gradients are the same. A sequence that no path fits, as its labels need more frames than there are,
 * has loss infinity and gradient NaN, or 0 and 0 by zero_infinity.
 * Errors: AG_ERROR_ARGUMENT (blank), AG_ERROR_DOMAIN (a length that is more than there is, a label that is blank or no
 * class); for others see loss.h.
 * Tensors and indices must live, and keep their values, until backward is done.
 * @param input_lengths  frames of each sequence, from 0 to time; NULL: all of them.
 * @param target_lengths  labels of each sequence, from 0 to longest; NULL: all of them.
 * @param blank  the class that stands for no label, usually 0.
 */
AG_API ag_variable *ag_ctc_loss(ag_arena *arena, ag_variable *log_probs, const ag_indices *targets,
                                const ag_indices *input_lengths, const ag_indices *target_lengths,
                                uint32_t blank, bool zero_infinity, ag_reduction reduction);

/**
 * The same for models that are not of this library: the value, and the gradient for an upstream gradient of 1
 * (of ones for AG_REDUCTION_NONE).
 * @param temp_arena  gives memory to work in, and is rewound.
 * @param out, out_grad  NULL where one is not wanted.
 */
AG_API ag_status ag_tensor_ctc_loss_value_and_grad(ag_arena *temp_arena, ag_tensor *out,
                                                   ag_tensor *out_grad, const ag_tensor *log_probs,
                                                   const ag_indices *targets,
                                                   const ag_indices *input_lengths,
                                                   const ag_indices *target_lengths, uint32_t blank,
                                                   bool zero_infinity, ag_reduction reduction);

AG_END_DECLS

#endif
