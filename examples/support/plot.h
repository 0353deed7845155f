/* plot.h: line charts as SVG pictures. */
#ifndef SUPPORT_PLOT_H
#define SUPPORT_PLOT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum plot_style { PLOT_LINE, PLOT_FAINT_LINE, PLOT_LINE_WITH_POINTS } plot_style;

/* A curve; points that are not finite, or not positive on a logarithmic axis, are left out. */
typedef struct plot_series {
    const char *name; /* for the legend */
    plot_style style;
    unsigned color; /* 0, 1, 2 …: colours that are easy to tell apart */
    size_t count;
    const double *x;
    const double *y;
} plot_series;

/* Curves that share a vertical axis. */
typedef struct plot_panel {
    const char *y_label;
    bool is_logarithmic;
    size_t num_series;
    const plot_series *series;
} plot_panel;

/* Panels from top to bottom that share the horizontal axis. */
typedef struct plot {
    const char *title;
    const char *x_label;
    size_t num_panels;
    const plot_panel *panels;
} plot;

/* Writes the picture. Returns false, with the reason in errno, if the file cannot be written. */
bool plot_write_svg(const plot *chart, const char *path);

#endif
