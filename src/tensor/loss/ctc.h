/* ctc.h: connectionist temporal classification as one operation. */
#ifndef AG_TENSOR_LOSS_CTC_H
#define AG_TENSOR_LOSS_CTC_H

#include "tensor/op.h"

extern const ag__op ag__op_ctc_loss;

enum { AG__CTC_BLANK, AG__CTC_ZERO_INFINITY };          /* integers of the call */
enum { AG__CTC_INPUT_LENGTHS, AG__CTC_TARGET_LENGTHS }; /* lengths of the call */

/* The call without its input. */
static inline ag__call ag__ctc_call(const ag_indices *targets, const ag_indices *input_lengths,
                                    const ag_indices *target_lengths, uint32_t blank,
                                    bool zero_infinity, ag_reduction reduction)
{
    return (ag__call){.op = &ag__op_ctc_loss,
                      .reduction = reduction,
                      .integers = {blank, zero_infinity},
                      .indices = targets,
                      .lengths = {input_lengths, target_lengths}};
}

/* One sequence; its states are its labels with blanks before, between and after them. */
typedef struct ag__ctc_sequence {
    size_t frames, labels;
    const float *log_probs; /* of the first frame */
    size_t stride;          /* from one frame to the next */
    const int32_t *target;
    size_t blank;
} ag__ctc_sequence;

static inline size_t ag__ctc_states(size_t labels)
{
    return 2 * labels + 1;
}

static inline size_t ag__ctc_class(const ag__ctc_sequence *q, size_t state)
{
    return state % 2 ? (size_t)q->target[state / 2] : q->blank;
}

/*
 * One frame of the forward algorithm: now[r] is the logarithm of what all paths up to frame t make that
 * end in state r, from `before` at the last frame, NULL if there is none. Backwards it goes from the last
 * frame to the first, and r counts from the last state.
 */
void ag__ctc_advance(const ag__ctc_sequence *q, bool backwards, size_t t, const double *before,
                     double *now);

/* log Σ_paths Π_t p_t, from the last frame of a forward pass. */
double ag__ctc_log_sum(const ag__ctc_sequence *q, const double *last);

/* Adds -share of paths, by class, to a row of all classes at frame t; from both passes at that frame. */
void ag__ctc_add_shares(const ag__ctc_sequence *q, size_t t, const double *forward,
                        const double *backward, double log_sum, double *row);

#endif
