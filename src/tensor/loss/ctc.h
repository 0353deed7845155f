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

/*
 * One sequence; its states are its labels with blanks before, between and after them. A path goes from frame
 * to frame to the same state, to the next, or, unless that would leave out the blank between two equal labels,
 * from label to label.
 */
typedef struct ag__ctc_sequence {
    size_t frames, labels;
    const float *log_probs; /* of the first frame */
    size_t stride;          /* from one frame to the next */

    size_t states;
    uint32_t *classes; /* of each state */
    double *skips; /* 1 for states that may be reached from two before, else 0; two more, of 0 */
    double *emissions; /* room for the log-probabilities of the states at a frame */
} ag__ctc_sequence;

static inline size_t ag__ctc_states(size_t labels)
{
    return 2 * labels + 1;
}

/* ---- memory, in doubles, for sequences of at most so many labels ---- */

/* The lattice's row of one frame has two places before its states and two behind, for paths from nowhere. */
#define AG__CTC_BESIDE 2

static inline size_t ag__ctc_row(size_t labels)
{
    return ag__ctc_states(labels) + 2 * AG__CTC_BESIDE;
}

/* The tables of a sequence: skips, emissions, classes. */
static inline size_t ag__ctc_tables(size_t labels)
{
    return 3 * ag__ctc_states(labels) + AG__CTC_BESIDE;
}

/* ---- a pass over the lattice ---- */

/* Fills the tables, which lie in `memory`, of a sequence whose other fields are set. */
void ag__ctc_prepare(ag__ctc_sequence *q, const int32_t *target, uint32_t blank, double *memory);

/*
 * One frame of the forward algorithm: writes the row of the logarithms of what all paths up to frame t make that
 * end in each state, from the row before, NULL if there is none. Backwards it is what all paths from frame
 * t on make that begin there, from the row behind.
 */
void ag__ctc_advance(const ag__ctc_sequence *q, bool backwards, size_t t, const double *before,
                     double *now);

/* log Σ_paths Π_t p_t, from the last row of a forward pass. */
double ag__ctc_log_sum(const ag__ctc_sequence *q, const double *last);

/* Adds -share of paths, by class, to a row of all classes at frame t, from the rows of both passes there. */
void ag__ctc_add_shares(const ag__ctc_sequence *q, size_t t, const double *forward,
                        const double *backward, double log_sum, double *row);

#endif
