/* trace.c: spans of time, written as Chrome's trace events. */
#include "config.h"

#include <autograd/view.h>

#include "core/output.h"
#include "core/profile.h"
#include "view/escape.h"

enum { DEEPEST = 64 };

typedef struct span {
    const char *name;
    const char *part;  /* of what the library did: "forward", "backward", "step"; else NULL */
    double begin, end; /* microseconds since the trace was made; end is negative while it runs */
    uint32_t ndims;    /* of the result; 0 for none */
    uint32_t shape[AG_MAX_DIMS];
} span;

struct ag_trace {
    double start;
    size_t count, capacity;
    size_t lost; /* spans that there was no room for */
    size_t depth;
    size_t open[DEEPEST]; /* the spans that run, the outermost first; capacity for one not kept */
    span *spans;
};

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
    *trace = (ag_trace){.start = ag__microseconds_now(), .capacity = capacity, .spans = spans};
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
        trace->spans[trace->count++] =
            (span){.name = name, .begin = ag__microseconds_now() - trace->start, .end = -1};
    return AG_OK;
}

ag_status ag_trace_end(ag_trace *trace)
{
    if (trace == NULL) return ag__fail_null("trace_end", "trace");
    if (trace->depth == 0) return ag__fail(AG_ERROR_ARGUMENT, "trace_end: no span has been begun");
    size_t index = trace->open[--trace->depth];
    if (index < trace->capacity) trace->spans[index].end = ag__microseconds_now() - trace->start;
    return AG_OK;
}

/* ---- what the library does ---- */

static _Thread_local ag_trace *trace_of_thread;

/* Keeps what an operation or optimiser tells. */
static void hear(void *context, const ag__deed *deed)
{
    ag_trace *trace = context;
    if (trace->count == trace->capacity) {
        trace->lost++;
        return;
    }
    span *kept = &trace->spans[trace->count++];
    *kept = (span){.name = deed->name,
                   .part = deed->part,
                   .begin = deed->begin - trace->start,
                   .end = deed->end - trace->start,
                   .ndims = deed->ndims};
    for (uint32_t d = 0; d < deed->ndims && d < AG_MAX_DIMS; d++)
        kept->shape[d] = deed->shape[d];
}

ag_trace *ag_set_trace(ag_trace *trace)
{
    ag_trace *before = trace_of_thread;
    trace_of_thread = trace;
    ag__listener_of_thread = (ag__listener){trace != NULL ? hear : NULL, trace};
    return before;
}

/* ---- the file ---- */

/* "linear backward", with its part as its category and its shape among its arguments. */
static void write_span(ag__output *output, const span *each)
{
    ag__output_text(output, "\n{\"ph\": \"X\", \"pid\": 1, \"tid\": 1, \"name\": \"");
    ag__output_escaped(output, each->name);
    if (each->part != NULL)
        ag__output_format(output, " %s\", \"cat\": \"%s", each->part, each->part);
    ag__output_format(output, "\", \"ts\": %.3f, \"dur\": %.3f", each->begin,
                      each->end - each->begin);
    for (uint32_t d = 0; d < each->ndims; d++)
        ag__output_format(output, "%s%u", d == 0 ? ", \"args\": {\"shape\": [" : ", ",
                          each->shape[d]);
    ag__output_text(output, each->ndims > 0 ? "]}}" : "}");
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
        ag__output_text(&output, comma);
        write_span(&output, each);
        comma = ",";
    }
    ag__output_text(&output, "\n]}\n");
    return ag__output_close(&output);
}
