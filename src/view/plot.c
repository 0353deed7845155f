/* plot.c: curves and scatter plots as SVG pictures. */
#include "config.h"

#include <autograd/view.h>

#include <math.h>
#include <string.h>

#include "core/output.h"
#include "core/text.h"
#include "view/axis.h"

/* The layout, in pixels. */
#define WIDTH 760.0
#define LEFT 64.0
#define RIGHT 736.0
#define FIRST_TOP 84.0 /* below the title and the first panel's heading */
#define PANEL_HEIGHT 200.0
#define LONE_PANEL_HEIGHT 340.0
#define BETWEEN_PANELS 52.0
#define BELOW_PANELS 52.0 /* for the horizontal axis */
#define LEGEND_LINE 22.0
#define LETTER 6.8 /* about the width of one at 12 pixels */

enum { MOST_POINTS = 1500 /* a chart this wide shows no more of them on a line */ };

/* Colours by M. Okabe and K. Ito (2008), told apart by colour-blind readers
 * too, and three more. */
static const char *const palette[] = {"#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7",
                                      "#56b4e9", "#000000", "#8c6d31", "#7f7f7f", "#bcbd22"};

/* What a series has at a place. */
static double x_of(const ag_plot_series *series, size_t i)
{
    return series->x != NULL ? (double)series->x[i * (series->stride != 0 ? series->stride : 1)]
                             : (double)i;
}

static double y_of(const ag_plot_series *series, size_t i)
{
    return (double)series->y[i * (series->stride != 0 ? series->stride : 1)];
}

/* Where all are whole, such as epochs, so are the ticks. */
static ag__axis horizontal_axis(const ag_plot *plot)
{
    ag__axis axis = {
        .low = HUGE_VAL, .high = -HUGE_VAL, .start = LEFT, .end = RIGHT, .least_distance = 1.0};
    for (size_t i = 0; i < plot->num_panels; i++)
        for (size_t j = 0; j < plot->panels[i].num_series; j++) {
            const ag_plot_series *series = &plot->panels[i].series[j];
            for (size_t k = 0; k < series->count; k++) {
                double x = x_of(series, k);
                ag__axis_widen(&axis, x);
                if (isfinite(x) && x != floor(x)) axis.least_distance = 0.0;
            }
        }
    ag__axis_finish(&axis, 6.0, false);
    return axis;
}

static ag__axis vertical_axis(const ag_plot_panel *panel, double top, double height)
{
    ag__axis axis = {.is_logarithmic = panel->is_logarithmic,
                     .low = HUGE_VAL,
                     .high = -HUGE_VAL,
                     .start = top + height,
                     .end = top};
    for (size_t j = 0; j < panel->num_series; j++)
        for (size_t k = 0; k < panel->series[j].count; k++)
            ag__axis_widen(&axis, y_of(&panel->series[j], k));
    ag__axis_finish(&axis, 5.0, true);
    return axis;
}

