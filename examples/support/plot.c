/* plot.c: line charts as SVG pictures. */
#include "config.h"

#include "support/plot.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The layout, in pixels. */
#define WIDTH 760.0
#define LEFT 64.0
#define RIGHT 736.0
#define FIRST_TOP 84.0 /* below the title and the first panel's heading */
#define PANEL_HEIGHT 200.0
#define PANEL_PITCH 252.0 /* from one panel's top to the next one's */
#define BELOW_PANELS 52.0 /* for the horizontal axis */
#define LEGEND_LINE 22.0
#define LETTER 6.8 /* about the width of one at 12 pixels */

enum {
    MOST_POINTS = 1500, /* a chart this wide shows no more of them on a line */
    MOST_TICKS = 32
};

/* Colours by M. Okabe and K. Ito (2008), told apart by colour-blind readers too. */
static const char *const palette[] = {"#0072b2", "#e69f00", "#009e73",
                                      "#d55e00", "#cc79a7", "#56b4e9"};

/* A range of values, and where it lies on the picture. */
typedef struct plot_axis {
    bool is_logarithmic;
    double low, high;
    double start, end; /* in pixels, of low and of high */
    int num_ticks;
    int digits; /* of a tick's value, after the point */
    double ticks[MOST_TICKS];
} plot_axis;

static bool can_show(const plot_axis *axis, double value)
{
    return isfinite(value) && (!axis->is_logarithmic || value > 0.0);
}

static double place(const plot_axis *axis, double value)
{
    double share = axis->is_logarithmic ? log(value / axis->low) / log(axis->high / axis->low)
                                        : (value - axis->low) / (axis->high - axis->low);
    return axis->start + share * (axis->end - axis->start);
}

static void widen(plot_axis *axis, size_t count, const double *values)
{
    for (size_t i = 0; i < count; i++) {
        if (!can_show(axis, values[i])) continue;
        axis->low = fmin(axis->low, values[i]);
        axis->high = fmax(axis->high, values[i]);
    }
}

/* Gives an axis without different values a range of its own. */
static void complete(plot_axis *axis)
{
    if (axis->low > axis->high) axis->low = axis->high = 1.0;
    double least = 1e-6 * fmax(fabs(axis->low), fabs(axis->high));
    if (axis->high - axis->low > least) return;
    double margin = axis->high != 0.0 ? 0.5 * fabs(axis->high) : 0.5;
    axis->low -= margin;
    axis->high += margin;
}

static void add_tick(plot_axis *axis, double value)
{
    if (axis->num_ticks < MOST_TICKS) axis->ticks[axis->num_ticks++] = value;
}

/* 1, 2 or 5 times a power of ten, for about this many ticks in the range. */
static double nice_distance(double range, double ticks)
{
    double power = pow(10.0, floor(log10(range / ticks)));
    double factor = range / ticks / power;
    return power * (factor < 1.5 ? 1.0 : factor < 3.5 ? 2.0 : factor < 7.5 ? 5.0 : 10.0);
}

