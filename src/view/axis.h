/* axis.h: the axes of charts: their ranges, ticks and places. */
#ifndef AG_VIEW_AXIS_H
#define AG_VIEW_AXIS_H

#include <autograd/api.h>

enum { AG__MOST_TICKS = 32 };

/* A range of values, and where it lies on the picture. */
typedef struct ag__axis {
    bool is_logarithmic;
    double low, high;
    double start, end;     /* in pixels, of low and of high */
    double least_distance; /* between ticks; 0 for any */
    int num_ticks;
    int digits; /* of a tick's value, after the point */
    double ticks[AG__MOST_TICKS];
} ag__axis;

/* Whether a value has a place on the axis, and which. */
bool ag__axis_can_show(const ag__axis *axis, double value);
double ag__axis_place(const ag__axis *axis, double value);

/* Extends the range to a value. */
void ag__axis_widen(ag__axis *axis, double value);

/*
 * Chooses about so many ticks once the range is known. The range may be extended to a tick at either
 * end; that of a logarithmic axis is.
 */
void ag__axis_finish(ag__axis *axis, double wanted, bool extend);

/* How a tick's value is written. */
void ag__axis_tick_text(const ag__axis *axis, double value, char text[48]);

#endif
