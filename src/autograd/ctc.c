/* ctc.c: the public connectionist temporal classification, on variables. */
#include "config.h"

#include <autograd/ctc.h>

#include "autograd/apply.h"
#include "tensor/loss/ctc.h"

ag_variable *ag_ctc_loss(ag_arena *arena, ag_variable *log_probs, const ag_indices *targets,
                         const ag_indices *input_lengths, const ag_indices *target_lengths,
                         uint32_t blank, bool zero_infinity, ag_reduction reduction)
{
    return ag__apply(
        arena,
        ag__ctc_call(targets, input_lengths, target_lengths, blank, zero_infinity, reduction),
        &log_probs);
}
