/* axis.c: the axes of charts: their ranges, ticks and places. */
#include "config.h"

#include "view/axis.h"

#include <math.h>

#include "core/text.h"

bool ag__axis_can_show(const ag__axis *axis, double value)
{
    return isfinite(value) && (!axis->is_logarithmic || value > 0.0);
}

double ag__axis_place(const ag__axis *axis, double value)
{
    double share = axis->is_logarithmic ? log(value / axis->low) / log(axis->high / axis->low)
                                        : (value - axis->low) / (axis->high - axis->low);
    return axis->start + share * (axis->end - axis->start);
}

void ag__axis_widen(ag__axis *axis, double value)
{
    if (!ag__axis_can_show(axis, value)) return;
    axis->low = fmin(axis->low, value);
    axis->high = fmax(axis->high, value);
}

/* Gives an axis without different values a range of its own. */
static void complete(ag__axis *axis)
{
    if (axis->low > axis->high) axis->low = axis->high = 1.0;
    double least = 1e-6 * fmax(fabs(axis->low), fabs(axis->high));
    if (axis->high - axis->low > least) return;
    double margin = axis->high != 0.0 ? 0.5 * fabs(axis->high) : 0.5;
    axis->low -= margin;
    axis->high += margin;
}

static void add_tick(ag__axis *axis, double value)
{
    if (axis->num_ticks < AG__MOST_TICKS) axis->ticks[axis->num_ticks++] = value;
}

/* 1, 2 or 5 times a power of ten, for about this many ticks in the range. */
static double nice_distance(double range, double ticks)
{
    double power = pow(10.0, floor(log10(range / ticks)));
    double factor = range / ticks / power;
    return power * (factor < 1.5 ? 1.0 : factor < 3.5 ? 2.0 : factor < 7.5 ? 5.0 : 10.0);
}

/* Ticks at equal distances; the range may be extended to a tick at either end. */
static void set_linear_ticks(ag__axis *axis, double wanted, bool extend)
{
    double distance = fmax(nice_distance(axis->high - axis->low, wanted), axis->least_distance);
    double first = axis->low / distance, last = axis->high / distance;
    first = extend ? floor(first + 1e-9) : ceil(first - 1e-9);
    last = extend ? ceil(last - 1e-9) : floor(last + 1e-9);
    for (int i = 0; i <= (int)(last - first); i++)
        add_tick(axis, (first + i) * distance);
    double digits = -floor(log10(distance) + 1e-9);
    axis->digits = digits > 0.0 ? (int)digits : 0;
    if (!extend) return;
    axis->low = first * distance;
    axis->high = last * distance;
}

/* Ticks at 1, 2 and 5 times the powers of ten, or over many decades at these alone. */
static void set_logarithmic_ticks(ag__axis *axis)
{
    static const double factors[] = {1.0, 2.0, 5.0};
    int first = (int)floor(log10(axis->low)), last = (int)ceil(log10(axis->high));
    int stride = last - first <= 4 ? 1 : 3 * (1 + (last - first) / 10);
    double low = axis->low, high = axis->high;
    for (int i = 3 * first; i <= 3 * last; i += stride) {
        double value = factors[(i % 3 + 3) % 3] * pow(10.0, floor(i / 3.0));
        if (value <= low * (1.0 + 1e-9)) axis->num_ticks = 0; /* the one before is too low */
        add_tick(axis, value);
        if (value >= high) break;
    }
    axis->low = fmin(low, axis->ticks[0]);
    axis->high = fmax(high, axis->ticks[axis->num_ticks - 1]);
}

void ag__axis_finish(ag__axis *axis, double wanted, bool extend)
{
    complete(axis);
    if (axis->is_logarithmic)
        set_logarithmic_ticks(axis);
    else
        set_linear_ticks(axis, wanted, extend);
}

void ag__axis_tick_text(const ag__axis *axis, double value, char text[48])
{
    if (axis->is_logarithmic || axis->digits > 6)
        ag__print(text, 48, "%g", value);
    else
        ag__print(text, 48, "%.*f", axis->digits, value == 0.0 ? 0.0 : value);
}
