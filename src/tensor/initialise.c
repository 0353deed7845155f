/*
 * initialise.c: what the parameters of a network start from.
 *
 * Like random.c it is built without fused multiply-adds, and no sum is vectorised: only +, -, *, /
 * and sqrt of double in a fixed order, so that the numbers are the same on every machine.
 */
#include "config.h"

#include <autograd/init.h>

#include <math.h>
#include <string.h>

#include "core/elementary.h"
#include "core/status.h"
#include "tensor/shape.h"

typedef struct fans {
    double in, out;
} fans;

/* ---- checks ---- */

static ag_status check(const char *name, const ag_tensor *tensor, const ag_random *random)
{
    ag_status status = ag__tensor_check(name, "tensor", tensor);
    if (status == AG_OK && random == NULL) status = ag__fail_missing(name, "random");
    return status;
}

static ag_status check_weight(const char *name, const ag_tensor *tensor, const ag_random *random,
                              float gain)
{
    ag_status status = check(name, tensor, random);
    if (status != AG_OK) return status;
    if (tensor->ndims < 2)
        return ag__fail(AG_ERROR_SHAPE, "%s: tensor is %s but must have at least 2 dimensions",
                        name, ag__tensor_shape_text(tensor).text);
    if (gain >= 0 && gain < INFINITY) return AG_OK;
    return ag__fail(AG_ERROR_ARGUMENT, "%s: gain is %g but must be at least 0 and finite", name,
                    (double)gain);
}

static ag_status check_fan(const char *name, ag_fan fan)
{
    if (fan == AG_FAN_IN || fan == AG_FAN_OUT) return AG_OK;
    return ag__fail(AG_ERROR_ARGUMENT, "%s: fan is %d, which is none", name, (int)fan);
}

static fans fans_of(const ag_tensor *tensor)
{
    double window = (double)(tensor->size / tensor->shape[0] / tensor->shape[1]);
    return (fans){.in = tensor->shape[1] * window, .out = tensor->shape[0] * window};
}

float ag_init_gain(ag_nonlinearity nonlinearity, float slope)
{
    switch (nonlinearity) {
    case AG_NONLINEARITY_NONE:
    case AG_NONLINEARITY_SIGMOID: return 1;
    case AG_NONLINEARITY_TANH: return 5.0f / 3;
    case AG_NONLINEARITY_RELU: return (float)sqrt(2);
    case AG_NONLINEARITY_LEAKY_RELU: return (float)sqrt(2 / (1 + (double)slope * (double)slope));
    case AG_NONLINEARITY_SELU: return 0.75f;
    }
    ag__fail(AG_ERROR_ARGUMENT, "init_gain: nonlinearity is %d, which is none", (int)nonlinearity);
    return NAN;
}

/* ---- with a given variance ---- */

/* As wide as gives the standard deviation. */
static ag_status fill_uniform(ag_tensor *tensor, ag_random *random, double stddev)
{
    float bound = (float)(sqrt(3) * stddev);
    return ag_tensor_fill_uniform(tensor, random, -bound, bound);
}

static double kaiming(const ag_tensor *tensor, ag_fan fan, float gain)
{
    fans f = fans_of(tensor);
    return (double)gain / sqrt(fan == AG_FAN_IN ? f.in : f.out);
}

ag_status ag_init_kaiming_uniform(ag_tensor *tensor, ag_random *random, ag_fan fan, float gain)
{
    ag_status status = check_weight("init_kaiming_uniform", tensor, random, gain);
    if (status == AG_OK) status = check_fan("init_kaiming_uniform", fan);
    return status == AG_OK ? fill_uniform(tensor, random, kaiming(tensor, fan, gain)) : status;
}

ag_status ag_init_kaiming_normal(ag_tensor *tensor, ag_random *random, ag_fan fan, float gain)
{
    ag_status status = check_weight("init_kaiming_normal", tensor, random, gain);
    if (status == AG_OK) status = check_fan("init_kaiming_normal", fan);
    if (status != AG_OK) return status;
    return ag_tensor_fill_normal(tensor, random, 0, (float)kaiming(tensor, fan, gain));
}

static double xavier(const ag_tensor *tensor, float gain)
{
    fans f = fans_of(tensor);
    return (double)gain * sqrt(2 / (f.in + f.out));
}

ag_status ag_init_xavier_uniform(ag_tensor *tensor, ag_random *random, float gain)
{
    ag_status status = check_weight("init_xavier_uniform", tensor, random, gain);
    return status == AG_OK ? fill_uniform(tensor, random, xavier(tensor, gain)) : status;
}

ag_status ag_init_xavier_normal(ag_tensor *tensor, ag_random *random, float gain)
{
    ag_status status = check_weight("init_xavier_normal", tensor, random, gain);
    if (status != AG_OK) return status;
    return ag_tensor_fill_normal(tensor, random, 0, (float)xavier(tensor, gain));
}

