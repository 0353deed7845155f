/* row_softmax.c: the softmax of a row of similarities, and the law of losses with one positive. */
#include "config.h"

#include "tensor/contrastive/row_softmax.h"

#include "tensor/chunk.h"
#include "tensor/softmax_row.h"

typedef void exponentials_kernel(size_t n, float *s, double scale, double top, double *out);

AG__INLINE void write_exponentials(size_t n, float *restrict s, double scale, double top,
                                   double *restrict out)
{
#pragma omp simd
    for (size_t j = 0; j < n; j++) {
        double below = scale * (double)s[j] - top; /* above 0 by rounding, if at all */
        double e = ag__exp_of_negative(below > 0 ? 0 : below);
        out[j] = e;
        s[j] = (float)e;
    }
}

AG__DEFINE_KERNELS(exponentials_kernels, exponentials_kernel, write_exponentials,
                   (size_t n, float *s, double scale, double top, double *out),
                   (n, s, scale, top, out))

double ag__top_logit(size_t n, const float *s, double scale)
{
    if (scale > 0) return scale * (double)ag__row_maximum(n, s);
    float least = HUGE_VALF;
    for (size_t j = 0; j < n; j++)
        least = s[j] < least ? s[j] : least;
    return scale * (double)least;
}

double ag__exponentials(size_t n, float *s, double scale, double top)
{
    double chunk[AG__CHUNK], sum = 0;
    for (size_t j = 0, length; j < n; j += length) {
        length = ag__chunk_length(n - j);
        exponentials_kernels[ag__cpu()](length, s + j, scale, top, chunk);
        sum += ag__sum(length, chunk);
    }
    return sum;
}

void ag__multiply_row(size_t n, float *s, double factor)
{
    for (size_t j = 0; j < n; j++)
        s[j] = (float)((double)s[j] * factor);
}

double ag__one_positive(const ag__contrast *c, size_t row, float *s, ag__positive positive)
{
    size_t n = c->columns.rows;
    double logit = positive.logit;
    s[positive.column] = -HUGE_VALF; /* counted apart */
    if (positive.excluded != AG__NOWHERE) s[positive.excluded] = -HUGE_VALF;
    double others = ag__top_logit(n, s, c->scale), top = others > logit ? others : logit;
    double rest = ag__exponentials(n, s, c->scale, top), own = ag__exp_of_negative(logit - top);
    double value = others > logit ? log(rest + own) + (top - logit) : log1p(rest);
    if (c->with_slopes) {
        double slope = ag__factor(c, row) * c->scale / (rest + own);
        ag__multiply_row(n, s, slope);
        s[positive.column] = (float)(-slope * rest * positive.slope);
    }
    return value + (logit - logit); /* NaN of NaN */
}