static void write_text(ag__output *output, double x, double y, const char *attributes,
                       const char *text)
{
    ag__output_format(output, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
    for (; *text != '\0'; text++) {
        if (*text == '&')
            ag__output_text(output, "&amp;");
        else if (*text == '<')
            ag__output_text(output, "&lt;");
        else
            ag__output_bytes(output, (unsigned char)*text < 0x20 ? " " : text, 1);
    }
    ag__output_text(output, "</text>\n");
}

static void write_line(ag__output *output, double x1, double y1, double x2, double y2,
                       const char *attributes)
{
    ag__output_format(output, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1,
                      y1, x2, y2, attributes);
}

static void write_vertical_ticks(ag__output *output, const ag__axis *y)
{
    char text[48];
    for (int i = 0; i < y->num_ticks; i++) {
        double at = ag__axis_place(y, y->ticks[i]);
        ag__axis_tick_text(y, y->ticks[i], text);
        write_line(output, LEFT, at, RIGHT, at, "stroke=\"#e4e4e4\"");
        write_text(output, LEFT - 8, at + 4, "text-anchor=\"end\" class=\"tick\"", text);
    }
}

static void write_horizontal_ticks(ag__output *output, const ag__axis *x, double y, bool with_text)
{
    char text[48];
    for (int i = 0; i < x->num_ticks; i++) {
        double at = ag__axis_place(x, x->ticks[i]);
        write_line(output, at, y, at, y + 5, "stroke=\"#444\"");
        if (!with_text) continue;
        ag__axis_tick_text(x, x->ticks[i], text);
        write_text(output, at, y + 19, "text-anchor=\"middle\" class=\"tick\"", text);
    }
}

static const char *color_of(const ag_plot_series *series)
{
    return palette[series->color % (sizeof palette / sizeof *palette)];
}

static const char *stroke_of(const ag_plot_series *series)
{
    return series->style == AG_PLOT_FAINT_LINE ? "stroke-width=\"1\" stroke-opacity=\"0.3\""
                                               : "stroke-width=\"2\"";
}

static bool has_points(const ag_plot_series *series)
{
    return series->style == AG_PLOT_POINTS || series->style == AG_PLOT_LINE_WITH_POINTS;
}

/* Points of a cloud lie over each other and let each other through. */
static void write_point(ag__output *output, double x, double y, const ag_plot_series *series)
{
    ag__output_format(output, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" fill=\"%s\"/>\n", x, y,
                      series->style == AG_PLOT_POINTS ? "2.6\" fill-opacity=\"0.55" : "3.5",
                      color_of(series));
}

static bool is_visible(const ag_plot_series *series, size_t i, const ag__axis *x, const ag__axis *y)
{
    return ag__axis_can_show(x, x_of(series, i)) && ag__axis_can_show(y, y_of(series, i));
}

/* Of a long curve, every k-th point and the last. */
static void write_curve(ag__output *output, const ag_plot_series *series, const ag__axis *x,
                        const ag__axis *y)
{
    size_t stride = 1 + (series->count > 0 ? series->count - 1 : 0) / MOST_POINTS;
    bool pen_is_down = false;
    ag__output_format(output, "<path fill=\"none\" stroke-linejoin=\"round\" stroke=\"%s\" %s d=\"",
                      color_of(series), stroke_of(series));
    for (size_t i = 0; i < series->count; i++) {
        if (i % stride != 0 && i + 1 != series->count) continue;
        bool visible = is_visible(series, i, x, y);
        if (visible)
            ag__output_format(output, "%c%.1f %.1f", pen_is_down ? 'L' : 'M',
                              ag__axis_place(x, x_of(series, i)),
                              ag__axis_place(y, y_of(series, i)));
        pen_is_down = visible;
    }
    ag__output_text(output, "\"/>\n");
}

static void write_series(ag__output *output, const ag_plot_series *series, const ag__axis *x,
                         const ag__axis *y)
{
    if (series->style != AG_PLOT_POINTS) write_curve(output, series, x, y);
    if (!has_points(series)) return;
    for (size_t i = 0; i < series->count; i++)
        if (is_visible(series, i, x, y))
            write_point(output, ag__axis_place(x, x_of(series, i)),
                        ag__axis_place(y, y_of(series, i)), series);
}

/* The legend stands above the panel, from the right, where it hides nothing. */
static void write_legend(ag__output *output, const ag_plot_panel *panel, double y)
{
    double x = RIGHT;
    for (size_t i = panel->num_series; i-- > 0;) {
        const ag_plot_series *series = &panel->series[i];
        if (series->name == NULL) continue;
        x -= LEGEND_LINE + 6.0 + LETTER * (double)strlen(series->name);
        char stroke[96];
        ag__print(stroke, sizeof stroke, "stroke=\"%s\" %s", color_of(series), stroke_of(series));
        if (series->style != AG_PLOT_POINTS)
            write_line(output, x, y - 4, x + LEGEND_LINE, y - 4, stroke);
        if (has_points(series)) write_point(output, x + LEGEND_LINE / 2, y - 4, series);
        write_text(output, x + LEGEND_LINE + 6.0, y, "", series->name);
        x -= 18.0;
    }
}

static void write_panel(ag__output *output, const ag_plot_panel *panel, const ag__axis *x,
                        double top, double height, bool is_last)
{
    ag__axis y = vertical_axis(panel, top, height);
    write_vertical_ticks(output, &y);
    write_horizontal_ticks(output, x, y.start, is_last);
    write_line(output, LEFT, y.start, RIGHT, y.start, "stroke=\"#444\"");
    write_line(output, LEFT, y.start, LEFT, y.end, "stroke=\"#444\"");
    for (size_t i = 0; i < panel->num_series; i++)
        write_series(output, &panel->series[i], x, &y);
    write_text(output, LEFT, top - 14, "font-weight=\"bold\"", panel->y_label);
    write_legend(output, panel, top - 14);
}

static void write_picture(ag__output *output, const ag_plot *plot)
{
    double panel_height = plot->num_panels > 1 ? PANEL_HEIGHT : LONE_PANEL_HEIGHT;
    double pitch = panel_height + BETWEEN_PANELS; /* from one panel's top to the next one's */
    double height = FIRST_TOP + pitch * (double)plot->num_panels - BETWEEN_PANELS + BELOW_PANELS;
    ag__output_format(output,
                      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
                      "viewBox=\"0 0 %.0f %.0f\" font-family=\"Helvetica, Arial, sans-serif\" "
                      "font-size=\"12\" fill=\"#222\">\n",
                      WIDTH, height, WIDTH, height);
    ag__output_text(output, "<style>.tick { font-size: 11px; fill: #444 }</style>\n");
    ag__output_text(output, "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
    write_text(output, LEFT, 34, "font-size=\"17\" font-weight=\"bold\"", plot->title);

    ag__axis x = horizontal_axis(plot);
    for (size_t i = 0; i < plot->num_panels; i++)
        write_panel(output, &plot->panels[i], &x, FIRST_TOP + pitch * (double)i, panel_height,
                    i + 1 == plot->num_panels);
    write_text(output, (LEFT + RIGHT) / 2, height - 12, "text-anchor=\"middle\"", plot->x_label);
    ag__output_text(output, "</svg>\n");
}

static ag_status check_series(const ag_plot_series *series)
{
    if (series->y == NULL && series->count > 0) return ag__fail_missing("save_plot", "a series' y");
    if ((unsigned)series->style > AG_PLOT_POINTS)
        return ag__fail(AG_ERROR_ARGUMENT, "save_plot: style is %d, which is none",
                        (int)series->style);
    return AG_OK;
}

static ag_status check(const ag_plot *plot)
{
    if (plot == NULL) return ag__fail_missing("save_plot", "plot");
    if (plot->title == NULL || plot->x_label == NULL)
        return ag__fail_missing("save_plot", plot->title == NULL ? "title" : "x_label");
    if (plot->panels == NULL || plot->num_panels == 0)
        return ag__fail_missing("save_plot", "panels");
    for (size_t i = 0; i < plot->num_panels; i++) {
        const ag_plot_panel *panel = &plot->panels[i];
        if (panel->y_label == NULL) return ag__fail_missing("save_plot", "y_label");
        if (panel->series == NULL && panel->num_series > 0)
            return ag__fail_missing("save_plot", "series");
        for (size_t j = 0; j < panel->num_series; j++) {
            ag_status status = check_series(&panel->series[j]);
            if (status != AG_OK) return status;
        }
    }
    return AG_OK;
}

ag_status ag_save_plot(const char *path, const ag_plot *plot)
{
    if (path == NULL) return ag__fail_missing("save_plot", "path");
    ag_status status = check(plot);
    if (status != AG_OK) return status;
    ag__output output;
    ag__output_open(&output, "save_plot", path);
    write_picture(&output, plot);
    return ag__output_close(&output);
}
