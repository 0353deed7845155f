/* assertions.h: what test programs say about statuses and failures. */
#ifndef TESTS_ASSERTIONS_H
#define TESTS_ASSERTIONS_H

#include <check.h>
#include <string.h>

#include <autograd/status.h>

static inline void succeed(ag_status status)
{
    ck_assert_msg(status == AG_OK, "%s: %s", ag_status_name(status), ag_last_error());
}

/* The last failure was this one, and its reason says so; it is forgotten. */
static inline void assert_last_failure(ag_status status, const char *fragment)
{
    ck_assert_str_eq(ag_status_name(ag_last_status()), ag_status_name(status));
    ck_assert_msg(strstr(ag_last_error(), fragment) != NULL, "\"%s\" does not say \"%s\"",
                  ag_last_error(), fragment);
    ag_clear_error();
}

/* The same with all of what it says. */
static inline void assert_last_message(ag_status status, const char *message)
{
    ck_assert_str_eq(ag_status_name(ag_last_status()), ag_status_name(status));
    ck_assert_str_eq(ag_last_error(), message);
    ag_clear_error();
}

/* A call that gives a status failed, and its reason says so. */
static inline void assert_fails(ag_status actual, ag_status status, const char *fragment)
{
    ck_assert_str_eq(ag_status_name(actual), ag_status_name(status));
    assert_last_failure(status, fragment);
}

/* A call that gives a pointer failed with this message. */
static inline void must_fail(const void *result, ag_status status, const char *message)
{
    ck_assert_ptr_null(result);
    assert_last_message(status, message);
}

#endif