/* ---- orthogonal ---- */

/* In four sums, so that an addition need not wait for the one before. */
static double dot(size_t n, const double *x, const double *y)
{
    double sums[4] = {0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t k = 0; k < 4; k++)
            sums[k] += x[i + k] * y[i + k];
    for (; i < n; i++)
        sums[0] += x[i] * y[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/*
 * Makes a row orthogonal to those before it and of length 1. Twice is enough (L. Giraud et al. 2005);
 * false if nothing is left of it.
 */
static bool orthogonalise(size_t n, double *rows, size_t row)
{
    double *own = rows + row * n, length = sqrt(dot(n, own, own));
    for (size_t k = 0; k < 2 * row; k++) {
        const double *other = rows + k % row * n;
        double share = dot(n, own, other);
        for (size_t i = 0; i < n; i++)
            own[i] -= share * other[i];
    }
    double left = sqrt(dot(n, own, own));
    if (!(left > 1e-10 * length)) return false;
    for (size_t i = 0; i < n; i++)
        own[i] /= left;
    return true;
}

/* count ≤ n. That a row has to be drawn again is not to be expected before the end of the world. */
static void draw_orthonormal_rows(size_t count, size_t n, double *rows, ag_random *random)
{
    for (size_t row = 0; row < count; row++)
        do
            for (size_t i = 0; i < n; i++)
                rows[row * n + i] = (double)ag_random_normal(random, 0, 1);
        while (!orthogonalise(n, rows, row));
}

ag_status ag_init_orthogonal(ag_arena *temp_arena, ag_tensor *tensor, ag_random *random, float gain)
{
    if (temp_arena == NULL) return ag__fail_null("init_orthogonal", "temp_arena");
    ag_status status = check_weight("init_orthogonal", tensor, random, gain);
    if (status != AG_OK) return status;
    size_t height = tensor->shape[0], width = tensor->size / height;
    bool upright = height > width; /* then the columns are orthonormal */
    size_t count = upright ? width : height, n = upright ? height : width;
    ag_mark mark = ag_arena_mark(temp_arena);
    double *rows = ag_arena_alloc(temp_arena, count * n * sizeof *rows);
    if (rows == NULL) return ag_last_status();
    draw_orthonormal_rows(count, n, rows, random);
    for (size_t i = 0; i < height; i++)
        for (size_t j = 0; j < width; j++)
            tensor->data[i * width + j] =
                (float)((double)gain * (upright ? rows[j * n + i] : rows[i * n + j]));
    return ag_arena_rewind(temp_arena, mark);
}

/* ---- truncated normal ---- */

static ag_status check_interval(float mean, float stddev, float low, float high)
{
    static const char name[] = "init_truncated_normal";
    if (!isfinite(mean) || !(stddev > 0 && stddev < INFINITY))
        return ag__fail(AG_ERROR_ARGUMENT,
                        "%s: mean %g and stddev %g must be finite, and stddev above 0", name,
                        (double)mean, (double)stddev);
    double reach = 2 * (double)stddev;
    if (low < high && (double)low <= (double)mean + reach && (double)high >= (double)mean - reach)
        return AG_OK;
    return ag__fail(AG_ERROR_ARGUMENT,
                    "%s: [%g, %g] is no interval that comes within 2 stddev of the mean, %g", name,
                    (double)low, (double)high, (double)mean);
}

/* The density of the standard normal distribution, relative to that in the middle. */
static double relative_density(double z)
{
    return ag__exp(-z * z / 2);
}

/*
 * Accepts a normal number within the interval, or a uniform one with a chance proportional to the
 * density, whichever is accepted more often: at least every 50th.
 */
ag_status ag_init_truncated_normal(ag_tensor *tensor, ag_random *random, float mean, float stddev,
                                   float low, float high)
{
    ag_status status = check("init_truncated_normal", tensor, random);
    if (status == AG_OK) status = check_interval(mean, stddev, low, high);
    if (status != AG_OK) return status;
    double m = (double)mean, s = (double)stddev;
    double nearest = fmin(fmax(m, (double)low), (double)high);
    double densest = relative_density((nearest - m) / s);
    bool narrow = ((double)high - (double)low) / s * densest < sqrt(2 * 3.14159265358979323846);
    for (size_t i = 0; i < tensor->size; i++) {
        float value;
        bool accepted;
        do {
            value = narrow ? ag_random_uniform(random, low, high)
                           : ag_random_normal(random, mean, stddev);
            accepted = narrow ? (double)ag_random_uniform(random, 0, 1) * densest <
                                    relative_density(((double)value - m) / s)
                              : value >= low && value <= high;
        } while (!accepted);
        tensor->data[i] = value;
    }
    return AG_OK;
}
