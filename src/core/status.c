/* status.c: the last failure of each thread. */
#include "config.h"

#include "core/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local ag_status last_status = AG_OK;
static _Thread_local char last_error[512];

ag_status ag__fail(ag_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last_error, sizeof last_error, format, arguments);
    va_end(arguments);
    last_status = status;
    return status;
}

ag_status ag__fail_missing(const char *function, const char *argument)
{
    return ag__fail(AG_ERROR_NULL, "%s: %s is NULL", function, argument);
}

ag_status ag__fail_null(const char *function, const char *argument)
{
    if (last_status != AG_OK) return last_status;
    return ag__fail_missing(function, argument);
}

ag_status ag__fail_in(const char *function)
{
    char reason[sizeof last_error];
    memcpy(reason, last_error, sizeof reason);
    return ag__fail(last_status, "%s: %s", function, reason);
}

ag_status ag_last_status(void)
{
    return last_status;
}

const char *ag_last_error(void)
{
    return last_error;
}

void ag_clear_error(void)
{
    last_status = AG_OK;
    last_error[0] = '\0';
}

const char *ag_status_name(ag_status status)
{
    switch (status) {
#define STATUS_NAME(name, value, text)                                                             \
    case name: return #name;
        AG_STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
    }
    return "AG_ERROR_UNKNOWN";
}

const char *ag_status_text(ag_status status)
{
    switch (status) {
#define STATUS_TEXT(name, value, text)                                                             \
    case name: return text;
        AG_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "unknown status";
}
