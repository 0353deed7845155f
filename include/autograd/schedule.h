/* schedule.h: learning rates that change as training goes on. */
#ifndef AUTOGRAD_SCHEDULE_H
#define AUTOGRAD_SCHEDULE_H

#include <autograd/api.h>

/*
 * A schedule is a function of the step alone, which counts from 0, as PyTorch's schedules define it.
 * There is no state to save: before step k,
 *     ag_optimizer_set_learning_rate(optimizer, ag_schedule_cosine(&schedule, k));
 * Settings out of their range give NaN, which ag_optimizer_set_learning_rate refuses, with the
 * reason in ag_last_error.
 */

/** From warm-up to the end along half a cosine. */
typedef struct ag_cosine_schedule {
    float learning_rate;        /**< the highest; ≥ 0 */
    float lowest_learning_rate; /**< at the end; ≥ 0 */
    float warmup_start;         /**< fraction of learning_rate at step 0 of the warm-up; 0 to 1 */
    uint64_t warmup_steps;      /**< 0 for no warm-up */
    uint64_t num_steps;         /**< when lowest_learning_rate is reached; above warmup_steps */
} ag_cosine_schedule;

/** Up to the highest learning rate and down to almost nothing; ag_one_cycle_defaults. */
typedef struct ag_one_cycle_schedule {
    float max_learning_rate; /**< the highest; ≥ 0 */
    uint64_t num_steps;      /**< of the whole cycle, at least 2 */
    float warmup_fraction;   /**< of the steps, in which it rises; above 0, below 1; 0.3 */
    float division;          /**< it starts at max_learning_rate / division; ≥ 1; 25 */
    float final_division;    /**< and ends at a further final_division below that; ≥ 1; 1e4 */
    float base_momentum;     /**< when the learning rate is highest; 0 to below 1; 0.85 */
    float max_momentum;      /**< at both ends; 0 to below 1; 0.95 */
    bool linear;             /**< straight lines, not cosines */
} ag_one_cycle_schedule;

AG_BEGIN_DECLS

/** learning_rate · gamma^(step / every), the quotient rounded down; every ≥ 1, gamma ≥ 0. */
AG_API float ag_schedule_step(float learning_rate, uint64_t every, float gamma, uint64_t step);

/**
 * learning_rate · gamma^n, where n of the milestones lie at or before the step.
 * @param milestones  in any order; NULL if there are none.
 */
AG_API float ag_schedule_multi_step(float learning_rate, size_t num_milestones,
                                    const uint64_t *milestones, float gamma, uint64_t step);

/** learning_rate · gamma^step. */
AG_API float ag_schedule_exponential(float learning_rate, float gamma, uint64_t step);

/**
 * For W warm-up steps the straight line from warmup_start · learning_rate up to learning_rate; then,
 * with t = (step - W) / (num_steps - W),
 *     lowest + (learning_rate - lowest) · (1 + cos(π t)) / 2,
 * and lowest after the end (I. Loshchilov and F. Hutter 2017, without restarts).
 */
AG_API float ag_schedule_cosine(const ag_cosine_schedule *schedule, uint64_t step);

/** The usual cycle of so many steps, as the comments of ag_one_cycle_schedule say. */
AG_API ag_one_cycle_schedule ag_one_cycle_defaults(float max_learning_rate, uint64_t num_steps);

/**
 * The learning rate of the 1cycle policy (L. Smith and N. Topin 2018), in two phases as PyTorch's
 * OneCycleLR has it: the first ends at step warmup_fraction · num_steps - 1, the second at
 * num_steps - 1, after which nothing changes. Between the ends of a phase half a cosine, or a line.
 */
AG_API float ag_schedule_one_cycle(const ag_one_cycle_schedule *schedule, uint64_t step);

/** The momentum that goes with it: for ag_optimizer_set_momentum. */
AG_API float ag_schedule_one_cycle_momentum(const ag_one_cycle_schedule *schedule, uint64_t step);

AG_END_DECLS

#endif
