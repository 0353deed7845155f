/* distillation.c: T² KL(softmax(teacher / T) ‖ softmax(student / T)), from logits. */
#include "config.h"

#include <string.h>

#include "core/cpu.h"
#include "tensor/loss/domain.h"
#include "tensor/rowwise.h"
#include "tensor/softmax_row.h"

/* A row of logits over T: its maximum, and what softmax_row.h calls `others`, of the quotients. */
typedef struct side {
    const float *x;
    double maximum, others, log_sum;
} side;

typedef void others_kernel(size_t, const float *, double, double, double *, double *);
typedef void terms_kernel(size_t, const side *, const side *, size_t, double, double *, double *);

AG__INLINE void sum_others(size_t n, const float *restrict x, double m, double per_unit,
                           double *restrict rests, double *restrict times)
{
    for (size_t i = 0; i < n; i += AG__CLASS_LANES) {
        size_t lanes = n - i < AG__CLASS_LANES ? n - i : AG__CLASS_LANES;
#pragma omp simd
        for (size_t k = 0; k < lanes; k++) {
            double logit = (double)x[i + k], e = ag__exp_of_negative((logit - m) * per_unit);
            rests[k] += logit == m ? 0 : e;
            times[k] += logit == m ? 1 : 0;
        }
    }
}

/*
 * With δ = log(student's p / teacher's p): p_t (e^δ - 1 - δ), whose sum is the divergence, and whose
 * terms are never negative; and the difference p_t (e^δ - 1) of the probabilities, from δ where it is
 * small, so that nearly equal rows keep their digits.
 */
AG__INLINE void divergence(size_t n, const side *student, const side *teacher, size_t offset,
                           double per_unit, double *restrict values, double *restrict differences)
{
    const float *restrict s = student->x + offset, *restrict t = teacher->x + offset;
    double ms = student->maximum, mt = teacher->maximum;
    double sum_s = 1 + student->others, sum_t = 1 + teacher->others;
    double log_ratio = teacher->log_sum - student->log_sum;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double below_s = (double)s[i] == ms ? 0 : ((double)s[i] - ms) * per_unit;
        double below_t = (double)t[i] == mt ? 0 : ((double)t[i] - mt) * per_unit;
        double p_s = ag__exp_of_negative(below_s) / sum_s;
        double p_t = ag__exp_of_negative(below_t) / sum_t;
        double delta = (below_s - below_t) + log_ratio;
        bool near = fabs(delta) < 0.5;
        double less_one = ag__expm1(near ? delta : 0);
        double series = delta * delta * (0.5 + delta * (1.0 / 6));
        double excess = fabs(delta) < 0x1p-16 ? series : less_one - delta;
        double far = p_s - p_t;
        bool impossible = below_t == -HUGE_VAL; /* adds its share of the student alone */
        bool never = below_s == -HUGE_VAL; /* of the student, were the teacher's p rounded to 0 */
        double apart = never ? HUGE_VAL : far - p_t * delta;
        values[i] = near ? p_t * excess : (impossible ? p_s : apart);
        differences[i] = near ? p_t * less_one : far;
    }
}

AG__DEFINE_KERNELS(others_kernels, others_kernel, sum_others,
                   (size_t n, const float *x, double m, double per_unit, double *rests,
                    double *times),
                   (n, x, m, per_unit, rests, times))
AG__DEFINE_KERNELS(terms_kernels, terms_kernel, divergence,
                   (size_t n, const side *student, const side *teacher, size_t offset,
                    double per_unit, double *values, double *differences),
                   (n, student, teacher, offset, per_unit, values, differences))

static side side_of(size_t n, const float *x, double per_unit)
{
    double rests[AG__CLASS_LANES] = {0}, times[AG__CLASS_LANES] = {0};
    side s = {.x = x, .maximum = (double)ag__row_maximum(n, x)};
    others_kernels[ag__cpu()](n, x, s.maximum, per_unit, rests, times);
    s.others =
        ag__others(s.maximum, ag__sum(AG__CLASS_LANES, times), ag__sum(AG__CLASS_LANES, rests));
    s.log_sum = ag__log1p(s.others);
    return s;
}

static void compute_row(const ag__rows *rows, size_t index)
{
    double values[AG__CHUNK], differences[AG__CHUNK], sum = 0;
    double temperature = rows->parameter, per_unit = 1 / temperature;
    size_t n = rows->n, offset = index * n;
    side student = side_of(n, rows->inputs[0] + offset, per_unit);
    side teacher = side_of(n, rows->inputs[1] + offset, per_unit);
    for (size_t i = 0, length; i < n; i += length) {
        length = ag__chunk_length(n - i);
        terms_kernels[ag__cpu()](length, &student, &teacher, i, per_unit, values, differences);
        sum += ag__sum(length, values);
        if (rows->sinks != NULL)
            ag__store_gradient(length, differences, NULL, rows->scales[index] * temperature,
                               &rows->sinks[0], offset + i);
    }
    if (rows->values != NULL) rows->values[index] = temperature * temperature * sum;
}

static void compute(const ag__rows *rows)
{
    for (size_t row = 0; row < rows->count; row++)
        compute_row(rows, row);
}

const ag__op ag__op_distillation_loss = {
    .name = "distillation_loss",
    .num_inputs = 2,
    .num_parents = 1,
    .num_differentiable = 1,
    .input_names = {"student", "teacher"},
    .parameter_name = "temperature",
    .parameter_range = AG__FINITE_POSITIVE,
    .takes_reduction = true,
    AG__ROWWISE,
    .law = &(const ag__rowwise){compute},
    .nanoseconds = 4 * AG__TRANSCENDENTAL,
};
