/* view.h: things to look at: charts, pictures, graphs, logs, profiles. */
#ifndef AUTOGRAD_VIEW_H
#define AUTOGRAD_VIEW_H

#include <autograd/io.h>
#include <autograd/variable.h>

/* All of these write the file that the caller names and nothing else, as io.h describes it. */

/** How a series is drawn. */
typedef enum ag_plot_style {
    AG_PLOT_LINE,
    AG_PLOT_FAINT_LINE,
    AG_PLOT_LINE_WITH_POINTS,
    AG_PLOT_POINTS
} ag_plot_style;

/** A curve or a cloud of points. Points that are not finite, or not positive on a logarithmic axis,
 * are left out. */
typedef struct ag_plot_series {
    const char *name;    /**< for the legend; NULL: none */
    ag_plot_style style; /**< line or points */
    uint32_t color;      /**< 0, 1, 2 …: ten colours that are easy to tell apart, then again */
    size_t count;        /**< points */
    const float *x;      /**< NULL: 0, 1, 2 … */
    const float *y;      /**< [count] */
    size_t stride;       /**< from one point's x and y to the next one's; 0 means 1 */
} ag_plot_series;

/** Series that share a vertical axis. */
typedef struct ag_plot_panel {
    const char *y_label;          /**< above the panel */
    bool is_logarithmic;          /**< the vertical axis */
    size_t num_series;            /**< at least 1 */
    const ag_plot_series *series; /**< later ones over earlier ones */
} ag_plot_panel;

/** Panels from top to bottom that share the horizontal axis. */
typedef struct ag_plot {
    const char *title;           /**< above the panels */
    const char *x_label;         /**< below them */
    size_t num_panels;           /**< at least 1 */
    const ag_plot_panel *panels; /**< from top to bottom */
} ag_plot;

/** A file of numbers, a row for each step or epoch. */
typedef struct ag_csv_log ag_csv_log;

/** What took how long, from ag_trace_create. */
typedef struct ag_trace ag_trace;

AG_BEGIN_DECLS

/**
 * Writes curves and scatter plots as an SVG picture.
 * @return AG_ERROR_NULL (a label or a series without numbers), AG_ERROR_ARGUMENT (no such style),
 *         AG_ERROR_FILE.
 */
AG_API ag_status ag_save_plot(const char *path, const ag_plot *plot);

/**
 * Writes images side by side as a grey PNG picture.
 * @param images   [n, height, width] or [height, width]; black at low, white at high, NaN black.
 * @param columns  how many images stand in a row.
 * @param zoom     pixels for each element, in both directions.
 * @return AG_ERROR_NULL; AG_ERROR_SHAPE; AG_ERROR_ARGUMENT (columns or zoom 0, unless low < high and
 *         both are finite, a picture of more than 2^15 pixels either way); AG_ERROR_FILE.
 */
AG_API ag_status ag_save_images(const char *path, const ag_tensor *images, uint32_t columns,
                                uint32_t zoom, float low, float high);

/**
 * Writes the graph under a root for Graphviz (dot -Tsvg graph.dot): each node's operation, shape and,
 * if it has a gradient, that one's Euclidean norm. Parameters are blue boxes, inputs grey ones, losses
 * red, other operations ellipses. What the graph does not go back to, such as a loss's target, is not
 * in it.
 * @param scratch  for memory that is given back.
 * @param names    names of some variables' tensors; NULL if count is 0.
 * @return AG_ERROR_NULL, AG_ERROR_STATE (root or a node under it is gone), AG_ERROR_SHAPE (a node's tensor is
 *         damaged), AG_ERROR_MEMORY, AG_ERROR_FILE.
 */
AG_API ag_status ag_save_graph(ag_arena *scratch, const char *path, const ag_variable *root,
                               size_t count, const ag_named_tensor *names);

/**
 * Opens a CSV file for numbers, with the columns' names in its first line. Each row is in the file
 * as soon as ag_csv_log_row returns.
 * @param arena   where the log lives; close it before the arena goes.
 * @param append  go on with a file that has the same first line; else it is replaced.
 * @return NULL on failure: AG_ERROR_NULL; AG_ERROR_ARGUMENT (no columns); AG_ERROR_FORMAT (another
 *         first line); AG_ERROR_FILE; AG_ERROR_MEMORY.
 */
AG_API ag_csv_log *ag_csv_log_open(ag_arena *arena, const char *path, uint32_t num_columns,
                                   const char *const *names, bool append);

/** Adds a row of num_columns numbers, with all their digits; NaN as an empty cell. */
AG_API ag_status ag_csv_log_row(ag_csv_log *log, const double *values);

/** Closes the file. NULL is allowed. @return AG_ERROR_FILE. */
AG_API ag_status ag_csv_log_close(ag_csv_log *log);

/**
 * A profile with room for so many spans; what comes after is counted and not kept.
 * @return NULL on failure: AG_ERROR_NULL, AG_ERROR_ARGUMENT (capacity 0), AG_ERROR_MEMORY.
 */
AG_API ag_trace *ag_trace_create(ag_arena *arena, size_t capacity);

/**
 * Begins a span that ends with the next ag_trace_end; spans may contain others, 64 deep. From one thread.
 * @param name  not copied.
 */
AG_API ag_status ag_trace_begin(ag_trace *trace, const char *name);

/** Ends the span that was begun last. @return AG_ERROR_NULL; AG_ERROR_ARGUMENT if there is none. */
AG_API ag_status ag_trace_end(ag_trace *trace);

/**
 * From now on everything that this thread computes is recorded as a span: each operation's forward and
 * backward with its name and its result's shape, and the steps of optimisers, within the spans that
 * were begun by ag_trace_begin. NULL ends that, and is how a thread begins; it then costs a branch for
 * each operation.
 *     ag_trace *trace = ag_trace_create(arena, 10000);
 *     ag_set_trace(trace);
 *     … a few steps of training …
 *     ag_set_trace(NULL);
 *     ag_save_trace("profile.json", trace);
 * @param trace  must live until another is set. Names of operations of your own are not copied.
 * @return what was set before.
 */
AG_API ag_trace *ag_set_trace(ag_trace *trace);

/** Writes the spans that have ended as Chrome's trace events (for chrome://tracing, ui.perfetto.dev). */
AG_API ag_status ag_save_trace(const char *path, const ag_trace *trace);

AG_END_DECLS

#endif
