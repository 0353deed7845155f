/* trace.c: spans of time, written as Chrome's trace events. */
#include "config.h"

#include <autograd/view.h>

#include <time.h>

#include "core/output.h"
#include "view/escape.h"

enum { DEEPEST = 64 };

typedef struct span {
    const char *name;
    double begin, end; /* microseconds since the trace was made; end is negative while it runs */
} span;

struct ag_trace {
    double start;
    size_t count, capacity;
    size_t lost; /* spans that there was no room for */
    size_t depth;
    size_t open[DEEPEST]; /* the spans that run, the outermost first; capacity for one not kept */
    span *spans;
};

static double microseconds_now(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

ag_trace *ag_trace_create(ag_arena *arena, size_t capacity)
{
    if (arena == NULL) {
        ag__fail_null("trace_create", "arena");
        return NULL;
    }
    if (capacity == 0 || capacity > PTRDIFF_MAX / sizeof(span)) {
        ag__fail(AG_ERROR_ARGUMENT, "trace_create: capacity is %zu", capacity);
        return NULL;
    }
    ag_mark mark = ag_arena_mark(arena);
    ag_trace *trace = ag_arena_alloc(arena, sizeof *trace);
    span *spans = trace != NULL ? ag_arena_alloc(arena, capacity * sizeof *spans) : NULL;
    if (spans == NULL) {
        ag_arena_rewind(arena, mark);
        return NULL;
    }
    *trace = (ag_trace){.start = microseconds_now(), .capacity = capacity, .spans = spans};
    return trace;
}

ag_status ag_trace_begin(ag_trace *trace, const char *name)
{
    if (trace == NULL) return ag__fail_null("trace_begin", "trace");
    if (name == NULL) return ag__fail_missing("trace_begin", "name");
    if (trace->depth == DEEPEST)
        return ag__fail(AG_ERROR_ARGUMENT, "trace_begin: spans are more than %d deep", DEEPEST);
    trace->open[trace->depth++] = trace->count;
    if (trace->count == trace->capacity)
        trace->lost++;
    else
        trace->spans[trace->count++] = (span){name, microseconds_now() - trace->start, -1};
    return AG_OK;
}

ag_status ag_trace_end(ag_trace *trace)
{
    if (trace == NULL) return ag__fail_null("trace_end", "trace");
    if (trace->depth == 0) return ag__fail(AG_ERROR_ARGUMENT, "trace_end: no span has been begun");
    size_t index = trace->open[--trace->depth];
    if (index < trace->capacity) trace->spans[index].end = microseconds_now() - trace->start;
    return AG_OK;
}

ag_status ag_save_trace(const char *path, const ag_trace *trace)
{
    if (path == NULL) return ag__fail_missing("save_trace", "path");
    if (trace == NULL) return ag__fail_null("save_trace", "trace");
    ag__output output;
    const char *comma = "";
    ag__output_open(&output, "save_trace", path);
    ag__output_format(&output, "{\"otherData\": {\"spans_lost\": %zu},\n\"traceEvents\": [",
                      trace->lost);
    for (size_t i = 0; i < trace->count; i++) {
        const span *each = &trace->spans[i];
        if (each->end < 0) continue;
        ag__output_format(&output, "%s\n{\"ph\": \"X\", \"pid\": 1, \"tid\": 1, \"name\": \"",
                          comma);
        ag__output_escaped(&output, each->name);
        ag__output_format(&output, "\", \"ts\": %.3f, \"dur\": %.3f}", each->begin,
                          each->end - each->begin);
        comma = ",";
    }
    ag__output_text(&output, "\n]}\n");
    return ag__output_close(&output);
}