/* Ticks at equal distances; the range may be extended to a tick at either end. */
static void set_linear_ticks(plot_axis *axis, double wanted, bool extend)
{
    double distance = nice_distance(axis->high - axis->low, wanted);
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
static void set_logarithmic_ticks(plot_axis *axis)
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

static plot_axis horizontal_axis(const plot *chart)
{
    plot_axis axis = {.low = HUGE_VAL, .high = -HUGE_VAL, .start = LEFT, .end = RIGHT};
    for (size_t i = 0; i < chart->num_panels; i++)
        for (size_t j = 0; j < chart->panels[i].num_series; j++)
            widen(&axis, chart->panels[i].series[j].count, chart->panels[i].series[j].x);
    complete(&axis);
    set_linear_ticks(&axis, 6.0, false);
    return axis;
}

static plot_axis vertical_axis(const plot_panel *panel, double top)
{
    plot_axis axis = {.is_logarithmic = panel->is_logarithmic,
                      .low = HUGE_VAL,
                      .high = -HUGE_VAL,
                      .start = top + PANEL_HEIGHT,
                      .end = top};
    for (size_t i = 0; i < panel->num_series; i++)
        widen(&axis, panel->series[i].count, panel->series[i].y);
    complete(&axis);
    if (axis.is_logarithmic)
        set_logarithmic_ticks(&axis);
    else
        set_linear_ticks(&axis, 5.0, true);
    return axis;
}

static void write_text(FILE *file, double x, double y, const char *attributes, const char *text)
{
    fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
    for (; *text != '\0'; text++) {
        if (*text == '&')
            fputs("&amp;", file);
        else if (*text == '<')
            fputs("&lt;", file);
        else if (*text == '>')
            fputs("&gt;", file);
        else
            fputc(*text, file);
    }
    fputs("</text>\n", file);
}

static void write_line(FILE *file, double x1, double y1, double x2, double y2,
                       const char *attributes)
{
    fprintf(file, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2,
            attributes);
}

static void tick_text(const plot_axis *axis, double value, char text[48])
{
    if (axis->is_logarithmic || axis->digits > 6)
        snprintf(text, 48, "%g", value);
    else
        snprintf(text, 48, "%.*f", axis->digits, value == 0.0 ? 0.0 : value);
}

static void write_vertical_ticks(FILE *file, const plot_axis *y)
{
    char text[48];
    for (int i = 0; i < y->num_ticks; i++) {
        double at = place(y, y->ticks[i]);
        tick_text(y, y->ticks[i], text);
        write_line(file, LEFT, at, RIGHT, at, "stroke=\"#e4e4e4\"");
        write_text(file, LEFT - 8, at + 4, "text-anchor=\"end\" class=\"tick\"", text);
    }
}

static void write_horizontal_ticks(FILE *file, const plot_axis *x, double y, bool with_text)
{
    char text[48];
    for (int i = 0; i < x->num_ticks; i++) {
        double at = place(x, x->ticks[i]);
        write_line(file, at, y, at, y + 5, "stroke=\"#444\"");
        if (!with_text) continue;
        tick_text(x, x->ticks[i], text);
        write_text(file, at, y + 19, "text-anchor=\"middle\" class=\"tick\"", text);
    }
}

static const char *color_of(const plot_series *series)
{
    return palette[series->color % (sizeof palette / sizeof *palette)];
}

static const char *stroke_of(const plot_series *series)
{
    return series->style == PLOT_FAINT_LINE ? "stroke-width=\"1\" stroke-opacity=\"0.3\""
                                            : "stroke-width=\"2\"";
}

static void write_point(FILE *file, double x, double y, const char *color)
{
    fprintf(file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>\n", x, y, color);
}

/* Of a long curve, every k-th point and the last. */
static void write_series(FILE *file, const plot_series *series, const plot_axis *x,
                         const plot_axis *y)
{
    size_t stride = 1 + (series->count > 0 ? series->count - 1 : 0) / MOST_POINTS;
    bool pen_is_down = false;
    fprintf(file, "<path fill=\"none\" stroke-linejoin=\"round\" stroke=\"%s\" %s d=\"",
            color_of(series), stroke_of(series));
    for (size_t i = 0; i < series->count; i++) {
        if (i % stride != 0 && i + 1 != series->count) continue;
        bool is_visible = can_show(x, series->x[i]) && can_show(y, series->y[i]);
        if (is_visible)
            fprintf(file, "%c%.1f %.1f", pen_is_down ? 'L' : 'M', place(x, series->x[i]),
                    place(y, series->y[i]));
        pen_is_down = is_visible;
    }
    fputs("\"/>\n", file);
    if (series->style != PLOT_LINE_WITH_POINTS) return;
    for (size_t i = 0; i < series->count; i++)
        if (can_show(x, series->x[i]) && can_show(y, series->y[i]))
            write_point(file, place(x, series->x[i]), place(y, series->y[i]), color_of(series));
}

/* The legend stands above the panel, from the right, where it hides nothing. */
static void write_legend(FILE *file, const plot_panel *panel, double y)
{
    double x = RIGHT;
    for (size_t i = panel->num_series; i-- > 0;) {
        const plot_series *series = &panel->series[i];
        x -= LEGEND_LINE + 6.0 + LETTER * (double)strlen(series->name);
        char stroke[96];
        snprintf(stroke, sizeof stroke, "stroke=\"%s\" %s", color_of(series), stroke_of(series));
        write_line(file, x, y - 4, x + LEGEND_LINE, y - 4, stroke);
        if (series->style == PLOT_LINE_WITH_POINTS)
            write_point(file, x + LEGEND_LINE / 2, y - 4, color_of(series));
        write_text(file, x + LEGEND_LINE + 6.0, y, "", series->name);
        x -= 18.0;
    }
}

static void write_panel(FILE *file, const plot_panel *panel, const plot_axis *x, double top,
                        bool is_last)
{
    plot_axis y = vertical_axis(panel, top);
    write_vertical_ticks(file, &y);
    write_horizontal_ticks(file, x, y.start, is_last);
    write_line(file, LEFT, y.start, RIGHT, y.start, "stroke=\"#444\"");
    write_line(file, LEFT, y.start, LEFT, y.end, "stroke=\"#444\"");
    for (size_t i = 0; i < panel->num_series; i++)
        write_series(file, &panel->series[i], x, &y);
    write_text(file, LEFT, top - 14, "font-weight=\"bold\"", panel->y_label);
    write_legend(file, panel, top - 14);
}

static void write_picture(FILE *file, const plot *chart)
{
    double height =
        FIRST_TOP + PANEL_PITCH * ((double)chart->num_panels - 1.0) + PANEL_HEIGHT + BELOW_PANELS;
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\" font-family=\"Helvetica, Arial, sans-serif\" "
            "font-size=\"12\" fill=\"#222\">\n",
            WIDTH, height, WIDTH, height);
    fputs("<style>.tick { font-size: 11px; fill: #444 }</style>\n", file);
    fputs("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n", file);
    write_text(file, LEFT, 34, "font-size=\"17\" font-weight=\"bold\"", chart->title);

    plot_axis x = horizontal_axis(chart);
    for (size_t i = 0; i < chart->num_panels; i++)
        write_panel(file, &chart->panels[i], &x, FIRST_TOP + PANEL_PITCH * (double)i,
                    i + 1 == chart->num_panels);
    write_text(file, (LEFT + RIGHT) / 2, height - 12, "text-anchor=\"middle\"", chart->x_label);
    fputs("</svg>\n", file);
}

bool plot_write_svg(const plot *chart, const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) return false;
    write_picture(file, chart);
    bool failed = ferror(file) != 0;
    int error = errno;
    if (fclose(file) != 0) return false;
    if (failed) errno = error;
    return !failed;
}
