/* clip.c: keeping gradients small. */
#include "config.h"

#include <math.h>

#include "autograd/presence.h"
#include "core/parallel.h"
#include "core/status.h"
#include "optim/optimizer.h"
#include "optim/vectors.h"
#include "tensor/shape.h"

#define PIECE 4096
#define NANOSECONDS_PER_ELEMENT 0.2

static ag_status check_parameters(const char *name, size_t count, ag_variable *const *parameters)
{
    if (parameters == NULL) return ag__fail_missing(name, "parameters");
    for (size_t i = 0; i < count; i++) {
        ag_status status = ag__variable_check(name, "one of parameters", parameters[i]);
        if (status == AG_OK && parameters[i]->grad != NULL)
            status = ag__tensor_check(name, "a parameter's gradient", parameters[i]->grad);
        if (status != AG_OK) return status;
    }
    return ag__check_distinct(name, count, parameters);
}

/* What happens to each element of a gradient: it is multiplied, or kept within ± limit. */
typedef struct change {
    ag_tensor *grad;
    bool scale;
    float factor, limit;
} change;

static void change_pieces(size_t begin, size_t end, void *context)
{
    const change *c = context;
    size_t first = begin * PIECE, last = end * PIECE < c->grad->size ? end * PIECE : c->grad->size;
    float *g = c->grad->data;
    if (c->scale) {
#pragma omp simd
        for (size_t i = first; i < last; i++)
            g[i] *= c->factor;
    } else {
#pragma omp simd
        for (size_t i = first; i < last; i++)
            g[i] = g[i] > c->limit ? c->limit : g[i] < -c->limit ? -c->limit : g[i];
    }
}

static void change_gradients(size_t count, ag_variable *const *parameters, change c)
{
    for (size_t i = 0; i < count; i++) {
        if (parameters[i]->grad == NULL) continue;
        c.grad = parameters[i]->grad;
        ag__parallel_for((c.grad->size + PIECE - 1) / PIECE,
                         NANOSECONDS_PER_ELEMENT * (double)c.grad->size, change_pieces, &c);
    }
}

/* The sum of squares of all gradients. A float's square does not overflow a double. */
static ag_status sum_squares(size_t count, ag_variable *const *parameters, double *sum)
{
    *sum = 0;
    for (size_t i = 0; i < count; i++) {
        const ag_tensor *grad = parameters[i]->grad;
        if (grad == NULL) continue;
        double square = ag__vector_dot(grad->size, grad->data, grad->data);
        if (!isfinite(square))
            return ag__fail(AG_ERROR_DOMAIN,
                            "clip_grad_norm: the gradient of parameter %zu is not finite", i);
        *sum += square;
    }
    return AG_OK;
}

ag_status ag_clip_grad_norm(size_t num_parameters, ag_variable *const *parameters, float max_norm,
                            double *norm)
{
    double sum = 0;
    ag_status status = check_parameters("clip_grad_norm", num_parameters, parameters);
    if (status == AG_OK)
        status = ag__check_setting("clip_grad_norm", "max_norm", max_norm, 0, INFINITY);
    if (status == AG_OK) status = sum_squares(num_parameters, parameters, &sum);
    if (status != AG_OK) return status;
    double found = sqrt(sum), factor = (double)max_norm / (found + 1e-6);
    if (norm != NULL) *norm = found;
    if (factor < 1)
        change_gradients(num_parameters, parameters,
                         (change){.scale = true, .factor = (float)factor});
    return AG_OK;
}

ag_status ag_clip_grad_value(size_t num_parameters, ag_variable *const *parameters, float limit)
{
    ag_status status = check_parameters("clip_grad_value", num_parameters, parameters);
    if (status == AG_OK) status = ag__check_setting("clip_grad_value", "limit", limit, 0, INFINITY);
    if (status != AG_OK) return status;
    change_gradients(num_parameters, parameters, (change){.limit = limit});
    return AG_OK;
}
